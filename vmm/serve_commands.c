/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control socket of `vmm serve` has beside the commands of every run: vGPUs that are plugged and unplugged. Added to it by serve.c. */
#include "vmm/serve.h"

#include <string.h>

enum { NAME_MAX_LENGTH = 64 };

static const char *text_of(JsonObject *arguments, const char *name, const char *fallback)
{
    return json_object_has_member(arguments, name) ? json_object_get_string_member(arguments, name) : fallback;
}

/* It becomes a file's name. */
static bool valid_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("-_", *c))
            return false;
    return *name && strlen(name) <= NAME_MAX_LENGTH;
}

static JsonNode *refuse(GError **error, const char *reason)
{
    g_set_error_literal(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, reason);
    return NULL;
}

static JsonNode *run_add(void *opaque, JsonObject *arguments, GError **error)
{
    struct serve *serve = opaque;
    const char *monitor = text_of(arguments, "monitor", "dp");
    const struct vgpu_settings settings = {
        .name = (char *)json_object_get_string_member(arguments, "name"),
        .type = (char *)json_object_get_string_member(arguments, "type"),
        .monitor = (char *)monitor,
        .vnc = (char *)text_of(arguments, "vnc", NULL),
        .weight = json_object_has_member(arguments, "weight") ? (uint64_t)json_object_get_int_member(arguments, "weight") : 0};

    if (!valid_name(settings.name))
        return refuse(error, "name: 1 to 64 letters, digits, '-' or '_'");
    if (strcmp(monitor, "dp") != 0 && strcmp(monitor, "hdmi") != 0)
        return refuse(error, "monitor: dp or hdmi");
    if (!serve_add(serve, &settings, error))
        return NULL;
    JsonObject *object = json_object_new();
    json_object_set_string_member(object, "socket", serve_socket_of(serve, settings.name));
    if (settings.vnc)
        json_object_set_string_member(object, "vnc", serve_screen_of(serve, settings.name));
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);
    json_node_take_object(node, object);
    return node;
}

static JsonNode *run_del(void *opaque, JsonObject *arguments, GError **error)
{
    struct serve *serve = opaque;
    const char *name = json_object_get_string_member(arguments, "name");

    if (!serve_socket_of(serve, name)) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_DEVICE_NOT_FOUND, "there is no vGPU %s here", name);
        return NULL;
    }
    return serve_remove(serve, name, error) ? control_nothing() : NULL;
}

const struct control_command serve_commands[] = {
    {.name = "device_add",
     .arguments = {{.name = "name", .type = CONTROL_STRING, .help = "of the new vGPU; a UUID shows it in the tree of `[gpu] mdev`"},
                   {.name = "type", .type = CONTROL_STRING, .help = "a vGPU type"},
                   {.name = "weight", .type = CONTROL_NUMBER, .optional = true, .min = 1, .max = 256, .help = "share of each engine's time; the type's if not given"},
                   {.name = "monitor", .type = CONTROL_STRING, .optional = true, .help = "dp or hdmi"},
                   {.name = "vnc", .type = CONTROL_STRING, .optional = true, .help = "where its screen is shown, as the key of `[vgpu]`, for this host's users only; a relative path is in the folder of the sockets"}},
     .help = "`vmm serve`: serves one more vGPU; returns its socket, and where its screen is shown",
     .run = run_add},
    {.name = "device_del",
     .arguments = {{.name = "name", .type = CONTROL_STRING, .help = "of the vGPU"}},
     .help = "`vmm serve`: hangs up on a vGPU's client and takes the vGPU away",
     .run = run_del},
    {0},
};
