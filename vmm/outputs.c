/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Screenshots, timeline, trace and statistics of a run. See outputs.h. */
#include "vmm/outputs.h"

#include "gpu/blocks/image.h"
#include "vmm/address.h"
#include "vmm/canvas.h"
#include "vmm/error.h"
#include "vmm/observe/chrome_trace.h"
#include "vmm/observe/metrics.h"
#include "vmm/observe/recorder.h"
#include "vmm/observe/streams.h"
#include "vmm/png.h"
#include "vmm/report.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/timeline.h"
#include "vmm/trace_log.h"

#include <stdio.h>

enum {
    ENGINE_RECORDS = 1 << 16, /* events between two polls */
    LOG_RECORDS = 1 << 20,    /* of all kinds: traps are many */
    POLL_MS = 20,
    LEFT_OUT_MS = 1000, /* until the first one is seen */
};

struct outputs {
    const struct output_options *options;
    const struct config *config;
    struct figures_source *source;
    struct gpu_setup *gpu;
    struct trace *trace;
    struct timeline *timeline; /* or NULL */
    struct trace_log *log;     /* or NULL */
    struct recorder *recorder;
    struct metrics *metrics;   /* or NULL */
    struct streams *streams;   /* or NULL */
    guint poll, left_out;
    bool failed;
};

static bool is_json(const char *path)
{
    return g_str_has_suffix(path, ".json");
}

bool output_options_check(const struct output_options *options, const char *command)
{
    const char *reason = "the name ends neither in .svg nor in .png";

    if (!options->timeline || g_str_has_suffix(options->timeline, ".svg"))
        return true;
    if (g_str_has_suffix(options->timeline, ".png") && canvas_load_pixels(&reason))
        return true;
    fprintf(stderr, "vmm: %s: --timeline %s: %s\n", command, options->timeline, reason);
    return false;
}

void output_options_clear(struct output_options *options)
{
    g_clear_pointer(&options->timeline, g_free);
    g_clear_pointer(&options->trace, g_free);
}

struct trace *outputs_create_trace(const struct output_options *options)
{
    return trace_create(options->trace && !is_json(options->trace) ? LOG_RECORDS : 0);
}

static bool finish_log(struct outputs *outputs)
{
    g_autoptr(GError) error = NULL;

    if (trace_log_finish(g_steal_pointer(&outputs->log), outputs->trace, &error))
        return true;
    fprintf(stderr, "vmm: %s\n", error->message);
    return false;
}

static void poll_events(struct outputs *outputs);

static gboolean on_poll(gpointer opaque)
{
    poll_events(opaque);
    return G_SOURCE_CONTINUE;
}

/* Has those events kept that somebody wants, and looks for them as long as there are any. */
static void choose_events(struct outputs *outputs)
{
    uint64_t events = (outputs->log ? TRACE_ALL_EVENTS : 0) | (outputs->timeline ? timeline_events : 0) |
                      (recorder_path(outputs->recorder) ? chrome_trace_events : 0);

    trace_keep(outputs->trace, ENGINE_RECORDS, events);
    if (events && !outputs->poll)
        outputs->poll = g_timeout_add(POLL_MS, on_poll, outputs);
    if (!events && outputs->poll)
        g_clear_handle_id(&outputs->poll, g_source_remove);
}

static void poll_events(struct outputs *outputs)
{
    if (outputs->timeline)
        timeline_poll(outputs->timeline, outputs->trace);
    recorder_poll(outputs->recorder, outputs->trace);
    if (outputs->log && !trace_log_poll(outputs->log, outputs->trace)) {
        outputs->failed = !finish_log(outputs) || outputs->failed; /* a full disk, say: the guests go on */
        choose_events(outputs);
    }
}

bool outputs_trace_start(struct outputs *outputs, const char *path, GError **error)
{
    const char *directory = outputs->config->observe.directory;
    g_autofree char *full = directory && !g_path_is_absolute(path) ? g_build_filename(directory, path, NULL) : g_strdup(path);

    bool ok = recorder_start(outputs->recorder, full, outputs->trace, error);
    if (!ok && !directory && !recorder_path(outputs->recorder) && error)
        g_prefix_error(error, "without [observe] directory files can be made beside other outputs only: ");
    choose_events(outputs);
    return ok;
}

bool outputs_trace_stop(struct outputs *outputs, GError **error)
{
    bool ok = recorder_stop(outputs->recorder, outputs->trace, error);

    choose_events(outputs);
    return ok;
}

