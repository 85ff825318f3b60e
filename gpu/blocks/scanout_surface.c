/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a plane's surface. Tiled surfaces are read a row of tiles at a time (each 4 KiB block is one page, so one read),
 * turned into lines, and kept until another row of tiles is asked for. Called by scanout.c.
 *
 * With quarter turns the driver maps the surface so that the blocks already lie in the rotated order, and the hardware
 * turns each block (i915 rotate_pages, PLANE_CTL_ROTATE_90: clockwise). Half turns read the source rectangle backwards.
 */
#include <string.h>

#include "gpu/blocks/scanout_internal.h"

enum { PAGE = 4096 };

#define GGTT_SIZE (1ull << 32)

struct surface {
    struct plane_view view;
    const uint32_t *palette;
    scanout_read_fn read;
    void *opaque;
    unsigned bytes;    /* of a pixel */
    unsigned x0;       /* first pixel that is read of a line (even for 4:2:2) */
    unsigned count;    /* pixels that are read of a line */
    /* Tiles: shape of a block in pixels of the view, and the row of blocks that is in memory. */
    unsigned tile_width, tile_height;
    unsigned first_tile, tiles;
    uint8_t *band;     /* tile_height lines of tiles * tile_width pixels; one line when linear */
    int64_t band_row;  /* -1 for none */
    uint32_t *lines[2];
    int64_t line_y[2]; /* -1 for none */
};

void scanout_fetch(scanout_read_fn read, void *opaque, uint64_t gma, uint8_t *buf, size_t len)
{
    while (len) {
        size_t run = PAGE - gma % PAGE < len ? PAGE - gma % PAGE : len;

        if (gma >= GGTT_SIZE || !read(opaque, gma, buf, run))
            memset(buf, 0, run);
        gma += run;
        buf += run;
        len -= run;
    }
}

struct surface *surface_create(const struct scanout *scanout, const struct plane_view *view, scanout_read_fn read,
                               void *opaque)
{
    struct surface *s = g_new0(struct surface, 1);
    bool pairs = view->format >= PIXEL_YUYV;
    struct tile_shape shape;

    s->view = *view;
    s->palette = scanout->palette;
    s->read = read;
    s->opaque = opaque;
    s->bytes = pixel_format_bytes(view->format);
    s->x0 = pairs ? view->x & ~1u : view->x;
    s->count = view->x + view->width - s->x0;
    if (pairs)
        s->count = (s->count + 1) & ~1u;
    s->band_row = s->line_y[0] = s->line_y[1] = -1;
    for (unsigned i = 0; i < 2; i++)
        s->lines[i] = g_new(uint32_t, view->width);
    if (!s->bytes)
        return s;
    shape = tile_shape(view->tiling, s->bytes * 8);
    if (view->tiling == TILING_LINEAR) {
        s->band = g_malloc((size_t)s->count * s->bytes);
        return s;
    }
    s->tile_width = shape.width / s->bytes;
    s->tile_height = shape.height;
    if (view->rotation & 1) {
        s->tile_width = shape.height;
        s->tile_height = shape.width / s->bytes;
    }
    s->first_tile = s->x0 / s->tile_width;
    s->tiles = (s->x0 + s->count - 1) / s->tile_width - s->first_tile + 1;
    s->band = g_malloc((size_t)s->tiles * PAGE);
    return s;
}

void surface_destroy(struct surface *s)
{
    if (!s)
        return;
    g_free(s->band);
    g_free(s->lines[0]);
    g_free(s->lines[1]);
    g_free(s);
}

unsigned surface_grain(const struct surface *s)
{
    return MAX(s->tile_height, 1);
}

/* Puts one block into the lines of the band: as it lies, or turned clockwise. */
static void place_block(struct surface *s, const uint8_t *block, unsigned column)
{
    size_t pitch = (size_t)s->tiles * s->tile_width * s->bytes;
    uint8_t *target = s->band + (size_t)column * s->tile_width * s->bytes;
    struct tile_shape shape = tile_shape(s->view.tiling, s->bytes * 8);
    uint8_t lines[PAGE];

    if (!(s->view.rotation & 1)) {
        tile_read(s->view.tiling, s->bytes * 8, block, 0, 0, shape.width, shape.height, target, (ptrdiff_t)pitch);
        return;
    }
    tile_read(s->view.tiling, s->bytes * 8, block, 0, 0, shape.width, shape.height, lines, shape.width);
    for (unsigned y = 0; y < s->tile_height; y++) {
        for (unsigned x = 0; x < s->tile_width; x++)
            memcpy(target + y * pitch + (size_t)x * s->bytes,
                   lines + (size_t)(shape.height - 1 - x) * shape.width + (size_t)y * s->bytes, s->bytes);
    }
}

static void load_band(struct surface *s, unsigned row)
{
    uint8_t block[PAGE];

    if (s->band_row == row)
        return;
    for (unsigned i = 0; i < s->tiles; i++) {
        uint64_t tile = (uint64_t)row * s->view.stride + s->first_tile + i;
        scanout_fetch(s->read, s->opaque, s->view.surface + tile * PAGE, block, PAGE);
        place_block(s, block, i);
    }
    s->band_row = row;
}

/* Raw memory of line y of the view, from pixel x0 on. */
static const uint8_t *raw_line(struct surface *s, unsigned y)
{
    if (s->view.tiling == TILING_LINEAR) {
        uint64_t gma = s->view.surface + (uint64_t)y * s->view.stride + (uint64_t)s->x0 * s->bytes;

        scanout_fetch(s->read, s->opaque, gma, s->band, (size_t)s->count * s->bytes);
        return s->band;
    }
    load_band(s, y / s->tile_height);
    return s->band +
           ((size_t)(y % s->tile_height) * s->tiles * s->tile_width + (s->x0 - s->first_tile * s->tile_width)) * s->bytes;
}

const uint32_t *surface_line(struct surface *s, unsigned y)
{
    uint32_t *line = s->lines[y & 1];
    bool backwards = s->view.rotation & 2;

    if (s->line_y[y & 1] == y)
        return line;
    s->line_y[y & 1] = y;
    pixels_decode(&s->view, s->palette, s->bytes ? raw_line(s, s->view.y + (backwards ? s->view.height - 1 - y : y)) : NULL,
                  s->view.x - s->x0, s->view.width, line);
    if (backwards) {
        for (unsigned i = 0, j = s->view.width - 1; i < j; i++, j--) {
            uint32_t swap = line[i];
            line[i] = line[j];
            line[j] = swap;
        }
    }
    return line;
}
