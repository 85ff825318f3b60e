/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key `vnc`: where a screen is shown.
 *
 *   5900              a port of 127.0.0.1
 *   :0                the same by its display number, as viewers call it: 5900 and the number
 *   192.168.1.5:5900  an address of the host (not a name) and a port; IPv6 in brackets, as [::1]:5900
 *   unix:PATH         a socket, for the user that runs vmm
 *
 * Used by screens.c.
 */
#ifndef MEDIANT_VMM_DISPLAY_ADDRESS_H
#define MEDIANT_VMM_DISPLAY_ADDRESS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { VNC_PORT = 5900 };

struct vnc_address {
    char *host; /* numeric; NULL for a path */
    uint16_t port;
    char *path; /* or NULL */
};

/* A path is relative to base unless that is NULL. False with *reason (caller frees). */
bool vnc_address_parse(const char *text, const char *base, struct vnc_address *address, char **reason);
void vnc_address_clear(struct vnc_address *address);
/* True when only this host's users reach it. */
bool vnc_address_is_local(const struct vnc_address *address);
/* "127.0.0.1:5900", "[::1]:5900", "unix:/run/a.sock": in one form whatever was written. Caller frees. */
char *vnc_address_text(const struct vnc_address *address);

/* A socket that listens and does not block; -1 with *reason (caller frees), which names what is taken and the cure. */
struct vnc_listener {
    int fd;
    char *path;           /* of a socket that we made, or NULL */
    struct stat identity; /* of it, so that another's is not removed */
};
bool vnc_listen(const struct vnc_address *address, struct vnc_listener *listener, char **reason);
void vnc_listener_close(struct vnc_listener *listener); /* once; with fd -1 nothing happens */

#ifdef __cplusplus
}
#endif
#endif
