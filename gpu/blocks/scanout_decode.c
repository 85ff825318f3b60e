/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the registers of a pipe say, in bounded terms. Used by scan-out and by its words.
 * Sources: PRM SKL vol. 2c (PLANE_CTL, PLANE_STRIDE ... CUR_CTL, PS_CTRL); Linux 6.1 i915_reg.h and skl_universal_plane.c.
 */
#include <string.h>

#include "gpu/blocks/scanout_internal.h"

/* PLANE_CTL. */
enum {
    CTL_ENABLE = 1u << 31,
    CTL_PIPE_GAMMA = 1 << 30,
    CTL_FULL_RANGE = 1 << 28,
    CTL_FORMAT_SHIFT = 24,
    CTL_FORMAT_MASK = 0xf,
    CTL_PIPE_CSC = 1 << 23,
    CTL_KEY_SHIFT = 21,
    CTL_ORDER_RGBX = 1 << 20,
    CTL_BT709 = 1 << 18,
    CTL_YUV_ORDER_SHIFT = 16,
    CTL_DECOMPRESS = 1 << 15,
    CTL_TILING_SHIFT = 10,
    CTL_ALPHA_SHIFT = 4,
    CTL_ROTATE_MASK = 3,
    KEYMSK_ALPHA_ENABLE = 1u << 31,
    SIDE_MASK = 0x1fff,
    HEIGHT_MASK = 0xfff,
    STRIDE_MASK = 0x3ff,
    LINEAR_STRIDE_UNIT = 64,
    ADDRESS_MASK = 0xfffff000,
};

enum {
    FORMAT_YUV422 = 0,
    FORMAT_XRGB2101010 = 2,
    FORMAT_XRGB8888 = 4,
    FORMAT_XRGB16F = 6,
    FORMAT_XYUV = 8,
    FORMAT_INDEXED = 12,
    FORMAT_RGB565 = 14,
};

/* PS_CTRL. */
enum {
    PS_ENABLE = 1u << 31,
    PS_PLANE_SHIFT = 25,
    PS_PLANE_MASK = 7,
};

/* CUR_CTL, CUR_POS, CUR_FBC_CTL. */
enum {
    CURSOR_MODE_MASK = 0x3f,
    CURSOR_PIPE_GAMMA = 1 << 26,
    CURSOR_PIPE_CSC = 1 << 24,
    CURSOR_ROTATE_180 = 1 << 15,
    CURSOR_FBC_ENABLE = 1u << 31,
    CURSOR_FBC_HEIGHT_MASK = 0xff,
};

/* SKL_BOTTOM_COLOR, PIPEMISC. */
enum {
    BOTTOM_GAMMA = 1u << 31,
    BOTTOM_CSC = 1 << 30,
    MISC_OUTPUT_YUV = 1 << 11,
};

static unsigned color_flags(const struct scanout *scanout, bool gamma, bool csc)
{
    /* A monitor that gets YCbCr makes RGB of it again: neither conversion is done. */
    if ((scanout->color.misc & MISC_OUTPUT_YUV) && !scanout->wire)
        csc = false;
    return (gamma ? COLOR_GAMMA : 0u) | (csc ? COLOR_CSC : 0u);
}

unsigned scanout_background_color(const struct scanout *scanout)
{
    return color_flags(scanout, scanout->background & BOTTOM_GAMMA, scanout->background & BOTTOM_CSC);
}

static enum pixel_format decode_format(uint32_t ctl)
{
    static const enum pixel_format yuv422[4] = {PIXEL_YUYV, PIXEL_UYVY, PIXEL_YVYU, PIXEL_VYUY};
    bool rgbx = ctl & CTL_ORDER_RGBX;

    switch ((ctl >> CTL_FORMAT_SHIFT) & CTL_FORMAT_MASK) {
    case FORMAT_YUV422:
        return yuv422[(ctl >> CTL_YUV_ORDER_SHIFT) & 3];
    case FORMAT_XRGB2101010:
        return rgbx ? PIXEL_XBGR2101010 : PIXEL_XRGB2101010;
    case FORMAT_XRGB8888:
        return rgbx ? PIXEL_XBGR8888 : PIXEL_XRGB8888;
    case FORMAT_XRGB16F:
        return rgbx ? PIXEL_XBGR16F : PIXEL_XRGB16F;
    case FORMAT_XYUV:
        return PIXEL_XYUV8888;
    case FORMAT_INDEXED:
        return PIXEL_C8;
    case FORMAT_RGB565:
        return PIXEL_RGB565;
    default:
        return PIXEL_NONE;
    }
}

static enum tiling decode_tiling(uint32_t ctl)
{
    switch ((ctl >> CTL_TILING_SHIFT) & 7) {
    case 1:
        return TILING_X;
    case 4:
        return TILING_Y;
    case 5:
        return TILING_YF;
    default:
        return TILING_LINEAR;
    }
}

/* The window of a scaler: position and size have x in the high half. */
static struct rect scaler_window(const struct scanout_scaler *scaler)
{
    return (struct rect){
        .x = (int)((scaler->pos >> 16) & SIDE_MASK),
        .y = (int)(scaler->pos & SIDE_MASK),
        .width = (scaler->size >> 16) & SIDE_MASK,
        .height = scaler->size & SIDE_MASK,
    };
}

