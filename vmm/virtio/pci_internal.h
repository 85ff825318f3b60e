/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transport's state, for its files: pci.c (config space, BAR), common.c (the registers of the common configuration), worker.c
 * (thread, reset), interrupts.c.
 *
 * lock guards everything but what is the worker's. It is never held in a call to the host or the device. The worker is busy from begin to
 * end of a round; meanwhile the queues are its own, otherwise they belong to who has the lock.
 */
#ifndef MEDIANT_VMM_VIRTIO_PCI_INTERNAL_H
#define MEDIANT_VMM_VIRTIO_PCI_INTERNAL_H

#include "gpu/pci/msix.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/pci.h"

enum {
    /* Device status: 2.1. */
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    STATUS_FAILED = 128,

    /* ISR status: 4.1.4.5. */
    ISR_QUEUE = 1 << 0,
    ISR_CONFIG = 1 << 1,

    NO_VECTOR = 0xffff,
    CONFIG_INTERRUPT = VIRTIO_MAX_QUEUES, /* beside the queues' numbers */
};

/* Features of every device (6). */
#define FEATURE_INDIRECT (UINT64_C(1) << 28)
#define FEATURE_EVENT_IDX (UINT64_C(1) << 29)
#define FEATURE_VERSION_1 (UINT64_C(1) << 32)
#define TRANSPORT_FEATURES (FEATURE_INDIRECT | FEATURE_EVENT_IDX | FEATURE_VERSION_1)

/* Where things are in BAR 0: each on a page of its own, so that a host can treat them differently. */
enum {
    BAR_COMMON = 0x0000,
    BAR_ISR = 0x1000,
    BAR_DEVICE = 0x2000,
    BAR_NOTIFY = 0x3000,
    BAR_MSIX_TABLE = 0x4000,
    BAR_MSIX_PBA = 0x5000,
    BAR_BYTES = 0x8000,
    BAR_PART_BYTES = 0x1000,
    COMMON_BYTES = 56, /* to the end of queue_device */
    NOTIFY_MULTIPLIER = 4,
};

struct queue_registers {
    uint16_t size, vector;
    bool enabled;
    uint64_t desc, avail, used;
};

struct virtio_pci {
    struct pci_device pci; /* first */
    struct virtio_device *dev;
    char *name;
    void (*complain)(void *opaque, const char *text);
    void *opaque;

    GMutex lock;
    GCond idle; /* the worker is not busy any more */
    struct pci_msix msix;
    uint8_t status, isr, generation;
    uint32_t device_feature_select, driver_feature_select;
    uint64_t driver_features;
    uint16_t config_vector, queue_select;
    struct queue_registers registers[VIRTIO_MAX_QUEUES];
    bool busy, reset_wanted;
    unsigned resets; /* how many there were; one at the beginning */
    bool sending, level_sent; /* interrupts.c */
    int64_t complaint_second;
    unsigned complaints_left;

    bool stop;      /* atomic: the worker ends */
    bool impatient; /* atomic: somebody waits for the worker */
    int wake_fd;
    GThread *thread;

    /* The worker's, while it is busy. */
    struct virtio_queue queues[VIRTIO_MAX_QUEUES];
    uint32_t live; /* queues that are in use in this round */
    struct virtio_chain chain, input_chain;
};

/* pci.c. Within a BAR of BAR_BYTES, or the window of the pci-cfg capability. */
void virtio_pci_bar_read(struct virtio_pci *transport, uint64_t offset, void *data, size_t len);
void virtio_pci_bar_write(struct virtio_pci *transport, uint64_t offset, const void *data, size_t len);

/* common.c, with the lock held. Each takes one access to the common configuration. The write tells what to do when the lock is gone. */
uint32_t virtio_common_read(const struct virtio_pci *transport, unsigned offset, unsigned size);
struct virtio_aftermath {
    bool wake;
    char *complaint; /* g_free */
};
void virtio_common_write(struct virtio_pci *transport, unsigned offset, unsigned size, uint32_t value, struct virtio_aftermath *aftermath);

/* With the lock held: back to what the driver finds first; the worker is not busy. */
void virtio_common_reset(struct virtio_pci *transport);
/* With the lock held: NEEDS_RESET, and the driver is told; virtio_interrupts_send() is to follow. Takes reason; returns the complaint or
 * NULL. */
char *virtio_needs_reset(struct virtio_pci *transport, unsigned queue, char *reason);

/* interrupts.c. Raising needs the lock; sending (what is due, in order) must be without it. */
void virtio_interrupts_raise(struct virtio_pci *transport, unsigned which);
void virtio_interrupts_send(struct virtio_pci *transport);

/* worker.c */
void *virtio_worker_run(void *opaque);
/* Waits until the worker has nothing in hand, then resets the virtio side (and clears config space, if that is wanted too). */
void virtio_worker_reset(struct virtio_pci *transport, bool config_space);
/* Without the lock. */
void virtio_complain(struct virtio_pci *transport, char *text);

#endif
