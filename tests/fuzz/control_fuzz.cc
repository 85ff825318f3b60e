// SPDX-License-Identifier: GPL-2.0-or-later
// The control socket: the input's first byte says in pieces of which size the rest arrives. What a client sends is answered message by message, by the protocol's
// commands, one with an argument of each type, and those that type; and what it sends is also taken for two answers of query-stats, as vmm top takes what a VMM sends.
#include "fuzz.h"

extern "C" {
#include "vmm/control/dispatch.h"
#include "vmm/control/input.h"
#include "vmm/control/internal.h"
#include "vmm/control/top.h"
}

namespace {

JsonNode *take_all(void *, JsonObject *arguments, GError **)
{
    REQUIRE(json_object_has_member(arguments, "text"), "what is not optional is there");
    json_object_get_string_member(arguments, "text");
    if (json_object_has_member(arguments, "number")) {
        gint64 number = json_object_get_int_member(arguments, "number");
        REQUIRE(number >= 1 && number <= 256, "a number is in its range");
    }
    if (json_object_has_member(arguments, "flag"))
        json_object_get_boolean_member(arguments, "flag");
    if (json_object_has_member(arguments, "list")) {
        guint length = json_array_get_length(json_object_get_array_member(arguments, "list"));
        REQUIRE(length >= 1 && length <= 4, "an array has as many elements as it may");
    }
    REQUIRE(json_object_get_size(arguments) <= 4, "nothing else is there");
    return control_nothing();
}

const control_command commands[] = {
    {"take", {{"text", CONTROL_STRING, false, 0, 0, ""}, {"number", CONTROL_NUMBER, true, 1, 256, ""}, {"flag", CONTROL_BOOL, true, 0, 0, ""},
      {"list", CONTROL_ARRAY, true, 1, 4, ""}}, "", take_all},
    {},
};

void check_answer(JsonObject *answer)
{
    REQUIRE(json_object_has_member(answer, "return") != json_object_has_member(answer, "error"), "an answer is one of both");
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);
    json_node_set_object(node, answer);
    char *text = json_to_string(node, FALSE);
    REQUIRE(!strchr(text, '\n'), "an answer is one line");
    g_free(text);
    json_node_unref(node);
}

void show(JsonObject *before, JsonObject *after)
{
    JsonNode *nodes[] = {json_node_new(JSON_NODE_OBJECT), json_node_new(JSON_NODE_OBJECT)};
    json_node_set_object(nodes[0], before);
    json_node_set_object(nodes[1], after);
    if (top *made = top_create(nodes[0], nodes[1])) {
        char *text = top_to_text(made, 80, 24);
        g_free(text);
        json_node_unref(top_to_json(made));
        top_free(made);
    }
    json_node_unref(nodes[0]);
    json_node_unref(nodes[1]);
}

} // namespace

fuzz::Bytes fuzz::fuzz_seed(unsigned n)
{
    static const char *const seeds[] = {
        "\x05{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-commands\",\"id\":[1,{\"a\":null}]}\n",
        "\xff{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}\n{\"execute\":\"take\",\"arguments\":{\"text\":\"\\u00e4\\\"\",\"number\":256,\"flag\":true}}",
        "\x80{\"execute\":\"qmp_capabilities\"}{\"execute\":\"take\",\"arguments\":{\"text\":\"\",\"list\":[1,[],{}]}}",
        "\xff{\"execute\":\"qmp_capabilities\"}{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"ctrl\"},{\"type\":\"number\",\"data\":211}],"
        "\"hold-time\":5}}",
        "\xff{\"execute\":\"qmp_capabilities\"}{\"execute\":\"input-send-event\",\"arguments\":{\"events\":[{\"type\":\"key\",\"data\":{\"down\":true,\"key\":"
        "{\"type\":\"qcode\",\"data\":\"a\"}}},{\"type\":\"btn\",\"data\":{\"down\":false,\"button\":\"wheel-up\"}},{\"type\":\"abs\",\"data\":{\"axis\":\"y\",\"value\":9}}]}}",
        "\x01{\"execute\":\n{\"execute\":\"query-version\"}\n[[[[1]]]]\n\"x\\\\\"\n",
        ("\x40{\"policy\":\"fair\",\"uptime_ns\":1000,\"users\":[{\"name\":\"a\",\"state\":\"running\",\"weight\":2,\"busy_ns\":{\"bcs0\":7},\"traps\":{\"elsp\":1},"
        "\"queued\":{\"rcs0\":1},\"frames\":3}]}{\"policy\":\"fair\",\"uptime_ns\":2000,\"users\":[{\"name\":\"a\",\"state\":\"running\",\"weight\":2,\"frames\":9}]}"),
    };
    return n < G_N_ELEMENTS(seeds) ? Bytes(seeds[n], seeds[n] + strlen(seeds[n])) : Bytes();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const size_t piece = data[0] + 1u;
    const char *bytes = reinterpret_cast<const char *>(data) + 1;
    control nobody = {}; // whose machines are others': messages are looked at, and nothing is typed
    const control_table list[] = {{control_protocol_commands, nullptr}, {commands, nullptr}, {control_typing_commands, &nobody}};
    GArray *tables = g_array_new(FALSE, FALSE, sizeof(control_table));
    g_array_append_vals(tables, list, G_N_ELEMENTS(list));
    control_input input;
    control_input_init(&input, 4096);
    bool negotiated = false;
    JsonObject *last = nullptr;

    for (size_t at = 0, left = size - 1; at < left;) {
        JsonObject *message = nullptr;
        GError *problem = nullptr;
        size_t len = std::min(piece, left - at), taken = control_input_take(&input, bytes + at, len, &message, &problem);
        REQUIRE(taken >= 1 && taken <= len, "%zu of %zu bytes", taken, len);
        REQUIRE(!(message && problem), "a message or a problem");
        REQUIRE(input.text->len <= 4097, "the limit holds");
        at += taken;
        if (message || problem) {
            JsonObject *answer = control_answer(tables, &negotiated, message, problem);
            check_answer(answer);
            json_object_unref(answer);
        }
        if (message) {
            show(last ? last : message, message);
            if (last)
                json_object_unref(last);
            last = message;
        }
        g_clear_error(&problem);
    }
    if (last)
        json_object_unref(last);
    control_input_finish(&input);
    g_array_unref(tables);
    return 0;
}
