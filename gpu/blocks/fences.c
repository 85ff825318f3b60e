/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fence registers and the addresses behind them: see fences.h. */
#include "gpu/blocks/fences.h"

#include <glib.h>

#define PAGE_MASK 0xfffff000u

struct fence fence_decode(uint32_t low, uint32_t high)
{
    if (!(low & FENCE_VALID) || (high & PAGE_MASK) < (low & PAGE_MASK))
        return (struct fence){0};
    return (struct fence){
        .start = low & PAGE_MASK,
        .end = (uint64_t)(high & PAGE_MASK) + 0x1000,
        .pitch = ((high & FENCE_PITCH_MASK) + 1) * FENCE_PITCH_UNIT,
        .tiling = low & FENCE_TILING_Y ? TILING_Y : TILING_X,
    };
}

uint64_t fence_detile(const struct fence *fences, unsigned count, uint64_t offset, size_t *len)
{
    for (unsigned i = 0; i < count; i++) {
        const struct fence *f = &fences[i];
        if (offset >= f->end)
            continue;
        if (offset < f->start) {
            *len = MIN(*len, f->start - offset);
            continue;
        }
        uint64_t y = (offset - f->start) / f->pitch, x = (offset - f->start) % f->pitch;
        *len = MIN(MIN(*len, f->end - offset), MIN((uint64_t)f->pitch - x, (uint64_t)tile_span(f->tiling, (uint32_t)x)));
        return f->start + (uint64_t)tile_offset(f->tiling, f->pitch, (int64_t)x, (int64_t)y, 8);
    }
    return offset;
}
