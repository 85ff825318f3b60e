/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event counters and the event ring. Written by every layer, read by the command line's reports. */
#include "gpu/trace.h"

#include <glib.h>
#include <time.h>

const struct trace_event_desc trace_event_descs[TRACE_EVENT_COUNT] = {
#define EVENT(NAME, name, a, b, help) [TRACE_##NAME] = {name, a, b, help},
#include "gpu/defs/events.def"
#undef EVENT
};

/*
 * A slot is stable while its sequence is position + 1; writers clear it first. The release and acquire orders on the fields keep
 * them between the two sequence accesses on both sides.
 */
struct slot {
    uint64_t sequence; /* atomic */
    struct trace_record record;
};

struct trace {
    uint64_t counts[TRACE_MAX_VGPUS][ENGINE_COUNT + 1][TRACE_EVENT_COUNT]; /* atomic; the last engine is for events without one */
    uint64_t head;                                                         /* atomic: records ever written */
    uint64_t lost;                                                         /* atomic: overwritten before a reader got them */
    uint64_t events;                                                       /* atomic: which kinds are kept; none without a ring */
    size_t mask;                                                           /* ring length - 1 */
    struct slot *ring;                                                     /* NULL before the first are kept */
};
G_STATIC_ASSERT(TRACE_EVENT_COUNT <= 64); /* bits of events */

uint64_t trace_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct trace *trace_create(size_t records)
{
    struct trace *trace = g_new0(struct trace, 1);

    if (records)
        trace_keep(trace, records, TRACE_ALL_EVENTS);
    return trace;
}

void trace_keep(struct trace *trace, size_t records, uint64_t events)
{
    if (!trace)
        return;
    if (!trace->ring && events) {
        size_t length = 1;
        while (length < records && length < (SIZE_MAX >> 1) / sizeof(struct slot))
            length <<= 1;
        trace->mask = length - 1;
        trace->ring = g_new0(struct slot, length);
    }
    __atomic_store_n(&trace->events, events, __ATOMIC_RELEASE); /* who sees a bit sees the ring */
}

void trace_destroy(struct trace *trace)
{
    if (!trace)
        return;
    g_free(trace->ring);
    g_free(trace);
}

void trace_emit(struct trace *trace, enum trace_event event, unsigned vgpu, unsigned engine, uint64_t a, uint64_t b)
{
    if (!trace || vgpu >= TRACE_MAX_VGPUS)
        return;
    __atomic_add_fetch(&trace->counts[vgpu][MIN(engine, (unsigned)ENGINE_COUNT)][event], 1, __ATOMIC_RELAXED);
    if (!(__atomic_load_n(&trace->events, __ATOMIC_ACQUIRE) >> event & 1))
        return;

    uint64_t position = __atomic_fetch_add(&trace->head, 1, __ATOMIC_RELAXED);
    struct slot *slot = &trace->ring[position & trace->mask];
    __atomic_store_n(&slot->sequence, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->record.time_ns, trace_now_ns(), __ATOMIC_RELEASE);
    __atomic_store_n(&slot->record.a, a, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->record.b, b, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->record.event, event, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->record.vgpu, vgpu, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->record.engine, engine, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->sequence, position + 1, __ATOMIC_RELEASE);
}

uint64_t trace_count_engine(const struct trace *trace, unsigned vgpu, unsigned engine, enum trace_event event)
{
    if (!trace || vgpu >= TRACE_MAX_VGPUS)
        return 0;
    return __atomic_load_n(&trace->counts[vgpu][MIN(engine, (unsigned)ENGINE_COUNT)][event], __ATOMIC_RELAXED);
}

uint64_t trace_count(const struct trace *trace, unsigned vgpu, enum trace_event event)
{
    uint64_t sum = 0;

    for (unsigned e = 0; e <= ENGINE_COUNT; e++)
        sum += trace_count_engine(trace, vgpu, e, event);
    return sum;
}

void trace_forget(struct trace *trace, unsigned vgpu)
{
    if (!trace || vgpu >= TRACE_MAX_VGPUS)
        return;
    for (unsigned e = 0; e <= ENGINE_COUNT; e++)
        for (unsigned i = 0; i < TRACE_EVENT_COUNT; i++)
            __atomic_store_n(&trace->counts[vgpu][e][i], 0, __ATOMIC_RELAXED);
}

uint64_t trace_recorded(const struct trace *trace)
{
    return trace ? __atomic_load_n(&trace->head, __ATOMIC_RELAXED) : 0;
}

uint64_t trace_lost(const struct trace *trace)
{
    return trace ? __atomic_load_n(&trace->lost, __ATOMIC_RELAXED) : 0;
}

static void note_lost(struct trace *trace, uint64_t *lost, uint64_t count)
{
    *lost += count;
    __atomic_add_fetch(&trace->lost, count, __ATOMIC_RELAXED);
}

size_t trace_read(struct trace *trace, uint64_t *cursor, struct trace_record *records, size_t max, uint64_t *lost)
{
    size_t copied = 0;

    if (!trace || !trace->ring)
        return 0;
    uint64_t head = __atomic_load_n(&trace->head, __ATOMIC_ACQUIRE);
    if (head - *cursor > trace->mask + 1) {
        note_lost(trace, lost, head - *cursor - (trace->mask + 1));
        *cursor = head - (trace->mask + 1);
    }
    while (copied < max && *cursor < head) {
        struct slot *slot = &trace->ring[*cursor & trace->mask];
        uint64_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);
        if (sequence < *cursor + 1)
            break; /* its writer has not finished; the next call gets it */
        struct trace_record *out = &records[copied];
        out->time_ns = __atomic_load_n(&slot->record.time_ns, __ATOMIC_ACQUIRE);
        out->a = __atomic_load_n(&slot->record.a, __ATOMIC_ACQUIRE);
        out->b = __atomic_load_n(&slot->record.b, __ATOMIC_ACQUIRE);
        out->event = __atomic_load_n(&slot->record.event, __ATOMIC_ACQUIRE);
        out->vgpu = __atomic_load_n(&slot->record.vgpu, __ATOMIC_ACQUIRE);
        out->engine = __atomic_load_n(&slot->record.engine, __ATOMIC_ACQUIRE);
        if (sequence == *cursor + 1 && __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED) == sequence)
            copied++;
        else
            note_lost(trace, lost, 1);
        ++*cursor;
    }
    return copied;
}
