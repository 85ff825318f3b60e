/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lz4's legacy frame (lz4_Frame_format.md, "Legacy frame"): a magic number, then blocks of a 32-bit little-endian size and that many bytes, each of
 * which unpacks to 8 MiB, the last to less. Frames may follow one another. There is no end mark and no checksum. Used by unpack.c.
 */
#include "vmm/kernel/unpack_internal.h"

#include <lz4.h>
#include <string.h>

#define LZ4_LEGACY_MAGIC 0x184c2102u
enum { BLOCK_MAX = 8 << 20 };

static uint32_t get32(const uint8_t *data)
{
    uint32_t value;

    memcpy(&value, data, sizeof(value));
    return GUINT32_FROM_LE(value);
}

enum unpack_status unpack_lz4(const uint8_t *data, size_t size, struct unpack_output *out)
{
    enum unpack_status status = UNPACK_END;

    for (size_t at = 0; at < size;) {
        if (size - at < 4)
            return UNPACK_TRUNCATED;
        uint32_t block = get32(data + at);
        at += 4;
        if (block == LZ4_LEGACY_MAGIC)
            continue;
        if (block > LZ4_COMPRESSBOUND(BLOCK_MAX))
            return UNPACK_CORRUPT;
        if (block > size - at)
            return UNPACK_TRUNCATED;
        size_t room = MIN(unpack_room(out, BLOCK_MAX, &status), BLOCK_MAX);
        if (room == 0)
            return status;
        int got = LZ4_decompress_safe((const char *)data + at, (char *)out->data + out->size, (int)block, (int)room);
        if (got < 0) /* lz4 does not tell a bad block from one that needs more room */
            return room < BLOCK_MAX ? UNPACK_TOO_LARGE : UNPACK_CORRUPT;
        out->size += (size_t)got;
        at += block;
    }
    return status;
}
