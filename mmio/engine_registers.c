/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of the virtual engines (class REG_ENGINE). What they say is the virtual engine's state: no guest sees the physical one but for its
 * time stamp, and by what sched_client_engine_view() makes of where the guest's own context is. Called by registers.c and execlist.c. Sources: PRM SKL vol. 2c; Linux 6.1 gt/intel_engine_cs.c (stop and idle checks),
 * gt/intel_reset.c (RESET_CTL), gt/intel_execlists_submission.c.
 */
#include "gpu/blocks/regfile.h"
#include "mmio/vgpu_internal.h"

#include <string.h>

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

void virtual_engine_show_ring(struct vgpu *vgpu, const struct flight *flight)
{
    const uint32_t base = engine_mmio_base(workload_engine(flight->workload));

    regfile_set(vgpu->regs, base + RING_TAIL, flight->ring_tail);
    regfile_set(vgpu->regs, base + RING_START, flight->ring_start);
    regfile_set(vgpu->regs, base + RING_CTL, flight->ring_ctl);
    regfile_set(vgpu->regs, base + RING_CCID, DESC_LRCA(workload_desc(flight->workload)) | DESC_VALID);
}

/* The registers that say where the engine is, and what they say. */
static const struct shown {
    uint16_t low, high; /* offsets from the engine's base; 0: 32 bits only */
    uint16_t field;     /* of struct engine_view */
} shown[] = {
    {RING_HEAD, 0, offsetof(struct engine_view, ring_head)},
    {RING_ACTHD, RING_ACTHD_UDW, offsetof(struct engine_view, active_head)},
    {RING_DMA_FADD, RING_DMA_FADD_UDW, offsetof(struct engine_view, fault_address)},
    {RING_BBADDR, RING_BBADDR_UDW, offsetof(struct engine_view, batch)},
    {RING_SBBADDR, RING_SBBADDR_UDW, offsetof(struct engine_view, second_batch)},
    {RING_BBSTATE, 0, offsetof(struct engine_view, batch_state)},
    {RING_SBBSTATE, 0, offsetof(struct engine_view, second_state)},
    {RING_IPEIR, 0, offsetof(struct engine_view, ipeir)},
    {RING_IPEHR, 0, offsetof(struct engine_view, ipehr)},
    {RING_INSTDONE, 0, offsetof(struct engine_view, instdone)},
    {RING_INSTPS, 0, offsetof(struct engine_view, instps)},
};

static void show(struct vgpu *vgpu, unsigned engine, const struct engine_view *view)
{
    const uint32_t base = engine_mmio_base(engine);

    for (const struct shown *row = shown; row < shown + G_N_ELEMENTS(shown); row++) {
        uint64_t value = 0; /* little endian, as all of this program's hosts */
        memcpy(&value, (const uint8_t *)view + row->field, row->high ? 8 : 4);
        regfile_set(vgpu->regs, base + row->low, (uint32_t)value);
        if (row->high)
            regfile_set(vgpu->regs, base + row->high, (uint32_t)(value >> 32));
    }
}

void virtual_engine_show_end(struct vgpu *vgpu, const struct flight *flight, uint32_t head)
{
    const unsigned engine = workload_engine(flight->workload);
    const struct engine_view view = {
        .ring_head = head,
        .active_head = flight->ring_start + (uint64_t)head,
        .instdone = UINT32_MAX,
        .ipehr = regfile_get(vgpu->regs, engine_mmio_base(engine) + RING_IPEHR),
    };

    show(vgpu, engine, &view);
}

static bool is_shown(uint32_t ring_register)
{
    for (const struct shown *row = shown; row < shown + G_N_ELEMENTS(shown); row++)
        if (row->low == ring_register || (row->high && row->high == ring_register))
            return true;
    return false;
}

/* While the guest's context runs; what stands still was shown when it came to that. */
static void look(struct vgpu *vgpu, struct virtual_engine *engine)
{
    struct engine_view view;

    if (!engine->hung && !g_queue_is_empty(&engine->flights) && sched_client_engine_view(vgpu->client, engine->index, &view))
        show(vgpu, engine->index, &view);
}

static void update_errors(struct vgpu *vgpu, unsigned engine)
{
    const uint32_t base = engine_mmio_base(engine), eir = regfile_get(vgpu->regs, base + RING_EIR);
    const uint32_t new = engine_new_errors(regfile_get(vgpu->regs, base + RING_ESR), regfile_get(vgpu->regs, base + RING_EMR), eir);

    if (!new)
        return;
    regfile_set(vgpu->regs, base + RING_EIR, eir | new);
    interrupts_engine(vgpu, engine, ENGINE_IRQ_ERROR);
}

void virtual_engine_show_hang(struct vgpu *vgpu, unsigned engine, const struct engine_view *view)
{
    const uint32_t base = engine_mmio_base(engine);

    show(vgpu, engine, view);
    regfile_set(vgpu->regs, base + RING_ESR, regfile_get(vgpu->regs, base + RING_ESR) | view->errors);
    update_errors(vgpu, engine);
}

uint32_t virtual_engine_register_read(struct vgpu *vgpu, const struct reg_desc *desc, unsigned index, uint32_t offset)
{
    if (desc->engine >= ENGINE_COUNT)
        return regfile_read(vgpu->regs, desc, offset);
    struct virtual_engine *engine = &vgpu->engines[desc->engine];
    if (is_shown(relative(desc)))
        look(vgpu, engine);
    uint32_t value = regfile_read(vgpu->regs, desc, offset);

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
    case RING_EMR:
        regfile_write(vgpu->regs, desc, offset, value);
        update_errors(vgpu, desc->engine);
        break;
    default:
        regfile_write(vgpu->regs, desc, offset, value);
        break;
    }
}
