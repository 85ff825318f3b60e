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
#include "vmm/observe/hang_files.h"
#include "vmm/observe/streams.h"
#include "vmm/gpu_pool.h"

#include <string.h>

struct user_gpu {
    struct gpu_setup *setup;
    unsigned index;
    unsigned trace_id;         /* 0: this user has no GPU */
    struct vgpu *vgpu;         /* or NULL */
    struct model *passthrough; /* or NULL */
    struct pci_device *device; /* until it is taken */
};

/* More than there is graphics memory for (gpu_pool.c), so that this is never what a vGPU fails for. */
enum { USERS_ADDED_MAX = 128 };

struct gpu_setup {
    struct gpu_setup_config config;
    struct driver *driver;
    struct scheduler *scheduler;
    struct hang_files *hangs;
    struct streams *streams; /* or NULL; atomic */
    struct gpu_user *users; /* of fixed size: other threads read names */
    struct user_gpu *gpus;  /* one for each user */
    GRWLock lock;           /* of their vgpu and passthrough, once users come and go: read by any thread, written by the main loop's */
    unsigned count, max;    /* count is atomic */
    GStringChunk *texts;    /* of users that were added; what was read of them stays valid when they are gone */
};

/* A place without a user. */
static const struct gpu_user nobody = {.group = "vgpu", .key = "type", .name = "", .type = "none", .monitor = "dp"};

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
    struct monitor_settings monitor;
    struct vgpu_config config = {.id = gpu->trace_id,
                                 .name = user->name,
                                 .type = vgpu_type_find(user->type),
                                 .weight = user->weight,
                                 .cap = user->cap,
                                 .trap_limit = user->trap_limit,
                                 .latency = user->latency,
                                 .hdmi = strcmp(user->monitor, "hdmi") == 0,
                                 .monitor = &monitor,
                                 .trace = setup->config.trace,
                                 .failed = vgpu_failed,
                                 .hung = vgpu_hung,
                                 .records = vgpu_records,
                                 .recorded = vgpu_recorded,
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

static bool create_gpu(struct gpu_setup *setup, unsigned i, GError **error)
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
    setup->texts = g_string_chunk_new(64);
    g_rw_lock_init(&setup->lock);
    if (users->len)
        memcpy(setup->users, users->data, users->len * sizeof(struct gpu_user));
    bool ok = !config_grows(config->config) || create_shared(setup, error);
    for (unsigned i = 0; i < users->len && ok; i++)
        ok = create_gpu(setup, i, error);
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
    g_free(setup->gpus);
    g_free(setup->users);
    g_free(setup);
}

/* What the types in use leave, and whether one of the users has the whole GPU. */
static struct gpu_pool pool_left(const struct gpu_setup *setup, bool *passed_through)
{
    struct gpu_pool pool = gpu_pool_of(setup->config.config->gpu.aperture);

    *passed_through = false;
    for (unsigned i = 0; i < setup->count; i++) {
        if (setup->gpus[i].vgpu)
            gpu_pool_take(&pool, vgpu_type_find(setup->users[i].type));
        *passed_through |= setup->gpus[i].passthrough != NULL;
    }
    return pool;
}

unsigned gpu_setup_available(struct gpu_setup *setup, const struct vgpu_type *type)
{
    bool passed_through;
    const struct gpu_pool pool = pool_left(setup, &passed_through);

    if (!setup->driver || passed_through)
        return 0;
    unsigned count = MIN(gpu_pool_count(&pool, type), driver_ggtt_room(setup->driver, GGTT_LOW, type->low_gm));
    return MIN(count, driver_ggtt_room(setup->driver, GGTT_HIGH, type->high_gm));
}

static unsigned free_place(const struct gpu_setup *setup)
{
    unsigned i = 0;

    while (i < setup->count && setup->users[i].name[0])
        i++;
    return i;
}

static bool refuse(const struct gpu_user *user, GError **error, const char *reason)
{
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "[%s %s] %s: %s", user->group, user->name, user->key, reason);
    return false;
}

bool gpu_setup_add(struct gpu_setup *setup, const struct gpu_user *user, unsigned *number, GError **error)
{
    const struct vgpu_type *type = vgpu_type_find(user->type);
    bool passed_through;
    const struct gpu_pool pool = pool_left(setup, &passed_through);
    unsigned i = free_place(setup);

    if (!type)
        return refuse(user, error, "is no type of vGPUs (vmm types lists them)");
    if (passed_through)
        return refuse(user, error, "the GPU is passed through");
    if (!gpu_pool_fits(&pool, type)) {
        g_autofree char *complaint = gpu_pool_complaint(&pool, type, setup->config.config->gpu.aperture);
        return refuse(user, error, complaint);
    }
    if (i == setup->max)
        return refuse(user, error, "too many vGPUs");
    setup->users[i] = (struct gpu_user){.group = g_string_chunk_insert_const(setup->texts, user->group),
                                        .key = g_string_chunk_insert_const(setup->texts, user->key),
                                        .type = type->name,
                                        .monitor = g_string_chunk_insert_const(setup->texts, user->monitor),
                                        .screenshot = user->screenshot ? g_string_chunk_insert_const(setup->texts, user->screenshot) : NULL,
                                        .weight = user->weight,
                                        .cap = user->cap,
                                        .trap_limit = user->trap_limit,
                                        .latency = user->latency};
    __atomic_store_n(&setup->users[i].name, g_string_chunk_insert_const(setup->texts, user->name), __ATOMIC_RELEASE);
    g_rw_lock_writer_lock(&setup->lock);
    bool created = create_gpu(setup, i, error);
    g_rw_lock_writer_unlock(&setup->lock);
    if (!created) {
        gpu_setup_remove(setup, i);
        return false;
    }
    if (i == setup->count)
        __atomic_store_n(&setup->count, i + 1, __ATOMIC_RELEASE);
    *number = i;
    return true;
}

