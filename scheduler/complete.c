/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hardware has done: context status entries move the ports, breadcrumbs complete workloads, time stamps of the GPU are charged
 * to whom they belong, interrupts go to the client whose commands raised them. On the scheduler's thread, under its lock.
 */
#include "scheduler/scheduler_internal.h"

static const struct breadcrumb *crumb_of(const struct shadow_context *context)
{
    return (const struct breadcrumb *)(const void *)context->crumb.host;
}

static bool is_past(uint32_t seqno, uint32_t reached)
{
    return (int32_t)(reached - seqno) >= 0;
}

bool engine_holds_context(const struct sched_engine *engine, const struct shadow_context *context)
{
    for (unsigned i = 0; i < 2; i++)
        if (engine->active[i].context == context || (engine->waiting && engine->pending[i].context == context))
            return true;
    return false;
}

bool engine_holds_lane(const struct sched_engine *engine, const struct sched_lane *lane)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct shadow_context *active = engine->active[i].context, *pending = engine->waiting ? engine->pending[i].context : NULL;
        if ((active && active->client == lane->client) || (pending && pending->client == lane->client))
            return true;
    }
    return false;
}

struct workload *first_incomplete(const struct shadow_context *context)
{
    for (GList *link = context->workloads.head; link; link = link->next)
        if (!((struct workload *)link->data)->complete)
            return link->data;
    return NULL;
}

bool context_is_done(const struct shadow_context *context)
{
    return !g_queue_is_empty((GQueue *)&context->workloads) && !first_incomplete(context);
}

/* Charges what the context has run up to this value of its CTX_TIMESTAMP. */
static void charge(struct shadow_context *context, uint32_t timestamp, struct workload *workload, uint64_t now)
{
    struct scheduler *scheduler = context->client->scheduler;
    struct sched_engine *engine = &scheduler->engines[context->engine];
    struct sched_lane *lane = &context->client->lanes[context->engine];
    /* The image may hold the stamp of an earlier switch than a breadcrumb that was charged already: nothing is new then. */
    uint32_t ticks = (int32_t)(timestamp - context->charged) > 0 ? timestamp - context->charged : 0;
    uint64_t ns = driver_ticks_to_ns(scheduler->driver, ticks);

    context->charged += ticks;
    lane->entity.running_ns = 0;
    engine->accounted_at = now;
    if (!ns)
        return;
    context->client->usage.busy_ns[context->engine] += ns;
    if (workload)
        workload->busy_ns += ns;
    policy_charge(&engine->policy, &lane->entity, ns, now);
}

/* Marks what its breadcrumb says is complete. */
static void read_breadcrumb(struct scheduler *scheduler, struct shadow_context *context, uint64_t now)
{
    const struct breadcrumb *crumb = crumb_of(context);
    uint32_t reached = __atomic_load_n(&crumb->seqno, __ATOMIC_ACQUIRE);
    uint32_t timestamp = __atomic_load_n(&crumb->timestamp, __ATOMIC_RELAXED);

    for (GList *link = context->workloads.head; link; link = link->next) {
        struct workload *workload = link->data;
        if (workload->complete)
            continue;
        if (!workload->emitted || !is_past(workload->seqno, reached))
            break;
        workload->complete = true;
        context->retired = workload->end & (uint32_t)(context->hw.ring.size - 1);
        charge(context, timestamp, workload, now);
    }
    if (context->retired != context->tail || !g_queue_is_empty(&context->workloads))
        shadow_ring_emit(context);
}

/*
 * Whether the engine was told to go as far as the workload. What was emitted since is behind the element's tail: it has not begun, and the
 * context may end in front of it.
 */
static bool port_reaches(const struct sched_port *port, const struct workload *workload)
{
    uint32_t mask = (uint32_t)(port->context->hw.ring.size - 1);
    bool behind = false;

    for (const GList *link = port->context->workloads.head; link; link = link->next) {
        const struct workload *other = link->data;
        if (!other->emitted)
            break;
        behind = behind || other == workload;
        if (behind && (other->end & mask) == port->tail)
            return true;
    }
    return false;
}

/* The first of the element's workloads that is not complete has come to run, if it was not seen to run before. */
static struct workload *note_dispatch(struct scheduler *scheduler, struct sched_engine *engine, const struct sched_port *port)
{
    struct workload *workload = first_incomplete(port->context);

