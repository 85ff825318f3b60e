/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From raw memory to 0xAARRGGBB, for each format that a plane can have. Used by scanout_surface.c. */
#include <string.h>

#include "gpu/blocks/scanout_internal.h"

static const struct {
    const char *name;
    uint8_t bytes;
} formats[] = {
    [PIXEL_NONE] = {"unknown format", 0},
    [PIXEL_C8] = {"C8", 1},
    [PIXEL_RGB565] = {"RGB565", 2},
    [PIXEL_XRGB8888] = {"XRGB8888", 4},
    [PIXEL_XBGR8888] = {"XBGR8888", 4},
    [PIXEL_XRGB2101010] = {"XRGB2101010", 4},
    [PIXEL_XBGR2101010] = {"XBGR2101010", 4},
    [PIXEL_XRGB16F] = {"XRGB16161616F", 8},
    [PIXEL_XBGR16F] = {"XBGR16161616F", 8},
    [PIXEL_XYUV8888] = {"XYUV8888", 4},
    [PIXEL_YUYV] = {"YUYV", 2},
    [PIXEL_UYVY] = {"UYVY", 2},
    [PIXEL_YVYU] = {"YVYU", 2},
    [PIXEL_VYUY] = {"VYUY", 2},
};

const char *pixel_format_name(enum pixel_format format)
{
    return formats[format].name;
}

unsigned pixel_format_bytes(enum pixel_format format)
{
    return formats[format].bytes;
}

static inline uint32_t argb(unsigned a, unsigned r, unsigned g, unsigned b)
{
    return a << 24 | r << 16 | g << 8 | b;
}

static inline uint32_t load32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint32_t swap_red_blue(uint32_t value)
{
    return (value & 0xff00ff00) | (value & 0xff) << 16 | (value >> 16 & 0xff);
}

/* Three colours of ten bits and two of alpha: the top eight bits are shown. */
static inline uint32_t from_2101010(uint32_t v)
{
    return argb((v >> 30) * 0x55, (v >> 22) & 0xff, (v >> 12) & 0xff, (v >> 2) & 0xff);
}

static inline uint32_t from_565(unsigned v)
{
    unsigned r = v >> 11, g = (v >> 5) & 0x3f, b = v & 0x1f;

    return argb(0xff, r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2);
}

/* A half float, clamped to 0 .. 1, as 0 .. 255. Not a number is 0. */
static unsigned from_half(unsigned h)
{
    unsigned exponent = (h >> 10) & 0x1f, mantissa = h & 0x3ff;
    float value;

    if (h & 0x8000 || (exponent == 31 && mantissa))
        return 0;
    if (exponent >= 15) /* 1.0 and more */
        return 255;
    value = exponent ? (float)(mantissa + 1024) / (float)(1u << (25 - exponent)) : (float)mantissa / (float)(1u << 24);
    return (unsigned)(value * 255.0f + 0.5f);
}

static inline unsigned clamp255(int v)
{
    return v < 0 ? 0 : v > 255 ? 255 : (unsigned)v;
}

/*
 * Y'CbCr to R'G'B' by ITU-R BT.601 or BT.709, 16 bits of fraction. The coefficients follow from Kr and Kb (0.299, 0.114;
 * 0.2126, 0.0722) and, for limited range, from 219 and 224 steps for 255.
 */
struct yuv_matrix {
    int y, rv, gu, gv, bu;
    int y_zero;
};

static const struct yuv_matrix matrices[2][2] = {
    /* limited range, full range */
    {{76309, 104597, -25675, -53279, 132201, 16}, {65536, 91881, -22553, -46802, 116130, 0}},   /* BT.601 */
    {{76309, 117489, -13975, -34925, 138438, 16}, {65536, 103206, -12276, -30679, 121609, 0}},  /* BT.709 */
};

static inline uint32_t from_yuv(const struct yuv_matrix *m, int y, int u, int v)
{
    y = (y - m->y_zero) * m->y + 32768;
    u -= 128;
    v -= 128;
    /* Arithmetic shift of negative sums: GCC and Clang define it. */
    return argb(0xff, clamp255((y + m->rv * v) >> 16), clamp255((y + m->gu * u + m->gv * v) >> 16),
                clamp255((y + m->bu * u) >> 16));
}

/* Where Y0, U, Y1 and V lie in the four bytes of two pixels. */
static const uint8_t yuv422_order[4][4] = {
    {0, 1, 2, 3}, /* YUYV */
    {1, 0, 3, 2}, /* UYVY */
    {0, 3, 2, 1}, /* YVYU */
    {1, 2, 3, 0}, /* VYUY */
};

void pixels_decode(const struct plane_view *view, const uint32_t palette[256], const uint8_t *raw, unsigned first,
                   unsigned count, uint32_t *out)
{
    const struct yuv_matrix *matrix = &matrices[view->bt709][view->full_range];
    const uint8_t *order;

    switch (view->format) {
    case PIXEL_C8:
        for (unsigned i = 0; i < count; i++)
            out[i] = 0xff000000 | palette[raw[i]];
        break;
    case PIXEL_RGB565:
        for (unsigned i = 0; i < count; i++)
            out[i] = from_565(raw[2 * i] | (unsigned)raw[2 * i + 1] << 8);
        break;
    case PIXEL_XRGB8888:
        memcpy(out, raw, count * sizeof(*out));
        break;
    case PIXEL_XBGR8888:
        for (unsigned i = 0; i < count; i++)
            out[i] = swap_red_blue(load32(raw + 4 * i));
        break;
    case PIXEL_XRGB2101010:
        for (unsigned i = 0; i < count; i++)
            out[i] = from_2101010(load32(raw + 4 * i));
        break;
    case PIXEL_XBGR2101010:
        for (unsigned i = 0; i < count; i++)
            out[i] = swap_red_blue(from_2101010(load32(raw + 4 * i)));
        break;
    case PIXEL_XRGB16F:
    case PIXEL_XBGR16F:
        for (unsigned i = 0; i < count; i++) {
            uint32_t low = load32(raw + 8 * i), high = load32(raw + 8 * i + 4);
            uint32_t value = argb(from_half(high >> 16), from_half(high & 0xffff), from_half(low >> 16),
                                  from_half(low & 0xffff));
            out[i] = view->format == PIXEL_XRGB16F ? value : swap_red_blue(value);
        }
        break;
    case PIXEL_XYUV8888:
        for (unsigned i = 0; i < count; i++)
            out[i] = from_yuv(matrix, raw[4 * i + 2], raw[4 * i + 1], raw[4 * i]);
        break;
    case PIXEL_YUYV:
    case PIXEL_UYVY:
    case PIXEL_YVYU:
    case PIXEL_VYUY:
        order = yuv422_order[view->format - PIXEL_YUYV];
        for (unsigned i = 0; i < count; i++) {
            const uint8_t *pair = raw + (i + first) / 2 * 4;
            out[i] = from_yuv(matrix, pair[order[(i + first) & 1 ? 2 : 0]], pair[order[1]], pair[order[3]]);
        }
        break;
    case PIXEL_NONE:
        memset(out, 0, count * sizeof(*out));
        break;
    }
    /* Without alpha blending the unused bits do not count. */
    if (view->alpha == ALPHA_OPAQUE || view->format == PIXEL_NONE) {
        for (unsigned i = 0; i < count; i++)
            out[i] |= 0xff000000;
    }
}
