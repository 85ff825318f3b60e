/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks commands up, checks their arguments, makes answers. See dispatch.h. */
#include "vmm/control/dispatch.h"

#include <stdio.h>
#include <string.h>

G_DEFINE_QUARK(control-error, control_error)

static const char *const classes[] = {
    [CONTROL_ERROR_GENERIC] = "GenericError",
    [CONTROL_ERROR_COMMAND_NOT_FOUND] = "CommandNotFound",
    [CONTROL_ERROR_DEVICE_NOT_FOUND] = "DeviceNotFound",
};

JsonNode *control_nothing(void)
{
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    json_node_take_object(node, json_object_new());
    return node;
}

static JsonObject *version(void)
{
    JsonObject *version = json_object_new(), *qemu = json_object_new();
    unsigned numbers[3] = {0};

    sscanf(MEDIANT_VERSION, "%u.%u.%u", &numbers[0], &numbers[1], &numbers[2]);
    json_object_set_int_member(qemu, "major", numbers[0]);
    json_object_set_int_member(qemu, "minor", numbers[1]);
    json_object_set_int_member(qemu, "micro", numbers[2]);
    json_object_set_object_member(version, "qemu", qemu); /* the protocol's name for it; clients ask for this member */
    json_object_set_string_member(version, "package", "mediant-" MEDIANT_VERSION);
    return version;
}

JsonObject *control_greeting(void)
{
    JsonObject *greeting = json_object_new(), *qmp = json_object_new();

    json_object_set_object_member(qmp, "version", version());
    json_object_set_array_member(qmp, "capabilities", json_array_new());
    json_object_set_object_member(greeting, "QMP", qmp);
    return greeting;
}

void control_add_timestamp(JsonObject *event)
{
    const gint64 now = g_get_real_time();
    JsonObject *timestamp = json_object_new();

    json_object_set_int_member(timestamp, "seconds", now / G_USEC_PER_SEC);
    json_object_set_int_member(timestamp, "microseconds", now % G_USEC_PER_SEC);
    json_object_set_object_member(event, "timestamp", timestamp);
}

/* The protocol's own commands. The first answers by itself: control_answer() looks at its name. */
static JsonNode *run_capabilities(void *opaque, JsonObject *arguments, GError **error)
{
    g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_COMMAND_NOT_FOUND, "capabilities were negotiated already");
    return NULL;
}

static JsonNode *run_version(void *opaque, JsonObject *arguments, GError **error)
{
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    json_node_take_object(node, version());
    return node;
}

static JsonNode *run_commands(void *opaque, JsonObject *arguments, GError **error)
{
    const GArray *tables = opaque;
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);
    JsonArray *list = json_array_new();

    for (unsigned i = 0; i < tables->len; i++)
        for (const struct control_command *command = g_array_index(tables, struct control_table, i).commands; command->name; command++) {
            JsonObject *row = json_object_new();
            json_object_set_string_member(row, "name", command->name);
            json_array_add_object_element(list, row);
        }
    json_node_take_array(node, list);
    return node;
}

const struct control_command control_protocol_commands[] = {
    {"qmp_capabilities", {{0}}, "begins; before it no other command is taken and no event is sent", run_capabilities},
    {"query-commands", {{0}}, "the names of all commands", run_commands},
    {"query-version", {{0}}, "the version of the program", run_version},
    {0},
};

static const struct control_command *find(const GArray *tables, const char *name, void **opaque)
{
    for (unsigned i = 0; i < tables->len; i++) {
        const struct control_table *table = &g_array_index(tables, struct control_table, i);
        for (const struct control_command *command = table->commands; command->name; command++)
            if (strcmp(command->name, name) == 0) {
                *opaque = table->opaque ? table->opaque : (void *)tables;
                return command;
            }
    }
    return NULL;
}

static bool has_type(JsonNode *value, enum control_type type)
{
    static const GType types[] = {[CONTROL_STRING] = G_TYPE_STRING, [CONTROL_NUMBER] = G_TYPE_INT64, [CONTROL_BOOL] = G_TYPE_BOOLEAN};

    if (type == CONTROL_ARRAY)
        return JSON_NODE_HOLDS_ARRAY(value);
    return JSON_NODE_HOLDS_VALUE(value) && json_node_get_value_type(value) == types[type];
}

static bool check_argument(const struct control_argument *argument, JsonNode *value, GError **error)
{
    static const char *const words[] = {[CONTROL_STRING] = "a string", [CONTROL_NUMBER] = "a whole number", [CONTROL_BOOL] = "true or false", [CONTROL_ARRAY] = "an array"};

    if (!has_type(value, argument->type)) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "argument %s is not %s", argument->name, words[argument->type]);
        return false;
    }
    if (argument->type == CONTROL_NUMBER && (json_node_get_int(value) < argument->min || json_node_get_int(value) > argument->max)) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "argument %s is not between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT, argument->name,
                    argument->min, argument->max);
        return false;
    }
    if (argument->type == CONTROL_ARRAY && (json_array_get_length(json_node_get_array(value)) < argument->min ||
                                            json_array_get_length(json_node_get_array(value)) > argument->max)) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "argument %s has not %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " elements", argument->name,
                    argument->min, argument->max);
        return false;
    }
    return true;
}

