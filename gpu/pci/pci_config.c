/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Type 0 PCI configuration space. Embedded by every device; read by the buses that devices plug into. */
#include "gpu/pci/pci_config.h"

#include <glib.h>
#include <string.h>

enum {
    MSI_CONTROL = 2,
    MSI_ADDRESS = 4,
    MSI_ADDRESS_HIGH = 8, /* with a 64-bit address */
    MSI_DATA_32 = 8,
    MSI_DATA_64 = 12,
    MSI_CONTROL_ENABLE = 1 << 0,
    MSI_CONTROL_64BIT = 1 << 7,

    BAR_IO = 1 << 0,
    BAR_MEM64 = 2 << 1,
    BAR_PREFETCH = 1 << 3,
};

static bool in_range(unsigned offset, unsigned size)
{
    return (size == 1 || size == 2 || size == 4) && offset < PCI_CONFIG_SIZE && size <= PCI_CONFIG_SIZE - offset;
}

uint32_t pci_config_get(const struct pci_config *config, unsigned offset, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)config->data[offset + i] << (8 * i);
    return value;
}

void pci_config_set(struct pci_config *config, unsigned offset, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++)
        config->data[offset + i] = value >> (8 * i);
}

void pci_config_set_writable(struct pci_config *config, unsigned offset, unsigned size, uint32_t mask)
{
    for (unsigned i = 0; i < size; i++)
        config->writable[offset + i] |= mask >> (8 * i);
}

void pci_config_init(struct pci_config *config, const struct pci_identity *id)
{
    memset(config, 0, sizeof(*config));
    pci_config_set(config, PCI_REG_VENDOR, 2, id->vendor);
    pci_config_set(config, PCI_REG_DEVICE, 2, id->device);
    pci_config_set(config, PCI_REG_REVISION, 4, id->revision | id->class_code << 8);
    pci_config_set(config, PCI_REG_SUBSYSTEM_VENDOR, 2, id->subsystem_vendor);
    pci_config_set(config, PCI_REG_SUBSYSTEM, 2, id->subsystem);
    pci_config_set(config, PCI_REG_INTERRUPT_PIN, 1, id->interrupt_pin);
    pci_config_set_writable(config, PCI_REG_COMMAND, 2,
                            PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
    pci_config_set_writable(config, 0x0c, 1, 0xff); /* cache line size */
    pci_config_set_writable(config, PCI_REG_INTERRUPT_LINE, 1, 0xff);
    config->write1clear[PCI_REG_STATUS + 1] = 0xf9; /* the error bits */
}

void pci_config_add_bar(struct pci_config *config, unsigned bar, enum pci_bar_kind kind, uint64_t size)
{
    unsigned reg = PCI_REG_BAR0 + 4 * bar;

    config->bar[bar] = (struct pci_bar){.kind = kind, .size = size};
    switch (kind) {
    case PCI_BAR_NONE:
        return;
    case PCI_BAR_IO:
        pci_config_set(config, reg, 4, BAR_IO);
        pci_config_set_writable(config, reg, 4, ~(uint32_t)(size - 1));
        return;
    case PCI_BAR_MEM32:
        pci_config_set_writable(config, reg, 4, ~(uint32_t)(size - 1));
        return;
    case PCI_BAR_MEM64:
    case PCI_BAR_MEM64_PREF:
        pci_config_set(config, reg, 4, BAR_MEM64 | (kind == PCI_BAR_MEM64_PREF ? BAR_PREFETCH : 0));
        pci_config_set_writable(config, reg, 4, (uint32_t)~(size - 1));
        pci_config_set_writable(config, reg + 4, 4, ~(size - 1) >> 32);
        return;
    }
}

void pci_config_add_capability(struct pci_config *config, uint8_t id, uint8_t offset)
{
    unsigned link = config->last_cap ? config->last_cap + 1u : PCI_REG_CAPABILITIES;

    config->data[link] = offset;
    config->data[offset] = id;
    config->data[offset + 1] = 0;
    config->last_cap = offset;
    config->data[PCI_REG_STATUS] |= PCI_STATUS_CAPABILITIES;
}

static bool msi_is_64bit(const struct pci_config *config, unsigned msi)
{
    return pci_config_get(config, msi + MSI_CONTROL, 2) & MSI_CONTROL_64BIT;
}

static unsigned msi_data(const struct pci_config *config, unsigned msi)
{
    return msi + (msi_is_64bit(config, msi) ? MSI_DATA_64 : MSI_DATA_32);
}

static void msi_clear(struct pci_config *config, unsigned msi)
{
    pci_config_set(config, msi + MSI_CONTROL, 2, msi_is_64bit(config, msi) ? MSI_CONTROL_64BIT : 0);
    pci_config_set(config, msi + MSI_ADDRESS, 4, 0);
    if (msi_is_64bit(config, msi))
        pci_config_set(config, msi + MSI_ADDRESS_HIGH, 4, 0);
    pci_config_set(config, msi_data(config, msi), 2, 0);
}

unsigned pci_config_adopt_msi(struct pci_config *config, uint8_t offset)
{
    msi_clear(config, offset);
    pci_config_set_writable(config, offset + MSI_CONTROL, 2, MSI_CONTROL_ENABLE | 7 << 4);
    pci_config_set_writable(config, offset + MSI_ADDRESS, 4, 0xfffffffc);
    if (msi_is_64bit(config, offset))
        pci_config_set_writable(config, offset + MSI_ADDRESS_HIGH, 4, 0xffffffff);
    pci_config_set_writable(config, msi_data(config, offset), 2, 0xffff);
    config->msi = offset;
    return msi_data(config, offset) + 2 - offset;
}

void pci_config_add_msi(struct pci_config *config, uint8_t offset)
{
    pci_config_add_capability(config, PCI_CAP_ID_MSI, offset);
    pci_config_set(config, offset + MSI_CONTROL, 2, MSI_CONTROL_64BIT);
    pci_config_adopt_msi(config, offset);
}

uint32_t pci_config_read(const struct pci_config *config, unsigned offset, unsigned size)
{
    return in_range(offset, size) ? pci_config_get(config, offset, size) : 0xffffffff >> (32 - 8 * MIN(size, 4u));
}

bool pci_config_write(struct pci_config *config, unsigned offset, unsigned size, uint32_t value)
{
    uint64_t before[PCI_BARS];
    bool moved = false;

    if (!in_range(offset, size))
        return false;
    for (unsigned i = 0; i < PCI_BARS; i++)
        before[i] = pci_config_bar_address(config, i);
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = value >> (8 * i), mask = config->writable[offset + i];
        config->data[offset + i] = (config->data[offset + i] & ~mask) | (byte & mask);
        config->data[offset + i] &= ~(byte & config->write1clear[offset + i]);
    }
    for (unsigned i = 0; i < PCI_BARS; i++)
        moved |= before[i] != pci_config_bar_address(config, i);
    return moved;
}

