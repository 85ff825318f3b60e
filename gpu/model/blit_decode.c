/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the dwords of a 2D command to a struct blit. Called by blit.c and the blitter's tests; sources in blit.h.
 *
 * The commands are variations of one form: control dwords, a rectangle, the destination's address, then the operands in a
 * fixed order: colour source (coordinates, pitch, address), mono source (address, colours), pattern (address, colours or
 * bits), chroma range, immediate data. The form table says which of these a command has, and one reader takes them in order.
 */
#include "gpu/model/blit.h"

#include <string.h>

enum {
    HAS_COLOR_SOURCE = 1 << 0,  /* BR26 coordinates, BR11 pitch, BR12 address */
    HAS_MONO_SOURCE = 1 << 1,   /* BR12 address, BR18 background, BR19 foreground */
    HAS_MONO_COLORS = 1 << 2,   /* BR18, BR19 only; the bits are immediate */
    HAS_SOLID = 1 << 3,         /* BR16 */
    HAS_PATTERN = 1 << 4,       /* BR15 address */
    HAS_MONO_PATTERN = 1 << 5,  /* BR16 background, BR17 foreground, BR20 and BR21 bits */
    HAS_FIXED_PATTERN = 1 << 6, /* BR16, BR17; the bits by number in dword 0 */
    HAS_CHROMA = 1 << 7,        /* BR18 low, BR19 high; mode in dword 0 */
    HAS_PATTERN_DATA = 1 << 8,  /* 8 x 8 pixels in the command */
};

static unsigned form_of(enum cmd_id id)
{
    switch (id) {
    case CMD_XY_COLOR_BLT:
        return HAS_SOLID;
    case CMD_XY_PAT_BLT:
        return HAS_PATTERN;
    case CMD_XY_PAT_BLT_IMMEDIATE:
        return HAS_PATTERN_DATA;
    case CMD_XY_PAT_CHROMA_BLT:
        return HAS_PATTERN | HAS_CHROMA;
    case CMD_XY_PAT_CHROMA_BLT_IMMEDIATE:
        return HAS_CHROMA | HAS_PATTERN_DATA;
    case CMD_XY_MONO_PAT_BLT:
        return HAS_MONO_PATTERN;
    case CMD_XY_MONO_PAT_FIXED_BLT:
        return HAS_FIXED_PATTERN;
    case CMD_XY_SRC_COPY_BLT:
        return HAS_COLOR_SOURCE;
    case CMD_XY_SRC_COPY_CHROMA_BLT:
        return HAS_COLOR_SOURCE | HAS_CHROMA;
    case CMD_XY_MONO_SRC_COPY_BLT:
        return HAS_MONO_SOURCE;
    case CMD_XY_MONO_SRC_COPY_IMMEDIATE_BLT:
        return HAS_MONO_COLORS;
    case CMD_XY_FULL_BLT:
        return HAS_COLOR_SOURCE | HAS_PATTERN;
    case CMD_XY_FULL_IMMEDIATE_PATTERN_BLT:
        return HAS_COLOR_SOURCE | HAS_PATTERN_DATA;
    case CMD_XY_FULL_MONO_SRC_BLT:
        return HAS_MONO_SOURCE | HAS_PATTERN;
    case CMD_XY_FULL_MONO_SRC_IMMEDIATE_PATTERN_BLT:
        return HAS_MONO_SOURCE | HAS_PATTERN_DATA;
    case CMD_XY_FULL_MONO_PATTERN_BLT:
        return HAS_COLOR_SOURCE | HAS_MONO_PATTERN;
    case CMD_XY_FULL_MONO_PATTERN_MONO_SRC_BLT:
        return HAS_MONO_SOURCE | HAS_MONO_PATTERN;
    default:
        return 0;
    }
}

