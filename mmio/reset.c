/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the three kinds of reset clear: the whole function (power-on), the graphics engines all together, and single engines. */
#include "gpu/blocks/regfile.h"
#include "mmio/vgpu_internal.h"

void reset_device(struct vgpu *vgpu)
{
    vgpu_lock(vgpu);
    trace_emit(vgpu->trace, TRACE_VGPU_RESET, vgpu->id, TRACE_NO_ENGINE, VGPU_ALL_ENGINES, 0);
    engines_cancel(vgpu, VGPU_ALL_ENGINES, true);
    ppgtt_forget_all(vgpu->ppgtt);
    ggtt_reset(vgpu);
    ggtt_flush(vgpu);
    registers_reset(vgpu);
    vgpu_config_reset(vgpu);
    failure_clear(vgpu);
    vgpu_unlock(vgpu);
}

void reset_graphics(struct vgpu *vgpu, uint32_t gdrst)
{
    unsigned engines = uncore_reset_engines(gdrst);
    bool full = gdrst & GDRST_FULL;

    trace_emit(vgpu->trace, TRACE_VGPU_RESET, vgpu->id, TRACE_NO_ENGINE, engines, 0);
    if (engines) {
        engines_cancel(vgpu, engines, full);
        registers_reset_engines(vgpu, engines, full);
        if (full)
            ppgtt_forget_all(vgpu->ppgtt);
    }
    uncore_reset_done(&vgpu->uncore, gdrst);
}
