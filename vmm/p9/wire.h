/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields of 9P messages: little-endian numbers, and strings with a 16-bit length before them. Nothing goes over the end of a buffer: a
 * reader that lacks bytes is bad and gives zeroes, a writer that lacks room is full and drops. Used by the files of this folder.
 */
#ifndef MEDIANT_VMM_P9_WIRE_H
#define MEDIANT_VMM_P9_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct p9_reader {
    const uint8_t *data;
    size_t left;
    bool bad;
};

/* In the message, without a zero at its end; it may hold some. */
struct p9_string {
    const char *text;
    uint16_t len;
};

uint8_t p9_get_u8(struct p9_reader *in);
uint16_t p9_get_u16(struct p9_reader *in);
uint32_t p9_get_u32(struct p9_reader *in);
uint64_t p9_get_u64(struct p9_reader *in);
struct p9_string p9_get_string(struct p9_reader *in);
/* NULL when there are not so many. */
const uint8_t *p9_get_bytes(struct p9_reader *in, size_t len);
/* All was there, and nothing is left. */
bool p9_all_read(const struct p9_reader *in);

struct p9_writer {
    uint8_t *data;
    size_t size, at;
    bool full;
};

void p9_put_u8(struct p9_writer *out, uint8_t value);
void p9_put_u16(struct p9_writer *out, uint16_t value);
void p9_put_u32(struct p9_writer *out, uint32_t value);
void p9_put_u64(struct p9_writer *out, uint64_t value);
void p9_put_string(struct p9_writer *out, const char *text, size_t len);
size_t p9_room(const struct p9_writer *out);
/* Room for len bytes that the caller fills; NULL when there is not so much. */
uint8_t *p9_put_space(struct p9_writer *out, size_t len);

#ifdef __cplusplus
}
#endif
#endif