/* Dword 0, "BR00". */
enum {
    BR00_WRITE_ALPHA = 1 << 21,
    BR00_WRITE_RGB = 1 << 20,
    BR00_BYTE_PACKED = 1 << 16, /* text: rows start at bytes, otherwise they follow each other bit by bit */
    BR00_SRC_TILED = 1 << 15,
    BR00_DST_TILED = 1 << 11,
    BR00_MONO_START_SHIFT = 17, /* also the chroma mode; 3 bits */
    BR00_FIXED_PATTERN_SHIFT = 15, /* 5 bits */
    BR00_PATTERN_X_SHIFT = 12,  /* 3 bits */
    BR00_PATTERN_Y_SHIFT = 8,   /* 3 bits */
};

/* Dword 1, "BR13" (of the setup commands "BR01"). */
#define BR13_SOLID_PATTERN (UINT32_C(1) << 31)
#define BR13_CLIP (UINT32_C(1) << 30)
#define BR13_X_BACKWARD (UINT32_C(1) << 30) /* SRC_COPY_BLT: written from right to left */
#define BR13_MONO_SOURCE_TRANSPARENT (UINT32_C(1) << 29)
#define BR13_MONO_PATTERN_TRANSPARENT (UINT32_C(1) << 28)

/* XY_FAST_COPY_BLT. */
#define FAST_SRC_YF (UINT32_C(1) << 31)
#define FAST_DST_YF (UINT32_C(1) << 30)
enum { FAST_SRC_TILING_SHIFT = 20, FAST_DST_TILING_SHIFT = 13 };

#define ADDRESS_MASK ((UINT64_C(1) << 48) - 1)
#define PAGE_MASK UINT64_C(0xfff)
#define PATTERN_ADDRESS_LOW UINT64_C(0x3f) /* BR15, BR07: bits 5:0 are not there */

/*
 * The patterns of XY_MONO_PAT_FIXED_BLT. The PRM names them (numbers 6 and 7 and those above 11 are reserved) but draws no
 * bits; the first six are those of the hatch brushes whose names they bear, the others follow their names.
 */
static const uint8_t fixed_patterns[][8] = {
    {0x00, 0x00, 0x00, 0xff, 0x00, 0x00, 0x00, 0x00}, /* horizontal */
    {0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08}, /* vertical */
    {0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01}, /* forward diagonal */
    {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80}, /* backward diagonal */
    {0x08, 0x08, 0x08, 0xff, 0x08, 0x08, 0x08, 0x08}, /* cross */
    {0x81, 0x42, 0x24, 0x18, 0x18, 0x24, 0x42, 0x81}, /* diagonal cross */
    {0},
    {0},
    {0xaa, 0x55, 0xaa, 0x55, 0xaa, 0x55, 0xaa, 0x55}, /* screen door */
    {0xcc, 0xcc, 0x33, 0x33, 0xcc, 0xcc, 0x33, 0x33}, /* wide screen door */
    {0x88, 0x44, 0x22, 0x11, 0x88, 0x44, 0x22, 0x11}, /* walking one */
    {0x77, 0xbb, 0xdd, 0xee, 0x77, 0xbb, 0xdd, 0xee}, /* walking zero */
};

/* Takes dwords in order; running out sets short_of and gives zeros. */
struct reader {
    const uint32_t *dwords;
    unsigned count, next;
    bool short_of;
};

static uint32_t take(struct reader *reader)
{
    if (reader->next >= reader->count) {
        reader->short_of = true;
        return 0;
    }
    return reader->dwords[reader->next++];
}

static uint64_t take_address(struct reader *reader)
{
    uint64_t low = take(reader);

    return (low | (uint64_t)take(reader) << 32) & ADDRESS_MASK;
}

/* The rest of the command as data, when there are at least so many bytes of it. */
static const uint8_t *take_data(struct reader *reader, uint64_t bytes)
{
    const uint32_t *data = reader->dwords + reader->next;

    if ((uint64_t)(reader->count - reader->next) * 4 < bytes) {
        reader->short_of = true;
        return NULL;
    }
    return (const uint8_t *)data;
}

static int32_t low_signed(uint32_t dword)
{
    return (int16_t)(dword & 0xffff);
}

static int32_t high_signed(uint32_t dword)
{
    return (int16_t)(dword >> 16);
}

