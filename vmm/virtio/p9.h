/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 9P transport device (device id 9: VIRTIO 1.2, 5; its configuration is a 16-bit length and the mount tag): a host directory for the
 * guest, which mounts it by its tag. For virtio_pci_create(). What it serves is p9/server.h.
 *
 * The worker thread copies each request in before it looks at it, and answers one after the other.
 */
#ifndef MEDIANT_VMM_VIRTIO_P9_H
#define MEDIANT_VMM_VIRTIO_P9_H

#include "vmm/virtio/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_p9_config {
    const char *path; /* the directory */
    const char *tag;  /* up to VIRTIO_CONFIG_BYTES - 2 bytes */
    bool read_only;
};

/* Fails as p9_server_create(). */
struct virtio_device *virtio_p9_create(const struct virtio_p9_config *config, GError **error);

#ifdef __cplusplus
}
#endif
#endif
