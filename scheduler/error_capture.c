/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to see of an engine that hung, before its reset takes it away. Called by hang.c. */
#include "scheduler/scheduler_internal.h"

static uint32_t read_register(void *opaque, uint32_t offset)
{
    return driver_read32(opaque, offset);
}

/* The workload's commands; of those that go round the end of the ring, the part in which the engine is. */
static void capture_ring(struct error_state *state, const struct shadow_context *context, const struct workload *workload)
{
    const struct gpu_buffer *ring = &context->hw.ring;
    uint32_t mask = (uint32_t)(ring->size - 1), begin = workload->begin & mask, end = workload->end & mask;
    uint64_t head = error_state_active_head(state) - ring->gma;

    if (!workload->emitted)
        return;
    if (end <= begin && head < end)
        begin = 0;
    else if (end <= begin)
        end = (uint32_t)ring->size;
    error_memory_set(&state->ring, ring->gma + begin, (const uint32_t *)(const void *)(ring->host + begin), (end - begin) / 4);
}

/* A privileged batch, if it lies in these copies. */
static bool capture_batch(struct error_state *state, const struct batch_copies *copies, uint64_t gma, unsigned count)
{
    const struct gpu_buffer *buffer = &copies->buffer;

    if (!buffer->host || gma < buffer->gma || gma - buffer->gma >= buffer->size)
        return false;
    uint64_t offset = gma - buffer->gma;
    error_memory_set(&state->batch, gma, (const uint32_t *)(const void *)(buffer->host + offset), (unsigned)MIN((uint64_t)count, (buffer->size - offset) / 4));
    return true;
}

void error_capture(struct scheduler *scheduler, const struct sched_engine *engine, const struct shadow_context *guilty, const char *reason)
{
    struct workload *workload = first_incomplete(guilty);
    uint64_t gma;
    unsigned count;
    bool ppgtt;

    if (!workload || workload->error_state)
        return;
    struct error_state *state = workload->error_state = error_state_create(engine->index, reason);
    state->workload = workload->id;
    state->context = guilty->lrca;
    error_state_capture(state, read_register, scheduler->driver);
    workload->view = g_new(struct engine_view, 1);
    if (!engine_view_read(scheduler, guilty, workload->view))
        g_clear_pointer(&workload->view, g_free);
    capture_ring(state, guilty, workload);
    if (error_state_wants_batch(state, &gma, &count, &ppgtt) && !ppgtt) /* the guest's own address space is the vGPU's to read */
        (void)(capture_batch(state, &workload->batches, gma, count) || capture_batch(state, &guilty->resume, gma, count) ||
               capture_batch(state, &guilty->workarounds, gma, count));
}