const char *outputs_trace_path(const struct outputs *outputs)
{
    return recorder_path(outputs->recorder);
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

static void create_timeline(struct outputs *outputs)
{
    outputs->timeline = timeline_create(trace_now_ns());
    for (unsigned i = 0; i < gpu_setup_count(outputs->gpu); i++) {
        const struct gpu_user *user = gpu_setup_user(outputs->gpu, i);
        if (gpu_user_has_vgpu(user))
            timeline_add_guest(outputs->timeline, gpu_setup_trace_id(outputs->gpu, i), user->name, gpu_user_weight(user));
    }
}

/* `--trace` goes before `trace = FILE`: a file of lines, or one for Perfetto. */
static bool start_traces(struct outputs *outputs, GError **error)
{
    const char *option = outputs->options->trace, *path = option && is_json(option) ? option : outputs->config->observe.trace;

    if (option && !is_json(option)) {
        outputs->log = trace_log_create(option, gpu_setup_trace_name, outputs->gpu, error);
        if (!outputs->log)
            return false;
    }
    return !path || recorder_start(outputs->recorder, path, outputs->trace, error);
}

static bool start_metrics(struct outputs *outputs, GError **error)
{
    const char *address = outputs->config->observe.metrics;
    g_autofree char *folder = address && address_is_path(address) ? g_path_get_dirname(address) : NULL;
    g_autoptr(GError) problem = NULL;

    if (!address)
        return true;
    if (folder)
        sandbox_allow(SANDBOX_SOCKET, folder);
    outputs->metrics = metrics_create(address, outputs->source, &problem);
    if (!outputs->metrics)
        fail_config(error, outputs->config->path, "[observe] metrics: %s", problem->message);
    return outputs->metrics != NULL;
}

static bool start_streams(struct outputs *outputs, GError **error)
{
    const struct observe_settings *observe = &outputs->config->observe;
    g_autoptr(GError) problem = NULL;

    if (!observe->streams)
        return true;
    outputs->streams = streams_create(observe->streams, observe->streams_max, &problem);
    if (!outputs->streams)
        return fail_config(error, outputs->config->path, "[observe] streams: %s", problem->message);
    gpu_setup_record(outputs->gpu, outputs->streams);
    return true;
}

/* Once, when it happens: a guest that shows nothing gets looked at long before its run ends. */
static gboolean on_left_out(gpointer opaque)
{
    struct outputs *outputs = opaque;

    if (!figures_left_out(outputs->source))
        return G_SOURCE_CONTINUE;
    fprintf(stderr, "vmm: guests use 3D, media or compute commands, which the model leaves out: what they draw with them does not appear\n");
    outputs->left_out = 0;
    return G_SOURCE_REMOVE;
}

static bool check_directory(const struct outputs *outputs, GError **error)
{
    const char *directory = outputs->config->observe.directory;

    if (!directory)
        return true;
    if (!g_file_test(directory, G_FILE_TEST_IS_DIR))
        return fail_config(error, outputs->config->path, "[observe] directory: %s is no directory (mkdir %s)", directory, directory);
    sandbox_allow(SANDBOX_OUTPUT, directory);
    return true;
}

struct outputs *outputs_create(const struct output_options *options, const struct config *config, struct figures_source *source, GError **error)
{
    struct outputs *outputs = g_new0(struct outputs, 1);

    *outputs = (struct outputs){.options = options, .config = config, .source = source, .gpu = source->gpu, .trace = source->trace};
    outputs->recorder = recorder_create(gpu_setup_trace_name, outputs->gpu);
    if (!check_directory(outputs, error) || !start_traces(outputs, error) || !start_metrics(outputs, error) ||
        !start_streams(outputs, error)) {
        outputs_destroy(outputs);
        return NULL;
    }
    if (options->timeline)
        create_timeline(outputs);
    allow_outputs(outputs);
    choose_events(outputs);
    outputs->left_out = g_timeout_add(LEFT_OUT_MS, on_left_out, outputs);
    return outputs;
}

void outputs_destroy(struct outputs *outputs)
{
    if (!outputs)
        return;
    if (outputs->poll)
        g_source_remove(outputs->poll);
    if (outputs->left_out)
        g_source_remove(outputs->left_out);
    metrics_destroy(outputs->metrics);
    gpu_setup_record(outputs->gpu, NULL);
    streams_destroy(outputs->streams);
    timeline_destroy(outputs->timeline);
    trace_log_finish(outputs->log, outputs->trace, NULL);
    recorder_destroy(outputs->recorder);
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

static bool finish_recording(struct outputs *outputs)
{
    g_autoptr(GError) error = NULL;

    if (!recorder_path(outputs->recorder) || outputs_trace_stop(outputs, &error))
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
    ok = finish_recording(outputs) && ok;
    ok = finish_log(outputs) && ok && !outputs->failed;
    struct figures *figures = figures_take(outputs->source);
    print_left_out(figures);
    if (outputs->options->stats)
        report_print(stdout, figures);
    figures_free(figures);
    return ok;
}
