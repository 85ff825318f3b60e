/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screens of a run: a VNC server for each VM or served vGPU that has the key `vnc`. Used by session.c and serve.c; docs/displays.md tells it to users.
 *
 * Threads: the main loop's; screens_add() may be called from another, while that waits.
 */
#ifndef MEDIANT_VMM_DISPLAY_SCREENS_H
#define MEDIANT_VMM_DISPLAY_SCREENS_H

#include "vmm/config.h"
#include "vmm/display/input.h"
#include "vmm/gpu_setup.h"
#include "vmm/messages.h"

#ifdef __cplusplus
extern "C" {
#endif

struct screens;

/* What the keys of monitors, screens and keyboards say, checked without opening a port: for config_check(). */
bool screens_check(const struct config *config, GError **error);

/* Takes the ports, and reads passwords and layouts. Errors name file, group and key. config, gpu and messages outlive the screens. */
struct screens *screens_create(const struct config *config, struct gpu_setup *gpu, struct messages *messages, GError **error);
/* Of a user that viewers can type and point at, before screens_start(); input outlives the screens. */
void screens_set_input(struct screens *screens, unsigned user, const struct input *input);
/* Viewers are let in from here on; before the calling thread is confined, as theirs are otherwise than it. */
bool screens_start(struct screens *screens, GError **error);
/* Before the calling thread is confined: makes screens_add() possible afterwards, for SCREENS_LATER screens at a time. */
void screens_prepare_to_grow(struct screens *screens);
enum { SCREENS_LATER = 8 };
/*
 * One more, while others run, on a thread that may listen and start threads (sandbox/maker.h): of a user that has been added to the GPU, with the address vnc, which only
 * this host's users may reach; a path is relative to folder. Viewers can only look.
 */
bool screens_add(struct screens *screens, unsigned user, const char *vnc, const char *folder, GError **error);
/* Where the user's screen is shown; NULL when it has none. Until it is removed. */
const char *screens_where(const struct screens *screens, unsigned user);
/* Hangs up on a user's viewers, before its device is destroyed. Nothing happens when it has no screen. */
void screens_remove(struct screens *screens, unsigned user);
/* Before the devices that are shown and typed at are destroyed. NULL is allowed. */
void screens_destroy(struct screens *screens);

#ifdef __cplusplus
}
#endif
#endif
