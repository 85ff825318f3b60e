/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packs and unpacks the fields of 9P messages; see wire.h. */
#include "vmm/p9/wire.h"

#include <string.h>

const uint8_t *p9_get_bytes(struct p9_reader *in, size_t len)
{
    const uint8_t *bytes = in->data;

    if (in->bad || len > in->left) {
        in->bad = true;
        return NULL;
    }
    in->data += len;
    in->left -= len;
    return bytes;
}

static uint64_t get(struct p9_reader *in, unsigned size)
{
    const uint8_t *bytes = p9_get_bytes(in, size);
    uint64_t value = 0;

    for (unsigned i = 0; bytes && i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t p9_get_u8(struct p9_reader *in)
{
    return (uint8_t)get(in, 1);
}

uint16_t p9_get_u16(struct p9_reader *in)
{
    return (uint16_t)get(in, 2);
}

uint32_t p9_get_u32(struct p9_reader *in)
{
    return (uint32_t)get(in, 4);
}

uint64_t p9_get_u64(struct p9_reader *in)
{
    return get(in, 8);
}

struct p9_string p9_get_string(struct p9_reader *in)
{
    uint16_t len = p9_get_u16(in);
    const uint8_t *text = p9_get_bytes(in, len);

    return text ? (struct p9_string){(const char *)text, len} : (struct p9_string){"", 0};
}

bool p9_all_read(const struct p9_reader *in)
{
    return !in->bad && in->left == 0;
}

size_t p9_room(const struct p9_writer *out)
{
    return out->full ? 0 : out->size - out->at;
}

uint8_t *p9_put_space(struct p9_writer *out, size_t len)
{
    if (len > p9_room(out)) {
        out->full = true;
        return NULL;
    }
    out->at += len;
    return out->data + out->at - len;
}

static void put(struct p9_writer *out, unsigned size, uint64_t value)
{
    uint8_t *bytes = p9_put_space(out, size);

    for (unsigned i = 0; bytes && i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

void p9_put_u8(struct p9_writer *out, uint8_t value)
{
    put(out, 1, value);
}

void p9_put_u16(struct p9_writer *out, uint16_t value)
{
    put(out, 2, value);
}

void p9_put_u32(struct p9_writer *out, uint32_t value)
{
    put(out, 4, value);
}

void p9_put_u64(struct p9_writer *out, uint64_t value)
{
    put(out, 8, value);
}

void p9_put_string(struct p9_writer *out, const char *text, size_t len)
{
    p9_put_u16(out, (uint16_t)len);
    uint8_t *bytes = p9_put_space(out, len);
    if (bytes)
        memcpy(bytes, text, len);
}
