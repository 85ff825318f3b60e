/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest is told about its physical memory: one description, from which pvh.c and boot_params.c make their tables. Made by boot.c.
 */
#ifndef MEDIANT_VMM_KERNEL_MEMMAP_H
#define MEDIANT_VMM_KERNEL_MEMMAP_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are those of both formats: ACPI 6.4, table 15.374 (E820), and Xen's public start_info.h (XEN_HVM_MEMMAP_TYPE_). */
enum memmap_type {
    MEMMAP_RAM = 1,
    MEMMAP_RESERVED = 2,
    MEMMAP_ACPI = 3, /* tables, reusable when they have been read */
    MEMMAP_NVS = 4,  /* ACPI's, to be kept */
};

struct memmap_entry {
    uint64_t start, size; /* bytes */
    enum memmap_type type;
};

enum { MEMMAP_LAYERS_MAX = 20, MEMMAP_MAX = 2 * MEMMAP_LAYERS_MAX };

struct memmap {
    unsigned count;
    struct memmap_entry entries[MEMMAP_MAX]; /* sorted, without overlap; neighbours of one type are one entry */
};

/* Lays at most MEMMAP_LAYERS_MAX layers, whose ends do not wrap around, on one another: where they overlap, the later one is seen. */
void memmap_build(const struct memmap_entry *layers, unsigned count, struct memmap *map);

#ifdef __cplusplus
}
#endif
#endif
