/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds the GPU side of a run from its parts: model, driver, scheduler, vGPUs. Used by session.c and
 * serve.c.
 */
#include "vmm/gpu_setup_internal.h"

#include "gpu/driver/driver.h"
#include "gpu/model/model.h"
#include "mmio/vgpu.h"
#include "scheduler/scheduler.h"
#include "vmm/display/mode.h"
#include "vmm/error.h"
#include "vmm/observe/hang_files.h"
#include "vmm/observe/streams.h"

#include <string.h>

/* More than there is graphics memory for (gpu_pool.c), so that this is never what a vGPU fails for. */
enum { USERS_ADDED_MAX = 128 };

static void vgpu_failed(void *opaque, const char *reason)
{
    struct user_gpu *gpu = opaque;

    gpu->setup->config.failed(gpu->setup->config.opaque, gpu->index, reason);
}

static void vgpu_hung(void *opaque, const struct error_state *state)
{
    struct user_gpu *gpu = opaque;

    hang_files_add(gpu->setup->hangs, state);
}

static bool vgpu_records(void *opaque)
{
    return streams_wanted(__atomic_load_n(&((struct user_gpu *)opaque)->setup->streams, __ATOMIC_ACQUIRE));
}

static void vgpu_recorded(void *opaque, struct stream *stream)
{
    streams_add(__atomic_load_n(&((struct user_gpu *)opaque)->setup->streams, __ATOMIC_ACQUIRE), stream);
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
    struct monitor_settings *monitor = &setup->places[gpu->index].monitor;
    struct vgpu_config config = {.id = gpu->trace_id,
                                 .name = user->name,
                                 .type = vgpu_type_find(user->type),
                                 .weight = user->weight,
                                 .cap = user->cap,
                                 .trap_limit = user->trap_limit,
                                 .latency = user->latency,
                                 .hdmi = strcmp(user->monitor, "hdmi") == 0,
                                 .monitor = monitor,
                                 .trace = setup->config.trace,
                                 .failed = vgpu_failed,
                                 .hung = vgpu_hung,
                                 .records = vgpu_records,
                                 .recorded = vgpu_recorded,
                                 .opaque = gpu};
    g_autoptr(GError) problem = NULL;

    if (!mode_load(setup->config.config, user, monitor, error) || !create_shared(setup, error))
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
    struct monitor_settings *monitor = &setup->places[gpu->index].monitor;

    if (!mode_load(setup->config.config, user, monitor, error))
        return false;
    gpu->passthrough = create_model(setup, gpu->trace_id, strcmp(user->monitor, "hdmi") == 0, monitor, error);
    if (!gpu->passthrough)
        return false;
    gpu->device = model_pci(gpu->passthrough);
    return true;
}

bool gpu_setup_create_gpu(struct gpu_setup *setup, unsigned i, GError **error)
{
    const struct gpu_user *user = &setup->users[i];
    struct user_gpu *gpu = &setup->gpus[i];
    bool passthrough = strcmp(user->type, "passthrough") == 0;

    *gpu = (struct user_gpu){.setup = setup, .index = i};
    if (!passthrough && !gpu_user_has_vgpu(user))
        return true;
    gpu->trace_id = i + 1;
    return passthrough ? create_passthrough(setup, gpu, user, error) : create_vgpu(setup, gpu, user, error);
}

struct gpu_setup *gpu_setup_create(const struct gpu_setup_config *config, GError **error)
{
    struct gpu_setup *setup = g_new0(struct gpu_setup, 1);
    g_autoptr(GArray) users = config_gpu_users(config->config);

    setup->config = *config;
    setup->hangs = hang_files_create(config->config->observe.directory);
    setup->count = users->len;
    setup->max = users->len + USERS_ADDED_MAX;
    setup->users = g_new0(struct gpu_user, setup->max);
    setup->gpus = g_new0(struct user_gpu, setup->max);
    setup->places = g_new0(struct place, setup->max);
    setup->texts = g_string_chunk_new(64);
    g_rw_lock_init(&setup->lock);
    for (unsigned i = 0; i < setup->max; i++)
        g_mutex_init(&setup->places[i].reading);
    if (users->len)
        memcpy(setup->users, users->data, users->len * sizeof(struct gpu_user));
    bool ok = !config_grows(config->config) || create_shared(setup, error);
    for (unsigned i = 0; i < users->len && ok; i++)
        ok = gpu_setup_create_gpu(setup, i, error);
    if (ok)
        return setup;
    gpu_setup_destroy(setup);
    return NULL;
}

void gpu_setup_destroy(struct gpu_setup *setup)
{
    if (!setup)
        return;
    for (unsigned i = 0; i < setup->count; i++) /* those that nobody took */
        if (setup->gpus[i].device)
            setup->gpus[i].device->ops->destroy(setup->gpus[i].device);
    scheduler_destroy(setup->scheduler);
    driver_destroy(setup->driver);
    hang_files_destroy(setup->hangs);
    g_string_chunk_free(setup->texts);
    g_rw_lock_clear(&setup->lock);
    for (unsigned i = 0; i < setup->max; i++)
        g_mutex_clear(&setup->places[i].reading);
    g_free(setup->gpus);
    g_free(setup->places);
    g_free(setup->users);
    g_free(setup);
}

void gpu_setup_record(struct gpu_setup *setup, struct streams *streams)
{
    __atomic_store_n(&setup->streams, streams, __ATOMIC_RELEASE);
}

unsigned gpu_setup_count(const struct gpu_setup *setup)
{
    return __atomic_load_n(&setup->count, __ATOMIC_ACQUIRE);
}

const struct gpu_user *gpu_setup_user(const struct gpu_setup *setup, unsigned user)
{
    return &setup->users[user];
}

struct pci_device *gpu_setup_take_device(struct gpu_setup *setup, unsigned user)
{
    return g_steal_pointer(&setup->gpus[user].device);
}

const char *gpu_setup_trace_name(void *opaque, unsigned trace_id)
{
    const struct gpu_setup *setup = opaque;

    return trace_id >= 1 && trace_id <= __atomic_load_n(&setup->count, __ATOMIC_ACQUIRE)
               ? __atomic_load_n(&setup->users[trace_id - 1].name, __ATOMIC_ACQUIRE)
               : NULL;
}

bool gpu_setup_set_share(struct gpu_setup *setup, unsigned user, const struct gpu_user *share, GError **error)
{
    struct gpu_user *settings = &setup->users[user];

    if (!setup->gpus[user].vgpu) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s has no vGPU", gpu_setup_user(setup, user)->name);
        return false;
    }
    g_rw_lock_writer_lock(&setup->lock);
    settings->weight = share->weight;
    settings->cap = share->cap;
    settings->latency = share->latency;
    g_rw_lock_writer_unlock(&setup->lock);
    vgpu_set_weight(setup->gpus[user].vgpu, share->weight);
    vgpu_set_limits(setup->gpus[user].vgpu, share->cap, share->latency);
    return true;
}

bool gpu_setup_set_policy(struct gpu_setup *setup, const char *policy, GError **error)
{
    if (setup->scheduler)
        return scheduler_set_policy(setup->scheduler, policy, error);
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "there are no vGPUs that a policy would be for");
    return false;
}

const char *gpu_setup_policy(struct gpu_setup *setup)
{
    return setup->scheduler ? scheduler_policy(setup->scheduler) : setup->config.config->scheduler.policy;
}
