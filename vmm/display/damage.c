/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Differences between pictures, in tiles. See damage.h. */
#include "vmm/display/damage.h"

#include <string.h>

static bool get(const struct damage *damage, unsigned column, unsigned row)
{
    return damage->rows[row][column / 8] >> column % 8 & 1;
}

static void set(struct damage *damage, unsigned column, unsigned row)
{
    damage->rows[row][column / 8] |= (uint8_t)(1u << column % 8);
    damage->any = true;
}

static void clear(struct damage *damage, unsigned column, unsigned row)
{
    damage->rows[row][column / 8] &= (uint8_t)~(1u << column % 8);
}

static unsigned tiles(unsigned pixels, unsigned most)
{
    return MIN((pixels + DAMAGE_TILE - 1) / DAMAGE_TILE, most);
}

/* Most lines of most pictures are as they were, and one comparison tells. */
bool damage_compare_line(struct damage *damage, const uint32_t *before, const uint32_t *after, unsigned width, unsigned y)
{
    unsigned row = y / DAMAGE_TILE;

    if (row >= DAMAGE_ROWS || memcmp(before, after, width * sizeof(*before)) == 0)
        return false;
    for (unsigned column = 0; column < tiles(width, DAMAGE_COLUMNS); column++) {
        unsigned x = column * DAMAGE_TILE;
        if (!get(damage, column, row) && memcmp(before + x, after + x, MIN(DAMAGE_TILE, width - x) * sizeof(*before)) != 0)
            set(damage, column, row);
    }
    return true;
}

void damage_all(struct damage *damage, const struct image *image)
{
    for (unsigned row = 0; row < tiles(image->height, DAMAGE_ROWS); row++)
        for (unsigned column = 0; column < tiles(image->width, DAMAGE_COLUMNS); column++)
            set(damage, column, row);
}

void damage_add(struct damage *damage, const struct damage *other)
{
    if (!other->any)
        return;
    for (unsigned row = 0; row < DAMAGE_ROWS; row++)
        for (unsigned i = 0; i < DAMAGE_COLUMNS / 8; i++)
            damage->rows[row][i] |= other->rows[row][i];
    damage->any = true;
}

static bool row_has(const struct damage *damage, unsigned from, unsigned to, unsigned row)
{
    for (unsigned column = from; column < to; column++)
        if (!get(damage, column, row))
            return false;
    return true;
}

/* The first run of tiles in a row, and the rows below that have all of it. */
bool damage_take(struct damage *damage, const struct image *image, struct damage_rect *rect)
{
    unsigned columns = tiles(image->width, DAMAGE_COLUMNS), rows = tiles(image->height, DAMAGE_ROWS);

    for (unsigned row = 0; damage->any && row < rows; row++) {
        for (unsigned from = 0; from < columns; from++) {
            unsigned to = from, end = row;
            while (to < columns && get(damage, to, row))
                to++;
            if (to == from)
                continue;
            for (; end < rows && row_has(damage, from, to, end); end++)
                for (unsigned column = from; column < to; column++)
                    clear(damage, column, end);
            rect->x = from * DAMAGE_TILE;
            rect->y = row * DAMAGE_TILE;
            rect->width = MIN(to * DAMAGE_TILE, image->width) - rect->x;
            rect->height = MIN(end * DAMAGE_TILE, image->height) - rect->y;
            return true;
        }
    }
    memset(damage, 0, sizeof(*damage));
    return false;
}
