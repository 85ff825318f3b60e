/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shortcuts of a function (struct pci_shortcut) at the addresses where its BARs are. Used by pci_bus.c; placed anew at each change of
 * decoding, so that none is ever where its BAR is not.
 *
 * The machine matches the addresses alone: where a guest lays BARs over each other, or over other windows, a write to a bell's address
 * rings the bell of one of them instead of reaching who answers first there. That is between the guest and itself.
 */
#ifndef MEDIANT_VMM_PCI_SHORTCUTS_H
#define MEDIANT_VMM_PCI_SHORTCUTS_H

#include "gpu/pci/pci_device.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Lets the machine take writes to an address (port: in the I/O space; addr takes the place of bar and offset) as the shortcut says from now on, or no more. False
 * when that cannot be, also because another eventfd has the address: writes then go the common way.
 */
typedef bool (*shortcut_setter)(void *opaque, const struct pci_shortcut *shortcut, bool port, uint64_t addr, bool on);

struct pci_shortcuts;

/* Asks dev for its shortcuts; none is placed yet. NULL when it has none or set is NULL; the other functions take that too. */
struct pci_shortcuts *pci_shortcuts_create(struct pci_device *dev, shortcut_setter set, void *opaque);
/* Takes them away. The device must still be there. */
void pci_shortcuts_destroy(struct pci_shortcuts *shortcuts);
/* Puts each where its BAR is now. Any thread; when it returns, none is left where none should be. */
void pci_shortcuts_place(struct pci_shortcuts *shortcuts);

#ifdef __cplusplus
}
#endif
#endif
