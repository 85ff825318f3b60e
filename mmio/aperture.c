/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The aperture (BAR2): guest memory behind the low part of the virtual global GTT, seen through the guest's own fences. Only the guest's
 * partition is there; elsewhere reads give ones and writes are dropped. Called by vgpu.c.
 */
#include "gpu/blocks/fences.h"

#include "mmio/vgpu_internal.h"

static bool read_behind(void *opaque, uint64_t gma, void *buf, size_t len)
{
    return ggtt_read(opaque, gma, buf, len);
}

static bool write_behind(void *opaque, uint64_t gma, const void *buf, size_t len)
{
    return ggtt_write(opaque, gma, buf, len);
}

void aperture_read(struct vgpu *vgpu, uint64_t offset, void *data, size_t len)
{
    fenced_read(&vgpu->regs[R_FENCE_REG / 4], vgpu->type->fences, &(struct fenced_memory){.read = read_behind, .opaque = vgpu}, offset,
                data, len);
}

void aperture_write(struct vgpu *vgpu, uint64_t offset, const void *data, size_t len)
{
    fenced_write(&vgpu->regs[R_FENCE_REG / 4], vgpu->type->fences, &(struct fenced_memory){.write = write_behind, .opaque = vgpu}, offset,
                 data, len);
}
