/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unpacks compressed kernels. The formats are those that Linux compresses itself with (Documentation/arch/x86/boot.rst, payload_offset); they
 * are recognised by their first bytes. Used by image.c.
 *
 * Threads: any; nothing is shared.
 */
#ifndef MEDIANT_VMM_KERNEL_UNPACK_H
#define MEDIANT_VMM_KERNEL_UNPACK_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct unpack_format; /* a constant */

/* By the first bytes of size; NULL when they are of no format that is known. Those that can be named but not unpacked are known as well. */
const struct unpack_format *unpack_recognise(const uint8_t *data, size_t size);
/* As in "a gzip stream". */
const char *unpack_format_name(const struct unpack_format *format);
bool unpack_format_supported(const struct unpack_format *format);
/* Whether its streams end with the size of what comes out, so that a kernel's payload need not repeat it. */
bool unpack_format_has_size(const struct unpack_format *format);

/*
 * Unpacks data; what follows the end of the stream is ignored (lz4's has none: it ends with the data). The result has *out_size bytes, at most
 * limit, and is freed with g_free. expected is how many are likely to come out, 0 when unknown. Errors begin with name: truncated, corrupt,
 * larger than limit, format not supported.
 */
uint8_t *unpack(const struct unpack_format *format, const char *name, const uint8_t *data, size_t size, size_t limit, size_t expected,
                size_t *out_size, GError **error);

#ifdef __cplusplus
}
#endif
#endif
