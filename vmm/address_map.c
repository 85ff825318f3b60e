/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address dispatch: windows are flattened into sorted ranges without overlap at each change, looked up by binary search. */
#include "vmm/address_map.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

struct window {
    uint64_t start, size;
    const struct address_ops *ops; /* NULL: the id is free */
    void *opaque;
};

/* One stretch of addresses that a single window answers. */
struct range {
    uint64_t first, last; /* inclusive */
    struct window window;
};

struct address_map {
    GRWLock lock;
    GArray *windows; /* struct window, by id */
    GArray *ranges;  /* struct range, sorted */
};

struct address_map *address_map_create(void)
{
    struct address_map *map = g_new0(struct address_map, 1);

    g_rw_lock_init(&map->lock);
    map->windows = g_array_new(FALSE, FALSE, sizeof(struct window));
    map->ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
    return map;
}

void address_map_destroy(struct address_map *map)
{
    if (!map)
        return;
    g_array_unref(map->windows);
    g_array_unref(map->ranges);
    g_rw_lock_clear(&map->lock);
    g_free(map);
}

static uint64_t window_last(const struct window *w)
{
    return w->start + (w->size - 1);
}

static bool window_visible(const struct window *w)
{
    return w->start != ADDRESS_NOWHERE && w->size > 0 && window_last(w) >= w->start;
}

static int compare_addresses(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* The first window (in order of addition) that holds addr, or NULL. */
static const struct window *window_at(const struct address_map *map, uint64_t addr)
{
    for (unsigned i = 0; i < map->windows->len; i++) {
        const struct window *w = &g_array_index(map->windows, struct window, i);
        if (window_visible(w) && addr >= w->start && addr <= window_last(w))
            return w;
    }
    return NULL;
}

/* Between two neighbouring edges (starts, and ends + 1) the same windows hold every address. Writer lock held. */
static void flatten(struct address_map *map)
{
    g_autofree uint64_t *edges = g_new(uint64_t, 2 * map->windows->len + 1);
    size_t count = 0;

    for (unsigned i = 0; i < map->windows->len; i++) {
        const struct window *w = &g_array_index(map->windows, struct window, i);
        if (!window_visible(w))
            continue;
        edges[count++] = w->start;
        if (window_last(w) != UINT64_MAX) /* no edge is needed at the top of the address space */
            edges[count++] = window_last(w) + 1;
    }
    qsort(edges, count, sizeof(*edges), compare_addresses);
    g_array_set_size(map->ranges, 0);
    for (size_t i = 0; i < count; i++) {
        uint64_t first = edges[i];
        if (i + 1 < count && edges[i + 1] == first)
            continue;
        uint64_t last = i + 1 < count ? edges[i + 1] - 1 : UINT64_MAX;
        const struct window *w = window_at(map, first);
        if (w) {
            struct range range = {.first = first, .last = MIN(last, window_last(w)), .window = *w};
            g_array_append_val(map->ranges, range);
        }
    }
}

unsigned address_map_add(struct address_map *map, uint64_t start, uint64_t size, const struct address_ops *ops, void *opaque)
{
    struct window window = {.start = start, .size = size, .ops = ops, .opaque = opaque};

    g_rw_lock_writer_lock(&map->lock);
    unsigned id = 0;
    while (id < map->windows->len && g_array_index(map->windows, struct window, id).ops)
        id++;
    if (id == map->windows->len)
        g_array_append_val(map->windows, window);
    else
        g_array_index(map->windows, struct window, id) = window;
    flatten(map);
    g_rw_lock_writer_unlock(&map->lock);
    return id;
}

void address_map_remove(struct address_map *map, unsigned id)
{
    g_rw_lock_writer_lock(&map->lock);
    g_array_index(map->windows, struct window, id) = (struct window){.start = ADDRESS_NOWHERE};
    flatten(map);
    g_rw_lock_writer_unlock(&map->lock);
}

void address_map_move(struct address_map *map, unsigned id, uint64_t start)
{
    g_rw_lock_writer_lock(&map->lock);
    struct window *window = &g_array_index(map->windows, struct window, id);
    if (window->start != start) {
        window->start = start;
        flatten(map);
    }
    g_rw_lock_writer_unlock(&map->lock);
}

/* Finds who answers at addr; *len shrinks to what it (or, when false is returned, nobody) answers from there on. */
static bool lookup(struct address_map *map, uint64_t addr, size_t *len, struct window *window)
{
    bool found = false;

    g_rw_lock_reader_lock(&map->lock);
    const struct range *ranges = (const struct range *)(void *)map->ranges->data;
    unsigned low = 0, high = map->ranges->len;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        if (ranges[mid].last < addr)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < map->ranges->len) {
        const struct range *r = &ranges[low];
        found = r->first <= addr;
        uint64_t rest = found ? r->last - addr : r->first - addr - 1; /* bytes after this one */
        if (rest < *len - 1)
            *len = rest + 1;
        *window = r->window;
    }
    g_rw_lock_reader_unlock(&map->lock);
    return found;
}

void address_map_read(struct address_map *map, uint64_t addr, void *data, size_t len)
{
    struct window window;

    for (size_t now = len; len > 0; addr += now, data = (char *)data + now, len -= now, now = len) {
        if (lookup(map, addr, &now, &window))
            window.ops->read(window.opaque, addr - window.start, data, now);
        else
            memset(data, 0xff, now);
    }
}

void address_map_write(struct address_map *map, uint64_t addr, const void *data, size_t len)
{
    struct window window;

    for (size_t now = len; len > 0; addr += now, data = (const char *)data + now, len -= now, now = len)
        if (lookup(map, addr, &now, &window))
            window.ops->write(window.opaque, addr - window.start, data, now);
}
