/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many contexts, many batches in flight, many engines at once. */
#include "checks.h"
#include "mi.h"

#include <stdlib.h>

/* Each context stores once on each engine; all are in flight, then all are looked at, then all once more. */
static void contexts(const struct settings *settings)
{
    enum { CONTEXTS_MAX = 200 };
    unsigned count = settings->quick ? 40 : CONTEXTS_MAX;
    struct gem *gem = gem_open(settings);
    struct bo *bo = bo_create(gem, CONTEXTS_MAX * 16);
    struct batch **batches = calloc(CONTEXTS_MAX * 4, sizeof(*batches));

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < count; i++) {
            uint32_t context = round == 0 ? context_create(gem) : batches[4 * i]->context;

            for (unsigned engine = 0; engine < gem->engine_count; engine++) {
                struct batch *batch = batches[4 * i + engine];

                if (round == 0)
                    batch = batches[4 * i + engine] = batch_create(gem, gem->engines[engine], context, 16);
                else
                    batch_reset(batch);
                mi_store_dword(batch, bo, 16 * i + 4 * engine, hash32(settings->seed + round, i, engine));
                batch->async = true;
                batch_submit(batch);
            }
        }
        for (unsigned i = 0; i < count; i++) {
            for (unsigned engine = 0; engine < gem->engine_count; engine++) {
                batch_await(batches[4 * i + engine]);
                bo_expect(bo, 4 * i + engine, hash32(settings->seed + round, i, engine), gem->engines[engine]->name);
            }
        }
    }
    gem_close(gem);
}

/*
 * Thousands of small batches of one context in a row, so that its ring, of 16 KiB in the kernel's own choice, goes round many times. All are
 * parts of one buffer. Each counts up and notes the count that it found.
 */
static void ring(const struct settings *settings)
{
    enum { BATCHES_MAX = 3000, PART_DWORDS = 16 };
    unsigned count = settings->quick ? 500 : BATCHES_MAX;
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct batch *batch = batch_create(gem, gem->engines[i], 0, BATCHES_MAX * PART_DWORDS);
        struct bo *log = bo_create(gem, 4 * (BATCHES_MAX + 1));

        for (unsigned n = 0; n < count; n++) {
            mi_increment(batch, log, 0);
            mi_flush(batch);
            mi_copy_dword(batch, log, 4 * (n + 1), log, 0);
            while (batch->used % PART_DWORDS != PART_DWORDS - 1)
                emit(batch, MI_NOOP);
            emit(batch, MI_BATCH_BUFFER_END);
        }
        for (unsigned n = 0; n < count; n++) {
            struct drm_i915_gem_execbuffer2 args = {
                .buffers_ptr = (uintptr_t)batch->objects,
                .buffer_count = batch->object_count,
                .batch_start_offset = 4 * PART_DWORDS * n,
                .batch_len = 4 * PART_DWORDS,
                .flags = gem->engines[i]->selector | I915_EXEC_NO_RELOC | I915_EXEC_BATCH_FIRST,
            };
            int error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_EXECBUFFER2, &args);

            if (error)
                fail("%s: the kernel refuses batch %u of %u: %d", gem->engines[i]->name, n, count, error);
        }
        batch_await(batch);
        bo_expect(log, 0, count, "a count of batches");
        for (unsigned n = 0; n < count; n++)
            bo_expect(log, n + 1, n + 1, gem->engines[i]->name);
        batch_destroy(batch);
        bo_destroy(log);
    }
    gem_close(gem);
}

/* Batches of random contexts on random engines count in one dword. None may be lost, on whichever engines they meet. */
static void counting(const struct settings *settings)
{
    enum { CONTEXTS = 8, BATCHES_MAX = 600, EACH = 20 };
    unsigned count = settings->quick ? 120 : BATCHES_MAX;
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    struct bo *bo = bo_create(gem, PAGE);
    struct batch *batches[BATCHES_MAX];
    uint32_t ids[CONTEXTS], of_context[CONTEXTS] = {0};

    for (unsigned i = 0; i < CONTEXTS; i++)
        ids[i] = context_create(gem);
    for (unsigned i = 0; i < count; i++) {
        unsigned context = rng_below(&rng, CONTEXTS);

        batches[i] = batch_create(gem, gem->engines[rng_below(&rng, gem->engine_count)], ids[context], EACH * 6);
        for (unsigned n = 0; n < EACH; n++) {
            mi_increment(batches[i], bo, 0);
            mi_increment(batches[i], bo, 64 * (1 + context));
        }
        of_context[context] += EACH;
        batches[i]->async = true;
        batch_submit(batches[i]);
    }
    for (unsigned i = 0; i < count; i++)
        batch_await(batches[i]);
    bo_expect(bo, 0, count * EACH, "a count of all contexts on all engines");
    for (unsigned i = 0; i < CONTEXTS; i++)
        bo_expect(bo, 16 * (1 + i), of_context[i], "a count of one context on all engines");
    gem_close(gem);
}

/* Contexts come and go, with the page tables that belong to them. */
static void coming_and_going(const struct settings *settings)
{
    unsigned rounds = settings->quick ? 40 : 200;
    struct gem *gem = gem_open(settings);
    struct bo *bo = bo_create(gem, PAGE);

    for (unsigned i = 0; i < rounds; i++) {
        uint32_t context = context_create(gem);
        const struct engine *engine = gem->engines[i % gem->engine_count];
        struct batch *batch = batch_create(gem, engine, context, 16);

        mi_store_dword(batch, bo, 4 * (i % (PAGE / 4)), i + 1);
        batch_run(batch);
        bo_expect(bo, i % (PAGE / 4), i + 1, engine->name);
        batch_destroy(batch);
        context_destroy(gem, context);
    }
    gem_close(gem);
}

/* The whole device is opened and closed again and again. */
static void reopening(const struct settings *settings)
{
    unsigned rounds = settings->quick ? 10 : 40;

    for (unsigned i = 0; i < rounds; i++) {
        struct gem *gem = gem_open(settings);
        struct bo *bo = bo_create(gem, PAGE);
        struct batch *batch = batch_create(gem, gem->engines[i % gem->engine_count], 0, 16);

        mi_store_dword(batch, bo, 0, i + 1);
        batch_run(batch);
        bo_expect(bo, 0, i + 1, "a store after opening the device");
        batch_destroy(batch);
        bo_destroy(bo);
        gem_close(gem);
    }
}

const struct check many_checks[] = {
    {"contexts", contexts, "200 contexts, each on all engines, in flight at once", 240},
    {"ring", ring, "thousands of small batches, so that rings go round", 240},
    {"counting", counting, "contexts and engines that count in one place", 120},
    {"coming_and_going", coming_and_going, "contexts created and destroyed all the time", 120},
    {"reopening", reopening, "the device opened and closed all the time", 120},
    {0},
};
