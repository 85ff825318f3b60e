/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One place for a viewer: a thread that speaks VNC with it, by libvncserver, with a copy of the picture as it was told. Viewers have nothing in common but the
 * picture, so that one that does not read holds up nobody, and is dropped after VIEWER_PATIENCE_MS. Used by screen.c.
 *
 * Sources: RFC 6143; libvncserver 0.9.14, rfb/rfb.h.
 *
 * Threads: viewer_create() for all viewers of the process before viewer_start() of any, but for those whose screens vnc_library_reserve() has made. The rest:
 * screen.c's; callbacks come from the viewer's thread, which is started by that of screen.c and so is confined like it.
 */
#ifndef MEDIANT_VMM_DISPLAY_VIEWER_H
#define MEDIANT_VMM_DISPLAY_VIEWER_H

#include "vmm/display/damage.h"
#include "vmm/display/picture.h"
#include "vmm/display/typist.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VIEWER_PATIENCE_MS = 5000,  /* for one that does not read what it asked for */
    VIEWER_GREETING_MS = 10000, /* until it is through the handshake and the password */
    VIEWER_PASSWORD_MAX = 8,    /* characters that VNC's authentication regards */
};

struct viewer;

struct viewer_config {
    const char *title;     /* of its window */
    const char *password;  /* or NULL */
    struct picture *picture;
    const struct input *input;
    const struct keymap *keymap; /* or NULL: it cannot type */
    void (*stirred)(void *opaque); /* it typed, or moved the pointer */
    void (*wants)(void *opaque);   /* it waits for a change */
    void (*left)(void *opaque, const char *why); /* its thread ends; why: NULL when it went by itself */
    void *opaque;
};

/* The strings and pointers outlive it. */
struct viewer *viewer_create(const struct viewer_config *config);
/* Stops it first. NULL is allowed. */
void viewer_destroy(struct viewer *viewer);

/* Takes a connected socket over, also when it fails. The place must be free, the picture must be there. */
bool viewer_start(struct viewer *viewer, int fd, GError **error);
/* A place is free when nobody is there, or has gone. */
bool viewer_is_free(struct viewer *viewer);
/* True when it waits for a change, and has been told of all before. */
bool viewer_wants(const struct viewer *viewer);
/* The picture has changed: what differs. */
void viewer_tell(struct viewer *viewer, const struct damage *damage);
/* Hangs up, without waiting. */
void viewer_hang_up(struct viewer *viewer);
/* Hangs up, and waits for its thread: 5 s when it is busy with a local socket that nobody reads. Also for one that has gone, whose socket is closed only then. */
void viewer_stop(struct viewer *viewer);

#ifdef __cplusplus
}
#endif
#endif
