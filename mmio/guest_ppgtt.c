/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a guest's per-process address space by the guest's own page tables, for reports and recordings: nothing that decides what runs. Called by error_report.c
 * and record.c.
 */
#include "mmio/vgpu_internal.h"

#include <string.h>

/* A piece of guest memory within a page, which may change or go at any time. */
static bool read_guest(struct vgpu *vgpu, uint64_t gpa, void *data, size_t size)
{
    const uint8_t *page = guest_memory_ppgtt_ops.page_enter(vgpu, gpa & ~UINT64_C(0xfff));

    if (!page)
        return false;
    memcpy(data, page + (gpa & 0xfff), size);
    guest_memory_ppgtt_ops.page_leave(vgpu);
    return true;
}

/* Walks the guest's tables, as PRM SKL vol. 5 has them; sizes of pages as in ppgtt.c. */
static bool translate(struct vgpu *vgpu, const struct flight *flight, uint64_t address, uint64_t *gpa)
{
    unsigned level = flight->four_level ? 4 : 2;
    uint64_t table = flight->four_level ? flight->pdp[0] : flight->pdp[address >> 30 & 3], entry = 0;
    bool ips = false;

    for (; level > 0; level--) {
        unsigned index = (unsigned)(address >> (12 + 9 * (level - 1))) & 511;
        if (level == 1 && ips)
            index &= ~15u; /* one entry in 16 counts */
        if (!read_guest(vgpu, (table & PTE_ADDRESS) + 8 * index, &entry, sizeof(entry)) || !(entry & PTE_PRESENT))
            return false;
        if (level == 2 && entry & PDE_PAGE_2M) {
            *gpa = (entry & PTE_2M_ADDRESS) | (address & 0x1fffff);
            return true;
        }
        if (level == 1)
            break;
        ips = level == 2 && entry & PDE_IPS_64K && guest_memory_ppgtt_ops.ips_enabled(vgpu);
        table = entry;
    }
    *gpa = ips ? (entry & PTE_64K_ADDRESS) | (address & 0xffff) : (entry & PTE_ADDRESS) | (address & 0xfff);
    return true;
}

bool guest_ppgtt_read(struct vgpu *vgpu, const struct flight *flight, uint64_t address, void *data, size_t size)
{
    uint8_t *to = data;
    uint64_t gpa;

    while (size) {
        size_t piece = MIN(size, 4096 - (size_t)(address & 4095));
        if (!translate(vgpu, flight, address, &gpa) || !read_guest(vgpu, gpa, to, piece))
            return false;
        to += piece;
        address += piece;
        size -= piece;
    }
    return true;
}
