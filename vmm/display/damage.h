/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which tiles of a picture differ from the one before. Found by watch.c, carried to each viewer. Plain data, no locking. */
#ifndef MEDIANT_VMM_DISPLAY_DAMAGE_H
#define MEDIANT_VMM_DISPLAY_DAMAGE_H

#include "gpu/blocks/scanout.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    DAMAGE_TILE = 64, /* pixels a side */
    DAMAGE_COLUMNS = SCANOUT_MAX_WIDTH / DAMAGE_TILE,
    DAMAGE_ROWS = SCANOUT_MAX_HEIGHT / DAMAGE_TILE,
};

struct damage {
    uint8_t rows[DAMAGE_ROWS][DAMAGE_COLUMNS / 8]; /* a bit for each tile */
    bool any;
};

struct damage_rect {
    unsigned x, y, width, height;
};

/* Adds the tiles in which line y of two pictures of one width (at most that of scan-out) differs; true when it does. */
bool damage_compare_line(struct damage *damage, const uint32_t *before, const uint32_t *after, unsigned width, unsigned y);
/* Adds all tiles of a picture, or those of another damage. */
void damage_all(struct damage *damage, const struct image *image);
void damage_add(struct damage *damage, const struct damage *other);
/* Takes tiles out as one rectangle, cut to the picture; false when there is none left. Together the rectangles are the tiles, each of them once. */
bool damage_take(struct damage *damage, const struct image *image, struct damage_rect *rect);

#ifdef __cplusplus
}
#endif
#endif
