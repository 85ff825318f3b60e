/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a virtio device is to its transport: a table of functions, a configuration structure, queues. Implemented by block.c, rng.c,
 * console.c, net.c, p9.c and input.c; called by pci.c and worker.c.
 *
 * Threads: but for config_access and destroy, every function of the table runs on the transport's worker thread, one at a time, without locks held.
 * Only config is read by others; it does not change after create.
 */
#ifndef MEDIANT_VMM_VIRTIO_DEVICE_H
#define MEDIANT_VMM_VIRTIO_DEVICE_H

#include "vmm/sandbox/sandbox.h"
#include "vmm/virtio/queue.h"

#include <poll.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_pci;
struct virtio_device;

enum {
    VIRTIO_MAX_QUEUES = 4,
    VIRTIO_CONFIG_BYTES = 136, /* the largest device configuration */
};

struct virtio_device_ops {
    /*
     * A chain of a queue whose requests the device answers: returns how many bytes it wrote to the in part. May break the queue. Long
     * work looks at virtio_pci_stopping() now and then and gives up when it is true.
     */
    uint32_t (*request)(struct virtio_device *dev, unsigned index, struct virtio_queue *queue, struct virtio_chain *chain);
    /*
     * Before the worker sleeps and after it: adds what else it waits for (struct pollfd) and lowers *timeout_ms; then takes what came.
     * count is what it added. Either may be NULL. Queues with input are filled by virtio_pci_input().
     */
    void (*prepare)(struct virtio_device *dev, GArray *fds, int *timeout_ms);
    void (*dispatch)(struct virtio_device *dev, const struct pollfd *fds, unsigned count);
    /*
     * For a configuration that changes with what the driver writes to it; NULL: config is read and cannot be written. From any vCPU, no lock held. The
     * access is within config_bytes; data is read for a write, and written for a read.
     */
    void (*config_access)(struct virtio_device *dev, size_t offset, uint8_t *data, size_t len, bool write);
    void (*destroy)(struct virtio_device *dev);
};

struct virtio_device {
    const struct virtio_device_ops *ops;
    const char *kind;      /* "block", for messages */
    uint16_t id;           /* VIRTIO 1.2, chapter 5 */
    uint32_t class_code;   /* PCI, 24 bits */
    uint64_t features;     /* the device's own, offered */
    unsigned queue_count;  /* at most VIRTIO_MAX_QUEUES */
    uint16_t queue_size;   /* at most VIRTIO_QUEUE_MAX_SIZE, a power of two */
    uint32_t input_queues; /* bit n: the driver puts empty buffers there, that wait for input */
    uint8_t config[VIRTIO_CONFIG_BYTES];
    size_t config_bytes;
    struct sandbox_thread sandbox; /* how the worker is confined: {0} when it opens nothing */
    struct virtio_pci *transport; /* set before the worker starts */
};

/* The device's functions for the worker thread. */

/*
 * Writes a head and a body, as one chain of an input queue, and interrupts as the driver wishes. False when no buffer waits, or the queue
 * is not in use: the transport then wakes dispatch() when one comes. *fits is false when a buffer was there and is too small; it stays.
 */
bool virtio_pci_input(struct virtio_pci *transport, unsigned index, const void *head, size_t head_len, const void *body, size_t len,
                      bool *fits);
/* How many bytes the next buffer of an input queue takes; 0 when none waits. */
uint64_t virtio_pci_input_room(struct virtio_pci *transport, unsigned index);
/* 0 while no driver has the device set up; else a number that is another one after each reset. Any thread, no lock of the device held. */
unsigned virtio_pci_session(struct virtio_pci *transport);
/* True when somebody waits for the worker: a reset, or the end. Any thread. */
bool virtio_pci_stopping(struct virtio_pci *transport);
/* Makes the worker call dispatch() (and look at all queues). Any thread. */
void virtio_pci_wake(struct virtio_pci *transport);

#ifdef __cplusplus
}
#endif
#endif