static int find_scaler(const struct scanout *scanout, unsigned selector)
{
    for (int i = 0; i < SCANOUT_SCALERS; i++) {
        uint32_t ctrl = scanout->scalers[i].ctrl;
        if ((ctrl & PS_ENABLE) && ((ctrl >> PS_PLANE_SHIFT) & PS_PLANE_MASK) == selector)
            return i;
    }
    return -1;
}

void scanout_plane_view(const struct scanout *scanout, unsigned plane, struct plane_view *view)
{
    const struct scanout_plane *p = &scanout->planes[plane];
    unsigned alpha = (p->ctl >> CTL_ALPHA_SHIFT) & 3, key = (p->ctl >> CTL_KEY_SHIFT) & 3;
    unsigned stride = p->stride & STRIDE_MASK;

    memset(view, 0, sizeof(*view));
    view->scaler = -1;
    view->on = p->ctl & CTL_ENABLE;
    if (!view->on)
        return;
    view->format = decode_format(p->ctl);
    view->tiling = decode_tiling(p->ctl);
    view->rotation = p->ctl & CTL_ROTATE_MASK;
    if (view->rotation & 1) {
        /* Quarter turns exist for Y tilings (the GGTT view is rotated tile by tile); pairs of pixels do not turn. */
        if (view->tiling < TILING_Y || view->format >= PIXEL_YUYV)
            view->format = PIXEL_NONE;
    }
    view->color = color_flags(scanout, p->ctl & CTL_PIPE_GAMMA, p->ctl & CTL_PIPE_CSC);
    view->bt709 = p->ctl & CTL_BT709;
    view->full_range = p->ctl & CTL_FULL_RANGE;
    view->compressed = p->ctl & CTL_DECOMPRESS;
    view->alpha = alpha == 2 ? ALPHA_PREMULTIPLIED : alpha == 3 ? ALPHA_STRAIGHT : ALPHA_OPAQUE;
    view->constant_alpha = p->keymsk & KEYMSK_ALPHA_ENABLE ? p->keymax >> 24 : 255;
    view->key = key == 1 || key == 3 ? KEY_SOURCE : key == 2 ? KEY_DESTINATION : KEY_NONE;
    view->key_min = p->keyval & 0xffffff;
    view->key_max = p->keymax & 0xffffff;
    view->key_mask = p->keymsk & 0xffffff;
    view->key_channels = (p->keymsk >> 24) & 7;
    view->surface = p->surf & ADDRESS_MASK;
    view->stride = view->tiling == TILING_LINEAR ? stride * LINEAR_STRIDE_UNIT : stride;
    view->x = p->offset & SIDE_MASK;
    view->y = (p->offset >> 16) & SIDE_MASK;
    view->width = (p->size & SIDE_MASK) + 1;
    view->height = ((p->size >> 16) & HEIGHT_MASK) + 1;
    view->scaler = find_scaler(scanout, plane + 1);
    if (view->scaler >= 0)
        view->target = scaler_window(&scanout->scalers[view->scaler]);
    else
        view->target = (struct rect){(int)(p->pos & SIDE_MASK), (int)((p->pos >> 16) & SIDE_MASK), view->width, view->height};
}

void scanout_cursor_view(const struct scanout *scanout, struct cursor_view *view)
{
    const struct scanout_cursor *c = &scanout->cursor;
    unsigned mode = c->ctl & CURSOR_MODE_MASK;

    memset(view, 0, sizeof(*view));
    view->on = mode & 0x7;
    if (!view->on)
        return;
    view->supported = true;
    switch (mode & 0x1f) {
    case 0x02:
        view->side = 128;
        break;
    case 0x03:
        view->side = 256;
        break;
    case 0x07:
        view->side = 64;
        break;
    default: /* two bits a pixel: not used since this century began */
        view->supported = false;
        return;
    }
    view->blend = mode & 0x20;
    view->color = color_flags(scanout, c->ctl & CURSOR_PIPE_GAMMA, c->ctl & CURSOR_PIPE_CSC);
    view->upside = c->ctl & CURSOR_ROTATE_180;
    view->surface = c->base & ADDRESS_MASK;
    view->height = view->side;
    if (c->fbc & CURSOR_FBC_ENABLE)
        view->height = MIN((c->fbc & CURSOR_FBC_HEIGHT_MASK) + 1, view->side);
    view->x = (int)(c->pos & 0x7fff) * (c->pos & 0x8000 ? -1 : 1);
    view->y = (int)((c->pos >> 16) & 0x7fff) * (c->pos & 0x80000000 ? -1 : 1);
}

void scanout_source_size(const struct scanout *scanout, unsigned *width, unsigned *height)
{
    *width = MIN(((scanout->source >> 16) & SIDE_MASK) + 1, (unsigned)SCANOUT_MAX_WIDTH);
    *height = MIN((scanout->source & SIDE_MASK) + 1, (unsigned)SCANOUT_MAX_HEIGHT);
}

bool scanout_pipe_scaler(const struct scanout *scanout, struct rect *window)
{
    int scaler = find_scaler(scanout, 0);

    if (scaler < 0)
        return false;
    *window = scaler_window(&scanout->scalers[scaler]);
    return true;
}

void scanout_size(const struct scanout *scanout, unsigned *width, unsigned *height)
{
    struct rect window;

    scanout_source_size(scanout, width, height);
    if (scanout_pipe_scaler(scanout, &window)) {
        *width = MIN(((scanout->active >> 16) & SIDE_MASK) + 1, (unsigned)SCANOUT_MAX_WIDTH);
        *height = MIN((scanout->active & SIDE_MASK) + 1, (unsigned)SCANOUT_MAX_HEIGHT);
    }
}
