/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm trace start|stop: records what the engines of a run do, by its control socket. */
#include "vmm/commands.h"
#include "vmm/control/client.h"
#include "vmm/error.h"

#include <string.h>

/* The one run that is meant: the socket's, or the only one there is. */
static struct control_client *open_run(const char *path, GError **error)
{
    g_autoptr(GPtrArray) clients = control_clients_open(path, error);

    if (!clients)
        return NULL;
    if (clients->len == 1)
        return g_ptr_array_steal_index(clients, 0);
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%u VMMs answer, among them %s and %s (choose by --control PATH)", clients->len,
                control_client_path(g_ptr_array_index(clients, 0)), control_client_path(g_ptr_array_index(clients, 1)));
    return NULL;
}

static int call(const char *path, const char *command, const char *file)
{
    GError *error = NULL;
    struct control_client *client = open_run(path, &error);
    JsonObject *arguments = file ? json_object_new() : NULL;

    if (!client)
        return command_fail(error);
    if (file)
        json_object_set_string_member(arguments, "file", file);
    g_autoptr(JsonNode) result = control_client_call(client, command, arguments, &error);
    control_client_close(client);
    if (!result)
        return command_fail(error);
    if (JSON_NODE_HOLDS_OBJECT(result) && json_object_has_member(json_node_get_object(result), "file"))
        printf("%s\n", json_object_get_string_member(json_node_get_object(result), "file"));
    return EXIT_OK;
}

int cmd_trace(int argc, char **argv)
{
    g_autofree char *control = NULL;
    const GOptionEntry entries[] = {CONTROL_OPTION_ENTRY(&control), {0}};
    int code;

    if (!command_parse(&argc, &argv, entries, 1, 2, &code))
        return code;
    if (strcmp(argv[1], "start") == 0 && argc == 3)
        return call(control, "trace-start", argv[2]);
    if (strcmp(argv[1], "stop") == 0 && argc == 2)
        return call(control, "trace-stop", NULL);
    fputs("vmm: trace: what to do is missing (try vmm trace start FILE.json, then vmm trace stop)\n", stderr);
    return EXIT_USAGE;
}
