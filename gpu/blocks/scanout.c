/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture of a pipe, line by line: background, planes in z-order, cursor; gamma and colour space; then the pipe's scaler.
 * Called by whoever shows the screen, without any lock.
 */
#include "gpu/blocks/scanout.h"

#include <gio/gio.h>
#include <string.h>

#include "gpu/blocks/scanout_internal.h"

/* A plane that takes part in the picture. */
struct layer {
    struct plane_view view;
    struct surface *surface;
    uint32_t *scaled; /* one line of the target, when a scaler is on */
    unsigned *left;   /* for each of its pixels: source pixel in 1/256, of the left one of two */
};

struct cursor_layer {
    struct cursor_view view;
    uint32_t line[256];
};

struct composer {
    const struct scanout *scanout;
    unsigned width, height;
    uint32_t background;
    struct layer layers[DISPLAY_PLANES];
    unsigned count;
    struct cursor_layer cursor;
    struct color *color; /* or NULL: nothing is corrected */
    uint8_t *flags;      /* of each pixel of the line, for it */
    unsigned background_flags;
    uint8_t *above; /* pixels of the line where a destination-keyed plane stays above the next one */
    scanout_read_fn read;
    void *opaque;
};

static inline unsigned div255(unsigned v)
{
    v += 128;
    return (v + (v >> 8)) >> 8;
}

/* All four channels times factor / 255. */
static inline uint32_t scale_argb(uint32_t p, unsigned factor)
{
    return div255((p >> 24) * factor) << 24 | div255((p >> 16 & 0xff) * factor) << 16 | div255((p >> 8 & 0xff) * factor) << 8 |
           div255((p & 0xff) * factor);
}

/* source over target; source is premultiplied. */
static inline uint32_t over(uint32_t source, uint32_t target)
{
    uint32_t rest = scale_argb(target, 255 - (source >> 24)), sum = 0xff000000;

    for (unsigned shift = 0; shift < 24; shift += 8) {
        unsigned v = (source >> shift & 0xff) + (rest >> shift & 0xff);
        sum |= MIN(v, 255) << shift;
    }
    return sum;
}

/* Linear interpolation of two pixels, weight 0 .. 256 of the second. */
static inline uint32_t mix(uint32_t a, uint32_t b, unsigned weight)
{
    uint32_t odd_a = a >> 8 & 0x00ff00ff, odd_b = b >> 8 & 0x00ff00ff, even_a = a & 0x00ff00ff, even_b = b & 0x00ff00ff;
    uint32_t odd = (odd_a * (256 - weight) + odd_b * weight) & 0xff00ff00;
    uint32_t even = (even_a * (256 - weight) + even_b * weight) >> 8 & 0x00ff00ff;

    return odd | even;
}

/* Where pixel i of `target` pixels falls among `source` pixels, in 1/256 from the middle of the first; not beyond the ends. */
static unsigned sample(unsigned i, unsigned source, unsigned target)
{
    int64_t at = ((int64_t)(2 * i + 1) * source * 128) / target - 128;

    return (unsigned)CLAMP(at, 0, (int64_t)(source - 1) * 256);
}

static inline uint32_t sample_line(const uint32_t *line, unsigned width, unsigned at)
{
    unsigned x = at >> 8;

    return mix(line[x], line[MIN(x + 1, width - 1)], at & 0xff);
}

/* Line y of a layer's target. */
static const uint32_t *layer_line(struct layer *layer, unsigned y)
{
    const struct plane_view *view = &layer->view;
    unsigned at, y0, y1;
    const uint32_t *a, *b;

    if (!layer->scaled)
        return surface_line(layer->surface, y);
    at = sample(y, view->height, view->target.height);
    y0 = at >> 8;
    y1 = MIN(y0 + 1, view->height - 1);
    a = surface_line(layer->surface, y0);
    b = surface_line(layer->surface, y1);
    for (unsigned x = 0; x < view->target.width; x++)
        layer->scaled[x] =
            mix(sample_line(a, view->width, layer->left[x]), sample_line(b, view->width, layer->left[x]), at & 0xff);
    return layer->scaled;
}

/* Source key: the pixel is inside of the range in all the channels that count, and so not drawn. */
static bool source_keyed(const struct plane_view *view, uint32_t p)
{
    if (!view->key_channels)
        return false;
    for (unsigned channel = 0; channel < 3; channel++) {
        unsigned shift = channel * 8, v = p >> shift & 0xff;
        if ((view->key_channels >> channel & 1) && (v < (view->key_min >> shift & 0xff) || v > (view->key_max >> shift & 0xff)))
            return false;
    }
    return true;
}

