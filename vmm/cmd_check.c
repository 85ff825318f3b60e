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
        for (unsigned d = 0; vm->disks && d < vm->disks->len; d++) {
            const struct disk_settings *disk = g_ptr_array_index(vm->disks, d);
            printf("%s: disk %s: %s%s%s\n", vm->name, disk->name, disk->path, disk->read_only ? ", readonly" : "", disk->direct ? ", direct" : "");
        }
        for (unsigned s = 0; vm->shares && s < vm->shares->len; s++) {
            const struct share_settings *share = g_ptr_array_index(vm->shares, s);
            printf("%s: share %s: %s%s\n", vm->name, share->name, share->path, share->read_only ? ", readonly" : "");
        }
        for (unsigned n = 0; vm->nets && n < vm->nets->len; n++) {
            const struct net_settings *net = g_ptr_array_index(vm->nets, n);
            printf("%s: net %s: %s%s\n", vm->name, net->name, net->tap ? "tap:" : "user", net->tap ? net->tap : "");
        }
    }
    for (unsigned i = 0; i < config->vgpus->len; i++) {
        const struct vgpu_settings *vgpu = g_ptr_array_index(config->vgpus, i);
        g_autofree char *socket = serve_socket_path(vgpu);
        printf("%s: %s at %s\n", vgpu->name, vgpu->type, socket);
    }
    if (config->gpu.mdev)
        printf("mdev: vGPUs by UUID below %s\n", config->gpu.mdev);
    printf("%s: ok\n", config->path);
}

/* ", "KEY": TEXT", with null for NULL. */
static void print_json_text(const char *key, const char *text)
{
    g_autofree char *quoted = text ? json_string(text) : g_strdup("null");

    printf(", \"%s\": %s", key, quoted);
}

static void print_json_devices(const struct vm_settings *vm)
{
    printf(", \"disks\": [");
    for (unsigned i = 0; vm->disks && i < vm->disks->len; i++) {
        const struct disk_settings *disk = g_ptr_array_index(vm->disks, i);
        g_autofree char *name = json_string(disk->name), *path = json_string(disk->path);
        printf("%s{\"name\": %s, \"path\": %s, \"readonly\": %s, \"direct\": %s}", i ? ", " : "", name, path, disk->read_only ? "true" : "false",
               disk->direct ? "true" : "false");
    }
    printf("], \"shares\": [");
    for (unsigned i = 0; vm->shares && i < vm->shares->len; i++) {
        const struct share_settings *share = g_ptr_array_index(vm->shares, i);
        g_autofree char *name = json_string(share->name), *path = json_string(share->path);
        printf("%s{\"name\": %s, \"path\": %s, \"readonly\": %s}", i ? ", " : "", name, path, share->read_only ? "true" : "false");
    }
    printf("], \"nets\": [");
    for (unsigned i = 0; vm->nets && i < vm->nets->len; i++) {
        const struct net_settings *net = g_ptr_array_index(vm->nets, i);
        g_autofree char *name = json_string(net->name);
        printf("%s{\"name\": %s", i ? ", " : "", name);
        print_json_text("tap", net->tap);
        printf("}");
    }
    printf("]");
}

static void print_json(const struct config *config)
{
    g_autofree char *path = json_string(config->path);

    printf("{\"path\": %s, \"vms\": [", path);
    for (unsigned i = 0; i < config->vms->len; i++) {
        const struct vm_settings *vm = g_ptr_array_index(config->vms, i);
        g_autofree char *name = json_string(vm->name);
        printf("%s{\"name\": %s", i ? ", " : "", name);
        print_json_text("image", vm->image);
        print_json_text("kernel", vm->kernel);
        print_json_text("initrd", vm->initrd);
        printf(", \"memory\": %" G_GUINT64_FORMAT ", \"vcpus\": %" G_GUINT64_FORMAT, vm->memory, vm->vcpus);
        print_json_text("gpu", vm->gpu);
        print_json_devices(vm);
        printf("}");
    }
    printf("], \"vgpus\": [");
    for (unsigned i = 0; i < config->vgpus->len; i++) {
        const struct vgpu_settings *vgpu = g_ptr_array_index(config->vgpus, i);
        g_autofree char *where = serve_socket_path(vgpu);
        g_autofree char *name = json_string(vgpu->name), *type = json_string(vgpu->type), *socket = json_string(where);
        printf("%s{\"name\": %s, \"type\": %s, \"socket\": %s}", i ? ", " : "", name, type, socket);
    }
    printf("]");
    print_json_text("mdev", config->gpu.mdev);
    puts("}");
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
