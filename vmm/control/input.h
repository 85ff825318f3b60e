/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts a stream of bytes into JSON messages. A message ends with the bracket that closes its first one, as clients need not send a line's end
 * (QEMU's docs/interop/qmp-spec.txt, 2), or with a line's end at the latest: so one that is malformed spoils nothing behind its line. Used by server.c and client.c.
 *
 * Threads: none of its own; one at a time.
 */
#ifndef MEDIANT_VMM_CONTROL_INPUT_H
#define MEDIANT_VMM_CONTROL_INPUT_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CONTROL_INPUT_DEPTH = 32 }; /* brackets within each other: parsers call themselves for each */

struct control_input {
    GString *text; /* of the message so far */
    size_t limit;  /* bytes of a message */
    unsigned depth;
    bool in_string, escaped;
    bool skipping; /* to the end of the line: what was wrong with it has been said */
};

void control_input_init(struct control_input *input, size_t limit);
void control_input_finish(struct control_input *input);

/*
 * Takes bytes up to the end of the next message and returns how many it took: all of them when no message ended, and at least one. *message is the message,
 * an object, owned by the caller; NULL when none has ended, or *problem says what was wrong with it (G_IO_ERROR_INVALID_DATA).
 */
size_t control_input_take(struct control_input *input, const char *bytes, size_t len, JsonObject **message, GError **problem);

#ifdef __cplusplus
}
#endif
#endif