static struct blit_rect rect_of(uint32_t first, uint32_t last)
{
    return (struct blit_rect){low_signed(first), high_signed(first), low_signed(last), high_signed(last)};
}

static bool rect_empty(const struct blit_rect *rect)
{
    return rect->x1 >= rect->x2 || rect->y1 >= rect->y2;
}

/* The clip rectangle's coordinates are 15-bit positive numbers; the last ones are outside. */
static void clip(struct blit_rect *rect, const struct blit_setup *setup)
{
    int32_t x1 = setup->clip_first & 0x7fff, y1 = setup->clip_first >> 16 & 0x7fff;
    int32_t x2 = setup->clip_last & 0x7fff, y2 = setup->clip_last >> 16 & 0x7fff;

    rect->x1 = rect->x1 > x1 ? rect->x1 : x1;
    rect->y1 = rect->y1 > y1 ? rect->y1 : y1;
    rect->x2 = rect->x2 < x2 ? rect->x2 : x2;
    rect->y2 = rect->y2 < y2 ? rect->y2 : y2;
}

/* The pitch is in bytes when linear, in dwords when tiled. Tiled surfaces start at a page: the bits below are not looked at. */
static struct blit_surface surface(uint64_t addr, int32_t pitch, enum tiling tiling)
{
    if (tiling == TILING_LINEAR)
        return (struct blit_surface){addr, pitch, tiling};
    return (struct blit_surface){addr & ~PAGE_MASK, pitch * 4, tiling};
}

static enum tiling legacy_tiling(bool tiled, bool y_major)
{
    return !tiled ? TILING_LINEAR : y_major ? TILING_Y : TILING_X;
}

/* What all commands but XY_FAST_COPY_BLT take from dword 0 and the control dword. */
static void take_control(struct blit *blit, uint32_t br00, uint32_t br13)
{
    static const uint8_t cpp[] = {1, 2, 2, 4};

    blit->depth = (enum blit_depth)(br13 >> 24 & 3);
    blit->cpp = cpp[blit->depth];
    blit->rop = br13 >> 16 & 0xff;
    blit->write_rgb = blit->depth != BLIT_8888 || (br00 & BR00_WRITE_RGB);
    blit->write_alpha = blit->depth != BLIT_8888 || (br00 & BR00_WRITE_ALPHA);
    blit->source_transparent = br13 & BR13_MONO_SOURCE_TRANSPARENT;
    blit->pattern_transparent = br13 & BR13_MONO_PATTERN_TRANSPARENT;
}

/*
 * Colour patterns: the seed is the pattern's pixel at the corner of the rectangle. Mono patterns: it is the one at the
 * surface's (0, 0). Both as xf86-video-intel programs them.
 */
static void color_pattern(struct blit *blit, uint32_t br00)
{
    blit->pattern = BLIT_PATTERN_COLOR;
    blit->pattern_x = br00 >> BR00_PATTERN_X_SHIFT & 7;
    blit->pattern_y = br00 >> BR00_PATTERN_Y_SHIFT & 7;
}

/* A mono pattern that is "solid" is not looked at: all its bits count as 0, its operand is the background, and that writes. */
static void mono_pattern(struct blit *blit, uint32_t br00, uint32_t br13, const uint8_t bits[8])
{
    if (br13 & BR13_SOLID_PATTERN) {
        blit->pattern = BLIT_PATTERN_SOLID;
        blit->pattern_fg = blit->pattern_bg;
        return;
    }
    blit->pattern = BLIT_PATTERN_MONO;
    memcpy(blit->pattern_bits, bits, 8);
    blit->pattern_x = ((br00 >> BR00_PATTERN_X_SHIFT) + (uint32_t)blit->rect.x1) & 7;
    blit->pattern_y = ((br00 >> BR00_PATTERN_Y_SHIFT) + (uint32_t)blit->rect.y1) & 7;
}

/* Rows of mono sources are padded to 16 bits, and start at a bit of their first byte. */
static void mono_source(struct blit *blit, uint32_t br00)
{
    uint64_t width = rect_empty(&blit->rect) ? 0 : (uint64_t)(blit->rect.x2 - blit->rect.x1);

    blit->source = BLIT_SOURCE_MONO;
    blit->mono_start = br00 >> BR00_MONO_START_SHIFT & 7;
    blit->mono_row_bits = (blit->mono_start + width + 15) / 16 * 16;
}

