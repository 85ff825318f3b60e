/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GPUs of VMs that come and go. See gpu_plug.h. */
#include "vmm/gpu_plug.h"

#include "vmm/error.h"
#include "vmm/machine.h"
#include "vmm/sandbox/maker.h"
#include "vmm/sandbox/sandbox.h"

#include <string.h>

enum { RETRY_MS = 5000 }; /* when a vCPU did not come to stand, for which the main loop has waited some seconds */

struct plugged_user {
    struct gpu_plug *plug;
    unsigned number;
    guint retry; /* source id */
};

struct gpu_plug {
    struct gpu_plug_config config;
    struct sandbox_maker *maker; /* or NULL: nobody is confined */
    struct plugged_user *users;
};

struct gpu_plug *gpu_plug_create(const struct gpu_plug_config *config)
{
    struct gpu_plug *plug = g_new0(struct gpu_plug, 1);

    plug->config = *config;
    plug->users = g_new0(struct plugged_user, config->users);
    for (unsigned i = 0; i < config->users; i++)
        plug->users[i] = (struct plugged_user){.plug = plug, .number = i};
    return plug;
}

void gpu_plug_prepare(struct gpu_plug *plug)
{
    plug->maker = sandbox_maker_create();
}

void gpu_plug_destroy(struct gpu_plug *plug)
{
    if (!plug)
        return;
    for (unsigned i = 0; i < plug->config.users; i++) {
        if (plug->users[i].retry)
            g_source_remove(plug->users[i].retry);
        while (g_idle_remove_by_data(&plug->users[i]))
            ;
    }
    sandbox_maker_destroy(plug->maker);
    g_free(plug->users);
    g_free(plug);
}

static const char *name_of(const struct gpu_plug *plug, unsigned user)
{
    return gpu_setup_user(plug->config.gpu, user)->name;
}

/* The user's machine, which has not ended; NULL with an error. */
static struct machine *machine_of(const struct gpu_plug *plug, unsigned user, GError **error)
{
    struct machine *machine = plug->config.machine(plug->config.opaque, user);

    if (machine && machine_result(machine).end == MACHINE_RUNNING)
        return machine;
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s has ended", name_of(plug, user));
    return NULL;
}

struct making {
    struct gpu_plug *plug;
    unsigned user;
    const struct gpu_user *settings;
    GError **error;
    bool ok;
};

/* On a thread that is confined as the scheduler's and the vGPUs' are. */
static void make_vgpu(void *opaque)
{
    struct making *making = opaque;

    making->ok = gpu_setup_plug(making->plug->config.gpu, making->user, making->settings, making->error);
}

static void make(void *opaque)
{
    sandbox_call(SANDBOX_ENGINE, make_vgpu, opaque);
}

bool gpu_plug_add(struct gpu_plug *plug, unsigned user, const struct gpu_user *settings, GError **error)
{
    struct making making = {.plug = plug, .user = user, .settings = settings, .error = error};
    struct machine *machine = machine_of(plug, user, error);

    if (!machine)
        return false;
    if (plug->maker)
        sandbox_maker_call(plug->maker, make, &making);
    else
        make(&making);
    if (!making.ok)
        return false;
    struct pci_device *device = gpu_setup_take_device(plug->config.gpu, user);
    if (!machine_plug(machine, MACHINE_GPU_SLOT, device, error)) {
        gpu_setup_retire(plug->config.gpu, user);
        device->ops->destroy(device);
        gpu_setup_unplug(plug->config.gpu, user);
        return false;
    }
    messages_add(plug->config.messages, "guest %s: a vGPU of type %s was plugged in", name_of(plug, user), gpu_setup_user(plug->config.gpu, user)->type);
    return true;
}

bool gpu_plug_remove(struct gpu_plug *plug, unsigned user, GError **error)
{
    struct machine *machine = machine_of(plug, user, error);

    if (!machine)
        return false;
    if (machine_ask_to_unplug(machine, MACHINE_GPU_SLOT))
        return true;
    g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_DEVICE_NOT_FOUND, "guest %s has no GPU", name_of(plug, user));
    return false;
}

