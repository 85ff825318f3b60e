/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bits inside commands that the audit reads and the shadow ring writes. Opcodes are in gpu/defs/commands.def (CMD_*, cmd_descs).
 * Sources: PRM SKL vol. 2a; Mesa genxml gen9.xml.
 */
#ifndef MEDIANT_SCHEDULER_COMMANDS_H
#define MEDIANT_SCHEDULER_COMMANDS_H

#include "gpu/defs/commands.h"

/* First dword of a command of the given length in dwords. */
static inline uint32_t command_header(enum cmd_id id, unsigned length, uint32_t bits)
{
    return cmd_descs[id].match | bits | (cmd_descs[id].length & CMD_LENGTH_FIELD ? length - 2 : 0);
}

enum {
    MI_GLOBAL_GTT = 1 << 22,           /* MI_STORE_DATA_IMM, MI_STORE_REGISTER_MEM, MI_LOAD_REGISTER_MEM, MI_ATOMIC ... */

    BATCH_START_LENGTH = 3,
    BATCH_START_PPGTT = 1 << 8,
    BATCH_START_RESOURCE_STREAMER = 1 << 10,
    BATCH_START_PREDICATE = 1 << 15,
    BATCH_START_ADD_OFFSET = 1 << 16,
    BATCH_START_SECOND_LEVEL = 1 << 22,

    STORE_DATA_QWORD = 1 << 21,
    STORE_INDEX_PER_PROCESS = 1 << 21,
    STORE_INDEX_MASK = 0xffc,
    REGISTER_MEM_PREDICATE = 1 << 21,
    REGISTER_MASK = 0x7ffffc,          /* bits 22:2 of a register offset in a command */

    ARB_ENABLE = 1 << 0,
    SEMAPHORE_POLL = 1 << 15,
    SEMAPHORE_REGISTER_POLL = 1 << 16,

    ATOMIC_SIZE_SHIFT = 19,            /* 20:19: 4, 8 or 16 bytes */
    ATOMIC_SIZE_MASK = 3,
    ATOMIC_INLINE = 1 << 18,

    /* PIPE_CONTROL, dword 1. */
    PIPE_CONTROL_LENGTH = 6,
    PIPE_CONTROL_DEPTH_CACHE_FLUSH = 1 << 0,
    PIPE_CONTROL_DC_FLUSH = 1 << 5,
    PIPE_CONTROL_NOTIFY = 1 << 8,
    PIPE_CONTROL_RENDER_TARGET_FLUSH = 1 << 12,
    PIPE_CONTROL_POST_SYNC_SHIFT = 14, /* 0 none, 1 write immediate, 2 write PS depth count, 3 write time stamp */
    PIPE_CONTROL_POST_SYNC_MASK = 3,
    PIPE_CONTROL_TLB_INVALIDATE = 1 << 18,
    PIPE_CONTROL_CS_STALL = 1 << 20,
    PIPE_CONTROL_STORE_INDEX = 1 << 21,
    PIPE_CONTROL_LRI = 1 << 23,        /* the address is a register, written with the immediate */
    PIPE_CONTROL_GLOBAL_GTT = 1 << 24,

    /* MI_FLUSH_DW, dword 0 and (global GTT) dword 1. */
    FLUSH_DW_NOTIFY = 1 << 8,
    FLUSH_DW_POST_SYNC_SHIFT = 14,     /* 0 none, 1 write immediate, 3 write time stamp */
    FLUSH_DW_POST_SYNC_MASK = 3,
    FLUSH_DW_TLB_INVALIDATE = 1 << 18,
    FLUSH_DW_STORE_INDEX = 1 << 21,
    FLUSH_DW_GLOBAL_GTT = 1 << 2,

    STATUS_INDEX_MASK = 0xff8,         /* post-sync Store Data Index: quadwords of the status page */
};

#endif
