/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blitter: random rectangles on linear, X-tiled and Y-tiled surfaces, compared byte by byte with what the CPU draws. */
#include "checks.h"
#include "paint.h"

enum { SURFACES = 5 };

/* Rounds of drawing with surfaces that are new in each; every round has a seed of its own, which a failure tells. */
static void rounds_of(const struct settings *settings, unsigned kinds, unsigned rounds, unsigned operations)
{
    if (settings->quick)
        rounds = (rounds + 3) / 4;
    for (unsigned round = 0; round < rounds; round++) {
        struct gem *gem = gem_open(settings);
        struct rng rng = {settings->seed + round};
        struct surface *surfaces[SURFACES];
        char what[64];

        snprintf(what, sizeof(what), "seed %llu, round %u", (unsigned long long)settings->seed, round);
        paint_surfaces(gem, surfaces, SURFACES, &rng);
        paint_and_compare(gem, 0, surfaces, SURFACES, kinds, operations, &rng, what);
        for (unsigned i = 0; i < SURFACES; i++)
            surface_destroy(surfaces[i]);
        gem_close(gem);
    }
}

static void fill(const struct settings *settings)
{
    rounds_of(settings, PAINT_FILL, 8, 24);
}

static void copy(const struct settings *settings)
{
    rounds_of(settings, PAINT_COPY, 8, 24);
}

static void fast_copy(const struct settings *settings)
{
    rounds_of(settings, PAINT_FAST_COPY, 8, 24);
}

static void overlap(const struct settings *settings)
{
    for (unsigned round = 0; round < (settings->quick ? 3u : 9u); round++) {
        struct gem *gem = gem_open(settings);
        struct rng rng = {settings->seed + round};
        struct surface *surface = surface_create(gem, (enum tiling)(round % TILING_COUNT), 1024, 96, &rng);
        char what[64];

        snprintf(what, sizeof(what), "seed %llu, round %u", (unsigned long long)settings->seed, round);
        paint_and_compare(gem, 0, &surface, 1, PAINT_COPY | PAINT_OVERLAP, 24, &rng, what);
        surface_destroy(surface);
        gem_close(gem);
    }
}

static void raster_operations(const struct settings *settings)
{
    rounds_of(settings, PAINT_FILL | PAINT_COPY | PAINT_ROPS, 8, 24);
}

static void clip(const struct settings *settings)
{
    rounds_of(settings, PAINT_FILL | PAINT_COPY | PAINT_CLIP, 8, 24);
}

static void mixed(const struct settings *settings)
{
    rounds_of(settings, PAINT_ALL, 12, 60);
}

/* Sizes and places that are easily off by one: single pixels, whole tiles, the last row, one pixel past a tile. */
static void edges(const struct settings *settings)
{
    static const int extents[] = {1, 2, 31, 32, 33, 63, 64};
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    struct surface *surfaces[TILING_COUNT];
    const struct engine *blitter = gem_need_engine(gem, I915_ENGINE_CLASS_COPY);
    struct blt blt = {.bytes = 4, .rop = ROP_FILL};

    for (unsigned tiling = 0; tiling < TILING_COUNT; tiling++)
        surfaces[tiling] = surface_create(gem, (enum tiling)tiling, 512, 64, &rng);
    for (unsigned tiling = 0; tiling < TILING_COUNT; tiling++) {
        struct surface *to = surfaces[tiling];
        struct batch *batch = batch_create(gem, blitter, 0, ARRAY_SIZE(extents) * ARRAY_SIZE(extents) * PAINT_DWORDS);

        for (unsigned i = 0; i < ARRAY_SIZE(extents); i++) {
            for (unsigned j = 0; j < ARRAY_SIZE(extents); j++) {
                int w = extents[i], h = extents[j], x = 128 - w, y = 64 - h; /* in the lower right corner */
                uint32_t colour = (uint32_t)rng_next(&rng);

                blt_fill(batch, to, &blt, (struct rect){x, y, x + w, y + h}, colour);
                for (int row = y; row < y + h; row++)
                    for (int column = x; column < x + w; column++)
                        for (unsigned byte = 0; byte < 4; byte++)
                            to->expected[row * 512 + column * 4 + (int)byte] = (uint8_t)(colour >> 8 * byte);
            }
        }
        batch_run(batch);
        batch_destroy(batch);
        surface_expect(to, "fills in a corner");
    }
    gem_close(gem);
}

const struct check blit_checks[] = {
    {"fill", fill, "XY_COLOR_BLT, 8, 16 and 32 bits", 0},
    {"copy", copy, "XY_SRC_COPY_BLT between surfaces of all tilings", 0},
    {"fast_copy", fast_copy, "XY_FAST_COPY_BLT", 0},
    {"overlap", overlap, "copies within one surface", 0},
    {"raster_operations", raster_operations, "raster operations and write masks", 0},
    {"clip", clip, "clipping", 0},
    {"edges", edges, "sizes and places that are easily off by one", 0},
    {"mixed", mixed, "all of these in random order", 120},
    {0},
};
