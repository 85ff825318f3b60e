/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raster operations: the 256 functions of pattern, source and destination bits. Called by blit_run.c for spans of pixels. */
#include "gpu/model/blit.h"

#include <string.h>

enum { ROP_ZEROS = 0x00, ROP_SOURCE = 0xcc, ROP_PATTERN = 0xf0, ROP_ONES = 0xff };

unsigned blit_rop_operands(uint8_t rop)
{
    /* An operand matters when the halves of the truth table that differ in it alone are not the same. */
    return ((rop >> 1 & 0x55) != (rop & 0x55) ? BLIT_ROP_DESTINATION : 0) |
           ((rop >> 2 & 0x33) != (rop & 0x33) ? BLIT_ROP_SOURCE : 0) | ((rop >> 4 & 0x0f) != (rop & 0x0f) ? BLIT_ROP_PATTERN : 0);
}

/* 16 bytes: a register of every x86-64. */
typedef uint64_t bits128 __attribute__((vector_size(16)));

static inline bits128 load(const uint8_t *from)
{
    bits128 value;

    memcpy(&value, from, sizeof(value));
    return value;
}

static inline bits128 choose(bits128 when_clear, bits128 when_set, bits128 by)
{
    return when_clear ^ ((when_clear ^ when_set) & by);
}

/* The truth table, each row all ones or all zeros, as a tree of choices. */
static inline bits128 evaluate(const bits128 table[8], bits128 d, bits128 s, bits128 p)
{
    return choose(choose(choose(table[0], table[1], d), choose(table[2], table[3], d), s),
                  choose(choose(table[4], table[5], d), choose(table[6], table[7], d), s), p);
}

void blit_rop(uint8_t rop, uint8_t *d, const uint8_t *s, const uint8_t *p, size_t bytes)
{
    unsigned uses = blit_rop_operands(rop);
    bits128 table[8];
    size_t i = 0;

    switch (rop) {
    case ROP_ZEROS:
    case ROP_ONES:
        memset(d, rop, bytes);
        return;
    case ROP_SOURCE:
        memcpy(d, s, bytes);
        return;
    case ROP_PATTERN:
        memcpy(d, p, bytes);
        return;
    default:
        break;
    }
    /* An operand that does not matter may be anything. */
    if (!(uses & BLIT_ROP_SOURCE))
        s = d;
    if (!(uses & BLIT_ROP_PATTERN))
        p = d;
    for (unsigned row = 0; row < 8; row++) {
        uint64_t value = rop >> row & 1 ? ~UINT64_C(0) : 0;

        table[row] = (bits128){value, value};
    }
    for (; i + sizeof(bits128) <= bytes; i += sizeof(bits128)) {
        bits128 result = evaluate(table, load(d + i), load(s + i), load(p + i));

        memcpy(d + i, &result, sizeof(result));
    }
    if (i < bytes) {
        uint8_t last[3][sizeof(bits128)] = {{0}};
        bits128 result;

        memcpy(last[0], d + i, bytes - i);
        memcpy(last[1], s + i, bytes - i);
        memcpy(last[2], p + i, bytes - i);
        result = evaluate(table, load(last[0]), load(last[1]), load(last[2]));
        memcpy(d + i, &result, bytes - i);
    }
}
