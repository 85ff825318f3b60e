/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's side of a split virtqueue: takes chains of buffers that the guest made available, copies from and to them, hands them back
 * used. Source: OASIS Virtual I/O Device (VIRTIO) 1.2, 2.7. Packed virtqueues (2.8) are not there, and their feature is never offered.
 *
 * Trust: rings, descriptors and buffers are the guest's, who may change them at any time. Each field is read once; what was read is
 * checked and used. A ring that breaks a rule makes the queue broken, with a reason, and it gives nothing more until it is set up again.
 *
 * Threads: one at a time, the device's worker. The guest writes the same memory meanwhile.
 */
#ifndef MEDIANT_VMM_VIRTIO_QUEUE_H
#define MEDIANT_VMM_VIRTIO_QUEUE_H

#include "gpu/pci/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VIRTIO_QUEUE_MAX_SIZE = 256,
    VIRTIO_CHAIN_MAX = 1024, /* buffers of one chain, with an indirect table */
};

/* Where the driver put the parts, and what was negotiated. */
struct virtio_queue_layout {
    uint16_t size; /* entries, a power of two */
    uint64_t desc, avail, used;
    bool indirect, event_idx;
};

struct virtio_queue {
    struct dma_space *dma;
    struct virtio_queue_layout layout;
    uint16_t next_avail, next_used; /* free-running, as the indices in the rings */
    uint16_t signalled;             /* next_used when an interrupt was last decided on */
    char *broken;                   /* why; NULL while all is well */
};

struct virtio_buffer {
    uint64_t addr;
    uint32_t len;
};

/* One request: first the buffers that the device reads (out), then those that it writes (in), as 2.7.4.2 has it. */
struct virtio_chain {
    uint16_t head;
    unsigned out_count, in_count;
    uint64_t out_bytes, in_bytes; /* their sum is at most 4 GiB */
    struct virtio_buffer buffers[VIRTIO_CHAIN_MAX];
};

/*
 * Starts a queue. False, with the reason in queue->broken, when size, alignment (16, 2, 4) or an end beyond 2^64 is wrong (2.7). Whether
 * memory is there is found out when it is used, as it may come and go. dma is not referenced and must outlive the queue.
 */
bool virtio_queue_start(struct virtio_queue *queue, struct dma_space *dma, const struct virtio_queue_layout *layout);
void virtio_queue_stop(struct virtio_queue *queue);

/* The next chain that is available. False when there is none, or the queue is broken. */
bool virtio_queue_pop(struct virtio_queue *queue, struct virtio_chain *chain);
/* Puts back the chain that was popped last, and was not pushed. */
void virtio_queue_unpop(struct virtio_queue *queue);
/* Gives a chain back, of whose in part the first written bytes were written. They are visible before the chain is. */
void virtio_queue_push(struct virtio_queue *queue, const struct virtio_chain *chain, uint32_t written);

/* Whether the driver wants an interrupt for what was pushed since the last call (2.7.7, 2.7.10). */
bool virtio_queue_should_interrupt(struct virtio_queue *queue);

/* Tells the driver that it need not notify (a hint that it may ignore), */
void virtio_queue_suppress(struct virtio_queue *queue);
/* ... or must. Returns true when something became available in between: then its notification may be lost, and the caller looks again. */
bool virtio_queue_unsuppress(struct virtio_queue *queue);

/*
 * Copies len bytes from offset on of a chain's out part to data, or from data to its in part. False when the part has not so many, or
 * (then the queue is broken) memory is not there.
 */
bool virtio_chain_read(struct virtio_queue *queue, const struct virtio_chain *chain, uint64_t offset, void *data, size_t len);
bool virtio_chain_write(struct virtio_queue *queue, const struct virtio_chain *chain, uint64_t offset, const void *data, size_t len);

/* For devices that find a request too malformed to answer it. The first reason stays. */
void virtio_queue_break(struct virtio_queue *queue, const char *format, ...) G_GNUC_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
