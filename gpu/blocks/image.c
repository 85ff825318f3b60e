/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures in host memory; made by scan-out and screenshots. */
#include "gpu/blocks/image.h"

#include <glib.h>

enum { IMAGE_MAX_SIDE = 16384 };

#define IMAGE_BLACK 0xff000000u

struct image *image_create(unsigned width, unsigned height)
{
    struct image *image;
    size_t pixels;

    if (!width || !height || width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE)
        return NULL;
    pixels = (size_t)width * height;
    image = g_try_malloc(sizeof(*image) + pixels * sizeof(image->pixels[0]));
    if (!image)
        return NULL;
    image->width = width;
    image->height = height;
    for (size_t i = 0; i < pixels; i++)
        image->pixels[i] = IMAGE_BLACK;
    return image;
}

void image_free(struct image *image)
{
    g_free(image);
}
