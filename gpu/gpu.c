/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all backends of the physical GPU share. */
#include "gpu/gpu.h"

const char *gpu_engine_name(unsigned engine)
{
    static const char *const names[ENGINE_COUNT] = {
        [ENGINE_RCS0] = "rcs0", [ENGINE_BCS0] = "bcs0", [ENGINE_VCS0] = "vcs0", [ENGINE_VECS0] = "vecs0"};

    return engine < ENGINE_COUNT ? names[engine] : "?";
}

void gpu_destroy(struct gpu *gpu)
{
    if (gpu)
        gpu->ops->destroy(gpu);
}