static uint64_t mono_bytes(const struct blit *blit)
{
    uint64_t rows = rect_empty(&blit->rect) ? 0 : (uint64_t)(blit->rect.y2 - blit->rect.y1);

    return (blit->mono_row_bits * rows + 7) / 8;
}

/*
 * Which way a copy within one surface goes. PRM vol. 11: when both base addresses are equal the blitter goes backwards in each
 * direction in which the source begins before the destination; it looks for no other overlap.
 */
static void choose_direction(struct blit *blit)
{
    if (blit->src.addr != blit->dst.addr)
        return;
    blit->backward_x = blit->src_x < blit->rect.x1;
    blit->backward_y = blit->src_y < blit->rect.y1;
}

static enum blit_decoded finish(struct blit *blit, const struct reader *reader)
{
    if (reader->short_of)
        return BLIT_MALFORMED;
    return rect_empty(&blit->visible) ? BLIT_NOTHING : BLIT_DRAW;
}

static enum blit_decoded decode_xy(const struct blit_setup *setup, struct reader *reader, unsigned form, uint32_t swctrl,
                                   struct blit *blit)
{
    uint32_t br00 = take(reader), br13 = take(reader), first = take(reader), last = take(reader);

    take_control(blit, br00, br13);
    blit->rect = blit->visible = rect_of(first, last);
    if (br13 & BR13_CLIP)
        clip(&blit->visible, setup);
    blit->dst = surface(take_address(reader), low_signed(br13), legacy_tiling(br00 & BR00_DST_TILED, swctrl & BCS_SWCTRL_DST_Y));
    if (form & HAS_COLOR_SOURCE) {
        uint32_t corner = take(reader);
        int32_t pitch = low_signed(take(reader));

        blit->source = BLIT_SOURCE_COLOR;
        blit->src_x = low_signed(corner);
        blit->src_y = high_signed(corner);
        blit->src = surface(take_address(reader), pitch, legacy_tiling(br00 & BR00_SRC_TILED, swctrl & BCS_SWCTRL_SRC_Y));
        choose_direction(blit);
    }
    if (form & HAS_MONO_SOURCE)
        blit->src.addr = take_address(reader);
    if (form & (HAS_MONO_SOURCE | HAS_MONO_COLORS)) {
        blit->source_bg = take(reader);
        blit->source_fg = take(reader);
        mono_source(blit, br00);
    }
    if (form & HAS_SOLID) {
        blit->pattern = BLIT_PATTERN_SOLID;
        blit->pattern_fg = take(reader);
    }
    if (form & HAS_PATTERN)
        blit->pattern_addr = take_address(reader) & ~PATTERN_ADDRESS_LOW;
    if (form & (HAS_PATTERN | HAS_PATTERN_DATA))
        color_pattern(blit, br00);
    if (form & (HAS_MONO_PATTERN | HAS_FIXED_PATTERN)) {
        const uint8_t *bits;
        uint32_t words[2];

        blit->pattern_bg = take(reader);
        blit->pattern_fg = take(reader);
        if (form & HAS_MONO_PATTERN) {
            words[0] = take(reader);
            words[1] = take(reader);
            bits = (const uint8_t *)words;
        } else {
            unsigned number = br00 >> BR00_FIXED_PATTERN_SHIFT & 31;

            bits = fixed_patterns[number < sizeof(fixed_patterns) / 8 ? number : 6];
        }
        mono_pattern(blit, br00, br13, bits);
    }
    if (form & HAS_CHROMA) {
        blit->chroma = br00 >> BR00_MONO_START_SHIFT & 7;
        blit->chroma_low = take(reader);
        blit->chroma_high = take(reader);
    }
    if (form & HAS_PATTERN_DATA)
        blit->pattern_immediate = take_data(reader, 64 * blit->cpp);
    if (form & HAS_MONO_COLORS)
        blit->mono_immediate = take_data(reader, mono_bytes(blit));
    return finish(blit, reader);
}

