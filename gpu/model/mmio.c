/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register accesses of the model: the register table says which block an offset belongs to. Called for the CPU (pci.c, gpu_face.c) and
 * for commands that name registers (cs*.c).
 */
#include "gpu/blocks/display.h"
#include "gpu/blocks/irq_tree.h"
#include "gpu/blocks/regfile.h"
#include "gpu/blocks/uncore.h"
#include "gpu/model/model_internal.h"

static uint32_t plain_read(struct model *model, const struct reg_desc *desc, uint32_t offset)
{
    return regfile_read(model->regs, desc, offset);
}

uint32_t model_mmio_read(struct model *model, uint32_t offset)
{
    const struct reg_desc *desc = reg_find(offset, NULL);
    uint32_t value;

    if (!desc) {
        trace_emit(model->trace, TRACE_UNKNOWN_REGISTER, model->vgpu, TRACE_NO_ENGINE, offset, model_reg(model, offset));
        return model_reg(model, offset);
    }
    switch (desc->cls) {
    case REG_ENGINE:
        if (desc->engine >= ENGINE_COUNT)
            return plain_read(model, desc, offset);
        return engine_mmio_read(model->engines[desc->engine], offset - engine_mmio_base(desc->engine));
    case REG_IRQ:
        model_lock(model);
        display_interrupt_read(model->display, offset, trace_now_ns());
        if (!irq_tree_read(model->irq, offset, &value))
            value = plain_read(model, desc, offset);
        model_unlock(model);
        return value;
    case REG_UNCORE:
        g_mutex_lock(&model->lock);
        value = uncore_read(model->uncore, offset);
        g_mutex_unlock(&model->lock);
        return value;
    case REG_DISPLAY:
    case REG_GMBUS:
    case REG_AUX:
        model_lock(model);
        value = display_mmio_read(model->display, offset, trace_now_ns());
        model_unlock(model);
        return value;
    case REG_PVINFO: /* not on a physical function */
        return 0;
    default:
        return plain_read(model, desc, offset);
    }
}

/* TLB invalidation is done when the bit reads 0 again (i915 mmio_invalidate_full). */
static void invalidate_tlb(struct model *model, uint32_t offset, uint32_t value)
{
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
        if (engine_tlb_register(engine) == offset && (value & 1))
            engine_invalidate_tlb(model->engines[engine]);
}

static void write_gtt(struct model *model, const struct reg_desc *desc, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case R_GEN8_RTCR:
    case R_GEN8_M1TCR:
    case R_GEN8_M2TCR:
    case R_GEN8_BTCR:
    case R_GEN8_VTCR:
    case R_GEN8_GTCR:
        invalidate_tlb(model, offset, value);
        model_reg_set(model, offset, value & ~1u);
        return;
    case R_GFX_FLSH_CNTL:
        model_reg_set(model, offset, value);
        __atomic_add_fetch(&model->ggtt_flushes, 1, __ATOMIC_RELEASE);
        return;
    default:
        regfile_write(model->regs, desc, offset, value);
        return;
    }
}

/* Returns the GDRST bits of a graphics reset that the caller has to do. */
static uint32_t write_register(struct model *model, uint32_t offset, uint32_t value)
{
    const struct reg_desc *desc = reg_find(offset, NULL);
    uint32_t gdrst;

    if (!desc) {
        trace_emit(model->trace, TRACE_UNKNOWN_REGISTER, model->vgpu, TRACE_NO_ENGINE, offset, value);
        model_reg_set(model, offset, value);
        return 0;
    }
    switch (desc->cls) {
    case REG_ENGINE:
        if (desc->engine < ENGINE_COUNT)
            engine_mmio_write(model->engines[desc->engine], offset - engine_mmio_base(desc->engine), value);
        else
            regfile_write(model->regs, desc, offset, value);
        return 0;
    case REG_IRQ:
        model_lock(model);
        if (!irq_tree_write(model->irq, offset, value))
            regfile_write(model->regs, desc, offset, value);
        display_interrupt_written(model->display, offset, trace_now_ns());
        model_unlock(model);
        return 0;
    case REG_UNCORE:
        g_mutex_lock(&model->lock);
        gdrst = uncore_write(model->uncore, offset, value);
        g_mutex_unlock(&model->lock);
        return gdrst;
    case REG_DISPLAY:
    case REG_GMBUS:
    case REG_AUX:
        model_lock(model);
        display_mmio_write(model->display, offset, value, trace_now_ns());
        model_unlock(model);
        return 0;
    case REG_GTT:
        write_gtt(model, desc, offset, value);
        return 0;
    case REG_PVINFO:
        return 0;
    default:
        regfile_write(model->regs, desc, offset, value);
        return 0;
    }
}

void model_mmio_write(struct model *model, uint32_t offset, uint32_t value)
{
    uint32_t gdrst = write_register(model, offset, value);

    if (gdrst)
        model_graphics_reset(model, gdrst);
}

void model_mmio_command_write(struct model *model, uint32_t offset, uint32_t value)
{
    if (__atomic_load_n(&model->stopping, __ATOMIC_RELAXED))
        return;
    if (offset == R_GEN6_GDRST)
        trace_emit(model->trace, TRACE_MODEL_ERROR, model->vgpu, TRACE_NO_ENGINE, offset, value);
    else
        write_register(model, offset, value);
}
