/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hang check: an engine for which another client waits must answer a submission within the hang time, and one that shows no progress is
 * asked by a pulse whether it still lets go. One that does not, or that stopped on an error, is reset; the client whose context ran pays for
 * it, all others go on. A context that nobody waits for, or that can be preempted, harms nobody however long it takes: its guest's own
 * driver judges it (i915 makes no batch of a vGPU preemptible, and long ones are no hangs). On the scheduler's thread, under its lock.
 */
#include "scheduler/scheduler_internal.h"

#include <gio/gio.h>

/*
 * Who holds the engine: the context that runs or, when the engine was idle and has not even acknowledged the submission, the one that it
 * loads (a workaround batch that does not end).
 */
static struct shadow_context *holder(const struct sched_engine *engine)
{
    return engine->active[0].hw || !engine->waiting ? engine->active[0].context : engine->pending[0].context;
}

/* Whether a client that does not hold the engine wants it, or wants its work back from it. */
static bool contested(const struct sched_engine *engine)
{
    const struct shadow_context *context = holder(engine);
    const struct sched_lane *held = context ? &context->client->lanes[engine->index] : NULL;

    for (unsigned i = 0; i < engine->policy.entities->len; i++) {
        const struct sched_lane *lane = lane_of(policy_entity_at(&engine->policy, i));
        if (lane != held && (lane->entity.ready || lane->resetting || lane->preempting))
            return true;
    }
    return false;
}

/*
 * How long the engine may be held while somebody else waits for it. A guest that hangs it over and over would stop everybody's picture for
 * the hang time each time: with each reset in a row its lane gets half of the patience.
 */
static uint64_t patience(const struct scheduler *scheduler, const struct sched_engine *engine, uint64_t now)
{
    enum { MAX_HALVINGS = 16 };
    const struct shadow_context *context = holder(engine);
    const struct sched_lane *lane = context ? &context->client->lanes[engine->index] : NULL;

    if (!lane || !lane->strikes || now - lane->struck_at > SCHED_FORGIVE_NS)
        return scheduler->hang_ns;
    return MAX(scheduler->hang_ns >> MIN(lane->strikes, (unsigned)MAX_HALVINGS), MIN(scheduler->hang_ns, SCHED_MIN_PATIENCE_NS));
}

static void strike(const struct sched_engine *engine, uint64_t now)
{
    const struct shadow_context *context = holder(engine);

    if (!context)
        return;
    struct sched_lane *lane = &context->client->lanes[engine->index];
    lane->strikes = lane->strikes && now - lane->struck_at > SCHED_FORGIVE_NS ? 1 : lane->strikes + 1;
    lane->struck_at = now;
}

/*
 * Resets the engine. The workload that ran (if it is not its own client's reset) and what stands behind it in its context are HUNG. Nothing else of that
 * client may run there before the client resets the engine: on hardware that would find it standing still, with all other contexts untouched.
 */
static void reset(struct scheduler *scheduler, struct sched_engine *engine, const char *reason, uint64_t now)
{
    struct shadow_context *guilty = holder(engine);
    const bool waiting = engine->waiting;
    g_autoptr(GError) error = NULL;

    trace_emit(scheduler->trace, TRACE_ENGINE_RESET, guilty ? guilty->client->id : TRACE_HOST, engine->index, reason != NULL, 0);
    engine_retire(scheduler, engine, now); /* what was complete before stays complete */
    if (guilty && reason)
        error_capture(scheduler, engine, guilty, reason);
    if (!driver_engine_reset(scheduler->driver, engine->index, &error)) {
        g_warning("%s: %s; the engine is out of use", gpu_engine_name(engine->index), error->message);
        engine->dead = true;
    }
    switched_registers_lost(scheduler, engine->index);
    engine->active[0] = engine->active[1] = engine->pending[0] = engine->pending[1] = (struct sched_port){0};
    engine->waiting = engine->error = false;
    engine->running = NULL;
    g_ptr_array_set_size(engine->candidates, 0);
    engine->progress_since = engine->accounted_at = now;
    if (!guilty)
        return;
    if (waiting)
        engine_note_hold(engine, guilty->client, now);
    struct sched_lane *lane = &guilty->client->lanes[engine->index];
    lane->entity.running = false;
    if (lane->entity.running_ns) /* what it used counts, although no time stamp tells */
        policy_charge(&engine->policy, &lane->entity, lane->entity.running_ns, now);
    guilty->client->usage.busy_ns[engine->index] += lane->entity.running_ns;
    lane->entity.running_ns = 0;
    shadow_ring_skip(guilty);
    guilty->charged = shadow_state(guilty)[CTX_TIMESTAMP];
    for (GList *link = lane->queue.head, *next; link; link = next) {
        struct workload *workload = link->data;
        next = link->next;
        if (workload->complete)
            workload_end(workload, WORKLOAD_DONE, NULL);
        else if (!lane->resetting)
            workload_end(workload, workload->context == guilty ? WORKLOAD_HUNG : WORKLOAD_CANCELLED, reason);
    }
    lane->hung = true; /* a reset that is under way ends it again */
    lane_update_ready(scheduler, lane, now);
}

