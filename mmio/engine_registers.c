/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of the virtual engines (class REG_ENGINE). What they say is the virtual engine's state: no guest sees the physical one but for its
 * time stamp. Called by registers.c. Sources: PRM SKL vol. 2c; Linux 6.1 gt/intel_engine_cs.c (stop and idle checks),
 * gt/intel_reset.c (RESET_CTL), gt/intel_execlists_submission.c.
 */
#include "gpu/blocks/regfile.h"
#include "mmio/vgpu_internal.h"

enum {
    MI_MODE_STOP_RING = 1 << 8,
    MI_MODE_IDLE = 1 << 9, /* hardware's */
    RESET_CTL_REQUEST = 1 << 0,
    RESET_CTL_READY = 1 << 1, /* hardware's */
};

/* Offset of a row from its engine's base: the RING_ names. */
static uint32_t relative(const struct reg_desc *desc)
{
    return desc->offset - engine_mmio_base(desc->engine);
}

uint32_t virtual_engine_register_read(struct vgpu *vgpu, const struct reg_desc *desc, unsigned index, uint32_t offset)
{
    uint32_t value = regfile_read(vgpu->regs, desc, offset);

    if (desc->engine >= ENGINE_COUNT)
        return value;
    const struct virtual_engine *engine = &vgpu->engines[desc->engine];

    switch (relative(desc)) {
    case RING_EXECLIST_STATUS_LO:
        return (uint32_t)execlist_status(&engine->list, true);
    case RING_EXECLIST_STATUS_HI:
        return (uint32_t)(execlist_status(&engine->list, true) >> 32);
    case RING_CONTEXT_STATUS_BUF:
        return execlist_buffer_read(&engine->list, 2 * index);
    case RING_CONTEXT_STATUS_BUF_ID:
        return execlist_buffer_read(&engine->list, 2 * index + 1);
    case RING_CONTEXT_STATUS_PTR:
        return execlist_pointer_read(&engine->list);
    case RING_TIMESTAMP:
    case RING_TIMESTAMP_UDW:
        return driver_read32(vgpu->driver, offset); /* what the guest's commands store comes from the same counter */
    case RING_MI_MODE:
        return !engine->list.active || (value & MI_MODE_STOP_RING) ? value | MI_MODE_IDLE : value & ~(uint32_t)MI_MODE_IDLE;
    case RING_RESET_CTL:
        return value & RESET_CTL_REQUEST ? value | RESET_CTL_READY : value & ~(uint32_t)RESET_CTL_READY;
    default:
        return value;
    }
}

void virtual_engine_register_write(struct vgpu *vgpu, const struct reg_desc *desc, unsigned index, uint32_t offset, uint32_t value)
{
    if (desc->engine >= ENGINE_COUNT) {
        regfile_write(vgpu->regs, desc, offset, value);
        return;
    }
    switch (relative(desc)) {
    case RING_ELSP:
        virtual_engine_elsp_write(vgpu, desc->engine, value);
        break;
    case RING_CONTEXT_STATUS_PTR:
        execlist_pointer_write(&vgpu->engines[desc->engine].list, value);
        break;
    case RING_TIMESTAMP:
    case RING_TIMESTAMP_UDW:
        break; /* everybody's clock */
    default:
        regfile_write(vgpu->regs, desc, offset, value);
        break;
    }
}
