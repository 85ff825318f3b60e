/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scheduling policy: who gets an engine next, and for how long. One struct policy for each engine, so that engines are shared out
 * independently. The scheduler tells it of work that comes and time that was used; the policy never sees workloads.
 *
 * Threads: the scheduler calls it under its own lock. Times are CLOCK_MONOTONIC nanoseconds, handed in, so that tests can run a policy on a
 * simulated clock.
 */
#ifndef MEDIANT_SCHEDULER_POLICY_H
#define MEDIANT_SCHEDULER_POLICY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a client may ask for beside its weight. All zeros: nothing. */
struct policy_limits {
    unsigned cap; /* most that it gets of each engine, in percent; 0 or 100: no cap */
    bool latency; /* latency class: goes before others as long as it uses no more than its weight's part (policy_limits.c) */
};

/* GPU time that may be used, refilled at a rate; below 0 what is owed. */
struct policy_bucket {
    int64_t level_ns;
    uint64_t filled_at;
    bool open; /* not used up: stays closed until there is enough again for some time */
};

/* One client on one engine. */
struct policy_entity {
    unsigned weight;     /* 1 .. 256; the scheduler may change it at any time */
    struct policy_limits limits; /* by policy_set_limits() once it has joined */
    bool work;           /* has work; kept by policy_ready() and policy_idle() */
    bool ready;          /* has work that may run: what policies go by. Work beyond the cap is as good as no work */
    bool running;        /* has the engine; kept by the scheduler */
    uint64_t running_ns; /* when running: time used since the last charge(), as good as the scheduler knows */
    /* The policy's own. */
    uint64_t tag;
    int64_t credit;
    bool woken;
    /* policy_limits.c */
    struct policy_bucket cap, boost;
};

struct policy;

struct policy_ops {
    const char *name;
    const char *help; /* one sentence */
    /* An entity joins (all fields of the policy's own are 0) or leaves. May be NULL. */
    void (*join)(struct policy *policy, struct policy_entity *entity);
    void (*leave)(struct policy *policy, struct policy_entity *entity);
    /* It became ready after it was idle. May be NULL. */
    void (*wake)(struct policy *policy, struct policy_entity *entity, uint64_t now);
    /* It has used the engine for ns. */
    void (*charge)(struct policy *policy, struct policy_entity *entity, uint64_t ns);
    /* The next of those that are ready and not in the set that skip() answers true for; NULL when none may run now. */
    struct policy_entity *(*pick)(struct policy *policy, bool (*skip)(const struct policy_entity *entity, void *opaque), void *opaque,
                                  uint64_t now);
    /* May entity, which has run for ran_ns without a break, keep the engine although others are ready? */
    bool (*keep)(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now);
    /*
     * When the answer of keep() or pick() can change with nothing else happening: an absolute time, UINT64_MAX for never. entity is the
     * running one or NULL.
     */
    uint64_t (*until)(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now);
};

struct policy {
    const struct policy_ops *ops;
    GPtrArray *entities;
    uint64_t slice_ns;
    uint64_t tag;    /* the policy's own: virtual time, ticket counter */
    uint64_t window; /* the policy's own: end of the accounting window */
    unsigned capped, latency; /* entities that have a cap, that are in the latency class */
};

extern const struct policy_ops policy_fair, policy_round_robin, policy_fifo, policy_fixed;

/* The policy of that name; NULL when there is none. */
const struct policy_ops *policy_find(const char *name);

void policy_init(struct policy *policy, const struct policy_ops *ops, uint64_t slice_ns);
void policy_finish(struct policy *policy);
void policy_join(struct policy *policy, struct policy_entity *entity);
void policy_leave(struct policy *policy, struct policy_entity *entity);
/*
 * The entities go on under another policy, which knows nothing of what they have had: each begins as if it had just joined. Who runs
 * will be charged for all that it has run since the last charge.
 */
void policy_switch(struct policy *policy, const struct policy_ops *ops, uint64_t now);
/* Work has come, or none is left. Repeating the state that it is in changes nothing. */
void policy_ready(struct policy *policy, struct policy_entity *entity, uint64_t now);
void policy_idle(struct policy *policy, struct policy_entity *entity);

/*
 * The policy's decisions as the scheduler asks for them: those of the ops, with caps and the latency class above them (policy_limits.c). A
 * cap holds in any window of any length L: at most cap percent of L, plus one slice, plus what the engine took to let go; what was
 * overdrawn is paid back.
 */
void policy_set_limits(struct policy *policy, struct policy_entity *entity, const struct policy_limits *limits);
void policy_charge(struct policy *policy, struct policy_entity *entity, uint64_t ns, uint64_t now);
/* The next, but not except (may be NULL); NULL when none may run now. */
struct policy_entity *policy_pick(struct policy *policy, const struct policy_entity *except, uint64_t now);
bool policy_keep(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now);
uint64_t policy_until(struct policy *policy, const struct policy_entity *entity, uint64_t ran_ns, uint64_t now);
/* Brings ready up to date. For policy.c. */
void policy_limits_refresh(struct policy *policy, uint64_t now);
/* Sets ready, and tells the policy if it has become so. For policy_limits.c. */
void policy_set_ready(struct policy *policy, struct policy_entity *entity, bool ready, uint64_t now);

/* Those that may be picked: for the policies' own use. */
static inline struct policy_entity *policy_entity_at(const struct policy *policy, unsigned index)
{
    return (struct policy_entity *)g_ptr_array_index(policy->entities, index);
}

#ifdef __cplusplus
}
#endif
#endif
