/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Surfaces: addresses within tiles, contents. See surface.h. */
#include "surface.h"

#include <stdlib.h>
#include <string.h>

const char *const tiling_names[TILING_COUNT] = {"linear", "X-tiled", "Y-tiled"};

static const struct {
    unsigned width, height; /* bytes, rows */
} tiles[TILING_COUNT] = {{1, 1}, {512, 8}, {128, 32}};

uint64_t surface_bytes(enum tiling tiling, unsigned pitch, unsigned rows)
{
    unsigned height = tiles[tiling].height;

    return (uint64_t)(rows + height - 1) / height * height * pitch;
}

/* Memory controllers that interleave channels flip address bit 6 by higher ones. Gen9 says NONE; others are here for completeness. */
static uint64_t swizzled(uint64_t offset, uint32_t swizzle)
{
    uint64_t bit9 = offset >> 9 & 1, bit10 = offset >> 10 & 1, bit11 = offset >> 11 & 1;

    switch (swizzle) {
    case I915_BIT_6_SWIZZLE_9:
        return offset ^ bit9 << 6;
    case I915_BIT_6_SWIZZLE_9_10:
        return offset ^ (bit9 ^ bit10) << 6;
    case I915_BIT_6_SWIZZLE_9_11:
        return offset ^ (bit9 ^ bit11) << 6;
    case I915_BIT_6_SWIZZLE_9_10_11:
        return offset ^ (bit9 ^ bit10 ^ bit11) << 6;
    default:
        return offset;
    }
}

uint64_t surface_offset(const struct surface *surface, unsigned x, unsigned y)
{
    unsigned width = tiles[surface->tiling].width, height = tiles[surface->tiling].height;
    unsigned in_x = x % width, in_y = y % height;
    uint64_t tile = (uint64_t)(y / height) * (surface->pitch / width) + x / width, inside;

    if (surface->tiling == TILING_LINEAR)
        return (uint64_t)y * surface->pitch + x;
    if (surface->tiling == TILING_X)
        inside = in_y * 512 + in_x;
    else
        inside = in_x / 16 * (16 * 32) + in_y * 16 + in_x % 16;
    return swizzled(tile * PAGE + inside, surface->swizzle);
}

struct surface *surface_create_on(struct bo *bo, enum tiling tiling, unsigned pitch, unsigned rows, struct rng *rng)
{
    struct surface *surface = calloc(1, sizeof(*surface));
    size_t bytes = (size_t)pitch * rows;

    surface->bo = bo;
    surface->tiling = tiling;
    surface->swizzle = I915_BIT_6_SWIZZLE_NONE;
    surface->pitch = pitch;
    surface->rows = rows;
    surface->expected = malloc(bytes + 8);
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t noise = rng_next(rng);

        memcpy(surface->expected + i, &noise, 8);
    }
    surface_write(surface);
    return surface;
}

struct surface *surface_create(struct gem *gem, enum tiling tiling, unsigned pitch, unsigned rows, struct rng *rng)
{
    return surface_create_on(bo_create(gem, surface_bytes(tiling, pitch, rows)), tiling, pitch, rows, rng);
}

void surface_destroy(struct surface *surface)
{
    if (!surface)
        return;
    bo_destroy(surface->bo);
    free(surface->expected);
    free(surface);
}

void surface_write(struct surface *surface)
{
    uint8_t *memory = (uint8_t *)surface->bo->map;

    for (unsigned y = 0; y < surface->rows; y++)
        for (unsigned x = 0; x < surface->pitch; x++)
            memory[surface_offset(surface, x, y)] = surface->expected[(size_t)y * surface->pitch + x];
}

void surface_expect(const struct surface *surface, const char *what)
{
    const uint8_t *memory = (const uint8_t *)surface->bo->map;
    unsigned wrong = 0, first_x = 0, first_y = 0;
    uint8_t expected = 0, found = 0;

    bo_await(surface->bo);
    for (unsigned y = 0; y < surface->rows; y++) {
        for (unsigned x = 0; x < surface->pitch; x++) {
            uint8_t here = memory[surface_offset(surface, x, y)], there = surface->expected[(size_t)y * surface->pitch + x];

            if (here == there)
                continue;
            if (!wrong++) {
                first_x = x;
                first_y = y;
                expected = there;
                found = here;
            }
        }
    }
    if (wrong)
        fail("%s: %u bytes of a %s surface of %u bytes x %u rows are wrong, the first at byte %u of row %u: expected %#x, found %#x",
             what, wrong, tiling_names[surface->tiling], surface->pitch, surface->rows, first_x, first_y, expected, found);
}
