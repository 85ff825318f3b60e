/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Caps and the latency class, above every policy. Both are buckets of GPU time.
 *
 * A cap's bucket fills at the cap's rate up to one slice. When it is used up the client counts as one without work, for every policy, until
 * there is a quarter of a slice again: an engine that stays idle because of that is what a cap means.
 *
 * A latency client's bucket fills at its weight's part of all weights, up to one slice. While it is not used up the client goes before all
 * that have none: it waits for one preemption, and for other latency clients. Policies charge it for its time as ever, so that it only has its share
 * sooner; beyond its bucket it is a client like others. So nobody starves, however much a latency client asks for.
 */
#include "scheduler/policy.h"

struct rate {
    uint64_t part, whole; /* part <= whole */
};

static uint64_t most_ns(const struct policy *policy)
{
    return policy->slice_ns;
}

/* From this level on a bucket that was used up is open again. */
static int64_t enough_ns(const struct policy *policy)
{
    return (int64_t)MAX(policy->slice_ns / 4, 1u);
}

static struct rate cap_rate(const struct policy_entity *entity)
{
    return (struct rate){entity->limits.cap, 100};
}

static struct rate boost_rate(const struct policy *policy, const struct policy_entity *entity)
{
    struct rate rate = {MAX(entity->weight, 1u), 0};

    for (unsigned i = 0; i < policy->entities->len; i++)
        rate.whole += MAX(policy_entity_at(policy, i)->weight, 1u);
    return rate;
}

/* Rounded up, and saturated far away. */
static uint64_t scale(uint64_t ns, uint64_t part, uint64_t whole)
{
    const uint64_t most = UINT64_C(1) << 46; /* 19 hours: times 2^18 it still fits */

    return (MIN(ns, most) * part + whole - 1) / whole;
}

/* What is there of time that runs now, or is not charged yet, is counted as used. */
static int64_t level_now(const struct policy_entity *entity, const struct policy_bucket *bucket)
{
    return bucket->level_ns - (entity->running ? (int64_t)entity->running_ns : 0);
}

static void fill(const struct policy *policy, const struct policy_entity *entity, struct policy_bucket *bucket, struct rate rate, uint64_t now)
{
    int64_t most = (int64_t)most_ns(policy) + (entity->running ? (int64_t)entity->running_ns : 0);
    uint64_t elapsed = now > bucket->filled_at ? now - bucket->filled_at : 0;
    uint64_t gain = elapsed > UINT64_C(1) << 46 ? (uint64_t)INT64_MAX : elapsed * rate.part / rate.whole;

    if (gain >= (uint64_t)(most - MIN(bucket->level_ns, most))) {
        bucket->level_ns = most;
        bucket->filled_at = now;
    } else if (gain) {
        bucket->level_ns += (int64_t)gain;
        bucket->filled_at += scale(gain, rate.whole, rate.part); /* what is not worth a nanosecond yet stays for the next time */
    }
    int64_t level = level_now(entity, bucket);
    bucket->open = bucket->open ? level > 0 : level >= enough_ns(policy);
}

static bool boosted(const struct policy_entity *entity)
{
    return entity->limits.latency && entity->boost.open;
}

void policy_limits_refresh(struct policy *policy, uint64_t now)
{
    for (unsigned i = 0; (policy->capped || policy->latency) && i < policy->entities->len; i++) {
        struct policy_entity *entity = policy_entity_at(policy, i);
        if (entity->limits.latency)
            fill(policy, entity, &entity->boost, boost_rate(policy, entity), now);
        if (!entity->limits.cap)
            continue;
        fill(policy, entity, &entity->cap, cap_rate(entity), now);
        policy_set_ready(policy, entity, entity->work && entity->cap.open, now);
    }
}

void policy_set_limits(struct policy *policy, struct policy_entity *entity, const struct policy_limits *limits)
{
    const struct policy_bucket full = {.level_ns = (int64_t)most_ns(policy), .filled_at = 0, .open = true};
    unsigned cap = limits->cap >= 100 ? 0 : limits->cap;

    policy->capped += !!cap - !!entity->limits.cap;
    policy->latency += limits->latency - entity->limits.latency;
    if (cap && !entity->limits.cap)
        entity->cap = full;
    if (limits->latency && !entity->limits.latency)
        entity->boost = full;
    entity->limits = (struct policy_limits){.cap = cap, .latency = limits->latency};
    if (!cap) /* it may have been held back: the next round of the scheduler finds it ready */
        entity->cap = full;
}

