/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm check: everything about a configuration that can be known without KVM. */
#include "vmm/commands.h"
#include "vmm/config.h"
#include "vmm/error.h"
#include "vmm/serve.h"
#include "vmm/units.h"

static void print(const struct config *config)
{
    for (unsigned i = 0; i < config->vms->len; i++) {
        const struct vm_settings *vm = g_ptr_array_index(config->vms, i);
        g_autofree char *memory = format_size(vm->memory);
        printf("%s: %s of RAM, %u vCPU%s, gpu %s\n", vm->name, memory, (unsigned)vm->vcpus, vm->vcpus == 1 ? "" : "s", vm->gpu);
    }
    for (unsigned i = 0; i < config->vgpus->len; i++) {
        const struct vgpu_settings *vgpu = g_ptr_array_index(config->vgpus, i);
        g_autofree char *socket = serve_socket_path(vgpu);
        printf("%s: %s at %s\n", vgpu->name, vgpu->type, socket);
    }
    printf("%s: ok\n", config->path);
}

static void print_json(const struct config *config)
{
    g_autofree char *path = json_string(config->path);

    printf("{\"path\": %s, \"vms\": [", path);
    for (unsigned i = 0; i < config->vms->len; i++) {
        const struct vm_settings *vm = g_ptr_array_index(config->vms, i);
        g_autofree char *name = json_string(vm->name), *image = json_string(vm->image), *gpu = json_string(vm->gpu);
        printf("%s{\"name\": %s, \"image\": %s, \"memory\": %" G_GUINT64_FORMAT ", \"vcpus\": %" G_GUINT64_FORMAT ", \"gpu\": %s}",
               i ? ", " : "", name, image, vm->memory, vm->vcpus, gpu);
    }
    printf("], \"vgpus\": [");
    for (unsigned i = 0; i < config->vgpus->len; i++) {
        const struct vgpu_settings *vgpu = g_ptr_array_index(config->vgpus, i);
        g_autofree char *where = serve_socket_path(vgpu);
        g_autofree char *name = json_string(vgpu->name), *type = json_string(vgpu->type), *socket = json_string(where);
        printf("%s{\"name\": %s, \"type\": %s, \"socket\": %s}", i ? ", " : "", name, type, socket);
    }
    puts("]}");
}

int cmd_check(int argc, char **argv)
{
    g_auto(GStrv) overrides = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        {"override", 'o', 0, G_OPTION_ARG_STRING_ARRAY, &overrides, "Set a key, as in -o alpha.memory=128M", "SECTION.KEY=VALUE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL},
        {0},
    };
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 1, 1, &code))
        return code;
    struct config *config = config_load(argv[1], (const char *const *)overrides, &error);
    if (!config || !config_check(config, CONFIG_CHECK_ALL, &error)) {
        config_free(config);
        return command_fail(error);
    }
    (json ? print_json : print)(config);
    config_free(config);
    return EXIT_OK;
}
