/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses within tiled surfaces, and copies of one 4 KiB block to and from linear memory. See tiling.h. */
#include "gpu/blocks/tiling.h"

#include <string.h>

/*
 * Which bits of the address inside a 4 KiB block come from x (in bytes), the others come from y, each in ascending order. Ys adds
 * x and y in turn above: bits 12 and 14 from y, 13 and 15 from x. (gmmlib CpuSwizzleBlt.c, Gen9.)
 */
struct layout {
    uint16_t x_mask;
    uint8_t width_log2;
    uint8_t height_log2;
};

enum { YS_X_MASK = 0xa000, YS_Y_MASK = 0x5000 };

static const struct layout layout_linear = {0xfff, 12, 0};
static const struct layout layout_x = {0x1ff, 9, 3};
static const struct layout layout_y = {0xe0f, 7, 5};
static const struct layout layout_yf_8 = {0xa0f, 6, 6};
static const struct layout layout_yf_16_32 = {0xa8f, 7, 5};
static const struct layout layout_yf_64_128 = {0xacf, 8, 4};

static const struct layout *layout_of(enum tiling tiling, unsigned bpp)
{
    switch (tiling) {
    case TILING_X:
        return &layout_x;
    case TILING_Y:
        return &layout_y;
    case TILING_YF:
    case TILING_YS:
        return bpp <= 8 ? &layout_yf_8 : bpp <= 32 ? &layout_yf_16_32 : &layout_yf_64_128;
    default:
        return &layout_linear;
    }
}

/* Puts the low bits of value into the places that mask names, lowest first. */
static inline uint32_t deposit(uint32_t value, uint32_t mask)
{
    uint32_t result = 0;

    for (; mask && value; mask &= mask - 1, value >>= 1) {
        if (value & 1)
            result |= mask & -mask;
    }
    return result;
}

struct tile_shape tile_shape(enum tiling tiling, unsigned bpp)
{
    const struct layout *layout = layout_of(tiling, bpp);

    return (struct tile_shape){(uint16_t)(1u << layout->width_log2), (uint16_t)(1u << layout->height_log2)};
}

unsigned tile_pitch_unit(enum tiling tiling, unsigned bpp)
{
    if (tiling == TILING_LINEAR)
        return 1;
    return 1u << (layout_of(tiling, bpp)->width_log2 + (tiling == TILING_YS ? 2 : 0));
}

int64_t tile_offset(enum tiling tiling, int64_t pitch_bytes, int64_t x_bytes, int64_t y, unsigned bpp)
{
    const struct layout *layout = layout_of(tiling, bpp);
    unsigned ys = tiling == TILING_YS ? 2 : 0;
    unsigned width_log2 = layout->width_log2 + ys, height_log2 = layout->height_log2 + ys;
    uint32_t x_mask = layout->x_mask | (ys ? YS_X_MASK : 0);
    uint32_t y_mask = (0xfffu & ~layout->x_mask) | (ys ? YS_Y_MASK : 0);
    uint32_t x_in, y_in;
    int64_t column, row, row_tiles;

    if (tiling == TILING_LINEAR)
        return y * pitch_bytes + x_bytes;
    x_in = (uint32_t)x_bytes & ((1u << width_log2) - 1);
    y_in = (uint32_t)y & ((1u << height_log2) - 1);
    column = (x_bytes - x_in) / (1 << width_log2); /* exact, so this rounds down for negative values too */
    row = (y - y_in) / (1 << height_log2);
    row_tiles = pitch_bytes / (1 << width_log2);
    return (row * row_tiles + column) * (1 << (width_log2 + height_log2)) + (deposit(x_in, x_mask) | deposit(y_in, y_mask));
}

size_t tile_span(enum tiling tiling, uint32_t x_bytes)
{
    switch (tiling) {
    case TILING_LINEAR:
        return SIZE_MAX;
    case TILING_X:
        return 512 - x_bytes % 512;
    default:
        return 16 - x_bytes % 16;
    }
}

/* 16 bytes at a time, column by column, which is the order of memory in Y and nearly so in Yf. */
static inline void copy_columns(const struct layout *layout, uint8_t *tile, unsigned x, unsigned y, unsigned bytes, unsigned rows,
                                uint8_t *linear, ptrdiff_t pitch, bool to_tile)
{
    uint32_t x_mask = layout->x_mask & ~15u, y_mask = 0xfffu & ~(uint32_t)layout->x_mask;
    uint32_t x_at = deposit(x, layout->x_mask), y_first = deposit(y, y_mask);

    /* A masked counter: adding the complement's carry steps a value whose bits are spread out by a mask. */
    for (unsigned done = 0; done < bytes; done += 16, x_at = (x_at - x_mask) & x_mask) {
        uint32_t y_at = y_first;
        uint8_t *out = linear + done;

        for (unsigned row = 0; row < rows; row++, out += pitch, y_at = (y_at - y_mask) & y_mask) {
            if (to_tile)
                memcpy(tile + (x_at | y_at), out, 16);
            else
                memcpy(out, tile + (x_at | y_at), 16);
        }
    }
}

/* Copies one way between the block (tile) and linear memory, in runs that are contiguous in both. */
static inline void copy_block(enum tiling tiling, unsigned bpp, uint8_t *tile, unsigned x, unsigned y, unsigned bytes,
                              unsigned rows, uint8_t *linear, ptrdiff_t pitch, bool to_tile)
{
    const struct layout *layout = layout_of(tiling, bpp);
    uint32_t x_mask = layout->x_mask, y_mask = 0xfffu & ~x_mask;
    unsigned unit = tiling == TILING_LINEAR ? TILE_BLOCK_SIZE : tiling == TILING_X ? 512 : 16;
    uint32_t x_units = x_mask & ~(uint32_t)(unit - 1);
    uint32_t first = deposit(x / unit * unit, x_mask), y_at = deposit(y, y_mask);

    if (unit == 16 && x % 16 == 0 && bytes % 16 == 0) {
        copy_columns(layout, tile, x, y, bytes, rows, linear, pitch, to_tile);
        return;
    }
    for (unsigned row = 0; row < rows; row++, linear += pitch, y_at = (y_at - y_mask) & y_mask) {
        uint32_t x_at = first;
        unsigned in = x % unit, left = bytes;
        uint8_t *out = linear;

        while (left) {
            unsigned run = unit - in < left ? unit - in : left;
            uint8_t *at = tile + (x_at | y_at) + in;

            if (to_tile)
                memcpy(at, out, run);
            else
                memcpy(out, at, run);
            out += run;
            left -= run;
            in = 0;
            x_at = (x_at - x_units) & x_units;
        }
    }
}

void tile_read(enum tiling tiling, unsigned bpp, const void *tile, unsigned x, unsigned y, unsigned bytes, unsigned rows,
               void *linear, ptrdiff_t pitch)
{
    copy_block(tiling, bpp, (uint8_t *)(uintptr_t)tile, x, y, bytes, rows, (uint8_t *)linear, pitch, false);
}

void tile_write(enum tiling tiling, unsigned bpp, void *tile, unsigned x, unsigned y, unsigned bytes, unsigned rows,
                const void *linear, ptrdiff_t pitch)
{
    copy_block(tiling, bpp, (uint8_t *)tile, x, y, bytes, rows, (uint8_t *)(uintptr_t)linear, pitch, true);
}
