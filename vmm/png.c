/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes pictures by libpng. Used by session.c and timeline_draw.c. */
#include "vmm/png.h"

#include "gpu/blocks/image.h"
#include "vmm/error.h"

#include <png.h>

/* libpng leaves by longjmp from here; nothing between setjmp and this owns memory of ours. */
static void on_error(png_structp png, png_const_charp message)
{
    GString *reason = png_get_error_ptr(png);

    g_string_assign(reason, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    g_debug("libpng: %s", message);
}

static void on_write(png_structp png, png_bytep data, png_size_t len)
{
    g_byte_array_append(png_get_io_ptr(png), data, (guint)len);
}

static void on_flush(png_structp png)
{
}

static bool encode(const struct image *image, GByteArray *out, GString *reason)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, reason, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;

    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    png_set_write_fn(png, out, on_write, on_flush);
    png_set_IHDR(png, info, image->width, image->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    /* Pixels are 0xffRRGGBB in native order: blue, green, red and a filler byte in memory. */
    png_set_bgr(png);
    png_set_filler(png, 0, PNG_FILLER_AFTER);
    for (unsigned y = 0; y < image->height; y++)
        png_write_row(png, (png_const_bytep)(image->pixels + (size_t)y * image->width));
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return true;
}

GByteArray *image_to_png(const struct image *image, GError **error)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    g_autoptr(GString) reason = g_string_new("out of memory");

    if (encode(image, data, reason))
        return g_steal_pointer(&data);
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "PNG: %s", reason->str);
    return NULL;
}

bool image_write_png(const char *path, const struct image *image, GError **error)
{
    g_autoptr(GByteArray) data = image_to_png(image, error);
    g_autoptr(GError) problem = NULL;

    if (!data) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    if (!g_file_set_contents(path, (const char *)data->data, (gssize)data->len, &problem)) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: cannot be written: %s", path, problem->message);
        return false;
    }
    return true;
}
