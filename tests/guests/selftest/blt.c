/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blitter: fills, copies, tilings, clipping and overlap against pictures that the CPU computes. */
#include "selftest.h"

enum { WIDTH = 128, HEIGHT = 64, PITCH = WIDTH * 4 };

static void color_blt(struct test *t, uint64_t va, uint32_t br13, unsigned pitch, unsigned x1, unsigned y1, unsigned x2, unsigned y2,
                      uint32_t colour)
{
    emit(t, XY_COLOR_BLT(BLT_WRITE_RGBA));
    emit(t, br13 | BLT_ROP_PATCOPY | pitch);
    emit(t, y1 << 16 | x1);
    emit(t, y2 << 16 | x2);
    emit_address(t, va);
    emit(t, colour);
}

static void fill(struct test *t)
{
    color_blt(t, t->out_va, BLT_BPP_32, PITCH, 8, 4, 100, 60, 0xff336699);
    if (!test_run(t))
        return;
    unsigned bad = 0;
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++)
            bad += t->out[y * WIDTH + x] != (x >= 8 && x < 100 && y >= 4 && y < 60 ? 0xff336699 : OUT_FILL);
    report(bad == 0, "%u wrong pixels", bad);
}

static void fill_depths(struct test *t)
{
    color_blt(t, t->out_va, BLT_BPP_8, 256, 3, 0, 13, 1, 0x5a);
    color_blt(t, t->out_va + 256, BLT_BPP_16, 256, 3, 0, 13, 1, 0xbeef);
    if (!test_run(t))
        return;
    unsigned bad = 0;
    for (unsigned x = 0; x < 32; x++) {
        bad += ((uint8_t *)t->out)[x] != (x >= 3 && x < 13 ? 0x5a : 0xa5);
        bad += ((uint16_t *)t->out)[128 + x] != (x >= 3 && x < 13 ? 0xbeef : 0xa5a5);
    }
    report(bad == 0, "8 and 16 bits: %u wrong pixels", bad);
}

/* A picture in which each pixel differs. */
static uint32_t picture(unsigned x, unsigned y)
{
    return 0xff000000 | x << 12 | y << 4 | ((x ^ y) & 15);
}

static uint32_t *make_source(struct test *t, uint64_t *va)
{
    uint32_t *source = arena_alloc(t, 65536, va);

    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++)
            source[y * WIDTH + x] = picture(x, y);
    return source;
}

static void src_copy(struct test *t, uint64_t dst, uint64_t src, unsigned dx, unsigned dy, unsigned w, unsigned h, unsigned sx, unsigned sy)
{
    emit(t, XY_SRC_COPY_BLT(BLT_WRITE_RGBA));
    emit(t, BLT_BPP_32 | BLT_ROP_SRCCOPY | PITCH);
    emit(t, dy << 16 | dx);
    emit(t, (dy + h) << 16 | (dx + w));
    emit_address(t, dst);
    emit(t, sy << 16 | sx);
    emit(t, PITCH);
    emit_address(t, src);
}

static void copy(struct test *t)
{
    uint64_t source_va;

    make_source(t, &source_va);
    src_copy(t, t->out_va, source_va, 10, 20, 30, 40, 5, 6);
    if (!test_run(t))
        return;
    unsigned bad = 0;
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++)
            bad += t->out[y * WIDTH + x] !=
                   (x >= 10 && x < 40 && y >= 20 && y < 60 ? picture(x - 10 + 5, y - 20 + 6) : OUT_FILL);
    report(bad == 0, "%u wrong pixels", bad);
}

/* Source and destination overlap in both directions: the blitter must behave as if the source were read first. */
static void overlap(struct test *t)
{
    uint64_t va;
    uint32_t *surface = make_source(t, &va);

    src_copy(t, va, va, 3, 2, 80, 40, 0, 0);
    if (!test_run(t))
        return;
    unsigned bad = 0;
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++)
            bad += surface[y * WIDTH + x] != (x >= 3 && x < 83 && y >= 2 && y < 42 ? picture(x - 3, y - 2) : picture(x, y));
    report(bad == 0, "%u wrong pixels", bad);
}

/* Address of a byte in an X tile (512 bytes by 8 rows) and a Y tile (128 bytes by 32 rows, columns of 16 bytes); PRM SKL vol. 5. */
static size_t x_tile(unsigned pitch, unsigned x, unsigned y)
{
    return (size_t)(y / 8) * 8 * pitch + x / 512 * 4096 + y % 8 * 512 + x % 512;
}

