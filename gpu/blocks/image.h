/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A picture in host memory, as scan-out makes it and screenshots use it. */
#ifndef MEDIANT_GPU_BLOCKS_IMAGE_H
#define MEDIANT_GPU_BLOCKS_IMAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 32 bits for each pixel, 0xffRRGGBB in native order, rows top down without gaps. */
struct image {
    unsigned width, height;
    uint32_t pixels[];
};

/* NULL when a side is 0 or above 16384, or there is no memory. The pixels are black. */
struct image *image_create(unsigned width, unsigned height);
void image_free(struct image *image); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
