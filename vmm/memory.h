/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's RAM: memfds mapped into this process, shown to KVM as memory slots and to devices as a DMA view. Created by machine.c.
 *
 * Layout, as on a PC with a PCI hole: RAM from 0 up to MEMORY_LOW_MAX, the rest from 4 GiB.
 */
#ifndef MEDIANT_VMM_MEMORY_H
#define MEDIANT_VMM_MEMORY_H

#include "gpu/pci/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MEMORY_LOW_MAX UINT64_C(0x80000000)
#define MEMORY_HIGH_BASE UINT64_C(0x100000000)

struct memory_region {
    uint64_t gpa, size; /* bytes, multiples of 4 KiB */
    uint8_t *host;
    int fd; /* memfd; the region starts at its offset 0 */
};

struct memory {
    unsigned count; /* 1 or 2 */
    struct memory_region regions[2];
    struct dma_space *dma;
};

/* Allocates size bytes (a multiple of 4 KiB) of zeroes, named in /proc/self/maps after the guest. */
struct memory *memory_create(const char *name, uint64_t size, GError **error);
/* All zeroes, as after memory_create(): the host gets the pages back. While nobody uses it. */
void memory_clear(struct memory *memory);
void memory_destroy(struct memory *memory); /* NULL is allowed; nothing may use the DMA view any more */

/* Host pointer to [gpa, gpa + len), or NULL unless one region holds all of it. Valid until memory_destroy(). Any thread. */
void *memory_ptr(const struct memory *memory, uint64_t gpa, uint64_t len);

/* Bytes of the host's memory that it takes by now: a guest's pages come when they are first touched. */
uint64_t memory_resident(const struct memory *memory);

/* The first address above all RAM. */
uint64_t memory_end(const struct memory *memory);

#ifdef __cplusplus
}
#endif
#endif
