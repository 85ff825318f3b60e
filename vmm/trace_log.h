/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every event of a trace as a line of text in a file, with the names of registers: what a driver did, access by access. Used by outputs.c, on the main
 * loop's thread.
 */
#ifndef MEDIANT_VMM_TRACE_LOG_H
#define MEDIANT_VMM_TRACE_LOG_H

#include "gpu/trace.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct trace_log;

/* Overwrites the file. name_of() gives the name of the guest with a trace id, or NULL. */
struct trace_log *trace_log_create(const char *path, const char *(*name_of)(void *opaque, unsigned id), void *opaque, GError **error);
/* Writes what has come since the last call; false when the file took less. Then the log is to be finished: nothing more is written. */
bool trace_log_poll(struct trace_log *log, struct trace *trace);
/* The rest, and the end; false when something could not be written, *error says why. NULL is allowed. */
bool trace_log_finish(struct trace_log *log, struct trace *trace, GError **error);

#ifdef __cplusplus
}
#endif
#endif