/* All workloads of an engine that cannot be reset. */
static void drain_dead(struct scheduler *scheduler, struct sched_engine *engine)
{
    for (unsigned i = 0; i < scheduler->clients->len; i++) {
        struct sched_lane *lane = &((struct sched_client *)g_ptr_array_index(scheduler->clients, i))->lanes[engine->index];
        struct workload *workload;
        while (!lane->resetting && (workload = g_queue_peek_head(&lane->queue)) != NULL)
            workload_end(workload, WORKLOAD_HUNG, "the engine is out of use");
    }
}

static bool client_wants_reset(const struct sched_engine *engine, uint64_t now, uint64_t *by)
{
    const struct shadow_context *context = holder(engine);
    const struct sched_lane *lane = context ? &context->client->lanes[engine->index] : NULL;

    if (!lane || !lane->resetting)
        return false;
    *by = lane->reset_by;
    return now >= lane->reset_by;
}

static bool moved(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now)
{
    struct driver_progress progress;
    const struct shadow_context *context = engine->active[0].context;
    uint32_t seqno = context ? __atomic_load_n(&((const struct breadcrumb *)(const void *)context->crumb.host)->seqno, __ATOMIC_RELAXED) : 0;

    driver_engine_progress(scheduler->driver, engine->index, &progress);
    bool moved = progress.active_head != engine->progress.active_head || progress.ring_head != engine->progress.ring_head ||
                 seqno != engine->progress_seqno;
    engine->progress = progress;
    engine->progress_seqno = seqno;
    engine->polled_at = now;
    return moved;
}

uint64_t engine_check_hang(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now)
{
    uint64_t by = UINT64_MAX, poll = scheduler->hang_ns / 8;

    if (engine->dead) {
        drain_dead(scheduler, engine);
        return UINT64_MAX;
    }
    if (engine->error) {
        struct driver_progress progress;
        driver_engine_progress(scheduler->driver, engine->index, &progress);
        engine->error = false;
        if (progress.error) {
            g_autofree char *reason = g_strdup_printf("the command streamer stopped on an error (EIR 0x%x, active head 0x%" PRIx64 ")",
                                                      progress.error, progress.active_head);
            reset(scheduler, engine, reason, now);
            return now;
        }
    }
    if (client_wants_reset(engine, now, &by)) {
        reset(scheduler, engine, NULL, now);
        return now;
    }
    if (!contested(engine)) {
        engine->contested_since = 0;
        return by;
    }
    if (!engine->contested_since)
        engine->contested_since = engine->progress_since = now;
    if (engine->waiting) {
        uint64_t limit = patience(scheduler, engine, now), deadline = MAX(engine->waiting_since, engine->contested_since) + limit;
        if (now >= deadline) {
            g_autofree char *reason = g_strdup_printf("no arbitration point within %" PRIu64 " ms", limit / 1000000);
            strike(engine, now);
            reset(scheduler, engine, reason, now);
            return now;
        }
        return MIN(by, deadline);
    }
    if (!engine->active[0].hw)
        return by;
    if (now - engine->polled_at >= poll && moved(scheduler, engine, now))
        engine->progress_since = now;
    if (now - engine->progress_since >= scheduler->hang_ns / 2) {
        engine->progress_since = now;
        engine_pulse(scheduler, engine, engine->active[0].context != NULL, now);
        return MIN(by, now + scheduler->hang_ns);
    }
    return MIN(by, engine->polled_at + poll);
}
