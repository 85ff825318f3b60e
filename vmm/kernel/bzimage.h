/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bzImage, the form in which distributions ship kernels: real-mode setup code with a header, then code that would unpack the kernel in the guest,
 * with the packed kernel (the payload) inside. Only header and payload are used here: the VMM unpacks. Used by image.c.
 *
 * Source: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" and "Details of Header Fields"; layout from <asm/bootparam.h>.
 */
#ifndef MEDIANT_VMM_KERNEL_BZIMAGE_H
#define MEDIANT_VMM_KERNEL_BZIMAGE_H

#include <asm/bootparam.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BZIMAGE_HEADER_MAGIC 0x53726448u /* "HdrS" */
#define BZIMAGE_BOOT_FLAG 0xaa55u

struct bzimage {
    struct setup_header header; /* a copy; zeroes beyond what the kernel has */
    uint64_t payload, payload_size; /* bytes in the file, inside of it */
};

/* Whether data has the signature of the setup header. */
bool bzimage_recognise(const uint8_t *data, size_t size);
/* Checks the header of an image that was recognised. Errors begin with name. */
bool bzimage_parse(const char *name, const uint8_t *data, size_t size, struct bzimage *image, GError **error);

#ifdef __cplusplus
}
#endif
#endif
