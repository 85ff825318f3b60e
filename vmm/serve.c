/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers the vGPUs of one configuration to other VMMs, and those that are added while it does. Called by cmd_serve.c. */
#include "vmm/serve.h"

#include "vmm/control/control.h"
#include "vmm/display/screens.h"
#include "vmm/error.h"
#include "vmm/gpu_setup.h"
#include "vmm/messages.h"
#include "vmm/notify.h"
#include "vmm/observe/trace_commands.h"
#include "vmm/process.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/served.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>

struct serve {
    const struct config *config;
    const struct serve_options *options;
    GMainLoop *loop;
    struct trace *trace;
    struct gpu_setup *gpu;
    struct figures_source figures;
    struct outputs *outputs;
    struct messages *messages;
    struct control *control; /* or NULL */
    struct screens *screens;
    struct served *served;
    struct mdev *mdev; /* or NULL */
    guint signals[3], timer;
    bool timed_out;
    bool failed, vgpu_disabled; /* atomics */
};

/* Any thread. */
static void vgpu_failed(void *opaque, unsigned index, const char *reason)
{
    struct serve *serve = opaque;

    __atomic_store_n(&serve->vgpu_disabled, true, __ATOMIC_RELAXED);
    messages_add(serve->messages, "guest %s: vGPU disabled: %s", gpu_setup_trace_name(serve->gpu, index + 1), reason);
    control_vgpu_failed(serve->control, index, reason);
}

static gboolean quit(gpointer opaque)
{
    struct serve *serve = opaque;

    g_main_loop_quit(serve->loop);
    return G_SOURCE_REMOVE;
}

/* A server's thread. */
static void leaving(void *opaque, unsigned user)
{
    struct serve *serve = opaque;

    if (!outputs_screenshot(serve->gpu, user))
        __atomic_store_n(&serve->failed, true, __ATOMIC_RELAXED);
}

static void client_changed(void *opaque, unsigned user, bool attached)
{
    struct serve *serve = opaque;

    control_client_changed(serve->control, user, attached);
    if (!attached && serve->options->once && served_all_left(serve->served))
        g_idle_add(quit, serve);
}

/* Of vGPUs that come later; on the maker's thread. */
static bool add_screen(void *opaque, unsigned user, const struct vgpu_settings *settings, GError **error)
{
    struct serve *serve = opaque;
    g_autofree char *folder = served_folder();

    return !settings->vnc || screens_add(serve->screens, user, settings->vnc, folder, error);
}

static void remove_screen(void *opaque, unsigned user)
{
    struct serve *serve = opaque;

    screens_remove(serve->screens, user);
}

static const char *socket_of(void *opaque, unsigned user)
{
    const struct serve *serve = opaque;

    return served_socket_of(serve->served, user);
}

static void on_quit(void *opaque)
{
    g_idle_add(quit, opaque);
}

/* True without a socket too, when none is asked for. */
static bool start_control(struct serve *serve, GError **error)
{
    g_autofree char *path = control_path(serve->config->vmm.control, serve->config->path);

    if (path)
        serve->control =
            control_start(&(struct control_config){.path = path, .figures = &serve->figures, .socket = socket_of, .quit = on_quit, .opaque = serve}, error);
    if (serve->control) {
        control_server_add(control_server(serve->control), trace_commands, serve->outputs);
        control_server_add(control_server(serve->control), serve_commands, serve);
    }
    return !path || serve->control;
}

