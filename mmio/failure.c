/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vGPU whose guest broke a rule: it stops reacting, says why, and leaves the other guests alone. Reads give the plain register values, writes
 * are dropped, nothing is submitted any more; a device reset brings it back. Called by every part of the vGPU.
 */
#include "mmio/vgpu_internal.h"

bool vgpu_has_failed(const struct vgpu *vgpu)
{
    return __atomic_load_n(&vgpu->failure, __ATOMIC_ACQUIRE) != NULL;
}

void vgpu_fail(struct vgpu *vgpu, const char *format, ...)
{
    va_list args;

    if (vgpu_has_failed(vgpu))
        return;
    va_start(args, format);
    char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(vgpu->failures, reason);
    vgpu->failure_told = false;
    __atomic_store_n(&vgpu->failure, reason, __ATOMIC_RELEASE);
    trace_emit(vgpu->trace, TRACE_VGPU_FAILED, vgpu->id, TRACE_NO_ENGINE, 0, 0);
    aperture_direct_close(vgpu); /* writes are dropped from now on */
    vgpu_wake(vgpu);
}

void failure_finish(struct vgpu *vgpu)
{
    g_mutex_lock(&vgpu->lock);
    const char *reason = __atomic_load_n(&vgpu->failure, __ATOMIC_ACQUIRE);
    bool tell = reason && !vgpu->failure_told;
    if (tell) {
        vgpu->failure_told = true;
        engines_cancel(vgpu, VGPU_ALL_ENGINES, true);
        ppgtt_forget_all(vgpu->ppgtt);
    }
    g_mutex_unlock(&vgpu->lock);
    if (tell && vgpu->failed)
        vgpu->failed(vgpu->opaque, reason);
}

void failure_clear(struct vgpu *vgpu)
{
    /* The string stays: vgpu_failure() promises it until the vGPU is destroyed. */
    __atomic_store_n(&vgpu->failure, NULL, __ATOMIC_RELEASE);
    vgpu->failure_told = false;
}
