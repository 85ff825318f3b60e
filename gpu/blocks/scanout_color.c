/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pipe gamma and colour space conversion: lookup tables before and behind a matrix, for the pixels of planes that ask for them. Used by scanout.c.
 *
 * What the pipe sends is not yet what a monitor shows: drivers send most television modes with black at 16 and white at 235, by the same matrix, and
 * the monitor is told to stretch that again. scanout.wire tells which of the two is wanted.
 *
 * Sources: PRM SKL vol. 12 (pipe color) and vol. 2c (GAMMA_MODE, PIPE_CSC_*, PAL_PREC_*); Linux 6.1 intel_color.c, i915_reg.h.
 */
#include <string.h>

#include "gpu/blocks/scanout_internal.h"

enum {
    GAMMA_MODE_MASK = 3, /* GAMMA_MODE */
    GAMMA_8BIT = 0,
    GAMMA_10BIT = 1,
    GAMMA_SPLIT = 3,
    CSC_BEFORE_GAMMA = 1 << 1, /* PIPE_CSC_MODE */
    LEVELS = SCANOUT_PRECISION, /* between the tables: ten bits */
    TOP = LEVELS - 1,
    ONE = 4096,                /* 1.0 in matrix and offsets */
    OFFSET_BITS = 13,
    LIMITED_OFFSET = 16 * ONE / 255, /* as drivers write it for black at 16 */
    LIMITED_SLACK = 2,
};

/* One of the combinations of COLOR_GAMMA and COLOR_CSC. */
struct correction {
    bool apart;    /* each colour depends on itself alone: by `alone` */
    bool identity; /* ... and stays what it is */
    uint8_t alone[3][256];
    uint16_t first[3][256];   /* 8 bits to 10 */
    uint8_t last[3][LEVELS];  /* 10 bits to 8 */
    int matrix[3][3], before[3], behind[3];
};

struct color {
    struct correction corrections[COLOR_GAMMA | COLOR_CSC]; /* of combination i + 1 */
};

static inline unsigned shift_of(unsigned channel) /* 0 red, 1 green, 2 blue */
{
    return 16 - channel * 8;
}

/* A number of the matrix in 1/4096: sign, exponent, mantissa of nine bits. */
static int coefficient(uint32_t bits)
{
    static const int eighths[8] = {[0] = 8, [1] = 4, [2] = 2, [3] = 1, [6] = 32, [7] = 16}; /* 4 and 5 are reserved */
    int value = (int)(bits & 0xff8) * eighths[(bits >> 12) & 7] / 8;

    return bits & 0x8000 ? -value : value;
}

static int offset(uint32_t bits)
{
    int value = (int)(bits & ((1 << OFFSET_BITS) - 1));

    return value >= 1 << (OFFSET_BITS - 1) ? value - (1 << OFFSET_BITS) : value;
}

static unsigned precise(const struct scanout_color *c, unsigned channel, unsigned index)
{
    return c->precision[index] >> (20 - channel * 10) & TOP;
}

/* The table in front of the matrix for a value of 10 bits, in 10 bits; behind it when `behind`. */
static unsigned look_up(const struct scanout *scanout, unsigned channel, unsigned value, bool behind)
{
    const struct scanout_color *c = &scanout->color;

    switch (c->gamma_mode & GAMMA_MODE_MASK) {
    case GAMMA_8BIT: {
        unsigned level = scanout->palette[value >> 2] >> shift_of(channel) & 0xff;
        return level << 2 | level >> 6;
    }
    case GAMMA_10BIT:
        return precise(c, channel, value);
    case GAMMA_SPLIT:
        return precise(c, channel, (behind ? LEVELS / 2 : 0) + value / 2);
    default: /* 12 bits: tables in pieces, which drivers do not use on this hardware */
        return value;
    }
}

/* What a monitor makes of levels whose black is at 16 and whose white is at 235 of 255. */
static int stretched(int value)
{
    return CLAMP((value * 255 - 16 * TOP + 219 / 2) / 219, 0, TOP);
}

static bool limited(const struct correction *k)
{
    for (unsigned i = 0; i < 3; i++) {
        if (ABS(k->behind[i] - LIMITED_OFFSET) > LIMITED_SLACK)
            return false;
    }
    return true;
}

static inline int to_bytes(int value)
{
    return (value * 255 + TOP / 2) / TOP;
}

/* One colour of the matrix' answer, in 10 bits. */
static inline int mixed(const struct correction *k, unsigned channel, int red, int green, int blue)
{
    int64_t sum = (int64_t)k->matrix[channel][0] * red + (int64_t)k->matrix[channel][1] * green + (int64_t)k->matrix[channel][2] * blue;

    sum += (int64_t)k->behind[channel] * TOP + ONE / 2;
    return (int)CLAMP(sum >> 12, 0, TOP);
}

