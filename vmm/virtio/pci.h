/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio over PCI: the modern transport (revision 1, no legacy registers), which makes a PCI function of a virtio device. Source: VIRTIO
 * 1.2, 4.1, and 2.1 (status), 2.2 (features). Not offered: packed rings, resets of single queues, notification data.
 *
 * Threads: each function has one worker thread, which does the device's work. A vCPU's access to a register changes state under a lock
 * that is held for moments, and wakes the worker; it never waits for it. Interrupts go to the host with no lock held. A reset by the
 * guest is done when the worker has finished what it has in hand: until then the status reads as it was (4.1.4.3). A reset by the host
 * waits for that.
 *
 * The notification registers are doorbells (pci_device.h), one for each queue. Whichever rings, the worker looks at every queue.
 */
#ifndef MEDIANT_VMM_VIRTIO_PCI_H
#define MEDIANT_VMM_VIRTIO_PCI_H

#include "gpu/pci/pci_device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_device;

struct virtio_pci_config {
    const char *name; /* for messages; copied */
    /*
     * MSI-X, a vector for each queue and one for configuration. Without it there is INTx only: for the vfio-user server, which cannot
     * tell its client a vector yet.
     */
    bool msix;
    /* A line about what the guest did; a flood is cut off. From the worker thread or a vCPU's, with no lock held. NULL: nobody listens. */
    void (*complain)(void *opaque, const char *text);
    void *opaque;
};

/*
 * The function, for a bus or a server; its destroy stops the worker and destroys the device too. Owns dev from a success on. Fails with
 * VMM_ERROR_FAILED when there are no file descriptors or threads left; dev is the caller's then.
 */
struct pci_device *virtio_pci_create(const struct virtio_pci_config *config, struct virtio_device *dev, GError **error);

/* The virtio device of a function that virtio_pci_create() made. */
struct virtio_device *virtio_pci_device(struct pci_device *pci);

#ifdef __cplusplus
}
#endif
#endif