    if (!workload || !port_reaches(port, workload))
        return NULL;
    if (workload == engine->running)
        return workload;
    workload->dispatched = true;
    engine->running = workload;
    trace_emit(scheduler->trace, TRACE_DISPATCH, workload->client->id, engine->index, workload->id, workload->context->lrca);
    return workload;
}

/* The engine has saved the element's context (or never loaded it). */
static void left_engine(struct sched_engine *engine, struct scheduler *scheduler, const struct sched_port *port, uint64_t now)
{
    struct shadow_context *context = port->context;

    if (!context)
        return;
    read_breadcrumb(scheduler, context, now);
    charge(context, __atomic_load_n(&shadow_state(context)[CTX_TIMESTAMP], __ATOMIC_RELAXED), first_incomplete(context), now);
    context->client->lanes[context->engine].entity.running = false;
    struct workload *workload = note_dispatch(scheduler, engine, port);
    if (workload) {
        context->client->usage.preemptions++;
        trace_emit(scheduler->trace, TRACE_PREEMPT, context->client->id, engine->index, workload->id, context->lrca);
    }
}

/* A context has come to run: who has the engine, since when. */
static void entered_engine(struct sched_engine *engine, struct scheduler *scheduler, const struct sched_client *before, uint64_t now)
{
    struct shadow_context *context = engine->active[0].context;

    engine->running = NULL;
    engine->accounted_at = now;
    engine->progress_since = now;
    engine_note_candidate(engine);
    if (!context)
        return;
    struct sched_lane *lane = &context->client->lanes[engine->index];
    lane->entity.running = true;
    lane->entity.running_ns = 0;
    lane->entity.woken = false;
    if (context->client != before)
        engine->slice_start = now;
    note_dispatch(scheduler, engine, &engine->active[0]);
}

void engine_note_candidate(struct sched_engine *engine)
{
    struct shadow_context *context = engine->active[0].context;

    if (context && !g_ptr_array_find(engine->candidates, context, NULL))
        g_ptr_array_add(engine->candidates, context);
}

void engine_note_hold(const struct sched_engine *engine, struct sched_client *client, uint64_t now)
{
    client->usage.longest_hold_ns = MAX(client->usage.longest_hold_ns, now - engine->waiting_since);
}

void engine_context_status(struct sched_engine *engine, struct scheduler *scheduler, uint32_t status, uint64_t now)
{
    struct sched_port old[2] = {engine->active[0], engine->active[1]};
    const struct sched_client *before = old[0].context ? old[0].context->client : NULL;

    if (status & (CSB_IDLE_ACTIVE | CSB_PREEMPTED)) {
        if (!engine->waiting)
            return; /* of a submission that a reset has taken back */
        engine->waiting = false;
        engine->active[0] = engine->pending[0];
        engine->active[1] = engine->pending[1];
        engine->pending[0] = engine->pending[1] = (struct sched_port){0};
        if (old[0].hw == engine->active[0].hw)
            return; /* lite restore */
        if (old[0].context && engine->active[0].context && old[0].context->client != engine->active[0].context->client)
            engine_note_hold(engine, old[0].context->client, now);
        if (old[0].hw)
            left_engine(engine, scheduler, &old[0], now);
        entered_engine(engine, scheduler, before, now);
        return;
    }
    if (!old[0].hw)
        return;
    engine->active[0] = old[1];
    engine->active[1] = (struct sched_port){0};
    left_engine(engine, scheduler, &old[0], now);
    entered_engine(engine, scheduler, before, now);
}

void workload_end(struct workload *workload, enum workload_status status, const char *reason)
{
    struct sched_client *client = workload->client;
    struct scheduler *scheduler = client->scheduler;
    struct sched_engine *engine = &scheduler->engines[workload->engine];

    g_queue_remove(&workload_lane(workload)->queue, workload);
    engine->queued--;
    g_queue_remove(&workload->context->workloads, workload);
    workload->status = status;
    if (status == WORKLOAD_DONE)
        workload->ring_head = workload->guest_tail;
    else
        workload->context->broken = true;
    workload->reason = g_strdup(reason);
    client->usage.queued--;
    client->usage.workloads[workload->engine] += status == WORKLOAD_DONE;
    client->usage.hangs += status == WORKLOAD_HUNG;
    if (engine->running == workload)
        engine->running = NULL;
    trace_emit(scheduler->trace, status == WORKLOAD_HUNG ? TRACE_HANG : TRACE_COMPLETE, client->id, workload->engine, workload->id,
               status == WORKLOAD_HUNG ? workload->context->lrca : workload->busy_ns);
    g_queue_push_tail(&client->results, workload);
    client->notify = true;
}

