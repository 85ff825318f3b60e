/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users of the GPU that come and go, and GPUs of users that stay. See gpu_setup.h. */
#include "vmm/gpu_setup_internal.h"

#include "gpu/driver/driver.h"
#include "mmio/vgpu.h"
#include "vmm/error.h"
#include "vmm/gpu_pool.h"

#include <string.h>

/* A place without a user. */
static const struct gpu_user nobody = {.group = "vgpu", .key = "type", .name = "", .type = "none", .monitor = "dp"};

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

/* Whether a vGPU of the user's type could be made now. */
static bool check_room(const struct gpu_setup *setup, const struct gpu_user *user, GError **error)
{
    const struct vgpu_type *type = vgpu_type_find(user->type);
    bool passed_through;
    const struct gpu_pool pool = pool_left(setup, &passed_through);

    if (!type)
        return refuse(user, error, "is no type of vGPUs (vmm types lists them)");
    if (passed_through)
        return refuse(user, error, "the GPU is passed through");
    if (gpu_pool_fits(&pool, type))
        return true;
    g_autofree char *complaint = gpu_pool_complaint(&pool, type, setup->config.config->gpu.aperture);
    return refuse(user, error, complaint);
}

static bool create_added(struct gpu_setup *setup, unsigned number, GError **error)
{
    g_rw_lock_writer_lock(&setup->lock);
    bool created = gpu_setup_create_gpu(setup, number, error);
    g_rw_lock_writer_unlock(&setup->lock);
    return created;
}

bool gpu_setup_add(struct gpu_setup *setup, const struct gpu_user *user, unsigned *number, GError **error)
{
    unsigned i = free_place(setup);

    if (!check_room(setup, user, error))
        return false;
    if (i == setup->max)
        return refuse(user, error, "too many vGPUs");
    setup->places[i].monitor = (struct monitor_settings){0};
    g_rw_lock_writer_lock(&setup->lock);
    setup->users[i] = (struct gpu_user){.group = g_string_chunk_insert_const(setup->texts, user->group),
                                        .key = g_string_chunk_insert_const(setup->texts, user->key),
                                        .type = vgpu_type_find(user->type)->name,
                                        .monitor = g_string_chunk_insert_const(setup->texts, user->monitor),
                                        .screenshot = user->screenshot ? g_string_chunk_insert_const(setup->texts, user->screenshot) : NULL,
                                        .weight = user->weight,
                                        .cap = user->cap,
                                        .trap_limit = user->trap_limit,
                                        .latency = user->latency};
    __atomic_store_n(&setup->users[i].name, g_string_chunk_insert_const(setup->texts, user->name), __ATOMIC_RELEASE);
    g_rw_lock_writer_unlock(&setup->lock);
    if (!create_added(setup, i, error)) {
        gpu_setup_remove(setup, i);
        return false;
    }
    if (i == setup->count)
        __atomic_store_n(&setup->count, i + 1, __ATOMIC_RELEASE);
    *number = i;
    return true;
}

bool gpu_setup_plug(struct gpu_setup *setup, unsigned number, const struct gpu_user *user, GError **error)
{
    struct gpu_user *place = &setup->users[number];

    if (strcmp(place->type, nobody.type) != 0)
        return refuse(place, error, "there is a GPU already");
    if (!check_room(setup, user, error))
        return false;
    g_rw_lock_writer_lock(&setup->lock);
    if (user->monitor)
        place->monitor = g_string_chunk_insert_const(setup->texts, user->monitor);
    place->weight = user->weight ? user->weight : place->weight;
    place->type = vgpu_type_find(user->type)->name;
    g_rw_lock_writer_unlock(&setup->lock);
    if (create_added(setup, number, error))
        return true;
    gpu_setup_unplug(setup, number);
    return false;
}

void gpu_setup_retire(struct gpu_setup *setup, unsigned user)
{
    g_mutex_lock(&setup->places[user].reading);
    g_rw_lock_writer_lock(&setup->lock);
    setup->gpus[user].vgpu = NULL;
    setup->gpus[user].passthrough = NULL;
    g_rw_lock_writer_unlock(&setup->lock);
    g_mutex_unlock(&setup->places[user].reading);
}

void gpu_setup_unplug(struct gpu_setup *setup, unsigned user)
{
    gpu_setup_retire(setup, user);
    if (setup->gpus[user].device)
        setup->gpus[user].device->ops->destroy(setup->gpus[user].device);
    g_rw_lock_writer_lock(&setup->lock);
    setup->gpus[user] = (struct user_gpu){.setup = setup, .index = user};
    setup->users[user].type = nobody.type;
    g_rw_lock_writer_unlock(&setup->lock);
    trace_forget(setup->config.trace, user + 1);
}

void gpu_setup_remove(struct gpu_setup *setup, unsigned user)
{
    struct gpu_user *place = &setup->users[user];

    gpu_setup_unplug(setup, user);
    g_rw_lock_writer_lock(&setup->lock);
    __atomic_store_n(&place->name, nobody.name, __ATOMIC_RELEASE);
    place->screenshot = NULL;
    place->weight = 0;
    g_rw_lock_writer_unlock(&setup->lock);
    if (user + 1 == setup->count)
        __atomic_store_n(&setup->count, user, __ATOMIC_RELEASE);
}
