/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of the blitter, by hand from the PRM (SKL vol. 2a "XY_*", vol. 11). Each function appends what one operation needs. Rectangles
 * are in pixels, x2 and y2 outside of them. Used by checks that draw; blt.c.
 */
#ifndef GEMCHECK_BLT_H
#define GEMCHECK_BLT_H

#include "surface.h"

struct rect {
    int x1, y1, x2, y2;
};

/* Raster operations as the PRM numbers them: bit (pattern << 2 | source << 1 | destination) of the number is the result. */
enum {
    ROP_COPY = 0xcc,
    ROP_FILL = 0xf0,
};

/* What the commands have in common. */
struct blt {
    unsigned bytes; /* of a pixel: 1, 2, 4 */
    uint8_t rop;
    bool keep_rgb, keep_alpha; /* four-byte pixels: these do not change */
    bool clip;                 /* to the rectangle of blt_set_clip() */
};

/* For commands with clip, until the next one. It holds within the context. */
void blt_set_clip(struct batch *batch, struct rect clip);
/* XY_COLOR_BLT. */
void blt_fill(struct batch *batch, const struct surface *dst, const struct blt *blt, struct rect to, uint32_t colour);
/* XY_SRC_COPY_BLT. The two may be one surface, and overlap. */
void blt_copy(struct batch *batch, const struct surface *dst, const struct surface *src, const struct blt *blt, struct rect to, int x, int y);
/* XY_FAST_COPY_BLT. No overlap; linear pitches and offsets in units of 16 bytes. */
void blt_fast_copy(struct batch *batch, const struct surface *dst, const struct surface *src, unsigned bytes, struct rect to, int x, int y);

#endif