void policy_charge(struct policy *policy, struct policy_entity *entity, uint64_t ns, uint64_t now)
{
    int64_t used = (int64_t)MIN(ns, (uint64_t)INT64_MAX / 4);

    if (entity->limits.cap)
        entity->cap.level_ns -= MIN(used, entity->cap.level_ns + INT64_MAX / 2);
    if (entity->limits.latency) /* what it had because nobody else wanted it is forgotten soon */
        entity->boost.level_ns = MAX(entity->boost.level_ns - used, -(int64_t)most_ns(policy));
    policy->ops->charge(policy, entity, ns);
}

struct choice {
    const struct policy_entity *except, *only; /* NULL: none, any */
    bool boosted;                              /* only those that are */
};

static bool skip(const struct policy_entity *entity, void *opaque)
{
    const struct choice *choice = opaque;

    return entity == choice->except || (choice->only && entity != choice->only) || (choice->boosted && !boosted(entity));
}

static struct policy_entity *pick(struct policy *policy, struct choice choice, uint64_t now)
{
    return policy->ops->pick(policy, skip, &choice, now); /* cppcheck-suppress returnDanglingLifetime ; what is picked is no part of the choice */
}

/* One that goes before those of no class, other than except. */
static struct policy_entity *pick_boosted(struct policy *policy, const struct policy_entity *except, uint64_t now)
{
    return policy->latency ? pick(policy, (struct choice){.except = except, .boosted = true}, now) : NULL;
}

struct policy_entity *policy_pick(struct policy *policy, const struct policy_entity *except, uint64_t now)
{
    policy_limits_refresh(policy, now);
    struct policy_entity *best = pick_boosted(policy, except, now);
    return best ? best : pick(policy, (struct choice){.except = except}, now);
}

/* It runs, and only its own bucket and another latency client can take the engine from it. */
static bool goes_first(struct policy *policy, const struct policy_entity *entity, uint64_t now)
{
    return boosted(entity) && !pick_boosted(policy, entity, now);
}

bool policy_keep(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    policy_limits_refresh(policy, now);
    if (entity->limits.cap && !entity->cap.open)
        return false;
    if (goes_first(policy, entity, now))
        return pick(policy, (struct choice){.only = entity}, now) != NULL; /* fixed shares end for everybody */
    if (!boosted(entity) && pick_boosted(policy, entity, now))
        return false;
    return policy->ops->keep(policy, entity, ran_ns, now);
}

/* When a bucket that is in use has nothing left: it fills while it is used. */
static uint64_t empty_at(const struct policy_entity *entity, const struct policy_bucket *bucket, struct rate rate, uint64_t now)
{
    int64_t level = level_now(entity, bucket);

    if (level <= 0)
        return now;
    return rate.part >= rate.whole ? UINT64_MAX : now + scale((uint64_t)level, rate.whole, rate.whole - rate.part);
}

static uint64_t open_at(const struct policy *policy, const struct policy_entity *entity, const struct policy_bucket *bucket, struct rate rate,
                        uint64_t now)
{
    int64_t missing = enough_ns(policy) - level_now(entity, bucket);

    return now + (missing > 0 ? scale((uint64_t)missing, rate.whole, rate.part) : 0);
}

uint64_t policy_until(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now)
{
    policy_limits_refresh(policy, now);
    uint64_t until = policy->ops->until(policy, entity, ran_ns, now);
    bool first = entity && goes_first(policy, entity, now);

    if (first && until <= now)
        until = UINT64_MAX; /* it would have had to go already, without its class */
    if (first)
        until = MIN(until, empty_at(entity, &entity->boost, boost_rate(policy, entity), now));
    if (entity && entity->limits.cap)
        until = MIN(until, empty_at(entity, &entity->cap, cap_rate(entity), now));
    for (unsigned i = 0; (policy->capped || policy->latency) && i < policy->entities->len; i++) {
        const struct policy_entity *other = policy_entity_at(policy, i);
        if (other == entity || !other->work)
            continue;
        if (other->limits.cap && !other->cap.open)
            until = MIN(until, open_at(policy, other, &other->cap, cap_rate(other), now));
        else if (other->limits.latency && !other->boost.open)
            until = MIN(until, open_at(policy, other, &other->boost, boost_rate(policy, other), now));
    }
    return until;
}
