/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The aperture (BAR2): the CPU's window on the first part of the global GTT, tiled surfaces made linear by the 32 fences (blocks/fences.h).
 * Called by pci.c. There is no TLB on this path.
 */
#include "gpu/blocks/fences.h"
#include "gpu/model/model_internal.h"

enum { FENCES = 32 };

static bool read_behind(void *opaque, uint64_t gma, void *buf, size_t len)
{
    return model_ggtt_read(opaque, gma, buf, len);
}

static bool write_behind(void *opaque, uint64_t gma, const void *buf, size_t len)
{
    return model_ggtt_write(opaque, gma, buf, len);
}

void model_aperture_read(struct model *model, uint64_t offset, void *data, size_t len)
{
    fenced_read(&model->regs[R_FENCE_REG / 4], FENCES, &(struct fenced_memory){.read = read_behind, .opaque = model}, offset, data, len);
}

void model_aperture_write(struct model *model, uint64_t offset, const void *data, size_t len)
{
    fenced_write(&model->regs[R_FENCE_REG / 4], FENCES, &(struct fenced_memory){.write = write_behind, .opaque = model}, offset, data, len);
}
