/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The aperture (BAR2): the CPU's window on the first part of the global GTT. Where one of the 32 fences covers an address, the CPU sees a
 * tiled surface as if it were linear (blocks/fences.h). Called by pci.c. There is no TLB on this path.
 */
#include <string.h>

#include "gpu/blocks/fences.h"
#include "gpu/model/model_internal.h"

enum {
    FENCES = 32,
    PAGE_BYTES = 4096,
};

static unsigned read_fences(const struct model *model, struct fence fences[FENCES])
{
    unsigned count = 0;

    for (unsigned i = 0; i < FENCES; i++) {
        fences[count] = fence_decode(model_reg(model, R_FENCE_REG + 8 * i), model_reg(model, R_FENCE_REG_HI + 8 * i));
        if (fences[count].end)
            count++;
    }
    return count;
}

void model_aperture_read(struct model *model, uint64_t offset, void *data, size_t len)
{
    struct fence fences[FENCES];
    unsigned count = read_fences(model, fences);
    uint8_t *buf = data;

    while (len > 0) {
        size_t now = MIN(len, PAGE_BYTES - offset % PAGE_BYTES);
        uint64_t gma = fence_detile(fences, count, offset, &now);
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
        size_t now = MIN(len, PAGE_BYTES - offset % PAGE_BYTES);
        uint64_t gma = fence_detile(fences, count, offset, &now);
        (void)model_ggtt_write(model, gma, buf, now); /* writes to nowhere are dropped */
        offset += now;
        buf += now;
        len -= now;
    }
}
