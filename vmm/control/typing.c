/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands that type at a guest and point: send-key and input-send-event in QEMU's form (qapi/ui.json), so that its clients work here. See control.h; each
 * is a row of the table at the end. A message that is wrong anywhere does nothing at all.
 */
#include "vmm/control/internal.h"

#include "vmm/control/strokes.h"
#include "vmm/display/keys.h"

#include <string.h>

enum {
    EVENTS_MAX = 128, /* with their end marks less than a device keeps for its guest (VIRTIO_INPUT_PENDING) */
    HOLD_MS = 100,
    HOLD_MS_MAX = 60000,
};

static bool G_GNUC_PRINTF(2, 3) fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, CONTROL_ERROR, CONTROL_ERROR_GENERIC, text);
    return false;
}

/* An object of two members, a and b, both there; what names it in errors. */
static JsonObject *pair(JsonNode *node, const char *what, const char *a, const char *b, GError **error)
{
    JsonObject *object = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;

    if (object && json_object_get_size(object) == 2 && json_object_has_member(object, a) && json_object_has_member(object, b))
        return object;
    fail(error, "%s is not an object of %s and %s", what, a, b);
    return NULL;
}

/* A member of that type, as has_type() of dispatch.c sees them. */
static bool holds(JsonObject *object, const char *name, GType type)
{
    JsonNode *node = json_object_get_member(object, name);

    return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

/* {"type": "qcode", "data": "ctrl"} or {"type": "number", "data": 29} */
static bool parse_key(JsonNode *node, unsigned *code, GError **error)
{
    JsonObject *key = pair(node, "a key", "type", "data", error);

    if (!key)
        return false;
    const char *type = holds(key, "type", G_TYPE_STRING) ? json_object_get_string_member(key, "type") : "";
    if (strcmp(type, "qcode") == 0 && holds(key, "data", G_TYPE_STRING)) {
        const char *name = json_object_get_string_member(key, "data"), *guess = key_suggest(name);
        return key_by_name(name, code) || (guess ? fail(error, "there is no key %s (did you mean %s?)", name, guess)
                                                 : fail(error, "there is no key %s (QEMU's documentation lists them as QKeyCode)", name));
    }
    if (strcmp(type, "number") == 0 && holds(key, "data", G_TYPE_INT64)) {
        gint64 number = json_object_get_int_member(key, "data");
        return key_by_number(number, code) || fail(error, "there is no key of the number %" G_GINT64_FORMAT, number);
    }
    return fail(error, "a key is neither {\"type\": \"qcode\", \"data\": NAME} nor {\"type\": \"number\", \"data\": SCAN-CODE}");
}

/* One of input-send-event's events. */
struct action {
    enum { ACTION_KEY, ACTION_BUTTON, ACTION_X, ACTION_Y } kind;
    unsigned value; /* a key's code, a bit of enum input_buttons, a position */
    bool down;
};

static bool parse_button(JsonObject *data, unsigned *button, GError **error)
{
    static const struct {
        const char *name;
        unsigned bit;
    } buttons[] = {{"left", INPUT_LEFT}, {"middle", INPUT_MIDDLE}, {"right", INPUT_RIGHT}, {"wheel-up", INPUT_WHEEL_UP}, {"wheel-down", INPUT_WHEEL_DOWN},
                   {"side", INPUT_SIDE}, {"extra", INPUT_EXTRA}, {"wheel-left", INPUT_WHEEL_LEFT}, {"wheel-right", INPUT_WHEEL_RIGHT}};
    const char *name = holds(data, "button", G_TYPE_STRING) ? json_object_get_string_member(data, "button") : "";

    for (unsigned i = 0; i < G_N_ELEMENTS(buttons); i++)
        if (strcmp(buttons[i].name, name) == 0) {
            *button = buttons[i].bit;
            return true;
        }
    return fail(error, "button: \"%s\" is none of left, middle, right, side, extra, wheel-up, wheel-down, wheel-left and wheel-right", name);
}

static bool parse_axis(JsonObject *data, struct action *action, GError **error)
{
    const char *axis = holds(data, "axis", G_TYPE_STRING) ? json_object_get_string_member(data, "axis") : "";
    gint64 value = holds(data, "value", G_TYPE_INT64) ? json_object_get_int_member(data, "value") : -1;

    if (strcmp(axis, "x") != 0 && strcmp(axis, "y") != 0)
        return fail(error, "axis: \"%s\" is neither x nor y", axis);
    if (value < 0 || value > INPUT_AXIS_MAX)
        return fail(error, "value: not between 0, left or top, and %d, right or bottom", INPUT_AXIS_MAX);
    action->kind = *axis == 'x' ? ACTION_X : ACTION_Y;
    action->value = (unsigned)value;
    return true;
}

static bool parse_event(JsonNode *node, struct action *action, GError **error)
{
    JsonObject *event = pair(node, "an event", "type", "data", error), *data;
    const char *type = event && holds(event, "type", G_TYPE_STRING) ? json_object_get_string_member(event, "type") : "";
    bool key = strcmp(type, "key") == 0;

    if (!event)
        return false;
    if (strcmp(type, "abs") == 0)
        return (data = pair(json_object_get_member(event, "data"), "data of abs", "axis", "value", error)) && parse_axis(data, action, error);
    if (strcmp(type, "rel") == 0)
        return fail(error, "rel: the guest's pointer is a tablet, which takes positions only (try abs)");
    if (!key && strcmp(type, "btn") != 0)
        return fail(error, "type: \"%s\" is none of key, btn and abs", type);
    data = pair(json_object_get_member(event, "data"), key ? "data of key" : "data of btn", key ? "key" : "button", "down", error);
    if (!data)
        return false;
    if (!holds(data, "down", G_TYPE_BOOLEAN))
        return fail(error, "down is neither true nor false");
    action->down = json_object_get_boolean_member(data, "down");
    action->kind = key ? ACTION_KEY : ACTION_BUTTON;
    return key ? parse_key(json_object_get_member(data, "key"), &action->value, error) : parse_button(data, &action->value, error);
}

/* The keyboard and tablet of the VM that the argument name names, or of the only one; NULL with an error. */
static const struct input *find_input(struct control *control, JsonObject *arguments, GError **error)
{
    unsigned user = 0;

    if (!control->config.input) {
        control_refuse_served(error);
        return NULL;
    }
    const unsigned count = gpu_setup_count(control->config.figures->gpu);
    if (!json_object_has_member(arguments, "name") && count != 1) {
        fail(error, "argument name is missing: there are %u VMs (query-vms lists them)", count);
        return NULL;
    }
    if (json_object_has_member(arguments, "name") && !control_find_user(control, arguments, &user, error))
        return NULL;
    const char *name = gpu_setup_user(control->config.figures->gpu, user)->name;
    if (control->config.machine && !control_runs(control_machine(control, user))) {
        fail(error, "guest %s has ended", name);
        return NULL;
    }
    const struct input *input = control->config.input(control->config.opaque, user);
    if (!input->keyboard) {
        fail(error, "guest %s has neither keyboard nor tablet (give it input = yes)", name);
        return NULL;
    }
    return input;
}

static JsonNode *run_send_key(void *opaque, JsonObject *arguments, GError **error)
{
    struct control *control = opaque;
    JsonArray *keys = json_object_get_array_member(arguments, "keys");
    struct stroke stroke = {.count = json_array_get_length(keys),
                            .hold_ms = (unsigned)json_object_get_int_member_with_default(arguments, "hold-time", HOLD_MS)};

    for (unsigned i = 0; i < stroke.count; i++)
        if (!parse_key(json_array_get_element(keys, i), &stroke.codes[i], error))
            return NULL;
    const struct input *input = find_input(control, arguments, error);
    if (!input)
        return NULL;
    if (strokes_add(control->strokes, input, &stroke))
        return control_nothing();
    fail(error, "%d strokes of keys wait to be typed already (send fewer at a time, or a shorter hold-time)", STROKES_WAITING);
    return NULL;
}

/* Positions on both axes that follow each other are one move. */
static void act(const struct input *input, const struct action *actions, unsigned count)
{
    unsigned x, y, told = 0; /* told: bits of the axes that a move waits with */

    input_position(input, &x, &y);
    for (unsigned i = 0; i < count; i++) {
        const struct action *action = &actions[i];
        const unsigned axis = action->kind == ACTION_X ? 1 : action->kind == ACTION_Y ? 2 : 0;
        if (told && (!axis || (told & axis))) {
            input_send_position(input, x, y);
            told = 0;
        }
        told |= axis;
        if (action->kind == ACTION_KEY)
            input_send_key(input, action->value, action->down);
        else if (action->kind == ACTION_BUTTON)
            input_send_buttons(input, action->down ? 0 : action->value, action->down ? action->value : 0);
        else
            *(action->kind == ACTION_X ? &x : &y) = action->value;
    }
    if (told)
        input_send_position(input, x, y);
}

static JsonNode *run_send_events(void *opaque, JsonObject *arguments, GError **error)
{
    JsonArray *events = json_object_get_array_member(arguments, "events");
    unsigned count = json_array_get_length(events);
    struct action actions[EVENTS_MAX];

    for (unsigned i = 0; i < count; i++)
        if (!parse_event(json_array_get_element(events, i), &actions[i], error))
            return NULL;
    const struct input *input = find_input(opaque, arguments, error);
    if (!input)
        return NULL;
    act(input, actions, count);
    return control_nothing();
}

#define NAME {"name", CONTROL_STRING, .optional = true, .help = "the VM; not needed when there is only one"}

const struct control_command control_typing_commands[] = {
    {"send-key",
     {NAME,
      {"keys", CONTROL_ARRAY, .min = 1, .max = STROKES_KEYS, .help = "`{\"type\": \"qcode\", \"data\": \"ctrl\"}`, or `\"number\"` with a scan code; pressed in this order"},
      {"hold-time", CONTROL_NUMBER, .optional = true, .min = 0, .max = HOLD_MS_MAX, .help = "milliseconds until they are let go; 100 if not given"}},
     "press keys of a VM's keyboard together, and let them go; several commands are typed one after the other", run_send_key},
    {"input-send-event",
     {NAME,
      {"events", CONTROL_ARRAY, .min = 0, .max = EVENTS_MAX, .help = "`key`, `btn` and `abs` events as QEMU has them; a key or button that is down stays so until one says otherwise"}},
     "send events of keyboard and tablet to a VM, all or none", run_send_events},
    {0},
};
