/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and pointer for a guest. See input.h. */
#include "vmm/display/input.h"

#include "vmm/virtio/input.h"

#include <linux/input-event-codes.h>

G_STATIC_ASSERT((int)INPUT_AXIS_MAX == (int)VIRTIO_INPUT_AXIS_MAX);

void input_send_key(const struct input *input, unsigned code, bool down)
{
    if (input->keyboard)
        virtio_input_key(input->keyboard, code, down);
}

void input_send_position(const struct input *input, unsigned x, unsigned y)
{
    if (input->tablet)
        virtio_input_move(input->tablet, x, y);
}

void input_position(const struct input *input, unsigned *x, unsigned *y)
{
    *x = *y = 0;
    if (input->tablet)
        virtio_input_position(input->tablet, x, y);
}

void input_send_buttons(const struct input *input, unsigned before, unsigned buttons)
{
    static const struct {
        unsigned mask, code;
    } keys[] = {{INPUT_LEFT, BTN_LEFT}, {INPUT_MIDDLE, BTN_MIDDLE}, {INPUT_RIGHT, BTN_RIGHT}, {INPUT_SIDE, BTN_SIDE}, {INPUT_EXTRA, BTN_EXTRA}};
    unsigned changed = before ^ buttons, turned = buttons & ~before;
    int vertical = !!(turned & INPUT_WHEEL_UP) - !!(turned & INPUT_WHEEL_DOWN);
    int horizontal = !!(turned & INPUT_WHEEL_RIGHT) - !!(turned & INPUT_WHEEL_LEFT);

    if (!input->tablet)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (changed & keys[i].mask)
            virtio_input_key(input->tablet, keys[i].code, buttons & keys[i].mask);
    if (vertical || horizontal)
        virtio_input_wheel(input->tablet, vertical, horizontal);
}

void input_send_pointer(const struct input *input, unsigned x, unsigned y, unsigned before, unsigned buttons)
{
    input_send_position(input, x, y);
    input_send_buttons(input, before, buttons);
}

bool input_caps_lock(const struct input *input)
{
    return input->keyboard && virtio_input_lamp(input->keyboard, LED_CAPSL);
}
