/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entropy device (VIRTIO 1.2, 5.4): the host kernel's random bytes. For virtio_pci_create(). */
#ifndef MEDIANT_VMM_VIRTIO_RNG_H
#define MEDIANT_VMM_VIRTIO_RNG_H

#include "vmm/virtio/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VIRTIO_RNG_MAX_BYTES = 4096 }; /* for one request; the driver asks again if it wants more */

struct virtio_device *virtio_rng_create(void);

#ifdef __cplusplus
}
#endif
#endif
