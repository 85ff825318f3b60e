/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dwords of the blitter's commands. See blt.h. */
#include "blt.h"
#include "mi.h"

enum {
    /* Dword 0, "BR00". */
    OP_SETUP_CLIP = 0x03,
    OP_FAST_COPY = 0x42,
    OP_COLOR = 0x50,
    OP_SRC_COPY = 0x53,
    WRITE_ALPHA = 1 << 21,
    WRITE_RGB = 1 << 20,
    SRC_TILED = 1 << 15,
    DST_TILED = 1 << 11,
    FAST_SRC_TILING_SHIFT = 20, /* 0 linear, 1 X, 2 Y */
    FAST_DST_TILING_SHIFT = 13,
    /* Dword 1, "BR13". */
    CLIPPING = 1 << 30,
    DEPTH_SHIFT = 24,
    ROP_SHIFT = 16,
};

/* Bits 31:29 client 2, 28:22 opcode, low bits length less two. */
static uint32_t blt_opcode(uint32_t opcode, uint32_t flags, uint32_t dwords)
{
    return UINT32_C(2) << 29 | opcode << 22 | flags | (dwords - 2);
}

static uint32_t corner(int x, int y)
{
    return (uint32_t)y << 16 | ((uint32_t)x & 0xffff);
}

/* In bytes when linear, in dwords when tiled. */
static uint32_t pitch_field(const struct surface *surface)
{
    return surface->tiling == TILING_LINEAR ? surface->pitch : surface->pitch / 4;
}

/* 8 bits, 565, 8888: the same numbers in all three commands. */
static uint32_t depth_field(unsigned bytes)
{
    return (bytes == 1 ? 0u : bytes == 2 ? 1u : 3u) << DEPTH_SHIFT;
}

static uint32_t write_mask(const struct blt *blt)
{
    return (blt->keep_alpha ? 0 : WRITE_ALPHA) | (blt->keep_rgb ? 0 : WRITE_RGB);
}

static uint32_t control(const struct surface *dst, const struct blt *blt)
{
    return (blt->clip ? CLIPPING : 0) | depth_field(blt->bytes) | (uint32_t)blt->rop << ROP_SHIFT | pitch_field(dst);
}

/* Tells which tiling "tiled" is from here on. The blitter has to be idle when that changes (PRM vol. 2c, BCS_SWCTRL). */
static void set_tiling(struct batch *batch, bool src_y, bool dst_y)
{
    uint32_t bits = (src_y ? BCS_SWCTRL_SRC_Y : 0) | (dst_y ? BCS_SWCTRL_DST_Y : 0);

    mi_flush(batch);
    mi_load_register(batch, REG_BCS_SWCTRL, (uint32_t)(BCS_SWCTRL_SRC_Y | BCS_SWCTRL_DST_Y) << 16 | bits);
}

/* What both copies have behind their control dwords. */
static void emit_operands(struct batch *batch, const struct surface *dst, const struct surface *src, struct rect to, int x, int y)
{
    emit(batch, corner(to.x1, to.y1));
    emit(batch, corner(to.x2, to.y2));
    emit_address(batch, dst->bo, 0, true);
    emit(batch, corner(x, y));
    emit(batch, pitch_field(src));
    emit_address(batch, src->bo, 0, false);
}

void blt_set_clip(struct batch *batch, struct rect clip)
{
    emit(batch, blt_opcode(OP_SETUP_CLIP, 0, 3));
    emit(batch, corner(clip.x1, clip.y1));
    emit(batch, corner(clip.x2, clip.y2));
}

void blt_fill(struct batch *batch, const struct surface *dst, const struct blt *blt, struct rect to, uint32_t colour)
{
    bool y = dst->tiling == TILING_Y;

    if (y)
        set_tiling(batch, false, true);
    emit(batch, blt_opcode(OP_COLOR, write_mask(blt) | (dst->tiling ? DST_TILED : 0), 7));
    emit(batch, control(dst, blt));
    emit(batch, corner(to.x1, to.y1));
    emit(batch, corner(to.x2, to.y2));
    emit_address(batch, dst->bo, 0, true);
    emit(batch, colour);
    if (y)
        set_tiling(batch, false, false);
}

void blt_copy(struct batch *batch, const struct surface *dst, const struct surface *src, const struct blt *blt, struct rect to, int x, int y)
{
    bool src_y = src->tiling == TILING_Y, dst_y = dst->tiling == TILING_Y;

    if (src_y || dst_y)
        set_tiling(batch, src_y, dst_y);
    emit(batch, blt_opcode(OP_SRC_COPY, write_mask(blt) | (src->tiling ? SRC_TILED : 0) | (dst->tiling ? DST_TILED : 0), 10));
    emit(batch, control(dst, blt));
    emit_operands(batch, dst, src, to, x, y);
    if (src_y || dst_y)
        set_tiling(batch, false, false);
}

void blt_fast_copy(struct batch *batch, const struct surface *dst, const struct surface *src, unsigned bytes, struct rect to, int x, int y)
{
    /* enum tiling has the numbers of this command. */
    emit(batch, blt_opcode(OP_FAST_COPY, (uint32_t)src->tiling << FAST_SRC_TILING_SHIFT | (uint32_t)dst->tiling << FAST_DST_TILING_SHIFT, 10));
    emit(batch, depth_field(bytes) | pitch_field(dst));
    emit_operands(batch, dst, src, to, x, y);
}
