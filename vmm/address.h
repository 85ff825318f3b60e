/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where to listen, as people write it: the path of a UNIX socket, or a port of this host, which other hosts cannot reach. For options.c and observe/metrics.c. */
#ifndef MEDIANT_VMM_ADDRESS_H
#define MEDIANT_VMM_ADDRESS_H

#include <gio/gio.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "9110" and "HOST:9110" are ports; all else, and what has a '/', is a path. */
bool address_is_path(const char *text);

/* Whether the text is a path, or a port of a loopback address; false with *reason (caller frees), which suggests example. */
bool address_check(const char *text, const char *example, char **reason);

/* The address of a port; NULL when the text is not one that address_check() likes. Caller frees with g_object_unref(). */
GSocketAddress *address_parse_port(const char *text);

#ifdef __cplusplus
}
#endif
#endif