/* False: later. */
static bool take_out(struct gpu_plug *plug, unsigned user)
{
    g_autoptr(GError) problem = NULL;
    struct machine *machine = machine_of(plug, user, NULL);

    if (!machine) /* it keeps its GPU to the end, which is near */
        return true;
    gpu_setup_retire(plug->config.gpu, user);
    if (!machine_unplug(machine, MACHINE_GPU_SLOT, &problem)) {
        if (!plug->users[user].retry)
            messages_add(plug->config.messages, "guest %s: its GPU cannot be taken out yet, and is tried again: %s", name_of(plug, user), problem->message);
        return false;
    }
    gpu_setup_unplug(plug->config.gpu, user);
    messages_add(plug->config.messages, "guest %s: its GPU was unplugged", name_of(plug, user));
    control_gpu_unplugged(plug->config.control, user);
    return true;
}

static gboolean try_again(gpointer opaque)
{
    struct plugged_user *user = opaque;

    if (!take_out(user->plug, user->number))
        return G_SOURCE_CONTINUE;
    user->retry = 0;
    return G_SOURCE_REMOVE;
}

static gboolean on_ejected(gpointer opaque)
{
    struct plugged_user *user = opaque;

    if (!take_out(user->plug, user->number))
        user->retry = g_timeout_add(RETRY_MS, try_again, user);
    return G_SOURCE_REMOVE;
}

void gpu_plug_ejected(struct gpu_plug *plug, unsigned user)
{
    g_idle_add_full(G_PRIORITY_DEFAULT, on_ejected, &plug->users[user], NULL);
}

void gpu_plug_refused(struct gpu_plug *plug, unsigned user, uint32_t status)
{
    messages_add(plug->config.messages, "guest %s: does not let go of its GPU (ACPI status 0x%x)", name_of(plug, user), status);
    control_gpu_unplug_refused(plug->config.control, user, status);
}

static bool find(const struct gpu_plug *plug, JsonObject *arguments, unsigned *user, GError **error)
{
    const char *name = json_object_get_string_member(arguments, "name");

    for (*user = 0; *user < plug->config.users; ++*user)
        if (strcmp(name_of(plug, *user), name) == 0)
            return true;
    g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_DEVICE_NOT_FOUND, "there is no VM %s here", name);
    return false;
}

static JsonNode *run_add(void *opaque, JsonObject *arguments, GError **error)
{
    struct gpu_plug *plug = opaque;
    const struct gpu_user settings = {.group = "vm",
                                      .key = "gpu",
                                      .name = json_object_get_string_member(arguments, "name"),
                                      .type = json_object_get_string_member(arguments, "type"),
                                      .monitor = json_object_get_string_member_with_default(arguments, "monitor", NULL),
                                      .weight = (unsigned)json_object_get_int_member_with_default(arguments, "weight", 0)};
    unsigned user;

    if (!find(plug, arguments, &user, error))
        return NULL;
    if (settings.monitor && strcmp(settings.monitor, "dp") != 0 && strcmp(settings.monitor, "hdmi") != 0) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "monitor: dp or hdmi");
        return NULL;
    }
    return gpu_plug_add(plug, user, &settings, error) ? control_nothing() : NULL;
}

static JsonNode *run_del(void *opaque, JsonObject *arguments, GError **error)
{
    struct gpu_plug *plug = opaque;
    unsigned user;

    return find(plug, arguments, &user, error) && gpu_plug_remove(plug, user, error) ? control_nothing() : NULL;
}

const struct control_command gpu_plug_commands[] = {
    {.name = "device_add",
     .arguments = {{.name = "name", .type = CONTROL_STRING, .help = "of the VM"},
                   {.name = "type", .type = CONTROL_STRING, .help = "a vGPU type"},
                   {.name = "weight", .type = CONTROL_NUMBER, .optional = true, .min = 1, .max = 256, .help = "share of each engine's time; what the VM had if not given"},
                   {.name = "monitor", .type = CONTROL_STRING, .optional = true, .help = "dp or hdmi; what the VM had if not given"}},
     .help = "`vmm run`: plugs a vGPU into a VM that has no GPU, while it runs; its guest is told by ACPI",
     .run = run_add},
    {.name = "device_del",
     .arguments = {{.name = "name", .type = CONTROL_STRING, .help = "of the VM"}},
     .help = "`vmm run`: asks a VM's guest, by ACPI, to let go of its GPU, which is unplugged then; the event DEVICE_DELETED tells when",
     .run = run_del},
    {0},
};
