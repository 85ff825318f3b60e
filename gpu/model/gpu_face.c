/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model as the physical GPU below the driver (gpu.h): registers and GTT entries directly, host memory through a DMA view
 * of its own with an allocator of bus addresses, interrupts by a callback. Called by gpu/driver.
 */
#include <gio/gio.h>

#include "gpu/model/model_internal.h"

#define PAGE_SIZE UINT64_C(0x1000)
#define HUGE_SIZE UINT64_C(0x200000)
#define IOVA_FIRST HUGE_SIZE               /* 0 is never a bus address */
#define IOVA_END (UINT64_C(1) << 39)       /* what page table entries can hold */

struct iova_range {
    uint64_t start, end; /* end is exclusive */
};

static struct model *from_gpu(struct gpu *gpu)
{
    return (struct model *)((char *)gpu - offsetof(struct model, gpu));
}

static uint32_t face_read32(struct gpu *gpu, uint32_t offset)
{
    return offset < MMIO_SIZE && offset % 4 == 0 ? model_mmio_read(from_gpu(gpu), offset) : 0xffffffff;
}

static void face_write32(struct gpu *gpu, uint32_t offset, uint32_t value)
{
    if (offset < MMIO_SIZE && offset % 4 == 0)
        model_mmio_write(from_gpu(gpu), offset, value);
}

static uint64_t face_pte_read(struct gpu *gpu, uint32_t index)
{
    return index < GGTT_ENTRIES ? __atomic_load_n(&from_gpu(gpu)->ggtt[index], __ATOMIC_RELAXED) : 0;
}

static void face_pte_write(struct gpu *gpu, uint32_t index, uint64_t pte)
{
    if (index < GGTT_ENTRIES)
        __atomic_store_n(&from_gpu(gpu)->ggtt[index], pte, __ATOMIC_RELAXED);
}

/* The first address from low on that has the wanted offset in its 2 MiB (or page). */
static uint64_t align_to(uint64_t low, uint64_t align, uint64_t offset)
{
    uint64_t at = (low & ~(align - 1)) + offset;

    return at < low ? at + align : at;
}

/* Finds a free range in [low, high); *slot is where it goes in the sorted array. */
static bool find_iova(const GArray *ranges, uint64_t low, uint64_t high, uint64_t size, uint64_t align, uint64_t offset,
                      uint64_t *iova, unsigned *slot)
{
    uint64_t at = align_to(low, align, offset);

    for (unsigned i = 0; i <= ranges->len; i++) {
        const struct iova_range *next = i < ranges->len ? &g_array_index(ranges, struct iova_range, i) : NULL;
        if (next && next->end <= at)
            continue;
        if (at >= high || size > high - at)
            return false;
        if (!next || at + size <= next->start) {
            *iova = at;
            *slot = i;
            return true;
        }
        at = align_to(next->end, align, offset);
    }
    return false;
}

/* Addresses are used up before they are used again, so that a stale translation hits nothing rather than another buffer. */
static bool alloc_iova(struct model *model, uint64_t size, uint64_t align, uint64_t offset, uint64_t *iova)
{
    struct iova_range range;
    unsigned slot;
    bool found;

    g_mutex_lock(&model->iova_lock);
    found = find_iova(model->iovas, model->iova_next, IOVA_END, size, align, offset, iova, &slot) ||
            find_iova(model->iovas, IOVA_FIRST, IOVA_END, size, align, offset, iova, &slot);
    if (found) {
        range = (struct iova_range){*iova, *iova + size};
        g_array_insert_val(model->iovas, slot, range);
        model->iova_next = range.end;
    }
    g_mutex_unlock(&model->iova_lock);
    return found;
}

static bool free_iova(struct model *model, uint64_t iova, uint64_t size)
{
    bool found = false;

    g_mutex_lock(&model->iova_lock);
    for (unsigned i = 0; i < model->iovas->len && !found; i++) {
        const struct iova_range *range = &g_array_index(model->iovas, struct iova_range, i);
        if (range->start == iova && range->end == iova + size) {
            g_array_remove_index(model->iovas, i);
            found = true;
        }
    }
    g_mutex_unlock(&model->iova_lock);
    return found;
}

static bool face_dma_map(struct gpu *gpu, void *host, uint64_t size, unsigned prot, uint64_t *iova, GError **error)
{
    struct model *model = from_gpu(gpu);
    uint64_t align = size >= HUGE_SIZE ? HUGE_SIZE : PAGE_SIZE;

    if (size == 0 || size % PAGE_SIZE) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "model: cannot map 0x%" PRIx64 " bytes: not whole pages", size);
        return false;
    }
    /* Large memory keeps its place inside of 2 MiB, so that its aligned parts can be huge pages. */
    if (!alloc_iova(model, size, align, (uintptr_t)host & (align - 1) & ~(PAGE_SIZE - 1), iova)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "model: no 0x%" PRIx64 " bytes of bus addresses left", size);
        return false;
    }
    if (!dma_space_map(model->dma, *iova, size, host, prot, error)) {
        free_iova(model, *iova, size);
        return false;
    }
    return true;
}

static void face_dma_unmap(struct gpu *gpu, uint64_t iova, uint64_t size)
{
    struct model *model = from_gpu(gpu);
    g_autoptr(GError) error = NULL;

    if (!dma_space_unmap(model->dma, iova, size, &error))
        g_warning("model: %s", error->message);
    else
        free_iova(model, iova, size);
}

static void face_set_irq(struct gpu *gpu, void (*fn)(void *opaque), void *opaque)
{
    struct model *model = from_gpu(gpu);

    g_mutex_lock(&model->irq_lock);
    model->irq_fn = fn;
    model->irq_opaque = opaque;
    g_mutex_unlock(&model->irq_lock);
}

static bool face_reset(struct gpu *gpu, GError **error)
{
    model_reset(from_gpu(gpu));
    return true;
}

static void face_destroy(struct gpu *gpu)
{
    model_destroy(from_gpu(gpu));
}

static const struct gpu_ops gpu_ops = {
    .read32 = face_read32,
    .write32 = face_write32,
    .pte_read = face_pte_read,
    .pte_write = face_pte_write,
    .dma_map = face_dma_map,
    .dma_unmap = face_dma_unmap,
    .set_irq = face_set_irq,
    .reset = face_reset,
    .destroy = face_destroy,
};

void model_gpu_face_init(struct model *model)
{
    g_mutex_init(&model->irq_lock);
    g_mutex_init(&model->iova_lock);
    model->iovas = g_array_new(FALSE, FALSE, sizeof(struct iova_range));
    model->iova_next = IOVA_FIRST;
    model->dma = dma_space_create("gen9-model");
    /* Until a machine attaches the PCI face, the model's host is the gpu face. */
    model->gpu_host = (struct pci_host){.dma = model->dma};
    model->pci.host = &model->gpu_host;
    model->gpu.ops = &gpu_ops;
    model->gpu.info = (struct gpu_info){
        .vendor = 0x8086,
        .device = 0x1912,
        .revision = 6,
        .name = "Skylake GT2 model",
        .aperture_size = model->aperture_size,
        .ggtt_size = (uint64_t)GGTT_ENTRIES * PAGE_SIZE,
        .fences = 32,
    };
}

void model_gpu_face_finish(struct model *model)
{
    g_array_unref(model->iovas);
    g_mutex_clear(&model->iova_lock);
    g_mutex_clear(&model->irq_lock);
    dma_space_unref(model->dma);
}
