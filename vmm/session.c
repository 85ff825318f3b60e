/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the VMs of one configuration. Called by cmd_run.c. */
#include "vmm/session.h"

#include "vmm/console.h"
#include "vmm/error.h"
#include "vmm/gpu_setup.h"
#include "vmm/machine.h"
#include "vmm/png.h"
#include "vmm/report.h"
#include "vmm/timeline.h"

#include "gpu/blocks/image.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TRACE_RECORDS = 1 << 16, /* events between two polls of the timeline */
    TIMELINE_POLL_MS = 20,
};

struct session;

struct session_vm {
    struct session *session;
    unsigned index;
    const struct vm_settings *settings;
    struct machine *machine;
    bool running;
};

struct session {
    const struct config *config;
    const struct session_options *options;
    GMainLoop *loop;
    struct trace *trace;
    struct gpu_setup *gpu;
    struct session_vm *vms;
    unsigned count, running;
    struct console *console;
    struct timeline *timeline; /* or NULL */
    guint signals[2], timer, poll;
    GMutex lock;        /* guards what other threads write */
    GString *complaints; /* lines from vGPU threads, printed by the main loop */
    bool timed_out, crashed, failed, vgpu_disabled;
};

static void G_GNUC_PRINTF(2, 3) say(const struct session_vm *vm, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "vmm: guest %s: %s\n", vm->settings->name, text);
}

/* Main loop: one VM has ended. */
static gboolean on_ended(gpointer opaque)
{
    struct session_vm *vm = opaque;
    struct session *session = vm->session;

    machine_join(vm->machine);
    struct machine_result result = machine_result(vm->machine);
    switch (result.end) {
    case MACHINE_EXITED:
        if (result.status == 0)
            say(vm, "shut down");
        else
            say(vm, "left with status %u", result.status);
        session->crashed |= result.status != 0;
        break;
    case MACHINE_CRASHED:
        say(vm, "crashed: %s", result.message);
        session->crashed = true;
        break;
    case MACHINE_STOPPED:
        say(vm, session->timed_out ? "stopped: the time is over" : "stopped");
        break;
    case MACHINE_FAILED:
    case MACHINE_RUNNING:
        say(vm, "failed: %s", result.message ? result.message : "ended without a result");
        session->failed = true;
        break;
    }
    vm->running = false;
    if (--session->running == 0)
        g_main_loop_quit(session->loop);
    return G_SOURCE_REMOVE;
}

/* A vCPU thread: hand over to the main loop. */
static void machine_ended(void *opaque)
{
    g_idle_add_full(G_PRIORITY_DEFAULT, on_ended, opaque, NULL);
}

static gboolean on_complaint(gpointer opaque)
{
    struct session *session = opaque;

    g_mutex_lock(&session->lock);
    g_autofree char *text = g_strdup(session->complaints->str);
    g_string_truncate(session->complaints, 0);
    g_mutex_unlock(&session->lock);
    fputs(text, stderr);
    return G_SOURCE_REMOVE;
}

/* Any thread: a vGPU was disabled. Its guest runs on without a GPU; so do the others, with theirs. */
static void vgpu_failed(void *opaque, unsigned index, const char *reason)
{
    struct session *session = opaque;

    g_mutex_lock(&session->lock);
    session->vgpu_disabled = true;
    g_string_append_printf(session->complaints, "vmm: guest %s: vGPU disabled: %s\n", session->vms[index].settings->name, reason);
    /* Under the lock, which the callback takes: so ThreadSanitizer sees that this thread is done with the source before it is freed. */
    g_idle_add_full(G_PRIORITY_DEFAULT, on_complaint, session, NULL);
    g_mutex_unlock(&session->lock);
}

static void stop_all(struct session *session)
{
    for (unsigned i = 0; i < session->count; i++)
        if (session->vms[i].running)
            machine_stop(session->vms[i].machine);
}

static gboolean on_signal(gpointer opaque)
{
    stop_all(opaque);
    return G_SOURCE_CONTINUE;
}

static gboolean on_timeout(gpointer opaque)
{
    struct session *session = opaque;

    session->timer = 0;
    session->timed_out = true;
    stop_all(session);
    return G_SOURCE_REMOVE;
}

