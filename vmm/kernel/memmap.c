/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flattens layers of memory into a map; see memmap.h. */
#include "vmm/kernel/memmap.h"

#include <glib.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* The uppermost layer at an address, or NULL. */
static const struct memmap_entry *layer_at(const struct memmap_entry *layers, unsigned count, uint64_t address)
{
    while (count-- > 0)
        if (address >= layers[count].start && address - layers[count].start < layers[count].size)
            return &layers[count];
    return NULL;
}

void memmap_build(const struct memmap_entry *layers, unsigned count, struct memmap *map)
{
    uint64_t edges[2 * MEMMAP_LAYERS_MAX];
    unsigned n = 0;

    g_assert(count <= MEMMAP_LAYERS_MAX);
    map->count = 0;
    for (unsigned i = 0; i < count; i++) {
        edges[n++] = layers[i].start;
        edges[n++] = layers[i].start + layers[i].size;
    }
    if (n > 0)
        qsort(edges, n, sizeof(*edges), compare);
    /* The same layer is seen all the way between two neighbouring edges. */
    for (unsigned i = 0; i + 1 < n; i++) {
        const struct memmap_entry *layer = layer_at(layers, count, edges[i]);
        struct memmap_entry *last = map->count ? &map->entries[map->count - 1] : NULL;
        if (edges[i] == edges[i + 1] || !layer)
            continue;
        if (last && last->type == layer->type && last->start + last->size == edges[i])
            last->size = edges[i + 1] - last->start;
        else
            map->entries[map->count++] = (struct memmap_entry){edges[i], edges[i + 1] - edges[i], layer->type};
    }
}
