/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The doorbells of a function (struct pci_doorbell) at the addresses where its BARs are. Used by pci_bus.c: placed anew at each change of
 * decoding, so that a bell is never where its BAR is not.
 *
 * The machine matches the addresses alone: where a guest lays BARs over each other, or over other windows, a write to a bell's address
 * rings the bell of one of them instead of reaching who answers first there. That is between the guest and itself.
 */
#ifndef MEDIANT_VMM_PCI_DOORBELLS_H
#define MEDIANT_VMM_PCI_DOORBELLS_H

#include "gpu/pci/pci_device.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Lets writes of any size and value to an address (port: in the I/O space) signal an eventfd from now on, or no more. False when that
 * cannot be, also because another eventfd has the address: writes then go the common way.
 */
typedef bool (*doorbell_setter)(void *opaque, bool port, uint64_t addr, int fd, bool on);

struct pci_doorbells;

/* Asks dev for its bells; none is placed yet. NULL when it has none or set is NULL; the other functions take that too. */
struct pci_doorbells *pci_doorbells_create(struct pci_device *dev, doorbell_setter set, void *opaque);
/* Takes the bells away. The device must still be there. */
void pci_doorbells_destroy(struct pci_doorbells *bells);
/* Puts each bell where its BAR is now. Any thread; when it returns, no bell is left where none should be. */
void pci_doorbells_place(struct pci_doorbells *bells);

#ifdef __cplusplus
}
#endif
#endif
