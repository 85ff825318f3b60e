/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual interrupts: engine events into the interrupt tree, and what comes out of it to the guest by MSI or INTx. Nothing is sent
 * while a lock is held. Called by vgpu_unlock() and by the execlists.
 */
#include "gpu/blocks/regfile.h"
#include "mmio/vgpu_internal.h"

enum intx_state {
    INTX_BUSY = 1 << 0,  /* a thread is telling the host */
    INTX_DIRTY = 1 << 1, /* ... and has to look again */
};

void interrupts_engine(struct vgpu *vgpu, unsigned engine, uint32_t sources)
{
    irq_tree_engine_set(&vgpu->irq, engine, sources, regfile_get(vgpu->regs, engine_mmio_base(engine) + RING_IMR));
}

void interrupts_send(struct vgpu *vgpu)
{
    struct pci_host *host = vgpu->pci.host;
    uint64_t addr;
    uint32_t data;

    g_mutex_lock(&vgpu->lock);
    bool enabled = pci_config_msi(&vgpu->pci.config, &addr, &data);
    g_mutex_unlock(&vgpu->lock);
    if (!enabled || !host || !host->msi)
        return;
    trace_emit(vgpu->trace, TRACE_VIRQ, vgpu->id, TRACE_NO_ENGINE, data, 0);
    host->msi(host, addr, data);
}

bool interrupts_intx_wanted(struct vgpu *vgpu)
{
    uint64_t addr;
    uint32_t data;

    return irq_tree_line(&vgpu->irq) && !pci_config_msi(&vgpu->pci.config, &addr, &data) &&
           !(pci_config_get(&vgpu->pci.config, PCI_REG_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

/* One thread at a time tells the host, without a lock; others leave word that it has to look again. */
void interrupts_update_intx(struct vgpu *vgpu)
{
    struct pci_host *host = vgpu->pci.host;
    unsigned state;

    if (!host || !host->intx)
        return;
    if (__atomic_fetch_or(&vgpu->intx_state, INTX_BUSY | INTX_DIRTY, __ATOMIC_ACQ_REL) & INTX_BUSY)
        return;
    do {
        __atomic_fetch_and(&vgpu->intx_state, ~(unsigned)INTX_DIRTY, __ATOMIC_ACQ_REL);
        g_mutex_lock(&vgpu->lock);
        bool level = interrupts_intx_wanted(vgpu);
        g_mutex_unlock(&vgpu->lock);
        if (level != __atomic_load_n(&vgpu->intx_level, __ATOMIC_RELAXED)) {
            __atomic_store_n(&vgpu->intx_level, level, __ATOMIC_RELAXED);
            host->intx(host, level);
        }
        state = INTX_BUSY;
    } while (!__atomic_compare_exchange_n(&vgpu->intx_state, &state, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}
