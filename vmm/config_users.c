/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses the GPU, by the configuration. See config.h. */
#include "vmm/config.h"

#include "mmio/vgpu.h"
#include "vmm/error.h"

#include <string.h>

GArray *config_gpu_users(const struct config *config)
{
    GArray *users = g_array_new(FALSE, FALSE, sizeof(struct gpu_user));

    for (unsigned i = 0; i < config->vms->len; i++) {
        const struct vm_settings *vm = g_ptr_array_index(config->vms, i);
        struct gpu_user user = {.group = "vm",
                                .key = "gpu",
                                .name = vm->name,
                                .type = g_str_has_prefix(vm->gpu, VFIO_USER_PREFIX) ? "none" : vm->gpu,
                                .monitor = vm->monitor,
                                .mode = vm->mode,
                                .edid = vm->edid,
                                .vnc = vm->vnc,
                                .vnc_password = vm->vnc_password,
                                .keymap = strcmp(vm->input, "no") == 0 ? NULL : vm->keymap,
                                .screenshot = vm->screenshot,
                                .weight = (unsigned)vm->weight,
                                .cap = (unsigned)vm->gpu_cap,
                                .trap_limit = vm->trap_limit,
                                .latency = strcmp(vm->gpu_class, "latency") == 0};
        g_array_append_val(users, user);
    }
    for (unsigned i = 0; i < config->vgpus->len; i++) {
        const struct vgpu_settings *vgpu = g_ptr_array_index(config->vgpus, i);
        struct gpu_user user = {.group = "vgpu",
                                .key = "type",
                                .name = vgpu->name,
                                .type = vgpu->type,
                                .monitor = vgpu->monitor,
                                .mode = vgpu->mode,
                                .edid = vgpu->edid,
                                .vnc = vgpu->vnc,
                                .vnc_password = vgpu->vnc_password,
                                .screenshot = vgpu->screenshot,
                                .weight = (unsigned)vgpu->weight,
                                .cap = (unsigned)vgpu->gpu_cap,
                                .trap_limit = vgpu->trap_limit,
                                .latency = strcmp(vgpu->gpu_class, "latency") == 0};
        g_array_append_val(users, user);
    }
    return users;
}

bool fail_user(const struct config *config, const struct gpu_user *user, const char *key, GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    return fail_config(error, config->path, "[%s %s] %s: %s", user->group, user->name, key, reason);
}

bool gpu_user_has_vgpu(const struct gpu_user *user)
{
    return strcmp(user->type, "none") != 0 && strcmp(user->type, "passthrough") != 0;
}

unsigned gpu_user_weight(const struct gpu_user *user)
{
    const struct vgpu_type *type = vgpu_type_find(user->type);

    return !type ? 0 : user->weight ? user->weight : type->weight;
}
