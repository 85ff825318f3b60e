/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several processes at once, each with the device open for itself, each comparing all that it does. */
#include "checks.h"
#include "mi.h"
#include "paint.h"

enum { WORKERS = 4 };

static double duration(const struct settings *settings)
{
    return settings->quick ? 2 : 10;
}

static void drawing_worker(const struct settings *settings, unsigned index)
{
    enum { SURFACES = 4 };
    double end = now_s() + duration(settings);
    unsigned round = 0;

    do {
        struct gem *gem = gem_open(settings);
        struct rng rng = {settings->seed + 1000 * (index + 1) + round};
        struct surface *surfaces[SURFACES];
        char what[64];

        snprintf(what, sizeof(what), "process %u, seed %llu, round %u", index, (unsigned long long)settings->seed, round);
        paint_surfaces(gem, surfaces, SURFACES, &rng);
        paint_and_compare(gem, context_create(gem), surfaces, SURFACES, PAINT_ALL, 40, &rng, what);
        for (unsigned i = 0; i < SURFACES; i++)
            surface_destroy(surfaces[i]);
        gem_close(gem);
        round++;
    } while (now_s() < end);
    note("process %u: %u rounds", index, round);
}

static void drawing(const struct settings *settings)
{
    run_workers(WORKERS, settings, drawing_worker);
}

/* Each process keeps another engine busy, at the same addresses. */
static void engines_worker(const struct settings *settings, unsigned index)
{
    enum { STORES = 64 };
    struct gem *gem = gem_open(settings);
    const struct engine *engine = gem->engines[index % gem->engine_count];
    struct rng rng = {settings->seed + index};
    double end = now_s() + duration(settings);
    struct bo *bo = bo_create_at(gem, 4 * PAGE, GIB(4));
    struct batch *batch = batch_create(gem, engine, 0, STORES * 5);
    uint32_t expected[4 * PAGE / 4] = {0};
    unsigned rounds = 0;

    do {
        batch_reset(batch);
        for (unsigned i = 0; i < STORES; i++) {
            unsigned at = rng_below(&rng, ARRAY_SIZE(expected));

            expected[at] = (uint32_t)rng_next(&rng);
            mi_store_dword(batch, bo, 4 * at, expected[at]);
        }
        batch_run(batch);
        bo_await(bo);
        bo_expect_all(bo, expected, engine->name);
        rounds++;
    } while (now_s() < end);
    note("process %u on %s: %u rounds", index, engine->name, rounds);
    gem_close(gem);
}

static void engines(const struct settings *settings)
{
    run_workers(WORKERS, settings, engines_worker);
}

/* The first process draws and compares; the others open the device, give the engines work, and leave without waiting for it. */
static void dying_worker(const struct settings *settings, unsigned index)
{
    double end = now_s() + duration(settings);

    if (index == 0) {
        drawing_worker(settings, index);
        return;
    }
    do {
        struct gem *gem = gem_open(settings);
        struct bo *bo = bo_create(gem, MIB(1));

        for (unsigned i = 0; i < gem->engine_count; i++) {
            struct batch *batch = batch_create(gem, gem->engines[i], context_create(gem), 64);

            for (unsigned n = 0; n < 8; n++)
                mi_store_dword(batch, bo, 64 * i + 4 * n, n);
            batch_submit(batch);
            batch_destroy(batch);
        }
        bo_destroy(bo);
        gem_close(gem); /* its batches may not even have begun */
    } while (now_s() < end);
}

static void dying(const struct settings *settings)
{
    run_workers(WORKERS, settings, dying_worker);
}

const struct check parallel_checks[] = {
    {"drawing", drawing, "four processes draw and compare", 120},
    {"engines", engines, "four processes on the four engines", 120},
    {"dying", dying, "one draws while others close the device in the midst of work", 120},
    {0},
};
