/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the VMs of one configuration. Called by cmd_run.c. */
#include "vmm/session.h"

#include "vmm/console.h"
#include "vmm/control/control.h"
#include "vmm/display/screens.h"
#include "vmm/error.h"
#include "vmm/gpu_plug.h"
#include "vmm/gpu_setup.h"
#include "vmm/machine.h"
#include "vmm/messages.h"
#include "vmm/observe/trace_commands.h"
#include "vmm/notify.h"
#include "vmm/process.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/vfio_user/client.h"
#include "vmm/virtio/console.h"
#include "vmm/vm_devices.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct session;

struct session_vm {
    struct session *session;
    unsigned index;
    const struct vm_settings *settings;
    struct machine *machine;
    struct input input;
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
    struct figures_source figures;
    struct outputs *outputs;
    struct messages *messages;
    struct control *control; /* or NULL */
    struct gpu_plug *plug;
    struct screens *screens;
    guint signals[3], timer;
    bool timed_out, crashed, failed;
    bool vgpu_disabled, server_lost; /* atomics: set by threads of vGPUs and of vfio-user clients */
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
    control_vm_ended(session->control, vm->index);
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

/* A vCPU thread. */
static void machine_restarted(void *opaque, bool by_guest)
{
    const struct session_vm *vm = opaque;

    messages_add(vm->session->messages, "guest %s: reset%s", vm->settings->name, by_guest ? " by itself" : "");
    control_vm_restarted(vm->session->control, vm->index, by_guest);
}

/* vCPU threads: what the guest says of its GPU. There is nothing else that comes and goes. */
static void machine_ejected(void *opaque, unsigned slot)
{
    const struct session_vm *vm = opaque;

    if (slot == MACHINE_GPU_SLOT)
        gpu_plug_ejected(vm->session->plug, vm->index);
}

static void machine_refused(void *opaque, unsigned slot, uint32_t status)
{
    const struct session_vm *vm = opaque;

    if (slot == MACHINE_GPU_SLOT)
        gpu_plug_refused(vm->session->plug, vm->index, status);
}

/* Any thread: a vGPU was disabled. Its guest runs on without a GPU; so do the others, with theirs. */
static void vgpu_failed(void *opaque, unsigned index, const char *reason)
{
    struct session *session = opaque;

    __atomic_store_n(&session->vgpu_disabled, true, __ATOMIC_RELAXED);
    messages_add(session->messages, "guest %s: vGPU disabled: %s", session->vms[index].settings->name, reason);
    control_vgpu_failed(session->control, index, reason);
}

/* Any thread: the process that served a VM's GPU is gone or does not answer. Its guest runs on without. */
static void server_lost(void *opaque, const char *reason)
{
    struct session_vm *vm = opaque;

    __atomic_store_n(&vm->session->server_lost, true, __ATOMIC_RELAXED);
    messages_add(vm->session->messages, "guest %s: its served GPU is lost: %s", vm->settings->name, reason);
}

/* The VM's GPU: a part of ours, another process's, or none (NULL without an error). */
static struct pci_device *take_gpu(struct session_vm *vm, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (!g_str_has_prefix(vm->settings->gpu, VFIO_USER_PREFIX))
        return gpu_setup_take_device(vm->session->gpu, vm->index);
    const struct vfio_user_client_config config = {
        .path = vm->settings->gpu + strlen(VFIO_USER_PREFIX), .failed = server_lost, .opaque = vm};
    struct pci_device *device = vfio_user_client_create(&config, &problem);
    if (!device)
        g_set_error(error, VMM_ERROR, problem->domain == VMM_ERROR ? problem->code : VMM_ERROR_FAILED, "%s: [vm %s] gpu: %s", vm->session->config->path,
                    vm->settings->name, problem->message);
    return device;
}

static void stop_all(struct session *session)
{
    for (unsigned i = 0; i < session->count; i++)
        if (session->vms[i].running)
            machine_stop(session->vms[i].machine);
}

static struct machine *machine_of(void *opaque, unsigned user)
{
    const struct session *session = opaque;

