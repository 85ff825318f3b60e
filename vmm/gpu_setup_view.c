/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be seen of the users' GPUs, by any thread: figures and screens. See gpu_setup.h. */
#include "vmm/gpu_setup_internal.h"

#include "gpu/blocks/scanout.h"
#include "gpu/model/model.h"
#include "mmio/vgpu.h"
#include "vmm/error.h"

struct gpu_user gpu_setup_copy_user(struct gpu_setup *setup, unsigned user)
{
    g_rw_lock_reader_lock(&setup->lock);
    const struct gpu_user copy = setup->users[user];
    g_rw_lock_reader_unlock(&setup->lock);
    return copy;
}

unsigned gpu_setup_trace_id(struct gpu_setup *setup, unsigned user)
{
    g_rw_lock_reader_lock(&setup->lock);
    const unsigned id = setup->gpus[user].trace_id;
    g_rw_lock_reader_unlock(&setup->lock);
    return id;
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

char *gpu_setup_failure(struct gpu_setup *setup, unsigned user)
{
    g_rw_lock_reader_lock(&setup->lock);
    char *reason = setup->gpus[user].vgpu ? g_strdup(vgpu_failure(setup->gpus[user].vgpu)) : NULL;
    g_rw_lock_reader_unlock(&setup->lock);
    return reason;
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

    g_mutex_lock(&setup->places[user].reading);
    g_rw_lock_reader_lock(&setup->lock);
    const struct user_gpu *gpu = &setup->gpus[user];
    if (gpu->vgpu)
        reader = vgpu_reader(gpu->vgpu, scanout, error);
    else if (gpu->passthrough)
        reader = model_reader(gpu->passthrough, scanout, error);
    else
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "there is no GPU in this process");
    g_rw_lock_reader_unlock(&setup->lock);
    if (!reader)
        g_mutex_unlock(&setup->places[user].reading);
    return reader;
}

void gpu_setup_reader_done(struct gpu_setup *setup, unsigned user, struct scanout_reader *reader)
{
    scanout_reader_destroy(reader);
    g_mutex_unlock(&setup->places[user].reading);
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
