/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store of the timeline: an overview of a fixed number of buckets, whose width doubles when the run outgrows them, and a ring of
 * the newest exact intervals. Fed by session.c, drawn by timeline_draw.c.
 */
#include "vmm/timeline.h"

#include <string.h>

#define FIRST_BUCKET_NS UINT64_C(65536)

/* A dispatched workload. An engine runs them in order, so the first one that is not over is the one that runs. */
struct pending {
    uint64_t workload, since_ns;
    uint8_t guest;
};

struct lane {
    struct pending pending[TIMELINE_PENDING];
    unsigned count;
    uint64_t free_ns; /* when the engine last became free */
};

struct timeline {
    uint64_t start_ns, cursor, lost, end_ns;
    uint8_t guest_of[TRACE_MAX_VGPUS]; /* number of the guest + 1, 0 for none */
    char *names[TIMELINE_GUESTS];
    unsigned weights[TIMELINE_GUESTS];
    unsigned guests;
    struct lane lanes[ENGINE_COUNT];
    uint64_t bucket_ns;
    uint64_t busy[ENGINE_COUNT][TIMELINE_GUESTS][TIMELINE_BUCKETS];
    uint64_t total[ENGINE_COUNT][TIMELINE_GUESTS];
    struct timeline_interval ring[TIMELINE_INTERVALS];
    size_t ring_next, ring_count;
};

struct timeline *timeline_create(uint64_t start_ns)
{
    struct timeline *timeline = g_new0(struct timeline, 1);

    timeline->start_ns = start_ns;
    timeline->bucket_ns = FIRST_BUCKET_NS;
    return timeline;
}

void timeline_destroy(struct timeline *timeline)
{
    if (!timeline)
        return;
    for (unsigned i = 0; i < timeline->guests; i++)
        g_free(timeline->names[i]);
    g_free(timeline);
}

void timeline_add_guest(struct timeline *timeline, unsigned trace_id, const char *name, unsigned weight)
{
    if (trace_id >= TRACE_MAX_VGPUS || timeline->guest_of[trace_id])
        return;
    if (timeline->guests < TIMELINE_GUESTS) {
        timeline->names[timeline->guests] = g_strdup(name);
        timeline->weights[timeline->guests] = weight;
        timeline->guests++;
    }
    timeline->guest_of[trace_id] = (uint8_t)timeline->guests;
}

/* Halves the resolution of the overview. */
static void widen(struct timeline *timeline)
{
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        for (unsigned g = 0; g < timeline->guests; g++) {
            uint64_t *busy = timeline->busy[e][g];
            for (unsigned b = 0; b < TIMELINE_BUCKETS / 2; b++)
                busy[b] = busy[2 * b] + busy[2 * b + 1];
            memset(busy + TIMELINE_BUCKETS / 2, 0, TIMELINE_BUCKETS / 2 * sizeof(*busy));
        }
    }
    timeline->bucket_ns *= 2;
}

static void add_interval(struct timeline *timeline, unsigned engine, unsigned guest, uint64_t start_ns, uint64_t end_ns)
{
    if (end_ns <= start_ns)
        return;
    while (end_ns / timeline->bucket_ns >= TIMELINE_BUCKETS && timeline->bucket_ns <= UINT64_MAX / 2)
        widen(timeline);
    for (uint64_t at = start_ns; at < end_ns;) {
        uint64_t bucket = at / timeline->bucket_ns, next = MIN(end_ns, (bucket + 1) * timeline->bucket_ns);
        timeline->busy[engine][guest][MIN(bucket, (uint64_t)TIMELINE_BUCKETS - 1)] += next - at;
        at = next;
    }
    timeline->total[engine][guest] += end_ns - start_ns;
    timeline->end_ns = MAX(timeline->end_ns, end_ns);
    timeline->ring[timeline->ring_next] = (struct timeline_interval){start_ns, end_ns, (uint8_t)engine, (uint8_t)guest};
    timeline->ring_next = (timeline->ring_next + 1) % TIMELINE_INTERVALS;
    timeline->ring_count = MIN(timeline->ring_count + 1, (size_t)TIMELINE_INTERVALS);
}

