/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm types: the vGPU types, described in the lines of the kernel's mdev sysfs files (Linux gvt/kvmgt.c, description_show). */
#include "vmm/commands.h"
#include "vmm/error.h"

#include "mmio/vgpu.h"

#define MIB (UINT64_C(1) << 20)

static void print(void)
{
    for (const struct vgpu_type *type = vgpu_types; type->name; type++)
        printf("%s%s\nlow_gm_size: %" PRIu64 "MB\nhigh_gm_size: %" PRIu64 "MB\nfence: %u\nresolution: %ux%u\nweight: %u\n",
               type == vgpu_types ? "" : "\n", type->name, type->low_gm / MIB, type->high_gm / MIB, type->fences, type->width,
               type->height, type->weight);
}

static void print_json(void)
{
    for (const struct vgpu_type *type = vgpu_types; type->name; type++)
        printf("%s{\"name\": \"%s\", \"low_gm_size\": %" PRIu64 ", \"high_gm_size\": %" PRIu64
               ", \"fence\": %u, \"width\": %u, \"height\": %u, \"weight\": %u}%s\n",
               type == vgpu_types ? "[" : " ", type->name, type->low_gm, type->high_gm, type->fences, type->width, type->height,
               type->weight, type[1].name ? "," : "]");
}

int cmd_types(int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = {{"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, sizes in bytes", NULL}, {0}};
    int code;

    if (!command_parse(&argc, &argv, entries, 0, 0, &code))
        return code;
    (json ? print_json : print)();
    return EXIT_OK;
}