static bool create_machine(struct session *session, struct session_vm *vm, unsigned on_stdio, GError **error)
{
    const struct vm_settings *settings = vm->settings;
    bool stdio = strcmp(settings->serial, "stdio") == 0;
    /* A lone guest's output is left as it is; several on one terminal get their names before each line. */
    g_autofree char *prefix = stdio && on_stdio > 1 ? g_strdup_printf("[%s] ", settings->name) : NULL;
    struct machine_config config = {.name = settings->name,
                                    .device = session->options->device,
                                    .image = settings->image,
                                    .args = settings->args,
                                    .memory = settings->memory,
                                    .vcpus = (unsigned)settings->vcpus,
                                    .serial = settings->serial,
                                    .serial_prefix = prefix,
                                    .ended = machine_ended,
                                    .opaque = vm};

    vm->machine = machine_create(&config, error);
    if (!vm->machine)
        return false;
    struct pci_device *gpu = gpu_setup_take_device(session->gpu, vm->index);
    if (gpu)
        machine_attach(vm->machine, MACHINE_GPU_SLOT, gpu);
    if (stdio && on_stdio == 1)
        session->console = console_create(STDIN_FILENO, vm->machine);
    return true;
}

static bool create(struct session *session, GError **error)
{
    unsigned on_stdio = 0;

    session->trace = trace_create(session->options->timeline ? TRACE_RECORDS : 0);
    session->gpu = gpu_setup_create(&(struct gpu_setup_config){.config = session->config,
                                                               .trace = session->trace,
                                                               .failed = vgpu_failed,
                                                               .opaque = session},
                                    error);
    if (!session->gpu)
        return false;
    for (unsigned i = 0; i < session->count; i++)
        on_stdio += strcmp(session->vms[i].settings->serial, "stdio") == 0;
    for (unsigned i = 0; i < session->count; i++)
        if (!create_machine(session, &session->vms[i], on_stdio, error))
            return false;
    return true;
}

static unsigned vm_weight(const struct session_vm *vm)
{
    const struct vgpu_type *type = vgpu_type_find(vm->settings->gpu);

    return vm->settings->weight ? (unsigned)vm->settings->weight : type ? type->weight : 0;
}

static gboolean on_poll(gpointer opaque)
{
    struct session *session = opaque;

    timeline_poll(session->timeline, session->trace);
    return G_SOURCE_CONTINUE;
}

static void start_timeline(struct session *session)
{
    if (!session->options->timeline)
        return;
    session->timeline = timeline_create(trace_now_ns());
    for (unsigned i = 0; i < session->count; i++)
        if (config_vm_has_vgpu(session->vms[i].settings))
            timeline_add_guest(session->timeline, gpu_setup_trace_id(session->gpu, i), session->vms[i].settings->name,
                               vm_weight(&session->vms[i]));
    session->poll = g_timeout_add(TIMELINE_POLL_MS, on_poll, session);
}

static void finish_timeline(struct session *session)
{
    g_autoptr(GError) error = NULL;

    if (!session->timeline)
        return;
    timeline_poll(session->timeline, session->trace);
    if (timeline_lost(session->timeline))
        fprintf(stderr, "vmm: the timeline lacks %" PRIu64 " events that came too fast\n", timeline_lost(session->timeline));
    if (!timeline_write(session->timeline, session->options->timeline, &error)) {
        fprintf(stderr, "vmm: %s\n", error->message);
        session->failed = true;
    }
}

/* A guest without a picture is told about and is no failure; a file that cannot be written is. */
static void write_screenshot(struct session *session, struct session_vm *vm)
{
    g_autoptr(GError) error = NULL;

    if (!vm->settings->screenshot)
        return;
    struct image *image = gpu_setup_screenshot(session->gpu, vm->index, &error);
    if (!image) {
        say(vm, "no screenshot: %s", error->message);
        return;
    }
    if (!image_write_png(vm->settings->screenshot, image, &error)) {
        say(vm, "%s", error->message);
        session->failed = true;
    }
    image_free(image);
}

