/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The global GTT as a resource: ranges in the low and the high part, the scratch page behind everything that is not mapped, and buffers.
 * Called by the mediator for the partitions of its vGPUs (from the bottom of a part) and by the driver for its own
 * buffers (from the top of the high part), so that host objects do not cut up the space of later vGPUs.
 */
#include "gpu/driver/driver_internal.h"

#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>

static enum ggtt_part part_of(const struct driver *driver, uint64_t gma)
{
    return gma < driver->gpu->info.aperture_size ? GGTT_LOW : GGTT_HIGH;
}

static bool range_valid(const struct driver *driver, uint64_t gma, uint64_t size)
{
    uint64_t total = driver->gpu->info.ggtt_size;

    return size && !((gma | size) & (DRIVER_PAGE - 1)) && gma < total && size <= total - gma;
}

static void fill_scratch(struct driver *driver, uint64_t gma, uint64_t size)
{
    for (uint64_t page = gma / DRIVER_PAGE; page < (gma + size) / DRIVER_PAGE; page++)
        driver->gpu->ops->pte_write(driver->gpu, (uint32_t)page, driver->scratch_pte);
}

bool ggtt_space_init(struct driver *driver, GError **error)
{
    struct gpu_info *info = &driver->gpu->info;

    driver->scratch = mmap(NULL, DRIVER_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (driver->scratch == MAP_FAILED) {
        driver->scratch = NULL;
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no memory for the scratch page");
        return false;
    }
    if (!driver->gpu->ops->dma_map(driver->gpu, driver->scratch, DRIVER_PAGE, DMA_RW, &driver->scratch_iova, error)) {
        munmap(driver->scratch, DRIVER_PAGE);
        driver->scratch = NULL;
        return false;
    }
    driver->scratch_pte = driver->scratch_iova | PTE_PRESENT | PTE_WRITE;
    uint64_t low_end = MIN(info->aperture_size, info->ggtt_size);
    /* The last page stays scratch: the command streamer prefetches past the end of a buffer (gt/intel_ggtt.c: guard page). */
    uint64_t end = info->ggtt_size - DRIVER_PAGE;
    struct ggtt_hole low = {0, MIN(low_end, end)}, high = {low_end, end > low_end ? end - low_end : 0};
    driver->holes[GGTT_LOW] = g_array_new(FALSE, FALSE, sizeof(struct ggtt_hole));
    driver->holes[GGTT_HIGH] = g_array_new(FALSE, FALSE, sizeof(struct ggtt_hole));
    g_array_append_val(driver->holes[GGTT_LOW], low);
    if (high.size)
        g_array_append_val(driver->holes[GGTT_HIGH], high);
    fill_scratch(driver, 0, info->ggtt_size);
    driver_ggtt_flush(driver);
    return true;
}

void ggtt_space_finish(struct driver *driver)
{
    for (unsigned part = 0; part < G_N_ELEMENTS(driver->holes); part++)
        if (driver->holes[part])
            g_array_unref(driver->holes[part]);
    if (driver->scratch) {
        driver->gpu->ops->dma_unmap(driver->gpu, driver->scratch_iova, DRIVER_PAGE);
        munmap(driver->scratch, DRIVER_PAGE);
    }
}

/* Takes [start, start + size) out of the hole at index. */
static void hole_take(GArray *holes, guint index, uint64_t start, uint64_t size)
{
    struct ggtt_hole hole = g_array_index(holes, struct ggtt_hole, index);
    struct ggtt_hole before = {hole.start, start - hole.start};
    struct ggtt_hole after = {start + size, hole.start + hole.size - (start + size)};

    g_array_remove_index(holes, index);
    if (after.size)
        g_array_insert_val(holes, index, after);
    if (before.size)
        g_array_insert_val(holes, index, before);
}

static bool space_alloc(struct driver *driver, enum ggtt_part part, uint64_t size, uint64_t align, bool top, uint64_t *gma)
{
    GArray *holes = driver->holes[part];

    for (guint i = 0; i < holes->len; i++) {
        guint index = top ? holes->len - 1 - i : i;
        struct ggtt_hole *hole = &g_array_index(holes, struct ggtt_hole, index);
        if (hole->size < size)
            continue;
        uint64_t start = top ? (hole->start + hole->size - size) & ~(align - 1) : (hole->start + align - 1) & ~(align - 1);
        if (start < hole->start || start + size > hole->start + hole->size)
            continue;
        hole_take(holes, index, start, size);
        *gma = start;
        return true;
    }
    return false;
}

static bool alloc_checked(struct driver *driver, enum ggtt_part part, uint64_t size, uint64_t align, bool top, uint64_t *gma,
                          GError **error)
{
    if (!align)
        align = DRIVER_PAGE;
    if (!size || size & (DRIVER_PAGE - 1) || align & (align - 1) || align < DRIVER_PAGE || size > driver->gpu->info.ggtt_size) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "global GTT: 0x%" PRIx64 " bytes aligned to 0x%" PRIx64 " is not a range of pages", size, align);
        return false;
    }
    g_mutex_lock(&driver->lock);
    bool found = space_alloc(driver, part, size, align, top, gma);
    g_mutex_unlock(&driver->lock);
    if (!found)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                    "%s graphics memory: %" PRIu64 " MiB asked for, the largest free range has %" PRIu64 " MiB",
                    part == GGTT_LOW ? "low" : "high", (size + (1 << 20) - 1) >> 20, driver_ggtt_available(driver, part) >> 20);
    return found;
}

