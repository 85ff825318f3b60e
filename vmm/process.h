/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process that runs or serves guests needs of its environment. Called first by session.c and serve.c. */
#ifndef MEDIANT_VMM_PROCESS_H
#define MEDIANT_VMM_PROCESS_H

#include <glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PROCESS_DESCRIPTORS_MIN = 64 };

/*
 * A reader that goes away (SIGPIPE) and a file that grows too large (SIGXFSZ) become errors of a write, not the end of all guests. The process may have as
 * many file descriptors as the system allows; false with VMM_ERROR_FAILED when those are fewer than PROCESS_DESCRIPTORS_MIN, as GLib ends a process that has
 * none left for its main loop.
 */
bool process_prepare(GError **error);

#ifdef __cplusplus
}
#endif
#endif
