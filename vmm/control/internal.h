/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What control.c, commands.c and watch.c share. */
#ifndef MEDIANT_VMM_CONTROL_INTERNAL_H
#define MEDIANT_VMM_CONTROL_INTERNAL_H

#include "vmm/control/control.h"

struct watch;

struct control {
    struct control_config config;
    struct control_server *server;
    struct watch *watch;
};

/* {"name": NAME}: what events of a user begin with. */
JsonObject *control_event_data(const struct control *control, unsigned user);
/* The user's machine, or NULL. */
struct machine *control_machine(const struct control *control, unsigned user);

/* watch.c: looks at the counters of all vGPUs ten times a second, and sends an event for what has happened. */
struct watch *watch_create(struct control *control);
void watch_destroy(struct watch *watch); /* NULL is allowed */

#endif
