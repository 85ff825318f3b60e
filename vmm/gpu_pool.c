/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sums of what vGPUs take; see gpu_pool.h. */
#include "vmm/gpu_pool.h"

#include "vmm/units.h"

/* What the host keeps for itself, as GVT-g does (Linux 6.1 gvt/aperture_gm.c: HOST_LOW_GM_SIZE, HOST_HIGH_GM_SIZE). */
#define HOST_LOW_GM (UINT64_C(128) << 20)
#define HOST_HIGH_GM (UINT64_C(384) << 20)
#define GGTT_SIZE (UINT64_C(4) << 30)

struct gpu_pool gpu_pool_of(uint64_t aperture)
{
    return (struct gpu_pool){.low = aperture - HOST_LOW_GM,
                             .high = GGTT_SIZE - aperture > HOST_HIGH_GM ? GGTT_SIZE - aperture - HOST_HIGH_GM : 0};
}

bool gpu_pool_fits(const struct gpu_pool *pool, const struct vgpu_type *type)
{
    return type->low_gm <= pool->low && type->high_gm <= pool->high;
}

void gpu_pool_take(struct gpu_pool *pool, const struct vgpu_type *type)
{
    pool->low -= type->low_gm;
    pool->high -= type->high_gm;
}

unsigned gpu_pool_count(const struct gpu_pool *pool, const struct vgpu_type *type)
{
    return (unsigned)MIN(pool->low / type->low_gm, pool->high / type->high_gm);
}

char *gpu_pool_complaint(const struct gpu_pool *pool, const struct vgpu_type *type, uint64_t aperture)
{
    g_autofree char *need = NULL, *left = NULL, *advice = NULL;
    const char *what = "low graphics memory (aperture)";
    const struct vgpu_type *smaller = NULL;

    if (type->low_gm > pool->low) {
        need = format_size(type->low_gm);
        left = format_size(pool->low);
    } else {
        what = "high graphics memory";
        need = format_size(type->high_gm);
        left = format_size(pool->high);
    }
    for (const struct vgpu_type *t = vgpu_types; t->name; t++)
        if (gpu_pool_fits(pool, t) && (!smaller || t->low_gm > smaller->low_gm))
            smaller = t;
    if (smaller)
        advice = g_strdup_printf("try %s", smaller->name);
    else if (type->low_gm > pool->low && aperture < GGTT_SIZE / 4) {
        g_autofree char *more = format_size(aperture * 2);
        advice = g_strdup_printf("try [gpu] aperture = %s", more);
    } else
        advice = g_strdup("try fewer vGPUs");
    return g_strdup_printf("%s no longer fits: it needs %s of %s, %s are left (%s)", type->name, need, what, left, advice);
}
