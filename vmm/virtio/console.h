/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The console device with one port (VIRTIO 1.2, 5.3); for virtio_pci_create(). Not there: more ports, the window's size.
 *
 * Threads: output runs on the worker, with no lock held; when it blocks, the guest's console waits and nothing else does.
 */
#ifndef MEDIANT_VMM_VIRTIO_CONSOLE_H
#define MEDIANT_VMM_VIRTIO_CONSOLE_H

#include "vmm/virtio/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VIRTIO_CONSOLE_INPUT_BYTES = 4096 }; /* that wait for the guest */

struct virtio_console_config {
    void (*output)(void *opaque, const uint8_t *data, size_t len); /* what the guest wrote, in pieces of at most a page */
    void (*closed)(void *opaque); /* the device is gone: there is no more output. NULL: nobody needs to know */
    void *opaque;
};

struct virtio_device *virtio_console_create(const struct virtio_console_config *config);

/* Input for the guest; returns how many bytes there was room for. Any thread. dev is one that virtio_pci_create() has. */
size_t virtio_console_input(struct virtio_device *dev, const uint8_t *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
