/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorded submission of a guest: the commands of its ring segment and of the batches that these lead to. Gathered by the vGPU (mmio/record.c), written to a
 * file by vmm/observe/streams.c, printed by `vmm decode`, made into inputs of the fuzzer by tests/fuzz/seeds-from.
 *
 * Pure data: no state, any thread.
 */
#ifndef MEDIANT_GPU_DEFS_STREAM_H
#define MEDIANT_GPU_DEFS_STREAM_H

#include "gpu/defs/decode.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    STREAM_PARTS_MAX = 64,
    STREAM_DWORDS_MAX = 1 << 17, /* of all parts together */
};

enum stream_part_kind {
    STREAM_RING,       /* as the guest wrote it */
    STREAM_BATCH,      /* in the global GTT: as the audit leaves it; an indirect context batch as the guest wrote it */
    STREAM_USER_BATCH, /* in the guest's per-process address space: as it was at the submission */
    STREAM_PART_KINDS
};

struct stream_part {
    enum stream_part_kind kind;
    uint64_t gma; /* the guest's graphics address of dwords[0]; a ring segment that wraps goes on straight */
    uint32_t *dwords;
    unsigned count;
};

struct stream {
    unsigned engine;
    uint64_t context; /* global graphics address of the guest's image */
    char *guest;      /* one line, may be NULL */
    struct stream_part parts[STREAM_PARTS_MAX];
    unsigned part_count, dwords; /* dwords: of all parts */
};

struct stream *stream_create(unsigned engine, uint64_t context, const char *guest);
void stream_free(struct stream *stream); /* NULL is allowed */

/* Keeps a copy; false when it is more than a stream holds, and what did not fit is left out. */
bool stream_add(struct stream *stream, enum stream_part_kind kind, uint64_t gma, const uint32_t *dwords, size_t count);

/* What a file of them begins with, with its newline. */
#define STREAM_FIRST_LINE "Mediant command streams, version 1\n"
/* Appends it as text. */
void stream_format(const struct stream *stream, GString *text);
/*
 * The next submission of a text, from *at on (behind the first line), NULL at its end. Moves *at, and *line by as many lines. Text may be anything: NULL with
 * G_IO_ERROR_INVALID_DATA that names the line.
 */
struct stream *stream_parse(const char **at, unsigned *line, GError **error);
/* Prints it in the PRM's terms. */
void stream_decode(const struct stream *stream, decode_print print, void *opaque);

#ifdef __cplusplus
}
#endif
#endif
