/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function as a bus sees it. The model, the vGPU and virtio devices are such functions (later ivshmem too); the
 * KVM machine's PCI bus and the vfio-user server are the hosts that functions plug into. Neither side knows the other.
 *
 * Threads: a host may call config and BAR accesses from several vCPU threads at once; each device does its own locking.
 * attach and destroy are called when no access can run. A device may call its host's msi() and intx() from any thread and
 * must not hold a lock that a register access takes.
 */
#ifndef MEDIANT_GPU_PCI_DEVICE_H
#define MEDIANT_GPU_PCI_DEVICE_H

#include "gpu/pci/dma.h"
#include "gpu/pci/pci_config.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pci_device;

enum { PCI_DIRECT_PAGES = 64 }; /* of 4 KiB, in a window of struct pci_host's direct functions */

/* What the bus gives to a function that is plugged in. The host outlives the attachment. */
struct pci_host {
    struct dma_space *dma; /* the function's DMA view */
    /* Sends a message-signalled interrupt: a 32-bit write of data to addr. Memory writes made before the call are visible first. */
    void (*msi)(struct pci_host *host, uint64_t addr, uint32_t data);
    /* Sets the level of the function's INTx pin. */
    void (*intx)(struct pci_host *host, bool level);
    /*
     * A config write moved a BAR or switched decoding: the host re-reads pci_config_bar_address() and remaps. Runs on the thread
     * of the config write, inside config_write().
     */
    void (*decode_changed)(struct pci_host *host);
    /*
     * Optional, all three or none. A window of PCI_DIRECT_PAGES pages of a memory BAR, at an offset that is a multiple of its size, that the guest reaches without
     * bar_read() and bar_write(): page i of it is the page of memory at pages[i], as dma has it. It stays until it is closed, wherever the BAR moves meanwhile.
     * direct_open() fails when there are too many, or when the page is no RAM of the host's; then all is as before. direct_page() changes the page at offset in an
     * open window; false: it is not open, or there is no such page, and the old one may be there still. When they return, no vCPU reaches
     * what was there. They take no lock of the device, so that it may hold its own. Any thread of the host's accesses.
     */
    bool (*direct_open)(struct pci_host *host, unsigned bar, uint64_t offset, const uint64_t pages[PCI_DIRECT_PAGES]);
    bool (*direct_page)(struct pci_host *host, unsigned bar, uint64_t offset, uint64_t page);
    void (*direct_close)(struct pci_host *host, unsigned bar, uint64_t offset);
};

/* A place in a BAR where the machine may take writes itself; a host that cannot calls bar_write() as everywhere. */
struct pci_shortcut {
    enum {
        PCI_DOORBELL, /* a write does nothing but signal an eventfd, whatever its value and size */
        PCI_POSTED,   /* writes may be kept for a while. They come to bar_write() in their order, and before the next access of the guest to anything else. */
    } kind;
    unsigned bar;
    uint64_t offset;
    uint64_t size; /* of PCI_POSTED, bytes; a multiple of the page, as offset is */
    int fd;        /* of PCI_DOORBELL; the device's, to its end */
};

struct pci_device_ops {
    /* Plugs the device in; it keeps the pointer until destroy. */
    void (*attach)(struct pci_device *dev, struct pci_host *host);
    /* size is 1, 2 or 4 and offset is a multiple of it, below PCI_CONFIG_SIZE. */
    uint32_t (*config_read)(struct pci_device *dev, unsigned offset, unsigned size);
    void (*config_write)(struct pci_device *dev, unsigned offset, unsigned size, uint32_t value);
    /*
     * Reads or writes len bytes at offset in BAR number bar, little endian. The host guarantees offset + len <= the BAR's
     * size, and nothing about alignment or len (a vfio-user client may send kilobytes).
     */
    void (*bar_read)(struct pci_device *dev, unsigned bar, uint64_t offset, void *data, size_t len);
    void (*bar_write)(struct pci_device *dev, unsigned bar, uint64_t offset, const void *data, size_t len);
    /* Back to the state at power-on, config space included. */
    void (*reset)(struct pci_device *dev);
    void (*destroy)(struct pci_device *dev);
    /* The shortcut of this number, or false: there are no more. Always the same. NULL: there are none at all. */
    bool (*shortcut)(struct pci_device *dev, unsigned number, struct pci_shortcut *shortcut);
};

/* Embedded as the first member of each device. */
struct pci_device {
    const struct pci_device_ops *ops;
    const char *name;         /* for messages; owned by the device */
    struct pci_config config; /* BAR layout and capabilities; guarded by the device */
    struct pci_host *host;    /* set by attach, NULL before */
};

/*
 * Config accesses of any alignment and length, as the aligned ones of 1, 2 and 4 bytes that functions take. Where there is no register
 * (dev is NULL, or offset at or beyond PCI_CONFIG_SIZE), reads give ones and writes are dropped.
 */
void pci_device_config_read(struct pci_device *dev, unsigned offset, void *data, size_t len);
void pci_device_config_write(struct pci_device *dev, unsigned offset, const void *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