static gboolean on_signal(gpointer opaque)
{
    struct serve *serve = opaque;

    g_main_loop_quit(serve->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_screenshot_signal(gpointer opaque)
{
    struct serve *serve = opaque;

    if (!outputs_screenshots(serve->gpu))
        __atomic_store_n(&serve->failed, true, __ATOMIC_RELAXED);
    return G_SOURCE_CONTINUE;
}

static gboolean on_timeout(gpointer opaque)
{
    struct serve *serve = opaque;

    serve->timer = 0;
    serve->timed_out = true;
    g_main_loop_quit(serve->loop);
    return G_SOURCE_REMOVE;
}

bool serve_add(struct serve *serve, const struct vgpu_settings *settings, GError **error)
{
    bool added = served_add(serve->served, settings, error);

    if (added)
        messages_add(serve->messages, "vgpu %s: added, of type %s", settings->name, settings->type);
    mdev_refresh(serve->mdev);
    return added;
}

const char *serve_socket_of(const struct serve *serve, const char *name)
{
    const char *path;

    for (unsigned i = 0; i < served_count(serve->served); i++)
        if (strcmp(served_settings(serve->served, i, &path)->name, name) == 0)
            return path;
    return NULL;
}

const char *serve_screen_of(const struct serve *serve, const char *name)
{
    for (unsigned i = 0; i < gpu_setup_count(serve->gpu); i++)
        if (strcmp(gpu_setup_user(serve->gpu, i)->name, name) == 0)
            return screens_where(serve->screens, i);
    return NULL;
}

bool serve_remove(struct serve *serve, const char *name, GError **error)
{
    g_autofree char *kept = g_strdup(name);
    bool removed = served_remove(serve->served, name, error);

    if (removed)
        messages_add(serve->messages, "vgpu %s: removed", kept);
    mdev_refresh(serve->mdev);
    return removed;
}

static bool create_mediated(void *opaque, const char *uuid, const struct vgpu_type *type, GError **error)
{
    const struct vgpu_settings settings = {.name = (char *)uuid, .type = (char *)type->name};

    return serve_add(opaque, &settings, error);
}

static bool remove_mediated(void *opaque, const char *uuid, GError **error)
{
    return serve_remove(opaque, uuid, error);
}

static unsigned available(void *opaque, const struct vgpu_type *type)
{
    struct serve *serve = opaque;

    return gpu_setup_available(serve->gpu, type);
}

static void each_served(void *opaque, void (*each)(void *opaque, const char *name, const struct vgpu_type *type, const char *socket), void *each_opaque)
{
    struct serve *serve = opaque;

    for (unsigned i = 0; i < served_count(serve->served); i++) {
        const char *path;
        const struct vgpu_settings *settings = served_settings(serve->served, i, &path);
        each(each_opaque, settings->name, vgpu_type_find(settings->type), path);
    }
}

/* Shows the tree, and creates what is defined. */
static bool start_mdev(struct serve *serve, GError **error)
{
    const struct mdev_config config = {.messages = serve->messages,
                                       .create = create_mediated,
                                       .remove = remove_mediated,
                                       .available = available,
                                       .each = each_served,
                                       .opaque = serve};

    if (!mdev_start(serve->mdev, &config, error))
        return false;
    mdev_start_defined(serve->mdev);
    return true;
}

struct start {
    struct serve *serve;
    GError **error;
};

/* What starts threads that know of no sandbox: the GPU's, and GLib's at the first signal that is watched. On a thread that is confined already. */
static void start_threads_below(void *opaque)
{
    struct start *start = opaque;
    struct serve *serve = start->serve;
    const struct gpu_setup_config config = {
        .config = serve->config, .trace = serve->trace, .failed = vgpu_failed, .opaque = serve};

    serve->gpu = gpu_setup_create(&config, start->error);
    serve->signals[0] = g_unix_signal_add(SIGINT, on_signal, serve);
    serve->signals[1] = g_unix_signal_add(SIGTERM, on_signal, serve);
    serve->signals[2] = g_unix_signal_add(SIGUSR1, on_screenshot_signal, serve);
}

static void add_figures(void *opaque, unsigned user, struct figures_user *figures)
{
    const struct serve *serve = opaque;

    if (figures->state == FIGURES_RUNNING && !served_is_attached(serve->served, user))
        figures->state = FIGURES_WAITING;
}

static bool create(struct serve *serve, GError **error)
{
    serve->trace = outputs_create_trace(serve->options->outputs);
    sandbox_call(SANDBOX_ENGINE, start_threads_below, &(struct start){serve, error});
    if (!serve->gpu)
        return false;
    serve->figures = (struct figures_source){.gpu = serve->gpu, .trace = serve->trace, .policy = serve->config->scheduler.policy,
                                             .start_ns = trace_now_ns(), .add = add_figures, .opaque = serve};
    serve->outputs = outputs_create(serve->options->outputs, serve->config, &serve->figures, error);
    if (!serve->outputs)
        return false;
    serve->screens = screens_create(serve->config, serve->gpu, serve->messages, error);
    if (!serve->screens)
        return false;
    const struct served_config served = {.config_path = serve->config->path,
                                         .gpu = serve->gpu,
                                         .messages = serve->messages,
                                         .leaving = leaving,
                                         .changed = client_changed,
                                         .added = add_screen,
                                         .removing = remove_screen,
                                         .opaque = serve};
    serve->served = served_create(&served);
    if (!start_control(serve, error))
        return false;
    for (unsigned i = 0; i < serve->config->vgpus->len; i++)
        if (!served_attach(serve->served, i, g_ptr_array_index(serve->config->vgpus, i), error))
            return false;
    if (serve->control)
        screens_prepare_to_grow(serve->screens);
    if (config_grows(serve->config) && !served_prepare_to_grow(serve->served, error))
        return false;
    if (serve->mdev && !start_mdev(serve, error))
        return false;
    return screens_start(serve->screens, error);
}

static void destroy(struct serve *serve)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(serve->signals); i++)
        if (serve->signals[i])
            g_source_remove(serve->signals[i]);
    if (serve->timer)
        g_source_remove(serve->timer);
    screens_destroy(serve->screens);
    mdev_destroy(serve->mdev);
    served_destroy(serve->served);
    control_stop(serve->control); /* nobody reports any more */
    while (g_idle_remove_by_data(serve))
        ;
    outputs_destroy(serve->outputs);
    gpu_setup_destroy(serve->gpu);
    trace_destroy(serve->trace);
    messages_destroy(serve->messages);
    g_main_loop_unref(serve->loop);
}

