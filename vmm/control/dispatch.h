/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a client's message to a command's answer. Used by server.c; see server.h for the rest. */
#ifndef MEDIANT_VMM_CONTROL_DISPATCH_H
#define MEDIANT_VMM_CONTROL_DISPATCH_H

#include "vmm/control/server.h"

struct control_table {
    const struct control_command *commands;
    void *opaque;
};

/* The answer to a message, or to one that could not be read (message NULL, problem set): an object with "return" or "error", and the id if there was one. */
JsonObject *control_answer(const GArray *tables, bool *negotiated, JsonObject *message, const GError *problem);

/* {"QMP": ...} */
JsonObject *control_greeting(void);
/* Adds "timestamp", as events have it. */
void control_add_timestamp(JsonObject *event);

#endif
