/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows of a function's BARs that the guest reaches without an exit (struct pci_host, direct_open()): each is a memory slot of KVM's over a range of our own
 * address space, in which pages of the guest's RAM are mapped in the order that the device says. Used by pci_bus.c; moved at each change of decoding, as shortcuts are.
 *
 * Bounds: PCI_DIRECT_WINDOWS windows for each function, and for all functions of the process so many pages that the kernel's limit of mappings is not
 * reached. What does not fit is trapped as before.
 *
 * As with shortcuts, where a guest lays its BARs over each other the order is KVM's; RAM wins, as a slot over another is refused.
 */
#ifndef MEDIANT_VMM_PCI_DIRECT_H
#define MEDIANT_VMM_PCI_DIRECT_H

#include "gpu/pci/pci_device.h"
#include "vmm/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PCI_DIRECT_WINDOWS = 256 };

/* Shows KVM size bytes at host as the guest's memory at gpa, in the slot number; size 0 takes the slot away. False when KVM refuses. */
typedef bool (*memory_slot_setter)(void *opaque, uint32_t number, uint64_t gpa, uint64_t size, void *host);

struct pci_direct;

/*
 * Nothing is open yet. The slots of this function have the numbers first_slot to first_slot + PCI_DIRECT_WINDOWS - 1. memory and dev must outlive it. NULL when set is
 * NULL; pci_direct_place() and pci_direct_destroy() take that.
 */
struct pci_direct *pci_direct_create(struct pci_device *dev, const struct memory *memory, memory_slot_setter set, void *opaque, uint32_t first_slot);
void pci_direct_destroy(struct pci_direct *direct);

/* As in struct pci_host. Any thread. */
bool pci_direct_open(struct pci_direct *direct, unsigned bar, uint64_t offset, const uint64_t *pages);
bool pci_direct_page(struct pci_direct *direct, unsigned bar, uint64_t offset, uint64_t page);
void pci_direct_close(struct pci_direct *direct, unsigned bar, uint64_t offset);

/* Puts each window where its BAR is now. Any thread; when it returns, no window is left where none should be. */
void pci_direct_place(struct pci_direct *direct);

#ifdef __cplusplus
}
#endif
#endif
