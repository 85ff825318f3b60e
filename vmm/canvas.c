/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drawing for reports: one set of calls, SVG text or pixels. Used by timeline_draw.c. */
#include "vmm/canvas.h"

#include "gpu/blocks/image.h"
#include "vmm/error.h"
#include "vmm/font.h"
#include "vmm/png.h"

#include <math.h>
#include <string.h>

struct canvas {
    unsigned width, height;
    GString *svg;        /* or */
    struct image *image;
};

enum { SMALL_SCALE = 2, LARGE_SCALE = 3 }; /* pixels for each dot of the font */

struct canvas *canvas_create_svg(unsigned width, unsigned height)
{
    struct canvas *canvas = g_new0(struct canvas, 1);

    canvas->width = width;
    canvas->height = height;
    canvas->svg = g_string_new(NULL);
    g_string_printf(canvas->svg,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\" "
                    "font-family=\"sans-serif\">\n<rect width=\"%u\" height=\"%u\" fill=\"#ffffff\"/>\n",
                    width, height, width, height, width, height);
    return canvas;
}

struct canvas *canvas_create_pixels(unsigned width, unsigned height)
{
    struct canvas *canvas = g_new0(struct canvas, 1);

    canvas->width = width;
    canvas->height = height;
    canvas->image = image_create(width, height);
    g_assert(canvas->image); /* the caller keeps to the limits */
    memset(canvas->image->pixels, 0xff, (size_t)width * height * sizeof(uint32_t));
    return canvas;
}

void canvas_destroy(struct canvas *canvas)
{
    if (!canvas)
        return;
    if (canvas->svg)
        g_string_free(canvas->svg, TRUE);
    image_free(canvas->image);
    g_free(canvas);
}

/* How much of pixel number at lies in [low, high). */
static double coverage(unsigned at, double low, double high)
{
    return MAX(0.0, MIN(at + 1.0, high) - MAX((double)at, low));
}

static void blend(uint32_t *pixel, uint32_t color, double alpha)
{
    uint32_t out = 0xff000000;

    for (unsigned shift = 0; shift < 24; shift += 8) {
        double old = *pixel >> shift & 0xff, new = color >> shift & 0xff;
        out |= (uint32_t)lround(old + (new - old) * alpha) << shift;
    }
    *pixel = out;
}

static void fill(struct image *image, double x, double y, double width, double height, uint32_t color)
{
    double right = MIN(x + width, (double)image->width), bottom = MIN(y + height, (double)image->height);

    x = MAX(x, 0.0);
    y = MAX(y, 0.0);
    for (unsigned row = (unsigned)y; row < bottom; row++) {
        double part = coverage(row, y, bottom);
        for (unsigned column = (unsigned)x; column < right; column++)
            blend(&image->pixels[(size_t)row * image->width + column], color, part * coverage(column, x, right));
    }
}

void canvas_rect(struct canvas *canvas, double x, double y, double width, double height, uint32_t color)
{
    char a[4][G_ASCII_DTOSTR_BUF_SIZE];

    if (width <= 0 || height <= 0)
        return;
    if (canvas->image) {
        fill(canvas->image, x, y, width, height, color);
        return;
    }
    g_ascii_formatd(a[0], sizeof(a[0]), "%.2f", x);
    g_ascii_formatd(a[1], sizeof(a[1]), "%.2f", y);
    g_ascii_formatd(a[2], sizeof(a[2]), "%.2f", width);
    g_ascii_formatd(a[3], sizeof(a[3]), "%.2f", height);
    g_string_append_printf(canvas->svg, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"#%06x\"/>\n", a[0], a[1], a[2], a[3],
                           color);
}

double canvas_text_width(const char *text, bool large)
{
    return (double)strlen(text) * (FONT_WIDTH + 1) * (large ? LARGE_SCALE : SMALL_SCALE);
}

static void draw_text(struct image *image, double x, double y, unsigned scale, uint32_t color, const char *text)
{
    x = floor(x);
    y = floor(y) - FONT_HEIGHT * scale;
    for (; *text; text++, x += (FONT_WIDTH + 1) * scale) {
        const uint8_t *columns = font_glyph(*text);
        for (unsigned i = 0; i < FONT_WIDTH * FONT_HEIGHT; i++)
            if (columns[i / FONT_HEIGHT] >> i % FONT_HEIGHT & 1)
                fill(image, x + i / FONT_HEIGHT * scale, y + i % FONT_HEIGHT * scale, scale, scale, color);
    }
}

void canvas_text(struct canvas *canvas, double x, double y, enum canvas_anchor anchor, bool large, uint32_t color, const char *text)
{
    static const char *const anchors[] = {"start", "middle", "end"};

    if (canvas->image) {
        double width = canvas_text_width(text, large);
        draw_text(canvas->image, anchor == CANVAS_START ? x : anchor == CANVAS_MIDDLE ? x - width / 2 : x - width, y,
                  large ? LARGE_SCALE : SMALL_SCALE, color, text);
        return;
    }
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    g_string_append_printf(canvas->svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" font-size=\"%d\" fill=\"#%06x\">%s</text>\n", (int)x,
                           (int)y, anchors[anchor], large ? 24 : 16, color, escaped);
}

bool canvas_write(const struct canvas *canvas, const char *path, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (canvas->image)
        return image_write_png(path, canvas->image, error);
    g_autofree char *text = g_strdup_printf("%s</svg>\n", canvas->svg->str);
    if (g_file_set_contents(path, text, -1, &problem))
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: cannot be written: %s", path, problem->message);
    return false;
}
