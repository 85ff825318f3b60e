/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the scheduler sees of a guest while it prepares that guest's workloads (guest_ops). Runs under the vGPU's lock, on the thread that
 * submits; only notify() comes from the scheduler's thread.
 */
#include "gpu/blocks/regfile.h"
#include "mmio/vgpu_internal.h"

#include <string.h>

enum { MAX_FLIPS = 64 }; /* of one workload; a screen shows at most one for each vblank anyway */

static bool view_read(void *guest, uint64_t gma, void *buf, size_t len)
{
    return ggtt_read(guest, gma, buf, len);
}

static bool view_write(void *guest, uint64_t gma, const void *buf, size_t len)
{
    return ggtt_write(guest, gma, buf, len);
}

static bool view_owned(void *guest, uint64_t gma, uint64_t len)
{
    return ggtt_owned(guest, gma, len);
}

static bool view_register_write(void *guest, unsigned engine, uint32_t offset, uint32_t *value)
{
    struct vgpu *vgpu = guest;
    const struct reg_desc *desc = reg_find(offset, NULL);

    if (offset >= MMIO_SIZE || offset % 4)
        return false;
    if (!desc) {
        regfile_set(vgpu->regs, offset, *value);
        return true;
    }
    switch ((enum reg_class)desc->cls) {
    case REG_PLAIN:
        regfile_write(vgpu->regs, desc, offset, *value);
        break;
    case REG_ENGINE:
        /* Not those that make the engine act: they have an effect from the CPU only. */
        if (desc->engine < ENGINE_COUNT) {
            uint32_t relative = desc->offset - engine_mmio_base(desc->engine);
            if (relative == RING_ELSP || relative == RING_RESET_CTL || relative == RING_CONTEXT_STATUS_PTR)
                return false;
        }
        regfile_write(vgpu->regs, desc, offset, *value);
        break;
    case REG_GTT: /* fences and TLB control: the scheduler invalidates by itself */
    case REG_IRQ:
    case REG_UNCORE:
    case REG_DISPLAY:
    case REG_GMBUS:
    case REG_AUX:
    case REG_PVINFO:
    case REG_CLASS_COUNT:
        return false;
    }
    return true;
}

static bool view_register_read(void *guest, unsigned engine, uint32_t offset, uint32_t *value)
{
    struct vgpu *vgpu = guest;

    if (offset >= MMIO_SIZE || offset % 4)
        return false;
    /* Interrupt state is kept in the tree; everything else has its value in the register file. Reads have no effects here. */
    if (!irq_tree_read(&vgpu->irq, offset, value))
        *value = regfile_read(vgpu->regs, reg_find(offset, NULL), offset);
    return true;
}

static void view_display_flip(void *guest, const uint32_t *dwords, unsigned count)
{
    struct vgpu *vgpu = guest;
    struct flip flip = {0};

    if (!vgpu->flips || vgpu->flips->len >= MAX_FLIPS || count < 3)
        return;
    memcpy(flip.dwords, dwords, MIN(count, (unsigned)G_N_ELEMENTS(flip.dwords)) * 4);
    g_array_append_val(vgpu->flips, flip);
}

static uint64_t view_status_page(void *guest, unsigned engine)
{
    struct vgpu *vgpu = guest;

    return regfile_get(vgpu->regs, engine_mmio_base(engine) + RING_HWS_PGA) & ~UINT32_C(0xfff);
}

static void view_submits(void *guest, bool batch, uint64_t gma, const uint32_t *dwords, size_t count)
{
    record_add(guest, batch, gma, dwords, count);
}

static void view_notify(void *guest)
{
    vgpu_wake(guest);
}

const struct guest_ops guest_view_ops = {
    .ggtt_read = view_read,
    .ggtt_write = view_write,
    .ggtt_owned = view_owned,
    .register_write = view_register_write,
    .register_read = view_register_read,
    .display_flip = view_display_flip,
    .status_page = view_status_page,
    .submits = view_submits,
    .notify = view_notify,
};
