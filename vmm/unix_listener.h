/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A UNIX socket that waits for clients of the same user. Used by vfio_user/server.c and control/server.c.
 *
 * Threads: none of its own; one at a time.
 */
#ifndef MEDIANT_VMM_UNIX_LISTENER_H
#define MEDIANT_VMM_UNIX_LISTENER_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct unix_listener {
    int fd; /* to accept4() from, does not block; -1 when closed */
    char *path;
    bool bound;
    dev_t device; /* of the socket that we made, so that another's is not removed */
    ino_t inode;
};

/*
 * Listens at path with mode 0600. Fails with VMM_ERROR_CONFIG when something is there already (the message says whether a server answers, and what to do) or the
 * folder is missing, with VMM_ERROR_FAILED for the rest. To be closed in either case. The caller tells the sandbox of the folder (SANDBOX_SOCKET).
 */
bool unix_listener_open(struct unix_listener *listener, const char *path, GError **error);
/* Removes the socket, if it is still ours. A listener that was never opened is allowed when its fd is -1. */
void unix_listener_close(struct unix_listener *listener);

#ifdef __cplusplus
}
#endif
#endif
