/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How surfaces lie in memory: linear, or in tiles of 4 KiB (X, Y, Yf) or 64 KiB (Ys). Called by the blitter, by the aperture
 * (fences), and by display scan-out.
 *
 * Every tiling here is built of blocks of 4 KiB that are aligned to a page, so whoever works on scattered pages maps one page
 * and handles the whole block in it: tile_shape() tells the block's extent, tile_offset() its place, tile_read() and
 * tile_write() copy between the block and linear memory. Linear surfaces need none of this but tile_offset().
 *
 * Sources: PRM SKL vol. 5 "Memory Views: Tiling", Linux drm_fourcc.h (X, Y); Mesa isl.c (shape of Yf and Ys); the order of the
 * address bits of Yf and Ys is that of Intel's gmmlib (CpuSwizzleBlt.c, the Gen9 rows). No bit-6 swizzling: Gen9 has none.
 *
 * Threads: pure functions.
 */
#ifndef MEDIANT_GPU_BLOCKS_TILING_H
#define MEDIANT_GPU_BLOCKS_TILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tiling {
    TILING_LINEAR,
    TILING_X,  /* 512 bytes x 8 rows */
    TILING_Y,  /* 128 bytes x 32 rows, in columns of 16 bytes */
    TILING_YF, /* 4 KiB, shape and bit order depend on the bits per pixel */
    TILING_YS, /* 64 KiB: 4 x 4 blocks of Yf, interleaved */
    TILING_COUNT,
};

enum { TILE_BLOCK_SIZE = 4096 };

/* Extent of the 4 KiB block, in bytes and rows; powers of two. Linear: one row of 4096. */
struct tile_shape {
    uint16_t width;
    uint16_t height;
};

/*
 * bpp, here and below, is 8, 16, 32, 64 or 128 and matters for Yf and Ys only; another value counts as the next one up (128
 * when there is none).
 */
struct tile_shape tile_shape(enum tiling tiling, unsigned bpp);

/* The unit of the pitch: the width in bytes of a whole tile (4 blocks of Yf for Ys); 1 when linear. */
unsigned tile_pitch_unit(enum tiling tiling, unsigned bpp);

/*
 * Where byte x_bytes of row y lies, in bytes from the start of the surface. A pitch that is no multiple of the tile's width is cut
 * down to one (hardware leaves this undefined). Negative coordinates and pitches continue the same pattern below the start;
 * any values are safe, as long as they fit 32 bits.
 */
int64_t tile_offset(enum tiling tiling, int64_t pitch_bytes, int64_t x_bytes, int64_t y, unsigned bpp);

/* How many bytes from x_bytes on lie side by side in memory: up to the end of the unit of 16 (Y, Yf, Ys) or 512 bytes (X). Linear:
 * SIZE_MAX. */
size_t tile_span(enum tiling tiling, uint32_t x_bytes);

/*
 * Copy the rectangle of bytes x rows at (x, y) of one 4 KiB block to or from linear memory whose rows are pitch bytes apart (may
 * be negative). The caller keeps the rectangle inside the block's shape; tile points to the block's 4096 bytes. The two
 * memories do not overlap.
 */
void tile_read(enum tiling tiling, unsigned bpp, const void *tile, unsigned x, unsigned y, unsigned bytes, unsigned rows,
               void *linear, ptrdiff_t pitch);
void tile_write(enum tiling tiling, unsigned bpp, void *tile, unsigned x, unsigned y, unsigned bytes, unsigned rows,
                const void *linear, ptrdiff_t pitch);

#ifdef __cplusplus
}
#endif
#endif
