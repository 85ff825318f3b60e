/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the parts of scan-out: what the registers say (scanout_decode.c), reading surfaces
 * (scanout_surface.c), pixels (scanout_pixels.c), putting planes together (scanout.c), gamma and colour space
 * (scanout_color.c), words (scanout_words.c). Nobody else includes it.
 */
#ifndef MEDIANT_GPU_BLOCKS_SCANOUT_INTERNAL_H
#define MEDIANT_GPU_BLOCKS_SCANOUT_INTERNAL_H

#include "gpu/blocks/scanout.h"
#include "gpu/blocks/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

enum pixel_format {
    PIXEL_NONE, /* one that this hardware has not, or that is not shown */
    PIXEL_C8,
    PIXEL_RGB565,
    PIXEL_XRGB8888,
    PIXEL_XBGR8888,
    PIXEL_XRGB2101010,
    PIXEL_XBGR2101010,
    PIXEL_XRGB16F,
    PIXEL_XBGR16F,
    PIXEL_XYUV8888,
    PIXEL_YUYV,
    PIXEL_UYVY,
    PIXEL_YVYU,
    PIXEL_VYUY,
};

const char *pixel_format_name(enum pixel_format format);
unsigned pixel_format_bytes(enum pixel_format format); /* of a pixel; 0 for none */

enum plane_alpha { ALPHA_OPAQUE, ALPHA_PREMULTIPLIED, ALPHA_STRAIGHT };
enum plane_key { KEY_NONE, KEY_SOURCE, KEY_DESTINATION };

struct rect {
    int x, y;
    unsigned width, height;
};

/* What a pixel goes through behind the planes. */
enum color_flag { COLOR_GAMMA = 1 << 0, COLOR_CSC = 1 << 1 };

/* A universal plane, decoded and bounded. */
struct plane_view {
    bool on;
    enum pixel_format format;
    enum tiling tiling;
    unsigned rotation; /* quarter turns clockwise */
    bool bt709, full_range;
    bool compressed; /* render compression: not undone */
    unsigned color; /* enum color_flag */
    enum plane_alpha alpha;
    unsigned constant_alpha; /* 0 .. 255 */
    enum plane_key key;
    uint32_t key_min, key_max, key_mask; /* 0x00RRGGBB */
    unsigned key_channels;               /* bits 2, 1, 0: red, green, blue count */
    uint32_t surface;
    unsigned stride;      /* bytes from line to line when linear, else tiles from tile row to tile row */
    unsigned x, y;        /* of the source rectangle in the surface (in the rotated view for quarter turns) */
    unsigned width, height;
    int scaler;           /* its number, -1 for none */
    struct rect target;   /* in the pipe's picture */
};

struct cursor_view {
    bool on;
    bool supported;
    bool blend;  /* premultiplied ARGB; else the AND/INVERT format */
    bool upside; /* rotated by half a turn */
    unsigned color;
    uint32_t surface;
    unsigned side; /* pixels of a line, and the stride / 4 */
    unsigned height;
    int x, y;
};

void scanout_plane_view(const struct scanout *scanout, unsigned plane, struct plane_view *view);
void scanout_cursor_view(const struct scanout *scanout, struct cursor_view *view);
/* The enum color_flag of the background. */
unsigned scanout_background_color(const struct scanout *scanout);
/* Size of the pipe's picture. */
void scanout_source_size(const struct scanout *scanout, unsigned *width, unsigned *height);
/* The scaler that scales the whole pipe: its window. False when there is none. */
bool scanout_pipe_scaler(const struct scanout *scanout, struct rect *window);
/* Size of the picture on the monitor. */
void scanout_size(const struct scanout *scanout, unsigned *width, unsigned *height);

/* Reads at any address and length, page by page; what is not there is 0. */
void scanout_fetch(scanout_read_fn read, void *opaque, uint64_t gma, uint8_t *buf, size_t len);

/* Reads lines of a plane, with the tiles of the last line kept. */
struct surface;
struct surface *surface_create(const struct scanout *scanout, const struct plane_view *view, scanout_read_fn read,
                               void *opaque);
void surface_destroy(struct surface *surface); /* NULL is allowed */
/* How many lines are read together. */
unsigned surface_grain(const struct surface *surface);
/* Line y (below the view's height) as view->width pixels 0xAARRGGBB. Valid until the second next call. */
const uint32_t *surface_line(struct surface *surface, unsigned y);

/* Turns `count` pixels of raw memory into 0xAARRGGBB. For the 4:2:2 formats raw starts at an even pixel, `first` is 0 or 1. */
void pixels_decode(const struct plane_view *view, const uint32_t palette[256], const uint8_t *raw, unsigned first,
                   unsigned count, uint32_t *out);

/* For pixels with the given flags, or fewer; NULL when none would change. */
struct color;
struct color *color_create(const struct scanout *scanout, unsigned flags);
void color_destroy(struct color *color); /* NULL is allowed */
/* flags: enum color_flag for each pixel of the line, of those given to color_create(). */
void color_correct(const struct color *color, const uint8_t *flags, unsigned width, uint32_t *line);
const char *color_gamma_name(const struct scanout *scanout);

#ifdef __cplusplus
}
#endif
#endif