static uint32_t blend(const struct plane_view *view, uint32_t p, uint32_t below)
{
    if (view->alpha == ALPHA_STRAIGHT)
        p = (p & 0xff000000) | (scale_argb(p, p >> 24) & 0xffffff);
    if (view->constant_alpha < 255)
        p = scale_argb(p, view->constant_alpha);
    return p >> 24 == 0xff ? p : over(p, below);
}

static void draw_layer(struct composer *c, unsigned index, unsigned y, uint32_t *out)
{
    struct layer *layer = &c->layers[index];
    const struct plane_view *view = &layer->view;
    const uint32_t *line;
    unsigned x0 = (unsigned)view->target.x, width;
    bool plain;

    if (y < (unsigned)view->target.y || y - (unsigned)view->target.y >= view->target.height || x0 >= c->width) {
        memset(c->above, 0, c->width);
        return;
    }
    width = MIN(view->target.width, c->width - x0);
    if (c->color)
        memset(c->flags + x0, (int)view->color, width);
    line = layer_line(layer, y - (unsigned)view->target.y);
    plain = view->alpha == ALPHA_OPAQUE && view->constant_alpha == 255 && view->key == KEY_NONE &&
            (!index || c->layers[index - 1].view.key != KEY_DESTINATION);
    if (plain) {
        memcpy(out + x0, line, width * sizeof(*out));
        memset(c->above, 0, c->width);
        return;
    }
    for (unsigned x = 0; x < width; x++) {
        uint32_t p = line[x];

        if (!c->above[x0 + x] && !(view->key == KEY_SOURCE && source_keyed(view, p)))
            out[x0 + x] = blend(view, p, out[x0 + x]);
    }
    memset(c->above, 0, c->width);
    if (view->key == KEY_DESTINATION) {
        for (unsigned x = 0; x < width; x++)
            c->above[x0 + x] = (line[x] ^ view->key_min) & view->key_mask ? 1 : 0;
    }
}

static void draw_cursor(struct composer *c, unsigned y, uint32_t *out)
{
    const struct cursor_view *view = &c->cursor.view;
    int line = (int)y - view->y;
    unsigned row;

    if (!view->on || !view->supported || line < 0 || line >= (int)view->height)
        return;
    row = (unsigned)(view->upside ? (int)view->height - 1 - line : line);
    scanout_fetch(c->read, c->opaque, view->surface + (uint64_t)row * view->side * 4, (uint8_t *)c->cursor.line,
                  (size_t)view->side * 4);
    for (unsigned i = 0; i < view->side; i++) {
        int x = view->x + (int)i;
        uint32_t p = c->cursor.line[view->upside ? view->side - 1 - i : i];

        if (x < 0 || x >= (int)c->width)
            continue;
        if (c->color && (p >> 24))
            c->flags[x] = (uint8_t)view->color;
        if (view->blend)
            out[x] = over(p, out[x]);
        else if (p >> 24) /* AND/INVERT: opaque, */
            out[x] = p | 0xff000000;
        else if (p & 0xffffff) /* inverted, or see-through */
            out[x] ^= 0xffffff;
    }
}

static void composer_init(struct composer *c, const struct scanout *scanout, scanout_read_fn read, void *opaque)
{
    unsigned flags;

    memset(c, 0, sizeof(*c));
    c->scanout = scanout;
    c->read = read;
    c->opaque = opaque;
    scanout_source_size(scanout, &c->width, &c->height);
    c->background = 0xff000000 | (scanout->background >> 22 & 0xff) << 16 | (scanout->background >> 12 & 0xff) << 8 |
                    (scanout->background >> 2 & 0xff);
    c->above = g_malloc0(c->width);
    scanout_cursor_view(scanout, &c->cursor.view);
    c->background_flags = scanout_background_color(scanout);
    flags = c->background_flags | c->cursor.view.color;
    for (unsigned i = 0; i < DISPLAY_PLANES; i++) {
        struct layer *layer = &c->layers[c->count];
        struct plane_view *view = &layer->view;

        scanout_plane_view(scanout, i, view);
        if (!view->on || !view->target.width || !view->target.height)
            continue;
        flags |= view->color;
        layer->surface = surface_create(scanout, view, read, opaque);
        if (view->target.width != view->width || view->target.height != view->height) {
            layer->scaled = g_new(uint32_t, view->target.width);
            layer->left = g_new(unsigned, view->target.width);
            for (unsigned x = 0; x < view->target.width; x++)
                layer->left[x] = sample(x, view->width, view->target.width);
        }
        c->count++;
    }
    c->color = color_create(scanout, flags);
    if (c->color)
        c->flags = g_malloc(c->width);
}

static void composer_finish(struct composer *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        surface_destroy(c->layers[i].surface);
        g_free(c->layers[i].scaled);
        g_free(c->layers[i].left);
    }
    color_destroy(c->color);
    g_free(c->flags);
    g_free(c->above);
}

