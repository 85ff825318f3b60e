/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MSI-X table and pending bits. See msix.h; PCI Local Bus Specification 3.0, 6.8.2. */
#include "gpu/pci/msix.h"

#include <glib.h>
#include <string.h>

enum {
    CONTROL = 2, /* in the capability */
    TABLE = 4,
    PBA = 8,
    CONTROL_ENABLE = 1 << 15,
    CONTROL_MASK_ALL = 1 << 14,

    ENTRY_ADDRESS = 0, /* words of an entry */
    ENTRY_ADDRESS_HIGH = 1,
    ENTRY_DATA = 2,
    ENTRY_CONTROL = 3,
    ENTRY_MASKED = 1 << 0,
};

static void mask_all(struct pci_msix *msix)
{
    memset(msix->table, 0, sizeof(msix->table));
    for (unsigned i = 0; i < PCI_MSIX_MAX_VECTORS; i++)
        msix->table[i][ENTRY_CONTROL] = ENTRY_MASKED;
    msix->pending = 0;
}

void pci_msix_init(struct pci_msix *msix, struct pci_config *config, uint8_t offset, unsigned vectors, unsigned bar, uint32_t table,
                   uint32_t pba)
{
    g_assert(vectors >= 1 && vectors <= PCI_MSIX_MAX_VECTORS && !(table & 7) && !(pba & 7));
    msix->capability = offset;
    msix->vectors = vectors;
    pci_config_add_capability(config, PCI_CAP_ID_MSIX, offset);
    pci_config_set(config, offset + CONTROL, 2, vectors - 1);
    pci_config_set_writable(config, offset + CONTROL, 2, CONTROL_ENABLE | CONTROL_MASK_ALL);
    pci_config_set(config, offset + TABLE, 4, table | bar);
    pci_config_set(config, offset + PBA, 4, pba | bar);
    mask_all(msix);
}

void pci_msix_reset(struct pci_msix *msix, struct pci_config *config)
{
    if (msix->capability)
        pci_config_set(config, msix->capability + CONTROL, 2, msix->vectors - 1);
    mask_all(msix);
}

static uint32_t control(const struct pci_msix *msix, const struct pci_config *config)
{
    return msix->capability ? pci_config_get(config, msix->capability + CONTROL, 2) : 0;
}

bool pci_msix_enabled(const struct pci_msix *msix, const struct pci_config *config)
{
    return control(msix, config) & CONTROL_ENABLE;
}

static void copy_out(const void *source, size_t bytes, uint64_t offset, void *data, size_t len)
{
    size_t there = offset < bytes ? MIN(len, (size_t)(bytes - offset)) : 0;

    memset(data, 0, len);
    if (there)
        memcpy(data, (const uint8_t *)source + offset, there);
}

void pci_msix_table_read(const struct pci_msix *msix, uint64_t offset, void *data, size_t len)
{
    copy_out(msix->table, (size_t)msix->vectors * PCI_MSIX_ENTRY_BYTES, offset, data, len);
}

void pci_msix_pba_read(const struct pci_msix *msix, uint64_t offset, void *data, size_t len)
{
    copy_out(&msix->pending, sizeof(msix->pending), offset, data, len);
}

void pci_msix_table_write(struct pci_msix *msix, uint64_t offset, const void *data, size_t len)
{
    uint64_t bytes = (uint64_t)msix->vectors * PCI_MSIX_ENTRY_BYTES;

    if ((len != 4 && len != 8) || offset % len || offset >= bytes)
        return;
    for (size_t i = 0; i < len; i += 4) {
        uint64_t word = (offset + i) / 4;
        uint32_t value;
        memcpy(&value, (const uint8_t *)data + i, 4);
        if (word % 4 == ENTRY_ADDRESS)
            value &= ~3u;
        else if (word % 4 == ENTRY_CONTROL)
            value &= ENTRY_MASKED;
        msix->table[word / 4][word % 4] = value;
    }
}

void pci_msix_raise(struct pci_msix *msix, unsigned vector)
{
    if (vector < msix->vectors)
        msix->pending |= UINT64_C(1) << vector;
}

bool pci_msix_take(struct pci_msix *msix, const struct pci_config *config, struct pci_msix_message *message)
{
    uint64_t left = msix->pending;

    if ((control(msix, config) & (CONTROL_ENABLE | CONTROL_MASK_ALL)) != CONTROL_ENABLE ||
        !(pci_config_get(config, PCI_REG_COMMAND, 2) & PCI_COMMAND_MASTER))
        return false;
    for (; left; left &= left - 1) {
        unsigned vector = (unsigned)__builtin_ctzll(left);
        const uint32_t *entry = msix->table[vector];
        if (entry[ENTRY_CONTROL] & ENTRY_MASKED)
            continue;
        msix->pending &= ~(UINT64_C(1) << vector);
        *message = (struct pci_msix_message){(uint64_t)entry[ENTRY_ADDRESS_HIGH] << 32 | entry[ENTRY_ADDRESS], entry[ENTRY_DATA]};
        return true;
    }
    return false;
}
