/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rectangles and small text, as SVG or as pixels. Used by timeline_draw.c and display/card.c. */
#ifndef MEDIANT_VMM_CANVAS_H
#define MEDIANT_VMM_CANVAS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct canvas;

enum canvas_anchor { CANVAS_START, CANVAS_MIDDLE, CANVAS_END };

/*
 * Makes pixels possible: loads Cairo, which reads files, so before the thread is confined. False with the reason, which stays (reason may be NULL).
 * canvas_create_pixels() does the same, and returns NULL then.
 */
bool canvas_load_pixels(const char **reason);
/* White, width by height pixels, at most 16384 a side. */
struct canvas *canvas_create_svg(unsigned width, unsigned height);
struct canvas *canvas_create_pixels(unsigned width, unsigned height);
void canvas_destroy(struct canvas *canvas); /* NULL is allowed */

/* Colours are 0xRRGGBB. Parts outside of the canvas are cut off. Edges between pixels are blended. */
void canvas_rect(struct canvas *canvas, double x, double y, double width, double height, uint32_t color);
/* y is the baseline. Text is in two sizes: large for titles. */
void canvas_text(struct canvas *canvas, double x, double y, enum canvas_anchor anchor, bool large, uint32_t color, const char *text);
/* Of one of pixels: copies all of them, row by row, as 0xffRRGGBB. False when memory was short. */
bool canvas_copy_pixels(const struct canvas *canvas, uint32_t *pixels);
/* Writes the SVG or a PNG. */
bool canvas_write(const struct canvas *canvas, const char *path, GError **error);

#ifdef __cplusplus
}
#endif
#endif
