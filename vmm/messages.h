/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines for standard error from threads that must not block: the main loop prints them. Used by session.c and serve.c.
 *
 * Threads: messages_add() from any; the rest from the main loop's.
 */
#ifndef MEDIANT_VMM_MESSAGES_H
#define MEDIANT_VMM_MESSAGES_H

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct messages;

struct messages *messages_create(void);
/* Prints what is left; NULL is allowed. */
void messages_destroy(struct messages *messages);

/* Prints "vmm: " and the text as a line, soon. Beyond 64 KiB that wait to be printed, lines are dropped, and that is said. */
void messages_add(struct messages *messages, const char *format, ...) G_GNUC_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
