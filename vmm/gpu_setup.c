/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds the GPU side of a run from its parts: model, driver, scheduler, vGPUs. Used by session.c and
 * serve.c.
 */
#include "vmm/gpu_setup.h"

#include "gpu/driver/driver.h"
#include "gpu/model/model.h"
#include "mmio/vgpu.h"
#include "scheduler/scheduler.h"
#include "vmm/display/mode.h"
#include "vmm/error.h"

#include <string.h>

struct user_gpu {
    struct gpu_setup *setup;
    unsigned index;
    unsigned trace_id;         /* 0: this user has no GPU */
    struct vgpu *vgpu;         /* or NULL */
    struct model *passthrough; /* or NULL */
    struct pci_device *device; /* until it is taken */
};

struct gpu_setup {
    struct gpu_setup_config config;
    struct driver *driver;
    struct scheduler *scheduler;
    GArray *users; /* struct gpu_user */
    struct user_gpu *gpus; /* one for each user */
};

static void vgpu_failed(void *opaque, const char *reason)
{
    struct user_gpu *gpu = opaque;

    gpu->setup->config.failed(gpu->setup->config.opaque, gpu->index, reason);
}

static struct model *create_model(struct gpu_setup *setup, unsigned trace_id, bool hdmi, const struct monitor_settings *monitor, GError **error)
{
    struct model_config config = {
        .aperture_size = setup->config.config->gpu.aperture, .trace = setup->config.trace, .hdmi = hdmi, .monitor = monitor, .vgpu = trace_id};

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
    struct model *model = create_model(setup, TRACE_HOST, false, NULL, error);
    if (!model)
        return false;
    setup->driver = driver_create(model_gpu(model), setup->config.trace, error);
    setup->scheduler = setup->driver ? scheduler_create(setup->driver, &config, error) : NULL;
    return setup->scheduler != NULL;
}

static bool create_vgpu(struct gpu_setup *setup, struct user_gpu *gpu, const struct gpu_user *user, GError **error)
{
    struct monitor_settings monitor;
    struct vgpu_config config = {.id = gpu->trace_id,
                                 .name = user->name,
                                 .type = vgpu_type_find(user->type),
                                 .weight = user->weight,
                                 .hdmi = strcmp(user->monitor, "hdmi") == 0,
                                 .monitor = &monitor,
                                 .trace = setup->config.trace,
                                 .failed = vgpu_failed,
                                 .opaque = gpu};
    g_autoptr(GError) problem = NULL;

    if (!mode_load(setup->config.config, user, &monitor, error) || !create_shared(setup, error))
        return false;
    gpu->vgpu = vgpu_create(setup->scheduler, setup->driver, &config, &problem);
    if (!gpu->vgpu) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: [%s %s] %s: %s", setup->config.config->path, user->group, user->name, user->key,
                    problem->message);
        return false;
    }
    gpu->device = vgpu_pci(gpu->vgpu);
    return true;
}

static bool create_passthrough(struct gpu_setup *setup, struct user_gpu *gpu, const struct gpu_user *user, GError **error)
{
    struct monitor_settings monitor;

    if (!mode_load(setup->config.config, user, &monitor, error))
        return false;
    gpu->passthrough = create_model(setup, gpu->trace_id, strcmp(user->monitor, "hdmi") == 0, &monitor, error);
    if (!gpu->passthrough)
        return false;
    gpu->device = model_pci(gpu->passthrough);
    return true;
}

struct gpu_setup *gpu_setup_create(const struct gpu_setup_config *config, GError **error)
{
    struct gpu_setup *setup = g_new0(struct gpu_setup, 1);

    setup->config = *config;
    setup->users = config_gpu_users(config->config);
    setup->gpus = g_new0(struct user_gpu, setup->users->len);
    for (unsigned i = 0; i < setup->users->len; i++) {
        const struct gpu_user *user = gpu_setup_user(setup, i);
        struct user_gpu *gpu = &setup->gpus[i];
        bool passthrough = strcmp(user->type, "passthrough") == 0;
        *gpu = (struct user_gpu){.setup = setup, .index = i};
        if (!passthrough && !gpu_user_has_vgpu(user))
            continue;
        gpu->trace_id = i + 1;
        if (!(passthrough ? create_passthrough(setup, gpu, user, error) : create_vgpu(setup, gpu, user, error))) {
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
    for (unsigned i = 0; i < setup->users->len; i++) /* those that nobody took */
        if (setup->gpus[i].device)
            setup->gpus[i].device->ops->destroy(setup->gpus[i].device);
    scheduler_destroy(setup->scheduler);
    driver_destroy(setup->driver);
    g_free(setup->gpus);
    g_array_unref(setup->users);
    g_free(setup);
}

unsigned gpu_setup_count(const struct gpu_setup *setup)
{
    return setup->users->len;
}

const struct gpu_user *gpu_setup_user(const struct gpu_setup *setup, unsigned user)
{
    return &g_array_index(setup->users, struct gpu_user, user);
}

struct pci_device *gpu_setup_take_device(struct gpu_setup *setup, unsigned user)
{
    return g_steal_pointer(&setup->gpus[user].device);
}

unsigned gpu_setup_trace_id(const struct gpu_setup *setup, unsigned user)
{
    return setup->gpus[user].trace_id;
}

const char *gpu_setup_trace_name(void *opaque, unsigned trace_id)
{
    const struct gpu_setup *setup = opaque;

    return trace_id >= 1 && trace_id <= setup->users->len ? gpu_setup_user(setup, trace_id - 1)->name : NULL;
}

bool gpu_setup_stats(struct gpu_setup *setup, unsigned user, struct vgpu_stats *stats)
{
    if (!setup->gpus[user].vgpu)
        return false;
    vgpu_stats(setup->gpus[user].vgpu, stats);
    return true;
}

bool gpu_setup_scanout(struct gpu_setup *setup, unsigned user, struct scanout *scanout, uint64_t *vblank_ns, GError **error)
{
    const struct user_gpu *gpu = &setup->gpus[user];

    if (gpu->vgpu)
        return vgpu_scanout(gpu->vgpu, scanout, vblank_ns, error);
    if (gpu->passthrough) {
        model_scanout(gpu->passthrough, scanout, vblank_ns);
        return true;
    }
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "there is no GPU in this process");
    return false;
}

struct scanout_reader *gpu_setup_reader(struct gpu_setup *setup, unsigned user, const struct scanout *scanout, GError **error)
{
    const struct user_gpu *gpu = &setup->gpus[user];

    return gpu->vgpu ? vgpu_reader(gpu->vgpu, scanout, error) : model_reader(gpu->passthrough, scanout, error);
}

struct image *gpu_setup_screenshot(struct gpu_setup *setup, unsigned user, GError **error)
{
    if (setup->gpus[user].vgpu)
        return vgpu_screenshot(setup->gpus[user].vgpu, error);
    if (setup->gpus[user].passthrough)
        return model_screenshot(setup->gpus[user].passthrough, error);
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "there is no GPU in this process");
    return NULL;
}
