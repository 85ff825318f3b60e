/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One viewer at a guest's keyboard and tablet: symbols become keys, with the modifiers that the guest's layout needs for them, and what it holds down is let
 * go when it leaves. Used by viewer.c.
 *
 * Threads: one at a time.
 */
#ifndef MEDIANT_VMM_DISPLAY_TYPIST_H
#define MEDIANT_VMM_DISPLAY_TYPIST_H

#include "vmm/display/input.h"
#include "vmm/display/keymap.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TYPIST_KEYS = 32 }; /* that a viewer holds down at a time; more are not pressed */

struct typist {
    const struct input *input;
    const struct keymap *keymap; /* NULL: no key does anything */
    struct {
        uint32_t keysym; /* 0: none */
        uint16_t code;
    } held[TYPIST_KEYS];
    unsigned buttons, x, y; /* of the pointer, as last told */
};

void typist_key(struct typist *typist, uint32_t keysym, bool down);
/* Pixels of a screen of width x height. */
void typist_pointer(struct typist *typist, unsigned x, unsigned y, unsigned width, unsigned height, unsigned buttons);
/* Lets go of everything. */
void typist_leave(struct typist *typist);

#ifdef __cplusplus
}
#endif
#endif
