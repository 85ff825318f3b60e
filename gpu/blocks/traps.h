/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events for what a guest does to the device's BARs and configuration space, by class of register. Called by the vGPU and by the model when it is
 * passed through, so that the two can be compared. Threads: any.
 */
#ifndef MEDIANT_GPU_BLOCKS_TRAPS_H
#define MEDIANT_GPU_BLOCKS_TRAPS_H

#include "gpu/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

enum trap_direction { TRAP_READ, TRAP_WRITE };

/* An access of len bytes; offset is in BAR0. data: what was read or is written. */
void trap_bar0(struct trace *trace, unsigned vgpu, enum trap_direction direction, uint64_t offset, const void *data, size_t len);
void trap_aperture(struct trace *trace, unsigned vgpu, enum trap_direction direction, uint64_t offset, size_t len);
void trap_config(struct trace *trace, unsigned vgpu, enum trap_direction direction, unsigned offset, uint32_t value);

#ifdef __cplusplus
}
#endif
#endif
