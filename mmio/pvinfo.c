/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PVINFO: the page in the register space by which a guest's driver knows that it drives a vGPU, learns its part of the global GTT,
 * and tells about its page tables. Called by registers.c. Source: Linux 6.1 i915_pvinfo.h, i915_vgpu.c, gvt/vgpu.c, gvt/handlers.c.
 */
#include "gpu/blocks/regfile.h"
#include "mmio/vgpu_internal.h"

#define VGT_MAGIC UINT64_C(0x4776544776544776) /* "vGTvGTvG" */

enum {
    VERSION_MAJOR = 1,
    VERSION_MINOR = 0,
    CAPS_FULL_PPGTT = 1 << 2,
    CAPS_HWSP_EMULATION = 1 << 3,
    CAPS_HUGE_GTT = 1 << 4,

    G2V_PPGTT_L3_PAGE_TABLE_CREATE = 2,
    G2V_PPGTT_L3_PAGE_TABLE_DESTROY = 3,
    G2V_PPGTT_L4_PAGE_TABLE_CREATE = 4,
    G2V_PPGTT_L4_PAGE_TABLE_DESTROY = 5,
    G2V_EXECLIST_CONTEXT_CREATE = 6,
    G2V_EXECLIST_CONTEXT_DESTROY = 7,
};

void pvinfo_reset(struct vgpu *vgpu)
{
    uint32_t *regs = vgpu->regs;

    for (uint32_t offset = PVINFO_OFFSET; offset < PVINFO_OFFSET + PVINFO_BYTES; offset += 4)
        regfile_set(regs, offset, 0);
    regfile_set(regs, R_PVINFO_MAGIC_LO, (uint32_t)VGT_MAGIC);
    regfile_set(regs, R_PVINFO_MAGIC_HI, (uint32_t)(VGT_MAGIC >> 32));
    regfile_set(regs, R_PVINFO_VERSION, VERSION_MAJOR | VERSION_MINOR << 16);
    regfile_set(regs, R_PVINFO_VGT_ID, vgpu->id);
    regfile_set(regs, R_PVINFO_CAPS, CAPS_FULL_PPGTT | CAPS_HWSP_EMULATION | CAPS_HUGE_GTT);
    regfile_set(regs, R_PVINFO_MAPPABLE_BASE, (uint32_t)vgpu->low_base);
    regfile_set(regs, R_PVINFO_MAPPABLE_SIZE, (uint32_t)vgpu->type->low_gm);
    regfile_set(regs, R_PVINFO_NONMAPPABLE_BASE, (uint32_t)vgpu->high_base);
    regfile_set(regs, R_PVINFO_NONMAPPABLE_SIZE, (uint32_t)vgpu->type->high_gm);
    regfile_set(regs, R_PVINFO_FENCE_NUM, vgpu->type->fences);
    regfile_set(regs, R_PVINFO_CURSOR_X_HOT, UINT32_MAX);
    regfile_set(regs, R_PVINFO_CURSOR_Y_HOT, UINT32_MAX);
}

static void notify(struct vgpu *vgpu, uint32_t what)
{
    uint64_t pdp[4];

    for (unsigned i = 0; i < 4; i++)
        pdp[i] = regfile_get(vgpu->regs, R_PVINFO_PDP_LO + 8 * i) |
                 (uint64_t)regfile_get(vgpu->regs, R_PVINFO_PDP_HI + 8 * i) << 32;
    switch (what) {
    case G2V_PPGTT_L3_PAGE_TABLE_DESTROY:
        ppgtt_forget(vgpu->ppgtt, false, pdp);
        break;
    case G2V_PPGTT_L4_PAGE_TABLE_DESTROY:
        ppgtt_forget(vgpu->ppgtt, true, pdp);
        break;
    /* Page tables are shadowed when they are used first, contexts when they are submitted. Unknown numbers are of later versions. */
    case G2V_PPGTT_L3_PAGE_TABLE_CREATE:
    case G2V_PPGTT_L4_PAGE_TABLE_CREATE:
    case G2V_EXECLIST_CONTEXT_CREATE:
    case G2V_EXECLIST_CONTEXT_DESTROY:
    default:
        break;
    }
}

void pvinfo_write(struct vgpu *vgpu, uint32_t offset, uint32_t value)
{
    const struct reg_desc *desc = reg_find(offset, NULL);

    if (!desc || desc->access == REG_RO)
        return; /* reserved, or the vGPU's to say */
    regfile_set(vgpu->regs, offset, value);
    if (desc->offset == R_PVINFO_G2V_NOTIFY)
        notify(vgpu, value);
    else if (desc->offset == R_PVINFO_RSV5)
        vgpu_fail(vgpu, "the guest's driver says that the resources of %s do not suffice (PVINFO 0x%x = 0x%x)", vgpu->type->name,
                  offset - PVINFO_OFFSET, value);
}
