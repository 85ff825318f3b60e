/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of an engine, as the CPU and commands read and write them (called by mmio.c and cs_registers.c), and their reset.
 * Values live in the model's register file; those that change while a context runs are written there by the engine's thread or computed
 * when they are read.
 */
#include "gpu/model/engine_internal.h"

unsigned engine_of_offset(uint32_t offset)
{
    for (unsigned id = 0; id < ENGINE_COUNT; id++) {
        uint32_t base = engine_mmio_base(id);
        if (offset >= base && offset < base + 0x800)
            return id;
    }
    return ENGINE_RCS0;
}

/* What a write makes of a register without a behaviour of its own. */
static void plain_write(struct model *model, uint32_t offset, uint32_t value, bool restore)
{
    unsigned index;
    const struct reg_desc *desc = reg_find(offset, &index);
    uint32_t now = model_reg(model, offset);

    if (desc && desc->flags & REG_MASKED) {
        uint32_t mask = value >> 16;
        value = (now & ~mask & 0xffff) | (value & mask);
    } else if (desc && desc->access == REG_W1C) {
        value = now & ~value;
    }
    if (desc && desc->access == REG_RO && !restore)
        return;
    model_reg_set(model, offset, value);
}

static uint32_t csb_read(struct engine *engine, uint32_t offset)
{
    g_mutex_lock(&engine->lock);
    uint32_t value = offset == RING_CONTEXT_STATUS_PTR ? execlist_pointer_read(&engine->list)
                                                       : execlist_buffer_read(&engine->list, (offset - RING_CONTEXT_STATUS_BUF) / 4);
    g_mutex_unlock(&engine->lock);
    return value;
}

static uint64_t status_read(struct engine *engine)
{
    g_mutex_lock(&engine->lock);
    uint64_t status = execlist_status(&engine->list, true);
    g_mutex_unlock(&engine->lock);
    return status;
}

uint32_t engine_mmio_read(struct engine *engine, uint32_t offset)
{
    uint32_t value = model_reg(engine->model, engine->base + offset);

    if (offset >= RING_CONTEXT_STATUS_BUF && offset < RING_CONTEXT_STATUS_BUF + 8 * CSB_ENTRIES)
        return csb_read(engine, offset);
    switch (offset) {
    case RING_ELSP:
        return 0;
    case RING_EXECLIST_STATUS_LO:
        return (uint32_t)status_read(engine);
    case RING_EXECLIST_STATUS_HI:
        return (uint32_t)(status_read(engine) >> 32);
    case RING_CONTEXT_STATUS_PTR:
        return csb_read(engine, offset);
    case RING_MI_MODE:
        return engine_is_idle(engine) ? value | MI_MODE_IDLE : value & ~(uint32_t)MI_MODE_IDLE;
    case RING_RESET_CTL:
        /* A reset ends work in the middle of a command: the engine is ready as soon as it is asked. */
        return value & RESET_CTL_REQUEST ? value | RESET_CTL_READY : value & ~(uint32_t)RESET_CTL_READY;
    case RING_TIMESTAMP:
        return (uint32_t)engine_timestamp();
    case RING_TIMESTAMP_UDW:
        return (uint32_t)(engine_timestamp() >> 32);
    case RING_CTX_TIMESTAMP: {
        uint64_t base = __atomic_load_n(&engine->timestamp_base, __ATOMIC_RELAXED);
        return base ? (uint32_t)(engine_timestamp() - base) : value;
    }
    default:
        return value;
    }
}

/* EIR shows what ESR has and EMR does not mask; a new bit is an interrupt. */
static void update_errors(struct engine *engine)
{
    struct model *model = engine->model;
    uint32_t now = model_reg(model, engine->base + RING_EIR);
    uint32_t new = engine_new_errors(model_reg(model, engine->base + RING_ESR), model_reg(model, engine->base + RING_EMR), now);

    if (new) {
        model_reg_set(model, engine->base + RING_EIR, now | new);
        model_engine_irq(model, engine->id, ENGINE_IRQ_ERROR);
    }
}

void engine_mmio_write(struct engine *engine, uint32_t offset, uint32_t value)
{
    struct model *model = engine->model;

    switch (offset) {
    case RING_ELSP:
        engine_elsp_write(engine, value);
        return;
    case RING_CONTEXT_STATUS_PTR:
        g_mutex_lock(&engine->lock);
        execlist_pointer_write(&engine->list, value);
        g_mutex_unlock(&engine->lock);
        return;
    case RING_TIMESTAMP:
    case RING_TIMESTAMP_UDW:
        return;
    case RING_TAIL:
    case RING_HEAD:
    case RING_START:
    case RING_CTL:
        /* The ring belongs to the running context; software's values matter to the legacy mode alone, which is not modelled. */
        if (engine_is_idle(engine))
            model_reg_set(model, engine->base + offset, value);
        return;
    case RING_MI_MODE:
    case RING_RESET_CTL:
        plain_write(model, engine->base + offset, value, false);
        engine_update_halt(engine);
        return;
    case RING_EMR:
        plain_write(model, engine->base + offset, value, false);
        update_errors(engine);
        return;
    default:
        plain_write(model, engine->base + offset, value, false);
        return;
    }
}

void engine_reg_restore(struct engine *engine, uint32_t offset, uint32_t value)
{
    if (offset == engine->base + RING_TIMESTAMP || offset == engine->base + RING_TIMESTAMP_UDW)
        return;
    plain_write(engine->model, offset, value, true);
    if (offset == engine->base + RING_MI_MODE)
        engine_update_halt(engine);
}

void engine_regs_reset(struct engine *engine)
{
    unsigned rows;
    const struct reg_desc *row = reg_table(&rows);

    for (; rows > 0; rows--, row++) {
        bool own = row->engine == engine->id ||
                   (row->engine == 255 && (row->cls == REG_ENGINE || row->flags & REG_CONTEXT) &&
                    engine_of_offset(row->offset) == engine->id);
        for (unsigned i = 0; own && i < row->count; i++)
            model_reg_set(engine->model, row->offset + i * row->stride, row->reset);
    }
}