    return session->vms[user].machine;
}

static const struct input *input_of(void *opaque, unsigned user)
{
    const struct session *session = opaque;

    return &session->vms[user].input;
}

static void on_quit(void *opaque)
{
    stop_all(opaque);
}

/* True without a socket too, when none is asked for. */
static bool start_control(struct session *session, GError **error)
{
    g_autofree char *path = control_path(session->config->vmm.control, session->config->path);

    if (path)
        session->control = control_start(
            &(struct control_config){
                .path = path, .figures = &session->figures, .machine = machine_of, .input = input_of, .quit = on_quit, .opaque = session},
            error);
    if (path && !session->control)
        return false;
    const struct gpu_plug_config plug = {.gpu = session->gpu,
                                         .messages = session->messages,
                                         .control = session->control,
                                         .users = session->count,
                                         .machine = machine_of,
                                         .opaque = session};
    session->plug = gpu_plug_create(&plug);
    if (session->control) {
        control_server_add(control_server(session->control), trace_commands, session->outputs);
        control_server_add(control_server(session->control), gpu_plug_commands, session->plug);
    }
    return true;
}

static gboolean on_signal(gpointer opaque)
{
    stop_all(opaque);
    return G_SOURCE_CONTINUE;
}

static gboolean on_screenshot_signal(gpointer opaque)
{
    struct session *session = opaque;

    session->failed |= !outputs_screenshots(session->gpu);
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

static bool on_stdio(const struct vm_settings *settings)
{
    return strcmp(settings->serial, "stdio") == 0 || strcmp(settings->console, "stdio") == 0;
}

static size_t input_to_serial(void *opaque, const uint8_t *data, size_t len)
{
    return machine_input(opaque, data, len);
}

static size_t input_to_console(void *opaque, const uint8_t *data, size_t len)
{
    return virtio_console_input(opaque, data, len);
}

/* vms_on_stdio: how many VMs write to standard output. */
static bool create_machine(struct session *session, struct session_vm *vm, unsigned vms_on_stdio, GError **error)
{
    const struct vm_settings *settings = vm->settings;
    bool stdio = on_stdio(settings);
    /* A lone guest's output is left as it is; several on one terminal get their names before each line. */
    g_autofree char *prefix = stdio && vms_on_stdio > 1 ? g_strdup_printf("[%s] ", settings->name) : NULL;
    struct machine_config config = {.name = settings->name,
                                    .device = session->options->device,
                                    .image = settings->kernel ? settings->kernel : settings->image,
                                    .args = settings->kernel ? settings->cmdline : settings->args,
                                    .initrd = settings->initrd,
                                    .memory = settings->memory,
                                    .vcpus = (unsigned)settings->vcpus,
                                    .cpu = {.share = (unsigned)settings->cpu_share, .cap = (unsigned)settings->cpu_cap, .pin = settings->pin},
                                    .serial = settings->serial,
                                    .serial_prefix = prefix,
                                    .ended = machine_ended,
                                    .restarted = machine_restarted,
                                    .ejected = machine_ejected,
                                    .refused = machine_refused,
                                    .restarts = strcmp(settings->on_reset, "restart") == 0,
                                    .opaque = vm};

    vm->machine = machine_create(&config, error);
    if (!vm->machine)
        return false;
    g_autoptr(GError) problem = NULL;
    struct pci_device *gpu = take_gpu(vm, &problem);
    if (gpu)
        machine_attach(vm->machine, MACHINE_GPU_SLOT, gpu);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    struct virtio_device *console = NULL;
    if (!vm_devices_attach(vm->machine, settings, session->config->path, prefix, session->messages, &console, &vm->input, error))
        return false;
    screens_set_input(session->screens, vm->index, &vm->input);
    /* Of a guest that writes to standard output by both, the console gets the input: a kernel's early messages go by the port. */
    if (stdio && vms_on_stdio == 1)
        session->console = strcmp(settings->console, "stdio") == 0 ? console_create(STDIN_FILENO, input_to_console, console)
                                                                   : console_create(STDIN_FILENO, input_to_serial, vm->machine);
    return true;
}

struct start {
    struct session *session;
    GError **error;
};

/* What starts threads that know of no sandbox: the GPU's, and GLib's at the first signal that is watched. On a thread that is confined already. */
static void start_threads_below(void *opaque)
{
    struct start *start = opaque;
    struct session *session = start->session;
    const struct gpu_setup_config config = {.config = session->config, .trace = session->trace, .failed = vgpu_failed, .opaque = session};

    session->gpu = gpu_setup_create(&config, start->error);
    session->signals[0] = g_unix_signal_add(SIGINT, on_signal, session);
    session->signals[1] = g_unix_signal_add(SIGTERM, on_signal, session);
    session->signals[2] = g_unix_signal_add(SIGUSR1, on_screenshot_signal, session);
}

static void add_figures(void *opaque, unsigned user, struct figures_user *figures)
{
    const struct session *session = opaque;

    figures_add_machine(figures, session->vms[user].machine);
}

static bool create(struct session *session, GError **error)
{
    unsigned vms_on_stdio = 0;

    session->trace = outputs_create_trace(session->options->outputs);
    sandbox_call(SANDBOX_ENGINE, start_threads_below, &(struct start){session, error});
    if (!session->gpu)
        return false;
    session->figures = (struct figures_source){.gpu = session->gpu, .trace = session->trace, .policy = session->config->scheduler.policy,
                                               .start_ns = trace_now_ns(), .add = add_figures, .opaque = session};
    session->outputs = outputs_create(session->options->outputs, session->config, &session->figures, error);
    if (!session->outputs)
        return false;
    if (!start_control(session, error))
        return false;
    session->screens = screens_create(session->config, session->gpu, session->messages, error);
    if (!session->screens)
        return false;
    for (unsigned i = 0; i < session->count; i++)
        vms_on_stdio += on_stdio(session->vms[i].settings);
    for (unsigned i = 0; i < session->count; i++)
        if (!create_machine(session, &session->vms[i], vms_on_stdio, error))
            return false;
    return true;
}

/* All or none: when one VM does not start, those that did are stopped. */
static bool start(struct session *session, GError **error)
{
    for (unsigned i = 0; i < session->count; i++) {
        struct session_vm *vm = &session->vms[i];
        if (!machine_start(vm->machine, error))
            return false;
        vm->running = true;
        session->running++;
    }
    if (!screens_start(session->screens, error))
        return false;
    if (session->options->timeout_s > 0)
        session->timer = g_timeout_add((guint)(session->options->timeout_s * 1000), on_timeout, session);
    if (session->control)
        gpu_plug_prepare(session->plug);
    notify_ready();
    sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_MAIN}); /* after the vCPUs' threads have begun, whose list is another */
    return true;
}

