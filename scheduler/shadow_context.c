/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shadow contexts: what the physical engine loads instead of a guest's context image. The guest's register state page never gets to
 * hardware: ours is rebuilt from the values of those registers that are the guest's; ring, page tables and workaround batches are
 * ours. Called by workload_create() and workload_write_back() on the client's thread, while the context is idle.
 */
#include "scheduler/scheduler_internal.h"

#include <gio/gio.h>
#include <string.h>

static bool fail(const struct shadow_context *context, GError **error, const char *what, uint64_t value)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: context image at 0x%x: %s (0x%" PRIx64 ")",
                gpu_engine_name(context->engine), context->lrca, what, value);
    return false;
}

void shadow_context_audit_init(const struct shadow_context *context, const uint64_t pdp[4], struct audit *audit)
{
    struct sched_client *client = context->client;
    size_t used = __atomic_load_n(&client->batch_bytes, __ATOMIC_RELAXED);

    audit_init(audit);
    audit->engine = context->engine;
    audit->ops = client->ops;
    audit->guest = client->guest;
    audit->context_gma = context->lrca;
    memcpy(audit->pdp, pdp, sizeof(audit->pdp));
    audit->max_bytes = used < SCHED_MAX_BATCH_BYTES ? MIN((size_t)AUDIT_MAX_BYTES, SCHED_MAX_BATCH_BYTES - used) : 0;
    audit->trace = client->scheduler->trace;
    audit->vgpu = client->id;
}

static void context_free(struct shadow_context *context)
{
    struct driver *driver = context->client->scheduler->driver;

    g_assert(g_queue_is_empty(&context->workloads));
    batch_copies_free(context->client, &context->workarounds);
    batch_copies_free(context->client, &context->resume);
    hw_context_finish(driver, &context->hw);
    driver_buffer_finish(driver, &context->crumb);
    g_free(context);
}

/* Neither in flight nor on the engine. */
static bool context_idle(struct shadow_context *context)
{
    struct scheduler *scheduler = context->client->scheduler;

    g_mutex_lock(&scheduler->lock);
    bool idle = !context->users && g_queue_is_empty(&context->workloads) && !engine_holds_context(&scheduler->engines[context->engine], context);
    g_mutex_unlock(&scheduler->lock);
    return idle;
}

static void drop_oldest(struct sched_client *client)
{
    struct shadow_context *oldest = NULL;

    for (unsigned i = 0; i < client->contexts->len; i++) {
        struct shadow_context *context = g_ptr_array_index(client->contexts, i);
        if ((!oldest || context->forgotten || context->last_used < oldest->last_used) &&
            (!context->resumable || context->forgotten) && context_idle(context))
            oldest = context;
    }
    if (oldest) {
        g_ptr_array_remove_fast(client->contexts, oldest);
        context_free(oldest);
    }
}

void shadow_contexts_forget(struct sched_client *client, uint32_t engine_mask)
{
    for (unsigned i = 0; i < client->contexts->len;) {
        struct shadow_context *context = g_ptr_array_index(client->contexts, i);
        if (!(engine_mask >> context->engine & 1)) {
            i++;
            continue;
        }
        if (!context_idle(context)) { /* its last results have not been taken yet */
            context->forgotten = true;
            i++;
            continue;
        }
        g_ptr_array_remove_index_fast(client->contexts, i);
        context_free(context);
    }
}

/* A whole power of two: guests' rings are 4 KiB .. 2 MiB, ours have room for two of theirs and our own commands. */
static uint32_t ring_size_for(uint32_t guest_ring)
{
    uint32_t size = SCHED_MIN_RING;

    while (size < 2 * guest_ring && size < SCHED_MAX_RING)
        size *= 2;
    return size;
}

struct shadow_context *shadow_context_get(struct sched_client *client, unsigned engine, uint32_t lrca, uint32_t guest_ring, GError **error)
{
    struct driver *driver = client->scheduler->driver;
    struct shadow_context *context = NULL;

    for (unsigned i = 0; i < client->contexts->len && !context; i++) {
        struct shadow_context *candidate = g_ptr_array_index(client->contexts, i);
        if (candidate->engine == engine && candidate->lrca == lrca && !candidate->forgotten)
            context = candidate;
    }
    if (context && context->hw.ring.size < ring_size_for(guest_ring) && context_idle(context)) {
        g_ptr_array_remove_fast(client->contexts, context);
        context_free(context);
        context = NULL;
    }
    if (!context) {
        if (client->contexts->len >= SCHED_MAX_CONTEXTS)
            drop_oldest(client);
        context = g_new0(struct shadow_context, 1);
        context->client = client;
        context->engine = engine;
        context->lrca = lrca;
        context->guest_ring = guest_ring;
        g_queue_init(&context->workloads);
        if (!hw_context_init(driver, &context->hw, engine, ring_size_for(guest_ring), error) ||
            !driver_buffer_init(driver, &context->crumb, SCHED_PAGE, true, error)) {
            context_free(context);
            return NULL;
        }
        g_ptr_array_add(client->contexts, context);
        sched_client_note(client, SCHED_QUOTA_CONTEXTS, client->contexts->len);
    }
    context->last_used = ++client->uses;
    return context;
}