/*
 * COLOR_BLT and SRC_COPY_BLT: a rectangle given by its first byte, its width in bytes and its height; linear, not clipped. Still
 * in the 2D opcode map of Gen9 and later PRMs, although drivers have stopped using them.
 */
static enum blit_decoded decode_plain(struct reader *reader, bool copy, struct blit *blit)
{
    uint32_t br00 = take(reader), br13 = take(reader), size = take(reader);
    uint64_t dst = take_address(reader);

    take_control(blit, br00, br13);
    blit->rect = blit->visible = (struct blit_rect){0, 0, (int32_t)((size & 0xffff) / blit->cpp), (int32_t)(size >> 16)};
    if (copy) {
        int32_t pitch = low_signed(take(reader));
        uint64_t src = take_address(reader);

        /* Backwards the addresses are those of the last byte of a row, where work begins. */
        if (br13 & BR13_X_BACKWARD) {
            uint32_t back = (uint32_t)blit->rect.x2 * blit->cpp - (blit->rect.x2 ? 1 : 0);

            dst = (dst - back) & ADDRESS_MASK;
            src = (src - back) & ADDRESS_MASK;
            blit->backward_x = true;
        }
        blit->source = BLIT_SOURCE_COLOR;
        blit->src = surface(src, pitch, TILING_LINEAR);
    } else {
        blit->pattern = BLIT_PATTERN_SOLID;
        blit->pattern_fg = take(reader);
    }
    blit->dst = surface(dst, low_signed(br13), TILING_LINEAR);
    return finish(blit, reader);
}

static enum tiling fast_tiling(uint32_t field, bool yf)
{
    static const enum tiling tilings[] = {TILING_LINEAR, TILING_X, TILING_Y, TILING_YS};

    return (field & 3) == 2 && yf ? TILING_YF : tilings[field & 3];
}

static enum blit_decoded decode_fast_copy(struct reader *reader, struct blit *blit)
{
    static const struct {
        enum blit_depth depth;
        uint8_t cpp; /* 0: reserved */
    } depths[8] = {{BLIT_8, 1}, {BLIT_565, 2}, {BLIT_565, 0}, {BLIT_8888, 4}, {BLIT_64, 8}, {BLIT_128, 16}};
    uint32_t dw0 = take(reader), dw1 = take(reader), first = take(reader), last = take(reader), corner;
    int32_t pitch;

    blit->depth = depths[dw1 >> 24 & 7].depth;
    blit->cpp = depths[dw1 >> 24 & 7].cpp;
    if (!blit->cpp)
        return BLIT_MALFORMED;
    blit->rop = 0xcc;
    blit->write_rgb = blit->write_alpha = true;
    blit->rect = blit->visible = rect_of(first, last);
    blit->dst = surface(take_address(reader), low_signed(dw1), fast_tiling(dw0 >> FAST_DST_TILING_SHIFT, dw1 & FAST_DST_YF));
    corner = take(reader);
    blit->source = BLIT_SOURCE_COLOR;
    blit->src_x = low_signed(corner);
    blit->src_y = high_signed(corner);
    pitch = low_signed(take(reader));
    blit->src = surface(take_address(reader), pitch, fast_tiling(dw0 >> FAST_SRC_TILING_SHIFT, dw1 & FAST_SRC_YF));
    return finish(blit, reader);
}

static enum blit_decoded decode_setup(struct blit_setup *setup, struct reader *reader, enum cmd_id id)
{
    struct blit_setup next = *setup;

