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

/* All ones or all zeros for one row of the truth table. */
static inline uint64_t row(uint8_t rop, unsigned index)
{
    return rop >> index & 1 ? ~UINT64_C(0) : 0;
}

static inline uint64_t load64(const uint8_t *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof(value));
    return value;
}

static inline uint64_t select_bits(uint64_t when_clear, uint64_t when_set, uint64_t by)
{
    return when_clear ^ ((when_clear ^ when_set) & by);
}

void blit_rop(uint8_t rop, uint8_t *d, const uint8_t *s, const uint8_t *p, size_t bytes)
{
    unsigned uses = blit_rop_operands(rop);
    uint64_t table[8];
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
    for (unsigned index = 0; index < 8; index++)
        table[index] = row(rop, index);
    for (; i < bytes; i += 8) {
        size_t left = bytes - i < 8 ? bytes - i : 8;
        uint64_t ds = 0, ss = 0, ps = 0, result;

        if (left == 8) {
            ds = load64(d + i);
            ss = uses & BLIT_ROP_SOURCE ? load64(s + i) : 0;
            ps = uses & BLIT_ROP_PATTERN ? load64(p + i) : 0;
        } else {
            memcpy(&ds, d + i, left);
            if (uses & BLIT_ROP_SOURCE)
                memcpy(&ss, s + i, left);
            if (uses & BLIT_ROP_PATTERN)
                memcpy(&ps, p + i, left);
        }
        result = select_bits(select_bits(select_bits(table[0], table[1], ds), select_bits(table[2], table[3], ds), ss),
                             select_bits(select_bits(table[4], table[5], ds), select_bits(table[6], table[7], ds), ss), ps);
        memcpy(d + i, &result, left);
    }
}
