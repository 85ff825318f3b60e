/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DMA regions of a vfio-user client. Used by session.c. */
#include "vmm/vfio_user/memory.h"

#include "vmm/fault_guard.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum { NO_GUARD = -1 };

struct client_map {
    uint64_t addr, size;
    void *host;    /* our mapping; NULL: not shared with us */
    size_t length; /* of it, in whole pages of the file: more than size when they are huge */
    int guard;
};

void client_memory_init(struct client_memory *memory, struct dma_space *dma)
{
    memory->dma = dma;
    memory->maps = g_array_new(FALSE, FALSE, sizeof(struct client_map));
    memory->bytes = 0;
}

static struct client_map *map_at(const struct client_memory *memory, unsigned i)
{
    return &g_array_index(memory->maps, struct client_map, i);
}

/* Index of the first range that ends above addr. */
static unsigned first_above(const struct client_memory *memory, uint64_t addr)
{
    unsigned i = 0;

    while (i < memory->maps->len && map_at(memory, i)->addr + (map_at(memory, i)->size - 1) < addr)
        i++;
    return i;
}

static void drop(struct client_memory *memory, unsigned i)
{
    struct client_map map = *map_at(memory, i);

    if (map.host) {
        dma_space_unmap(memory->dma, map.addr, map.size, NULL); /* waits for the device */
        fault_guard_remove(map.guard);
        munmap(map.host, map.length);
        memory->bytes -= map.length;
    }
    g_array_remove_index(memory->maps, i);
}

void client_memory_finish(struct client_memory *memory)
{
    while (memory->maps->len > 0)
        drop(memory, memory->maps->len - 1);
    g_clear_pointer(&memory->maps, g_array_unref);
}

static int G_GNUC_PRINTF(3, 4) fail(char **reason, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    *reason = g_strdup_vprintf(format, args);
    va_end(args);
    return error;
}

static int check_range(const struct client_memory *memory, uint64_t addr, uint64_t size, char **reason)
{
    if (size == 0 || (addr | size) % 4096 || addr + (size - 1) < addr)
        return fail(reason, EINVAL, "0x%" PRIx64 "+0x%" PRIx64 " is not a range of whole 4 KiB pages", addr, size);
    unsigned next = first_above(memory, addr);
    if (next < memory->maps->len && map_at(memory, next)->addr <= addr + (size - 1))
        return fail(reason, EEXIST, "0x%" PRIx64 "+0x%" PRIx64 " overlaps the mapped 0x%" PRIx64 "+0x%" PRIx64, addr, size,
                    map_at(memory, next)->addr, map_at(memory, next)->size);
    if (memory->maps->len >= CLIENT_MEMORY_MAX_MAPS)
        return fail(reason, ENOSPC, "the client has %d DMA regions already", CLIENT_MEMORY_MAX_MAPS);
    return 0;
}

/* Whether the file can be trusted to have its pages at once; *page_size is that of its mapping. */
static int check_file(int fd, uint64_t offset, uint64_t size, size_t *page_size, char **reason)
{
    struct statfs fs;
    struct stat st;

    if (fstatfs(fd, &fs) != 0 || fstat(fd, &st) != 0)
        return fail(reason, EINVAL, "its file descriptor is of no file: %s", g_strerror(errno));
    if (!S_ISREG(st.st_mode) || (fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC))
        return fail(reason, EINVAL, "its file is not memory: a memfd, or on tmpfs or hugetlbfs (for QEMU: memory-backend-memfd,share=on)");
    *page_size = fs.f_type == HUGETLBFS_MAGIC ? (size_t)fs.f_bsize : 4096;
    if (offset % 4096)
        return fail(reason, EINVAL, "offset 0x%" PRIx64 " of its file is not a multiple of 4 KiB", offset);
    if (offset > (uint64_t)st.st_size || size > (uint64_t)st.st_size - offset)
        return fail(reason, EINVAL, "its file has 0x%" PRIx64 " bytes, too few for 0x%" PRIx64 " at offset 0x%" PRIx64, (uint64_t)st.st_size, size,
                    offset);
    return 0;
}

static int map_file(struct client_memory *memory, struct client_map *map, int fd, uint64_t offset, unsigned prot, char **reason)
{
    g_autoptr(GError) error = NULL;
    size_t page_size = 4096;
    int code = check_file(fd, offset, map->size, &page_size, reason);

    if (code)
        return code;
    /* A PC's memory has pieces that are smaller than huge pages. */
    size_t before = offset & (page_size - 1);
    uint64_t length = (before + map->size + page_size - 1) & ~(uint64_t)(page_size - 1);
    if (length > CLIENT_MEMORY_MAX_BYTES - memory->bytes)
        return fail(reason, ENOSPC, "the client shares more than %" PRIu64 " GiB", CLIENT_MEMORY_MAX_BYTES >> 30);
    uint8_t *host = mmap(NULL, length, (prot & DMA_READ ? PROT_READ : 0) | (prot & DMA_WRITE ? PROT_WRITE : 0), MAP_SHARED | MAP_NORESERVE, fd,
                         (off_t)(offset - before));
    if (host == MAP_FAILED)
        return fail(reason, errno, "its file cannot be mapped: %s", g_strerror(errno));
    map->guard = fault_guard_add(host, length, page_size);
    if (map->guard == NO_GUARD) {
        munmap(host, length);
        return fail(reason, ENOSPC, "%d DMA regions of clients are mapped already", FAULT_GUARD_MAX);
    }
    if (!dma_space_map(memory->dma, map->addr, map->size, host + before, prot, &error)) {
        fault_guard_remove(map->guard);
        munmap(host, length);
        return fail(reason, EINVAL, "%s", error->message);
    }
    map->host = host;
    map->length = length;
    memory->bytes += length;
    return 0;
}

int client_memory_map(struct client_memory *memory, uint64_t addr, uint64_t size, int fd, uint64_t offset, unsigned prot, char **reason)
{
    struct client_map map = {.addr = addr, .size = size, .guard = NO_GUARD};
    int code = check_range(memory, addr, size, reason);

    if (code == 0 && fd >= 0 && prot != 0)
        code = map_file(memory, &map, fd, offset, prot, reason);
    if (code == 0)
        g_array_insert_val(memory->maps, first_above(memory, addr), map);
    return code;
}

int client_memory_unmap(struct client_memory *memory, uint64_t addr, uint64_t size, char **reason)
{
    if (size == 0 || addr + (size - 1) < addr)
        return fail(reason, EINVAL, "0x%" PRIx64 "+0x%" PRIx64 " is not a range", addr, size);
    uint64_t last = addr + (size - 1);
    unsigned first = first_above(memory, addr), end = first;
    for (; end < memory->maps->len && map_at(memory, end)->addr <= last; end++) {
        const struct client_map *map = map_at(memory, end);
        if (map->addr < addr || map->addr + (map->size - 1) > last)
            return fail(reason, EINVAL, "0x%" PRIx64 "+0x%" PRIx64 " cuts the mapped 0x%" PRIx64 "+0x%" PRIx64 " in two", addr, size, map->addr,
                        map->size);
    }
    if (first == end)
        return fail(reason, ENOENT, "nothing is mapped in 0x%" PRIx64 "+0x%" PRIx64, addr, size);
    while (end-- > first)
        drop(memory, end);
    return 0;
}

bool client_memory_lost(const struct client_memory *memory)
{
    for (unsigned i = 0; i < memory->maps->len; i++)
        if (map_at(memory, i)->host && fault_guard_hit(map_at(memory, i)->guard))
            return true;
    return false;
}
