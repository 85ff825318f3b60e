/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The execlist submission port of an engine: see execlist.h. Used by the model's engines and by each vGPU. */
#include "gpu/blocks/execlist.h"

#include <string.h>

#define POINTER_NEVER 7 /* reset value: the first entry goes to index 0 */

void execlist_reset(struct execlist *list)
{
    memset(list, 0, sizeof(*list));
    list->write_pointer = POINTER_NEVER;
    list->read_pointer = POINTER_NEVER;
}

static void report(struct execlist *list, uint32_t status, uint32_t id, const struct execlist_ops *ops, void *opaque)
{
    unsigned index = list->write_pointer >= CSB_ENTRIES - 1 ? 0 : list->write_pointer + 1u;

    list->write_pointer = (uint8_t)index;
    list->status[index][0] = status;
    list->status[index][1] = id;
    list->last_reason = status;
    ops->csb_write(opaque, index, status, id);
}

uint64_t execlist_running(const struct execlist *list)
{
    return list->active ? list->list[list->current][list->element] : 0;
}

bool execlist_would_lite_restore(const struct execlist *list)
{
    uint64_t running = execlist_running(list);
    uint64_t next = list->list[!list->current][0];

    return list->active && list->waiting && DESC_LRCA(next) == DESC_LRCA(running) &&
           DESC_CONTEXT_ID(next) == DESC_CONTEXT_ID(running) && !(next & DESC_FORCE_RESTORE);
}

/* Makes the waiting list the current one and runs its first element. */
static void promote(struct execlist *list, bool lite, const struct execlist_ops *ops, void *opaque)
{
    list->current = !list->current;
    list->element = 0;
    list->waiting = false;
    list->active = true;
    memset(list->list[!list->current], 0, sizeof(list->list[0]));
    ops->start(opaque, list->list[list->current][0], lite);
}

bool execlist_submit(struct execlist *list, uint64_t desc0, uint64_t desc1, const struct execlist_ops *ops, void *opaque)
{
    if (!(desc0 & DESC_VALID))
        return false;

    list->list[!list->current][0] = desc0;
    list->list[!list->current][1] = desc1 & DESC_VALID ? desc1 : 0;
    list->waiting = true;
    if (list->active) {
        ops->preempt(opaque, execlist_would_lite_restore(list));
    } else {
        report(list, CSB_IDLE_ACTIVE, 0, ops, opaque);
        promote(list, false, ops, opaque);
    }
    return true;
}

bool execlist_elsp_write(struct execlist *list, uint32_t dword, const struct execlist_ops *ops, void *opaque)
{
    const uint32_t *d = list->elsp;

    list->elsp[list->elsp_count++ & 3] = dword;
    if (list->elsp_count < 4)
        return false;
    list->elsp_count = 0;
    return execlist_submit(list, (uint64_t)d[2] << 32 | d[3], (uint64_t)d[0] << 32 | d[1], ops, opaque);
}

/* The running element is off the engine: on to the next element, the waiting list, or idleness. */
static void leave(struct execlist *list, uint32_t events, const struct execlist_ops *ops, void *opaque)
{
    if (!list->active)
        return;

    uint32_t id = DESC_CONTEXT_ID(execlist_running(list));
    if (list->element == 0 && list->list[list->current][1] & DESC_VALID) {
        list->element = 1;
        report(list, events | CSB_ELEMENT_SWITCH, id, ops, opaque);
        ops->start(opaque, list->list[list->current][1], false);
        return;
    }

    list->active = false;
    report(list, events | CSB_ACTIVE_IDLE, id, ops, opaque);
    if (list->waiting) {
        report(list, CSB_IDLE_ACTIVE, 0, ops, opaque);
        promote(list, false, ops, opaque);
    }
}

void execlist_context_done(struct execlist *list, const struct execlist_ops *ops, void *opaque)
{
    leave(list, CSB_CONTEXT_COMPLETE, ops, opaque);
}

void execlist_context_waits(struct execlist *list, uint32_t events, const struct execlist_ops *ops, void *opaque)
{
    leave(list, events, ops, opaque);
}

void execlist_context_preempted(struct execlist *list, const struct execlist_ops *ops, void *opaque)
{
    if (!list->active || !list->waiting)
        return;

    bool lite = execlist_would_lite_restore(list);
    report(list, lite ? CSB_PREEMPTED | CSB_LITE_RESTORE : CSB_PREEMPTED, DESC_CONTEXT_ID(execlist_running(list)), ops, opaque);
    promote(list, lite, ops, opaque);
}

uint64_t execlist_status(const struct execlist *list, bool arbitration)
{
    unsigned valid = list->active ? 1u << list->current : 0;
    uint32_t low = (list->last_reason & 0x1ff) << EXECLIST_STATUS_REASON_SHIFT;

    if (list->waiting)
        valid |= 1u << !list->current;
    if (list->current)
        low |= EXECLIST_STATUS_CURRENT_LIST;
    if (!list->current)
        low |= EXECLIST_STATUS_WRITE_LIST;
    if (list->waiting)
        low |= EXECLIST_STATUS_QUEUE_FULL;
    if (valid & 1)
        low |= EXECLIST_STATUS_LIST0_VALID;
    if (valid & 2)
        low |= EXECLIST_STATUS_LIST1_VALID;
    if (arbitration)
        low |= EXECLIST_STATUS_ARBITRATION;
    if (list->active) {
        low |= (list->element + 1u) << EXECLIST_STATUS_ELEMENT_SHIFT;
        low |= list->current ? EXECLIST_STATUS_LIST1_ACTIVE : EXECLIST_STATUS_LIST0_ACTIVE;
    }
    return (uint64_t)DESC_CONTEXT_ID(execlist_running(list)) << 32 | low;
}

uint32_t execlist_pointer_read(const struct execlist *list)
{
    return (uint32_t)list->read_pointer << 8 | list->write_pointer;
}

void execlist_pointer_write(struct execlist *list, uint32_t value)
{
    uint32_t mask = value >> 16;
    uint32_t now = (execlist_pointer_read(list) & ~mask) | (value & mask);

    list->write_pointer = now & 7;
    list->read_pointer = now >> 8 & 7;
}

uint32_t execlist_buffer_read(const struct execlist *list, unsigned dword)
{
    return dword < 2 * CSB_ENTRIES ? list->status[dword / 2][dword & 1] : 0;
}
