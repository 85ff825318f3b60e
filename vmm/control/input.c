/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON messages from a stream. See input.h. */
#include "vmm/control/input.h"

#include <gio/gio.h>
#include <string.h>

void control_input_init(struct control_input *input, size_t limit)
{
    *input = (struct control_input){.text = g_string_new(NULL), .limit = limit};
}

void control_input_finish(struct control_input *input)
{
    if (input->text)
        g_string_free(input->text, TRUE);
    input->text = NULL;
}

static void begin(struct control_input *input)
{
    g_string_truncate(input->text, 0);
    input->depth = 0;
    input->in_string = input->escaped = false;
}

static JsonObject *parse(const GString *text, GError **problem)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) reason = NULL;

    if (!g_utf8_validate(text->str, (gssize)text->len, NULL)) {
        g_set_error(problem, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the message is not UTF-8");
        return NULL;
    }
    /* What is no object is not parsed: json-glib 1.6 leaks a malformed array's elements. */
    if (text->str[0] != '{') {
        g_set_error(problem, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the message is not a JSON object");
        return NULL;
    }
    if (!json_parser_load_from_data(parser, text->str, (gssize)text->len, &reason)) {
        g_set_error(problem, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the message is not JSON: %s", reason->message);
        return NULL;
    }
    JsonNode *root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error(problem, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the message is not a JSON object");
        return NULL;
    }
    return json_object_ref(json_node_get_object(root));
}

/* One byte. True when it ends a message. */
static bool take(struct control_input *input, char byte, GError **problem)
{
    if (byte == '\n') {
        bool over = !input->skipping && input->text->len > 0;
        input->skipping = false;
        return over;
    }
    if (input->skipping || (input->text->len == 0 && strchr(" \t\r", byte) && byte))
        return false;
    g_string_append_c(input->text, byte);
    if (input->text->len > input->limit) {
        g_set_error(problem, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the message is longer than %zu bytes", input->limit);
    } else if (input->in_string) {
        bool ends = byte == '"' && !input->escaped;
        input->escaped = byte == '\\' && !input->escaped;
        input->in_string = !ends;
    } else if (byte == '"') {
        input->in_string = true;
    } else if ((byte == '{' || byte == '[') && ++input->depth > CONTROL_INPUT_DEPTH) {
        g_set_error(problem, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the message has more than %d brackets within each other", CONTROL_INPUT_DEPTH);
    } else if (byte == '}' || byte == ']') {
        input->depth -= input->depth > 0;
        return input->depth == 0;
    }
    return false;
}

size_t control_input_take(struct control_input *input, const char *bytes, size_t len, JsonObject **message, GError **problem)
{
    *message = NULL;
    for (size_t i = 0; i < len; i++) {
        g_autoptr(GError) wrong = NULL;
        bool over = take(input, bytes[i], &wrong);
        if (!over && !wrong)
            continue;
        if (over)
            *message = parse(input->text, problem);
        else
            g_propagate_error(problem, g_steal_pointer(&wrong));
        input->skipping = !over;
        begin(input);
        return i + 1;
    }
    return len;
}
