/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as the physical GPU sees it: every region of the guest's DMA view is mapped for the GPU, and a table says where.
 * Fed by the DMA view's listener; read by the global GTT and the shadow page tables.
 */
#include "mmio/vgpu_internal.h"

/* Index of the first region that ends above gpa. */
static unsigned first_above(const GArray *regions, uint64_t gpa)
{
    unsigned low = 0, high = regions->len;

    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        const struct guest_region *r = &g_array_index(regions, struct guest_region, mid);
        if (r->gpa + (r->size - 1) < gpa)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool guest_memory_find(struct vgpu *vgpu, uint64_t gpa, struct guest_region *region)
{
    unsigned at = first_above(vgpu->regions, gpa);

    if (at >= vgpu->regions->len || g_array_index(vgpu->regions, struct guest_region, at).gpa > gpa)
        return false;
    *region = g_array_index(vgpu->regions, struct guest_region, at);
    return true;
}

static void mapped(void *opaque, const struct dma_region *dma)
{
    struct vgpu *vgpu = opaque;
    struct guest_region region = {.gpa = dma->addr, .size = dma->size, .writable = dma->prot & DMA_WRITE};
    g_autoptr(GError) error = NULL;

    if (!(dma->prot & DMA_READ))
        return;
    if (!vgpu->gpu->ops->dma_map(vgpu->gpu, dma->host, dma->size, dma->prot, &region.iova, &error)) {
        vgpu_lock(vgpu);
        vgpu_fail(vgpu, "the GPU cannot reach guest memory at 0x%" PRIx64 ": %s", dma->addr, error->message);
        vgpu_unlock(vgpu);
        return;
    }
    vgpu_lock(vgpu);
    g_array_insert_val(vgpu->regions, first_above(vgpu->regions, region.gpa), region);
    ppgtt_memory_mapped(vgpu->ppgtt);
    ggtt_region_added(vgpu, &region);
    vgpu_unlock(vgpu);
}

static void unmapping(void *opaque, const struct dma_region *dma)
{
    struct vgpu *vgpu = opaque;
    struct guest_region region;

    vgpu_lock(vgpu);
    bool known = guest_memory_find(vgpu, dma->addr, &region) && region.gpa == dma->addr;
    if (known) {
        g_array_remove_index(vgpu->regions, first_above(vgpu->regions, dma->addr));
        ppgtt_memory_unmapping(vgpu->ppgtt, region.iova, region.size);
        ggtt_region_removed(vgpu, &region);
        ggtt_flush(vgpu);
    }
    vgpu_unlock(vgpu);
    if (known)
        vgpu->gpu->ops->dma_unmap(vgpu->gpu, region.iova, region.size);
}

void guest_memory_attach(struct vgpu *vgpu, struct dma_space *dma)
{
    const struct dma_listener listener = {.mapped = mapped, .unmapping = unmapping, .opaque = vgpu};

    vgpu->listener = dma_space_listen(dma, &listener);
}

void guest_memory_ignore(struct vgpu *vgpu)
{
    if (vgpu->listener)
        dma_space_unlisten(vgpu->pci.host->dma, vgpu->listener);
    vgpu->listener = 0;
}

void guest_memory_detach(struct vgpu *vgpu)
{
    for (unsigned i = 0; i < vgpu->regions->len; i++) {
        const struct guest_region *region = &g_array_index(vgpu->regions, struct guest_region, i);
        vgpu->gpu->ops->dma_unmap(vgpu->gpu, region->iova, region->size);
    }
    g_array_set_size(vgpu->regions, 0);
}

/* The shadow page tables' view. */

static const void *page_enter(void *opaque, uint64_t gpa)
{
    struct vgpu *vgpu = opaque;
    struct dma_space *dma = vgpu->pci.host ? vgpu->pci.host->dma : NULL;

    if (!dma)
        return NULL;
    dma_space_enter(dma);
    const void *page = dma_space_ptr(dma, gpa, 4096, DMA_READ);
    if (!page)
        dma_space_leave(dma);
    return page;
}

static void page_leave(void *opaque)
{
    dma_space_leave(((struct vgpu *)opaque)->pci.host->dma);
}

static bool translate(void *opaque, uint64_t gpa, uint64_t *iova, uint64_t *span, bool *writable)
{
    struct guest_region region;

    if (!guest_memory_find(opaque, gpa, &region))
        return false;
    *iova = region.iova + (gpa - region.gpa);
    *span = region.size - (gpa - region.gpa);
    *writable = region.writable;
    return true;
}

static bool ips_enabled(void *opaque)
{
    enum { ENABLE_64K_IPS_FIELD = 0xf }; /* gt/intel_gt_regs.h GAMW_ECO_ENABLE_64K_IPS_FIELD */
    const struct vgpu *vgpu = opaque;

    return (vgpu->regs[R_GEN8_GAMW_ECO_DEV_RW_IA / 4] & ENABLE_64K_IPS_FIELD) == ENABLE_64K_IPS_FIELD;
}

static bool memory_alloc(void *opaque, struct gpu_buffer *buffer, uint64_t size, GError **error)
{
    return driver_buffer_init(((struct vgpu *)opaque)->driver, buffer, size, false, error);
}

static void memory_free(void *opaque, struct gpu_buffer *buffer)
{
    driver_buffer_finish(((struct vgpu *)opaque)->driver, buffer);
}

const struct ppgtt_ops guest_memory_ppgtt_ops = {
    .page_enter = page_enter,
    .page_leave = page_leave,
    .translate = translate,
    .ips_enabled = ips_enabled,
    .memory_alloc = memory_alloc,
    .memory_free = memory_free,
};
