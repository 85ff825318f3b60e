/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between unpack.c, which has the table of formats and the loop, and the files that know the libraries. */
#ifndef MEDIANT_VMM_KERNEL_UNPACK_INTERNAL_H
#define MEDIANT_VMM_KERNEL_UNPACK_INTERNAL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unpack_status {
    UNPACK_MORE, /* a step went well, and the stream goes on */
    UNPACK_END,  /* of the stream */
    UNPACK_TRUNCATED,
    UNPACK_CORRUPT,
    UNPACK_TOO_LARGE, /* more than the limit comes out */
    UNPACK_NO_MEMORY, /* of the host, or more than a decoder may have */
};

/* Grows as it fills. */
struct unpack_output {
    uint8_t *data;
    size_t size, capacity;
    size_t max; /* of capacity */
};
/* Makes room for at least want bytes, or for as many as are left up to max. Returns the room, 0 at max, or sets *status. */
size_t unpack_room(struct unpack_output *out, size_t want, enum unpack_status *status);

/* A library that decodes piece by piece. */
struct unpack_stream {
    void *(*create)(void); /* NULL: no memory */
    /* Takes from in and puts to out; *in_size and *out_size become how much of it. Neither is 0 before, but *in_size at the end of the data. */
    enum unpack_status (*step)(void *state, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size);
    void (*destroy)(void *state);
};
extern const struct unpack_stream unpack_gzip, unpack_bzip2, unpack_xz, unpack_lzma, unpack_zstd;

/* lz4's legacy frame: the whole of data. */
enum unpack_status unpack_lz4(const uint8_t *data, size_t size, struct unpack_output *out);

#endif