static void print_stats(struct session *session)
{
    g_autofree struct report_guest *guests = g_new0(struct report_guest, session->count);
    unsigned count = 0;

    for (unsigned i = 0; i < session->count; i++) {
        struct report_guest *guest = &guests[count];
        if (!gpu_setup_stats(session->gpu, i, &guest->stats))
            continue;
        count++;
        guest->name = session->vms[i].settings->name;
        guest->type = session->vms[i].settings->gpu;
        guest->weight = vm_weight(&session->vms[i]);
        guest->trace_id = gpu_setup_trace_id(session->gpu, i);
    }
    report_print(stdout, guests, count, session->trace);
}

/* What is missing from the pictures, if guests asked for it. */
static void print_left_out(struct session *session)
{
    uint64_t left_out = 0;

    for (unsigned id = 0; id < TRACE_MAX_VGPUS; id++)
        left_out += trace_count(session->trace, id, TRACE_MODEL_LEFT_OUT);
    if (left_out)
        fprintf(stderr, "vmm: the model left out %" PRIu64 " 3D, media or compute commands: it executes MI commands and the blitter's\n",
                left_out);
}

/* All guests have ended; their devices still exist. */
static void report(struct session *session)
{
    for (unsigned i = 0; i < session->count; i++)
        write_screenshot(session, &session->vms[i]);
    finish_timeline(session);
    print_left_out(session);
    if (session->options->stats)
        print_stats(session);
}

/* All or none: when one VM does not start, those that did are stopped. */
static bool start(struct session *session, GError **error)
{
    session->signals[0] = g_unix_signal_add(SIGINT, on_signal, session);
    session->signals[1] = g_unix_signal_add(SIGTERM, on_signal, session);
    start_timeline(session);
    for (unsigned i = 0; i < session->count; i++) {
        struct session_vm *vm = &session->vms[i];
        if (!machine_start(vm->machine, error))
            return false;
        vm->running = true;
        session->running++;
    }
    if (session->options->timeout_s > 0)
        session->timer = g_timeout_add((guint)(session->options->timeout_s * 1000), on_timeout, session);
    return true;
}

static void destroy(struct session *session)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(session->signals); i++)
        if (session->signals[i])
            g_source_remove(session->signals[i]);
    if (session->timer)
        g_source_remove(session->timer);
    if (session->poll)
        g_source_remove(session->poll);
    console_destroy(session->console);
    for (unsigned i = 0; i < session->count; i++)
        machine_destroy(session->vms[i].machine);
    gpu_setup_destroy(session->gpu);
    timeline_destroy(session->timeline);
    trace_destroy(session->trace);
    /* Idle sources of VMs that were destroyed while they ran. */
    for (unsigned i = 0; i < session->count; i++)
        while (g_idle_remove_by_data(&session->vms[i]))
            ;
    while (g_idle_remove_by_data(session))
        ;
    g_main_loop_unref(session->loop);
    g_mutex_clear(&session->lock);
    g_string_free(session->complaints, TRUE);
    g_free(session->vms);
}

/* The most telling outcome: what the VMM did wrong, then what disabled a vGPU (its guest then often fails too), then guests, then time. */
static int exit_code(const struct session *session)
{
    return session->failed          ? EXIT_VMM_FAILURE
           : session->vgpu_disabled ? EXIT_VGPU_DISABLED
           : session->crashed       ? EXIT_GUEST_CRASHED
           : session->timed_out     ? EXIT_TIMEOUT
                                    : EXIT_OK;
}

int session_run(const struct config *config, const struct session_options *options, GError **error)
{
    struct session session = {.config = config, .options = options, .count = config->vms->len};
    int code = EXIT_VMM_FAILURE;

    g_mutex_init(&session.lock);
    session.complaints = g_string_new(NULL);
    session.loop = g_main_loop_new(NULL, FALSE);
    session.vms = g_new0(struct session_vm, session.count);
    for (unsigned i = 0; i < session.count; i++)
        session.vms[i] =
            (struct session_vm){.session = &session, .index = i, .settings = g_ptr_array_index(config->vms, i)};
    if (create(&session, error) && start(&session, error)) {
        g_main_loop_run(session.loop);
        report(&session);
        code = exit_code(&session);
    }
    destroy(&session);
    return code;
}
