/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vGPU's register space: 2 MiB of virtual registers with the table's reset values, and the dispatch of each access by the class of its
 * row to the part that gives it behaviour. Also takes BAR0 apart: registers, then nothing, then the global GTT. Called by vgpu.c.
 */
#include "gpu/blocks/regfile.h"
#include "gpu/blocks/traps.h"
#include "mmio/vgpu_internal.h"

#include <string.h>

enum { GT_REGISTERS_END = 0x40000 }; /* the display begins here; a graphics reset leaves it alone */

static void set_reset_value(struct vgpu *vgpu, const struct reg_desc *row)
{
    for (unsigned i = 0; i < row->count; i++) {
        regfile_set(vgpu->regs, row->offset + i * row->stride, row->reset);
        if ((row->flags & REG_PER_VGPU) && vgpu->client)
            sched_client_set_register(vgpu->client, row->offset + i * row->stride, row->reset);
    }
}

void registers_reset(struct vgpu *vgpu)
{
    unsigned rows;
    const struct reg_desc *table = reg_table(&rows);

    for (uint32_t offset = 0; offset < MMIO_SIZE; offset += 4)
        if (regfile_get(vgpu->regs, offset))
            regfile_set(vgpu->regs, offset, 0);
    for (unsigned i = 0; i < rows; i++)
        set_reset_value(vgpu, &table[i]);
    irq_tree_reset(&vgpu->irq);
    uncore_reset(&vgpu->uncore);
    if (vgpu->display)
        display_reset(vgpu->display, trace_now_ns());
    pvinfo_reset(vgpu);
}

void registers_reset_engines(struct vgpu *vgpu, unsigned engines, bool full)
{
    unsigned rows;
    const struct reg_desc *table = reg_table(&rows);

    for (unsigned i = 0; i < rows; i++) {
        const struct reg_desc *row = &table[i];
        if (row->cls == REG_ENGINE ? row->engine < ENGINE_COUNT && (engines >> row->engine & 1)
                                   : full && row->offset < GT_REGISTERS_END && (row->cls == REG_PLAIN || row->cls == REG_GTT))
            set_reset_value(vgpu, row);
    }
}

static void gtt_register_write(struct vgpu *vgpu, const struct reg_desc *desc, unsigned index, uint32_t offset, uint32_t value)
{
    if (desc->offset == R_FENCE_REG || desc->offset == R_FENCE_REG_HI) {
        /* Only the aperture looks at fences, and it is emulated: they take no physical ones. */
        if (index < vgpu->type->fences)
            regfile_set(vgpu->regs, offset, value);
        aperture_direct_fences(vgpu);
        return;
    }
    switch (desc->offset) {
    case R_GFX_FLSH_CNTL:
        ggtt_flush(vgpu);
        return; /* reads 0: done */
    case R_GEN8_RTCR:
    case R_GEN8_M1TCR:
    case R_GEN8_M2TCR:
    case R_GEN8_BTCR:
    case R_GEN8_VTCR:
    case R_GEN8_GTCR:
        for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
            if (engine_tlb_register(engine) == desc->offset && (value & 1))
                engines_invalidate_tlb(vgpu, engine);
        value &= ~1u; /* reads 0: done */
        break;
    }
    regfile_write(vgpu->regs, desc, offset, value);
}

static void unknown(struct vgpu *vgpu, uint32_t offset, uint32_t value)
{
    trace_emit(vgpu->trace, TRACE_UNKNOWN_REGISTER, vgpu->id, TRACE_NO_ENGINE, offset, value);
}

uint32_t registers_read(struct vgpu *vgpu, uint32_t offset)
{
    unsigned index;
    const struct reg_desc *desc = reg_find(offset, &index);
    uint32_t value;

    if (vgpu_has_failed(vgpu))
        return regfile_get(vgpu->regs, offset);
    if (!desc) {
        value = regfile_get(vgpu->regs, offset);
        if (offset - PVINFO_OFFSET >= PVINFO_BYTES)
            unknown(vgpu, offset, value);
        return value;
    }
    switch ((enum reg_class)desc->cls) {
    case REG_ENGINE:
        return virtual_engine_register_read(vgpu, desc, index, offset);
    case REG_IRQ:
        display_interrupt_read(vgpu->display, offset, trace_now_ns());
        return irq_tree_read(&vgpu->irq, offset, &value) ? value : regfile_read(vgpu->regs, desc, offset);
    case REG_UNCORE:
        return uncore_read(&vgpu->uncore, offset);
    case REG_DISPLAY:
    case REG_GMBUS:
    case REG_AUX:
        return display_mmio_read(vgpu->display, offset, trace_now_ns());
    case REG_PLAIN:
    case REG_GTT:
    case REG_PVINFO:
    case REG_CLASS_COUNT:
        break;
    }
    return regfile_read(vgpu->regs, desc, offset);
}

