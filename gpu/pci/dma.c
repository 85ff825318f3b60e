/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DMA views: a sorted array of regions under a reader/writer lock. Read by every device, written by the machines. */
#include "gpu/pci/dma.h"

#include <gio/gio.h>
#include <string.h>

struct listener {
    unsigned id;
    struct dma_listener cb;
};

struct dma_space {
    char *name;
    gatomicrefcount refs;
    GMutex change;       /* serialises map, unmap, listen; taken before lock */
    GRWLock lock;        /* readers: sections; writer: the moment of a change */
    GMutex turn;         /* of a writer that waits for lock; then sections that have not begun wait too */
    unsigned writers;    /* atomic: how many wait or write */
    GArray *regions;     /* struct dma_region, sorted by addr */
    GArray *listeners;   /* struct listener */
    unsigned next_listener;
    uint64_t generation; /* atomic */
};

#define PAGE_MASK UINT64_C(0xfff)

struct dma_space *dma_space_create(const char *name)
{
    struct dma_space *space = g_new0(struct dma_space, 1);
    space->name = g_strdup(name);
    g_atomic_ref_count_init(&space->refs);
    g_mutex_init(&space->change);
    g_rw_lock_init(&space->lock);
    g_mutex_init(&space->turn);
    space->regions = g_array_new(FALSE, FALSE, sizeof(struct dma_region));
    space->listeners = g_array_new(FALSE, FALSE, sizeof(struct listener));
    space->generation = 1;
    return space;
}

struct dma_space *dma_space_ref(struct dma_space *space)
{
    g_atomic_ref_count_inc(&space->refs);
    return space;
}

void dma_space_unref(struct dma_space *space)
{
    if (!space || !g_atomic_ref_count_dec(&space->refs))
        return;
    g_array_unref(space->regions);
    g_array_unref(space->listeners);
    g_mutex_clear(&space->change);
    g_rw_lock_clear(&space->lock);
    g_mutex_clear(&space->turn);
    g_free(space->name);
    g_free(space);
}

/* Index of the first region whose end lies above addr. */
static unsigned first_above(const GArray *regions, uint64_t addr)
{
    unsigned low = 0, high = regions->len;

    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        const struct dma_region *r = &g_array_index(regions, struct dma_region, mid);
        if (r->addr + (r->size - 1) < addr)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/*
 * The lock alone would let readers pass a waiting writer for ever: several engines that run commands without a pause always have one of
 * them in a section.
 */
static void begin_change(struct dma_space *space)
{
    __atomic_add_fetch(&space->writers, 1, __ATOMIC_RELAXED);
    g_mutex_lock(&space->turn);
    g_rw_lock_writer_lock(&space->lock);
}

static void end_change(struct dma_space *space)
{
    __atomic_add_fetch(&space->generation, 1, __ATOMIC_RELEASE);
    g_rw_lock_writer_unlock(&space->lock);
    g_mutex_unlock(&space->turn);
    __atomic_sub_fetch(&space->writers, 1, __ATOMIC_RELAXED);
}

bool dma_space_map(struct dma_space *space, uint64_t addr, uint64_t size, void *host, unsigned prot, GError **error)
{
    return dma_space_map_file(space, addr, size, host, prot, -1, 0, error);
}

bool dma_space_map_file(struct dma_space *space, uint64_t addr, uint64_t size, void *host, unsigned prot, int fd, uint64_t fd_offset, GError **error)
{
    struct dma_region region = {.addr = addr, .size = size, .host = host, .prot = prot, .fd = fd, .fd_offset = fd_offset};

    if (size == 0 || ((addr | size) & PAGE_MASK) || addr + (size - 1) < addr) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "%s: cannot map 0x%" PRIx64 " bytes at 0x%" PRIx64 ": not a range of whole 4 KiB pages", space->name, size,
                    addr);
        return false;
    }
    g_mutex_lock(&space->change);
    unsigned at = first_above(space->regions, addr);
    if (at < space->regions->len) {
        const struct dma_region *next = &g_array_index(space->regions, struct dma_region, at);
        if (next->addr <= addr + (size - 1)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS,
                        "%s: 0x%" PRIx64 "+0x%" PRIx64 " overlaps the mapped region 0x%" PRIx64 "+0x%" PRIx64, space->name, addr,
                        size, next->addr, next->size);
            g_mutex_unlock(&space->change);
            return false;
        }
    }
    if (space->regions->len >= DMA_SPACE_MAX_REGIONS) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "%s: more than %d DMA regions", space->name, DMA_SPACE_MAX_REGIONS);
        g_mutex_unlock(&space->change);
        return false;
    }
    begin_change(space);
    g_array_insert_val(space->regions, at, region);
    end_change(space);
    for (unsigned i = 0; i < space->listeners->len; i++) {
        const struct dma_listener *cb = &g_array_index(space->listeners, struct listener, i).cb;
        if (cb->mapped)
            cb->mapped(cb->opaque, &region);
    }
    g_mutex_unlock(&space->change);
    return true;
}

