/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each guest did with the GPU, in words and numbers, at the end of a run. Used by session.c. */
#ifndef MEDIANT_VMM_REPORT_H
#define MEDIANT_VMM_REPORT_H

#include "mmio/vgpu.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct report_guest {
    const char *name, *type;
    unsigned weight;
    unsigned trace_id;
    struct vgpu_stats stats;
};

/* Frames, GPU time share against weight, submissions, then traps by class (from the trace's counters). */
void report_print(FILE *file, const struct report_guest *guests, unsigned count, const struct trace *trace);

#ifdef __cplusplus
}
#endif
#endif