void registers_write(struct vgpu *vgpu, uint32_t offset, uint32_t value)
{
    unsigned index;
    const struct reg_desc *desc = reg_find(offset, &index);

    if (vgpu_has_failed(vgpu))
        return;
    if (offset - PVINFO_OFFSET < PVINFO_BYTES) {
        pvinfo_write(vgpu, offset, value);
        return;
    }
    if (!desc) {
        unknown(vgpu, offset, value);
        regfile_set(vgpu->regs, offset, value);
        return;
    }
    switch ((enum reg_class)desc->cls) {
    case REG_ENGINE:
        virtual_engine_register_write(vgpu, desc, index, offset, value);
        break;
    case REG_IRQ:
        if (!irq_tree_write(&vgpu->irq, offset, value))
            regfile_write(vgpu->regs, desc, offset, value);
        display_interrupt_written(vgpu->display, offset, trace_now_ns());
        break;
    case REG_UNCORE: {
        uint32_t gdrst = uncore_write(&vgpu->uncore, offset, value);
        if (gdrst)
            reset_graphics(vgpu, gdrst);
        break;
    }
    case REG_DISPLAY:
    case REG_GMBUS:
    case REG_AUX:
        display_mmio_write(vgpu->display, offset, value, trace_now_ns());
        break;
    case REG_GTT:
        gtt_register_write(vgpu, desc, index, offset, value);
        break;
    case REG_PLAIN:
    case REG_PVINFO:
    case REG_CLASS_COUNT:
        regfile_write(vgpu->regs, desc, offset, value);
        break;
    }
    if ((desc->flags & REG_PER_VGPU) && desc->access == REG_RW)
        sched_client_set_register(vgpu->client, offset, regfile_get(vgpu->regs, offset));
}

void bar0_read(struct vgpu *vgpu, uint64_t offset, void *data, size_t len)
{
    uint8_t *out = data;
    uint64_t start = offset;
    size_t total = len;

    while (len > 0) {
        size_t now = len;
        if (offset >= GTT_OFFSET) {
            ggtt_table_read(vgpu, offset - GTT_OFFSET, out, now);
        } else if (offset >= MMIO_SIZE) {
            now = MIN(len, GTT_OFFSET - offset);
            memset(out, 0, now);
        } else {
            size_t at = offset % 4;
            uint32_t value = registers_read(vgpu, (uint32_t)(offset - at));
            now = MIN(len, 4 - at);
            memcpy(out, (const uint8_t *)&value + at, now);
        }
        offset += now;
        out += now;
        len -= now;
    }
    trap_bar0(vgpu->trace, vgpu->id, TRAP_READ, start, data, total);
}

/* What the other bytes of a register are, for a write of some of its bytes: what changes nothing. */
static uint32_t unwritten_bytes(const struct vgpu *vgpu, uint32_t offset)
{
    const struct reg_desc *desc = reg_find(offset, NULL);

    if (desc && (desc->access == REG_W1C || (desc->flags & REG_MASKED)))
        return 0;
    return regfile_get(vgpu->regs, offset);
}

void bar0_write(struct vgpu *vgpu, uint64_t offset, const void *data, size_t len)
{
    const uint8_t *in = data;

    trap_bar0(vgpu->trace, vgpu->id, TRAP_WRITE, offset, data, len);
    while (len > 0) {
        size_t now = len;
        if (offset >= GTT_OFFSET) {
            if (!vgpu_has_failed(vgpu))
                ggtt_table_write(vgpu, offset - GTT_OFFSET, in, now);
        } else if (offset >= MMIO_SIZE) {
            now = MIN(len, GTT_OFFSET - offset);
        } else {
            size_t at = offset % 4;
            now = MIN(len, 4 - at);
            uint32_t value = now < 4 ? unwritten_bytes(vgpu, (uint32_t)(offset - at)) : 0;
            memcpy((uint8_t *)&value + at, in, now);
            registers_write(vgpu, (uint32_t)(offset - at), value);
        }
        offset += now;
        in += now;
        len -= now;
    }
}
