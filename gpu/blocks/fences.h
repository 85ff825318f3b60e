/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fences: ranges of the aperture through which the CPU sees a tiled surface as if it were linear. Called by whoever emulates an
 * aperture. Sources: PRM SKL vol. 5 "Memory Views: Tiling", vol. 2c "FENCE"; Linux 6.1 gt/intel_ggtt_fencing.c.
 *
 * Threads: pure functions.
 */
#ifndef MEDIANT_GPU_BLOCKS_FENCES_H
#define MEDIANT_GPU_BLOCKS_FENCES_H

#include <stddef.h>
#include <stdint.h>

#include "gpu/blocks/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FENCE_VALID = 1 << 0,
    FENCE_TILING_Y = 1 << 1,
    FENCE_PITCH_MASK = 0x7ff, /* in the high dword: units of 128 bytes, less 1 */
    FENCE_PITCH_UNIT = 128,
};

struct fence {
    uint64_t start, end; /* bytes of the aperture; end is exclusive. Both 0: no fence. */
    uint32_t pitch;      /* bytes */
    enum tiling tiling;
};

/* Decodes the two dwords of a fence register; a fence that is not valid or ends before it starts covers nothing. */
struct fence fence_decode(uint32_t low, uint32_t high);

/*
 * Where the byte at an aperture offset lies in the global GTT; *len is cut down to what lies side by side from there on (at
 * least 1 of it). The first fence that covers the byte counts.
 */
uint64_t fence_detile(const struct fence *fences, unsigned count, uint64_t offset, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