static size_t y_tile(unsigned pitch, unsigned x, unsigned y)
{
    return (size_t)(y / 32) * 32 * pitch + x / 128 * 4096 + x % 128 / 16 * 512 + y % 32 * 16 + x % 16;
}

static void fast_copy_tiled(struct test *t, uint32_t tiling, size_t (*where)(unsigned, unsigned, unsigned))
{
    uint64_t source_va, tiled_va;

    make_source(t, &source_va);
    uint8_t *tiled = arena_alloc(t, 65536, &tiled_va);
    emit(t, XY_FAST_COPY_BLT(tiling));
    emit(t, FAST_COPY_32 | PITCH / 4); /* a tiled pitch counts dwords */
    emit(t, 0);
    emit(t, HEIGHT << 16 | WIDTH);
    emit_address(t, tiled_va);
    emit(t, 0);
    emit(t, PITCH);
    emit_address(t, source_va);
    if (!test_run(t))
        return;
    unsigned bad = 0;
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++)
            bad += *(uint32_t *)(tiled + where(PITCH, x * 4, y)) != picture(x, y);
    report(bad == 0, "%u wrong pixels", bad);
}

static void fast_copy_x(struct test *t)
{
    fast_copy_tiled(t, FAST_COPY_SRC_LINEAR | FAST_COPY_DST_X, x_tile);
}

static void fast_copy_y(struct test *t)
{
    fast_copy_tiled(t, FAST_COPY_SRC_LINEAR | FAST_COPY_DST_Y, y_tile);
}

/* The aperture with an X-tiled fence shows the same surface linear. */
static void fence(struct test *t)
{
    uint64_t source_va, tiled_va;
    unsigned fence_number = 0;

    make_source(t, &source_va);
    uint8_t *tiled = arena_alloc(t, 65536, &tiled_va);
    uint32_t gma = gpu_bind_low(t->gpu, tiled, 65536);
    gpu_flush_ggtt(t->gpu);
    emit(t, XY_FAST_COPY_BLT(FAST_COPY_SRC_LINEAR | FAST_COPY_DST_X));
    emit(t, FAST_COPY_32 | PITCH / 4);
    emit(t, 0);
    emit(t, HEIGHT << 16 | WIDTH);
    emit_address(t, tiled_va);
    emit(t, 0);
    emit(t, PITCH);
    emit_address(t, source_va);
    if (!test_run(t))
        return;
    /* PRM SKL vol. 2c, FENCE: start page and valid, X tiling, pitch in 128-byte units less one; upper dword: last page. */
    uint32_t reg = R_FENCE_REG + 8 * fence_number;
    gpu_write(t->gpu, reg, 0);
    gpu_write(t->gpu, reg + 4, (gma + 65536 - 4096) & 0xfffff000);
    gpu_write(t->gpu, reg + 4, ((gma + 65536 - 4096) & 0xfffff000) | (PITCH / 128 - 1));
    gpu_write(t->gpu, reg, gma | 1);
    unsigned bad = 0;
    for (unsigned y = 0; y < HEIGHT; y += 7)
        for (unsigned x = 0; x < WIDTH; x += 31)
            bad += *(volatile uint32_t *)(t->gpu->aperture + gma + y * PITCH + x * 4) != picture(x, y);
    *(volatile uint32_t *)(t->gpu->aperture + gma + 9 * PITCH + 5 * 4) = 0x12345678;
    report(bad == 0, "%u wrong pixels through the aperture", bad);
    report(*(uint32_t *)(tiled + x_tile(PITCH, 5 * 4, 9)) == 0x12345678, "a write through the aperture lands in its tile");
    gpu_write(t->gpu, reg, 0);
    gpu_write(t->gpu, reg + 4, 0);
}

const struct test_case blt_tests[] = {
    {"fill", ON_BCS, fill},
    {"fill_depths", ON_BCS, fill_depths},
    {"copy", ON_BCS, copy},
    {"overlap", ON_BCS, overlap},
    {"fast_copy_x", ON_BCS, fast_copy_x},
    {"fast_copy_y", ON_BCS, fast_copy_y},
    {"fence", ON_BCS, fence},
    {0},
};
