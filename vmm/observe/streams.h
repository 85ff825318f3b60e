/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recording of what guests submit: `[observe] streams = FILE`, which `vmm decode` prints. Used by outputs.c and gpu_setup.c.
 *
 * Threads: streams_wanted() and streams_add() from any; they do not block. The main loop writes the file. The rest from the main loop's thread.
 */
#ifndef MEDIANT_VMM_OBSERVE_STREAMS_H
#define MEDIANT_VMM_OBSERVE_STREAMS_H

#include "gpu/defs/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { STREAMS_WAITING_MAX = 4 << 20 }; /* dwords that wait for the disk at most; what comes beyond is left out and counted */

struct streams;

/* Creates the file, of at most max_bytes. Errors name it. */
struct streams *streams_create(const char *path, uint64_t max_bytes, GError **error);
/* Writes what waits, and says what is missing. Nothing is added any more. NULL is allowed. */
void streams_destroy(struct streams *streams);

/* Until the file is full. False for NULL. */
bool streams_wanted(struct streams *streams);
/* Takes the stream. A disk that is full ends the recording, which is said on standard error; guests go on. */
void streams_add(struct streams *streams, struct stream *stream);

#ifdef __cplusplus
}
#endif
#endif
