/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the interrupt tree to the outside: MSI, INTx, or the gpu face's callback. Called after every change of the blocks. */
#include "gpu/blocks/display.h"
#include "gpu/blocks/irq_tree.h"
#include "gpu/model/model_internal.h"

enum intx_state {
    INTX_BUSY = 1 << 0,  /* a thread is telling the host */
    INTX_DIRTY = 1 << 1, /* ... and has to look again */
};

static void send_message(struct model *model)
{
    struct pci_host *host = model->pci.host;
    uint64_t addr;
    uint32_t data;
    bool enabled;

    if (host == &model->gpu_host) {
        trace_emit(model->trace, TRACE_MODEL_IRQ, model->vgpu, TRACE_NO_ENGINE, 0, 0);
        g_mutex_lock(&model->irq_lock);
        if (model->irq_fn)
            model->irq_fn(model->irq_opaque);
        g_mutex_unlock(&model->irq_lock);
        return;
    }
    g_mutex_lock(&model->config_lock);
    enabled = pci_config_msi(&model->pci.config, &addr, &data);
    g_mutex_unlock(&model->config_lock);
    if (!enabled || !host->msi)
        return;
    trace_emit(model->trace, TRACE_MODEL_IRQ, model->vgpu, TRACE_NO_ENGINE, data, 0);
    host->msi(host, addr, data);
}

static bool line_is_up(struct model *model)
{
    bool up;

    g_mutex_lock(&model->lock);
    up = irq_tree_line(model->irq);
    g_mutex_unlock(&model->lock);
    return up;
}

static bool intx_level(struct model *model)
{
    bool up = line_is_up(model);
    uint64_t addr;
    uint32_t data;

    g_mutex_lock(&model->config_lock);
    up = up && !pci_config_msi(&model->pci.config, &addr, &data) &&
         !(pci_config_get(&model->pci.config, PCI_REG_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
    g_mutex_unlock(&model->config_lock);
    return up;
}

/* One thread at a time tells the host, without a lock; others leave word that it has to look again. */
void model_update_intx(struct model *model)
{
    struct pci_host *host = model->pci.host;
    unsigned state;

    if (host == &model->gpu_host || !host->intx)
        return;
    if (__atomic_fetch_or(&model->intx_state, INTX_BUSY | INTX_DIRTY, __ATOMIC_ACQ_REL) & INTX_BUSY)
        return;
    do {
        __atomic_fetch_and(&model->intx_state, ~(unsigned)INTX_DIRTY, __ATOMIC_ACQ_REL);
        bool level = intx_level(model);
        if (level != __atomic_load_n(&model->intx_level, __ATOMIC_RELAXED)) {
            __atomic_store_n(&model->intx_level, level, __ATOMIC_RELAXED);
            host->intx(host, level);
        }
        state = INTX_BUSY;
    } while (!__atomic_compare_exchange_n(&model->intx_state, &state, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

void model_resend_message(struct model *model)
{
    if (line_is_up(model))
        send_message(model);
}

void model_unlock(struct model *model)
{
    bool message = irq_tree_take_message(model->irq), line = irq_tree_line(model->irq);

    if (display_next_event_ns(model->display) < model->display_deadline_ns)
        g_cond_signal(&model->display_wake);
    g_mutex_unlock(&model->lock);
    if (message)
        send_message(model);
    if (__atomic_load_n(&model->intx_armed, __ATOMIC_RELAXED) && line != __atomic_load_n(&model->intx_level, __ATOMIC_RELAXED))
        model_update_intx(model);
}

void model_engine_irq(struct model *model, unsigned engine, uint32_t sources)
{
    uint32_t imr = model_reg(model, engine_mmio_base(engine) + RING_IMR);

    if (!irq_tree_engine_open(engine, sources, imr))
        return;
    model_lock(model);
    irq_tree_engine_set(model->irq, engine, sources, imr);
    model_unlock(model);
}
