/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The GPU side of a run. This build has no GPU backend: a VM that asks for one is refused. */
#include "vmm/gpu_setup.h"

#include "vmm/error.h"

#include <string.h>

struct gpu_setup {
    unsigned vms;
};

struct gpu_setup *gpu_setup_create(const struct gpu_setup_config *config, GError **error)
{
    for (unsigned i = 0; i < config->config->vms->len; i++) {
        const struct vm_settings *vm = g_ptr_array_index(config->config->vms, i);
        if (strcmp(vm->gpu, "none") != 0) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: [vm %s] gpu: this build has no GPU backend (try none)",
                        config->config->path, vm->name);
            return NULL;
        }
    }
    struct gpu_setup *setup = g_new0(struct gpu_setup, 1);
    setup->vms = config->config->vms->len;
    return setup;
}

void gpu_setup_destroy(struct gpu_setup *setup)
{
    g_free(setup);
}

struct pci_device *gpu_setup_take_device(struct gpu_setup *setup, unsigned vm)
{
    return NULL;
}

unsigned gpu_setup_trace_id(const struct gpu_setup *setup, unsigned vm)
{
    return 0;
}

struct vgpu *gpu_setup_vgpu(struct gpu_setup *setup, unsigned vm)
{
    return NULL;
}

struct image *gpu_setup_screenshot(struct gpu_setup *setup, unsigned vm, GError **error)
{
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "the VM has no GPU");
    return NULL;
}