static void destroy(struct session *session)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(session->signals); i++)
        if (session->signals[i])
            g_source_remove(session->signals[i]);
    if (session->timer)
        g_source_remove(session->timer);
    console_destroy(session->console);
    screens_destroy(session->screens);
    for (unsigned i = 0; i < session->count; i++)
        machine_destroy(session->vms[i].machine);
    gpu_plug_destroy(session->plug);
    control_stop(session->control); /* vGPUs report no more */
    outputs_destroy(session->outputs);
    gpu_setup_destroy(session->gpu);
    trace_destroy(session->trace);
    messages_destroy(session->messages);
    /* Idle sources of VMs that were destroyed while they ran. */
    for (unsigned i = 0; i < session->count; i++)
        while (g_idle_remove_by_data(&session->vms[i]))
            ;
    g_main_loop_unref(session->loop);
    g_free(session->vms);
}

/* The most telling outcome: what the VMM did wrong, then what disabled a vGPU (its guest then often fails too), then guests, then time. */
static int exit_code(const struct session *session)
{
    return session->failed || __atomic_load_n(&session->server_lost, __ATOMIC_RELAXED) ? EXIT_VMM_FAILURE
           : __atomic_load_n(&session->vgpu_disabled, __ATOMIC_RELAXED) ? EXIT_VGPU_DISABLED
           : session->crashed       ? EXIT_GUEST_CRASHED
           : session->timed_out     ? EXIT_TIMEOUT
                                    : EXIT_OK;
}

int session_run(const struct config *config, const struct session_options *options, GError **error)
{
    struct session session = {.config = config, .options = options, .count = config->vms->len};
    int code = EXIT_VMM_FAILURE;

    if (!process_prepare(error))
        return code;
    session.messages = messages_create();
    session.loop = g_main_loop_new(NULL, FALSE);
    session.vms = g_new0(struct session_vm, session.count);
    for (unsigned i = 0; i < session.count; i++)
        session.vms[i] =
            (struct session_vm){.session = &session, .index = i, .settings = g_ptr_array_index(config->vms, i)};
    if (create(&session, error) && start(&session, error)) {
        g_main_loop_run(session.loop);
        session.failed |= !outputs_finish(session.outputs); /* all guests have ended; their devices still exist */
        code = exit_code(&session);
    }
    destroy(&session);
    return code;
}
