/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completes what the scheduler has captured of a hang by the batch that was executed: it lies in the guest's per-process address space, behind page tables that only
 * the vGPU can read. Called by execlist.c when the workload comes back, before the guest can know.
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

static bool read_ppgtt(struct vgpu *vgpu, const struct flight *flight, uint64_t address, uint32_t *dword)
{
    uint64_t gpa;

    return translate(vgpu, flight, address, &gpa) && read_guest(vgpu, gpa, dword, sizeof(*dword));
}

void error_report(struct vgpu *vgpu, const struct flight *flight)
{
    struct error_state *state = workload_error_state(flight->workload);
    unsigned wanted, count = 0;
    uint64_t gma;
    bool ppgtt;

    if (!state || !vgpu->hung)
        return;
    if (error_state_wants_batch(state, &gma, &wanted, &ppgtt) && ppgtt) {
        g_autofree uint32_t *dwords = g_new(uint32_t, wanted);
        while (count < wanted && read_ppgtt(vgpu, flight, gma + UINT64_C(4) * count, &dwords[count]))
            count++;
        error_memory_set(&state->batch, gma, dwords, count);
    }
    g_free(state->guest);
    state->guest = g_strdup(vgpu->name);
    vgpu->hung(vgpu->opaque, state);
}
