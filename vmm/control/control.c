/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket of a run: start, end, reports. See control.h; commands are in commands.c. */
#include "vmm/control/internal.h"

#include "vmm/control/strokes.h"
#include "vmm/error.h"
#include "vmm/machine.h"
#include "vmm/sandbox/sandbox.h"

#include <errno.h>
#include <string.h>

const struct control_event_desc control_run_events[] = {
    {"STOP", "name", "a VM was paused"},
    {"RESUME", "name", "a paused VM goes on"},
    {"POWERDOWN", "name", "a VM's power button was pressed"},
    {"RESET", "name, guest, reason", "a VM has been reset and begins again: by itself (`guest`, reason guest-reset), or by `system_reset` (host-qmp-system-reset)"},
    {"SHUTDOWN", "name, guest, reason; message, status", "a VM has ended: `guest` tells whether by itself, `reason` is guest-shutdown, guest-crashed, host-stopped or host-failed"},
    {"CLIENT_ATTACHED", "name", "another VMM uses a served vGPU"},
    {"CLIENT_LEFT", "name", "... and has left"},
    {"DISPLAY_READY", "name", "a guest's driver shows its first picture"},
    {"HANG", "name, engine, count", "workloads of a guest made no progress, or stopped on an error, and were cancelled"},
    {"ENGINE_RESET", "name, engine, count", "the physical engine was reset because of a guest"},
    {"VGPU_FAILED", "name, reason", "a vGPU was disabled because of what its guest did; the guest runs on"},
    {"DEVICE_DELETED", "name", "a VM's guest has let go of its GPU, which is unplugged now"},
    {"DEVICE_UNPLUG_GUEST_ERROR", "name, status", "a VM's guest does not let go of its GPU; `status` is what it says by ACPI's _OST"},
    {"EVENTS_LOST", "count", "so many events came too fast"},
    {0},
};

char *control_folder(void)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");

    return g_build_filename(runtime && *runtime ? runtime : "/run", "mediant", "control", NULL);
}

char *control_path(const char *value, const char *config_path)
{
    if (!value || strcmp(value, "auto") != 0)
        return g_strdup(value);
    g_autofree char *folder = control_folder(), *base = g_path_get_basename(config_path);
    char *dot = strrchr(base, '.');

    if (dot && dot != base)
        *dot = '\0';
    g_autofree char *name = g_strdup_printf("%s.sock", base);
    return g_build_filename(folder, name, NULL);
}

/* The folder of "auto" is ours to make; another's is not. */
static bool make_folder(const char *folder, GError **error)
{
    g_autofree char *ours = control_folder();

    if (strcmp(folder, ours) != 0 || g_mkdir_with_parents(folder, 0700) == 0)
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "[vmm] control: the folder %s cannot be made: %s (try control = PATH)", folder, g_strerror(errno));
    return false;
}

struct control *control_start(const struct control_config *config, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(config->path);
    g_autoptr(GError) problem = NULL;

    if (!make_folder(folder, error))
        return NULL;
    sandbox_allow(SANDBOX_SOCKET, folder);
    struct control_server *server = control_server_create(config->path, &problem);
    if (!server) {
        g_set_error(error, problem->domain, problem->code, "[vmm] control: %s", problem->message);
        return NULL;
    }
    struct control *control = g_new0(struct control, 1);
    *control = (struct control){.config = *config, .server = server};
    control->config.path = NULL; /* the server has its own */
    control_server_add(server, control_run_commands, control);
    control_server_add(server, control_typing_commands, control);
    control->strokes = strokes_create();
    control->watch = watch_create(control);
    return control;
}

void control_stop(struct control *control)
{
    if (!control)
        return;
    watch_destroy(control->watch);
    strokes_destroy(control->strokes);
    control_server_destroy(control->server);
    g_free(control);
}

struct control_server *control_server(struct control *control)
{
    return control->server;
}

JsonObject *control_event_data(const struct control *control, unsigned user)
{
    JsonObject *data = json_object_new();

    json_object_set_string_member(data, "name", gpu_setup_user(control->config.figures->gpu, user)->name);
    return data;
}

struct machine *control_machine(const struct control *control, unsigned user)
{
    return control->config.machine ? control->config.machine(control->config.opaque, user) : NULL;
}

void control_vgpu_failed(struct control *control, unsigned user, const char *reason)
{
    if (!control)
        return;
    JsonObject *data = control_event_data(control, user);
    json_object_set_string_member(data, "reason", reason);
    control_server_event(control->server, "VGPU_FAILED", data);
}

void control_vm_ended(struct control *control, unsigned user)
{
    static const char *const words[] = {
        [MACHINE_RUNNING] = "unknown", [MACHINE_EXITED] = "guest-shutdown", [MACHINE_CRASHED] = "guest-crashed",
        [MACHINE_STOPPED] = "host-stopped", [MACHINE_FAILED] = "host-failed",
    };

    if (!control)
        return;
    const struct machine_result result = machine_result(control_machine(control, user));
    JsonObject *data = control_event_data(control, user);
    json_object_set_boolean_member(data, "guest", result.end == MACHINE_EXITED || result.end == MACHINE_CRASHED);
    json_object_set_string_member(data, "reason", words[result.end]);
    if (result.message)
        json_object_set_string_member(data, "message", result.message);
    if (result.end == MACHINE_EXITED)
        json_object_set_int_member(data, "status", result.status);
    control_server_event(control->server, "SHUTDOWN", data);
}

void control_vm_restarted(struct control *control, unsigned user, bool by_guest)
{
    if (!control)
        return;
    JsonObject *data = control_event_data(control, user);
    json_object_set_boolean_member(data, "guest", by_guest);
    json_object_set_string_member(data, "reason", by_guest ? "guest-reset" : "host-qmp-system-reset");
    control_server_event(control->server, "RESET", data);
}

void control_gpu_unplugged(struct control *control, unsigned user)
{
    if (control)
        control_server_event(control->server, "DEVICE_DELETED", control_event_data(control, user));
}

void control_gpu_unplug_refused(struct control *control, unsigned user, uint32_t status)
{
    if (!control)
        return;
    JsonObject *data = control_event_data(control, user);
    json_object_set_int_member(data, "status", status);
    control_server_event(control->server, "DEVICE_UNPLUG_GUEST_ERROR", data);
}

void control_client_changed(struct control *control, unsigned user, bool here)
{
    if (control)
        control_server_event(control->server, here ? "CLIENT_ATTACHED" : "CLIENT_LEFT", control_event_data(control, user));
}
