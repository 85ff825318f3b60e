/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands for traces. See trace_commands.h. */
#include "vmm/observe/trace_commands.h"

static JsonNode *file_node(const char *path)
{
    JsonObject *object = json_object_new();
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    if (path)
        json_object_set_string_member(object, "file", path);
    else
        json_object_set_null_member(object, "file");
    json_node_take_object(node, object);
    return node;
}

static JsonNode *run_start(void *opaque, JsonObject *arguments, GError **error)
{
    struct outputs *outputs = opaque;

    if (!outputs_trace_start(outputs, json_object_get_string_member(arguments, "file"), error))
        return NULL;
    return file_node(outputs_trace_path(outputs));
}

static JsonNode *run_stop(void *opaque, JsonObject *arguments, GError **error)
{
    struct outputs *outputs = opaque;
    g_autofree char *path = g_strdup(outputs_trace_path(outputs));

    return outputs_trace_stop(outputs, error) ? file_node(path) : NULL;
}

static JsonNode *run_query(void *opaque, JsonObject *arguments, GError **error)
{
    return file_node(outputs_trace_path(opaque));
}

const struct control_command trace_commands[] = {
    {"trace-start",
     {{"file", CONTROL_STRING, .help = "the file to write at the end; a relative one is below `[observe] directory`, where the sandbox lets files be made"}},
     "Begins to record what the engines do; returns the file",
     run_start},
    {"trace-stop", {{0}}, "Writes the recording as Chrome's trace and ends it; returns the file", run_stop},
    {"query-trace", {{0}}, "The file that is recorded to, null when none is", run_query},
    {0},
};
