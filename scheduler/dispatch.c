/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decisions: which contexts go to an engine's two elements. The first is whom the policy lets run; the second is what runs when
 * the first ends, so that the engine need not wait for us. A change while something runs preempts it at its next arbitration point. On
 * the scheduler's thread or, where a client is alone, on its own; under the scheduler's lock.
 */
#include "scheduler/scheduler_internal.h"

#include <string.h>

/* The next workload of the lane that may run, or NULL. */
static struct workload *lane_next(const struct sched_lane *lane)
{
    if (lane->preempting || lane->resetting || lane->hung)
        return NULL;
    for (GList *link = lane->queue.head; link; link = link->next) {
        struct workload *workload = link->data;
        if (!workload->complete)
            return workload->emitted ? workload : NULL;
    }
    return NULL;
}

void lane_update_ready(struct scheduler *scheduler, struct sched_lane *lane, uint64_t now)
{
    struct policy *policy = &scheduler->engines[lane->engine].policy;

    if (lane_next(lane))
        policy_ready(policy, &lane->entity, now);
    else
        policy_idle(policy, &lane->entity);
}

/* The context of a workload, with the tail behind all that may run before another context of the lane has its turn. */
static struct sched_port port_for(const struct sched_lane *lane, const struct workload *first)
{
    struct sched_port port = {.hw = &first->context->hw, .context = first->context};

    for (const GList *link = g_queue_find((GQueue *)&lane->queue, first); link; link = link->next) {
        const struct workload *workload = link->data;
        if (workload->context != first->context || !workload->emitted)
            break;
        port.tail = workload->end & (uint32_t)(first->context->hw.ring.size - 1);
    }
    return port;
}

/* The first workload of the lane behind those of the first context. */
static struct workload *lane_second(const struct sched_lane *lane, const struct workload *first)
{
    const GList *link = g_queue_find((GQueue *)&lane->queue, first);

    while (link && ((struct workload *)link->data)->context == first->context)
        link = link->next;
    struct workload *workload = link ? link->data : NULL;
    return workload && workload->emitted ? workload : NULL;
}

struct sched_lane *lane_of(struct policy_entity *entity)
{
    return (struct sched_lane *)(void *)((char *)entity - offsetof(struct sched_lane, entity));
}

static struct sched_lane *running_lane(const struct sched_engine *engine)
{
    struct shadow_context *context = engine->active[0].context;

    return context ? &context->client->lanes[engine->index] : NULL;
}

static void submit(struct scheduler *scheduler, struct sched_engine *engine, const struct sched_port ports[2], uint64_t now)
{
    uint32_t flags[2];

    for (unsigned i = 0; i < 2; i++) {
        const struct shadow_context *context = ports[i].context;
        flags[i] = context && !context->four_level ? DESC_ADDRESSING_32 : DESC_ADDRESSING_64;
        engine->pending[i] = ports[i];
        if (!ports[i].hw)
            continue;
        if (context)
            switched_registers_note_loads(scheduler, context);
        uint32_t *state = (uint32_t *)(void *)(ports[i].hw->image.host + CONTEXT_STATE_PAGE * SCHED_PAGE);
        __atomic_store_n(&state[CTX_RING_TAIL], ports[i].tail, __ATOMIC_RELEASE);
    }
    engine->waiting = true;
    engine->waiting_since = now;
    uint64_t before = trace_now_ns(), lap = before;
    driver_submit(scheduler->driver, engine->index, ports[0].hw, flags[0], ports[1].hw, flags[1]);
    if (ports[0].context) {
        sched_client_lap(ports[0].context->client, SCHED_COST_ELSP, &lap);
        scheduler->elsp_ns += lap - before;
    }
}

void engine_pulse(struct scheduler *scheduler, struct sched_engine *engine, bool resume, uint64_t now)
{
    uint32_t *state = (uint32_t *)(void *)(engine->pulse.image.host + CONTEXT_STATE_PAGE * SCHED_PAGE);
    struct sched_port ports[2] = {{.hw = &engine->pulse}, {0}};

    /* Two MI_NOOP more than last time. */
    ports[0].tail = (__atomic_load_n(&state[CTX_RING_TAIL], __ATOMIC_RELAXED) + 8) & (uint32_t)(engine->pulse.ring.size - 1);
    if (resume)
        ports[1] = engine->active[0];
    submit(scheduler, engine, ports, now);
}

/* Someone on the engine has to go: a request of its client. */
static bool must_leave(const struct sched_engine *engine, const struct sched_port *port)
{
    if (!port->context)
        return false;
    const struct sched_lane *lane = &port->context->client->lanes[engine->index];
    return lane->preempting || lane->resetting;
}

static struct sched_lane *choose(struct sched_engine *engine, struct sched_lane *current, uint64_t now)
{
    struct policy *policy = &engine->policy;
    uint64_t ran = now - engine->slice_start;

