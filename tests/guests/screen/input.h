/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event queues of virtio's keyboard and tablet, polled. Layouts: VIRTIO 1.2, 2.7, 4.1.4, 5.8. */
#ifndef GUEST_SCREEN_INPUT_H
#define GUEST_SCREEN_INPUT_H

#include "pci.h"

enum { INPUT_BUFFERS = 16 };

struct input_event {
    uint16_t type, code;
    uint32_t value;
};

struct input_device {
    pci_devfn dev;
    uintptr_t bar, notify;
    volatile uint16_t *avail, *used;
    struct input_event *buffers;
    uint16_t taken;
    char name[32];
};

/* Starts the device in a place of the bus; false when none is there. */
bool input_start(struct input_device *input, pci_devfn dev);
/* The next event; false when none waits. */
bool input_next(struct input_device *input, struct input_event *event);

#endif
