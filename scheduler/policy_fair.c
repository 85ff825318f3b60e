/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Weighted fair queueing in GPU time, the default. Each client has a virtual time that advances by used time / weight; the client that
 * is furthest behind runs. Clients that have nothing to do lose no share to the others' past (they come back at the present, less one
 * slice), and gain none by having been away.
 */
#include "scheduler/policy.h"

enum { SCALE = 256 }; /* virtual nanoseconds are in 1/256 of weight 1, so that weights up to 256 divide well */

static uint64_t virtual_ns(const struct policy_entity *entity, uint64_t ns)
{
    return ns * SCALE / MAX(entity->weight, 1u);
}

static uint64_t virtual_now(const struct policy_entity *entity)
{
    return entity->tag + (entity->running ? virtual_ns(entity, entity->running_ns) : 0);
}

/* The present: the least advanced of those that have work. It never goes back. */
static uint64_t present(struct policy *policy)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < policy->entities->len; i++) {
        const struct policy_entity *entity = policy_entity_at(policy, i);
        if (entity->ready || entity->running)
            least = MIN(least, virtual_now(entity));
    }
    if (least != UINT64_MAX)
        policy->tag = MAX(policy->tag, least);
    return policy->tag;
}

static void fair_wake(struct policy *policy, struct policy_entity *entity, uint64_t now)
{
    entity->ready = false; /* the present is that of the others */
    uint64_t others = present(policy), lead = virtual_ns(entity, policy->slice_ns);

    entity->ready = true;
    entity->tag = MAX(entity->tag, others > lead ? others - lead : 0);
    entity->woken = true;
}

static void fair_charge(struct policy *policy, struct policy_entity *entity, uint64_t ns)
{
    entity->tag += virtual_ns(entity, ns);
    present(policy);
}

static struct policy_entity *fair_pick(struct policy *policy, bool (*skip)(const struct policy_entity *entity, void *opaque), void *opaque,
                                       uint64_t now)
{
    struct policy_entity *best = NULL;

    for (unsigned i = 0; i < policy->entities->len; i++) {
        struct policy_entity *entity = policy_entity_at(policy, i);
        if (entity->ready && !skip(entity, opaque) && (!best || virtual_now(entity) < virtual_now(best)))
            best = entity;
    }
    return best;
}

/*
 * How long it may go on while other waits: until it has used a slice and is ahead. One that has just come (and is behind, because it uses
 * little) does not have to wait for a whole slice of the others.
 */
static uint64_t allowed_ns(const struct policy *policy, const struct policy_entity *entity, const struct policy_entity *other)
{
    uint64_t least = other->woken ? policy->slice_ns / 8 : policy->slice_ns;
    uint64_t behind = other->tag > entity->tag ? (other->tag - entity->tag) * MAX(entity->weight, 1u) / SCALE : 0;

    return MAX(least, behind);
}

static bool fair_keep(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    for (unsigned i = 0; i < policy->entities->len; i++) {
        struct policy_entity *other = policy_entity_at(policy, i);
        if (other != entity && other->ready && ran_ns >= allowed_ns(policy, entity, other) && virtual_now(other) < virtual_now(entity))
            return false;
    }
    return true;
}

static uint64_t fair_until(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    uint64_t until = UINT64_MAX;

    for (unsigned i = 0; entity && i < policy->entities->len; i++) {
        struct policy_entity *other = policy_entity_at(policy, i);
        if (other == entity || !other->ready)
            continue;
        uint64_t allowed = allowed_ns(policy, entity, other);
        uint64_t lead = virtual_now(other) >= virtual_now(entity)
                            ? (virtual_now(other) - virtual_now(entity)) * MAX(entity->weight, 1u) / SCALE + 1 : 0;
        uint64_t left = MAX(allowed > ran_ns ? allowed - ran_ns : 0, lead);
        until = MIN(until, now + left);
    }
    return until;
}

const struct policy_ops policy_fair = {
    .name = "fair",
    .help = "GPU time by weight on each engine; idle time goes to whoever has work",
    .wake = fair_wake,
    .charge = fair_charge,
    .pick = fair_pick,
    .keep = fair_keep,
    .until = fair_until,
};
