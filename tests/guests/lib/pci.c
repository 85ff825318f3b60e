/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI configuration accesses of a guest. */
#include "pci.h"

#include "guest.h"
#include "interrupt.h"

/* PCI Local Bus Specification 3.0, chapter 6. */
enum {
    CONFIG_ADDRESS = 0xcf8,
    CONFIG_DATA = 0xcfc,
    REG_COMMAND = 0x04,
    REG_STATUS = 0x06,
    REG_CLASS = 0x0a,
    REG_BAR0 = 0x10,
    REG_CAPABILITIES = 0x34,
    COMMAND_ALL = 7, /* I/O, memory, master */
    STATUS_CAPABILITIES = 0x10,
    CAP_MSI = 5,
    MSI_64BIT = 0x80,
    MSI_ENABLE = 1,
    BAR_IO = 1,
    BAR_64BIT = 4,
};

static void select(pci_devfn dev, unsigned offset)
{
    outl(CONFIG_ADDRESS, 1u << 31 | dev << 8 | (offset & 0xfc));
}

uint32_t pci_port_read(pci_devfn dev, unsigned offset, unsigned size)
{
    uint16_t port = CONFIG_DATA + (offset & 3);

    select(dev, offset);
    return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

void pci_port_write(pci_devfn dev, unsigned offset, unsigned size, uint32_t value)
{
    uint16_t port = CONFIG_DATA + (offset & 3);

    select(dev, offset);
    if (size == 1)
        outb(port, (uint8_t)value);
    else if (size == 2)
        outw(port, (uint16_t)value);
    else
        outl(port, value);
}

uint32_t pci_read(pci_devfn dev, unsigned offset, unsigned size)
{
    if (!boot.ecam_base)
        return pci_port_read(dev, offset, size);
    uintptr_t addr = boot.ecam_base + (dev << 12) + offset;
    if (size == 4)
        return mmio_read32(addr);
    if (size == 1)
        return mmio_read8(addr);
    uint16_t value;
    __asm__ volatile("movw %1, %0" : "=r"(value) : "m"(*(volatile uint16_t *)addr) : "memory");
    return value;
}

void pci_write(pci_devfn dev, unsigned offset, unsigned size, uint32_t value)
{
    if (!boot.ecam_base) {
        pci_port_write(dev, offset, size, value);
        return;
    }
    uintptr_t addr = boot.ecam_base + (dev << 12) + offset;
    if (size == 4)
        mmio_write32(addr, value);
    else if (size == 2)
        __asm__ volatile("movw %1, %0" : "=m"(*(volatile uint16_t *)addr) : "r"((uint16_t)value) : "memory");
    else
        __asm__ volatile("movb %1, %0" : "=m"(*(volatile uint8_t *)addr) : "q"((uint8_t)value) : "memory");
}

pci_devfn pci_find(uint16_t vendor, uint16_t device)
{
    for (pci_devfn dev = 0; dev < 256; dev += 8) {
        uint32_t id = pci_read(dev, 0, 4);
        if ((id & 0xffff) == vendor && (device == 0xffff || id >> 16 == device))
            return dev;
    }
    return PCI_NONE;
}

pci_devfn pci_find_class(uint16_t base_and_sub)
{
    for (pci_devfn dev = 0; dev < 256; dev += 8)
        if ((pci_read(dev, 0, 4) & 0xffff) != 0xffff && pci_read(dev, REG_CLASS, 2) == base_and_sub)
            return dev;
    return PCI_NONE;
}

uint64_t pci_bar(pci_devfn dev, unsigned bar)
{
    uint32_t low = pci_read(dev, REG_BAR0 + 4 * bar, 4);

    if (low & BAR_IO)
        return low & ~3u;
    if (low & BAR_64BIT)
        return (low & ~15u) | (uint64_t)pci_read(dev, REG_BAR0 + 4 * bar + 4, 4) << 32;
    return low & ~15u;
}

uint64_t pci_bar_size(pci_devfn dev, unsigned bar)
{
    unsigned reg = REG_BAR0 + 4 * bar;
    uint32_t command = pci_read(dev, REG_COMMAND, 2), low = pci_read(dev, reg, 4), high = 0;
    uint64_t mask;

    pci_write(dev, REG_COMMAND, 2, 0);
    pci_write(dev, reg, 4, ~0u);
    mask = pci_read(dev, reg, 4);
    if (low & BAR_IO) {
        mask |= 0xffffffff00000000;
        mask &= ~3ull;
    } else if (low & BAR_64BIT) {
        high = pci_read(dev, reg + 4, 4);
        pci_write(dev, reg + 4, 4, ~0u);
        mask |= (uint64_t)pci_read(dev, reg + 4, 4) << 32;
        pci_write(dev, reg + 4, 4, high);
        mask &= ~15ull;
    } else {
        mask |= 0xffffffff00000000;
        mask &= ~15ull;
    }
    pci_write(dev, reg, 4, low);
    pci_write(dev, REG_COMMAND, 2, command);
    return (uint32_t)mask ? ~mask + 1 : 0;
}

void pci_enable(pci_devfn dev)
{
    pci_write(dev, REG_COMMAND, 2, pci_read(dev, REG_COMMAND, 2) | COMMAND_ALL);
}

unsigned pci_find_capability(pci_devfn dev, uint8_t id)
{
    enum { CAPABILITIES_MAX = 48 };

    if (!(pci_read(dev, REG_STATUS, 2) & STATUS_CAPABILITIES))
        return 0;
    unsigned at = pci_read(dev, REG_CAPABILITIES, 1) & 0xfc;
    for (unsigned i = 0; at && i < CAPABILITIES_MAX; i++, at = pci_read(dev, at + 1, 1) & 0xfc)
        if (pci_read(dev, at, 1) == id)
            return at;
    return 0;
}

bool pci_msi_enable(pci_devfn dev, unsigned vector, unsigned apic)
{
    unsigned cap = pci_find_capability(dev, CAP_MSI);

    if (!cap)
        return false;
    uint32_t control = pci_read(dev, cap + 2, 2);
    pci_write(dev, cap + 4, 4, msi_address(apic));
    if (control & MSI_64BIT) {
        pci_write(dev, cap + 8, 4, 0);
        pci_write(dev, cap + 12, 2, vector);
    } else {
        pci_write(dev, cap + 8, 2, vector);
    }
    pci_write(dev, cap + 2, 2, (control & ~0x70u) | MSI_ENABLE); /* one vector */
    return true;
}
