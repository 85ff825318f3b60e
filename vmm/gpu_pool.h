/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vGPUs may have of the GPU together: the sums that GVT-g keeps to, whatever the holes are. Used by config_check.c and gpu_setup.c. */
#ifndef MEDIANT_VMM_GPU_POOL_H
#define MEDIANT_VMM_GPU_POOL_H

#include "mmio/vgpu.h"

/* Of the two resources that a type takes: what is left. Bytes. (Fences are virtual.) */
struct gpu_pool {
    uint64_t low, high;
};

/* All that there is, but for what the host keeps. */
struct gpu_pool gpu_pool_of(uint64_t aperture);
bool gpu_pool_fits(const struct gpu_pool *pool, const struct vgpu_type *type);
void gpu_pool_take(struct gpu_pool *pool, const struct vgpu_type *type); /* one that fits */
/* How many of the type fit. */
unsigned gpu_pool_count(const struct gpu_pool *pool, const struct vgpu_type *type);
/* Says what a type that does not fit lacks, and what would fit. Caller frees with g_free(). */
char *gpu_pool_complaint(const struct gpu_pool *pool, const struct vgpu_type *type, uint64_t aperture);

#endif
