/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input devices (VIRTIO 1.2, 5.8): a keyboard, and a tablet with absolute position, buttons and wheels; for virtio_pci_create(). Types and codes of events
 * are those of Linux (linux/input-event-codes.h).
 *
 * Threads: the functions beside create, any.
 */
#ifndef MEDIANT_VMM_VIRTIO_INPUT_H
#define MEDIANT_VMM_VIRTIO_INPUT_H

#include "vmm/virtio/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum virtio_input_kind { VIRTIO_INPUT_KEYBOARD, VIRTIO_INPUT_TABLET };

enum {
    VIRTIO_INPUT_CODES = 0x120,      /* keys and buttons are below this */
    VIRTIO_INPUT_PENDING = 512,      /* events that wait for a guest that does not take them */
    VIRTIO_INPUT_AXIS_MAX = 0x7fff,  /* of the tablet; 0 is left and top */
};

struct virtio_device *virtio_input_create(enum virtio_input_kind kind);

/*
 * A key or button goes down or up. One that the device has not, or that is in that state already, is ignored: a guest makes the repetitions itself.
 * Nothing is kept for a guest whose driver does not run. When one does not take its events, new presses are lost; a release is not, it comes later.
 */
void virtio_input_key(struct virtio_device *dev, unsigned code, bool down);
/* The tablet's position; of those that the guest has not taken, the last counts. */
void virtio_input_move(struct virtio_device *dev, unsigned x, unsigned y);
/* Where it was last moved to; 0, 0 at first. */
void virtio_input_position(struct virtio_device *dev, unsigned *x, unsigned *y);
/* Steps of the tablet's wheels: up and right are positive. */
void virtio_input_wheel(struct virtio_device *dev, int vertical, int horizontal);
/* Whether the guest has a lamp of the keyboard on: LED_NUML, LED_CAPSL, LED_SCROLLL. */
bool virtio_input_lamp(struct virtio_device *dev, unsigned code);

#ifdef __cplusplus
}
#endif
#endif
