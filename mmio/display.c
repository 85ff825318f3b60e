/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual monitor: the display block shows what the guest's planes point to, read through the guest's own global GTT. The block itself
 * (gpu/blocks/display.h) is driven by the register dispatch and the vGPU's thread; here is what others want of it.
 */
#include "gpu/blocks/pipe_crc.h"
#include "gpu/blocks/scanout.h"
#include "mmio/vgpu_internal.h"

#include <gio/gio.h>

static bool read_surface(void *opaque, uint64_t gma, void *buf, size_t len)
{
    struct vgpu *vgpu = opaque;

    g_mutex_lock(&vgpu->lock);
    bool ok = ggtt_read(vgpu, gma, buf, len);
    g_mutex_unlock(&vgpu->lock);
    return ok;
}

static void crc_done(void *opaque, const struct pipe_crc *frame)
{
    struct vgpu *vgpu = opaque;

    vgpu_lock(vgpu);
    display_crc_give(vgpu->display, frame, trace_now_ns());
    vgpu_unlock(vgpu);
}

const struct pipe_crc_worker_ops vgpu_crc_ops = {.read = read_surface, .done = crc_done};

bool vgpu_scanout(struct vgpu *vgpu, struct scanout *scanout, uint64_t *vblank_ns, GError **error)
{
    const char *reason = vgpu_failure(vgpu);

    if (reason) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: the vGPU is disabled: %s", vgpu->name, reason);
        return false;
    }
    uint64_t now_ns = trace_now_ns();
    vgpu_lock(vgpu);
    display_scanout(vgpu->display, now_ns, scanout);
    *vblank_ns = display_next_vblank_ns(vgpu->display, scanout->pipe, now_ns);
    vgpu_unlock(vgpu);
    return true;
}

struct scanout_reader *vgpu_reader(struct vgpu *vgpu, const struct scanout *scanout, GError **error)
{
    return scanout_reader_create(scanout, read_surface, vgpu, error);
}

struct image *vgpu_screenshot(struct vgpu *vgpu, GError **error)
{
    struct scanout scanout;
    uint64_t vblank_ns;

    return vgpu_scanout(vgpu, &scanout, &vblank_ns, error) ? scanout_render(&scanout, read_surface, vgpu, error) : NULL;
}

void vgpu_stats(struct vgpu *vgpu, struct vgpu_stats *stats)
{
    struct display_stats display;

    vgpu_lock(vgpu);
    display_tick(vgpu->display, trace_now_ns());
    display_stats(vgpu->display, &display);
    ppgtt_usage(vgpu->ppgtt, &stats->shadow_tables, &stats->shadow_tables_max);
    stats->delayed = vgpu->throttle.delayed;
    stats->delayed_ns = vgpu->throttle.delayed_ns;
    vgpu_unlock(vgpu);
    sched_client_usage(vgpu->client, &stats->usage);
    stats->frames = display.frames;
    stats->vblanks = display.vblanks;
}
