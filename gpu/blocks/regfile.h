/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A register file: MMIO_SIZE bytes of registers as relaxed atomic dwords, and the access rules of the register table applied to one.
 * Used by the model, by each vGPU and by the blocks that they share.
 *
 * Threads: every function may run on any thread at any time. A write that changes some bits only is one atomic step.
 */
#ifndef MEDIANT_GPU_BLOCKS_REGFILE_H
#define MEDIANT_GPU_BLOCKS_REGFILE_H

#include "gpu/defs/registers.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t regfile_get(const uint32_t *regs, uint32_t offset)
{
    return __atomic_load_n(&regs[offset / 4], __ATOMIC_RELAXED);
}

static inline void regfile_set(uint32_t *regs, uint32_t offset, uint32_t value)
{
    __atomic_store_n(&regs[offset / 4], value, __ATOMIC_RELAXED);
}

/* Replaces the bits in mask; returns the new value. */
static inline uint32_t regfile_change(uint32_t *regs, uint32_t offset, uint32_t mask, uint32_t bits)
{
    uint32_t old = regfile_get(regs, offset), value;

    do
        value = (old & ~mask) | (bits & mask);
    while (!__atomic_compare_exchange_n(&regs[offset / 4], &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return value;
}

/* What software reads, by the row's access (NULL: plain memory). */
static inline uint32_t regfile_read(const uint32_t *regs, const struct reg_desc *desc, uint32_t offset)
{
    return desc && desc->access == REG_WO ? 0 : regfile_get(regs, offset);
}

/* Stores what software writes, by the row's access and its mask rule (NULL: plain memory). */
static inline void regfile_write(uint32_t *regs, const struct reg_desc *desc, uint32_t offset, uint32_t value)
{
    if (desc && desc->access == REG_RO)
        return;
    if (desc && desc->access == REG_W1C)
        regfile_change(regs, offset, value, 0);
    else if (desc && (desc->flags & REG_MASKED))
        regfile_change(regs, offset, value >> 16, value);
    else
        regfile_set(regs, offset, value);
}

#ifdef __cplusplus
}
#endif
#endif
