/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Version capabilities as JSON. See capabilities.h; names from QEMU docs/interop/vfio-user.rst. */
#include "vmm/vfio_user/capabilities.h"

#include "vmm/vfio_user/memory.h"
#include "vmm/vfio_user/wire.h"

#include <json-glib/json-glib.h>

/* A number of at least min; absent leaves *value. */
static bool parse_number(JsonObject *object, const char *name, uint64_t min, uint64_t *value, char **reason)
{
    JsonNode *node = json_object_get_member(object, name);

    if (!node)
        return true;
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64 || json_node_get_int(node) < 0 ||
        (uint64_t)json_node_get_int(node) < min) {
        *reason = g_strdup_printf("%s is not a number of at least %" G_GUINT64_FORMAT, name, min);
        return false;
    }
    *value = (uint64_t)json_node_get_int(node);
    return true;
}

static bool parse_object(JsonObject *object, struct vfio_user_capabilities *capabilities, char **reason)
{
    uint64_t fds = capabilities->max_msg_fds, transfer = capabilities->max_data_xfer_size, maps = capabilities->max_dma_maps;
    JsonNode *multiple = json_object_get_member(object, "write_multiple");

    if (!parse_number(object, "max_msg_fds", 0, &fds, reason) || !parse_number(object, "max_data_xfer_size", 1, &transfer, reason) ||
        !parse_number(object, "max_dma_maps", 1, &maps, reason) || !parse_number(object, "pgsizes", 1, &capabilities->pgsizes, reason))
        return false;
    if (multiple && (!JSON_NODE_HOLDS_VALUE(multiple) || json_node_get_value_type(multiple) != G_TYPE_BOOLEAN)) {
        *reason = g_strdup("write_multiple is neither true nor false");
        return false;
    }
    capabilities->write_multiple = multiple && json_node_get_boolean(multiple);
    capabilities->max_msg_fds = (uint32_t)MIN(fds, (uint64_t)WIRE_MAX_FDS);
    capabilities->max_data_xfer_size = (uint32_t)MIN(transfer, (uint64_t)VFIO_USER_DEFAULT_TRANSFER);
    capabilities->max_dma_maps = (uint32_t)MIN(maps, (uint64_t)UINT32_MAX);
    return true;
}

bool vfio_user_capabilities_parse(const char *json, struct vfio_user_capabilities *capabilities, char **reason)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    g_autoptr(GError) error = NULL;

    *capabilities = (struct vfio_user_capabilities){.max_msg_fds = VFIO_USER_DEFAULT_FDS,
                                                    .max_data_xfer_size = VFIO_USER_DEFAULT_TRANSFER,
                                                    .max_dma_maps = VFIO_USER_DEFAULT_DMA_MAPS,
                                                    .pgsizes = 4096};
    if (!json)
        return true;
    if (!g_utf8_validate(json, -1, NULL)) {
        *reason = g_strdup("not UTF-8");
        return false;
    }
    if (!json_parser_load_from_data(parser, json, -1, &error)) {
        *reason = g_strdup(error->message);
        return false;
    }
    JsonNode *root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        *reason = g_strdup("not a JSON object");
        return false;
    }
    JsonNode *own = json_object_get_member(json_node_get_object(root), "capabilities");
    if (!own)
        return true;
    if (!JSON_NODE_HOLDS_OBJECT(own)) {
        *reason = g_strdup("\"capabilities\" is not a JSON object");
        return false;
    }
    return parse_object(json_node_get_object(own), capabilities, reason);
}

char *vfio_user_capabilities_format(const struct vfio_user_capabilities *theirs)
{
    g_autoptr(JsonBuilder) builder = json_builder_new_immutable();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "capabilities");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "max_msg_fds");
    json_builder_add_int_value(builder, WIRE_MAX_FDS);
    json_builder_set_member_name(builder, "max_data_xfer_size");
    json_builder_add_int_value(builder, VFIO_USER_DEFAULT_TRANSFER);
    json_builder_set_member_name(builder, "max_dma_maps");
    json_builder_add_int_value(builder, CLIENT_MEMORY_MAX_MAPS);
    json_builder_set_member_name(builder, "pgsizes");
    json_builder_add_int_value(builder, 4096);
    if (theirs->write_multiple) {
        json_builder_set_member_name(builder, "write_multiple");
        json_builder_add_boolean_value(builder, TRUE);
    }
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}