void gpu_setup_retire(struct gpu_setup *setup, unsigned user)
{
    g_rw_lock_writer_lock(&setup->lock);
    setup->gpus[user].vgpu = NULL;
    setup->gpus[user].passthrough = NULL;
    g_rw_lock_writer_unlock(&setup->lock);
}

void gpu_setup_remove(struct gpu_setup *setup, unsigned user)
{
    struct gpu_user *place = &setup->users[user];

    gpu_setup_retire(setup, user);
    if (setup->gpus[user].device)
        setup->gpus[user].device->ops->destroy(setup->gpus[user].device);
    setup->gpus[user] = (struct user_gpu){.setup = setup, .index = user};
    trace_forget(setup->config.trace, user + 1);
    __atomic_store_n(&place->name, nobody.name, __ATOMIC_RELEASE);
    place->type = nobody.type;
    place->screenshot = NULL;
    place->weight = 0;
    if (user + 1 == setup->count)
        __atomic_store_n(&setup->count, user, __ATOMIC_RELEASE);
}

void gpu_setup_record(struct gpu_setup *setup, struct streams *streams)
{
    __atomic_store_n(&setup->streams, streams, __ATOMIC_RELEASE);
}

unsigned gpu_setup_count(const struct gpu_setup *setup)
{
    return setup->count;
}

const struct gpu_user *gpu_setup_user(const struct gpu_setup *setup, unsigned user)
{
    return &setup->users[user];
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

    return trace_id >= 1 && trace_id <= __atomic_load_n(&setup->count, __ATOMIC_ACQUIRE)
               ? __atomic_load_n(&setup->users[trace_id - 1].name, __ATOMIC_ACQUIRE)
               : NULL;
}

bool gpu_setup_stats(struct gpu_setup *setup, unsigned user, struct vgpu_stats *stats)
{
    g_rw_lock_reader_lock(&setup->lock);
    struct vgpu *vgpu = setup->gpus[user].vgpu;
    if (vgpu)
        vgpu_stats(vgpu, stats);
    g_rw_lock_reader_unlock(&setup->lock);
    return vgpu != NULL;
}

const char *gpu_setup_failure(struct gpu_setup *setup, unsigned user)
{
    return setup->gpus[user].vgpu ? vgpu_failure(setup->gpus[user].vgpu) : NULL;
}

bool gpu_setup_set_share(struct gpu_setup *setup, unsigned user, const struct gpu_user *share, GError **error)
{
    struct gpu_user *settings = &setup->users[user];

    if (!setup->gpus[user].vgpu) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s has no vGPU", gpu_setup_user(setup, user)->name);
        return false;
    }
    settings->weight = share->weight;
    settings->cap = share->cap;
    settings->latency = share->latency;
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

bool gpu_setup_scanout(struct gpu_setup *setup, unsigned user, struct scanout *scanout, uint64_t *vblank_ns, GError **error)
{
    bool ok = true;

    g_rw_lock_reader_lock(&setup->lock);
    const struct user_gpu *gpu = &setup->gpus[user];
    if (gpu->vgpu) {
        ok = vgpu_scanout(gpu->vgpu, scanout, vblank_ns, error);
    } else if (gpu->passthrough) {
        model_scanout(gpu->passthrough, scanout, vblank_ns);
    } else {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "there is no GPU in this process");
        ok = false;
    }
    g_rw_lock_reader_unlock(&setup->lock);
    return ok;
}

struct scanout_reader *gpu_setup_reader(struct gpu_setup *setup, unsigned user, const struct scanout *scanout, GError **error)
{
    struct scanout_reader *reader = NULL;

    g_rw_lock_reader_lock(&setup->lock);
    const struct user_gpu *gpu = &setup->gpus[user];
    if (gpu->vgpu)
        reader = vgpu_reader(gpu->vgpu, scanout, error);
    else if (gpu->passthrough)
        reader = model_reader(gpu->passthrough, scanout, error);
    else
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "there is no GPU in this process");
    g_rw_lock_reader_unlock(&setup->lock);
    return reader;
}

struct image *gpu_setup_screenshot(struct gpu_setup *setup, unsigned user, GError **error)
{
    struct image *image = NULL;

    g_rw_lock_reader_lock(&setup->lock);
    const struct user_gpu *gpu = &setup->gpus[user];
    if (gpu->vgpu)
        image = vgpu_screenshot(gpu->vgpu, error);
    else if (gpu->passthrough)
        image = model_screenshot(gpu->passthrough, error);
    else
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "there is no GPU in this process");
    g_rw_lock_reader_unlock(&setup->lock);
    return image;
}
