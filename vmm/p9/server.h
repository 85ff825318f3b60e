/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 9P2000.L server of one host directory for one client: takes a request and makes the reply, one after the other. Used by virtio/p9.c.
 *
 * Everything is done as the user that the VMM runs as (QEMU calls this passthrough): owners are shown as they are, new things belong to
 * that user, and no owner can be changed (EPERM). A file cannot be given set-user-id or set-group-id. Device nodes, FIFOs and sockets are
 * shown, but neither made nor opened (EPERM). What is mounted below the directory is part of it. Extended attributes are not supported.
 * Locks always succeed, as the client's kernel has arbitrated between its own processes before it asks: they do not reach other guests.
 * Symbolic links are text for the client to resolve.
 *
 * Trust: each request is bytes of a hostile client, in a buffer that it cannot change meanwhile. It can neither leave the directory nor
 * use more than P9_FIDS_MAX fids, P9_OPEN_MAX descriptors and P9_PATHS_MAX_BYTES; but it can fill the disk and write what it likes there,
 * symbolic links too, so that host programs should not trust what they find.
 *
 * Threads: one at a time. A request takes as long as the file system does.
 */
#ifndef MEDIANT_VMM_P9_SERVER_H
#define MEDIANT_VMM_P9_SERVER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    P9_MESSAGE_MIN = 4096,     /* that a client must take */
    P9_MESSAGE_MAX = 128 << 10, /* that we take: what Linux asks for by itself */
};

struct p9_server;

/* Fails with VMM_ERROR_CONFIG, naming path: it is no directory, or cannot be shared. */
struct p9_server *p9_server_create(const char *path, bool read_only, GError **error);
void p9_server_destroy(struct p9_server *server); /* NULL is allowed */
/* The directory, by O_PATH, for the sandbox; stays the server's. */
int p9_server_directory(const struct p9_server *server);

/*
 * Answers a request of len bytes: returns the bytes of the reply, at most room. 0 when there is no way to reply: less than a header came,
 * or room is less than an error takes.
 */
size_t p9_server_handle(struct p9_server *server, const uint8_t *request, size_t len, uint8_t *reply, size_t room);

#ifdef __cplusplus
}
#endif
#endif
