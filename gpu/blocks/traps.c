/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trap events by class. See traps.h. */
#include "gpu/blocks/traps.h"

#include "gpu/defs/registers.h"

#include <glib.h>
#include <string.h>

static uint64_t marked(enum trap_direction direction, uint64_t offset)
{
    return direction == TRAP_WRITE ? offset | TRACE_TRAP_IS_WRITE : offset;
}

static enum trace_event event_of(uint64_t offset, enum trap_direction direction)
{
    if (offset >= GTT_OFFSET)
        return TRACE_TRAP_GTT;
    if (offset - PVINFO_OFFSET < PVINFO_BYTES)
        return TRACE_TRAP_PVINFO;
    const struct reg_desc *desc = reg_find((uint32_t)offset & ~3u, NULL);
    switch (desc ? (enum reg_class)desc->cls : REG_PLAIN) {
    case REG_IRQ:
        return TRACE_TRAP_INTERRUPT;
    case REG_DISPLAY:
    case REG_GMBUS:
    case REG_AUX:
        return TRACE_TRAP_DISPLAY;
    case REG_ENGINE:
        if (direction == TRAP_WRITE && desc->engine < ENGINE_COUNT && desc->offset - engine_mmio_base(desc->engine) == RING_ELSP)
            return TRACE_TRAP_ELSP;
        break;
    default:
        break;
    }
    return direction == TRAP_WRITE ? TRACE_TRAP_WRITE : TRACE_TRAP_READ;
}

void trap_bar0(struct trace *trace, unsigned vgpu, enum trap_direction direction, uint64_t offset, const void *data, size_t len)
{
    uint64_t value = 0;

    memcpy(&value, data, MIN(len, sizeof(value)));
    trace_emit(trace, event_of(offset, direction), vgpu, TRACE_NO_ENGINE, marked(direction, offset >= GTT_OFFSET ? (offset - GTT_OFFSET) / 8 : offset),
               value);
}

void trap_aperture(struct trace *trace, unsigned vgpu, enum trap_direction direction, uint64_t offset, size_t len)
{
    trace_emit(trace, TRACE_TRAP_APERTURE, vgpu, TRACE_NO_ENGINE, marked(direction, offset), len);
}

void trap_config(struct trace *trace, unsigned vgpu, enum trap_direction direction, unsigned offset, uint32_t value)
{
    trace_emit(trace, TRACE_TRAP_CONFIG, vgpu, TRACE_NO_ENGINE, marked(direction, offset), value);
}
