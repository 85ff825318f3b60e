/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The aperture (BAR2): the CPU's window on the first part of the global GTT. Where one of the 32 fences covers an address, the CPU sees a
 * tiled surface as if it were linear. Called by pci.c. Source: PRM SKL vol. 5 "Memory Views: Tiling", vol. 2c "FENCE"; Linux 6.1 i915
 * gt/intel_ggtt_fencing.c (register layout).
 */
#include <string.h>

#include "gpu/blocks/tiling.h"
#include "gpu/model/model_internal.h"

enum {
    FENCES = 32,
    FENCE_VALID = 1 << 0,
    FENCE_TILING_Y = 1 << 1,
    FENCE_PITCH_MASK = 0x7ff, /* in the high dword: units of 128 bytes, less 1 */
    FENCE_PITCH_UNIT = 128,
    FENCE_PAGE_MASK = ~0xfffu,
};

struct fence {
    uint64_t start, end; /* end is exclusive */
    uint32_t pitch;
    enum tiling tiling;
};

static unsigned read_fences(const struct model *model, struct fence fences[FENCES])
{
    unsigned count = 0;

    for (unsigned i = 0; i < FENCES; i++) {
        uint32_t low = model_reg(model, R_FENCE_REG + 8 * i), high = model_reg(model, R_FENCE_REG_HI + 8 * i);
        if (!(low & FENCE_VALID) || (high & FENCE_PAGE_MASK) < (low & FENCE_PAGE_MASK))
            continue;
        fences[count++] = (struct fence){
            .start = low & FENCE_PAGE_MASK,
            .end = (uint64_t)(high & FENCE_PAGE_MASK) + 0x1000,
            .pitch = ((high & FENCE_PITCH_MASK) + 1) * FENCE_PITCH_UNIT,
            .tiling = low & FENCE_TILING_Y ? TILING_Y : TILING_X,
        };
    }
    return count;
}

/* Where the byte at an aperture offset is, and how many bytes from there on lie side by side (at most len). */
static uint64_t detile(const struct fence *fences, unsigned count, uint64_t offset, size_t *len)
{
    for (unsigned i = 0; i < count; i++) {
        const struct fence *f = &fences[i];
        if (offset < f->start) {
            *len = MIN(*len, f->start - offset);
            continue;
        }
        if (offset >= f->end)
            continue;
        uint64_t y = (offset - f->start) / f->pitch, x = (offset - f->start) % f->pitch;
        *len = MIN(MIN(*len, f->end - offset), MIN((uint64_t)f->pitch - x, (uint64_t)tile_span(f->tiling, x)));
        return f->start + tile_offset(f->tiling, f->pitch, x, y, 8);
    }
    return offset;
}

void model_aperture_read(struct model *model, uint64_t offset, void *data, size_t len)
{
    struct fence fences[FENCES];
    unsigned count = read_fences(model, fences);
    uint8_t *buf = data;

    while (len > 0) {
        size_t now = MIN(len, 0x1000 - (offset & 0xfff));
        uint64_t gma = detile(fences, count, offset, &now);
        if (!model_ggtt_read(model, gma, buf, now))
            memset(buf, 0xff, now); /* nobody answers */
        offset += now;
        buf += now;
        len -= now;
    }
}

void model_aperture_write(struct model *model, uint64_t offset, const void *data, size_t len)
{
    struct fence fences[FENCES];
    unsigned count = read_fences(model, fences);
    const uint8_t *buf = data;

    while (len > 0) {
        size_t now = MIN(len, 0x1000 - (offset & 0xfff));
        uint64_t gma = detile(fences, count, offset, &now);
        (void)model_ggtt_write(model, gma, buf, now); /* writes to nowhere are dropped */
        offset += now;
        buf += now;
        len -= now;
    }
}
