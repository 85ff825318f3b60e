/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that every engine has, as a user's batch may use them: by hand from the PRM (SKL vol. 2a), addresses in the context's own
 * address space. Each function appends one command. Used by all checks; mi.c.
 */
#ifndef GEMCHECK_MI_H
#define GEMCHECK_MI_H

#include "gem.h"

enum {
    MI_NOOP = 0,
    MI_ARB_CHECK = 0x05 << 23,
    MI_BATCH_BUFFER_END = 0x0a << 23,
    MI_UNKNOWN = 0x3f << 23, /* no command of any engine */

    /* Registers, from the engine's base. PRM SKL vol. 2c. */
    REG_MAX_IDLE = 0x54,
    REG_TIMESTAMP = 0x358,
    REG_PREDICATE_SRC0 = 0x400,
    REG_PREDICATE_SRC1 = 0x408,
    REG_GPR = 0x600,
    GPR_COUNT = 16, /* of 64 bits */
    /* Which tiling XY_SRC_COPY_BLT and XY_COLOR_BLT mean by tiled; masked: bits 31 to 16 enable bits 15 to 0. */
    REG_BCS_SWCTRL = 0x22200,
    BCS_SWCTRL_SRC_Y = 1 << 0,
    BCS_SWCTRL_DST_Y = 1 << 1,
};

void mi_store_dword(struct batch *batch, const struct bo *bo, uint64_t offset, uint32_t value);
void mi_store_qword(struct batch *batch, const struct bo *bo, uint64_t offset, uint64_t value);
void mi_load_register(struct batch *batch, uint32_t reg, uint32_t value);
void mi_store_register(struct batch *batch, uint32_t reg, const struct bo *bo, uint64_t offset);
void mi_copy_dword(struct batch *batch, const struct bo *dst, uint64_t dst_offset, const struct bo *src, uint64_t src_offset);
/* Adds one to a dword in memory; nobody comes between its reading and its writing. */
void mi_increment(struct batch *batch, const struct bo *bo, uint64_t offset);
/* Holds the engine until the dword in memory is value or more (unsigned). */
void mi_wait_at_least(struct batch *batch, const struct bo *bo, uint64_t offset, uint32_t value);
void mi_jump(struct batch *batch, const struct bo *bo, uint64_t offset);
/* What was written before is in memory before what comes after begins. */
void mi_flush(struct batch *batch);

#endif
