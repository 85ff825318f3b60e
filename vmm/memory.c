/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest RAM in memfds. Used by the machine, the boot loader and instruction completion. */
#include "vmm/memory.h"

#include "vmm/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool add_region(struct memory *memory, const char *name, uint64_t gpa, uint64_t size, GError **error)
{
    struct memory_region *region = &memory->regions[memory->count];
    g_autofree char *label = g_strdup_printf("guest-%s-%" PRIx64, name, gpa);

    region->gpa = gpa;
    region->size = size;
    region->host = MAP_FAILED;
    region->fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    /* Who it is shared with may not take it away from us. */
    if (region->fd >= 0 && ftruncate(region->fd, (off_t)size) == 0 &&
        fcntl(region->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        region->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, region->fd, 0);
    if (region->host == MAP_FAILED) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s: no memory for %" PRIu64 " MiB of RAM: %s", name, size >> 20,
                    g_strerror(errno));
        if (region->fd >= 0)
            close(region->fd);
        return false;
    }
    memory->count++;
    return dma_space_map_file(memory->dma, gpa, size, region->host, DMA_RW, region->fd, 0, error);
}

struct memory *memory_create(const char *name, uint64_t size, GError **error)
{
    struct memory *memory = g_new0(struct memory, 1);

    memory->dma = dma_space_create(name);
    uint64_t low = MIN(size, MEMORY_LOW_MAX);
    if (!add_region(memory, name, 0, low, error) ||
        (size > low && !add_region(memory, name, MEMORY_HIGH_BASE, size - low, error))) {
        memory_destroy(memory);
        return NULL;
    }
    return memory;
}

void memory_clear(struct memory *memory)
{
    for (unsigned i = 0; i < memory->count; i++) {
        const struct memory_region *region = &memory->regions[i];
        if (madvise(region->host, region->size, MADV_REMOVE) != 0)
            memset(region->host, 0, region->size);
    }
}

void memory_destroy(struct memory *memory)
{
    if (!memory)
        return;
    for (unsigned i = 0; i < memory->count; i++) {
        dma_space_unmap(memory->dma, memory->regions[i].gpa, memory->regions[i].size, NULL);
        munmap(memory->regions[i].host, memory->regions[i].size);
        close(memory->regions[i].fd);
    }
    dma_space_unref(memory->dma);
    g_free(memory);
}

void *memory_ptr(const struct memory *memory, uint64_t gpa, uint64_t len)
{
    for (unsigned i = 0; i < memory->count; i++) {
        const struct memory_region *region = &memory->regions[i];
        if (gpa >= region->gpa && gpa - region->gpa < region->size && len <= region->size - (gpa - region->gpa))
            return region->host + (gpa - region->gpa);
    }
    return NULL;
}

uint64_t memory_resident(const struct memory *memory)
{
    enum { BLOCK = 512 }; /* the unit of st_blocks, whatever the file system's is */
    uint64_t sum = 0;

    for (unsigned i = 0; i < memory->count; i++) {
        struct stat stat;
        if (fstat(memory->regions[i].fd, &stat) == 0)
            sum += (uint64_t)stat.st_blocks * BLOCK;
    }
    return sum;
}

uint64_t memory_end(const struct memory *memory)
{
    const struct memory_region *last = &memory->regions[memory->count - 1];

    return last->gpa + last->size;
}
