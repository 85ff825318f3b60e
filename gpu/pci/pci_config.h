/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration space of a type 0 PCI function: identity, BAR sizing and relocation, command register, capability list with
 * MSI. Devices embed one and forward their config accesses; device-specific registers are plain bytes with a write mask.
 * Layout: PCI Local Bus Specification 3.0, chapter 6; PCI Express Base Specification for the space above 0x100.
 *
 * Threads: no locking; the owner serialises.
 */
#ifndef MEDIANT_GPU_PCI_CONFIG_H
#define MEDIANT_GPU_PCI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PCI_CONFIG_SIZE = 4096,
    PCI_BARS = 6,

    PCI_REG_VENDOR = 0x00,
    PCI_REG_DEVICE = 0x02,
    PCI_REG_COMMAND = 0x04,
    PCI_REG_STATUS = 0x06,
    PCI_REG_REVISION = 0x08,
    PCI_REG_CLASS = 0x09, /* programming interface, then subclass, then base class */
    PCI_REG_HEADER_TYPE = 0x0e,
    PCI_REG_BAR0 = 0x10,
    PCI_REG_SUBSYSTEM_VENDOR = 0x2c,
    PCI_REG_SUBSYSTEM = 0x2e,
    PCI_REG_ROM = 0x30,
    PCI_REG_CAPABILITIES = 0x34,
    PCI_REG_INTERRUPT_LINE = 0x3c,
    PCI_REG_INTERRUPT_PIN = 0x3d,

    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_INTX_DISABLE = 1 << 10,
    PCI_STATUS_INTERRUPT = 1 << 3,
    PCI_STATUS_CAPABILITIES = 1 << 4,

    PCI_CAP_ID_MSI = 0x05,
};

enum pci_bar_kind {
    PCI_BAR_NONE,
    PCI_BAR_IO,
    PCI_BAR_MEM32,
    PCI_BAR_MEM64,      /* takes two slots */
    PCI_BAR_MEM64_PREF, /* 64-bit, prefetchable */
};

struct pci_bar {
    enum pci_bar_kind kind;
    uint64_t size; /* bytes, a power of two */
};

/* Plain data, so that it can be saved as it is. */
struct pci_config {
    uint8_t data[PCI_CONFIG_SIZE];
    uint8_t writable[PCI_CONFIG_SIZE]; /* bits that software may change */
    uint8_t write1clear[PCI_CONFIG_SIZE];
    struct pci_bar bar[PCI_BARS];
    uint8_t msi;      /* offset of the MSI capability, 0 when absent */
    uint8_t last_cap; /* offset of the last capability in the list, 0 when none */
};

struct pci_identity {
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint8_t revision;
    uint32_t class_code; /* 24 bits: 0x030000 is a VGA controller */
    uint8_t interrupt_pin; /* 0 none, 1 INTA */
};

void pci_config_init(struct pci_config *config, const struct pci_identity *id);

/* Declares a BAR. size is a power of two, at least 16 bytes (4 for I/O). A 64-bit BAR also takes slot bar + 1. */
void pci_config_add_bar(struct pci_config *config, unsigned bar, enum pci_bar_kind kind, uint64_t size);

/* Links a capability header at offset (a multiple of 4, 0x40 or above); its body is read-only until made writable. */
void pci_config_add_capability(struct pci_config *config, uint8_t id, uint8_t offset);

/* Adds a 64-bit, one-vector, unmaskable MSI capability (14 bytes) at offset. */
void pci_config_add_msi(struct pci_config *config, uint8_t offset);

/*
 * Makes an MSI capability that is in data at offset already (another's, copied) one that software can use here: one vector, unmaskable, with the
 * 32- or 64-bit address that it has. Returns its length in bytes.
 */
unsigned pci_config_adopt_msi(struct pci_config *config, uint8_t offset);

/* Set or read a little-endian value of 1, 2 or 4 bytes as the device, without masks. */
void pci_config_set(struct pci_config *config, unsigned offset, unsigned size, uint32_t value);
uint32_t pci_config_get(const struct pci_config *config, unsigned offset, unsigned size);
/* Makes bits of a value writable by software. */
void pci_config_set_writable(struct pci_config *config, unsigned offset, unsigned size, uint32_t mask);

/* Software's accesses; offset and size as in pci_device_ops. Out of range reads give all ones, writes are dropped. */
uint32_t pci_config_read(const struct pci_config *config, unsigned offset, unsigned size);
/* Returns true when a BAR moved or memory or I/O decoding changed: the device then calls host->decode_changed(). */
bool pci_config_write(struct pci_config *config, unsigned offset, unsigned size, uint32_t value);

/* Clears what reset clears: command, BAR addresses, MSI enable. Device-specific bytes stay. */
void pci_config_reset(struct pci_config *config);

/* Bus address at which a BAR decodes, or UINT64_MAX when absent, decoding is off, or the address is 0 or all ones. */
uint64_t pci_config_bar_address(const struct pci_config *config, unsigned bar);

/* True when MSI is enabled and bus mastering is on; then *addr and *data are the message. */
bool pci_config_msi(const struct pci_config *config, uint64_t *addr, uint32_t *data);
/* True when MSI is enabled, bus mastering or not: INTx is off then. */
bool pci_config_msi_enabled(const struct pci_config *config);

#ifdef __cplusplus
}
#endif
#endif
