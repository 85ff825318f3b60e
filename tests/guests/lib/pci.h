/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI configuration of bus 0: by ports, or by ECAM when the VMM told where it is. */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include "cpu.h"

/* A function's place: device << 3 | function. */
typedef unsigned pci_devfn;

uint32_t pci_read(pci_devfn dev, unsigned offset, unsigned size);
void pci_write(pci_devfn dev, unsigned offset, unsigned size, uint32_t value);
/* The same through the other way than ECAM, for tests of both: configuration mechanism 1. */
uint32_t pci_port_read(pci_devfn dev, unsigned offset, unsigned size);
void pci_port_write(pci_devfn dev, unsigned offset, unsigned size, uint32_t value);

enum { PCI_NONE = ~0u };
/* The first function with these ids (device 0xffff: any) or with this base and subclass; PCI_NONE when there is none. */
pci_devfn pci_find(uint16_t vendor, uint16_t device);
pci_devfn pci_find_class(uint16_t base_and_sub);

uint64_t pci_bar(pci_devfn dev, unsigned bar);      /* address, 0 when absent; 64-bit BARs whole */
uint64_t pci_bar_size(pci_devfn dev, unsigned bar); /* by sizing; decoding is off meanwhile */
void pci_enable(pci_devfn dev);                     /* memory, I/O and bus mastering */
/* Sends the function's MSI to a vector of a CPU. False when it has no MSI capability. */
bool pci_msi_enable(pci_devfn dev, unsigned vector, unsigned apic);
unsigned pci_find_capability(pci_devfn dev, uint8_t id); /* 0 when absent */

#endif
