/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recorded events as a file in the Trace Event Format of Chrome, which https://ui.perfetto.dev opens. Each guest is a process and each of its engines a track
 * with a slice for each time that a workload had the engine; what a workload took from submission to its end is an async span with the workload's id; preemptions,
 * hangs and resets are instants; how many workloads wait is a counter. A guest's frames and failures are on a track of their own.
 *
 * The format: "Trace Event Format", Google, docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
 */
#ifndef MEDIANT_VMM_OBSERVE_CHROME_TRACE_H
#define MEDIANT_VMM_OBSERVE_CHROME_TRACE_H

#include "gpu/trace.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The kinds of events that are looked at, as bits for trace_keep(). */
extern const uint64_t chrome_trace_events;

struct chrome_trace {
    struct trace_record *records; /* of these kinds, in any order; sorted by the call */
    size_t count;
    uint64_t start_ns, end_ns; /* of the recording, CLOCK_MONOTONIC */
    uint64_t lost;             /* events in that time that are not among the records: they came too fast */
    uint64_t forgotten;        /* likewise: older ones that made room for newer ones */
    const char *(*name_of)(void *opaque, unsigned vgpu); /* the guest's name, or NULL */
    void *opaque;
};

/*
 * Writes it all. False with errno when the file took less; the stream stays open. Events whose begin or end is missing are left out or end with the recording:
 * a file is well-formed whatever was lost.
 */
bool chrome_trace_write(FILE *file, struct chrome_trace *trace);

#ifdef __cplusplus
}
#endif
#endif