bool dma_space_unmap(struct dma_space *space, uint64_t addr, uint64_t size, GError **error)
{
    g_mutex_lock(&space->change);
    unsigned at = first_above(space->regions, addr);
    const struct dma_region *found =
        at < space->regions->len ? &g_array_index(space->regions, struct dma_region, at) : NULL;
    if (!found || found->addr != addr || found->size != size) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: no DMA region is exactly 0x%" PRIx64 "+0x%" PRIx64,
                    space->name, addr, size);
        g_mutex_unlock(&space->change);
        return false;
    }
    struct dma_region region = *found;
    for (unsigned i = 0; i < space->listeners->len; i++) {
        const struct dma_listener *cb = &g_array_index(space->listeners, struct listener, i).cb;
        if (cb->unmapping)
            cb->unmapping(cb->opaque, &region);
    }
    begin_change(space);
    g_array_remove_index(space->regions, at);
    end_change(space);
    g_mutex_unlock(&space->change);
    return true;
}

unsigned dma_space_listen(struct dma_space *space, const struct dma_listener *listener)
{
    g_mutex_lock(&space->change);
    struct listener entry = {.id = ++space->next_listener, .cb = *listener};
    g_array_append_val(space->listeners, entry);
    for (unsigned i = 0; listener->mapped && i < space->regions->len; i++)
        listener->mapped(listener->opaque, &g_array_index(space->regions, struct dma_region, i));
    g_mutex_unlock(&space->change);
    return entry.id;
}

void dma_space_unlisten(struct dma_space *space, unsigned id)
{
    g_mutex_lock(&space->change);
    for (unsigned i = 0; i < space->listeners->len; i++) {
        if (g_array_index(space->listeners, struct listener, i).id == id) {
            g_array_remove_index(space->listeners, i);
            break;
        }
    }
    g_mutex_unlock(&space->change);
}

uint64_t dma_space_generation(struct dma_space *space)
{
    return __atomic_load_n(&space->generation, __ATOMIC_ACQUIRE);
}

void dma_space_enter(struct dma_space *space)
{
    if (G_UNLIKELY(__atomic_load_n(&space->writers, __ATOMIC_RELAXED))) {
        g_mutex_lock(&space->turn);
        g_mutex_unlock(&space->turn);
    }
    g_rw_lock_reader_lock(&space->lock);
}

void dma_space_leave(struct dma_space *space)
{
    g_rw_lock_reader_unlock(&space->lock);
}

void *dma_space_span(struct dma_space *space, uint64_t addr, unsigned prot, uint64_t *bytes)
{
    unsigned at = first_above(space->regions, addr);

    if (at >= space->regions->len)
        return NULL;
    const struct dma_region *r = &g_array_index(space->regions, struct dma_region, at);
    if (r->addr > addr || (r->prot & prot) != prot)
        return NULL;
    *bytes = r->size - (addr - r->addr);
    return r->host + (addr - r->addr);
}

void *dma_space_ptr(struct dma_space *space, uint64_t addr, uint64_t len, unsigned prot)
{
    uint64_t bytes;
    void *ptr = dma_space_span(space, addr, prot, &bytes);

    return ptr && bytes >= len ? ptr : NULL;
}

static bool copy(struct dma_space *space, uint64_t addr, uint8_t *buf, size_t len, unsigned prot)
{
    bool ok = true;

    dma_space_enter(space);
    while (len > 0) {
        uint64_t bytes;
        uint8_t *ptr = dma_space_span(space, addr, prot, &bytes);
        if (!ptr) {
            ok = false;
            break;
        }
        size_t now = MIN(bytes, (uint64_t)len);
        if (prot == DMA_WRITE)
            dma_copy(ptr, buf, now);
        else
            dma_copy(buf, ptr, now);
        addr += now;
        buf += now;
        len -= now;
    }
    dma_space_leave(space);
    return ok;
}

bool dma_space_read(struct dma_space *space, uint64_t addr, void *buf, size_t len)
{
    return copy(space, addr, buf, len, DMA_READ);
}

bool dma_space_write(struct dma_space *space, uint64_t addr, const void *buf, size_t len)
{
    return copy(space, addr, (uint8_t *)buf, len, DMA_WRITE);
}
