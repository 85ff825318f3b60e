/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First come, first served: a client keeps the engine until it has no more work. No preemption, the most throughput, no fairness. */
#include "scheduler/policy.h"

static void fifo_wake(struct policy *policy, struct policy_entity *entity, uint64_t now)
{
    entity->tag = ++policy->tag;
}

static void fifo_charge(struct policy *policy, struct policy_entity *entity, uint64_t ns)
{
}

static struct policy_entity *fifo_pick(struct policy *policy, bool (*skip)(const struct policy_entity *entity, void *opaque), void *opaque,
                                       uint64_t now)
{
    struct policy_entity *best = NULL;

    for (unsigned i = 0; i < policy->entities->len; i++) {
        struct policy_entity *entity = policy_entity_at(policy, i);
        if (entity->ready && !skip(entity, opaque) && (!best || entity->tag < best->tag))
            best = entity;
    }
    return best;
}

static bool fifo_keep(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    return true;
}

static uint64_t fifo_until(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    return UINT64_MAX;
}

const struct policy_ops policy_fifo = {
    .name = "fifo",
    .help = "first come, first served, no preemption",
    .wake = fifo_wake,
    .charge = fifo_charge,
    .pick = fifo_pick,
    .keep = fifo_keep,
    .until = fifo_until,
};