static void read_matrix(struct correction *k, const struct scanout_color *c)
{
    for (unsigned i = 0; i < 3; i++) {
        k->matrix[i][0] = coefficient(c->coefficients[i * 2] >> 16);
        k->matrix[i][1] = coefficient(c->coefficients[i * 2] & 0xffff);
        k->matrix[i][2] = coefficient(c->coefficients[i * 2 + 1] >> 16);
        k->before[i] = offset(c->before[i]) * TOP / ONE;
        k->behind[i] = offset(c->behind[i]);
    }
}

static bool diagonal(const struct correction *k)
{
    for (unsigned i = 0; i < 9; i++) {
        if (i / 3 != i % 3 && k->matrix[i / 3][i % 3])
            return false;
    }
    return true;
}

static void build(struct correction *k, const struct scanout *scanout, unsigned flags)
{
    const struct scanout_color *c = &scanout->color;
    bool gamma = flags & COLOR_GAMMA, csc = flags & COLOR_CSC, split = (c->gamma_mode & GAMMA_MODE_MASK) == GAMMA_SPLIT;
    bool front = gamma && (split || !csc || !(c->csc_mode & CSC_BEFORE_GAMMA)), back = gamma && (split || !front), stretch;

    if (csc)
        read_matrix(k, c);
    stretch = csc && !scanout->wire && limited(k);
    for (unsigned channel = 0; channel < 3; channel++) {
        for (unsigned i = 0; i < 256; i++) {
            unsigned value = i << 2 | i >> 6;
            k->first[channel][i] = (uint16_t)(front ? look_up(scanout, channel, value, false) : value);
        }
        for (int i = 0; i < LEVELS; i++) {
            int value = back ? (int)look_up(scanout, channel, (unsigned)i, true) : i;
            k->last[channel][i] = (uint8_t)to_bytes(stretch ? stretched(value) : value);
        }
    }
    k->apart = !csc || diagonal(k);
    k->identity = k->apart;
    for (unsigned channel = 0; k->apart && channel < 3; channel++) {
        for (unsigned i = 0; i < 256; i++) {
            int value = k->first[channel][i], at = csc ? CLAMP(value + k->before[channel], -TOP, 2 * TOP) : 0;
            k->alone[channel][i] = k->last[channel][csc ? mixed(k, channel, at, at, at) : value];
            k->identity &= k->alone[channel][i] == i;
        }
    }
}

struct color *color_create(const struct scanout *scanout, unsigned flags)
{
    struct color *color;
    bool identity = true;

    if (!flags)
        return NULL;
    color = g_new0(struct color, 1);
    for (unsigned i = 1; i <= G_N_ELEMENTS(color->corrections); i++) {
        if (i & ~flags)
            continue;
        build(&color->corrections[i - 1], scanout, i);
        identity &= color->corrections[i - 1].identity;
    }
    if (identity)
        g_clear_pointer(&color, g_free);
    return color;
}

void color_destroy(struct color *color)
{
    g_free(color);
}

static uint32_t through_matrix(const struct correction *k, uint32_t p)
{
    int in[3];

    for (unsigned channel = 0; channel < 3; channel++)
        in[channel] = k->first[channel][p >> shift_of(channel) & 0xff] + k->before[channel];
    p &= 0xff000000;
    for (unsigned channel = 0; channel < 3; channel++)
        p |= (uint32_t)k->last[channel][mixed(k, channel, in[0], in[1], in[2])] << shift_of(channel);
    return p;
}

void color_correct(const struct color *color, const uint8_t *flags, unsigned width, uint32_t *line)
{
    for (unsigned x = 0; x < width; x++) {
        const struct correction *k = &color->corrections[MAX(flags[x], 1) - 1];
        uint32_t p = line[x];

        if (!flags[x] || k->identity)
            continue;
        line[x] = k->apart ? (p & 0xff000000) | (uint32_t)k->alone[0][p >> 16 & 0xff] << 16 |
                                 (uint32_t)k->alone[1][p >> 8 & 0xff] << 8 | k->alone[2][p & 0xff]
                           : through_matrix(k, p);
    }
}

const char *color_gamma_name(const struct scanout *scanout)
{
    static const char *const names[] = {"8 bit table", "10 bit table", "12 bit table, NOT SHOWN", "tables before and behind the matrix"};

    return names[scanout->color.gamma_mode & GAMMA_MODE_MASK];
}
