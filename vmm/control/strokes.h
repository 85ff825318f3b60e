/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that are pressed together, held for a while and let go, one stroke after the other for each keyboard: so that none is lost when several are sent at
 * once, and nobody waits. Used by typing.c.
 *
 * Threads: GLib's default main context's, which turns meanwhile.
 */
#ifndef MEDIANT_VMM_CONTROL_STROKES_H
#define MEDIANT_VMM_CONTROL_STROKES_H

#include "vmm/display/input.h"

#ifdef __cplusplus
extern "C" {
#endif

struct strokes;

enum {
    STROKES_KEYS = 16,     /* of one stroke */
    STROKES_WAITING = 256, /* for one keyboard, with the one that is held */
};

struct stroke {
    unsigned codes[STROKES_KEYS]; /* of Linux, in the order in which they go down; they go up in the other */
    unsigned count, hold_ms;
};

struct strokes *strokes_create(void);
/* Forgets what waits and what is held: the keyboards may be gone. NULL is allowed. */
void strokes_destroy(struct strokes *strokes);

/* Presses them at once, or after those that wait. input is valid until strokes_destroy(). False: too many wait. */
bool strokes_add(struct strokes *strokes, const struct input *input, const struct stroke *stroke);

#ifdef __cplusplus
}
#endif
#endif
