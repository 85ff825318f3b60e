/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random drawing: one blitter command at a time, at random, and the same done by the CPU to what the surfaces are expected to hold. Used by
 * blit.c, userptr.c, parallel.c and hang.c; paint.c.
 */
#ifndef GEMCHECK_PAINT_H
#define GEMCHECK_PAINT_H

#include "blt.h"

enum {
    PAINT_FILL = 1 << 0,
    PAINT_COPY = 1 << 1,
    PAINT_FAST_COPY = 1 << 2,
    PAINT_ROPS = 1 << 3,    /* fills and copies: also with other raster operations, and with a part of the bytes of a pixel kept */
    PAINT_CLIP = 1 << 4,    /* fills and copies: also clipped, and reaching beyond the surface there */
    PAINT_OVERLAP = 1 << 5, /* copies: also within one surface */
    PAINT_ALL = (1 << 6) - 1,

    PAINT_DWORDS = 64, /* the most that one call appends */
};

/* Appends one random operation on random ones of the surfaces. kinds: what may be drawn. */
void paint(struct batch *batch, struct surface *const *surfaces, unsigned count, unsigned kinds, struct rng *rng);

/* Surfaces of all tilings and several shapes, count of them. */
void paint_surfaces(struct gem *gem, struct surface **surfaces, unsigned count, struct rng *rng);

/* Draws operations on the surfaces, in batches of some; then all surfaces are compared. what says in words what was done. */
void paint_and_compare(struct gem *gem, uint32_t context, struct surface *const *surfaces, unsigned count, unsigned kinds,
                       unsigned operations, struct rng *rng, const char *what);

#endif
