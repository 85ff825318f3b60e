/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual global GTT. The guest's entries hold guest addresses and are kept as written; the physical entry at the same index
 * holds where the GPU finds that page. Addresses are the same for guest and host (ballooning), so that only the range is checked:
 * entries outside of the partition read 0 and ignore writes. Called for BAR0 from 8 MiB on, and by whoever reads guest memory
 * through global graphics addresses. Sources: Linux 6.1 gvt/gtt.c, gt/intel_ggtt.c (gen8_ggtt_insert_entries).
 */
#include "mmio/vgpu_internal.h"

#include <string.h>
#include <sys/mman.h>

enum { PAGE_SHIFT = 12, PAGE = 1 << PAGE_SHIFT };

void ggtt_init(struct vgpu *vgpu)
{
    /* Pages that are never written cost nothing. */
    vgpu->ggtt = mmap(NULL, GTT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (vgpu->ggtt == MAP_FAILED)
        g_error("cannot reserve %d bytes of address space", GTT_BYTES);
}

void ggtt_finish(struct vgpu *vgpu)
{
    if (!vgpu->ggtt)
        return;
    if (vgpu->low_allocated && vgpu->high_allocated) {
        ggtt_reset(vgpu);
        ggtt_flush(vgpu);
    }
    munmap(vgpu->ggtt, GTT_BYTES);
    vgpu->ggtt = NULL;
}

bool ggtt_owned(const struct vgpu *vgpu, uint64_t gma, uint64_t len)
{
    const struct vgpu_type *type = vgpu->type;

    return (gma >= vgpu->low_base && gma - vgpu->low_base <= type->low_gm && len <= type->low_gm - (gma - vgpu->low_base)) ||
           (gma >= vgpu->high_base && gma - vgpu->high_base <= type->high_gm && len <= type->high_gm - (gma - vgpu->high_base));
}

/* Points the physical entry to where the guest's entry leads. */
static void refresh(struct vgpu *vgpu, uint64_t index)
{
    uint64_t entry = vgpu->ggtt[index], physical = 0;
    struct guest_region region;

    /* Rights and caching of global entries are not the guest's: Gen9 has neither a write bit nor PAT bits there. */
    if ((entry & PTE_PRESENT) && guest_memory_find(vgpu, entry & PTE_ADDRESS, &region))
        physical = (region.iova + ((entry & PTE_ADDRESS) - region.gpa)) | PTE_PRESENT | PTE_WRITE;
    driver_ggtt_set(vgpu->driver, index << PAGE_SHIFT, physical);
    vgpu->ggtt_dirty = true;
    aperture_direct_entry(vgpu, index);
}

void ggtt_flush(struct vgpu *vgpu)
{
    if (!vgpu->ggtt_dirty)
        return;
    vgpu->ggtt_dirty = false;
    driver_ggtt_flush(vgpu->driver);
}

/* Calls fn for each present entry of the partition. */
static void each_present(struct vgpu *vgpu, void (*fn)(struct vgpu *vgpu, uint64_t index, const struct guest_region *region),
                         const struct guest_region *region)
{
    const uint64_t ranges[2][2] = {{vgpu->low_base, vgpu->type->low_gm}, {vgpu->high_base, vgpu->type->high_gm}};

    for (unsigned r = 0; r < 2; r++)
        for (uint64_t i = ranges[r][0] >> PAGE_SHIFT; i < (ranges[r][0] + ranges[r][1]) >> PAGE_SHIFT; i++)
            if (vgpu->ggtt[i] & PTE_PRESENT)
                fn(vgpu, i, region);
}

static void clear_one(struct vgpu *vgpu, uint64_t index, const struct guest_region *region)
{
    vgpu->ggtt[index] = 0;
    refresh(vgpu, index);
}

void ggtt_reset(struct vgpu *vgpu)
{
    each_present(vgpu, clear_one, NULL);
    /* Also forgets entries that are not present, and gives the pages back. */
    (void)madvise(vgpu->ggtt, GTT_BYTES, MADV_DONTNEED);
}

static void refresh_if_inside(struct vgpu *vgpu, uint64_t index, const struct guest_region *region)
{
    if ((vgpu->ggtt[index] & PTE_ADDRESS) - region->gpa < region->size)
        refresh(vgpu, index);
}

void ggtt_region_added(struct vgpu *vgpu, const struct guest_region *region)
{
    each_present(vgpu, refresh_if_inside, region);
}

void ggtt_region_removed(struct vgpu *vgpu, const struct guest_region *region)
{
    each_present(vgpu, refresh_if_inside, region);
}

void ggtt_table_read(struct vgpu *vgpu, uint64_t offset, void *data, size_t len)
{
    uint8_t *out = data;

    while (len > 0) {
        uint64_t index = offset / 8;
        size_t at = offset % 8, now = MIN(len, 8 - at);
        uint64_t entry = index < GGTT_ENTRIES ? vgpu->ggtt[index] : 0;
        memcpy(out, (const uint8_t *)&entry + at, now);
        offset += now;
        out += now;
        len -= now;
    }
}

void ggtt_table_write(struct vgpu *vgpu, uint64_t offset, const void *data, size_t len)
{
    const uint8_t *in = data;

    /* A half of an entry takes effect at once, joined with the other half as it is: a wrong page until that is written too, as on hardware. */
    while (len > 0) {
        uint64_t index = offset / 8;
        size_t at = offset % 8, now = MIN(len, 8 - at);
        if (index < GGTT_ENTRIES && ggtt_owned(vgpu, index << PAGE_SHIFT, PAGE)) {
            uint64_t entry = vgpu->ggtt[index];
            memcpy((uint8_t *)&entry + at, in, now);
            if (entry != vgpu->ggtt[index]) {
                bool matters = (entry | vgpu->ggtt[index]) & PTE_PRESENT;
                vgpu->ggtt[index] = entry;
                if (matters)
                    refresh(vgpu, index);
            }
        }
        offset += now;
        in += now;
        len -= now;
    }
}

static bool copy(struct vgpu *vgpu, uint64_t gma, uint8_t *data, size_t len, bool write)
{
    struct dma_space *dma = vgpu->pci.host ? vgpu->pci.host->dma : NULL;

    if (!dma || !ggtt_owned(vgpu, gma, len))
        return false;
    while (len > 0) {
        uint64_t entry = vgpu->ggtt[gma >> PAGE_SHIFT], at = gma % PAGE;
        size_t now = MIN(len, PAGE - at);
        if (!(entry & PTE_PRESENT))
            return false;
        if (write ? !dma_space_write(dma, (entry & PTE_ADDRESS) + at, data, now)
                  : !dma_space_read(dma, (entry & PTE_ADDRESS) + at, data, now))
            return false;
        gma += now;
        data += now;
        len -= now;
    }
    return true;
}

bool ggtt_read(struct vgpu *vgpu, uint64_t gma, void *data, size_t len)
{
    return copy(vgpu, gma, data, len, false);
}

bool ggtt_write(struct vgpu *vgpu, uint64_t gma, const void *data, size_t len)
{
    return copy(vgpu, gma, (uint8_t *)data, len, true);
}
