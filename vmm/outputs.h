/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run shows to people: screenshots, the timeline, traces, metrics, statistics. Used by session.c, serve.c and the control socket, on the main loop's
 * thread.
 */
#ifndef MEDIANT_VMM_OUTPUTS_H
#define MEDIANT_VMM_OUTPUTS_H

#include "vmm/observe/figures.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From the command line. */
struct output_options {
    gboolean stats;
    char *timeline; /* file, or NULL */
    char *trace;    /* file, or NULL */
};

/* The options that output_options takes, for the commands' own lists; ends with an empty entry. Frees nothing. */
#define OUTPUT_OPTION_ENTRIES(options)                                                                                                       \
    {"stats", 's', 0, G_OPTION_ARG_NONE, &(options)->stats, "At the end, print what each guest did with the GPU", NULL},                     \
    {"timeline", 0, 0, G_OPTION_ARG_FILENAME, &(options)->timeline, "At the end, draw who had which engine when", "FILE.svg|FILE.png"},      \
    {"trace", 0, 0, G_OPTION_ARG_FILENAME, &(options)->trace,                                                                                \
     "Write each trap, submission and completion as a line of text; or, for .json, what the engines did for ui.perfetto.dev", "FILE|FILE.json"}

/* Complains about what cannot be right; returns false then. command is its name, for the message. */
bool output_options_check(const struct output_options *options, const char *command);
void output_options_clear(struct output_options *options);

/* The trace that these options need. */
struct trace *outputs_create_trace(const struct output_options *options);

struct outputs;

/* Begins to gather; options, configuration and source outlive it. NULL when a file cannot be written, or the metrics' address is in use. */
struct outputs *outputs_create(const struct output_options *options, const struct config *config, struct figures_source *source, GError **error);
void outputs_destroy(struct outputs *outputs); /* NULL is allowed */

/*
 * Records what the engines do (observe/recorder.h) to a file that is written by outputs_trace_stop() or at the end. A relative path is below `[observe] directory`;
 * the sandbox lets no file be made elsewhere than there and beside other outputs. Errors say what is wrong and name the file; the guests go on.
 */
bool outputs_trace_start(struct outputs *outputs, const char *path, GError **error);
bool outputs_trace_stop(struct outputs *outputs, GError **error);
/* The file that is recorded to, or NULL. */
const char *outputs_trace_path(const struct outputs *outputs);

/* Writes the screenshot of a user that has one configured; false after complaining when the file could not be written. Any thread. */
bool outputs_screenshot(struct gpu_setup *gpu, unsigned user);
/* All of them. */
bool outputs_screenshots(struct gpu_setup *gpu);

/* The end, while devices still exist: files and statistics, and a word about what the model left out. False when a file could not be written. */
bool outputs_finish(struct outputs *outputs);

#ifdef __cplusplus
}
#endif
#endif
