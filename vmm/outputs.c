/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Screenshots, timeline, trace and statistics of a run. See outputs.h. */
#include "vmm/outputs.h"

#include "gpu/blocks/image.h"
#include "vmm/png.h"
#include "vmm/report.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/timeline.h"
#include "vmm/trace_log.h"

#include <stdio.h>

enum {
    TIMELINE_RECORDS = 1 << 16, /* events between two polls */
    TRACE_RECORDS = 1 << 20,
    POLL_MS = 20,
};

struct outputs {
    const struct output_options *options;
    const struct figures_source *source;
    struct gpu_setup *gpu;
    struct trace *trace;
    struct timeline *timeline; /* or NULL */
    struct trace_log *log;     /* or NULL */
    guint poll;
};

bool output_options_check(const struct output_options *options, const char *command)
{
    if (!options->timeline || g_str_has_suffix(options->timeline, ".svg") || g_str_has_suffix(options->timeline, ".png"))
        return true;
    fprintf(stderr, "vmm: %s: --timeline %s: the name ends neither in .svg nor in .png\n", command, options->timeline);
    return false;
}

void output_options_clear(struct output_options *options)
{
    g_clear_pointer(&options->timeline, g_free);
    g_clear_pointer(&options->trace, g_free);
}

struct trace *outputs_create_trace(const struct output_options *options)
{
    return trace_create(options->trace ? TRACE_RECORDS : options->timeline ? TIMELINE_RECORDS : 0);
}

static void poll_events(struct outputs *outputs)
{
    if (outputs->timeline)
        timeline_poll(outputs->timeline, outputs->trace);
    if (outputs->log)
        trace_log_poll(outputs->log, outputs->trace);
}

static gboolean on_poll(gpointer opaque)
{
    poll_events(opaque);
    return G_SOURCE_CONTINUE;
}

static void allow_output(const char *path)
{
    g_autofree char *directory = path ? g_path_get_dirname(path) : NULL;

    if (directory)
        sandbox_allow(SANDBOX_OUTPUT, directory);
}

/* What is written at the end only; the trace is open already. */
static void allow_outputs(const struct outputs *outputs)
{
    const char *timeline = outputs->options->timeline;

    allow_output(timeline);
    if (timeline && g_str_has_suffix(timeline, ".png"))
        sandbox_allow(SANDBOX_FONTS, NULL);
    for (unsigned i = 0; i < gpu_setup_count(outputs->gpu); i++)
        allow_output(gpu_setup_user(outputs->gpu, i)->screenshot);
}

struct outputs *outputs_create(const struct output_options *options, const struct figures_source *source, GError **error)
{
    struct outputs *outputs = g_new0(struct outputs, 1);
    struct gpu_setup *gpu = source->gpu;

    *outputs = (struct outputs){.options = options, .source = source, .gpu = gpu, .trace = source->trace};
    if (options->trace) {
        outputs->log = trace_log_create(options->trace, gpu_setup_trace_name, gpu, error);
        if (!outputs->log) {
            g_free(outputs);
            return NULL;
        }
    }
    if (options->timeline) {
        outputs->timeline = timeline_create(trace_now_ns());
        for (unsigned i = 0; i < gpu_setup_count(gpu); i++) {
            const struct gpu_user *user = gpu_setup_user(gpu, i);
            if (gpu_user_has_vgpu(user))
                timeline_add_guest(outputs->timeline, gpu_setup_trace_id(gpu, i), user->name, gpu_user_weight(user));
        }
    }
    allow_outputs(outputs);
    if (outputs->log || outputs->timeline)
        outputs->poll = g_timeout_add(POLL_MS, on_poll, outputs);
    return outputs;
}

void outputs_destroy(struct outputs *outputs)
{
    if (!outputs)
        return;
    if (outputs->poll)
        g_source_remove(outputs->poll);
    timeline_destroy(outputs->timeline);
    trace_log_finish(outputs->log, outputs->trace, NULL);
    g_free(outputs);
}

/* A guest without a picture is told about and is no failure; a file that cannot be written is. */
bool outputs_screenshot(struct gpu_setup *gpu, unsigned index)
{
    const struct gpu_user *user = gpu_setup_user(gpu, index);
    g_autoptr(GError) error = NULL;

    if (!user->screenshot)
        return true;
    struct image *image = gpu_setup_screenshot(gpu, index, &error);
    if (!image) {
        fprintf(stderr, "vmm: guest %s: no screenshot: %s\n", user->name, error->message);
        return true;
    }
    bool ok = image_write_png(user->screenshot, image, &error);
    if (!ok)
        fprintf(stderr, "vmm: guest %s: %s\n", user->name, error->message);
    image_free(image);
    return ok;
}

bool outputs_screenshots(struct gpu_setup *gpu)
{
    bool ok = true;

    for (unsigned i = 0; i < gpu_setup_count(gpu); i++)
        ok = outputs_screenshot(gpu, i) && ok;
    return ok;
}

static bool finish_timeline(struct outputs *outputs)
{
    g_autoptr(GError) error = NULL;

    if (!outputs->timeline)
        return true;
    if (timeline_lost(outputs->timeline))
        fprintf(stderr, "vmm: the timeline lacks %" PRIu64 " events that came too fast\n", timeline_lost(outputs->timeline));
    if (timeline_write(outputs->timeline, outputs->options->timeline, &error))
        return true;
    fprintf(stderr, "vmm: %s\n", error->message);
    return false;
}

static bool finish_log(struct outputs *outputs)
{
    g_autoptr(GError) error = NULL;

    if (trace_log_finish(g_steal_pointer(&outputs->log), outputs->trace, &error))
        return true;
    fprintf(stderr, "vmm: %s\n", error->message);
    return false;
}

/* What is missing from the pictures, if guests asked for it. */
static void print_left_out(const struct figures *figures)
{
    if (figures->left_out)
        fprintf(stderr, "vmm: the model left out %" PRIu64 " 3D, media or compute commands: it executes MI commands and the blitter's\n",
                figures->left_out);
}

bool outputs_finish(struct outputs *outputs)
{
    bool ok = outputs_screenshots(outputs->gpu);

    poll_events(outputs);
    ok = finish_timeline(outputs) && ok;
    ok = finish_log(outputs) && ok;
    struct figures *figures = figures_take(outputs->source);
    print_left_out(figures);
    if (outputs->options->stats)
        report_print(stdout, figures);
    figures_free(figures);
    return ok;
}
