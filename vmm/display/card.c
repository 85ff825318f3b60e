/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text for viewers. See card.h. */
#include "vmm/display/card.h"

#include "vmm/canvas.h"

#include <string.h>

enum {
    WIDTH = 1024,
    HEIGHT = 768,
    FIRST_LINE = 330,
    LINE = 28,
    LINE_CHARACTERS = 90, /* of the small size; about what fits */
    LINES_MAX = 8,
    BACKGROUND = 0x16202c,
    BAR = 0x2f7fc4,
    BAR_FAILED = 0xc4452f,
    TITLE = 0xffffff,
    TEXT = 0xb8c4d0,
};

/* Breaks at blanks where it can, in the middle of a word where it must; characters are not bytes. */
static const char *line_end(const char *text)
{
    const char *end = text, *blank = NULL;

    for (unsigned i = 0; *end && i < LINE_CHARACTERS; i++, end = g_utf8_next_char(end))
        if (*end == ' ')
            blank = end;
    return *end && blank ? blank : end;
}

static void write_lines(struct canvas *canvas, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    const char *at = valid;

    for (unsigned i = 0; *at && i < LINES_MAX; i++) {
        const char *end = line_end(at);
        g_autofree char *line = g_strndup(at, (gsize)(end - at));
        canvas_text(canvas, WIDTH / 2.0, FIRST_LINE + LINE * (double)(2 + i), CANVAS_MIDDLE, false, TEXT, line);
        at = end + (*end == ' ');
    }
}

struct image *card_create(const char *guest, bool failed, const char *reason)
{
    struct canvas *canvas = canvas_create_pixels(WIDTH, HEIGHT);
    if (!canvas)
        return NULL;
    struct image *image = image_create(WIDTH, HEIGHT);
    g_autofree char *title = g_strdup_printf("guest %s", guest);

    canvas_rect(canvas, 0, 0, WIDTH, HEIGHT, BACKGROUND);
    canvas_rect(canvas, WIDTH / 2.0 - 160, FIRST_LINE + 14, 320, 3, failed ? BAR_FAILED : BAR);
    canvas_text(canvas, WIDTH / 2.0, FIRST_LINE, CANVAS_MIDDLE, true, TITLE, title);
    write_lines(canvas, reason);
    if (image && !canvas_copy_pixels(canvas, image->pixels))
        g_clear_pointer(&image, image_free);
    canvas_destroy(canvas);
    return image;
}
