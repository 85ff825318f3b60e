/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The aperture (BAR2): guest memory behind the low part of the virtual global GTT, seen through the guest's own fences. Only the guest's
 * partition is there; elsewhere reads give ones and writes are dropped. Called by vgpu.c.
 */
#include "mmio/vgpu_internal.h"

#include <string.h>

unsigned aperture_fences(const struct vgpu *vgpu, struct fence list[APERTURE_FENCES])
{
    unsigned count = 0;

    for (unsigned i = 0; i < MIN(vgpu->type->fences, (unsigned)APERTURE_FENCES); i++) {
        list[count] = fence_decode(vgpu->regs[R_FENCE_REG / 4 + 2 * i], vgpu->regs[R_FENCE_REG_HI / 4 + 2 * i]);
        count += list[count].end != 0;
    }
    return count;
}

void aperture_read(struct vgpu *vgpu, uint64_t offset, void *data, size_t len)
{
    struct fence list[APERTURE_FENCES];
    unsigned count = aperture_fences(vgpu, list);
    uint8_t *out = data;

    while (len > 0) {
        size_t now = MIN(len, 4096 - offset % 4096);
        uint64_t gma = fence_detile(list, count, offset, &now);
        if (!ggtt_read(vgpu, gma, out, now))
            memset(out, 0xff, now);
        offset += now;
        out += now;
        len -= now;
    }
}

void aperture_write(struct vgpu *vgpu, uint64_t offset, const void *data, size_t len)
{
    struct fence list[APERTURE_FENCES];
    unsigned count = aperture_fences(vgpu, list);
    const uint8_t *in = data;

    while (len > 0) {
        size_t now = MIN(len, 4096 - offset % 4096);
        uint64_t gma = fence_detile(list, count, offset, &now);
        (void)ggtt_write(vgpu, gma, in, now);
        offset += now;
        in += now;
        len -= now;
    }
}
