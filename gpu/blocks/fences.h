/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fences: ranges of the aperture through which the CPU sees a tiled surface as if it were linear. Called by whoever emulates an
 * aperture. Sources: PRM SKL vol. 5 "Memory Views: Tiling", vol. 2c "FENCE"; Linux 6.1 gt/intel_ggtt_fencing.c.
 *
 * Threads: no state of their own.
 */
#ifndef MEDIANT_GPU_BLOCKS_FENCES_H
#define MEDIANT_GPU_BLOCKS_FENCES_H

#include <stdbool.h>
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

/* What lies behind the aperture: copies of len bytes within a page at a global graphics address; false when nothing is there. */
struct fenced_memory {
    bool (*read)(void *opaque, uint64_t gma, void *buf, size_t len);
    bool (*write)(void *opaque, uint64_t gma, const void *buf, size_t len);
    void *opaque;
};

/*
 * The CPU's accesses to an aperture with this many fences, at most 32, whose registers (low and high dword of each) are at regs and
 * may change meanwhile. Any offset and length; what is not there reads ones and drops writes.
 */
void fenced_read(const uint32_t *regs, unsigned fences, const struct fenced_memory *memory, uint64_t offset, void *data, size_t len);
void fenced_write(const uint32_t *regs, unsigned fences, const struct fenced_memory *memory, uint64_t offset, const void *data,
                  size_t len);

#ifdef __cplusplus
}
#endif
#endif
