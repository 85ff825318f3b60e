/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Definitions of mediated devices in files; see definitions.h. */
#include "vmm/mdev/definitions.h"

#include "vmm/error.h"
#include "vmm/mdev/nodes.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

enum { FILE_MAX = 65536, DEFINITIONS_MAX = 1024 };

void mdev_definition_free(struct mdev_definition *definition)
{
    g_free(definition->uuid);
    g_free(definition->type);
    g_free(definition);
}

char *mdev_definitions_folder(const char *root)
{
    return g_build_filename(root, "etc", "mdevctl.d", MDEV_PARENT, NULL);
}

static const char *text_member(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : NULL;
}

/* NULL with *reason (static) when the text is no definition. */
static struct mdev_definition *parse(const char *text, const char **reason)
{
    g_autoptr(JsonParser) parser = json_parser_new();

    *reason = "no JSON object";
    if (!json_parser_load_from_data(parser, text, -1, NULL) || !json_parser_get_root(parser) || !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser)))
        return NULL;
    JsonObject *object = json_node_get_object(json_parser_get_root(parser));
    const char *type = text_member(object, "mdev_type"), *start = text_member(object, "start");
    *reason = "no mdev_type or start";
    if (!type || !start)
        return NULL;
    JsonNode *attributes = json_object_get_member(object, "attrs");
    struct mdev_definition *definition = g_new0(struct mdev_definition, 1);
    definition->type = g_strdup(type);
    definition->automatic = strcmp(start, "auto") == 0;
    definition->has_attributes = attributes && JSON_NODE_HOLDS_ARRAY(attributes) && json_array_get_length(json_node_get_array(attributes)) > 0;
    return definition;
}

static struct mdev_definition *load(const char *path, const char **reason)
{
    g_autofree char *text = NULL;
    GStatBuf st;
    gsize length;

    *reason = "no file that can be read";
    if (g_stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX || !g_file_get_contents(path, &text, &length, NULL))
        return NULL;
    return parse(text, reason);
}

static int by_uuid(gconstpointer a, gconstpointer b)
{
    return strcmp((*(struct mdev_definition *const *)a)->uuid, (*(struct mdev_definition *const *)b)->uuid);
}

GPtrArray *mdev_definitions_load(const char *root, void (*complain)(void *opaque, const char *text), void *opaque)
{
    GPtrArray *definitions = g_ptr_array_new_with_free_func((GDestroyNotify)mdev_definition_free);
    g_autofree char *folder = mdev_definitions_folder(root);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name, *reason;
    char uuid[MDEV_UUID_LENGTH + 1];

    while (dir && definitions->len < DEFINITIONS_MAX && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (!mdev_uuid_parse(name, strlen(name), uuid))
            continue; /* as mdevctl does */
        struct mdev_definition *definition = load(path, &reason);
        if (definition) {
            definition->uuid = g_strdup(uuid);
            g_ptr_array_add(definitions, definition);
        } else {
            g_autofree char *text = g_strdup_printf("%s: %s; it is passed over", path, reason);
            complain(opaque, text);
        }
    }
    g_ptr_array_sort(definitions, by_uuid);
    return definitions;
}

bool mdev_definition_write(const char *root, const char *uuid, const char *type, bool automatic, GError **error)
{
    g_autofree char *folder = mdev_definitions_folder(root), *path = g_build_filename(folder, uuid, NULL);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autoptr(GError) problem = NULL;

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "mdev_type");
    json_builder_add_string_value(builder, type);
    json_builder_set_member_name(builder, "start");
    json_builder_add_string_value(builder, automatic ? "auto" : "manual");
    json_builder_set_member_name(builder, "attrs");
    json_builder_begin_array(builder);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    JsonNode *top = json_builder_get_root(builder);
    json_generator_set_root(generator, top);
    json_generator_set_pretty(generator, TRUE);
    json_node_unref(top);
    g_autofree char *text = json_generator_to_data(generator, NULL);
    if (g_mkdir_with_parents(folder, 0700) != 0) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: %s", folder, g_strerror(errno));
        return false;
    }
    if (g_file_set_contents(path, text, -1, &problem))
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s", problem->message);
    return false;
}

bool mdev_definition_remove(const char *root, const char *uuid, GError **error)
{
    g_autofree char *folder = mdev_definitions_folder(root), *path = g_build_filename(folder, uuid, NULL);

    if (g_unlink(path) == 0)
        return true;
    g_set_error(error, VMM_ERROR, errno == ENOENT ? VMM_ERROR_CONFIG : VMM_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
    return false;
}
