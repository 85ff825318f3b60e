/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers the vGPUs of one configuration to other VMMs. Called by cmd_serve.c. */
#include "vmm/serve.h"

#include "vmm/display/screens.h"
#include "vmm/error.h"
#include "vmm/gpu_setup.h"
#include "vmm/messages.h"
#include "vmm/process.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/vfio_user/server.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>

struct serve;

struct served_vgpu {
    struct serve *serve;
    unsigned index;
    const struct vgpu_settings *settings;
    char *path;
    struct vfio_user_server *server;
    unsigned had;  /* atomic: clients that came */
    bool attached; /* atomic */
};

struct serve {
    const struct config *config;
    const struct serve_options *options;
    GMainLoop *loop;
    struct trace *trace;
    struct gpu_setup *gpu;
    struct outputs *outputs;
    struct messages *messages;
    struct screens *screens;
    struct served_vgpu *vgpus;
    unsigned count;
    guint signals[3], timer;
    bool timed_out;
    bool failed, vgpu_disabled; /* atomics */
};

char *serve_socket_path(const struct vgpu_settings *vgpu)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    g_autofree char *name = g_strdup_printf("%s.sock", vgpu->name);

    return vgpu->socket ? g_strdup(vgpu->socket) : g_build_filename(runtime && *runtime ? runtime : "/run", "mediant", name, NULL);
}

static void vgpu_failed(void *opaque, unsigned index, const char *reason)
{
    struct serve *serve = opaque;

    __atomic_store_n(&serve->vgpu_disabled, true, __ATOMIC_RELAXED);
    messages_add(serve->messages, "guest %s: vGPU disabled: %s", serve->vgpus[index].settings->name, reason);
}

static gboolean quit(gpointer opaque)
{
    struct serve *serve = opaque;

    g_main_loop_quit(serve->loop);
    return G_SOURCE_REMOVE;
}

/* The server's threads. */
static void connected(void *opaque)
{
    struct served_vgpu *vgpu = opaque;

    __atomic_store_n(&vgpu->attached, true, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&vgpu->had, 1, __ATOMIC_SEQ_CST);
    messages_add(vgpu->serve->messages, "vgpu %s: a client is attached", vgpu->settings->name);
}

static bool all_served(struct serve *serve)
{
    for (unsigned i = 0; i < serve->count; i++)
        if (!__atomic_load_n(&serve->vgpus[i].had, __ATOMIC_SEQ_CST) || __atomic_load_n(&serve->vgpus[i].attached, __ATOMIC_SEQ_CST))
            return false;
    return true;
}

static void leaving(void *opaque)
{
    struct served_vgpu *vgpu = opaque;
    struct serve *serve = vgpu->serve;

    messages_add(serve->messages, "vgpu %s: the client has left", vgpu->settings->name);
    if (!outputs_screenshot(serve->gpu, vgpu->index))
        __atomic_store_n(&serve->failed, true, __ATOMIC_RELAXED);
    __atomic_store_n(&vgpu->attached, false, __ATOMIC_SEQ_CST);
    if (serve->options->once && all_served(serve))
        g_idle_add(quit, serve);
}

static void complain(void *opaque, const char *text)
{
    struct served_vgpu *vgpu = opaque;

    messages_add(vgpu->serve->messages, "vgpu %s: %s", vgpu->settings->name, text);
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

/* The folder of the default path is ours to make; another's is not. */
static bool make_folder(const struct served_vgpu *vgpu, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(vgpu->path);

    if (vgpu->settings->socket || g_mkdir_with_parents(folder, 0700) == 0)
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: [vgpu %s] socket: the folder %s cannot be made: %s (try socket = PATH)",
                vgpu->serve->config->path, vgpu->settings->name, folder, g_strerror(errno));
    return false;
}

