/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of a run. See control.h; each is a row of the table at the end. */
#include "vmm/control/internal.h"

#include "gpu/blocks/image.h"
#include "vmm/machine.h"
#include "vmm/png.h"
#include "vmm/sandbox/sandbox.h"

#include <string.h>

static JsonNode *object_node(JsonObject *object)
{
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    json_node_take_object(node, object);
    return node;
}

static JsonNode *array_node(JsonArray *array)
{
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);

    json_node_take_array(node, array);
    return node;
}

static unsigned user_count(const struct control *control)
{
    return gpu_setup_count(control->config.figures->gpu);
}

static const char *user_name(const struct control *control, unsigned user)
{
    return gpu_setup_user(control->config.figures->gpu, user)->name;
}

bool control_find_user(const struct control *control, JsonObject *arguments, unsigned *user, GError **error)
{
    const char *name = json_object_get_string_member(arguments, "name");

    for (*user = 0; *user < user_count(control); ++*user)
        if (*name && strcmp(user_name(control, *user), name) == 0) /* a place without a user has no name */
            return true;
    g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_DEVICE_NOT_FOUND, "there is no %s here", name);
    return false;
}

bool control_runs(struct machine *machine)
{
    return machine && machine_result(machine).end == MACHINE_RUNNING;
}

void control_refuse_served(GError **error)
{
    g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "the guests of served vGPUs are run by others: ask those");
}

/* Does something to the running VM that the argument name names, or to all that run. The first that fails ends it. */
static JsonNode *for_machines(struct control *control, JsonObject *arguments, bool (*function)(struct control *control, unsigned user, GError **error),
                              GError **error)
{
    unsigned user;

    if (!control->config.machine) {
        control_refuse_served(error);
        return NULL;
    }
    if (json_object_has_member(arguments, "name")) {
        if (!control_find_user(control, arguments, &user, error))
            return NULL;
        if (!control_runs(control_machine(control, user))) {
            g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "guest %s has ended", user_name(control, user));
            return NULL;
        }
        return function(control, user, error) ? control_nothing() : NULL;
    }
    for (user = 0; user < user_count(control); user++)
        if (control_runs(control_machine(control, user)) && !function(control, user, error))
            return NULL;
    return control_nothing();
}

static bool pause_vm(struct control *control, unsigned user, GError **error)
{
    struct machine *machine = control_machine(control, user);

    if (machine_is_paused(machine))
        return true;
    if (!machine_pause(machine, error))
        return false;
    control_server_event(control->server, "STOP", control_event_data(control, user));
    return true;
}

static bool resume_vm(struct control *control, unsigned user, GError **error)
{
    struct machine *machine = control_machine(control, user);

    if (!machine_is_paused(machine))
        return true;
    machine_resume(machine);
    control_server_event(control->server, "RESUME", control_event_data(control, user));
    return true;
}

static bool power_down_vm(struct control *control, unsigned user, GError **error)
{
    machine_power_button(control_machine(control, user));
    control_server_event(control->server, "POWERDOWN", control_event_data(control, user));
    return true;
}

static bool reset_vm(struct control *control, unsigned user, GError **error)
{
    machine_reset(control_machine(control, user));
    return true;
}

static bool end_vm(struct control *control, unsigned user, GError **error)
{
    machine_stop(control_machine(control, user));
    return true;
}

static JsonNode *run_stop(void *opaque, JsonObject *arguments, GError **error)
{
    return for_machines(opaque, arguments, pause_vm, error);
}

static JsonNode *run_cont(void *opaque, JsonObject *arguments, GError **error)
{
    return for_machines(opaque, arguments, resume_vm, error);
}

static JsonNode *run_powerdown(void *opaque, JsonObject *arguments, GError **error)
{
    return for_machines(opaque, arguments, power_down_vm, error);
}

static JsonNode *run_reset(void *opaque, JsonObject *arguments, GError **error)
{
    return for_machines(opaque, arguments, reset_vm, error);
}

static JsonNode *run_quit(void *opaque, JsonObject *arguments, GError **error)
{
    struct control *control = opaque;

    if (json_object_has_member(arguments, "name"))
        return for_machines(control, arguments, end_vm, error);
    control->config.quit(control->config.opaque);
    return control_nothing();
}

