/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server of the QEMU Machine Protocol's wire form: greeting, qmp_capabilities, commands with an id, errors with a class, events with a time stamp. It knows the
 * protocol and the commands that tell of it; what else there is comes from the tables that are added. Source: QEMU's docs/interop/qmp-spec.txt.
 *
 * Several clients may be there. One whose messages are wrong gets an error for each and stays; one that does not read is dropped when more than
 * CONTROL_OUTPUT_MAX bytes wait for it.
 *
 * Threads: all of it runs in GLib's default main context, on its thread; only control_server_event() may be called from any.
 */
#ifndef MEDIANT_VMM_CONTROL_SERVER_H
#define MEDIANT_VMM_CONTROL_SERVER_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct control_server;

enum {
    CONTROL_MESSAGE_MAX = 64 << 10,
    CONTROL_OUTPUT_MAX = 1 << 20, /* that wait when one more message is added: a long one alone may be longer */
    CONTROL_CLIENTS_MAX = 32,
    CONTROL_EVENTS_MAX = 1024,    /* that wait for the main loop; more are dropped, and EVENTS_LOST tells how many */
    CONTROL_ARGUMENTS_MAX = 6,
};

/* Classes of errors, as in QMP. Other domains, too, are reported as GenericError. */
#define CONTROL_ERROR control_error_quark()
enum control_error {
    CONTROL_ERROR_GENERIC,
    CONTROL_ERROR_COMMAND_NOT_FOUND,
    CONTROL_ERROR_DEVICE_NOT_FOUND, /* no VM or vGPU of that name */
};
GQuark control_error_quark(void);

enum control_type { CONTROL_STRING, CONTROL_NUMBER, CONTROL_BOOL, CONTROL_ARRAY };

struct control_argument {
    const char *name; /* NULL: the list's end */
    enum control_type type;
    bool optional;
    gint64 min, max; /* of numbers; of an array, how many elements: what these are, the command checks */
    const char *help;
};

struct control_command {
    const char *name; /* NULL: the table's end */
    struct control_argument arguments[CONTROL_ARGUMENTS_MAX + 1];
    const char *help; /* one sentence, without a point */
    /*
     * Returns what goes into "return" (owned by the caller), or NULL and an error. arguments is checked: it has what is not optional, all of the right type,
     * numbers and lengths in their range, and nothing else. Must not block.
     */
    JsonNode *(*run)(void *opaque, JsonObject *arguments, GError **error);
};

/* What a command without a result returns: an empty object. */
JsonNode *control_nothing(void);

/* Errors as unix_listener_open()'s. */
struct control_server *control_server_create(const char *path, GError **error);
/* Sends what can be sent at once, closes the connections, removes the socket. NULL is allowed. */
void control_server_destroy(struct control_server *server);

/* Adds a table of commands; it outlives the server. Names are unique among all tables. */
void control_server_add(struct control_server *server, const struct control_command *commands, void *opaque);

/* Sends an event to all clients, soon. Takes data over; NULL for none. Any thread; a NULL server drops it. */
void control_server_event(struct control_server *server, const char *name, JsonObject *data);

/* The commands of the protocol itself, for documentation. */
extern const struct control_command control_protocol_commands[];

#ifdef __cplusplus
}
#endif
#endif
