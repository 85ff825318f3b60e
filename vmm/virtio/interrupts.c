/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts of a virtio function: MSI-X, or INTx with the ISR status (VIRTIO 1.2, 4.1.4.5 and 4.1.5.1). */
#include "vmm/virtio/pci_internal.h"

void virtio_interrupts_raise(struct virtio_pci *transport, unsigned which)
{
    uint16_t vector = which == CONFIG_INTERRUPT ? transport->config_vector : transport->registers[which].vector;

    if (pci_msix_enabled(&transport->msix, &transport->pci.config))
        pci_msix_raise(&transport->msix, vector);
    else
        transport->isr |= which == CONFIG_INTERRUPT ? ISR_CONFIG : ISR_QUEUE;
}

static bool level(const struct virtio_pci *transport)
{
    const struct pci_config *config = &transport->pci.config;

    return transport->isr && !pci_msix_enabled(&transport->msix, config) &&
           !(pci_config_get(config, PCI_REG_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

/*
 * One thread sends at a time, so that levels arrive in order; who comes meanwhile leaves it to that one, which looks again before it
 * goes. The pin may thus fall a moment after the read of the ISR that lowered it, which is a spurious interrupt at worst.
 */
void virtio_interrupts_send(struct virtio_pci *transport)
{
    struct pci_msix_message message;

    g_mutex_lock(&transport->lock);
    struct pci_host *host = transport->pci.host;
    if (!transport->sending && host) {
        transport->sending = true;
        for (;;) {
            bool wanted = level(transport);
            if (wanted != transport->level_sent) {
                transport->level_sent = wanted;
                g_mutex_unlock(&transport->lock);
                host->intx(host, wanted);
            } else if (pci_msix_take(&transport->msix, &transport->pci.config, &message)) {
                g_mutex_unlock(&transport->lock);
                host->msi(host, message.addr, message.data);
            } else {
                break;
            }
            g_mutex_lock(&transport->lock);
        }
        transport->sending = false;
    }
    g_mutex_unlock(&transport->lock);
}
