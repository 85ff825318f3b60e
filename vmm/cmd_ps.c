/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm ps: the guests of all VMMs that run, or of one, by their control sockets. */
#include "vmm/commands.h"
#include "vmm/control/client.h"
#include "vmm/error.h"

#include <string.h>

static JsonObject *find_row(JsonArray *rows, guint from, const char *name)
{
    for (guint i = from; i < json_array_get_length(rows); i++) {
        JsonObject *row = json_array_get_object_element(rows, i);
        if (strcmp(json_object_get_string_member(row, "name"), name) == 0)
            return row;
    }
    return NULL;
}

static void copy_members(JsonObject *from, JsonObject *to)
{
    g_autoptr(GList) names = json_object_get_members(from);

    for (const GList *name = names; name; name = name->next)
        json_object_set_member(to, name->data, json_object_dup_member(from, name->data));
}

/* A row for each VM or served vGPU, with what both lists say of it. */
static bool add_rows(struct control_client *client, JsonArray *rows, GError **error)
{
    static const char *const queries[] = {"query-vms", "query-vgpus"};
    const guint first = json_array_get_length(rows);

    for (unsigned q = 0; q < G_N_ELEMENTS(queries); q++) {
        g_autoptr(JsonNode) list = control_client_call(client, queries[q], NULL, error);
        JsonArray *array = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;
        if (!array)
            return false;
        for (guint i = 0; i < json_array_get_length(array); i++) {
            JsonObject *source = json_array_get_object_element(array, i);
            JsonObject *row = find_row(rows, first, json_object_get_string_member_with_default(source, "name", ""));
            if (!row) {
                row = json_object_new();
                json_array_add_object_element(rows, row);
            }
            copy_members(source, row);
            json_object_set_string_member(row, "control", control_client_path(client));
        }
    }
    return true;
}

static void print(JsonArray *rows)
{
    printf("%-16s %-14s %-16s %6s  %s\n", "NAME", "STATE", "GPU", "WEIGHT", "CONTROL");
    for (guint i = 0; i < json_array_get_length(rows); i++) {
        JsonObject *row = json_array_get_object_element(rows, i);
        g_autofree char *weight = json_object_has_member(row, "weight") ? g_strdup_printf("%d", (int)json_object_get_int_member(row, "weight")) : g_strdup("-");
        const char *reason = json_object_get_string_member_with_default(row, "reason", NULL);
        printf("%-16s %-14s %-16s %6s  %s\n", json_object_get_string_member_with_default(row, "name", "?"),
               json_object_get_string_member_with_default(row, "state", "?"), json_object_get_string_member_with_default(row, "type", "?"), weight,
               json_object_get_string_member(row, "control"));
        if (reason)
            printf("%-16s %s\n", "", reason);
    }
}

int cmd_ps(int argc, char **argv)
{
    g_autofree char *path = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        CONTROL_OPTION_ENTRY(&path), {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL}, {0}};
    g_autoptr(JsonArray) rows = json_array_new();
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 0, 0, &code))
        return code;
    g_autoptr(GPtrArray) clients = control_clients_open(path, &error);
    for (guint i = 0; clients && i < clients->len; i++)
        if (!add_rows(g_ptr_array_index(clients, i), rows, &error))
            break;
    if (error)
        return command_fail(error);
    if (!json) {
        print(rows);
        return EXIT_OK;
    }
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);
    json_node_set_array(node, rows);
    g_autofree char *text = json_to_string(node, TRUE);
    puts(text);
    return EXIT_OK;
}
