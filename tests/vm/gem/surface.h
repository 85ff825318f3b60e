/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture in GPU memory, linear or tiled, and beside it what the CPU expects it to hold, always linear. Used by whatever draws or looks
 * through the aperture; surface.c.
 *
 * Source: PRM SKL vol. 5 "Memory Views", tiling. X: 512 bytes by 8 rows, row by row. Y: 128 bytes by 32 rows, in columns of 16 bytes.
 */
#ifndef GEMCHECK_SURFACE_H
#define GEMCHECK_SURFACE_H

#include "gem.h"

enum tiling { TILING_LINEAR, TILING_X, TILING_Y, TILING_COUNT };

extern const char *const tiling_names[TILING_COUNT];

struct surface {
    struct bo *bo;
    enum tiling tiling;
    uint32_t swizzle;      /* I915_BIT_6_SWIZZLE_*, as the kernel says for maps through the aperture; NONE for the blitter */
    unsigned pitch, rows;  /* bytes, a multiple of the tile's width; rows whatever it is */
    uint8_t *expected;     /* pitch * rows bytes */
};

/* Bytes that such a surface takes: whole rows of tiles. */
uint64_t surface_bytes(enum tiling tiling, unsigned pitch, unsigned rows);
/* Where byte x of row y lies. */
uint64_t surface_offset(const struct surface *surface, unsigned x, unsigned y);
/* A surface on a buffer of its own, filled with noise; the rng chooses it. */
struct surface *surface_create(struct gem *gem, enum tiling tiling, unsigned pitch, unsigned rows, struct rng *rng);
/* The same on a buffer that is there, and large enough. The surface owns it from now on. */
struct surface *surface_create_on(struct bo *bo, enum tiling tiling, unsigned pitch, unsigned rows, struct rng *rng);
void surface_destroy(struct surface *surface);
/* Makes memory as expected. */
void surface_write(struct surface *surface);
/* Waits for the buffer; fails when a byte is not as expected, with its place. what says after what. */
void surface_expect(const struct surface *surface, const char *what);

#endif
