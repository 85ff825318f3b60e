/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workloads: from a guest's context descriptor to an audited segment in a shadow context, and back. Everything of the guest's memory is
 * read once, into copies. Called by the vGPU's execlist emulation, on the guest's thread.
 */
#include "scheduler/scheduler_internal.h"

#include <gio/gio.h>
#include <string.h>

static bool fail(const struct workload *workload, GError **error, const char *what, uint64_t value)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: context 0x%x: %s (0x%" PRIx64 ")", gpu_engine_name(workload->engine),
                DESC_LRCA(workload->desc), what, value);
    return false;
}

/* Ring registers of the guest's image. Nothing is masked into range: what does not fit is refused. */
static bool check_ring(struct workload *workload, const uint32_t *guest, uint32_t *start, uint32_t *size, GError **error)
{
    const struct guest_ops *ops = workload->client->ops;
    uint32_t ctl = guest[CTX_RING_CTL];

    *start = guest[CTX_RING_START];
    *size = (ctl & RING_CTL_PAGES) + SCHED_PAGE;
    workload->guest_head = guest[CTX_RING_HEAD] & RING_HEAD_OFFSET; /* above it: the wrap count */
    workload->guest_tail = guest[CTX_RING_TAIL] & RING_TAIL_OFFSET;
    if (!(ctl & RING_CTL_ENABLE))
        return fail(workload, error, "its ring is not enabled: RING_CTL", ctl);
    if (*size & (*size - 1))
        return fail(workload, error, "its ring's size is not a power of two: RING_CTL", ctl);
    if (*start & (SCHED_PAGE - 1))
        return fail(workload, error, "its ring does not begin at a page: RING_START", *start);
    if (workload->guest_head >= *size)
        return fail(workload, error, "RING_HEAD is beyond its ring", guest[CTX_RING_HEAD]);
    if (workload->guest_tail >= *size)
        return fail(workload, error, "RING_TAIL is beyond its ring", guest[CTX_RING_TAIL]);
    if (!ops->ggtt_owned(workload->client->guest, *start, *size))
        return fail(workload, error, "its ring is outside of the guest's graphics memory: RING_START", *start);
    return true;
}

/* The segment, made straight where it wraps. */
static bool copy_segment(struct workload *workload, uint32_t start, uint32_t size, GError **error)
{
    const struct sched_client *client = workload->client;
    uint32_t bytes = (workload->guest_tail - workload->guest_head) & (size - 1);
    uint32_t first = MIN(bytes, size - workload->guest_head);

    workload->count = bytes / 4;
    workload->dwords = g_malloc(MAX(bytes, 4u));
    if ((first && !client->ops->ggtt_read(client->guest, (uint64_t)start + workload->guest_head, workload->dwords, first)) ||
        (bytes > first && !client->ops->ggtt_read(client->guest, start, (uint8_t *)workload->dwords + first, bytes - first)))
        return fail(workload, error, "its ring is not in guest memory: RING_START", start);
    return true;
}

static bool audit_segment(struct workload *workload, const uint64_t pdp[4], GError **error)
{
    const struct sched_client *client = workload->client;
    struct audit audit;

    shadow_context_audit_init(workload->context, pdp, &audit);
    if (!audit_buffer(&audit, AUDIT_RING, workload->dwords, workload->count, error)) {
        batches_show(client, &audit);
        audit_finish(&audit);
        return false;
    }
    workload->loads = audit.loads;
    workload->raises = audit.interrupts | (audit.unscanned ? WORKLOAD_IRQ_USER | WORKLOAD_IRQ_NOTIFY : 0);
    for (unsigned i = 0; i < audit.flip_count; i++)
        client->ops->display_flip(client->guest, audit.flips[i].dwords, audit.flips[i].count);
    bool placed = batch_copies_place(workload->client, &workload->batches, &audit, workload->dwords, error);
    audit_finish(&audit);
    return placed;
}

static bool context_is_broken(const struct shadow_context *context)
{
    struct scheduler *scheduler = context->client->scheduler;

    g_mutex_lock(&scheduler->lock);
    bool broken = context->broken;
    g_mutex_unlock(&scheduler->lock);
    return broken;
}

/* The page tables may have moved since the last load: a lite restore keeps them on hardware, and so does the guest. */
static bool prepare(struct workload *workload, uint64_t desc, bool four_level, const uint64_t pdp[4], GError **error)
{
    struct sched_client *client = workload->client;
    uint64_t image = DESC_LRCA(desc);
    uint32_t guest[SCHED_STATE_DWORDS], start, size;
    uint64_t lap = trace_now_ns();

    if (!client->ops->ggtt_owned(client->guest, image, (uint64_t)context_pages(workload->engine) * SCHED_PAGE))
        return fail(workload, error, "its image is outside of the guest's graphics memory", image);
    if (!client->ops->ggtt_read(client->guest, image + CONTEXT_STATE_PAGE * SCHED_PAGE, guest, sizeof(guest)))
        return fail(workload, error, "its image is not in guest memory", image);
    if (!check_ring(workload, guest, &start, &size, error))
        return false;
    struct shadow_context *context = shadow_context_get(client, workload->engine, (uint32_t)image, size, error);
    if (!context)
        return false;
    workload->context = context;
    if (!context->users) {
        context->guest_start = start;
        context->guest_ring = size;
        context->four_level = four_level;
        if (!shadow_context_load(context, guest, pdp, error))
            return false;
    } else if (context_is_broken(context)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY, "%s: context 0x%x: what was taken off the engine has not been reaped",
                    gpu_engine_name(workload->engine), DESC_LRCA(workload->desc));
        return false;
    } else if (size != context->guest_ring) {
        return fail(workload, error, "its ring changed its size while it ran: RING_CTL", guest[CTX_RING_CTL]);
    } else {
        workload->guest_head = context->guest_tail;
    }
    sched_client_lap(client, SCHED_COST_CONTEXT, &lap);
    if (!copy_segment(workload, start, size, error))
        return false;
    if (client->ops->submits)
        client->ops->submits(client->guest, false, (uint64_t)start + workload->guest_head, workload->dwords, workload->count);
    sched_client_lap(client, SCHED_COST_COPY, &lap);
    if (shadow_ring_bytes(workload->engine, workload->count) + 8 > context->hw.ring.size)
        return fail(workload, error, "its ring segment is longer than can be shadowed", workload->count * 4);
    if (!audit_segment(workload, pdp, error))
        return false;
    sched_client_lap(client, SCHED_COST_AUDIT, &lap);
    context->guest_tail = workload->guest_tail;
    workload->ring_head = workload->guest_head;
    return true;
}

