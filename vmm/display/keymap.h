/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a viewer types, turned into keys of the guest. VNC tells symbols (X11's keysyms), a keyboard has keys; in between is the layout that the guest has
 * set. libxkbcommon knows the layouts; here they are turned around. Used by typist.c.
 *
 * Threads: constant once it is made.
 */
#ifndef MEDIANT_VMM_DISPLAY_KEYMAP_H
#define MEDIANT_VMM_DISPLAY_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keymap;

/* A layout by its name of XKB, with a variant if wanted: "us", "de", "fr(bepo)". NULL when there is none of that name. */
struct keymap *keymap_create(const char *layout);
void keymap_destroy(struct keymap *keymap); /* NULL is allowed */

/* How a symbol is made. */
struct keystroke {
    uint16_t code; /* of the key: Linux's, linux/input-event-codes.h */
    bool text;     /* what is held with it matters, as said by the next three: the key makes another symbol otherwise */
    bool letter;   /* CapsLock turns Shift around */
    bool shift, level3; /* Shift; AltGr */
};

/* The symbol of a character of Unicode; of a line's end, the key Return. 0 when there is none. */
uint32_t keymap_symbol(uint32_t character);
/* False for symbols that the layout has not. */
bool keymap_find(const struct keymap *keymap, uint32_t keysym, struct keystroke *stroke);

#ifdef __cplusplus
}
#endif
#endif
