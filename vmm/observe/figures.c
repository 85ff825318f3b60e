/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the snapshot. See figures.h; the table is in figure_table.c. */
#include "vmm/observe/figures.h"

#include "mmio/vgpu.h"

const char *const figures_state_names[FIGURES_STATES] = {
    [FIGURES_RUNNING] = "running",   [FIGURES_WAITING] = "waiting", [FIGURES_PAUSED] = "paused",
    [FIGURES_EXITED] = "shut down",  [FIGURES_STOPPED] = "stopped", [FIGURES_DISABLED] = "vGPU disabled",
    [FIGURES_CRASHED] = "crashed",   [FIGURES_FAILED] = "failed",
};

static void add_counts(struct figures_user *user, const struct trace *trace, unsigned id)
{
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        /* What ended is read first, so that it is never more than what began. */
        uint64_t ended = trace_count_engine(trace, id, e, TRACE_COMPLETE) + trace_count_engine(trace, id, e, TRACE_HANG);
        user->submitted[e] = trace_count_engine(trace, id, e, TRACE_SUBMIT);
        user->queued[e] = user->submitted[e] - MIN(ended, user->submitted[e]);
        user->preempted[e] = trace_count_engine(trace, id, e, TRACE_PREEMPT);
        user->hung[e] = trace_count_engine(trace, id, e, TRACE_HANG);
        user->resets[e] = trace_count_engine(trace, id, e, TRACE_ENGINE_RESET);
        user->rejected[e] = trace_count_engine(trace, id, e, TRACE_AUDIT_REJECT);
        user->replaced[e] = trace_count_engine(trace, id, e, TRACE_AUDIT_NOOP);
    }
    for (unsigned t = 0; t < FIGURES_TRAPS; t++)
        user->traps[t] = trace_count(trace, id, (enum trace_event)t);
    user->unknown_registers = trace_count(trace, id, TRACE_UNKNOWN_REGISTER);
    user->interrupts = trace_count(trace, id, TRACE_VIRQ);
    user->guest_resets = trace_count(trace, id, TRACE_VGPU_RESET);
    user->failures = trace_count(trace, id, TRACE_VGPU_FAILED);
}

static void add_vgpu(struct figures_user *user, const struct vgpu_stats *stats)
{
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        user->busy_ns[e] = stats->usage.busy_ns[e];
        user->completed[e] = stats->usage.workloads[e];
    }
    user->longest_hold_ns = stats->usage.longest_hold_ns;
    user->delayed = stats->delayed;
    user->delayed_ns = stats->delayed_ns;
    user->frames = stats->frames;
    user->vblanks = stats->vblanks;
    user->shadow_tables = stats->shadow_tables;
    user->shadow_tables_limit = stats->shadow_tables_max;
    for (unsigned q = 0; q < SCHED_QUOTAS; q++) {
        user->quota_most[q] = stats->usage.most[q];
        user->quota_limit[q] = sched_quotas[q].limit;
    }
}

static void take_user(const struct figures_source *source, unsigned index, struct figures_user *user)
{
    const struct gpu_user settings = gpu_setup_copy_user(source->gpu, index);
    unsigned id = gpu_setup_trace_id(source->gpu, index);
    g_autofree char *failure = gpu_setup_failure(source->gpu, index);
    struct vgpu_stats stats = {0};

    user->index = index;
    user->name = g_strdup(settings.name);
    user->type = g_strdup(settings.type);
    user->weight = gpu_user_weight(&settings);
    if (id) /* else the trace's host: its counts are not this user's */
        add_counts(user, source->trace, id);
    if (gpu_setup_stats(source->gpu, index, &stats))
        add_vgpu(user, &stats);
    if (failure) {
        user->state = FIGURES_DISABLED;
        user->reason = g_steal_pointer(&failure);
    }
    if (source->add)
        source->add(source->opaque, index, user);
}

uint64_t figures_left_out(const struct figures_source *source)
{
    uint64_t count = 0;

    for (unsigned id = 0; id < TRACE_MAX_VGPUS; id++)
        count += trace_count(source->trace, id, TRACE_MODEL_LEFT_OUT);
    return count;
}

struct figures *figures_take(const struct figures_source *source)
{
    struct figures *figures = g_new0(struct figures, 1);

    unsigned places = gpu_setup_count(source->gpu);
    figures->users = g_new0(struct figures_user, places);
    for (unsigned i = 0; i < places; i++)
        if (gpu_setup_copy_user(source->gpu, i).name[0])
            take_user(source, i, &figures->users[figures->count++]);
    figures->policy = g_strdup(source->policy);
    figures->uptime_ns = trace_now_ns() - source->start_ns;
    figures->trace_records = trace_recorded(source->trace);
    figures->trace_lost = trace_lost(source->trace);
    figures->scrapes = source->scrapes;
    figures->scrapes_dropped = source->scrapes_dropped;
    figures->left_out = figures_left_out(source);
    return figures;
}

void figures_free(struct figures *figures)
{
    if (!figures)
        return;
    for (unsigned i = 0; i < figures->count; i++) {
        g_free(figures->users[i].name);
        g_free(figures->users[i].type);
        g_free(figures->users[i].reason);
    }
    g_free(figures->users);
    g_free(figures->policy);
    g_free(figures);
}

void figures_add_machine(struct figures_user *figures, struct machine *machine)
{
    static const enum figures_state states[] = {
        [MACHINE_RUNNING] = FIGURES_RUNNING, [MACHINE_EXITED] = FIGURES_EXITED, [MACHINE_CRASHED] = FIGURES_CRASHED,
        [MACHINE_STOPPED] = FIGURES_STOPPED, [MACHINE_FAILED] = FIGURES_FAILED,
    };
    struct machine_usage usage;

    if (!machine)
        return;
    machine_usage(machine, &usage);
    figures->vcpus = usage.vcpus;
    figures->memory = usage.memory;
    figures->resident = usage.resident;
    for (unsigned e = 0; e < MACHINE_EXITS; e++)
        figures->exits[e] = usage.exits[e];
    struct machine_result result = machine_result(machine);
    if (result.end == MACHINE_RUNNING) { /* a disabled vGPU is worth more than that its guest runs on */
        if (figures->state == FIGURES_RUNNING && machine_is_paused(machine))
            figures->state = FIGURES_PAUSED;
        return;
    }
    figures->state = states[result.end];
    g_free(figures->reason);
    figures->reason = result.end == MACHINE_EXITED && result.status != 0 ? g_strdup_printf("left with status %u", result.status)
                                                                         : g_strdup(result.message);
}