/* Workaround batches that hardware runs with privilege at each load: copies, audited, in memory of ours. */
static bool load_workarounds(struct shadow_context *context, const uint32_t *guest, const uint64_t pdp[4], GError **error)
{
    struct sched_client *client = context->client;
    uint32_t *state = shadow_state(context), lines = guest[CTX_INDIRECT_CTX] & WA_INDIRECT_LINES;
    uint32_t indirect[WA_INDIRECT_LINES * 16];
    uint64_t gma = guest[CTX_INDIRECT_CTX] & ~(uint32_t)WA_INDIRECT_LINES;
    size_t bytes = lines * 64u, placed = 0;
    struct audit audit;

    state[CTX_INDIRECT_CTX] = state[CTX_INDIRECT_CTX_OFFSET] = state[CTX_BB_PER_CTX_PTR] = 0;
    batch_copies_free(client, &context->workarounds);
    bool per_context = guest[CTX_BB_PER_CTX_PTR] & WA_PER_CONTEXT_VALID;
    if (!lines && !per_context)
        return true;

    shadow_context_audit_init(context, pdp, &audit);
    bool good = true;
    if (lines) {
        good = client->ops->ggtt_owned(client->guest, gma, bytes) && client->ops->ggtt_read(client->guest, gma, indirect, bytes);
        if (!good)
            fail(context, error, "the indirect context batch is not in the guest's graphics memory", gma);
        else if (client->ops->submits)
            client->ops->submits(client->guest, true, gma, indirect, bytes / 4);
        good = good && audit_buffer(&audit, AUDIT_INDIRECT, indirect, bytes / 4, error);
    }
    if (good && per_context)
        good = audit_batch_at(&audit, guest[CTX_BB_PER_CTX_PTR] & ~UINT32_C(0xfff), error);
    batches_show(client, &audit);
    if (good)
        placed = audit_size(&audit);
    if (good && driver_buffer_init(client->scheduler->driver, &context->workarounds.buffer, placed + bytes + AUDIT_BATCH_PADDING, true, error)) {
        struct gpu_buffer *buffer = &context->workarounds.buffer;
        sched_client_note(client, SCHED_QUOTA_BATCH_BYTES, __atomic_add_fetch(&client->batch_bytes, buffer->size, __ATOMIC_RELAXED));
        audit_place(&audit, buffer->host, buffer->gma, indirect);
        context->raises |= audit.interrupts;
        shadow_ring_note_loads(context, &audit.loads);
        if (lines) {
            memcpy(buffer->host + placed, indirect, bytes);
            state[CTX_INDIRECT_CTX] = (uint32_t)(buffer->gma + placed) | lines;
            state[CTX_INDIRECT_CTX_OFFSET] = guest[CTX_INDIRECT_CTX_OFFSET];
        }
        if (per_context) /* the first batch, at the buffer's page */
            state[CTX_BB_PER_CTX_PTR] = (uint32_t)buffer->gma | WA_PER_CONTEXT_VALID;
        context->workarounds.audit = audit;
        return true;
    }
    audit_finish(&audit);
    return false;
}

/*
 * Where execution goes on when the context was preempted inside a batch. Batches in the PPGTT have no privilege, so the guest's word
 * is good; a place in a privileged batch is ours, and only the one that we saved.
 */
static bool load_batch_position(struct shadow_context *context, const uint32_t *guest, GError **error)
{
    uint32_t *state = shadow_state(context), values[6];
    bool same = context->resumable;

    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        values[i] = guest[CTX_BB_ADDR_UDW + 2 * i];
        same = same && values[i] == context->saved_batch[i];
    }
    if (same)
        return true; /* the image still has what hardware saved */
    batch_copies_free(context->client, &context->resume);
    bool first = values[1] & BATCH_ADDRESS_VALID, second = first && values[4] & BATCH_ADDRESS_VALID;
    if ((first && !(values[2] & BATCH_STATE_PPGTT)) || (second && !(values[5] & BATCH_STATE_PPGTT)))
        return fail(context, error, "it is to go on in a privileged batch where it was not preempted", (uint64_t)values[0] << 32 | values[1]);
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++)
        state[CTX_BB_ADDR_UDW + 2 * i] = (i < 3 ? first : second) ? values[i] : 0;
    return true;
}

