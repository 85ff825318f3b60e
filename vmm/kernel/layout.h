/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies where in a guest's memory before it starts, so that nothing is loaded onto something else: named regions, an error for two that
 * overlap, and room for what may lie anywhere. Used by boot.c.
 */
#ifndef MEDIANT_VMM_KERNEL_LAYOUT_H
#define MEDIANT_VMM_KERNEL_LAYOUT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { LAYOUT_MAX = 96 };

struct layout_region {
    uint64_t start, end; /* [start, end) */
    const char *name;    /* as in "overlaps the ACPI tables"; not copied */
};

struct layout {
    unsigned count;
    struct layout_region regions[LAYOUT_MAX];
};

/* Adds a region. The error names file and, for an overlap, both regions. */
bool layout_add(struct layout *layout, const char *file, const char *name, uint64_t start, uint64_t size, GError **error);
/* Adds a region that may overlap others: nothing else is placed there. */
bool layout_block(struct layout *layout, const char *file, const char *name, uint64_t start, uint64_t size, GError **error);

/* The highest free range of size bytes (not 0) that starts at a multiple of align (a power of two) and ends at limit or below. */
bool layout_place(const struct layout *layout, uint64_t size, uint64_t align, uint64_t limit, uint64_t *start);
/* The size of the largest free range below limit. */
uint64_t layout_largest(const struct layout *layout, uint64_t limit);

#ifdef __cplusplus
}
#endif
#endif