static bool create_server(struct served_vgpu *vgpu, GError **error)
{
    struct serve *serve = vgpu->serve;
    g_autoptr(GError) problem = NULL;

    if (!make_folder(vgpu, error))
        return false;
    g_autofree char *folder = g_path_get_dirname(vgpu->path);
    sandbox_allow(SANDBOX_SOCKET, folder);
    struct pci_device *dev = gpu_setup_take_device(serve->gpu, vgpu->index);
    const struct vfio_user_server_config config = {.name = vgpu->settings->name,
                                                   .path = vgpu->path,
                                                   .dev = dev,
                                                   .connected = connected,
                                                   .leaving = leaving,
                                                   .complain = complain,
                                                   .opaque = vgpu};
    vgpu->server = vfio_user_server_create(&config, &problem);
    if (vgpu->server)
        return true;
    dev->ops->destroy(dev);
    g_set_error(error, VMM_ERROR, problem->domain == VMM_ERROR ? problem->code : VMM_ERROR_FAILED, "%s: [vgpu %s] %s", serve->config->path,
                vgpu->settings->name, problem->message);
    return false;
}

/* For the shell: in single quotes, and for JSON within. */
static void print_invitation(const struct served_vgpu *vgpu)
{
    g_autofree char *absolute = g_canonicalize_filename(vgpu->path, NULL);

    printf("%s: %s\n"
           "  qemu-system-x86_64 -M q35,memory-backend=ram -object memory-backend-memfd,id=ram,size=2G,share=on -m 2G -vga none \\\n"
           "    -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"%s\"},\"addr\":\"02.0\",\"x-msg-timeout\":60000}' ...\n",
           vgpu->settings->name, vgpu->settings->type, absolute);
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
    const struct gpu_setup_config config = {.config = serve->config, .trace = serve->trace, .failed = vgpu_failed, .opaque = serve};

    serve->gpu = gpu_setup_create(&config, start->error);
    serve->signals[0] = g_unix_signal_add(SIGINT, on_signal, serve);
    serve->signals[1] = g_unix_signal_add(SIGTERM, on_signal, serve);
    serve->signals[2] = g_unix_signal_add(SIGUSR1, on_screenshot_signal, serve);
}

static bool create(struct serve *serve, GError **error)
{
    serve->trace = outputs_create_trace(serve->options->outputs);
    sandbox_call(SANDBOX_ENGINE, start_threads_below, &(struct start){serve, error});
    if (!serve->gpu)
        return false;
    serve->outputs = outputs_create(serve->options->outputs, serve->gpu, serve->trace, error);
    if (!serve->outputs)
        return false;
    serve->screens = screens_create(serve->config, serve->gpu, serve->messages, error);
    if (!serve->screens)
        return false;
    for (unsigned i = 0; i < serve->count; i++)
        if (!create_server(&serve->vgpus[i], error))
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
    for (unsigned i = 0; i < serve->count; i++) {
        vfio_user_server_destroy(serve->vgpus[i].server);
        g_free(serve->vgpus[i].path);
    }
    while (g_idle_remove_by_data(serve))
        ;
    outputs_destroy(serve->outputs);
    gpu_setup_destroy(serve->gpu);
    trace_destroy(serve->trace);
    messages_destroy(serve->messages);
    g_main_loop_unref(serve->loop);
    g_free(serve->vgpus);
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
    struct serve serve = {.config = config, .options = options, .count = config->vgpus->len};
    int code = EXIT_VMM_FAILURE;

    if (!process_prepare(error))
        return code;
    serve.messages = messages_create();
    serve.loop = g_main_loop_new(NULL, FALSE);
    serve.vgpus = g_new0(struct served_vgpu, serve.count);
    for (unsigned i = 0; i < serve.count; i++) {
        struct vgpu_settings *settings = g_ptr_array_index(config->vgpus, i);
        serve.vgpus[i] = (struct served_vgpu){.serve = &serve, .index = i, .settings = settings, .path = serve_socket_path(settings)};
    }
    if (create(&serve, error)) {
        if (options->timeout_s > 0)
            serve.timer = g_timeout_add((guint)(options->timeout_s * 1000), on_timeout, &serve);
        for (unsigned i = 0; i < serve.count; i++)
            print_invitation(&serve.vgpus[i]);
        fflush(stdout); /* whoever waits for the sockets reads this */
        sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_MAIN});
        g_main_loop_run(serve.loop);
        if (!outputs_finish(serve.outputs))
            serve.failed = true;
        code = exit_code(&serve);
    }
    destroy(&serve);
    return code;
}