/* True for a register whose value in a context image is the guest's business. */
static bool guest_register(const struct shadow_context *context, uint32_t offset)
{
    unsigned index;
    const struct reg_desc *row = offset < MMIO_SIZE ? reg_find(offset, &index) : NULL;

    return row && row->flags & REG_CONTEXT && !(row->flags & (REG_NOT_GUEST | REG_GMADR)) && (row->engine == 255 || row->engine == context->engine);
}

static uint32_t guest_value(const struct shadow_context *context, uint32_t offset, uint32_t value)
{
    if (offset == engine_mmio_base(context->engine) + RING_MI_MODE)
        return (value & ~(uint32_t)MI_MODE_STOP) | (uint32_t)MI_MODE_STOP << 16; /* no guest stops the ring */
    return value;
}

/* Engine state that is a list of register loads: registers that are not the guest's are sent nowhere. */
static void check_engine_state(const struct shadow_context *context, uint32_t *dwords, size_t count)
{
    uint32_t nowhere = engine_mmio_base(context->engine) + RING_NOPID;

    for (size_t at = 0; at < count && cmd_find(context->engine, dwords[at]) == CMD_MI_LOAD_REGISTER_IMM;) {
        size_t end = at + cmd_length(CMD_MI_LOAD_REGISTER_IMM, dwords[at]);
        for (at++; at < end && at < count; at += 2) {
            uint32_t offset = dwords[at] & REGISTER_MASK;
            dwords[at] = guest_register(context, offset) ? offset : nowhere;
            if (at + 1 < count)
                dwords[at + 1] = guest_value(context, offset, dwords[at + 1]);
        }
    }
}

/* Ring, page tables and batches of the layout, up to this dword, are not copied from the guest. */
static unsigned layout_end(const struct shadow_context *context)
{
    unsigned count, end = 0;
    const struct context_dword *rows = context_layout(context->engine, &count);

    for (unsigned i = 0; i < count; i++)
        end = MAX(end, rows[i].index + (rows[i].header ? 1u : 2u));
    return end;
}

bool shadow_context_load(struct shadow_context *context, const uint32_t *guest, const uint64_t pdp[4], GError **error)
{
    struct sched_client *client = context->client;
    uint32_t *state = shadow_state(context), control = guest[CTX_CONTEXT_CONTROL];
    bool inhibit = control >> 16 & control & CTX_CTRL_RESTORE_INHIBIT;
    unsigned count, end = layout_end(context), pages = context_pages(context->engine) - CONTEXT_STATE_PAGE - 1;
    const struct context_dword *rows = context_layout(context->engine, &count);

    memcpy(context->guest_state, guest, sizeof(context->guest_state));
    for (unsigned i = 0; i < count; i++) {
        if (rows[i].header)
            continue;
        unsigned index = rows[i].index;
        if ((guest[index] & REGISTER_MASK) == rows[i].offset && guest_register(context, rows[i].offset) && !inhibit)
            state[index + 1] = guest_value(context, rows[i].offset, guest[index + 1]);
    }
    state[CTX_TIMESTAMP] = guest[CTX_TIMESTAMP];
    state[CTX_CONTEXT_CONTROL] = (CTX_CTRL_INHIBIT_SYN_SWITCH | CTX_CTRL_RS_ENABLE | CTX_CTRL_RESTORE_INHIBIT) << 16 |
                                 CTX_CTRL_INHIBIT_SYN_SWITCH | (inhibit ? CTX_CTRL_RESTORE_INHIBIT : 0);
    if (!inhibit) {
        memcpy(state + end, guest + end, (SCHED_STATE_DWORDS - end) * 4);
        check_engine_state(context, state + end, SCHED_STATE_DWORDS - end);
        uint8_t *engine_state = context->hw.image.host + (CONTEXT_STATE_PAGE + 1) * SCHED_PAGE;
        uint64_t gma = (uint64_t)context->lrca + (CONTEXT_STATE_PAGE + 1) * SCHED_PAGE;
        if (pages && !client->ops->ggtt_read(client->guest, gma, engine_state, pages * (size_t)SCHED_PAGE))
            return fail(context, error, "its engine state is not in guest memory", gma);
        if (pages)
            check_engine_state(context, (uint32_t *)(void *)engine_state, pages * (size_t)SCHED_STATE_DWORDS);
    }
    context->raises = 0;
    context->loads = (struct register_loads){0};
    context->broken = false;
    if (!load_batch_position(context, guest, error) || !load_workarounds(context, guest, pdp, error))
        return false;
    context->resumable = false;

    state[CTX_RING_START] = (uint32_t)context->hw.ring.gma;
    state[CTX_RING_CTL] = ((uint32_t)context->hw.ring.size - SCHED_PAGE) | RING_CTL_ENABLE;
    state[CTX_RING_HEAD] = 0;
    __atomic_store_n(&state[CTX_RING_TAIL], 0, __ATOMIC_RELAXED);
    context->tail = context->retired = 0;
    context->charged = state[CTX_TIMESTAMP];
    for (unsigned i = 0; i < 4; i++) {
        state[CTX_PDP0_UDW - 4 * i] = (uint32_t)(pdp[i] >> 32);
        state[CTX_PDP0_LDW - 4 * i] = (uint32_t)pdp[i];
    }
    return true;
}

