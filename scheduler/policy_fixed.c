/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixed shares: in each window of time every client may use its weight's part of it and no more, even when the others are idle. For
 * people who sell a share and do not want to give more. What a client overdraws (a workload that did not stop in time) it pays back
 * from its next windows.
 */
#include "scheduler/policy.h"

enum { WINDOW_SLICES = 16 };

static uint64_t window_ns(const struct policy *policy)
{
    return policy->slice_ns * WINDOW_SLICES;
}

/* Begins new windows up to now: credit is given to all clients that exist, with or without work, and does not pile up. */
static void advance(struct policy *policy, uint64_t now)
{
    if (now < policy->window)
        return;
    uint64_t weights = 0, windows = policy->window ? (now - policy->window) / window_ns(policy) + 1 : 1;
    for (unsigned i = 0; i < policy->entities->len; i++)
        weights += policy_entity_at(policy, i)->weight;
    for (unsigned i = 0; weights && i < policy->entities->len; i++) {
        struct policy_entity *entity = policy_entity_at(policy, i);
        int64_t share = (int64_t)(window_ns(policy) * entity->weight / weights);
        int64_t most = (INT64_MAX / 2) / MAX(share, 1);
        int64_t unpaid = entity->running ? (int64_t)entity->running_ns : 0;
        entity->credit = MIN(entity->credit + share * (int64_t)MIN(windows, (uint64_t)most), share + unpaid);
    }
    policy->window = (policy->window ? policy->window + windows * window_ns(policy) : now + window_ns(policy));
}

static int64_t credit_now(const struct policy_entity *entity)
{
    return entity->credit - (entity->running ? (int64_t)entity->running_ns : 0);
}

static void fixed_join(struct policy *policy, struct policy_entity *entity)
{
    policy->window = 0; /* shares have changed: a new window begins with the next decision */
}

static void fixed_charge(struct policy *policy, struct policy_entity *entity, uint64_t ns)
{
    entity->credit -= (int64_t)MIN(ns, (uint64_t)INT64_MAX / 4);
}

static struct policy_entity *fixed_pick(struct policy *policy, bool (*skip)(const struct policy_entity *entity, void *opaque), void *opaque,
                                        uint64_t now)
{
    struct policy_entity *best = NULL;

    advance(policy, now);
    for (unsigned i = 0; i < policy->entities->len; i++) {
        struct policy_entity *entity = policy_entity_at(policy, i);
        if (entity->ready && !skip(entity, opaque) && credit_now(entity) > 0 && (!best || credit_now(entity) > credit_now(best)))
            best = entity;
    }
    return best;
}

static bool fixed_keep(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    advance(policy, now);
    return credit_now(entity) > 0;
}

static uint64_t fixed_until(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    advance(policy, now);
    uint64_t until = UINT64_MAX;
    if (entity)
        until = now + (uint64_t)MAX(credit_now(entity), 0);
    for (unsigned i = 0; i < policy->entities->len; i++)
        if (policy_entity_at(policy, i)->ready && credit_now(policy_entity_at(policy, i)) <= 0)
            until = MIN(until, policy->window);
    return until;
}

const struct policy_ops policy_fixed = {
    .name = "fixed",
    .help = "each client its weight's part of the time and no more, even when others are idle",
    .join = fixed_join,
    .leave = fixed_join,
    .charge = fixed_charge,
    .pick = fixed_pick,
    .keep = fixed_keep,
    .until = fixed_until,
};