static int exit_code(struct serve *serve)
{
    return __atomic_load_n(&serve->failed, __ATOMIC_RELAXED)          ? EXIT_VMM_FAILURE
           : __atomic_load_n(&serve->vgpu_disabled, __ATOMIC_RELAXED) ? EXIT_VGPU_DISABLED
           : serve->timed_out                                         ? EXIT_TIMEOUT
                                                                      : EXIT_OK;
}

int serve_run(const struct config *config, const struct serve_options *options, GError **error)
{
    struct serve serve = {.config = config, .options = options, .mdev = options->mdev};
    int code = EXIT_VMM_FAILURE;

    if (!process_prepare(error)) {
        mdev_destroy(options->mdev);
        return code;
    }
    serve.messages = messages_create();
    serve.loop = g_main_loop_new(NULL, FALSE);
    if (create(&serve, error)) {
        if (options->timeout_s > 0)
            serve.timer = g_timeout_add((guint)(options->timeout_s * 1000), on_timeout, &serve);
        for (unsigned i = 0; i < served_count(serve.served); i++)
            served_print_invitation(serve.served, i);
        if (serve.mdev)
            printf("mdev: %s (MDEVCTL_ENV_ROOT=%s mdevctl types)\n", mdev_root(serve.mdev), mdev_root(serve.mdev));
        fflush(stdout); /* whoever waits for the sockets reads this */
        notify_ready();
        sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_MAIN});
        g_main_loop_run(serve.loop);
        if (!outputs_finish(serve.outputs))
            serve.failed = true;
        code = exit_code(&serve);
    }
    destroy(&serve);
    return code;
}
