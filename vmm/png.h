/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures as PNG files. Used for screenshots and the timeline. */
#ifndef MEDIANT_VMM_PNG_H
#define MEDIANT_VMM_PNG_H

#include <glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct image; /* gpu/blocks/image.h */

/* The bytes of the file; NULL with an error. Caller frees with g_byte_array_unref(). */
GByteArray *image_to_png(const struct image *image, GError **error);

/*
 * Writes image as 8-bit RGB to path, which appears whole or not at all (a temporary file is renamed). Errors name the file
 * (VMM_ERROR_FAILED).
 */
bool image_write_png(const char *path, const struct image *image, GError **error);

#ifdef __cplusplus
}
#endif
#endif
