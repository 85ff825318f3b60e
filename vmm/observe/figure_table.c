/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each number of a snapshot is. See figures.h. */
#include "vmm/observe/figures.h"

#include <string.h>

#define RUN(field, name, unit, counter, help) {FIGURE_RUN, name, unit, counter, FIGURE_PLAIN, offsetof(struct figures, field), help}
#define VGPU(field, name, unit, counter, dimension, help) {FIGURE_VGPU, name, unit, counter, dimension, offsetof(struct figures_user, field), help}
#define VM(field, name, unit, counter, dimension, help) {FIGURE_VM, name, unit, counter, dimension, offsetof(struct figures_user, field), help}

enum { GAUGE = false, COUNTER = true };

const struct figure_desc figure_descs[] = {
    RUN(uptime_ns, "uptime_ns", FIGURE_NS, GAUGE, "Time since the run began"),
    RUN(trace_records, "trace_records", FIGURE_NUMBER, COUNTER, "Events that were recorded for traces and the timeline"),
    RUN(trace_lost, "trace_lost", FIGURE_NUMBER, COUNTER, "Recorded events that were overwritten before they were written out"),
    RUN(left_out, "left_out", FIGURE_NUMBER, COUNTER, "3D, media and compute commands that the model did not execute"),
    RUN(scrapes, "scrapes", FIGURE_NUMBER, COUNTER, "Answers to requests for metrics"),
    RUN(scrapes_dropped, "scrapes_dropped", FIGURE_NUMBER, COUNTER, "Connections for metrics that were too slow, too many or malformed"),

    VGPU(weight, "weight", FIGURE_NUMBER, GAUGE, FIGURE_PLAIN, "Share of each engine's time against other vGPUs"),
    VGPU(busy_ns, "busy_ns", FIGURE_NS, COUNTER, FIGURE_ENGINE, "Time that the engine worked for this vGPU, by the GPU's own time stamps"),
    VGPU(submitted, "submitted", FIGURE_NUMBER, COUNTER, FIGURE_ENGINE, "Workloads that were queued"),
    VGPU(completed, "completed", FIGURE_NUMBER, COUNTER, FIGURE_ENGINE, "Workloads that ran to their end"),
    VGPU(queued, "queued", FIGURE_NUMBER, GAUGE, FIGURE_ENGINE, "Workloads that wait or run now"),
    VGPU(preempted, "preempted", FIGURE_NUMBER, COUNTER, FIGURE_ENGINE, "Workloads that were taken off the engine for another vGPU or at the guest's wish"),
    VGPU(hung, "hung", FIGURE_NUMBER, COUNTER, FIGURE_ENGINE, "Workloads that were cancelled because they made no progress or stopped on an error"),
    VGPU(resets, "resets", FIGURE_NUMBER, COUNTER, FIGURE_ENGINE, "Resets of the physical engine because of this vGPU"),
    VGPU(rejected, "rejected", FIGURE_NUMBER, COUNTER, FIGURE_ENGINE, "Commands that the audit rejected"),
    VGPU(replaced, "replaced", FIGURE_NUMBER, COUNTER, FIGURE_ENGINE, "Commands or register loads that the audit left out"),
    VGPU(longest_hold_ns, "longest_hold_ns", FIGURE_NS, GAUGE, FIGURE_PLAIN, "Longest time that an engine took to let go of this vGPU for another"),
    VGPU(traps, "traps", FIGURE_NUMBER, COUNTER, FIGURE_TRAP, "Accesses of the guest that left the guest"),
    VGPU(delayed, "traps_delayed", FIGURE_NUMBER, COUNTER, FIGURE_PLAIN, "Accesses that had to wait because of trap_limit"),
    VGPU(delayed_ns, "traps_delay_ns", FIGURE_NS, COUNTER, FIGURE_PLAIN, "Time that these accesses waited"),
    VGPU(unknown_registers, "unknown_registers", FIGURE_NUMBER, COUNTER, FIGURE_PLAIN, "Accesses to registers without a definition"),
    VGPU(interrupts, "interrupts", FIGURE_NUMBER, COUNTER, FIGURE_PLAIN, "Interrupts that were sent to the guest"),
    VGPU(guest_resets, "guest_resets", FIGURE_NUMBER, COUNTER, FIGURE_PLAIN, "Resets of the vGPU or its engines by the guest"),
    VGPU(failures, "failures", FIGURE_NUMBER, COUNTER, FIGURE_PLAIN, "Times that the vGPU was disabled because of what its guest did"),
    VGPU(frames, "frames", FIGURE_NUMBER, COUNTER, FIGURE_PLAIN, "Pictures that became visible on the virtual monitor"),
    VGPU(vblanks, "vblanks", FIGURE_NUMBER, COUNTER, FIGURE_PLAIN, "Vertical blanks of the virtual monitor"),
    VGPU(shadow_tables, "shadow_tables", FIGURE_NUMBER, GAUGE, FIGURE_PLAIN, "Shadow page tables of 4 KiB that were taken so far"),
    VGPU(shadow_tables_limit, "shadow_tables_limit", FIGURE_NUMBER, GAUGE, FIGURE_PLAIN, "Shadow page tables that the vGPU may have"),
    VGPU(quota_most, "quota_most", FIGURE_NUMBER, GAUGE, FIGURE_QUOTA, "The most that the vGPU ever had of what is limited"),
    VGPU(quota_limit, "quota_limit", FIGURE_NUMBER, GAUGE, FIGURE_QUOTA, "What the vGPU may have of it"),

    VM(vcpus, "vcpus", FIGURE_NUMBER, GAUGE, FIGURE_PLAIN, "Virtual CPUs"),
    VM(exits, "exits", FIGURE_NUMBER, COUNTER, FIGURE_EXIT, "Times that a vCPU came out of the guest to this program"),
    VM(memory, "memory_bytes", FIGURE_BYTES, GAUGE, FIGURE_PLAIN, "The guest's RAM"),
    VM(resident, "resident_bytes", FIGURE_BYTES, GAUGE, FIGURE_PLAIN, "Host memory that the guest's RAM takes by now"),
};
const size_t figure_count = G_N_ELEMENTS(figure_descs);