/* The batch position as the guest may see it: addresses in our copies become those of the guest's batches. */
static void save_batch_position(struct shadow_context *context, uint32_t *image)
{
    const struct batch_copies *copies = &context->resume;

    for (unsigned level = 0; level < 2; level++) {
        unsigned index = CTX_BB_ADDR_UDW + 6 * level;
        if (!(image[index + 2] & BATCH_ADDRESS_VALID) || image[index + 4] & BATCH_STATE_PPGTT)
            continue;
        uint64_t gma = image[index + 2] & ~UINT32_C(3), guest = UINT64_MAX;
        if (copies->buffer.host && gma >= copies->buffer.gma && gma - copies->buffer.gma < copies->buffer.size)
            guest = audit_guest_address(&copies->audit, gma - copies->buffer.gma);
        if (guest == UINT64_MAX)
            guest = 0; /* in code of ours; the position is known by the value all the same */
        image[index] = (uint32_t)(guest >> 32);
        image[index + 2] = (uint32_t)guest | BATCH_ADDRESS_VALID;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(context->saved_batch); i++)
        context->saved_batch[i] = image[CTX_BB_ADDR_UDW + 2 * i];
    context->resumable = image[CTX_BB_ADDR] & BATCH_ADDRESS_VALID;
}

static bool write_status_page(struct shadow_context *context)
{
    struct sched_client *client = context->client;
    const uint32_t *page = (const uint32_t *)(const void *)context->hw.image.host;

    if (memcmp(page, context->page0, SCHED_PAGE) == 0)
        return true;
    for (unsigned i = 0; i < SCHED_STATE_DWORDS; i++) {
        if (page[i] == context->page0[i])
            continue;
        if (!client->ops->ggtt_write(client->guest, (uint64_t)context->lrca + 4 * i, &page[i], 4))
            return false;
        context->page0[i] = page[i];
    }
    return true;
}

bool shadow_context_write_back(struct shadow_context *context, uint32_t ring_head)
{
    struct sched_client *client = context->client;
    const uint32_t *state = shadow_state(context), *guest = context->guest_state;
    uint64_t gma = (uint64_t)context->lrca + CONTEXT_STATE_PAGE * SCHED_PAGE;
    unsigned pages = context_pages(context->engine) - CONTEXT_STATE_PAGE - 1;
    uint32_t image[SCHED_STATE_DWORDS];

    memcpy(image, state, sizeof(image));
    /* What stands for the guest's own: its ring, page tables and workaround batches. */
    static const uint8_t own[] = {CTX_RING_START, CTX_RING_CTL, CTX_BB_PER_CTX_PTR, CTX_INDIRECT_CTX, CTX_INDIRECT_CTX_OFFSET};
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
        image[own[i]] = guest[own[i]];
    for (unsigned i = CTX_PDP3_UDW; i <= CTX_PDP0_LDW; i += 2)
        image[i] = guest[i];
    image[CTX_RING_HEAD] = ring_head;
    image[CTX_CONTEXT_CONTROL] = 0xffff0000 | (guest[CTX_CONTEXT_CONTROL] & (CTX_CTRL_INHIBIT_SYN_SWITCH | CTX_CTRL_RS_ENABLE));
    save_batch_position(context, image);
    /* All but the tail, which is the guest's to write at any time. */
    if (!client->ops->ggtt_write(client->guest, gma, image, CTX_RING_TAIL * 4) ||
        !client->ops->ggtt_write(client->guest, gma + (CTX_RING_TAIL + 1) * 4, image + CTX_RING_TAIL + 1, (SCHED_STATE_DWORDS - CTX_RING_TAIL - 1) * 4))
        return false;
    if (pages && !client->ops->ggtt_write(client->guest, gma + SCHED_PAGE, context->hw.image.host + (CONTEXT_STATE_PAGE + 1) * SCHED_PAGE,
                                          pages * (size_t)SCHED_PAGE))
        return false;
    return write_status_page(context);
}