static bool check_arguments(const struct control_command *command, JsonObject *arguments, GError **error)
{
    guint known = 0;

    for (const struct control_argument *argument = command->arguments; argument->name; argument++) {
        JsonNode *value = json_object_get_member(arguments, argument->name);
        if (!value && !argument->optional) {
            g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "%s: argument %s is missing", command->name, argument->name);
            return false;
        }
        if (value && !check_argument(argument, value, error))
            return false;
        known += value != NULL;
    }
    if (known == json_object_get_size(arguments))
        return true;
    g_autoptr(GList) names = json_object_get_members(arguments);
    for (const GList *name = names; name; name = name->next) {
        const struct control_argument *argument = command->arguments;
        while (argument->name && strcmp(argument->name, name->data) != 0)
            argument++;
        if (!argument->name) {
            g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "%s: there is no argument %s", command->name, (const char *)name->data);
            return false;
        }
    }
    return true;
}

/* A message's members, of which there are three. *arguments is owned by the caller. */
static bool take_apart(JsonObject *message, const char **name, JsonObject **arguments, GError **error)
{
    g_autoptr(GList) members = json_object_get_members(message);
    JsonNode *execute = json_object_get_member(message, "execute"), *values = json_object_get_member(message, "arguments");

    for (const GList *member = members; member; member = member->next)
        if (strcmp(member->data, "execute") != 0 && strcmp(member->data, "arguments") != 0 && strcmp(member->data, "id") != 0) {
            g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "the message has a member %s, which is not known", (const char *)member->data);
            return false;
        }
    if (!execute || !has_type(execute, CONTROL_STRING)) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "the message lacks the member execute, a string");
        return false;
    }
    if (values && !JSON_NODE_HOLDS_OBJECT(values)) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "the member arguments is not an object");
        return false;
    }
    *name = json_node_get_string(execute);
    *arguments = values ? json_object_ref(json_node_get_object(values)) : json_object_new();
    return true;
}

/* Asks for no capability: there is none. */
static bool negotiate(JsonObject *arguments, GError **error)
{
    JsonNode *enable = json_object_get_member(arguments, "enable");
    JsonArray *list = enable && JSON_NODE_HOLDS_ARRAY(enable) ? json_node_get_array(enable) : NULL;

    if (json_object_get_size(arguments) == (enable ? 1 : 0) && (!enable || (list && json_array_get_length(list) == 0)))
        return true;
    g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, "there are no capabilities to be enabled");
    return false;
}

static JsonNode *execute(const GArray *tables, bool *negotiated, JsonObject *message, GError **error)
{
    const char *name = NULL;
    g_autoptr(JsonObject) arguments = NULL;
    void *opaque = NULL;

    if (!take_apart(message, &name, &arguments, error))
        return NULL;
    if (!*negotiated && strcmp(name, control_protocol_commands[0].name) == 0) {
        *negotiated = negotiate(arguments, error);
        return *negotiated ? control_nothing() : NULL;
    }
    const struct control_command *command = find(tables, name, &opaque);
    if (!*negotiated || !command) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_COMMAND_NOT_FOUND,
                    *negotiated ? "there is no command %s (query-commands lists them)" : "%s: qmp_capabilities has to come first", name);
        return NULL;
    }
    return check_arguments(command, arguments, error) ? command->run(opaque, arguments, error) : NULL;
}

JsonObject *control_answer(const GArray *tables, bool *negotiated, JsonObject *message, const GError *problem)
{
    g_autoptr(GError) error = problem ? g_error_copy(problem) : NULL;
    JsonObject *answer = json_object_new();
    JsonNode *result = error ? NULL : execute(tables, negotiated, message, &error);

    if (result) {
        json_object_set_member(answer, "return", result);
    } else {
        JsonObject *body = json_object_new();
        bool ours = error && error->domain == CONTROL_ERROR && (unsigned)error->code < G_N_ELEMENTS(classes);
        json_object_set_string_member(body, "class", classes[ours ? error->code : CONTROL_ERROR_GENERIC]);
        json_object_set_string_member(body, "desc", error ? error->message : "the command failed without a reason");
        json_object_set_object_member(answer, "error", body);
    }
    if (message && json_object_has_member(message, "id"))
        json_object_set_member(answer, "id", json_node_copy(json_object_get_member(message, "id")));
    return answer;
}