const struct figure_desc *figure_find(const char *name)
{
    for (size_t i = 0; i < figure_count; i++)
        if (strcmp(figure_descs[i].name, name) == 0)
            return &figure_descs[i];
    return NULL;
}

/* The classes of traps in trace_event's order: short names, for columns. */
static const char *const trap_names[FIGURES_TRAPS] = {
    [TRACE_TRAP_CONFIG] = "config",   [TRACE_TRAP_READ] = "read",       [TRACE_TRAP_WRITE] = "write",
    [TRACE_TRAP_ELSP] = "elsp",       [TRACE_TRAP_INTERRUPT] = "irq",   [TRACE_TRAP_DISPLAY] = "display",
    [TRACE_TRAP_PVINFO] = "pvinfo",   [TRACE_TRAP_GTT] = "gtt",         [TRACE_TRAP_APERTURE] = "aperture",
};

static const char *engine_name(unsigned index)
{
    return gpu_engine_name(index);
}

static const char *trap_name(unsigned index)
{
    return trap_names[index];
}

static const char *exit_name(unsigned index)
{
    return machine_exit_names[index];
}

static const char *quota_name(unsigned index)
{
    return sched_quotas[index].name;
}

static const struct {
    unsigned length;
    const char *label;
    const char *(*name)(unsigned index);
} dimensions[FIGURE_DIMENSIONS] = {
    [FIGURE_PLAIN] = {1, NULL, NULL},
    [FIGURE_ENGINE] = {ENGINE_COUNT, "engine", engine_name},
    [FIGURE_TRAP] = {FIGURES_TRAPS, "class", trap_name},
    [FIGURE_EXIT] = {MACHINE_EXITS, "reason", exit_name},
    [FIGURE_QUOTA] = {SCHED_QUOTAS, "of", quota_name},
};

unsigned figure_length(enum figure_dimension dimension)
{
    return dimensions[dimension].length;
}

const char *figure_label(enum figure_dimension dimension)
{
    return dimensions[dimension].label;
}

const char *figure_index_name(enum figure_dimension dimension, unsigned index)
{
    return dimensions[dimension].name ? dimensions[dimension].name(index) : NULL;
}

const uint64_t *figure_values(const struct figure_desc *desc, const struct figures *figures, unsigned user)
{
    const void *base = desc->subject == FIGURE_RUN ? (const void *)figures : &figures->users[user];

    return (const uint64_t *)(const void *)((const char *)base + desc->offset);
}
