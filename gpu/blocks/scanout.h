/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scan-out: from a snapshot of a pipe's live registers to a picture, and to words. The snapshot is made by
 * display_scanout() under the owner's lock; the functions here only read it and need no lock, so that a picture of several
 * milliseconds holds nobody up.
 *
 * All values in a snapshot are a guest's: sizes are bounded by what the hardware can do (SCANOUT_MAX_WIDTH x
 * SCANOUT_MAX_HEIGHT), what cannot be read is black, and the cost is bounded by the size of the picture and of the planes.
 */
#ifndef MEDIANT_GPU_BLOCKS_SCANOUT_H
#define MEDIANT_GPU_BLOCKS_SCANOUT_H

#include "gpu/blocks/display.h"
#include "gpu/blocks/image.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /* The largest mode of a Broadwell to Coffee Lake pipe (Linux intel_mode_valid). Larger sizes are cut. */
    SCANOUT_MAX_WIDTH = 8192,
    SCANOUT_MAX_HEIGHT = 4096,
    SCANOUT_SCALERS = 2,
    SCANOUT_PRECISION = 1024, /* entries of a precision palette */
};

/* Register values as software wrote them; PRM vol. 2c PLANE_*. */
struct scanout_plane {
    uint32_t ctl, stride, pos, size, keyval, keymsk, surf, keymax, offset, aux_dist, aux_offset;
};

struct scanout_cursor {
    uint32_t ctl, base, pos, fbc;
};

struct scanout_scaler {
    uint32_t ctrl, pos, size;
};

/* Pipe gamma and colour space conversion: registers GAMMA_MODE, PIPE_CSC_*, PIPEMISC, and the precision palette. */
struct scanout_color {
    uint32_t gamma_mode, csc_mode, misc;
    uint32_t coefficients[6], before[3], behind[3];
    uint32_t precision[SCANOUT_PRECISION]; /* 10 bits for each of red, green, blue */
};

struct scanout {
    unsigned pipe;
    bool on;             /* the pipe runs */
    int port;            /* enum display_port that its transcoder feeds, -1 for none */
    bool monitor;        /* ... and the monitor is there */
    uint64_t frame_ns;   /* duration of a frame */
    uint32_t source;     /* PIPESRC: (width - 1) << 16 | (height - 1) */
    uint32_t active;     /* the transcoder's active size, in the same layout */
    uint32_t background; /* PIPE_BOTTOM_COLOR: gamma and conversion in bits 31 and 30, 10 bits for each of red, green, blue */
    struct scanout_plane planes[DISPLAY_PLANES];
    struct scanout_cursor cursor;
    struct scanout_scaler scalers[SCANOUT_SCALERS];
    uint32_t palette[256]; /* the legacy palette, 0x00RRGGBB */
    struct scanout_color color;
    bool wire;             /* as the pipe sends it, not as a monitor shows it: levels that were made fit for television stay so */
};

/* Reads len bytes at a global graphics address (all inside of one 4 KiB page); false when there is no memory. */
typedef bool (*scanout_read_fn)(void *opaque, uint64_t gma, void *buf, size_t len);

/* The picture on the monitor. NULL with an error when the pipe is off. Free with image_free(). Any thread. */
struct image *scanout_render(const struct scanout *scanout, scanout_read_fn read, void *opaque, GError **error);

/*
 * The same line by line, for who looks often and wants to know what changed; scanout, and what read needs, outlive the reader. NULL with an error when the pipe
 * is off. Lines come in any order, but those of a block of `grain` (1 where no plane is tiled) are read from memory together. One thread at a time.
 */
struct scanout_reader;
struct scanout_reader *scanout_reader_create(const struct scanout *scanout, scanout_read_fn read, void *opaque, GError **error);
void scanout_reader_destroy(struct scanout_reader *reader); /* NULL is allowed */
void scanout_reader_size(const struct scanout_reader *reader, unsigned *width, unsigned *height, unsigned *grain);
/* Line y, below the height: width pixels to out, as in struct image. */
void scanout_reader_line(struct scanout_reader *reader, unsigned y, uint32_t *out);

/*
 * What the pipe and its planes show, in words and lines: "pipe A: 1920x1200 at 60.00 Hz on port D", "plane 1: 1920x1200
 * XRGB8888, X tiled, stride 7680, at 0x00400000" and what is wrong ("no plane is on"). Free with g_free(). Any thread.
 */
char *scanout_describe(const struct scanout *scanout);

#ifdef __cplusplus
}
#endif
#endif
