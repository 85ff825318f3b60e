/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a pipe shows, in words: for people who ask why there is no picture. Called by tools and messages. */
#include "gpu/blocks/scanout_internal.h"

static const char *tiling_name(enum tiling tiling)
{
    switch (tiling) {
    case TILING_X:
        return "X tiled";
    case TILING_Y:
        return "Y tiled";
    case TILING_YF:
        return "Yf tiled";
    default:
        return "linear";
    }
}

static void plane_words(GString *text, const struct scanout *scanout, unsigned index, const struct plane_view *view)
{
    static const char *const alphas[] = {"", ", premultiplied alpha", ", straight alpha"};
    static const char *const keys[] = {"", ", source colour key", ", destination colour key"};
    unsigned width, height;

    scanout_source_size(scanout, &width, &height);
    g_string_append_printf(text, "plane %u: %ux%u %s, %s, stride %u%s, surface 0x%08x", index + 1, view->width, view->height,
                           pixel_format_name(view->format), tiling_name(view->tiling), view->stride,
                           view->tiling == TILING_LINEAR ? " bytes" : " tiles", view->surface);
    if (view->x || view->y)
        g_string_append_printf(text, " from %u,%u", view->x, view->y);
    g_string_append_printf(text, ", at %d,%d", view->target.x, view->target.y);
    if (view->scaler >= 0)
        g_string_append_printf(text, " scaled to %ux%u", view->target.width, view->target.height);
    if (view->rotation)
        g_string_append_printf(text, ", turned by %u degrees", view->rotation * 90);
    g_string_append_printf(text, "%s%s", alphas[view->alpha], keys[view->key]);
    if (view->constant_alpha < 255)
        g_string_append_printf(text, ", plane alpha %u/255", view->constant_alpha);
    if (view->format == PIXEL_NONE)
        g_string_append(text, "; NOT SHOWN: this format (with this tiling and rotation) is not known");
    if (view->compressed)
        g_string_append(text, "; render compression is not undone");
    if ((unsigned)view->target.x >= width || (unsigned)view->target.y >= height)
        g_string_append(text, "; outside of the picture");
    g_string_append_c(text, '\n');
}

static void cursor_words(GString *text, const struct cursor_view *view)
{
    if (!view->on)
        return;
    if (!view->supported) {
        g_string_append(text, "cursor: NOT SHOWN: a mode with two bits a pixel\n");
        return;
    }
    g_string_append_printf(text, "cursor: %ux%u %s, surface 0x%08x, at %d,%d\n", view->side, view->height,
                           view->blend ? "ARGB8888" : "AND/INVERT", view->surface, view->x, view->y);
}

char *scanout_describe(const struct scanout *scanout)
{
    GString *text = g_string_new(NULL);
    struct cursor_view cursor;
    struct rect window;
    unsigned width, height, on = 0, colors = scanout_background_color(scanout);

    if (!scanout->on) {
        g_string_append(text, "no pipe is on: nothing is shown\n");
        return g_string_free(text, FALSE);
    }
    scanout_source_size(scanout, &width, &height);
    g_string_append_printf(text, "pipe %c: %ux%u", 'A' + (int)scanout->pipe, width, height);
    if (scanout->frame_ns)
        g_string_append_printf(text, " at %.2f Hz", 1e9 / (double)scanout->frame_ns);
    if (scanout->port >= 0)
        g_string_append_printf(text, " on port %c%s", 'A' + scanout->port, scanout->monitor ? "" : ", where no monitor is");
    else
        g_string_append(text, ", to no port");
    g_string_append_c(text, '\n');
    if (scanout_pipe_scaler(scanout, &window)) {
        scanout_size(scanout, &width, &height);
        g_string_append_printf(text, "pipe scaler: to %ux%u at %d,%d of %ux%u\n", window.width, window.height, window.x,
                               window.y, width, height);
    }
    for (unsigned i = 0; i < DISPLAY_PLANES; i++) {
        struct plane_view view;

        scanout_plane_view(scanout, i, &view);
        if (!view.on)
            continue;
        plane_words(text, scanout, i, &view);
        colors |= view.color;
        on++;
    }
    scanout_cursor_view(scanout, &cursor);
    cursor_words(text, &cursor);
    if (colors & COLOR_GAMMA)
        g_string_append_printf(text, "gamma: %s\n", color_gamma_name(scanout));
    if (colors & COLOR_CSC)
        g_string_append(text, "colours: through the pipe's matrix\n");
    if (!on)
        g_string_append(text, "no plane is on: the background colour is shown\n");
    return g_string_free(text, FALSE);
}
