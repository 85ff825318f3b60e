/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block device (VIRTIO 1.2, 5.2) on a raw file or a block device; for virtio_pci_create(). Reads, writes, flush, discard, write
 * zeroes, serial.
 *
 * The worker thread does the I/O, one request after the other, through a buffer of its own: a DMA section must not last as long as a disk
 * may take, and with the buffer O_DIRECT needs no alignment of the guest's. What can go wrong with a request is that request's error.
 */
#ifndef MEDIANT_VMM_VIRTIO_BLOCK_H
#define MEDIANT_VMM_VIRTIO_BLOCK_H

#include "vmm/virtio/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VIRTIO_BLOCK_SECTOR = 512,
    VIRTIO_BLOCK_MAX_DISCARD = 1 << 22, /* sectors of one range */
    VIRTIO_BLOCK_MAX_ZEROES = 1 << 15,
    VIRTIO_BLOCK_MAX_RANGES = 16,
    VIRTIO_BLOCK_SERIAL_BYTES = 20,
};

struct virtio_block_config {
    const char *path;
    const char *serial; /* up to 20 bytes that the guest sees; NULL: none */
    bool read_only;
    bool direct; /* past the host's page cache */
};

/*
 * Opens the image. Fails with VMM_ERROR_CONFIG, naming path: it cannot be opened, is empty or not of whole sectors (4 KiB blocks with
 * direct), is neither file nor block device, or another VM has it (a lock for the open file: one writer, or readers).
 */
struct virtio_device *virtio_block_create(const struct virtio_block_config *config, GError **error);

#ifdef __cplusplus
}
#endif
#endif
