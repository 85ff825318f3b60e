/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's keyboard and tablet, for whoever has hands: viewers (typist.c), and who else wants to send keys and positions. Made by vm_devices.c, which gives
 * the two functions to the machine; valid as long as that.
 *
 * Threads: any.
 */
#ifndef MEDIANT_VMM_DISPLAY_INPUT_H
#define MEDIANT_VMM_DISPLAY_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_device;

struct input {
    struct virtio_device *keyboard, *tablet; /* NULL: the guest has none, and all calls do nothing */
};

/* Buttons as VNC counts them, four of which are steps of wheels: up, down, left, right; and two that it has not. */
enum input_buttons {
    INPUT_LEFT = 1 << 0,
    INPUT_MIDDLE = 1 << 1,
    INPUT_RIGHT = 1 << 2,
    INPUT_WHEEL_UP = 1 << 3,
    INPUT_WHEEL_DOWN = 1 << 4,
    INPUT_WHEEL_LEFT = 1 << 5,
    INPUT_WHEEL_RIGHT = 1 << 6,
    INPUT_SIDE = 1 << 8,
    INPUT_EXTRA = 1 << 9,
};

enum { INPUT_AXIS_MAX = 0x7fff };

/* A key by its code of Linux (linux/input-event-codes.h) goes down or up. */
void input_send_key(const struct input *input, unsigned code, bool down);

/* The pointer is at x, y: 0 to INPUT_AXIS_MAX from left to right and from top to bottom of the screen. */
void input_send_position(const struct input *input, unsigned x, unsigned y);
/* Where it was last sent to, by whomever; 0, 0 at first. */
void input_position(const struct input *input, unsigned *x, unsigned *y);
/* buttons are those that are held now, before those that were held at this sender's last call (0 at first): a wheel turns a step when its bit comes. */
void input_send_buttons(const struct input *input, unsigned before, unsigned buttons);
/* Both. */
void input_send_pointer(const struct input *input, unsigned x, unsigned y, unsigned before, unsigned buttons);

/* True when the guest says that CapsLock is on. */
bool input_caps_lock(const struct input *input);

#ifdef __cplusplus
}
#endif
#endif
