/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI bus 0 of a KVM machine: configuration mechanism 1 (ports 0xcf8 and 0xcfc), the ECAM window, BARs in the machine's address
 * maps, interrupts. Sources: PCI Local Bus Specification 3.0, 3.2.2.3.2 (mechanism 1); PCI Express Base Specification, 7.2.2 (ECAM).
 *
 * Threads: config and BAR accesses come from vCPU threads; attach, detach, assign and destroy run while no vCPU does: before they start, or while the machine
 * is paused.
 */
#ifndef MEDIANT_VMM_PCI_BUS_H
#define MEDIANT_VMM_PCI_BUS_H

#include "gpu/pci/pci_device.h"
#include "vmm/address_map.h"
#include "vmm/pci_direct.h"
#include "vmm/pci_shortcuts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PCI_CONFIG_ADDRESS = 0xcf8, /* dword: enable (bit 31), bus, device, function, register */
    PCI_RESET_CONTROL = 0xcf9,  /* byte between the other two: bit 2 resets the machine (Intel PCH datasheet, RST_CNT) */
    PCI_CONFIG_DATA = 0xcfc,
    PCI_SLOTS = 32,
    PCI_IRQ = 11, /* ISA interrupt that all INTx pins share, in the PIC and the I/O APIC alike */
};

/* Where the 256 MiB ECAM space lies (QEMU's q35 has it there too); bus 0 is its first 1 MiB. */
#define PCI_ECAM_BASE UINT64_C(0xb0000000)
#define PCI_ECAM_SIZE UINT64_C(0x10000000)
#define PCI_ECAM_BUS_SIZE UINT64_C(0x100000)
/* The hole for 32-bit BARs: from the end of ECAM to the I/O APIC. */
#define PCI_HOLE_START UINT64_C(0xc0000000)
#define PCI_HOLE_END UINT64_C(0xfec00000)
#define PCI_IO_START 0xc000

struct pci_bus;

/* What the machine gives to its bus. The functions may be called from any thread. */
struct pci_bus_config {
    struct address_map *mmio, *pio;
    struct dma_space *dma;
    void (*msi)(void *opaque, uint64_t addr, uint32_t data);
    void (*irq)(void *opaque, unsigned irq, bool level);
    void (*reset)(void *opaque); /* the guest asked for a reset by port 0xcf9 */
    shortcut_setter shortcut;    /* NULL: every write comes through the maps */
    const struct memory *memory;     /* what windows of BARs may show */
    memory_slot_setter memory_slot;  /* NULL: there are no such windows */
    uint32_t first_memory_slot;      /* slots from this number on are the bus's */
    void *opaque;
};

struct pci_bus *pci_bus_create(const struct pci_bus_config *config);
/* Destroys the attached devices too; NULL is allowed. The address maps must not be used for accesses any more. */
void pci_bus_destroy(struct pci_bus *bus);

/* Plugs dev in as function 0 of a slot below PCI_SLOTS that is free; the bus owns it from then on. */
void pci_bus_attach(struct pci_bus *bus, unsigned slot, struct pci_device *dev);

/* The function in a slot, NULL when there is none. Where attach and detach run. */
struct pci_device *pci_bus_device(const struct pci_bus *bus, unsigned slot);
/* The guest does not find the function in its slot from now on, which it has let go of, until another is attached. Any thread. */
void pci_bus_hide(struct pci_bus *bus, unsigned slot);
/*
 * Takes the function out of its slot: nobody reaches it any more. The slot is free after pci_bus_finish_detach(), which destroys the function and may run
 * while vCPUs do, as that can take a while.
 */
void pci_bus_detach(struct pci_bus *bus, unsigned slot);
void pci_bus_finish_detach(struct pci_bus *bus, unsigned slot);

/* Resets every function, after which no BAR is decoded; while no vCPU runs. */
void pci_bus_reset(struct pci_bus *bus);

/*
 * What firmware does at power-on: an address for every BAR, the largest first, below 4 GiB where it fits and else in [high, high_end), which is
 * above 4 GiB and all RAM, and decoding switched on. False when a space is too small for a BAR that can only go there.
 */
bool pci_bus_assign(struct pci_bus *bus, uint64_t high, uint64_t high_end, GError **error);

#ifdef __cplusplus
}
#endif
#endif