bool driver_ggtt_alloc(struct driver *driver, enum ggtt_part part, uint64_t size, uint64_t align, uint64_t *gma, GError **error)
{
    return alloc_checked(driver, part, size, align, false, gma, error);
}

void driver_ggtt_free(struct driver *driver, uint64_t gma, uint64_t size)
{
    g_assert(range_valid(driver, gma, size));
    fill_scratch(driver, gma, size);
    driver_ggtt_flush(driver);

    g_mutex_lock(&driver->lock);
    GArray *holes = driver->holes[part_of(driver, gma)];
    guint index = 0;
    while (index < holes->len && g_array_index(holes, struct ggtt_hole, index).start < gma)
        index++;
    struct ggtt_hole hole = {gma, size};
    g_array_insert_val(holes, index, hole);
    struct ggtt_hole *at = &g_array_index(holes, struct ggtt_hole, index);
    if (index + 1 < holes->len && at->start + at->size == at[1].start) {
        at->size += at[1].size;
        g_array_remove_index(holes, index + 1);
        at = &g_array_index(holes, struct ggtt_hole, index);
    }
    if (index && at[-1].start + at[-1].size == at->start) {
        at[-1].size += at->size;
        g_array_remove_index(holes, index);
    }
    g_mutex_unlock(&driver->lock);
}

uint64_t driver_ggtt_available(struct driver *driver, enum ggtt_part part)
{
    uint64_t largest = 0;

    g_mutex_lock(&driver->lock);
    for (guint i = 0; i < driver->holes[part]->len; i++)
        largest = MAX(largest, g_array_index(driver->holes[part], struct ggtt_hole, i).size);
    g_mutex_unlock(&driver->lock);
    return largest;
}

unsigned driver_ggtt_room(struct driver *driver, enum ggtt_part part, uint64_t size)
{
    uint64_t room = 0;

    g_mutex_lock(&driver->lock);
    for (guint i = 0; i < driver->holes[part]->len; i++)
        room += g_array_index(driver->holes[part], struct ggtt_hole, i).size / size;
    g_mutex_unlock(&driver->lock);
    return (unsigned)MIN(room, UINT_MAX);
}

void driver_ggtt_set(struct driver *driver, uint64_t gma, uint64_t pte)
{
    driver->gpu->ops->pte_write(driver->gpu, (uint32_t)(gma / DRIVER_PAGE), pte & PTE_PRESENT ? pte : driver->scratch_pte);
}

void driver_ggtt_flush(struct driver *driver)
{
    gpu_write32(driver->gpu, R_GFX_FLSH_CNTL, 1); /* GFX_FLSH_CNTL_EN (gt/intel_ggtt.c) */
}

bool driver_buffer_init(struct driver *driver, struct gpu_buffer *buffer, uint64_t size, bool bind_ggtt, GError **error)
{
    *buffer = (struct gpu_buffer){.gma = UINT64_MAX};
    size = (size + DRIVER_PAGE - 1) & ~(uint64_t)(DRIVER_PAGE - 1);
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!size || host == MAP_FAILED) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no memory for a buffer of 0x%" PRIx64 " bytes", size);
        return false;
    }
    if (!driver->gpu->ops->dma_map(driver->gpu, host, size, DMA_RW, &buffer->iova, error)) {
        munmap(host, size);
        return false;
    }
    buffer->host = host;
    buffer->size = size;
    if (!bind_ggtt)
        return true;
    uint64_t gma;
    if (!alloc_checked(driver, GGTT_HIGH, size, DRIVER_PAGE, true, &gma, error)) {
        driver_buffer_finish(driver, buffer);
        return false;
    }
    buffer->gma = gma;
    for (uint64_t offset = 0; offset < size; offset += DRIVER_PAGE)
        driver_ggtt_set(driver, gma + offset, (buffer->iova + offset) | PTE_PRESENT | PTE_WRITE);
    driver_ggtt_flush(driver);
    return true;
}

void driver_buffer_finish(struct driver *driver, struct gpu_buffer *buffer)
{
    if (!buffer->host)
        return;
    if (buffer->gma != UINT64_MAX)
        driver_ggtt_free(driver, buffer->gma, buffer->size);
    driver->gpu->ops->dma_unmap(driver->gpu, buffer->iova, buffer->size);
    munmap(buffer->host, buffer->size);
    *buffer = (struct gpu_buffer){.gma = UINT64_MAX};
}