/* What of a snapshot fits the filter. */
static JsonNode *list_users(struct control *control, bool (*fits)(const struct control *control, const struct figures_user *user),
                            void (*describe)(const struct control *control, unsigned index, const struct figures_user *user, JsonObject *row))
{
    struct figures *figures = figures_take(control->config.figures);
    JsonArray *list = json_array_new();

    for (unsigned i = 0; i < figures->count; i++) {
        const struct figures_user *user = &figures->users[i];
        if (!fits(control, user))
            continue;
        JsonObject *row = json_object_new();
        json_object_set_string_member(row, "name", user->name);
        json_object_set_string_member(row, "type", user->type);
        json_object_set_string_member(row, "state", figures_state_names[user->state]);
        if (user->reason)
            json_object_set_string_member(row, "reason", user->reason);
        describe(control, user->index, user, row);
        json_array_add_object_element(list, row);
    }
    figures_free(figures);
    return array_node(list);
}

static bool is_vm(const struct control *control, const struct figures_user *user)
{
    return control->config.machine != NULL;
}

static void describe_vm(const struct control *control, unsigned index, const struct figures_user *user, JsonObject *row)
{
    json_object_set_int_member(row, "vcpus", (gint64)user->vcpus);
    json_object_set_int_member(row, "memory", (gint64)user->memory);
}

static JsonNode *run_vms(void *opaque, JsonObject *arguments, GError **error)
{
    return list_users(opaque, is_vm, describe_vm);
}

static bool is_vgpu(const struct control *control, const struct figures_user *user)
{
    return strcmp(user->type, "none") != 0;
}

static void describe_vgpu(const struct control *control, unsigned index, const struct figures_user *user, JsonObject *row)
{
    const struct gpu_user *settings = gpu_setup_user(control->config.figures->gpu, index);

    if (user->weight) {
        json_object_set_int_member(row, "weight", (gint64)user->weight);
        json_object_set_int_member(row, "gpu_cap", settings->cap % 100); /* 100 is no cap either */
        json_object_set_string_member(row, "class", settings->latency ? "latency" : "normal");
    }
    struct machine *machine = control_machine(control, index);
    if (control_runs(machine) && machine_is_asked_to_unplug(machine, MACHINE_GPU_SLOT))
        json_object_set_boolean_member(row, "unplugging", TRUE);
    if (control->config.socket)
        json_object_set_string_member(row, "socket", control->config.socket(control->config.opaque, index));
}

static JsonNode *run_vgpus(void *opaque, JsonObject *arguments, GError **error)
{
    return list_users(opaque, is_vgpu, describe_vgpu);
}

static JsonNode *run_stats(void *opaque, JsonObject *arguments, GError **error)
{
    const struct control *control = opaque;
    struct figures *figures = figures_take(control->config.figures);
    JsonNode *node = figures_to_json(figures);

    figures_free(figures);
    return node;
}

static JsonNode *run_status(void *opaque, JsonObject *arguments, GError **error)
{
    const struct control *control = opaque;
    unsigned running = 0, paused = 0;
    JsonObject *status = json_object_new();

    for (unsigned i = 0; i < user_count(control); i++) {
        struct machine *machine = control_machine(control, i);
        bool still = control_runs(machine) && machine_is_paused(machine);
        paused += still;
        running += control_runs(machine) && !still;
    }
    bool any = running > 0 || !control->config.machine;
    json_object_set_boolean_member(status, "running", any);
    json_object_set_string_member(status, "status", any ? "running" : paused ? "paused" : "shutdown");
    json_object_set_string_member(status, "policy", gpu_setup_policy(control->config.figures->gpu));
    return object_node(status);
}

static JsonNode *run_screenshot(void *opaque, JsonObject *arguments, GError **error)
{
    struct control *control = opaque;
    const char *file = json_object_get_string_member_with_default(arguments, "filename", NULL);
    unsigned user;

    if (!control_find_user(control, arguments, &user, error))
        return NULL;
    if (file && !g_path_is_absolute(file)) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "filename %s is not an absolute path", file);
        return NULL;
    }
    struct image *image = gpu_setup_screenshot(control->config.figures->gpu, user, error);
    if (!image)
        return NULL;
    JsonObject *result = json_object_new();
    json_object_set_int_member(result, "width", image->width);
    json_object_set_int_member(result, "height", image->height);
    g_autoptr(GByteArray) png = file ? NULL : image_to_png(image, error);
    bool ok = file ? image_write_png(file, image, error) : png != NULL;
    image_free(image);
    if (!ok) {
        if (file && (sandbox_has_landlock() || sandbox_has_namespaces()))
            g_prefix_error(error, "the sandbox lets pictures be written only beside those that the configuration names (leave filename out to get it here): ");
        json_object_unref(result);
        return NULL;
    }
    if (png) {
        g_autofree char *text = g_base64_encode(png->data, png->len);
        json_object_set_string_member(result, "png", text);
    }
    return object_node(result);
}

