/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm types: the vGPU types, described in the lines of the kernel's mdev sysfs files. */
#include "vmm/commands.h"
#include "vmm/error.h"

#include "mmio/vgpu.h"

static void print(void)
{
    for (const struct vgpu_type *type = vgpu_types; type->name; type++) {
        g_autofree char *description = vgpu_type_description(type);
        printf("%s%s\n%s", type == vgpu_types ? "" : "\n", type->name, description);
    }
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
