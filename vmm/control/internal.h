/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What control.c, commands.c and watch.c share. */
#ifndef MEDIANT_VMM_CONTROL_INTERNAL_H
#define MEDIANT_VMM_CONTROL_INTERNAL_H

#include "vmm/control/control.h"

struct strokes;
struct watch;

struct control {
    struct control_config config;
    struct control_server *server;
    struct watch *watch;
    struct strokes *strokes;
};

/* {"name": NAME}: what events of a user begin with. */
JsonObject *control_event_data(const struct control *control, unsigned user);
/* The user's machine, or NULL. */
struct machine *control_machine(const struct control *control, unsigned user);

/* The user that the argument name names; CONTROL_ERROR_DEVICE_NOT_FOUND when there is none. */
bool control_find_user(const struct control *control, JsonObject *arguments, unsigned *user, GError **error);
/* There is such a machine, and it has not ended. */
bool control_runs(struct machine *machine);
/* The error of commands about machines where these are others'. */
void control_refuse_served(GError **error);

/* watch.c: looks at the counters of all vGPUs ten times a second, and sends an event for what has happened. */
struct watch *watch_create(struct control *control);
void watch_destroy(struct watch *watch); /* NULL is allowed */

#endif
