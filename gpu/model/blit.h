/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The blitter's inside, in four parts: blit_decode.c turns the dwords of one command into a struct blit, blit_run.c draws a struct
 * blit through an abstract view of memory, blit_rop.c evaluates raster operations, blit.c connects them to the engine. The
 * first three know nothing of the model, so that they can be tested and measured alone.
 *
 * Sources: PRM SKL vol. 2a (the 2D instructions: COLOR_BLT ... XY_TEXT_BLT) and vol. 11 (blitter: operands, raster operations,
 * clipping, transparency, overlap); Linux gt/intel_gpu_commands.h, gem/selftests/i915_gem_client_blt.c (tiling, pitch units,
 * BCS_SWCTRL); libdrm's intel_decode.c and the xf86-video-intel driver for the layouts in real use. Since Gen8 each address
 * takes two dwords (48 bits), everything behind it moves up.
 *
 * Threads: a struct blit and a run belong to one thread.
 */
#ifndef MEDIANT_GPU_MODEL_BLIT_H
#define MEDIANT_GPU_MODEL_BLIT_H

#include "gpu/blocks/tiling.h"
#include "gpu/defs/commands.h"

#ifdef __cplusplus
extern "C" {
#endif

/* BCS_SWCTRL (0x22200): which tiling "tiled" means in the commands other than XY_FAST_COPY_BLT. Linux gt/intel_gt_regs.h. */
enum { BCS_SWCTRL_SRC_Y = 1 << 0, BCS_SWCTRL_DST_Y = 1 << 1 };

enum blit_depth { BLIT_8, BLIT_565, BLIT_1555, BLIT_8888, BLIT_64, BLIT_128 };

/* addr is where the pixel (0, 0) lies; page aligned when tiled. pitch in bytes, negative upwards. */
struct blit_surface {
    uint64_t addr;
    int32_t pitch;
    enum tiling tiling;
};

struct blit_rect {
    int32_t x1, y1, x2, y2; /* pixels; x2 and y2 are the first ones outside */
};

enum blit_source {
    BLIT_SOURCE_NONE,
    BLIT_SOURCE_COLOR,
    BLIT_SOURCE_MONO, /* one bit for each pixel, the highest bit of a byte is leftmost */
};

enum blit_pattern {
    BLIT_PATTERN_NONE,
    BLIT_PATTERN_SOLID, /* pattern_fg everywhere */
    BLIT_PATTERN_COLOR, /* 8 x 8 pixels of the destination's depth */
    BLIT_PATTERN_MONO,  /* 8 x 8 bits, one byte for each row, the highest bit leftmost */
};

/* Chroma key, BR00 "transparency range mode": which pixels are compared to the range, and whether alpha counts. */
enum { BLIT_CHROMA_ENABLE = 1 << 0, BLIT_CHROMA_ALPHA = 1 << 1, BLIT_CHROMA_DESTINATION = 1 << 2 };

struct blit {
    struct blit_surface dst;
    struct blit_rect rect;    /* as the command says: patterns and sources are anchored to its corner */
    struct blit_rect visible; /* the part that is drawn: rect after clipping; empty when x1 >= x2 or y1 >= y2 */
    enum blit_depth depth;
    unsigned cpp; /* bytes of a pixel: 1, 2, 4, 8, 16 */
    uint8_t rop;  /* bit (P << 2 | S << 1 | D) of it is the result */
    bool write_rgb, write_alpha;   /* both true unless the depth is BLIT_8888 */
    bool backward_x, backward_y;   /* order of accesses */

    enum blit_source source;
    struct blit_surface src;       /* colour: surface; mono: addr is the first byte */
    int32_t src_x, src_y;          /* colour: the pixel that goes to (rect.x1, rect.y1) */
    uint64_t mono_row_bits;        /* mono: distance of rows in bits */
    unsigned mono_start;           /* mono: bits to skip at the start of each row, 0..7 */
    const uint8_t *mono_immediate; /* mono: in the command itself, NULL when in memory; points into the decoded dwords */
    uint32_t source_bg, source_fg;
    bool source_transparent;       /* mono: zeros do not write */

    enum blit_pattern pattern;
    uint64_t pattern_addr;            /* colour */
    const uint8_t *pattern_immediate; /* colour: in the command itself, or NULL */
    uint8_t pattern_bits[8];          /* mono */
    uint32_t pattern_bg, pattern_fg;
    bool pattern_transparent;         /* mono: zeros do not write */
    unsigned pattern_x, pattern_y;    /* 0..7: the pattern's pixel at (rect.x1, rect.y1) */

    unsigned chroma; /* BLIT_CHROMA_* */
    uint32_t chroma_low, chroma_high;
};

/*
 * What the XY_SETUP commands leave for XY_PIXEL, XY_SCANLINES and XY_TEXT, and the clip rectangle, which all commands with the
 * clip bit use. Plain numbers, so that it can be saved with a context.
 */
struct blit_setup {
    uint32_t br00; /* dword 0 of the last XY_SETUP_BLT or XY_SETUP_MONO_PATTERN_SL_BLT: byte mask */
    uint32_t br01; /* its control dword */
    uint32_t mono; /* 1: it was the latter, the pattern is mono */
    uint32_t clip_first, clip_last; /* BR24, BR25 */
    uint32_t background, foreground; /* BR05, BR06 */
    uint32_t mono_pattern[2]; /* BR20, BR21 */
    uint64_t destination; /* BR09 */
    uint64_t pattern; /* BR07 */
};

enum blit_decoded {
    BLIT_DRAW,      /* *blit is to be run */
    BLIT_NOTHING,   /* only state, or nothing visible */
    BLIT_MALFORMED, /* no such command, too short, a reserved depth: hardware hangs or draws garbage */
};

/*
 * Decodes the command id in dwords[0..count), which must stay while *blit is used. swctrl is BCS_SWCTRL. Every bit pattern is
 * safe; a command that is not the blitter's is malformed. Dwords beyond the command's own length are ignored. (blit_decode.c)
 */
enum blit_decoded blit_decode(struct blit_setup *setup, enum cmd_id id, const uint32_t *dwords, unsigned count, uint32_t swctrl,
                              struct blit *blit);

/* Memory as a run sees it. */
struct blit_memory {
    /*
     * Host pointer to [addr, addr + *len), *len shortened to what is contiguous, but reaching at least the end of addr's 4 KiB
     * page (or what was asked for). NULL is a fault, and ends the run. Pointers are used until the next pause().
     */
    void *(*map)(void *opaque, uint64_t addr, size_t *len, bool write);
    /* Called after each slice of work (BLIT_SLICE): all pointers are given back. False ends the run. */
    bool (*pause)(void *opaque);
    void *opaque;
};

/* Bytes moved, or their worth in small accesses, between two calls of pause(). */
enum { BLIT_SLICE = 256 * 1024 };

enum blit_result { BLIT_DONE, BLIT_FAULTED, BLIT_STOPPED };

/* Draws. When it does not end with BLIT_DONE some of the pixels have been written, none outside of blit->visible. (blit_run.c) */
enum blit_result blit_run(const struct blit *blit, const struct blit_memory *memory);

/* Which operands a raster operation depends on. (blit_rop.c) */
enum { BLIT_ROP_DESTINATION = 1 << 0, BLIT_ROP_SOURCE = 1 << 1, BLIT_ROP_PATTERN = 1 << 2 };
unsigned blit_rop_operands(uint8_t rop);

/* d[i] = rop(p[i], s[i], d[i]) for bytes. Operands that the operation does not use may be NULL. (blit_rop.c) */
void blit_rop(uint8_t rop, uint8_t *d, const uint8_t *s, const uint8_t *p, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
