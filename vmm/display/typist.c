/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a viewer types and points at. See typist.h. */
#include "vmm/display/typist.h"

#include <linux/input-event-codes.h>

static bool holds(const struct typist *typist, unsigned code)
{
    for (unsigned i = 0; i < TYPIST_KEYS; i++)
        if (typist->held[i].keysym && typist->held[i].code == code)
            return true;
    return false;
}

/* With these a key is a command: the layout does not matter. */
static bool commands(const struct typist *typist)
{
    return holds(typist, KEY_LEFTCTRL) || holds(typist, KEY_RIGHTCTRL) || holds(typist, KEY_LEFTALT) || holds(typist, KEY_LEFTMETA) ||
           holds(typist, KEY_RIGHTMETA);
}

/* A modifier whose keys are given (the first is the one to press) is made as wanted; or, to undo, as it is held. */
static void bend(const struct typist *typist, const unsigned *keys, unsigned count, bool wanted, bool undo)
{
    bool held = false;

    for (unsigned i = 0; i < count; i++)
        held |= holds(typist, keys[i]);
    if (held == wanted)
        return;
    if (wanted) {
        input_send_key(typist->input, keys[0], !undo);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        if (holds(typist, keys[i]))
            input_send_key(typist->input, keys[i], undo);
}

static void press(const struct typist *typist, const struct keystroke *stroke)
{
    static const unsigned shifts[] = {KEY_LEFTSHIFT, KEY_RIGHTSHIFT}, level3[] = {KEY_RIGHTALT};
    bool shift = stroke->shift != (stroke->letter && input_caps_lock(typist->input));
    bool bent = stroke->text && !commands(typist);

    if (bent) {
        bend(typist, shifts, G_N_ELEMENTS(shifts), shift, false);
        bend(typist, level3, G_N_ELEMENTS(level3), stroke->level3, false);
    }
    input_send_key(typist->input, stroke->code, true);
    if (bent) {
        bend(typist, level3, G_N_ELEMENTS(level3), stroke->level3, true);
        bend(typist, shifts, G_N_ELEMENTS(shifts), shift, true);
    }
}

void typist_key(struct typist *typist, uint32_t keysym, bool down)
{
    struct keystroke stroke;
    unsigned slot = TYPIST_KEYS;

    for (unsigned i = TYPIST_KEYS; i-- > 0;)
        if (typist->held[i].keysym == keysym || (!typist->held[i].keysym && (slot == TYPIST_KEYS || typist->held[slot].keysym != keysym)))
            slot = i;
    if (!keysym || slot == TYPIST_KEYS)
        return;
    bool held = typist->held[slot].keysym == keysym;
    if (down && !held && typist->keymap && keymap_find(typist->keymap, keysym, &stroke)) {
        press(typist, &stroke);
        typist->held[slot].keysym = keysym;
        typist->held[slot].code = stroke.code;
    } else if (!down && held) {
        typist->held[slot].keysym = 0;
        /* Two symbols of one key can be held: A, then Shift, then a. */
        if (!holds(typist, typist->held[slot].code))
            input_send_key(typist->input, typist->held[slot].code, false);
    }
}

void typist_pointer(struct typist *typist, unsigned x, unsigned y, unsigned width, unsigned height, unsigned buttons)
{
    unsigned before = typist->buttons;

    if (width == 0 || height == 0)
        return;
    typist->x = (unsigned)((uint64_t)MIN(x, width - 1) * INPUT_AXIS_MAX / MAX(width - 1, 1));
    typist->y = (unsigned)((uint64_t)MIN(y, height - 1) * INPUT_AXIS_MAX / MAX(height - 1, 1));
    typist->buttons = buttons;
    input_send_pointer(typist->input, typist->x, typist->y, before, buttons);
}

void typist_leave(struct typist *typist)
{
    for (unsigned i = 0; i < TYPIST_KEYS; i++) {
        if (typist->held[i].keysym)
            input_send_key(typist->input, typist->held[i].code, false);
        typist->held[i].keysym = 0;
    }
    if (typist->buttons)
        input_send_pointer(typist->input, typist->x, typist->y, typist->buttons, 0);
    typist->buttons = 0;
}
