/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VNC server of one guest's screen: lets viewers in, watches the screen while one waits for a change, and tells them all. Used by screens.c.
 *
 * Threads: one of its own, and one for each viewer that is there; without viewers it sleeps. screen_create() of all screens before screen_start() of any,
 * but for those that are reserved (viewer.h).
 */
#ifndef MEDIANT_VMM_DISPLAY_SCREEN_H
#define MEDIANT_VMM_DISPLAY_SCREEN_H

#include "vmm/display/address.h"
#include "vmm/display/viewer.h"
#include "vmm/display/watch.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SCREEN_VIEWERS = 8 }; /* at a time; more are turned away */

struct screen;

struct screen_config {
    const char *guest;           /* its name */
    const char *password;        /* or NULL */
    const struct keymap *keymap; /* or NULL: viewers cannot type */
    struct watch_source source;
    void (*say)(void *opaque, const char *text); /* a line about viewers, any thread; or NULL */
    void *opaque;
};

/* What config points to is copied, but for keymap and opaque, which outlive it. Takes listener over, also when it fails: NULL without descriptors. */
struct screen *screen_create(const struct screen_config *config, struct vnc_listener *listener);
/* Viewers are let in from here on. input outlives the screen; NULL: none. */
bool screen_start(struct screen *screen, const struct input *input, GError **error);
/* Hangs up on all. NULL is allowed. */
void screen_destroy(struct screen *screen);

#ifdef __cplusplus
}
#endif
#endif
