/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X: the capability, and the table and pending bits that lie in a BAR. Embedded by devices that have several interrupts.
 * Source: PCI Local Bus Specification 3.0, 6.8.2.
 *
 * Nothing here sends: a device takes the messages that are due while it holds its lock, and hands them to its host without it. What the
 * vfio-user server does not have yet is a way to tell its client a vector, so a device that is served there offers INTx instead.
 *
 * Threads: no locking; the owner serialises. Guests write the table: every value is kept as it is and used as data only.
 */
#ifndef MEDIANT_GPU_PCI_MSIX_H
#define MEDIANT_GPU_PCI_MSIX_H

#include "gpu/pci/pci_config.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PCI_CAP_ID_MSIX = 0x11,
    PCI_MSIX_CAP_BYTES = 12,
    PCI_MSIX_ENTRY_BYTES = 16,
    PCI_MSIX_MAX_VECTORS = 64, /* what one word of pending bits holds; the specification allows 2048 */
    PCI_MSIX_PBA_BYTES = 8,
};

struct pci_msix_message {
    uint64_t addr;
    uint32_t data;
};

/* Plain data, so that it can be saved as it is. */
struct pci_msix {
    uint8_t capability; /* its offset in config space; 0: the device has none, and nothing is ever enabled */
    unsigned vectors;
    uint32_t table[PCI_MSIX_MAX_VECTORS][4]; /* address, its high half, data, control */
    uint64_t pending;                        /* bit n: vector n came while it was masked */
};

/*
 * Links the capability at offset in config space (12 bytes) and puts the table and the pending bits at these offsets of a BAR, which the
 * device routes here. vectors is at least 1 and at most PCI_MSIX_MAX_VECTORS; table and PBA offsets are multiples of 8.
 */
void pci_msix_init(struct pci_msix *msix, struct pci_config *config, uint8_t offset, unsigned vectors, unsigned bar, uint32_t table,
                   uint32_t pba);

/* At reset, after pci_config_reset(): disabled, all vectors masked, nothing pending. */
void pci_msix_reset(struct pci_msix *msix, struct pci_config *config);

/* True when software enabled it: INTx is off then, and the function mask may still hold everything back. */
bool pci_msix_enabled(const struct pci_msix *msix, const struct pci_config *config);

/* Accesses to the table: offset is from its start. Bytes beyond it read as 0; writes that are no aligned 4 or 8 bytes are dropped (6.8.2).
 */
void pci_msix_table_read(const struct pci_msix *msix, uint64_t offset, void *data, size_t len);
void pci_msix_table_write(struct pci_msix *msix, uint64_t offset, const void *data, size_t len);
/* The pending bits, which software cannot write. */
void pci_msix_pba_read(const struct pci_msix *msix, uint64_t offset, void *data, size_t len);

/* The device's interrupt: becomes pending, to be taken at once. A vector that does not exist is dropped. */
void pci_msix_raise(struct pci_msix *msix, unsigned vector);
/*
 * Takes one message that may be sent now. To be called until it is false after a raise and after software's writes to the table, to the
 * capability and to the command register, as each may unmask what is pending.
 */
bool pci_msix_take(struct pci_msix *msix, const struct pci_config *config, struct pci_msix_message *message);

#ifdef __cplusplus
}
#endif
#endif
