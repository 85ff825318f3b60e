/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware contexts: image and ring in the global GTT, and a first register state for an empty ring. Called by the scheduler
 * for its shadow contexts, and by the hang check for its own.
 */
#include "gpu/driver/driver_internal.h"

#include <gio/gio.h>
#include <string.h>

enum {
    MI_LRI_HEADER = 0x22 << 23,   /* MI_LOAD_REGISTER_IMM */
    MI_LRI_FORCE_POSTED = 1 << 12,
    MI_BATCH_END = 0x0a << 23,
    RING_CTL_VALID = 1 << 0,
    MI_MODE_STOP_RING = 1 << 8,
};

/* Ids are handed out in turn, so that a late status entry of a context that is gone does not name a new one. */
static bool take_id(struct driver *driver, struct hw_context *context)
{
    g_mutex_lock(&driver->lock);
    bool free = g_hash_table_size(driver->context_ids) < DRIVER_CONTEXT_IDS - 1;
    while (free) {
        driver->next_context_id = driver->next_context_id % (DRIVER_CONTEXT_IDS - 1) + 1;
        if (!g_hash_table_contains(driver->context_ids, GUINT_TO_POINTER(driver->next_context_id)))
            break;
    }
    if (free) {
        context->id = driver->next_context_id;
        g_hash_table_add(driver->context_ids, GUINT_TO_POINTER(context->id));
    }
    g_mutex_unlock(&driver->lock);
    return free;
}

/* The register state of a context that has never run: all rows of the layout, ring registers set, engine state not restored. */
static void fill_register_state(const struct hw_context *context)
{
    uint32_t *state = (uint32_t *)(void *)(context->image.host + CONTEXT_STATE_PAGE * DRIVER_PAGE);
    uint32_t mi_mode = engine_mmio_base(context->engine) + RING_MI_MODE;
    unsigned count, end = 0;
    const struct context_dword *rows = context_layout(context->engine, &count);

    for (unsigned i = 0; i < count; i++) {
        const struct context_dword *row = &rows[i];
        if (row->header) {
            state[row->index] = MI_LRI_HEADER | (row->posted ? MI_LRI_FORCE_POSTED : 0) | (2u * row->header - 1);
            continue;
        }
        state[row->index] = row->offset;
        state[row->index + 1] = row->offset == mi_mode ? masked_clear(MI_MODE_STOP_RING) : 0;
        end = MAX(end, row->index + 2u);
    }
    state[end] = MI_BATCH_END;
    state[CTX_CONTEXT_CONTROL] = masked_set(CTX_CTRL_INHIBIT_SYN_SWITCH | CTX_CTRL_RESTORE_INHIBIT) | masked_clear(CTX_CTRL_RS_ENABLE);
    state[CTX_RING_START] = (uint32_t)context->ring.gma;
    state[CTX_RING_CTL] = ((uint32_t)context->ring.size - DRIVER_PAGE) | RING_CTL_VALID;
}

bool hw_context_init(struct driver *driver, struct hw_context *context, unsigned engine, uint64_t ring_size, GError **error)
{
    *context = (struct hw_context){.engine = engine, .image.gma = UINT64_MAX, .ring.gma = UINT64_MAX};
    g_assert(engine < ENGINE_COUNT);
    g_assert(ring_size >= DRIVER_PAGE && ring_size <= 2 << 20 && !(ring_size & (ring_size - 1)));
    if (!take_id(driver, context)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no hardware context id is free");
        return false;
    }
    if (!driver_buffer_init(driver, &context->image, context_pages(engine) * DRIVER_PAGE, true, error) ||
        !driver_buffer_init(driver, &context->ring, ring_size, true, error)) {
        hw_context_finish(driver, context);
        return false;
    }
    fill_register_state(context);
    return true;
}

void hw_context_finish(struct driver *driver, struct hw_context *context)
{
    if (!context->id)
        return;
    driver_buffer_finish(driver, &context->ring);
    driver_buffer_finish(driver, &context->image);
    g_mutex_lock(&driver->lock);
    g_hash_table_remove(driver->context_ids, GUINT_TO_POINTER(context->id));
    g_mutex_unlock(&driver->lock);
    context->id = 0;
}