struct workload *workload_create(struct sched_client *client, unsigned engine, uint64_t desc, bool four_level,
                                 const uint64_t pdp[4], GError **error)
{
    struct scheduler *scheduler = client->scheduler;
    struct workload *workload = g_new0(struct workload, 1);

    g_assert(engine < ENGINE_COUNT);
    workload->client = client;
    workload->engine = engine;
    workload->desc = desc;
    workload->id = __atomic_add_fetch(&scheduler->next_id, 1, __ATOMIC_RELAXED);
    if (!prepare(workload, desc, four_level, pdp, error)) {
        if (workload->context)
            workload->context->resumable = false;
        workload->context = NULL;
        workload_free(workload);
        return NULL;
    }
    workload->context->users++;
    workload->seqno = ++workload->context->seqno;
    return workload;
}

void workload_submit(struct workload *workload)
{
    struct sched_client *client = workload->client;
    struct scheduler *scheduler = client->scheduler;
    struct sched_lane *lane = workload_lane(workload);
    uint64_t lap = trace_now_ns();
    bool dispatched = false;

    g_assert(!workload->submitted);
    workload->submitted = true;
    trace_emit(scheduler->trace, TRACE_SUBMIT, client->id, workload->engine, workload->id, workload->context->lrca);
    g_mutex_lock(&scheduler->lock);
    g_queue_push_tail(&lane->queue, workload);
    scheduler->engines[lane->engine].queued++;
    client->usage.queued++;
    sched_client_note(client, SCHED_QUOTA_QUEUED, lane->queue.length);
    if (lane->queue.length > SCHED_MAX_QUEUED) {
        workload_end(workload, WORKLOAD_HUNG, "too many submissions are waiting for this engine");
    } else {
        g_queue_push_tail(&workload->context->workloads, workload);
        shadow_ring_emit(workload->context);
        uint64_t now = trace_now_ns();
        lane_update_ready(scheduler, lane, now);
        uint64_t elsp_ns = scheduler->elsp_ns;
        dispatched = lane_dispatch_alone(scheduler, lane, now);
        lap += scheduler->elsp_ns - elsp_ns; /* counted by itself */
    }
    g_mutex_unlock(&scheduler->lock);
    if (!dispatched)
        driver_wake(scheduler->driver);
    sched_client_lap(client, SCHED_COST_QUEUE, &lap); /* the workload may have gone */
}

static void leave_context(struct workload *workload)
{
    if (!workload->written_back && workload->context) {
        workload->written_back = true;
        g_assert(workload->context->users > 0);
        workload->context->users--;
    }
}

void workload_free(struct workload *workload)
{
    if (!workload)
        return;
    leave_context(workload);
    batch_copies_free(workload->client, &workload->batches);
    g_free(workload->dwords);
    g_free(workload->reason);
    error_state_free(workload->error_state);
    g_free(workload->view);
    g_free(workload);
}

bool workload_write_back(struct workload *workload)
{
    struct shadow_context *context = workload->context;
    struct sched_client *client = workload->client;

    if (workload->written_back)
        return true;
    if (workload->status != WORKLOAD_DONE && workload->status != WORKLOAD_PREEMPTED) {
        leave_context(workload);
        return true;
    }
    bool last = context->users == 1;
    if (last && workload->status == WORKLOAD_PREEMPTED && workload->batches.buffer.host) {
        /* The position may lie in these batches: they stay until the context goes on. */
        batch_copies_free(client, &context->resume);
        context->resume = workload->batches;
        workload->batches = (struct batch_copies){0};
    }
    leave_context(workload);
    if (last)
        return shadow_context_write_back(context, workload->ring_head);
    return client->ops->ggtt_write(client->guest, (uint64_t)context->lrca + CONTEXT_STATE_PAGE * SCHED_PAGE + CTX_RING_HEAD * 4,
                                   &workload->ring_head, 4);
}

enum workload_status workload_status(const struct workload *workload)
{
    return workload->status;
}

unsigned workload_engine(const struct workload *workload)
{
    return workload->engine;
}

uint64_t workload_desc(const struct workload *workload)
{
    return workload->desc;
}

uint64_t workload_busy_ns(const struct workload *workload)
{
    return workload->busy_ns;
}

const char *workload_reason(const struct workload *workload)
{
    return workload->reason;
}

struct error_state *workload_error_state(struct workload *workload)
{
    return workload->error_state;
}

const struct engine_view *workload_engine_view(const struct workload *workload)
{
    return workload->view;
}

uint32_t workload_ring_head(const struct workload *workload)
{
    return workload->ring_head;
}
