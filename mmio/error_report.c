/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completes what the scheduler has captured of a hang by the batch that was executed: it lies in the guest's per-process address space, behind page tables that only
 * the vGPU can read. Called by execlist.c when the workload comes back, before the guest can know.
 */
#include "mmio/vgpu_internal.h"

void error_report(struct vgpu *vgpu, const struct flight *flight)
{
    struct error_state *state = workload_error_state(flight->workload);
    unsigned wanted, count = 0;
    uint64_t gma;
    bool ppgtt;

    if (!state || !vgpu->hung)
        return;
    if (error_state_wants_batch(state, &gma, &wanted, &ppgtt) && ppgtt) {
        g_autofree uint32_t *dwords = g_new(uint32_t, wanted);
        while (count < wanted && guest_ppgtt_read(vgpu, flight, gma + UINT64_C(4) * count, &dwords[count], 4))
            count++;
        error_memory_set(&state->batch, gma, dwords, count);
    }
    g_free(state->guest);
    state->guest = g_strdup(vgpu->name);
    vgpu->hung(vgpu->opaque, state);
}