    if (current && lane_next(current) && policy_keep(policy, &current->entity, ran, now))
        return current;
    struct policy_entity *entity = current ? policy_pick(policy, &current->entity, now) : NULL;
    if (!entity)
        entity = policy_pick(policy, NULL, now);
    return entity ? lane_of(entity) : NULL;
}

/* The second element: more of the same client, else the policy's next. Contexts of clients with other registers do not follow by themselves. */
static struct sched_port choose_second(struct scheduler *scheduler, struct sched_engine *engine, struct sched_lane *first,
                                       const struct workload *workload, uint64_t now)
{
    struct workload *second = lane_second(first, workload);

    if (second)
        return port_for(first, second);
    struct policy_entity *entity = policy_pick(&engine->policy, &first->entity, now);
    struct sched_lane *lane = entity ? lane_of(entity) : NULL;
    if (!lane || switched_registers_differ(scheduler, engine->index, lane->client) || !(second = lane_next(lane)))
        return (struct sched_port){0};
    return port_for(lane, second);
}

static bool same_port(const struct sched_port *a, const struct sched_port *b)
{
    return a->hw == b->hw && (!a->hw || a->tail == b->tail);
}

static void decide(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now)
{
    struct sched_lane *current = running_lane(engine);
    bool leave = must_leave(engine, &engine->active[0]) || must_leave(engine, &engine->active[1]);
    struct sched_lane *lane = choose(engine, current, now);
    struct workload *workload = lane ? lane_next(lane) : NULL;

    if (!workload) {
        /* Nobody may run. What runs is complete and about to say so, or has to go, or its policy wants it off. */
        if (engine->active[0].hw && (leave || (current && lane_next(current))))
            engine_pulse(scheduler, engine, false, now);
        return;
    }
    if (switched_registers_differ(scheduler, engine->index, lane->client)) {
        if (engine->active[0].hw) {
            if (engine->active[0].context && (lane != current || leave))
                engine_pulse(scheduler, engine, false, now); /* the engine runs empty first */
            return;
        }
        switched_registers_load(scheduler, engine->index, lane->client);
    }
    struct sched_port ports[2] = {port_for(lane, workload), {0}};
    if (lane == current && !leave && engine->active[0].context != ports[0].context)
        return; /* its context is complete: the status entry is on its way */
    if (lane != current && !leave && !(current && lane_next(current)) && engine->active[1].hw && same_port(&ports[0], &engine->active[1]))
        return; /* it follows by itself */
    ports[1] = choose_second(scheduler, engine, lane, workload, now);
    if (lane == current && !leave) {
        /*
         * What is queued behind it stays, unless there is nothing, it has grown, or it was complete when it was queued and we did not know: the end
         * of its work would wait for the end of what runs now.
         */
        const struct shadow_context *behind = engine->active[1].context;
        bool keep = engine->active[1].hw && engine->active[1].hw != ports[1].hw && !(behind && context_is_done(behind));
        if (keep)
            ports[1] = engine->active[1];
        if (same_port(&ports[0], &engine->active[0]) && same_port(&ports[1], &engine->active[1]))
            return;
        if (keep && same_port(&ports[0], &engine->active[0]))
            return;
    } else if (current && lane != current) {
        trace_emit(scheduler->trace, TRACE_SLICE, current->client->id, engine->index, now - engine->slice_start, lane->client->id);
    }
    submit(scheduler, engine, ports, now);
}

void engine_note_ready(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now)
{
    for (unsigned i = 0; i < scheduler->clients->len; i++)
        lane_update_ready(scheduler, &((struct sched_client *)g_ptr_array_index(scheduler->clients, i))->lanes[engine->index], now);
}

uint64_t engine_dispatch(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now)
{
    engine_note_ready(scheduler, engine, now);
    if (engine->dead)
        return UINT64_MAX;
    if (!engine->waiting)
        decide(scheduler, engine, now);
    if (engine->waiting)
        return UINT64_MAX; /* its acknowledgement wakes us; if it does not come, hang.c does */
    struct sched_lane *current = running_lane(engine);
    return policy_until(&engine->policy, current ? &current->entity : NULL, now - engine->slice_start, now);
}

bool lane_dispatch_alone(struct scheduler *scheduler, struct sched_lane *lane, uint64_t now)
{
    struct sched_engine *engine = &scheduler->engines[lane->engine];

    if (engine->dead || lane->preempting || lane->resetting || lane->hung)
        return false;
    for (unsigned i = 0; i < engine->policy.entities->len; i++) {
        struct sched_lane *other = lane_of(policy_entity_at(&engine->policy, i));
        if (other != lane && (other->entity.work || !g_queue_is_empty(&other->queue) || engine_holds_lane(engine, other)))
            return false;
    }
    return engine_dispatch(scheduler, engine, now) >= scheduler->deadline;
}
