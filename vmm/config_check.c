/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a configuration means, checked without KVM: images, sizes of vGPU types, sharing of the GPU. Used by the run,
 * serve and check commands.
 */
#include "vmm/boot.h"
#include "vmm/cpu_list.h"
#include "vmm/config.h"
#include "vmm/display/screens.h"
#include "vmm/error.h"
#include "vmm/gpu_pool.h"
#include "vmm/pci_bus.h"
#include "vmm/units.h"

#include "mmio/vgpu.h"

#include <string.h>

static bool fail(const struct config *config, const char *group, const char *name, const char *key, GError **error, const char *format, ...)
    G_GNUC_PRINTF(6, 7);

static bool fail(const struct config *config, const char *group, const char *name, const char *key, GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: [%s %s] %s: %s", config->path, group, name, key, reason);
    return false;
}

static const char *user_advice(const struct gpu_user *user)
{
    return strcmp(user->group, "vm") == 0 ? "try none" : "remove one";
}

static bool check_gpus(const struct config *config, GError **error)
{
    struct gpu_pool pool = gpu_pool_of(config->gpu.aperture);
    g_autoptr(GArray) users = config_gpu_users(config);
    const struct gpu_user *owner = NULL, *other = NULL;

    for (unsigned i = 0; i < users->len; i++) {
        const struct gpu_user *user = &g_array_index(users, struct gpu_user, i);
        if (strcmp(user->type, "passthrough") == 0) {
            if (owner)
                return fail(config, user->group, user->name, user->key, error, "the GPU is passed through to [%s %s] already (%s)", owner->group,
                            owner->name, user_advice(user));
            owner = user;
        } else if (gpu_user_has_vgpu(user)) {
            const struct vgpu_type *type = vgpu_type_find(user->type);
            other = other ? other : user;
            if (!gpu_pool_fits(&pool, type)) {
                g_autofree char *complaint = gpu_pool_complaint(&pool, type, config->gpu.aperture);
                return fail(config, user->group, user->name, user->key, error, "%s", complaint);
            }
            gpu_pool_take(&pool, type);
        }
        if (owner && other)
            return fail(config, user->group, user->name, user->key, error, "the GPU cannot be passed through to [%s %s] and shared with [%s %s] (%s)",
                        owner->group, owner->name, other->group, other->name, user_advice(user));
    }
    if ((owner || other) && strcmp(config->gpu.backend, "model") != 0) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: [gpu] backend: this build has no %s backend (try model)", config->path,
                    config->gpu.backend);
        return false;
    }
    return true;
}

static bool check_file(const struct config *config, const struct vm_settings *vm, const char *key, const char *path, GError **error)
{
    if (!path || g_file_test(path, G_FILE_TEST_EXISTS))
        return true;
    return fail(config, "vm", vm->name, key, error, "%s: no such file (paths are relative to the configuration file)", path);
}

static bool check_pin(const struct config *config, const char *group, const char *name, const char *pin, GError **error)
{
    g_autofree char *reason = NULL;
    g_autoptr(GArray) cpus = pin ? cpu_list_parse(pin, &reason) : NULL;

    return !pin || cpus || fail(config, group, name, "pin", error, "%s", reason);
}

static bool check_vm(const struct config *config, const struct vm_settings *vm, enum config_check_depth depth, GError **error)
{
    const char *key = vm->kernel ? "kernel" : "image";
    const struct boot_request request = {.image = vm->kernel ? vm->kernel : vm->image,
                                         .args = vm->kernel ? vm->cmdline : vm->args,
                                         .initrd = vm->initrd,
                                         .vcpus = (unsigned)vm->vcpus,
                                         .ecam_base = PCI_ECAM_BASE,
                                         .packed = depth == CONFIG_CHECK_BEFORE_START};
    g_autoptr(GError) problem = NULL;

    if (!check_file(config, vm, key, request.image, error) || !check_file(config, vm, "initrd", vm->initrd, error))
        return false;
    if (!boot_check(&request, vm->memory, &problem))
        return fail(config, "vm", vm->name, key, error, "%s", problem->message);
    return check_pin(config, "vm", vm->name, vm->pin, error);
}

bool config_check(const struct config *config, enum config_check_depth depth, GError **error)
{
    for (unsigned i = 0; i < config->vms->len; i++)
        if (!check_vm(config, g_ptr_array_index(config->vms, i), depth, error))
            return false;
    for (unsigned i = 0; i < config->vgpus->len; i++) {
        const struct vgpu_settings *vgpu = g_ptr_array_index(config->vgpus, i);
        if (!check_pin(config, "vgpu", vgpu->name, vgpu->pin, error))
            return false;
    }
    return check_gpus(config, error) && screens_check(config, error);
}