static void drop_pending(struct lane *lane, unsigned index)
{
    lane->count--;
    memmove(&lane->pending[index], &lane->pending[index + 1], (lane->count - index) * sizeof(lane->pending[0]));
}

static void dispatched(struct lane *lane, const struct trace_record *record, uint64_t now_ns, unsigned guest)
{
    if (lane->count == TIMELINE_PENDING)
        drop_pending(lane, 0);
    lane->pending[lane->count++] = (struct pending){record->a, now_ns, (uint8_t)guest};
}

/* A workload left the engine. One behind others in the queue was taken off before it ran. */
static void ended(struct timeline *timeline, unsigned engine, const struct trace_record *record, uint64_t now_ns)
{
    struct lane *lane = &timeline->lanes[engine];

    for (unsigned i = 0; i < lane->count; i++) {
        struct pending pending = lane->pending[i];
        if (pending.workload != record->a)
            continue;
        drop_pending(lane, i);
        if (i > 0)
            return;
        add_interval(timeline, engine, pending.guest, MAX(pending.since_ns, lane->free_ns), now_ns);
        lane->free_ns = MAX(lane->free_ns, now_ns);
        return;
    }
}

const uint64_t timeline_events = UINT64_C(1) << TRACE_DISPATCH | UINT64_C(1) << TRACE_COMPLETE | UINT64_C(1) << TRACE_PREEMPT;

void timeline_add(struct timeline *timeline, const struct trace_record *record)
{
    if (record->engine >= ENGINE_COUNT || record->vgpu >= TRACE_MAX_VGPUS || !timeline->guest_of[record->vgpu])
        return;
    unsigned guest = timeline->guest_of[record->vgpu] - 1u;
    uint64_t now_ns = record->time_ns > timeline->start_ns ? record->time_ns - timeline->start_ns : 0;
    if (record->event == TRACE_DISPATCH)
        dispatched(&timeline->lanes[record->engine], record, now_ns, guest);
    else if (record->event == TRACE_COMPLETE || record->event == TRACE_PREEMPT)
        ended(timeline, record->engine, record, now_ns);
}

void timeline_poll(struct timeline *timeline, struct trace *trace)
{
    struct trace_record records[256];
    size_t count;

    do {
        count = trace_read(trace, &timeline->cursor, records, G_N_ELEMENTS(records), &timeline->lost);
        for (size_t i = 0; i < count; i++)
            timeline_add(timeline, &records[i]);
    } while (count == G_N_ELEMENTS(records));
}

unsigned timeline_guest_count(const struct timeline *timeline)
{
    return timeline->guests;
}

const char *timeline_guest_name(const struct timeline *timeline, unsigned guest)
{
    return timeline->names[guest];
}

unsigned timeline_guest_weight(const struct timeline *timeline, unsigned guest)
{
    return timeline->weights[guest];
}

uint64_t timeline_end_ns(const struct timeline *timeline)
{
    return timeline->end_ns;
}

uint64_t timeline_bucket_ns(const struct timeline *timeline)
{
    return timeline->bucket_ns;
}

uint64_t timeline_busy_ns(const struct timeline *timeline, unsigned engine, unsigned guest, unsigned bucket)
{
    return timeline->busy[engine][guest][bucket];
}

uint64_t timeline_total_ns(const struct timeline *timeline, unsigned engine, unsigned guest)
{
    return timeline->total[engine][guest];
}

size_t timeline_interval_count(const struct timeline *timeline)
{
    return timeline->ring_count;
}

struct timeline_interval timeline_interval(const struct timeline *timeline, size_t index)
{
    size_t first = (timeline->ring_next + TIMELINE_INTERVALS - timeline->ring_count) % TIMELINE_INTERVALS;

    return timeline->ring[(first + index) % TIMELINE_INTERVALS];
}

uint64_t timeline_lost(const struct timeline *timeline)
{
    return timeline->lost;
}
