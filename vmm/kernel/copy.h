/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts what was loaded into a guest's RAM, which holds zeroes until then: pages of zeroes are not written, so they take no memory, and the
 * others go into RAM's memfd without being mapped first, which costs a third of the page faults' time. Used by elf.c and boot.c.
 */
#ifndef MEDIANT_VMM_KERNEL_COPY_H
#define MEDIANT_VMM_KERNEL_COPY_H

#include "vmm/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Copies size bytes to [gpa, gpa + size), which nothing has been written to. The error, which names the file, is about RAM or a file that shrank. */
bool copy_to_ram(const char *file, const struct memory *memory, uint64_t gpa, const uint8_t *data, uint64_t size, GError **error);

#ifdef __cplusplus
}
#endif
#endif
