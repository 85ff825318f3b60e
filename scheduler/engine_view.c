/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's driver reads of an engine that executes its context: the physical registers, with addresses of ours put back into the guest's. A hang
 * is reported by them (i915's error state), and i915 finds the request that hung by them. Called when an engine is reset, and when a guest reads such
 * a register. Source of the registers: PRM SKL vol. 2c; of who reads them: Linux 6.1 i915_gpu_error.c.
 */
#include "scheduler/scheduler_internal.h"

static uint32_t read32(const struct scheduler *scheduler, unsigned engine, uint32_t ring_register)
{
    return driver_read32(scheduler->driver, engine_mmio_base(engine) + ring_register);
}

static uint64_t read64(const struct scheduler *scheduler, unsigned engine, uint32_t low, uint32_t high)
{
    return (uint64_t)read32(scheduler, engine, high) << 32 | read32(scheduler, engine, low);
}

static bool holds(const struct gpu_buffer *buffer, uint64_t gma)
{
    return buffer->host && gma >= buffer->gma && gma - buffer->gma < buffer->size;
}

/* Offset in the guest's ring of one in ours. In front of the segment and behind it are commands of ours. */
static uint32_t ring_offset(const struct shadow_context *context, const struct workload *workload, uint32_t offset)
{
    if (!workload)
        return context->guest_tail;
    if (!workload->emitted || offset <= workload->begin)
        return workload->guest_head;
    if (offset - workload->begin >= workload->count * 4)
        return workload->guest_tail;
    return (workload->guest_head + (offset - workload->begin)) & (context->guest_ring - 1);
}

/* A global graphics address. The low bits are kept: they are flags of some registers. */
static uint64_t guest_address(const struct shadow_context *context, const struct workload *workload, uint64_t value)
{
    const struct batch_copies *const copies[] = {workload ? &workload->batches : NULL, &context->resume, &context->workarounds};
    const struct sched_client *client = context->client;
    uint64_t gma = value & ~UINT64_C(3), flags = value & 3;

    if (holds(&context->hw.ring, gma))
        return (context->guest_start + (uint64_t)ring_offset(context, workload, (uint32_t)(gma - context->hw.ring.gma))) | flags;
    for (unsigned i = 0; i < G_N_ELEMENTS(copies); i++) {
        if (!copies[i] || !holds(&copies[i]->buffer, gma))
            continue;
        uint64_t guest = audit_guest_address(&copies[i]->audit, gma - copies[i]->buffer.gma);
        return (guest == UINT64_MAX ? 0 : guest) | flags;
    }
    return client->ops->ggtt_owned(client->guest, gma, 4) ? value : flags;
}

/* Whether the engine is in the context, as far as it says so itself: what the scheduler knows of may be over. */
static bool runs(const struct scheduler *scheduler, unsigned engine, const struct hw_context *hw)
{
    return read32(scheduler, engine, RING_EXECLIST_STATUS_HI) == hw->id && read32(scheduler, engine, RING_START) == (uint32_t)hw->ring.gma;
}

/* The registers as they are. False when another context may have been there meanwhile, maybe another guest's. */
static bool read_registers(const struct scheduler *scheduler, unsigned engine, const struct hw_context *hw, struct engine_view *view)
{
    if (!runs(scheduler, engine, hw))
        return false;
    *view = (struct engine_view){
        .ring_head = read32(scheduler, engine, RING_HEAD) & RING_HEAD_OFFSET,
        .active_head = read64(scheduler, engine, RING_ACTHD, RING_ACTHD_UDW),
        .fault_address = read64(scheduler, engine, RING_DMA_FADD, RING_DMA_FADD_UDW),
        .batch = read64(scheduler, engine, RING_BBADDR, RING_BBADDR_UDW),
        .second_batch = read64(scheduler, engine, RING_SBBADDR, RING_SBBADDR_UDW),
        .batch_state = read32(scheduler, engine, RING_BBSTATE),
        .second_state = read32(scheduler, engine, RING_SBBSTATE),
        .ipeir = read32(scheduler, engine, RING_IPEIR),
        .ipehr = read32(scheduler, engine, RING_IPEHR),
        .instdone = read32(scheduler, engine, RING_INSTDONE),
        .instps = read32(scheduler, engine, RING_INSTPS),
        .errors = read32(scheduler, engine, RING_ESR),
    };
    return runs(scheduler, engine, hw);
}

static void translate(const struct shadow_context *context, struct engine_view *view)
{
    const struct workload *workload = first_incomplete(context);
    const bool first = view->batch & BATCH_ADDRESS_VALID, second = view->second_batch & BATCH_ADDRESS_VALID;
    const bool first_ppgtt = first && view->batch_state & BATCH_STATE_PPGTT;
    const bool second_ppgtt = second && (first_ppgtt || view->second_state & BATCH_STATE_PPGTT);

    view->ring_head = ring_offset(context, workload, view->ring_head);
    if (first && !first_ppgtt)
        view->batch = guest_address(context, workload, view->batch);
    if (second && !second_ppgtt)
        view->second_batch = guest_address(context, workload, view->second_batch);
    if (!(second ? second_ppgtt : first_ppgtt)) { /* what reads and writes the guest's own address space says so itself */
        view->active_head = guest_address(context, workload, view->active_head);
        view->fault_address = guest_address(context, workload, view->fault_address);
    }
}

bool engine_view_read(const struct scheduler *scheduler, const struct shadow_context *context, struct engine_view *view)
{
    if (!read_registers(scheduler, context->engine, &context->hw, view))
        return false;
    translate(context, view);
    return true;
}

/* The client's context that is on the engine, or NULL. Under the lock. */
static struct shadow_context *context_of(struct sched_client *client, unsigned engine)
{
    const struct sched_port *port = &client->scheduler->engines[engine].active[0];

    return port->hw && port->context && port->context->client == client ? port->context : NULL;
}

bool sched_client_engine_view(struct sched_client *client, unsigned engine, struct engine_view *view)
{
    struct scheduler *scheduler = client->scheduler;

    g_mutex_lock(&scheduler->lock);
    const struct shadow_context *context = context_of(client, engine);
    g_mutex_unlock(&scheduler->lock);
    /* Without the lock, as a guest may ask all the time; only the caller itself frees contexts of the client. */
    if (!context || !read_registers(scheduler, engine, &context->hw, view))
        return false;
    g_mutex_lock(&scheduler->lock);
    bool still = context_of(client, engine) == context;
    if (still)
        translate(context, view);
    g_mutex_unlock(&scheduler->lock);
    return still;
}
