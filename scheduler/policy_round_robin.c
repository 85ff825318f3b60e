/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Round robin: everybody with work gets one slice after the other, whatever its weight. */
#include "scheduler/policy.h"

static void round_robin_wake(struct policy *policy, struct policy_entity *entity, uint64_t now)
{
    entity->tag = ++policy->tag; /* to the end of the row */
}

static void round_robin_charge(struct policy *policy, struct policy_entity *entity, uint64_t ns)
{
    entity->tag = ++policy->tag;
}

static struct policy_entity *round_robin_pick(struct policy *policy, bool (*skip)(const struct policy_entity *entity, void *opaque),
                                              void *opaque, uint64_t now)
{
    struct policy_entity *best = NULL;

    for (unsigned i = 0; i < policy->entities->len; i++) {
        struct policy_entity *entity = policy_entity_at(policy, i);
        if (entity->ready && !skip(entity, opaque) && (!best || entity->tag < best->tag))
            best = entity;
    }
    return best;
}

static bool somebody_waits(const struct policy *policy, const struct policy_entity *entity)
{
    for (unsigned i = 0; i < policy->entities->len; i++)
        if (policy_entity_at(policy, i) != entity && policy_entity_at(policy, i)->ready)
            return true;
    return false;
}

static bool round_robin_keep(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    return ran_ns < policy->slice_ns || !somebody_waits(policy, entity);
}

static uint64_t round_robin_until(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    if (!entity || !somebody_waits(policy, entity))
        return UINT64_MAX;
    return now + (ran_ns < policy->slice_ns ? policy->slice_ns - ran_ns : 0);
}

const struct policy_ops policy_round_robin = {
    .name = "round-robin",
    .help = "one time slice after the other, weights ignored",
    .wake = round_robin_wake,
    .charge = round_robin_charge,
    .pick = round_robin_pick,
    .keep = round_robin_keep,
    .until = round_robin_until,
};
