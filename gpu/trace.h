/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: each decision of the model, the mediator and the scheduler, defined once in defs/events.def. An event is counted for its
 * vGPU and, when recording is on, kept in a ring that tools read (timeline, `vmm trace`).
 *
 * Threads: trace_emit() may be called from any thread and never blocks or allocates. A NULL trace is allowed everywhere
 * and does nothing, so that units can be tested without one.
 */
#ifndef MEDIANT_GPU_TRACE_H
#define MEDIANT_GPU_TRACE_H

#include "gpu/defs/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum trace_event {
#define EVENT(NAME, name, a, b, help) TRACE_##NAME,
#include "gpu/defs/events.def"
#undef EVENT
    TRACE_EVENT_COUNT,
};

struct trace_event_desc {
    const char *name;      /* "dispatch" */
    const char *a, *b;     /* names of the two values, NULL when unused */
    const char *help;      /* one sentence */
};
extern const struct trace_event_desc trace_event_descs[TRACE_EVENT_COUNT];

/* In the first value of a trap: the guest wrote. */
#define TRACE_TRAP_IS_WRITE (UINT64_C(1) << 63)

enum {
    TRACE_MAX_VGPUS = 128,
    TRACE_HOST = 0,        /* vgpu value of events that belong to no guest; vGPU ids start at 1 */
    TRACE_NO_ENGINE = 255, /* engine value of events that belong to no engine */
};

struct trace_record {
    uint64_t time_ns; /* CLOCK_MONOTONIC */
    uint64_t a, b;
    uint16_t event;
    uint8_t vgpu;
    uint8_t engine; /* enum gpu_engine or TRACE_NO_ENGINE */
};

struct trace;

/* records is the length of the ring, rounded up to a power of two; 0 counts events without keeping them, until trace_keep(). */
struct trace *trace_create(size_t records);
void trace_destroy(struct trace *trace); /* NULL is allowed */

/*
 * From now on keeps those kinds of events alone whose bits are set (1 << TRACE_...; 0: none). The first call of a trace without a ring makes one of that length;
 * it stays until the end. One thread at a time.
 */
void trace_keep(struct trace *trace, size_t records, uint64_t events);
#define TRACE_ALL_EVENTS UINT64_MAX

void trace_emit(struct trace *trace, enum trace_event event, unsigned vgpu, unsigned engine, uint64_t a, uint64_t b);

/* Events counted so far; and those of one engine, or of none (TRACE_NO_ENGINE). */
uint64_t trace_count(const struct trace *trace, unsigned vgpu, enum trace_event event);
uint64_t trace_count_engine(const struct trace *trace, unsigned vgpu, unsigned engine, enum trace_event event);
/* Another vGPU has this id from now on: its counts begin at 0. */
void trace_forget(struct trace *trace, unsigned vgpu);

/* Records that went into the ring, and those that a reader of it came too late for (once for each reader). */
uint64_t trace_recorded(const struct trace *trace);
uint64_t trace_lost(const struct trace *trace);

/*
 * Copies records that were written since *cursor (0 at first) and advances it; returns how many. *lost grows by the number that were
 * overwritten before they could be read.
 */
size_t trace_read(struct trace *trace, uint64_t *cursor, struct trace_record *records, size_t max, uint64_t *lost);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t trace_now_ns(void);

#ifdef __cplusplus
}
#endif
#endif
