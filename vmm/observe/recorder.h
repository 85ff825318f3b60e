/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder behind `trace = FILE` and trace-start/trace-stop: keeps the newest events of the scheduler in memory, so that it can stay on for days, and writes
 * them as Chrome's trace (chrome_trace.h) when it is stopped. Used by outputs.c on the main loop's thread; guests do not wait for it.
 */
#ifndef MEDIANT_VMM_OBSERVE_RECORDER_H
#define MEDIANT_VMM_OBSERVE_RECORDER_H

#include "gpu/trace.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct recorder;

enum { RECORDER_KEEPS = 1 << 18 }; /* events at most, 32 bytes each */

/* name_of() as for struct chrome_trace. Nothing is recorded yet. */
struct recorder *recorder_create(const char *(*name_of)(void *opaque, unsigned vgpu), void *opaque);
void recorder_destroy(struct recorder *recorder); /* forgets what is not written; NULL is allowed */

/*
 * Creates the file and begins to keep what trace records from now on; the caller has trace_keep() keep chrome_trace_events. Errors name the file: it cannot be
 * created, or another recording is under way (VMM_ERROR_FAILED).
 */
bool recorder_start(struct recorder *recorder, const char *path, struct trace *trace, GError **error);
/* The file that is recorded to, or NULL. */
const char *recorder_path(const struct recorder *recorder);
/* Takes new events; often enough that the trace's ring does not overflow. Without a recording, does nothing. */
void recorder_poll(struct recorder *recorder, struct trace *trace);
/* The last ones, and writes the file; the recording is over either way. False when there was none or the file could not be written completely. */
bool recorder_stop(struct recorder *recorder, struct trace *trace, GError **error);

#ifdef __cplusplus
}
#endif
#endif
