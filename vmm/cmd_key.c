/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm key, type: a guest's keyboard, by its control socket. */
#include "vmm/commands.h"
#include "vmm/control/client.h"
#include "vmm/display/keymap.h"
#include "vmm/display/keys.h"
#include "vmm/error.h"

#include <linux/input-event-codes.h>
#include <string.h>

enum { HOLD_MS = 100, TYPE_HOLD_MS = 20, KEYS_MAX = 256 };

static void add_key(JsonArray *keys, const char *name)
{
    const bool number = g_str_has_prefix(name, "0x");
    JsonObject *key = json_object_new();

    json_object_set_string_member(key, "type", number ? "number" : "qcode");
    if (number)
        json_object_set_int_member(key, "data", (gint64)MIN(g_ascii_strtoull(name, NULL, 16), G_MAXINT64));
    else
        json_object_set_string_member(key, "data", strcmp(name, "<") == 0 ? "less" : name);
    json_array_add_object_element(keys, key);
}

/* Takes keys over. The VMM types them; when the next may come is for the caller to know. */
static bool send_keys(struct control_client *client, const char *guest, JsonArray *keys, int hold_ms, GError **error)
{
    JsonObject *arguments = control_guest_arguments(guest);

    json_object_set_array_member(arguments, "keys", keys);
    json_object_set_int_member(arguments, "hold-time", hold_ms);
    g_autoptr(JsonNode) result = control_client_call(client, "send-key", arguments, error);
    return result != NULL;
}

/* "ctrl-alt-f2", as sendkey of QEMU's monitor has it. */
static bool press(struct control_client *client, const char *guest, const char *text, int hold_ms, GError **error)
{
    g_auto(GStrv) names = g_strsplit(text, "-", -1);
    JsonArray *keys = json_array_new();

    for (char **name = names; *name; name++)
        add_key(keys, *name);
    return send_keys(client, guest, keys, hold_ms, error);
}

static bool parse_hold(int hold_ms, const char *command)
{
    if (hold_ms >= 0 && hold_ms <= 60000)
        return true;
    fprintf(stderr, "vmm: %s: --hold is not between 0 and 60000 ms\n", command);
    return false;
}

int cmd_key(int argc, char **argv)
{
    g_autofree char *path = NULL;
    int code, hold_ms = HOLD_MS;
    const GOptionEntry entries[] = {CONTROL_OPTION_ENTRY(&path),
                                    {"hold", 0, 0, G_OPTION_ARG_INT, &hold_ms, "How long the keys are down (100)", "MILLISECONDS"},
                                    {0}};
    GError *error = NULL;

    if (!command_parse(&argc, &argv, entries, 2, KEYS_MAX, &code))
        return code;
    if (!parse_hold(hold_ms, "key"))
        return EXIT_USAGE;
    struct control_client *client = control_client_find(path, argv[1], &error);
    bool ok = client != NULL;
    for (int i = 2; ok && i < argc; i++)
        ok = press(client, argv[1], argv[i], hold_ms, &error);
    control_client_close(client);
    return ok ? EXIT_OK : command_fail(error);
}

/* One character, with the modifiers that the layout has it behind. */
static bool type(struct control_client *client, const struct keymap *keymap, const char *guest, gunichar character, int hold_ms, GError **error)
{
    struct keystroke stroke;
    const char *name = keymap_find(keymap, keymap_symbol(character), &stroke) ? key_name(stroke.code) : NULL;

    if (!name) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "the keyboard layout has no key for the character U+%04X (--keymap names another layout)", character);
        return false;
    }
    JsonArray *keys = json_array_new();
    if (stroke.shift)
        add_key(keys, key_name(KEY_LEFTSHIFT));
    if (stroke.level3)
        add_key(keys, key_name(KEY_RIGHTALT));
    add_key(keys, name);
    return send_keys(client, guest, keys, hold_ms, error);
}

static bool type_all(struct control_client *client, const struct keymap *keymap, const char *guest, const char *text, int hold_ms, GError **error)
{
    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        if (!type(client, keymap, guest, g_utf8_get_char(c), hold_ms, error))
            return false;
        g_usleep((gulong)(hold_ms + hold_ms / 4 + 1) * 1000); /* so that few wait there */
    }
    return true;
}

int cmd_type(int argc, char **argv)
{
    g_autofree char *path = NULL, *layout = NULL;
    int code, hold_ms = TYPE_HOLD_MS;
    const GOptionEntry entries[] = {CONTROL_OPTION_ENTRY(&path),
                                    {"keymap", 0, 0, G_OPTION_ARG_STRING, &layout, "Keyboard layout that the guest has set (us)", "LAYOUT"},
                                    {"hold", 0, 0, G_OPTION_ARG_INT, &hold_ms, "How long each key is down (20)", "MILLISECONDS"},
                                    {0}};
    GError *error = NULL;

    if (!command_parse(&argc, &argv, entries, 2, 2, &code))
        return code;
    if (!parse_hold(hold_ms, "type"))
        return EXIT_USAGE;
    struct keymap *keymap = keymap_create(layout ? layout : "us");
    if (!keymap || !g_utf8_validate(argv[2], -1, NULL)) {
        fprintf(stderr, "vmm: type: %s\n", keymap ? "the text is not UTF-8" : "--keymap is no keyboard layout that XKB knows (try us)");
        keymap_destroy(keymap);
        return EXIT_USAGE;
    }
    struct control_client *client = control_client_find(path, argv[1], &error);
    bool ok = client && type_all(client, keymap, argv[1], argv[2], hold_ms, &error);
    control_client_close(client);
    keymap_destroy(keymap);
    return ok ? EXIT_OK : command_fail(error);
}
