/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds the GPU side of a run from its parts: model, driver, scheduler, vGPUs. Used by session.c. */
#include "vmm/gpu_setup.h"

#include "gpu/driver/driver.h"
#include "gpu/model/model.h"
#include "mmio/vgpu.h"
#include "scheduler/scheduler.h"
#include "vmm/error.h"

#include <string.h>

struct vm_gpu {
    struct gpu_setup *setup;
    unsigned index;
    unsigned trace_id;         /* 0: this VM has no GPU */
    struct vgpu *vgpu;         /* or NULL */
    struct model *passthrough; /* or NULL */
    struct pci_device *device; /* until it is taken */
};

struct gpu_setup {
    struct gpu_setup_config config;
    struct driver *driver;
    struct scheduler *scheduler;
    struct vm_gpu *vms;
    unsigned count;
};

static void vgpu_failed(void *opaque, const char *reason)
{
    struct vm_gpu *vm = opaque;

    vm->setup->config.failed(vm->setup->config.opaque, vm->index, reason);
}

static struct model *create_model(struct gpu_setup *setup, unsigned trace_id, bool hdmi, GError **error)
{
    struct model_config config = {
        .aperture_size = setup->config.config->gpu.aperture, .trace = setup->config.trace, .hdmi = hdmi, .vgpu = trace_id};

    return model_create(&config, error);
}

/* The shared GPU: once, when the first vGPU needs it. */
static bool create_shared(struct gpu_setup *setup, GError **error)
{
    const struct scheduler_settings *settings = &setup->config.config->scheduler;
    struct scheduler_config config = {.policy = settings->policy,
                                      .slice_ns = settings->slice_ns,
                                      .hang_ns = settings->hang_ns,
                                      .trace = setup->config.trace};

    if (setup->scheduler)
        return true;
    struct model *model = create_model(setup, TRACE_HOST, false, error);
    if (!model)
        return false;
    setup->driver = driver_create(model_gpu(model), setup->config.trace, error);
    setup->scheduler = setup->driver ? scheduler_create(setup->driver, &config, error) : NULL;
    return setup->scheduler != NULL;
}

static bool create_vgpu(struct gpu_setup *setup, struct vm_gpu *vm, const struct vm_settings *settings, GError **error)
{
    struct vgpu_config config = {.id = vm->trace_id,
                                 .name = settings->name,
                                 .type = vgpu_type_find(settings->gpu),
                                 .weight = (unsigned)settings->weight,
                                 .hdmi = strcmp(settings->monitor, "hdmi") == 0,
                                 .trace = setup->config.trace,
                                 .failed = vgpu_failed,
                                 .opaque = vm};
    g_autoptr(GError) problem = NULL;

    if (!create_shared(setup, error))
        return false;
    vm->vgpu = vgpu_create(setup->scheduler, setup->driver, &config, &problem);
    if (!vm->vgpu) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: [vm %s] gpu: %s", setup->config.config->path, settings->name,
                    problem->message);
        return false;
    }
    vm->device = vgpu_pci(vm->vgpu);
    return true;
}

static bool create_passthrough(struct gpu_setup *setup, struct vm_gpu *vm, bool hdmi, GError **error)
{
    vm->passthrough = create_model(setup, vm->trace_id, hdmi, error);
    if (!vm->passthrough)
        return false;
    vm->device = model_pci(vm->passthrough);
    return true;
}

struct gpu_setup *gpu_setup_create(const struct gpu_setup_config *config, GError **error)
{
    struct gpu_setup *setup = g_new0(struct gpu_setup, 1);

    setup->config = *config;
    setup->count = config->config->vms->len;
    setup->vms = g_new0(struct vm_gpu, setup->count);
    for (unsigned i = 0; i < setup->count; i++) {
        const struct vm_settings *settings = g_ptr_array_index(config->config->vms, i);
        struct vm_gpu *vm = &setup->vms[i];
        bool passthrough = strcmp(settings->gpu, "passthrough") == 0;
        *vm = (struct vm_gpu){.setup = setup, .index = i};
        if (!passthrough && !config_vm_has_vgpu(settings))
            continue;
        vm->trace_id = i + 1;
        if (!(passthrough ? create_passthrough(setup, vm, strcmp(settings->monitor, "hdmi") == 0, error) : create_vgpu(setup, vm, settings, error))) {
            gpu_setup_destroy(setup);
            return NULL;
        }
    }
    return setup;
}

void gpu_setup_destroy(struct gpu_setup *setup)
{
    if (!setup)
        return;
    for (unsigned i = 0; i < setup->count; i++) /* those that no machine took */
        if (setup->vms[i].device)
            setup->vms[i].device->ops->destroy(setup->vms[i].device);
    scheduler_destroy(setup->scheduler);
    driver_destroy(setup->driver);
    g_free(setup->vms);
    g_free(setup);
}

struct pci_device *gpu_setup_take_device(struct gpu_setup *setup, unsigned vm)
{
    return g_steal_pointer(&setup->vms[vm].device);
}

unsigned gpu_setup_trace_id(const struct gpu_setup *setup, unsigned vm)
{
    return setup->vms[vm].trace_id;
}

bool gpu_setup_stats(struct gpu_setup *setup, unsigned vm, struct vgpu_stats *stats)
{
    if (!setup->vms[vm].vgpu)
        return false;
    vgpu_stats(setup->vms[vm].vgpu, stats);
    return true;
}

struct image *gpu_setup_screenshot(struct gpu_setup *setup, unsigned vm, GError **error)
{
    if (setup->vms[vm].vgpu)
        return vgpu_screenshot(setup->vms[vm].vgpu, error);
    if (setup->vms[vm].passthrough)
        return model_screenshot(setup->vms[vm].passthrough, error);
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "the VM has no GPU");
    return NULL;
}