void pci_config_reset(struct pci_config *config)
{
    pci_config_set(config, PCI_REG_COMMAND, 2, 0);
    for (unsigned i = 0; i < PCI_BARS; i++)
        for (unsigned b = 0; b < 4; b++)
            config->data[PCI_REG_BAR0 + 4 * i + b] &= ~config->writable[PCI_REG_BAR0 + 4 * i + b];
    config->data[PCI_REG_INTERRUPT_LINE] = 0;
    if (config->msi)
        msi_clear(config, config->msi);
}

uint64_t pci_config_bar_address(const struct pci_config *config, unsigned bar)
{
    const struct pci_bar *b = &config->bar[bar];
    uint16_t command = pci_config_get(config, PCI_REG_COMMAND, 2);
    uint64_t addr;

    if (b->kind == PCI_BAR_NONE || !(command & (b->kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
        return UINT64_MAX;
    addr = pci_config_get(config, PCI_REG_BAR0 + 4 * bar, 4);
    if (b->kind == PCI_BAR_MEM64 || b->kind == PCI_BAR_MEM64_PREF)
        addr |= (uint64_t)pci_config_get(config, PCI_REG_BAR0 + 4 * bar + 4, 4) << 32;
    addr &= ~(b->size - 1);
    /* Sizing writes all ones; a BAR that wraps decodes nothing. */
    if (addr == 0 || addr + b->size == 0 || (b->kind != PCI_BAR_MEM64 && b->kind != PCI_BAR_MEM64_PREF &&
                                             addr + b->size > (b->kind == PCI_BAR_IO ? UINT64_C(0x10000) : UINT64_C(0xffffffff))))
        return UINT64_MAX;
    return addr;
}

bool pci_config_msi_enabled(const struct pci_config *config)
{
    return config->msi && (pci_config_get(config, config->msi + MSI_CONTROL, 2) & MSI_CONTROL_ENABLE);
}

bool pci_config_msi(const struct pci_config *config, uint64_t *addr, uint32_t *data)
{
    if (!pci_config_msi_enabled(config) || !(pci_config_get(config, PCI_REG_COMMAND, 2) & PCI_COMMAND_MASTER))
        return false;
    *addr = pci_config_get(config, config->msi + MSI_ADDRESS, 4);
    if (msi_is_64bit(config, config->msi))
        *addr |= (uint64_t)pci_config_get(config, config->msi + MSI_ADDRESS_HIGH, 4) << 32;
    *data = pci_config_get(config, msi_data(config, config->msi), 2);
    return true;
}
