/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What i915 calls the uncore, and its neighbours: forcewake, graphics reset (GDRST), the pcode mailbox, power wells, display clocks
 * and DPLL locks, data buffer power, frequency (RPS) and RC6 counters. Embedded in the model and in each vGPU.
 *
 * It works on a register file that the owner gives: 2 MiB of registers as relaxed atomic dwords, offset / 4 the index. State lives
 * there (and in struct uncore), so that a register whose answer does not depend on time is plain memory to read.
 * Sources: PRM SKL vol. 2c and 12; Linux 6.1 i915: intel_uncore.c, gt/intel_reset.c, intel_pcode.c, display/intel_display_power*.c,
 * display/intel_cdclk.c, display/intel_dpll_mgr.c, gt/intel_rps.c, gt/intel_rc6.c, gt/intel_gt_clock_utils.c, intel_dram.c.
 *
 * The RC6 counter grows while software has allowed RC6 and holds no forcewake: the block does not know what the engines do.
 *
 * No locking: the owner's lock guards all but uncore_timestamp(), which any thread may call.
 */
#ifndef MEDIANT_GPU_BLOCKS_UNCORE_H
#define MEDIANT_GPU_BLOCKS_UNCORE_H

#include "gpu/blocks/pcode.h"
#include "gpu/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of GDRST (0x941c). PRM SKL vol. 2c; i915 gt/intel_gt_regs.h GEN6_GRDOM_*. */
enum uncore_gdrst {
    GDRST_FULL = 1 << 0,
    GDRST_RENDER = 1 << 1,
    GDRST_MEDIA = 1 << 2,
    GDRST_BLITTER = 1 << 3,
    GDRST_VECS = 1 << 4,
    GDRST_GUC = 1 << 5,
    GDRST_MEDIA2 = 1 << 7,
};

struct uncore {
    uint32_t *regs;     /* the owner's register file */
    uint64_t start_ns;  /* CLOCK_MONOTONIC at uncore_init(): timestamps count from here, through resets */
    uint64_t rc6_ns;    /* time in RC6 up to rc6_since_ns */
    uint64_t rc6_since_ns; /* when the sleep that still lasts began, 0 when awake */
    struct pcode pcode;
};

/* regs must outlive it. Does not touch regs; call uncore_reset(). */
void uncore_init(struct uncore *uncore, uint32_t *regs);

/*
 * State at power-on, as firmware leaves it to the driver. The owner has put the reset values of registers.def into the register file;
 * this adds what is not a constant of the table.
 */
void uncore_reset(struct uncore *uncore);

/*
 * Software's accesses to registers of class REG_UNCORE; offset is a multiple of 4 below MMIO_SIZE. Access rules of the table (read-only, masked)
 * are applied here. A register of the class without behaviour is plain memory.
 */
uint32_t uncore_read(struct uncore *uncore, uint32_t offset);

/*
 * Returns the GDRST bits of a graphics reset that the write asks for (0 mostly): the owner drops its lock, resets those engines,
 * takes the lock and calls uncore_reset_done() with the bits. Until then GDRST reads as busy.
 */
uint32_t uncore_write(struct uncore *uncore, uint32_t offset, uint32_t value);
void uncore_reset_done(struct uncore *uncore, uint32_t gdrst);

/* Engines (bit mask by enum gpu_engine) that GDRST bits reset. */
unsigned uncore_reset_engines(uint32_t gdrst);

/* The GT's timestamp counter, as RING_TIMESTAMP and PIPE_CONTROL report it: 12 MHz on Gen9 (gt/intel_gt_clock_utils.c), 36 bits. */
enum { UNCORE_TIMESTAMP_HZ = 12000000 };
uint64_t uncore_timestamp(const struct uncore *uncore);

#ifdef __cplusplus
}
#endif
#endif