static void compose_line(struct composer *c, unsigned y, uint32_t *out)
{
    for (unsigned x = 0; x < c->width; x++)
        out[x] = c->background;
    memset(c->above, 0, c->width);
    if (c->color)
        memset(c->flags, (int)c->background_flags, c->width);
    for (unsigned i = 0; i < c->count; i++)
        draw_layer(c, i, y, out);
    draw_cursor(c, y, out);
    if (c->color)
        color_correct(c->color, c->flags, c->width, out);
}

static struct image *compose(struct composer *c)
{
    struct image *image = image_create(c->width, c->height);

    for (unsigned y = 0; image && y < c->height; y++)
        compose_line(c, y, image->pixels + (size_t)y * c->width);
    return image;
}

/* The pipe's scaler: the picture in a window of the active area, black around. */
static struct image *scale_pipe(const struct image *from, unsigned width, unsigned height, const struct rect *window)
{
    struct image *to = image_create(width, height);

    if (!to)
        return NULL;
    for (unsigned y = 0; y < window->height && (unsigned)window->y + y < height; y++) {
        unsigned at = sample(y, from->height, window->height), y0 = at >> 8;
        const uint32_t *a = from->pixels + (size_t)y0 * from->width;
        const uint32_t *b = from->pixels + (size_t)MIN(y0 + 1, from->height - 1) * from->width;
        uint32_t *out = to->pixels + (size_t)((unsigned)window->y + y) * width;

        for (unsigned x = 0; x < window->width && (unsigned)window->x + x < width; x++) {
            unsigned x_at = sample(x, from->width, window->width);
            out[(unsigned)window->x + x] =
                mix(sample_line(a, from->width, x_at), sample_line(b, from->width, x_at), at & 0xff);
        }
    }
    return to;
}

/* All of it is made at the beginning where the pipe's scaler mixes lines. */
struct scanout_reader {
    struct composer composer;
    struct image *scaled; /* or NULL */
    unsigned width, height, grain;
};

static void *no_memory(unsigned width, unsigned height, GError **error)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no memory for a picture of %ux%u", width, height);
    return NULL;
}

static struct image *scaled_picture(struct composer *c, const struct rect *window)
{
    struct image *image = compose(c);
    unsigned width, height;

    scanout_size(c->scanout, &width, &height);
    struct image *scaled = image ? scale_pipe(image, width, height, window) : NULL;
    image_free(image);
    return scaled;
}

struct scanout_reader *scanout_reader_create(const struct scanout *scanout, scanout_read_fn read, void *opaque, GError **error)
{
    struct scanout_reader *reader;
    struct rect window;

    if (!scanout->on) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED, "no pipe is on: nothing is shown");
        return NULL;
    }
    reader = g_new0(struct scanout_reader, 1);
    composer_init(&reader->composer, scanout, read, opaque);
    scanout_size(scanout, &reader->width, &reader->height);
    reader->grain = 1;
    for (unsigned i = 0; i < reader->composer.count; i++)
        reader->grain = MAX(reader->grain, surface_grain(reader->composer.layers[i].surface));
    if (!scanout_pipe_scaler(scanout, &window))
        return reader;
    reader->scaled = scaled_picture(&reader->composer, &window);
    if (reader->scaled)
        return reader;
    scanout_reader_destroy(reader);
    scanout_size(scanout, &window.width, &window.height);
    return no_memory(window.width, window.height, error);
}

void scanout_reader_destroy(struct scanout_reader *reader)
{
    if (!reader)
        return;
    composer_finish(&reader->composer);
    image_free(reader->scaled);
    g_free(reader);
}

void scanout_reader_size(const struct scanout_reader *reader, unsigned *width, unsigned *height, unsigned *grain)
{
    *width = reader->width;
    *height = reader->height;
    *grain = reader->grain;
}

void scanout_reader_line(struct scanout_reader *reader, unsigned y, uint32_t *out)
{
    if (reader->scaled)
        memcpy(out, reader->scaled->pixels + (size_t)y * reader->width, reader->width * sizeof(*out));
    else
        compose_line(&reader->composer, y, out);
}

struct image *scanout_render(const struct scanout *scanout, scanout_read_fn read, void *opaque, GError **error)
{
    struct scanout_reader *reader = scanout_reader_create(scanout, read, opaque, error);
    struct image *image = reader && !reader->scaled ? compose(&reader->composer) : NULL;

    if (!reader)
        return NULL;
    if (reader->scaled)
        image = g_steal_pointer(&reader->scaled);
    else if (!image)
        no_memory(reader->width, reader->height, error);
    scanout_reader_destroy(reader);
    return image;
}
