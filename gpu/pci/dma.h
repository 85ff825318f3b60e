/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DMA view: what a PCI function reaches when it reads or writes memory. Bus addresses (guest physical addresses for a
 * device in a guest, IOVAs for the physical GPU) map to host memory. The KVM machine, the vfio-user server and the GPU
 * driver fill a view; devices only read and write through it.
 *
 * Threads: every function may be called from any thread. A pointer from dma_space_ptr() is valid only between
 * dma_space_enter() and dma_space_leave() of the same thread; dma_space_unmap() waits for all such sections to end, so a
 * section must be short and must not block. Sections do not nest.
 *
 * Trust: addresses and lengths come from guests. Every function checks them; none asserts on them.
 */
#ifndef MEDIANT_GPU_PCI_DMA_H
#define MEDIANT_GPU_PCI_DMA_H

#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dma_prot {
    DMA_READ = 1 << 0,  /* the device may read */
    DMA_WRITE = 1 << 1, /* the device may write */
    DMA_RW = DMA_READ | DMA_WRITE,
};

/* One mapped range. addr and size are in bytes and multiples of 4 KiB; host stays owned by whoever mapped it. */
struct dma_region {
    uint64_t addr;
    uint64_t size;
    uint8_t *host;
    unsigned prot; /* enum dma_prot */
    int fd;        /* a file that holds these bytes from fd_offset on, for who shares them with another process; -1: there is none */
    uint64_t fd_offset;
};

struct dma_space;

/*
 * Told about regions as they come and go, so that a second view can mirror the first (the mediator maps each guest's
 * regions for the physical GPU). mapped() runs after the region is usable; unmapping() runs while it still is, before
 * dma_space_unmap() waits. Both run on the thread that changes the view, with only the lock held that serialises
 * changes: they must not map or unmap in this same view.
 */
struct dma_listener {
    void (*mapped)(void *opaque, const struct dma_region *region);
    void (*unmapping)(void *opaque, const struct dma_region *region);
    void *opaque;
};

/* Creates an empty view; name is copied and used in errors. Release with dma_space_unref(). */
struct dma_space *dma_space_create(const char *name);
struct dma_space *dma_space_ref(struct dma_space *space);
void dma_space_unref(struct dma_space *space); /* NULL is allowed */

/*
 * Maps [addr, addr + size) to host. Fails (G_IO_ERROR_INVALID_ARGUMENT) when a value is not a multiple of 4 KiB, size is
 * zero, the range wraps, or (G_IO_ERROR_EXISTS) when it overlaps a mapped region, or (G_IO_ERROR_NO_SPACE) beyond
 * DMA_SPACE_MAX_REGIONS.
 */
#define DMA_SPACE_MAX_REGIONS 4096
bool dma_space_map(struct dma_space *space, uint64_t addr, uint64_t size, void *host, unsigned prot, GError **error);
/* The same, for memory that listeners may share: host is a mapping of fd from fd_offset on. fd stays the caller's, open until the region is unmapped. */
bool dma_space_map_file(struct dma_space *space, uint64_t addr, uint64_t size, void *host, unsigned prot, int fd, uint64_t fd_offset, GError **error);

/*
 * Removes the region that is exactly [addr, addr + size). When it returns, no section that could see the region is
 * running. Fails with G_IO_ERROR_NOT_FOUND when no region has these bounds.
 */
bool dma_space_unmap(struct dma_space *space, uint64_t addr, uint64_t size, GError **error);

/* Adds a listener, which is at once told of the regions that exist. The struct is copied. Returns an id, never 0. */
unsigned dma_space_listen(struct dma_space *space, const struct dma_listener *listener);
/* Removes it. unmapping() is not called for the regions that remain. */
void dma_space_unlisten(struct dma_space *space, unsigned id);

/* Changes with each map and unmap; a cache of pointers into the view is stale when it differs. */
uint64_t dma_space_generation(struct dma_space *space);

void dma_space_enter(struct dma_space *space);
void dma_space_leave(struct dma_space *space);
/*
 * Host pointer to [addr, addr + len), or NULL unless one region with the rights in prot holds all of it.
 * dma_space_span() also tells how many bytes from addr on that region holds.
 */
void *dma_space_ptr(struct dma_space *space, uint64_t addr, uint64_t len, unsigned prot);
void *dma_space_span(struct dma_space *space, uint64_t addr, unsigned prot, uint64_t *bytes);

/*
 * Copies as devices and guests see each other's writes: an aligned 4 or 8 byte value, which can carry a signal (a sequence number, a
 * status), is a single access, ordered after the data before it.
 */
static inline void dma_copy(void *dst, const void *src, size_t len)
{
    uintptr_t align = (uintptr_t)dst | (uintptr_t)src;

    if (len == 4 && !(align & 3))
        __atomic_store_n((uint32_t *)dst, __atomic_load_n((const uint32_t *)src, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
    else if (len == 8 && !(align & 7))
        __atomic_store_n((uint64_t *)dst, __atomic_load_n((const uint64_t *)src, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
    else
        memcpy(dst, src, len);
}

/*
 * Copies that enter and leave by themselves, across adjacent regions. False when any byte is not mapped with the right; the
 * bytes before it may have been copied. The copy of an aligned 4 or 8 byte value is a single access.
 */
bool dma_space_read(struct dma_space *space, uint64_t addr, void *buf, size_t len);
bool dma_space_write(struct dma_space *space, uint64_t addr, const void *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
