/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regions of a guest's memory; see layout.h. */
#include "vmm/kernel/layout.h"

#include "vmm/error.h"

#include <inttypes.h>

static const struct layout_region *overlapped(const struct layout *layout, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < layout->count; i++)
        if (start < layout->regions[i].end && layout->regions[i].start < end)
            return &layout->regions[i];
    return NULL;
}

bool layout_block(struct layout *layout, const char *file, const char *name, uint64_t start, uint64_t size, GError **error)
{
    if (size == 0 || start + size < start || layout->count == LAYOUT_MAX) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s at 0x%" PRIx64 " with 0x%" PRIx64 " bytes %s", file, name, start, size,
                    size && start + size >= start ? "is one region too many" : "is no range of addresses");
        return false;
    }
    layout->regions[layout->count++] = (struct layout_region){start, start + size, name};
    return true;
}

bool layout_add(struct layout *layout, const char *file, const char *name, uint64_t start, uint64_t size, GError **error)
{
    const struct layout_region *other = start + size > start ? overlapped(layout, start, start + size) : NULL;

    if (!other)
        return layout_block(layout, file, name, start, size, error);
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s at 0x%" PRIx64 "..0x%" PRIx64 " overlaps %s at 0x%" PRIx64 "..0x%" PRIx64, file, name,
                start, start + size, other->name, other->start, other->end);
    return false;
}

bool layout_place(const struct layout *layout, uint64_t size, uint64_t align, uint64_t limit, uint64_t *start)
{
    const struct layout_region *other;

    /* What ends above the start of a region in its way would still be in its way further down, until it ends below that start. */
    for (uint64_t end = limit; end >= size; end = other->start) {
        *start = (end - size) & ~(align - 1);
        other = overlapped(layout, *start, *start + size);
        if (!other)
            return true;
    }
    return false;
}

uint64_t layout_largest(const struct layout *layout, uint64_t limit)
{
    uint64_t largest = 0;

    /* A free range begins at 0 or where a region ends. */
    for (unsigned i = 0; i <= layout->count; i++) {
        uint64_t start = i < layout->count ? layout->regions[i].end : 0, end = limit;
        if (start >= limit || overlapped(layout, start, start + 1))
            continue;
        for (unsigned k = 0; k < layout->count; k++)
            if (layout->regions[k].start > start)
                end = MIN(end, layout->regions[k].start);
        largest = MAX(largest, end - start);
    }
    return largest;
}