    next.br00 = take(reader);
    if (id != CMD_XY_SETUP_CLIP_BLT)
        next.br01 = take(reader);
    next.clip_first = take(reader);
    next.clip_last = take(reader);
    if (id != CMD_XY_SETUP_CLIP_BLT) {
        next.destination = take_address(reader);
        next.background = take(reader);
        next.foreground = take(reader);
        next.mono = id == CMD_XY_SETUP_MONO_PATTERN_SL_BLT;
    }
    if (id == CMD_XY_SETUP_BLT)
        next.pattern = take_address(reader) & ~PATTERN_ADDRESS_LOW;
    if (id == CMD_XY_SETUP_MONO_PATTERN_SL_BLT) {
        next.mono_pattern[0] = take(reader);
        next.mono_pattern[1] = take(reader);
    }
    if (reader->short_of)
        return BLIT_MALFORMED;
    if (id == CMD_XY_SETUP_CLIP_BLT)
        next.br00 = setup->br00;
    *setup = next;
    return BLIT_NOTHING;
}

/* XY_PIXEL, XY_SCANLINES and XY_TEXT: a rectangle drawn with what the last setup left. */
static enum blit_decoded decode_with_setup(const struct blit_setup *setup, struct reader *reader, enum cmd_id id,
                                           uint32_t swctrl, struct blit *blit)
{
    uint32_t br00 = take(reader), first = take(reader);

    take_control(blit, setup->br00, setup->br01);
    blit->rect = rect_of(first, id == CMD_XY_PIXEL_BLT ? first : take(reader));
    if (id == CMD_XY_PIXEL_BLT) {
        blit->rect.x2++;
        blit->rect.y2++;
    }
    blit->visible = blit->rect;
    if (setup->br01 & BR13_CLIP)
        clip(&blit->visible, setup);
    blit->dst = surface(setup->destination, low_signed(setup->br01),
                        legacy_tiling(br00 & BR00_DST_TILED, swctrl & BCS_SWCTRL_DST_Y));
    switch (id) {
    case CMD_XY_PIXEL_BLT:
        blit->pattern = BLIT_PATTERN_SOLID;
        blit->pattern_fg = setup->foreground;
        break;
    case CMD_XY_SCANLINES_BLT:
        if (setup->mono) {
            blit->pattern_bg = setup->background;
            blit->pattern_fg = setup->foreground;
            mono_pattern(blit, br00, setup->br01, (const uint8_t *)setup->mono_pattern);
        } else {
            blit->pattern_addr = setup->pattern;
            color_pattern(blit, br00);
        }
        break;
    default:
        mono_source(blit, 0);
        blit->mono_row_bits = rect_empty(&blit->rect) ? 0 : (uint64_t)(blit->rect.x2 - blit->rect.x1);
        if (br00 & BR00_BYTE_PACKED)
            blit->mono_row_bits = (blit->mono_row_bits + 7) / 8 * 8;
        blit->source_bg = setup->background;
        blit->source_fg = setup->foreground;
        if (id == CMD_XY_TEXT_BLT)
            blit->src.addr = take_address(reader);
        else
            blit->mono_immediate = take_data(reader, mono_bytes(blit));
        break;
    }
    return finish(blit, reader);
}

enum blit_decoded blit_decode(struct blit_setup *setup, enum cmd_id id, const uint32_t *dwords, unsigned count, uint32_t swctrl,
                              struct blit *blit)
{
    struct reader reader = {.dwords = dwords, .count = count};
    unsigned form;

    memset(blit, 0, sizeof(*blit));
    switch (id) {
    case CMD_XY_SETUP_BLT:
    case CMD_XY_SETUP_CLIP_BLT:
    case CMD_XY_SETUP_MONO_PATTERN_SL_BLT:
        return decode_setup(setup, &reader, id);
    case CMD_XY_PIXEL_BLT:
    case CMD_XY_SCANLINES_BLT:
    case CMD_XY_TEXT_BLT:
    case CMD_XY_TEXT_IMMEDIATE_BLT:
        return decode_with_setup(setup, &reader, id, swctrl, blit);
    case CMD_COLOR_BLT:
    case CMD_SRC_COPY_BLT:
        return decode_plain(&reader, id == CMD_SRC_COPY_BLT, blit);
    case CMD_XY_FAST_COPY_BLT:
        return decode_fast_copy(&reader, blit);
    default:
        form = form_of(id);
        return form ? decode_xy(setup, &reader, form, swctrl, blit) : BLIT_MALFORMED;
    }
}
