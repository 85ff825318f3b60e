/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vGPU's own thread: takes results from the scheduler, keeps the virtual display's time, has frames read whose checksum the guest wants, raises interrupts, and finishes what a
 * failure started. It sleeps until it is woken or the display has something due.
 */
#include "gpu/blocks/pipe_crc.h"
#include "mmio/vgpu_internal.h"

static void wait_for_work(struct vgpu *vgpu, uint64_t deadline_ns)
{
    g_mutex_lock(&vgpu->wake_lock);
    while (!vgpu->woken && !vgpu->stopping) {
        vgpu->asleep = true;
        if (deadline_ns == UINT64_MAX)
            g_cond_wait(&vgpu->wake_cond, &vgpu->wake_lock);
        else if (!g_cond_wait_until(&vgpu->wake_cond, &vgpu->wake_lock, (int64_t)(deadline_ns / 1000 + 1)))
            break;
    }
    vgpu->woken = vgpu->asleep = false;
    g_mutex_unlock(&vgpu->wake_lock);
}

static bool stopping(struct vgpu *vgpu)
{
    g_mutex_lock(&vgpu->wake_lock);
    bool stop = vgpu->stopping;
    g_mutex_unlock(&vgpu->wake_lock);
    return stop;
}

static void *run(void *opaque)
{
    struct vgpu *vgpu = opaque;
    struct pipe_crc frame;

    while (!stopping(vgpu)) {
        failure_finish(vgpu);
        vgpu_lock(vgpu);
        engines_reap(vgpu);
        bool crc = false;
        if (!vgpu_has_failed(vgpu)) {
            uint64_t now_ns = trace_now_ns();
            display_tick(vgpu->display, now_ns);
            crc = display_crc_take(vgpu->display, now_ns, &frame);
        }
        uint64_t deadline_ns = vgpu_has_failed(vgpu) ? UINT64_MAX : display_next_event_ns(vgpu->display);
        vgpu->deadline_ns = deadline_ns;
        vgpu_unlock(vgpu);
        if (crc)
            pipe_crc_worker_give(vgpu->crc, &frame);
        wait_for_work(vgpu, deadline_ns);
    }
    return NULL;
}

bool vgpu_thread_start(struct vgpu *vgpu, GError **error)
{
    vgpu->thread = g_thread_try_new("vgpu", run, vgpu, error);
    return vgpu->thread != NULL;
}

void vgpu_thread_stop(struct vgpu *vgpu)
{
    if (!vgpu->thread)
        return;
    g_mutex_lock(&vgpu->wake_lock);
    vgpu->stopping = true;
    g_cond_signal(&vgpu->wake_cond);
    g_mutex_unlock(&vgpu->wake_lock);
    g_thread_join(g_steal_pointer(&vgpu->thread));
}

void vgpu_wake(struct vgpu *vgpu)
{
    g_mutex_lock(&vgpu->wake_lock);
    vgpu->woken = true;
    bool asleep = vgpu->asleep;
    vgpu->asleep = false;
    g_mutex_unlock(&vgpu->wake_lock);
    if (asleep) /* a signal is a system call, whether somebody waits or not */
        g_cond_signal(&vgpu->wake_cond);
}
