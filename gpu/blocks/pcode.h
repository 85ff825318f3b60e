/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pcode mailbox: requests of the graphics driver to the power controller of the package. Part of the uncore block.
 * Sources: Linux 6.1 i915 intel_pcode.c, i915_reg.h (commands, errors), display/skl_watermark.c (memory latency, SAGV),
 * display/intel_cdclk.c, gt/intel_llc.c (frequency table), gt/intel_rps.c.
 */
#ifndef MEDIANT_GPU_BLOCKS_PCODE_H
#define MEDIANT_GPU_BLOCKS_PCODE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PCODE_READY = 1u << 31, /* in the mailbox: written to start a command, cleared when it is done */
};

struct pcode {
    /* The least clocks of the CPU and of the ring for each GT ratio (units of 50 MHz). */
    uint8_t ia_ratio[256], ring_ratio[256];
};

/*
 * Runs the command in mailbox on *data and *data1, which it may replace, and returns the mailbox as it reads afterwards: not ready, and in bits
 * 7:0 the error (0 is success; 1 for a command that does not exist here). No locking.
 */
uint32_t pcode_execute(struct pcode *pcode, uint32_t mailbox, uint32_t *data, uint32_t *data1);

#ifdef __cplusplus
}
#endif
#endif
