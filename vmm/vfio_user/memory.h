/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vfio-user client's memory: what DMA_MAP and DMA_UNMAP say, as mappings of this process in the device's DMA view. Used by session.c.
 *
 * Trust: the client chooses addresses, sizes and files. Only files that live in memory are mapped (memfd, tmpfs, hugetlbfs), as a page of
 * another file system may never come; a file that shrinks later costs the client its data (fault_guard.h).
 *
 * Threads: one, the session's.
 */
#ifndef MEDIANT_VMM_VFIO_USER_MEMORY_H
#define MEDIANT_VMM_VFIO_USER_MEMORY_H

#include "gpu/pci/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What one client may have. The physical GPU's bus addresses (512 GiB, DMA_SPACE_MAX_REGIONS) are shared by all vGPUs, seven at most: no
 * client can take what the others need. QEMU needs a dozen regions.
 */
enum { CLIENT_MEMORY_MAX_MAPS = 256 };
#define CLIENT_MEMORY_MAX_BYTES (UINT64_C(64) << 30) /* mapped here; ranges that the client keeps to itself do not count */

struct client_memory {
    struct dma_space *dma;
    GArray *maps;   /* struct client_map, sorted by address */
    uint64_t bytes; /* of files, mapped */
};

void client_memory_init(struct client_memory *memory, struct dma_space *dma);
/* Unmaps everything; when it returns, nothing accesses it. */
void client_memory_finish(struct client_memory *memory);

/*
 * Maps [addr, addr + size) to the file's bytes from offset on. fd -1: the client keeps this memory to itself; the range is remembered and not
 * reachable. fd stays the caller's. prot is enum dma_prot. Returns 0, or an errno value with *reason (g_free): EINVAL (range, alignment, kind or size of the
 * file), EEXIST (overlap), ENOSPC (too many, or too much), or that of mmap().
 */
int client_memory_map(struct client_memory *memory, uint64_t addr, uint64_t size, int fd, uint64_t offset, unsigned prot, char **reason);

/*
 * Unmaps all ranges that lie in [addr, addr + size), as VFIO does: EINVAL when the range cuts one in two, ENOENT when it holds none.
 */
int client_memory_unmap(struct client_memory *memory, uint64_t addr, uint64_t size, char **reason);

/* True when the client took away memory that it had shared. */
bool client_memory_lost(const struct client_memory *memory);

#ifdef __cplusplus
}
#endif
#endif
