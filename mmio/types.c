/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vGPU types, with the kernel's names and sizes (Linux 6.1 gvt/vgpu.c; gen9 names), and behind them smaller ones of ours, named on in the same way:
 * what a desktop of 1024x768 can do with (two pictures to flip between are 6 MiB), for many guests. Read by configuration and vgpu_create().
 */
#include "mmio/vgpu.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

const struct vgpu_type vgpu_types[] = {
    {"i915-GVTg_V5_8", 64 * MIB, 384 * MIB, 4, 2, 1024, 768},
    {"i915-GVTg_V5_4", 128 * MIB, 512 * MIB, 4, 4, 1920, 1200},
    {"i915-GVTg_V5_2", 256 * MIB, 1024 * MIB, 4, 8, 1920, 1200},
    {"i915-GVTg_V5_1", 512 * MIB, 2048 * MIB, 4, 16, 1920, 1200},
    {"i915-GVTg_V5_16", 32 * MIB, 128 * MIB, 4, 1, 1024, 768},
    {"i915-GVTg_V5_32", 16 * MIB, 64 * MIB, 4, 1, 1024, 768},
    {"i915-GVTg_V5_64", 8 * MIB, 32 * MIB, 4, 1, 1024, 768},
    {0},
};

const struct vgpu_type *vgpu_type_find(const char *name)
{
    for (const struct vgpu_type *type = vgpu_types; type->name; type++)
        if (strcmp(type->name, name) == 0)
            return type;
    return NULL;
}

char *vgpu_type_description(const struct vgpu_type *type)
{
    return g_strdup_printf("low_gm_size: %" PRIu64 "MB\nhigh_gm_size: %" PRIu64 "MB\nfence: %u\nresolution: %ux%u\nweight: %u\n", type->low_gm / MIB,
                           type->high_gm / MIB, type->fences, type->width, type->height, type->weight);
}
