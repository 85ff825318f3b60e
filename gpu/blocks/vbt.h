/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Video BIOS Table (VBT): how firmware describes a board's display connectors to drivers. A header, then the BIOS Data Block (BDB), which is a header
 * and blocks of (id, size, data). Ours has the two blocks that drivers need: general features, and general definitions with one child device for each port.
 * Used by opregion.c.
 * Sources: Linux 6.1 i915 display/intel_vbt_defs.h (layouts and values) and intel_bios.c (how they are read); igt-gpu-tools intel_vbt_decode.
 */
#ifndef MEDIANT_GPU_BLOCKS_VBT_H
#define MEDIANT_GPU_BLOCKS_VBT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct display_wiring; /* gpu/blocks/display.h */

enum { VBT_MAX_SIZE = 512 }; /* bytes; no table of ours is larger */

/*
 * Writes the table for a board to buf, of VBT_MAX_SIZE bytes, and returns its size. A port that has DisplayPort and HDMI is one child, since i915 looks at the
 * first child of a port only. Bits for what no Gen9 board can have are ignored: HDMI at port A, anything at port E, whose DisplayPort borrows the AUX channel of another.
 */
size_t vbt_write(uint8_t *buf, const struct display_wiring *wiring);

#ifdef __cplusplus
}
#endif
#endif