static JsonNode *run_set_vgpu(void *opaque, JsonObject *arguments, GError **error)
{
    struct control *control = opaque;
    struct gpu_setup *gpu = control->config.figures->gpu;
    const char *class = json_object_get_string_member_with_default(arguments, "class", NULL);
    unsigned user;

    if (!control_find_user(control, arguments, &user, error))
        return NULL;
    if (class && strcmp(class, "normal") != 0 && strcmp(class, "latency") != 0) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "class: \"%s\" is neither normal nor latency", class);
        return NULL;
    }
    struct gpu_user share = *gpu_setup_user(gpu, user);
    share.weight = (unsigned)json_object_get_int_member_with_default(arguments, "weight", gpu_user_weight(&share));
    share.cap = (unsigned)json_object_get_int_member_with_default(arguments, "gpu_cap", share.cap);
    share.latency = class ? strcmp(class, "latency") == 0 : share.latency;
    return gpu_setup_set_share(gpu, user, &share, error) ? control_nothing() : NULL;
}

static JsonNode *run_set_policy(void *opaque, JsonObject *arguments, GError **error)
{
    struct control *control = opaque;
    struct figures_source *figures = control->config.figures;

    if (!gpu_setup_set_policy(figures->gpu, json_object_get_string_member(arguments, "policy"), error))
        return NULL;
    __atomic_store_n(&figures->policy, gpu_setup_policy(figures->gpu), __ATOMIC_RELAXED);
    return control_nothing();
}

#define NAME(text) /* NOLINT(bugprone-macro-parentheses): a string */ {"name", CONTROL_STRING, .help = text}
#define NAME_OR_ALL {"name", CONTROL_STRING, .optional = true, .help = "the VM; all of them if not given"}

const struct control_command control_run_commands[] = {
    {"query-status", {{0}}, "whether guests run, and the scheduling policy", run_status},
    {"query-vms", {{0}}, "the VMs: name, state with its reason, vCPUs, RAM", run_vms},
    {"query-vgpus", {{0}}, "the vGPUs: name, type, state with its reason, weight, cap, class, the socket of a served one, and `unplugging` if a guest is asked to let go of it",
     run_vgpus},
    {"query-stats", {{0}}, "all figures of each VM and vGPU: GPU time, submissions, traps by class, frames, queues, resets", run_stats},
    {"stop", {NAME_OR_ALL}, "pause vCPUs; no time passes for the guest", run_stop},
    {"cont", {NAME_OR_ALL}, "let paused vCPUs go on", run_cont},
    {"system_powerdown", {NAME_OR_ALL}, "press the ACPI power button: the guest shuts down if its system cares", run_powerdown},
    {"system_reset", {NAME_OR_ALL}, "reset the VM: it begins again from its image, with empty RAM; the event RESET tells when", run_reset},
    {"quit", {{"name", CONTROL_STRING, .optional = true, .help = "the VM; the whole program if not given"}}, "end at once, without asking the guest", run_quit},
    {"screenshot",
     {NAME("the VM or vGPU"), {"filename", CONTROL_STRING, .optional = true, .help = "absolute path of a PNG file that the VMM writes; if not given, the answer has "
                                                                                    "the file in `png`, by base64"}},
     "what a guest's screen shows", run_screenshot},
    {"set-vgpu",
     {NAME("the VM or vGPU"),
      {"weight", CONTROL_NUMBER, .optional = true, .min = 1, .max = 256, .help = "share of the engines' time against the others"},
      {"gpu_cap", CONTROL_NUMBER, .optional = true, .min = 0, .max = 100, .help = "most of each engine's time, in percent; 0: no cap"},
      {"class", CONTROL_STRING, .optional = true, .help = "normal or latency"}},
     "change a vGPU while its guest runs; what is not given stays", run_set_vgpu},
    {"set-policy", {{"policy", CONTROL_STRING, .help = "as the key `policy` in [configuration.md](configuration.md)"}}, "change how the engines' time is shared",
     run_set_policy},
    {0},
};
