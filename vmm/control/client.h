/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of the control socket, for vmm ps, stop, top and the like: one command at a time, each waited for.
 *
 * Threads: one. Errors: VMM_ERROR_CONFIG when what was asked for is not there, VMM_ERROR_FAILED for the rest; they name the socket or the guest.
 */
#ifndef MEDIANT_VMM_CONTROL_CLIENT_H
#define MEDIANT_VMM_CONTROL_CLIENT_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct control_client;

/* The option that all these commands have. */
#define CONTROL_OPTION_ENTRY(path) \
    {"control", 0, 0, G_OPTION_ARG_FILENAME, (path), "Control socket; if not given, all in the default folder are looked at", "PATH"}

/* Connects and negotiates. */
struct control_client *control_client_open(const char *path, GError **error);
void control_client_close(struct control_client *client); /* NULL is allowed */
const char *control_client_path(const struct control_client *client);

/* What the command returned, owned by the caller; NULL with the server's error or that of the connection. Takes arguments over; NULL for none. */
JsonNode *control_client_call(struct control_client *client, const char *command, JsonObject *arguments, GError **error);
/* Waits for one of these events (a list that ends with NULL) about a guest: returns it, or "" when the server has ended, NULL after the time. */
const char *control_client_wait(struct control_client *client, const char *const *events, const char *guest, gint64 timeout_us);

/* All that answer: the one at path, or, when path is NULL, those in control_folder(). NULL with an error when there is none. Caller frees with g_ptr_array_unref(). */
GPtrArray *control_clients_open(const char *path, GError **error);
/* The one that has a VM or vGPU of that name. */
struct control_client *control_client_find(const char *path, const char *guest, GError **error);

/* {"name": guest}: what most commands take. */
JsonObject *control_guest_arguments(const char *guest);

#ifdef __cplusplus
}
#endif
#endif
