/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of a shadow context: each workload is a prologue (translations of the last submission are forgotten), the guest's audited
 * segment dword for dword, and an epilogue (flush, time stamp, breadcrumb). Called when a workload is submitted and when others
 * make room.
 */
#include "scheduler/scheduler_internal.h"

#include <string.h>

enum { PROLOGUE_DWORDS = 6, EPILOGUE_DWORDS = 1 + 6 + 4 + 4 + 2 };

uint32_t shadow_ring_bytes(unsigned engine, size_t count)
{
    return (uint32_t)((PROLOGUE_DWORDS + count + EPILOGUE_DWORDS + 1) / 2 * 8);
}

static uint32_t *put(uint32_t *at, const uint32_t *dwords, unsigned count)
{
    memcpy(at, dwords, count * sizeof(uint32_t));
    return at + count;
}

/* A flush with a post-sync write to scratch memory, which keeps what follows behind it: six dwords on every engine. */
static uint32_t *put_flush(uint32_t *at, const struct shadow_context *context, bool invalidate)
{
    uint32_t scratch = (uint32_t)(context->crumb.gma + offsetof(struct breadcrumb, scratch));

    if (context->engine == ENGINE_RCS0) {
        uint32_t bits = invalidate ? PIPE_CONTROL_TLB_INVALIDATE
                                   : PIPE_CONTROL_RENDER_TARGET_FLUSH | PIPE_CONTROL_DEPTH_CACHE_FLUSH | PIPE_CONTROL_DC_FLUSH;
        const uint32_t dwords[6] = {command_header(CMD_PIPE_CONTROL, PIPE_CONTROL_LENGTH, 0),
                                    bits | PIPE_CONTROL_CS_STALL | PIPE_CONTROL_GLOBAL_GTT | 1u << PIPE_CONTROL_POST_SYNC_SHIFT, scratch};
        return put(at, dwords, 6);
    }
    const uint32_t dwords[6] = {
        command_header(CMD_MI_FLUSH_DW, 5, 1u << FLUSH_DW_POST_SYNC_SHIFT | (invalidate ? FLUSH_DW_TLB_INVALIDATE : 0)),
        scratch | FLUSH_DW_GLOBAL_GTT};
    return put(at, dwords, 6);
}

static void emit(struct shadow_context *context, struct workload *workload, uint32_t offset)
{
    uint32_t crumb = (uint32_t)context->crumb.gma;
    uint32_t *start = (uint32_t *)(void *)(context->hw.ring.host + offset), *at = put_flush(start, context, true);

    workload->begin = offset + (uint32_t)((at - start) * 4);
    at = put(at, workload->dwords, (unsigned)workload->count);
    const uint32_t epilogue[] = {
        command_header(CMD_MI_ARB_ON_OFF, 1, ARB_ENABLE), /* a guest's own segment may have left it off */
    };
    at = put(at, epilogue, G_N_ELEMENTS(epilogue));
    at = put_flush(at, context, false);
    const uint32_t breadcrumb[] = {
        command_header(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), engine_mmio_base(context->engine) + RING_CTX_TIMESTAMP,
        crumb + (uint32_t)offsetof(struct breadcrumb, timestamp), 0,
        command_header(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), crumb + (uint32_t)offsetof(struct breadcrumb, seqno), 0, workload->seqno,
        command_header(CMD_MI_ARB_CHECK, 1, 0), 0,
    };
    at = put(at, breadcrumb, G_N_ELEMENTS(breadcrumb));
    if ((at - start) % 2)
        *at++ = 0;
    workload->end = offset + (uint32_t)((at - start) * 4);
    g_assert(workload->end - offset == shadow_ring_bytes(context->engine, workload->count));
    g_clear_pointer(&workload->dwords, g_free);
    workload->emitted = true;
    context->raises |= workload->raises;
    shadow_ring_note_loads(context, &workload->loads);
    context->tail = workload->end & (uint32_t)(context->hw.ring.size - 1);
}

void shadow_ring_note_loads(struct shadow_context *context, const struct register_loads *loads)
{
    for (unsigned i = 0; i < loads->count; i++)
        register_loads_add(&context->loads, loads->offset[i]);
    context->loads.more |= loads->more;
}

/* An empty ring of a context that is not on the engine begins at its start again, where the longest segment has room. */
static void rewind_empty(struct shadow_context *context)
{
    const struct sched_engine *engine = &context->client->scheduler->engines[context->engine];
    uint32_t *state = shadow_state(context);

    if (context->retired != context->tail || engine_holds_context(engine, context))
        return;
    context->retired = context->tail = 0;
    state[CTX_RING_HEAD] = 0;
    __atomic_store_n(&state[CTX_RING_TAIL], 0, __ATOMIC_RELAXED);
}

void shadow_ring_emit(struct shadow_context *context)
{
    uint32_t size = (uint32_t)context->hw.ring.size;

    rewind_empty(context);
    for (GList *link = context->workloads.head; link; link = link->next) {
        struct workload *workload = link->data;
        if (workload->emitted)
            continue;
        uint32_t bytes = shadow_ring_bytes(context->engine, workload->count), to_end = size - context->tail;
        /* A full ring keeps a quadword free: head equal to tail means empty. */
        uint32_t room = ((context->retired - context->tail - 8) & (size - 1));
        bool wraps = bytes > to_end;
        if ((wraps ? to_end : 0) + bytes > room)
            return;
        if (wraps) {
            memset(context->hw.ring.host + context->tail, 0, to_end); /* MI_NOOP up to the end: a command does not wrap */
            context->tail = 0;
        }
        emit(context, workload, context->tail);
    }
}

void shadow_ring_skip(struct shadow_context *context)
{
    uint32_t *state = shadow_state(context);

    context->retired = context->tail;
    state[CTX_RING_HEAD] = context->tail;
    __atomic_store_n(&state[CTX_RING_TAIL], context->tail, __ATOMIC_RELAXED);
    for (unsigned i = CTX_BB_ADDR_UDW; i <= CTX_SBB_STATE; i += 2)
        state[i] = 0;
}

uint32_t shadow_ring_guest_head(const struct shadow_context *context, const struct workload *workload, bool *complete)
{
    uint32_t head = __atomic_load_n(&shadow_state(context)[CTX_RING_HEAD], __ATOMIC_RELAXED) & RING_HEAD_OFFSET;
    uint32_t last = workload->begin + (uint32_t)workload->count * 4;

    *complete = workload->complete;
    if (workload->complete)
        return workload->guest_tail;
    if (!workload->emitted || !workload->dispatched || head < workload->begin || head > workload->end)
        return workload->guest_head; /* not begun, or in the prologue */
    if (head > last) {
        *complete = true;
        return workload->guest_tail;
    }
    return (workload->guest_head + (head - workload->begin)) & (context->guest_ring - 1);
}
