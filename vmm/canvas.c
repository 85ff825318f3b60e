/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drawing for reports: one set of calls, SVG or pixels. Cairo draws the pixels; the SVG is written here, because Cairo's would hold outlines
 * where people want text that they can select and search. Used by timeline_draw.c and display/card.c. Cairo is loaded when it is first needed: with
 * X's libraries behind it, it takes nearly 2 MiB of each process that links it.
 */
#include "vmm/canvas.h"

#include "vmm/error.h"
#include "vmm/late_library.h"

#include <cairo.h>
#include <string.h>

#define FUNCTIONS(X)                                                                                                                              \
    X(cairo_create) X(cairo_destroy) X(cairo_fill) X(cairo_get_target) X(cairo_image_surface_create) X(cairo_image_surface_get_data)                \
    X(cairo_image_surface_get_stride) X(cairo_move_to) X(cairo_paint) X(cairo_rectangle) X(cairo_select_font_face) X(cairo_set_font_size)           \
    X(cairo_set_source_rgb) X(cairo_show_text) X(cairo_status) X(cairo_status_to_string) X(cairo_surface_destroy) X(cairo_surface_flush)            \
    X(cairo_surface_write_to_png) X(cairo_text_extents)

static struct functions {
    FUNCTIONS(LATE_MEMBER)
} draw;
static const struct late_symbol symbols[] = {FUNCTIONS(LATE_SYMBOL)};
static struct late_library library = LATE_LIBRARY("libcairo.so.2", "libcairo2", symbols, &draw);

struct canvas {
    unsigned width, height;
    GString *svg; /* or */
    cairo_t *pixels;
};

enum { SMALL_SIZE = 16, LARGE_SIZE = 24 }; /* of the font, in pixels */

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

bool canvas_load_pixels(const char **reason)
{
    return late_library_load(&library, reason);
}

struct canvas *canvas_create_pixels(unsigned width, unsigned height)
{
    if (!canvas_load_pixels(NULL))
        return NULL;
    struct canvas *canvas = g_new0(struct canvas, 1);

    canvas->width = width;
    canvas->height = height;
    cairo_surface_t *surface = draw.cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    canvas->pixels = draw.cairo_create(surface); /* which keeps the surface; an error shows at canvas_write() */
    draw.cairo_surface_destroy(surface);
    draw.cairo_select_font_face(canvas->pixels, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    draw.cairo_set_source_rgb(canvas->pixels, 1, 1, 1);
    draw.cairo_paint(canvas->pixels);
    return canvas;
}

void canvas_destroy(struct canvas *canvas)
{
    if (!canvas)
        return;
    if (canvas->svg)
        g_string_free(canvas->svg, TRUE);
    if (canvas->pixels)
        draw.cairo_destroy(canvas->pixels);
    g_free(canvas);
}

static void set_color(cairo_t *pixels, uint32_t color)
{
    draw.cairo_set_source_rgb(pixels, (color >> 16 & 0xff) / 255.0, (color >> 8 & 0xff) / 255.0, (color & 0xff) / 255.0);
}

void canvas_rect(struct canvas *canvas, double x, double y, double width, double height, uint32_t color)
{
    char a[4][G_ASCII_DTOSTR_BUF_SIZE];

    if (width <= 0 || height <= 0)
        return;
    if (canvas->pixels) {
        set_color(canvas->pixels, color);
        draw.cairo_rectangle(canvas->pixels, x, y, width, height);
        draw.cairo_fill(canvas->pixels);
        return;
    }
    g_ascii_formatd(a[0], sizeof(a[0]), "%.2f", x);
    g_ascii_formatd(a[1], sizeof(a[1]), "%.2f", y);
    g_ascii_formatd(a[2], sizeof(a[2]), "%.2f", width);
    g_ascii_formatd(a[3], sizeof(a[3]), "%.2f", height);
    g_string_append_printf(canvas->svg, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"#%06x\"/>\n", a[0], a[1], a[2], a[3],
                           color);
}

void canvas_text(struct canvas *canvas, double x, double y, enum canvas_anchor anchor, bool large, uint32_t color, const char *text)
{
    static const char *const anchors[] = {"start", "middle", "end"};

    if (canvas->pixels) {
        cairo_text_extents_t extents;
        draw.cairo_set_font_size(canvas->pixels, large ? LARGE_SIZE : SMALL_SIZE);
        draw.cairo_text_extents(canvas->pixels, text, &extents);
        double before = anchor == CANVAS_START ? 0 : anchor == CANVAS_MIDDLE ? extents.x_advance / 2 : extents.x_advance;
        set_color(canvas->pixels, color);
        draw.cairo_move_to(canvas->pixels, x - before, y);
        draw.cairo_show_text(canvas->pixels, text);
        return;
    }
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    g_string_append_printf(canvas->svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" font-size=\"%d\" fill=\"#%06x\">%s</text>\n", (int)x,
                           (int)y, anchors[anchor], large ? LARGE_SIZE : SMALL_SIZE, color, escaped);
}

bool canvas_copy_pixels(const struct canvas *canvas, uint32_t *pixels)
{
    cairo_surface_t *surface = draw.cairo_get_target(canvas->pixels);

    draw.cairo_surface_flush(surface);
    const uint8_t *data = draw.cairo_image_surface_get_data(surface);
    size_t stride = (size_t)draw.cairo_image_surface_get_stride(surface);
    if (!data || draw.cairo_status(canvas->pixels) != CAIRO_STATUS_SUCCESS)
        return false;
    for (unsigned y = 0; y < canvas->height; y++)
        for (unsigned x = 0; x < canvas->width; x++) {
            uint32_t pixel;
            memcpy(&pixel, data + y * stride + x * sizeof(pixel), sizeof(pixel));
            pixels[(size_t)y * canvas->width + x] = pixel | 0xff000000;
        }
    return true;
}

bool canvas_write(const struct canvas *canvas, const char *path, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (canvas->pixels) {
        cairo_status_t status = draw.cairo_surface_write_to_png(draw.cairo_get_target(canvas->pixels), path);
        if (status == CAIRO_STATUS_SUCCESS)
            return true;
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: cannot be written: %s", path, draw.cairo_status_to_string(status));
        return false;
    }
    g_autofree char *text = g_strdup_printf("%s</svg>\n", canvas->svg->str);
    if (g_file_set_contents(path, text, -1, &problem))
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: cannot be written: %s", path, problem->message);
    return false;
}