/*
 * A complete workload is handed out when its context has been saved, so that the guest's image can be written, or when more of
 * the same context was submitted behind it: then hardware would save nothing either (lite restore).
 */
static bool may_end(const struct sched_engine *engine, const struct workload *workload)
{
    if (!workload->complete)
        return false;
    return !engine_holds_context(engine, workload->context) || workload != g_queue_peek_tail(&workload->context->workloads);
}

void engine_retire(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now)
{
    struct shadow_context *running = engine->active[0].context;
    uint32_t pending = 0;
    bool asked = false;

    for (unsigned i = 0; i < 2; i++)
        if (engine->active[i].context)
            read_breadcrumb(scheduler, engine->active[i].context, now);
    if (running) {
        running->client->lanes[engine->index].entity.running_ns = now - engine->accounted_at;
        note_dispatch(scheduler, engine, &engine->active[0]);
    }
    for (unsigned i = 0; i < scheduler->clients->len; i++) {
        struct sched_client *client = g_ptr_array_index(scheduler->clients, i);
        struct sched_lane *lane = &client->lanes[engine->index];
        struct workload *workload;
        while ((workload = g_queue_peek_head(&lane->queue)) != NULL && may_end(engine, workload)) {
            /* What it raised came before its end, and is told no later, also when it came after this round's interrupts were read. */
            if (workload->context->raises && !asked) {
                pending = driver_pending_interrupts(scheduler->driver, engine->index);
                asked = true;
            }
            lane->interrupts |= pending & workload->context->raises;
            workload_end(workload, WORKLOAD_DONE, NULL);
        }
    }
}

void engine_deliver_interrupts(struct sched_engine *engine)
{
    for (unsigned i = 0; engine->interrupts && i < engine->candidates->len; i++) {
        struct shadow_context *context = g_ptr_array_index(engine->candidates, i);
        uint32_t raised = engine->interrupts & context->raises;
        if (!raised)
            continue;
        context->client->lanes[engine->index].interrupts |= raised;
        context->client->notify = true;
    }
    engine->interrupts = 0;
    g_ptr_array_set_size(engine->candidates, 0);
    engine_note_candidate(engine); /* it may raise some before the next round */
}

static void settle_lane(struct scheduler *scheduler, struct sched_engine *engine, struct sched_lane *lane)
{
    struct shadow_context *stopped = NULL;
    uint32_t stopped_head = 0;

    for (GList *link = lane->queue.head, *next; link; link = next) {
        struct workload *workload = link->data;
        struct shadow_context *context = workload->context;
        next = link->next;
        if (!workload->leaving)
            continue;
        if (lane->resetting) {
            workload_end(workload, workload->complete ? WORKLOAD_DONE : WORKLOAD_CANCELLED, NULL);
            continue;
        }
        bool complete = false;
        uint32_t head = context == stopped ? stopped_head : shadow_ring_guest_head(context, workload, &complete);
        if (!complete) {
            stopped = context;
            stopped_head = workload->ring_head = head;
        }
        workload_end(workload, complete ? WORKLOAD_DONE : WORKLOAD_PREEMPTED, NULL);
    }
    lane->preempting = false;
    if (lane->resetting) {
        lane->resetting = lane->hung = false;
        g_cond_broadcast(&scheduler->changed);
    }
}

void engine_settle(struct scheduler *scheduler, struct sched_engine *engine)
{
    for (unsigned i = 0; i < scheduler->clients->len; i++) {
        struct sched_client *client = g_ptr_array_index(scheduler->clients, i);
        struct sched_lane *lane = &client->lanes[engine->index];
        if ((lane->preempting || lane->resetting) && !engine_holds_lane(engine, lane))
            settle_lane(scheduler, engine, lane);
    }
}
