/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Priorities of contexts: accepted, harmless to results, and heeded among batches that wait for an engine. */
#include "checks.h"
#include "gate.h"
#include "mi.h"

#include <errno.h>
#include <string.h>

static void need_priorities(const struct gem *gem)
{
    int caps = gem_param(gem, I915_PARAM_HAS_SCHEDULER);

    note("scheduler capabilities %#x", caps);
    if (!(caps & I915_SCHEDULER_CAP_PRIORITY))
        skip("the kernel's scheduler has no priorities (capabilities %#x)", caps);
}

static uint32_t context_with_priority(const struct gem *gem, int priority)
{
    uint32_t context = context_create(gem);
    int error = context_set(gem, context, I915_CONTEXT_PARAM_PRIORITY, (uint64_t)(int64_t)priority);

    if (error == -EPERM)
        skip("higher priorities are not for this user");
    if (error)
        fail("priority %d: the kernel refuses it: %s", priority, strerror(-error));
    return context;
}

static void accepted(const struct settings *settings)
{
    static const int priorities[] = {I915_CONTEXT_MIN_USER_PRIORITY, -1, I915_CONTEXT_DEFAULT_PRIORITY, 1, I915_CONTEXT_MAX_USER_PRIORITY};
    struct gem *gem = gem_open(settings);

    need_priorities(gem);
    for (unsigned i = 0; i < ARRAY_SIZE(priorities); i++) {
        uint32_t context = context_with_priority(gem, priorities[i]);
        uint64_t value;
        int error = context_get(gem, context, I915_CONTEXT_PARAM_PRIORITY, &value);

        if (error || (int64_t)value != priorities[i])
            fail("priority %d: found %lld when asked (%d)", priorities[i], (long long)value, error);
        error = context_set(gem, context, I915_CONTEXT_PARAM_PRIORITY, I915_CONTEXT_MAX_USER_PRIORITY + 1);
        if (error != -EINVAL)
            fail("priority %d: expected %d, found %d", I915_CONTEXT_MAX_USER_PRIORITY + 1, -EINVAL, error);
    }
    gem_close(gem);
}

/* Each batch needs what the one before it wrote, whatever their priorities are. */
static void chain(const struct settings *settings)
{
    enum { CONTEXTS = 6, STEPS_MAX = 150 };
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    unsigned steps = settings->quick ? 40 : STEPS_MAX;
    uint32_t contexts[CONTEXTS];
    struct bo *bo = bo_create(gem, 2 * PAGE);
    struct batch *last = NULL;

    need_priorities(gem);
    for (unsigned i = 0; i < CONTEXTS; i++)
        contexts[i] = context_with_priority(gem, rng_between(&rng, I915_CONTEXT_MIN_USER_PRIORITY, I915_CONTEXT_MAX_USER_PRIORITY));
    bo->map[0] = 0xc0de;
    for (unsigned i = 0; i < steps; i++) {
        struct batch *batch = batch_create(gem, gem->engines[rng_below(&rng, gem->engine_count)], contexts[rng_below(&rng, CONTEXTS)], 16);

        mi_copy_dword(batch, bo, 4 * (i + 1), bo, 4 * i);
        batch_submit(batch);
        last = batch;
    }
    batch_await(last);
    for (unsigned i = 0; i <= steps; i++)
        bo_expect(bo, i, 0xc0de, "a value handed on by batches of all priorities");
    gem_close(gem);
}

/*
 * While two gates hold both of the places that an engine has for contexts, batches of three priorities queue up, lowest first. Each notes
 * when it runs, in a counter that all share; highest must come first. The gates are higher than all, so that where the kernel preempts or
 * shares time none passes them.
 */
static void order_on(struct gem *gem, const struct engine *engine)
{
    enum { EACH = 4, LEVELS = 3, TICKET = 0, NOTES = 16 };
    static const int levels[LEVELS] = {-500, 0, 500};
    struct gate *gates[2];
    struct batch *held[2], *batches[LEVELS * EACH];
    struct bo *log = bo_create(gem, PAGE);
    uint32_t latest[LEVELS], earliest[LEVELS];

    /* All that takes time is done before the gates close: the first batch of a context makes its page tables. */
    for (unsigned i = 0; i < LEVELS * EACH; i++) {
        batches[i] = batch_create(gem, engine, context_with_priority(gem, levels[i / EACH]), 32);
        batch_run(batches[i]);
        batch_reset(batches[i]);
        mi_increment(batches[i], log, 4 * TICKET);
        mi_flush(batches[i]);
        mi_copy_dword(batches[i], log, 4 * (NOTES + i), log, 4 * TICKET);
        batches[i]->async = true;
    }
    for (unsigned i = 0; i < 2; i++) {
        gates[i] = gate_create(gem);
        held[i] = batch_create(gem, engine, context_with_priority(gem, I915_CONTEXT_MAX_USER_PRIORITY), 32);
        gate_emit(gates[i], held[i]);
        batch_submit(held[i]);
        if (i == 0)
            gate_await(gates[i]);
    }
    sleep_ms(20); /* for the second one to be submitted */
    for (unsigned i = 0; i < LEVELS * EACH; i++)
        batch_submit(batches[i]);
    gate_open(gates[0]);
    gate_open(gates[1]);
    for (unsigned i = 0; i < LEVELS * EACH; i++)
        batch_await(batches[i]);
    bo_expect(log, TICKET, LEVELS * EACH, "batches of all priorities that have run");
    for (unsigned level = 0; level < LEVELS; level++) {
        latest[level] = 0;
        earliest[level] = UINT32_MAX;
        for (unsigned i = 0; i < EACH; i++) {
            uint32_t when = log->map[NOTES + level * EACH + i];

            latest[level] = when > latest[level] ? when : latest[level];
            earliest[level] = when < earliest[level] ? when : earliest[level];
        }
    }
    for (unsigned level = 1; level < LEVELS; level++)
        if (latest[level] > earliest[level - 1])
            fail("%s: expected all batches of priority %d before those of priority %d, but turn %u was before turn %u", engine->name,
                 levels[level], levels[level - 1], earliest[level - 1], latest[level]);
    for (unsigned i = 0; i < LEVELS * EACH; i++)
        batch_destroy(batches[i]);
    for (unsigned i = 0; i < 2; i++) {
        batch_await(held[i]);
        batch_destroy(held[i]);
        gate_destroy(gates[i]);
    }
}

static void order(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    need_priorities(gem);
    for (unsigned i = 0; i < gem->engine_count; i++)
        order_on(gem, gem->engines[i]);
    gem_close(gem);
}

const struct check priority_checks[] = {
    {"accepted", accepted, "the kernel takes priorities, and says which it has", 0},
    {"chain", chain, "batches of all priorities that depend on each other", 0},
    {"order", order, "batches that wait run in the order of their priorities", 0},
    {0},
};
