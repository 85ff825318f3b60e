/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `vmm top` shows: rates, from two answers of query-stats, as text of a terminal's size or as JSON. Used by cmd_top.c.
 *
 * Threads: none of its own.
 */
#ifndef MEDIANT_VMM_CONTROL_TOP_H
#define MEDIANT_VMM_CONTROL_TOP_H

#include "vmm/observe/figures.h"

#ifdef __cplusplus
extern "C" {
#endif

struct top_row {
    char *name, *state;
    unsigned weight;                /* 0: no vGPU */
    double due;                     /* the weight's part of all vGPUs' weights, 0 .. 1 */
    double busy[ENGINE_COUNT];      /* of the time, that the engine worked for it, 0 .. 1 */
    double submissions, frames;     /* a second */
    double traps[FIGURES_TRAPS];    /* a second */
    uint64_t queued, resets;        /* workloads now; engine resets so far */
};

struct top {
    char *policy;
    double uptime_s, interval_s;
    struct top_row *rows;
    unsigned count;
};

/* From two answers, the later one last. A user that the first lacks, or whose counters went back, begins at 0. NULL when an answer is none of query-stats. */
struct top *top_create(JsonNode *before, JsonNode *after);
void top_free(struct top *top); /* NULL is allowed */

/* Lines of at most width columns, each with an end; no more than height of them (0 for any): what does not fit is counted in the last one. */
char *top_to_text(const struct top *top, unsigned width, unsigned height);
JsonNode *top_to_json(const struct top *top);

#ifdef __cplusplus
}
#endif
#endif
