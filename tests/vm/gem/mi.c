/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dwords of the commands in mi.h. PRM SKL vol. 2a. */
#include "mi.h"

/* Bits 31:29 client 0, 28:23 opcode, low bits length less two. */
static uint32_t mi(uint32_t opcode, uint32_t flags, uint32_t dwords)
{
    return opcode << 23 | flags | (dwords - 2);
}

void mi_store_dword(struct batch *batch, const struct bo *bo, uint64_t offset, uint32_t value)
{
    emit(batch, mi(0x20, 0, 4));
    emit_address(batch, bo, offset, true);
    emit(batch, value);
}

void mi_store_qword(struct batch *batch, const struct bo *bo, uint64_t offset, uint64_t value)
{
    enum { STORE_QWORD = 1 << 21 };

    emit(batch, mi(0x20, STORE_QWORD, 5));
    emit_address(batch, bo, offset, true);
    emit(batch, (uint32_t)value);
    emit(batch, (uint32_t)(value >> 32));
}

void mi_load_register(struct batch *batch, uint32_t reg, uint32_t value)
{
    emit(batch, mi(0x22, 0, 3));
    emit(batch, reg);
    emit(batch, value);
}

void mi_store_register(struct batch *batch, uint32_t reg, const struct bo *bo, uint64_t offset)
{
    emit(batch, mi(0x24, 0, 4));
    emit(batch, reg);
    emit_address(batch, bo, offset, true);
}

void mi_copy_dword(struct batch *batch, const struct bo *dst, uint64_t dst_offset, const struct bo *src, uint64_t src_offset)
{
    emit(batch, mi(0x2e, 0, 5));
    emit_address(batch, dst, dst_offset, true);
    emit_address(batch, src, src_offset, false);
}

void mi_increment(struct batch *batch, const struct bo *bo, uint64_t offset)
{
    enum { ATOMIC_INCREMENT = 0x05 << 8 }; /* of a dword, nothing returned */

    emit(batch, mi(0x2f, ATOMIC_INCREMENT, 3));
    emit_address(batch, bo, offset, true);
}

void mi_wait_at_least(struct batch *batch, const struct bo *bo, uint64_t offset, uint32_t value)
{
    enum { POLL = 1 << 15, MEMORY_GREATER_OR_EQUAL = 1 << 12 };

    emit(batch, mi(0x1c, POLL | MEMORY_GREATER_OR_EQUAL, 4));
    emit(batch, value);
    emit_address(batch, bo, offset, false);
}

void mi_jump(struct batch *batch, const struct bo *bo, uint64_t offset)
{
    enum { ADDRESS_SPACE_PPGTT = 1 << 8 };

    emit(batch, mi(0x31, ADDRESS_SPACE_PPGTT, 3));
    emit_address(batch, bo, offset, false);
}

void mi_flush(struct batch *batch)
{
    if (batch->engine->class == I915_ENGINE_CLASS_RENDER) {
        /* PIPE_CONTROL: client 3, pipeline 3, opcode 2. */
        enum { CS_STALL = 1 << 20, FLUSH_DATA_CACHE = 1 << 5, STALL_AT_SCOREBOARD = 1 << 1 };

        emit(batch, UINT32_C(0x7a000004));
        emit(batch, CS_STALL | FLUSH_DATA_CACHE | STALL_AT_SCOREBOARD);
        for (unsigned i = 0; i < 4; i++)
            emit(batch, 0);
    } else {
        emit(batch, mi(0x26, 0, 4)); /* MI_FLUSH_DW */
        for (unsigned i = 0; i < 3; i++)
            emit(batch, 0);
    }
}
