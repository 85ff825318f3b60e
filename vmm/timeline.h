/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who had which engine when: gathers dispatch, completion and preemption events of a trace into a store of fixed size, and
 * draws it. Owned by session.c; the main loop's thread only.
 */
#ifndef MEDIANT_VMM_TIMELINE_H
#define MEDIANT_VMM_TIMELINE_H

#include "gpu/defs/engine.h"
#include "gpu/trace.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TIMELINE_GUESTS = 16,       /* colours; guests beyond share the last one */
    TIMELINE_BUCKETS = 1024,    /* of the overview; a power of two */
    TIMELINE_INTERVALS = 16384, /* the newest exact ones that are kept */
    TIMELINE_PENDING = 64,      /* workloads of an engine that are dispatched and not over; older ones are forgotten */
};

/* Time on an engine that one guest had without a break. */
struct timeline_interval {
    uint64_t start_ns, end_ns; /* since the timeline's origin */
    uint8_t engine, guest;
};

struct timeline;

/* start_ns: the origin of time, CLOCK_MONOTONIC. */
struct timeline *timeline_create(uint64_t start_ns);
void timeline_destroy(struct timeline *timeline); /* NULL is allowed */

/* Names the guest with this trace id, and gives it the next colour. Before its first event. */
void timeline_add_guest(struct timeline *timeline, unsigned trace_id, const char *name, unsigned weight);

/* The kinds of events that it takes, as bits for trace_keep(). */
extern const uint64_t timeline_events;
/* Takes one event; others than dispatch, completion and preemption of named guests are ignored. Events of an engine come in order. */
void timeline_add(struct timeline *timeline, const struct trace_record *record);
/* Reads all new events of a trace. Call it often enough that the trace's ring does not overflow; lost events leave gaps. */
void timeline_poll(struct timeline *timeline, struct trace *trace);

/* For tests and drawing. Guests are numbered from 0 in the order of timeline_add_guest(). */
unsigned timeline_guest_count(const struct timeline *timeline);
const char *timeline_guest_name(const struct timeline *timeline, unsigned guest);
unsigned timeline_guest_weight(const struct timeline *timeline, unsigned guest);
uint64_t timeline_end_ns(const struct timeline *timeline); /* of the last interval; 0 when empty */
uint64_t timeline_bucket_ns(const struct timeline *timeline);
/* Busy nanoseconds of a guest on an engine in a bucket, and in all. */
uint64_t timeline_busy_ns(const struct timeline *timeline, unsigned engine, unsigned guest, unsigned bucket);
uint64_t timeline_total_ns(const struct timeline *timeline, unsigned engine, unsigned guest);
/* The kept intervals, oldest first, of all engines in the order in which they ended. */
size_t timeline_interval_count(const struct timeline *timeline);
struct timeline_interval timeline_interval(const struct timeline *timeline, size_t index);
uint64_t timeline_lost(const struct timeline *timeline); /* events that were overwritten before they were read */

/* timeline_draw.c: an SVG or PNG picture by the ending of the file's name. Errors name the file (VMM_ERROR_FAILED). */
bool timeline_write(const struct timeline *timeline, const char *path, GError **error);

#ifdef __cplusplus
}
#endif
#endif
