/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm stop, pause, resume, reset, plug, unplug, set: change a guest that runs, by its control socket. */
#include "vmm/commands.h"
#include "vmm/control/client.h"
#include "vmm/error.h"
#include "vmm/units.h"

#include <stdio.h>
#include <string.h>

/* One command about a guest. */
static bool call(struct control_client *client, const char *command, JsonObject *arguments, GError **error)
{
    g_autoptr(JsonNode) result = control_client_call(client, command, arguments, error);

    return result != NULL;
}

/* The exit code. */
static int finish(struct control_client *client, bool ok, GError *error)
{
    control_client_close(client);
    return ok ? EXIT_OK : command_fail(error);
}

/* A subcommand that is one command of the socket. */
static int simple(int argc, char **argv, const char *command)
{
    g_autofree char *path = NULL;
    const GOptionEntry entries[] = {CONTROL_OPTION_ENTRY(&path), {0}};
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 1, 1, &code))
        return code;
    struct control_client *client = control_client_find(path, argv[1], &error);
    bool ok = client && call(client, command, control_guest_arguments(argv[1]), &error);
    return finish(client, ok, error);
}

int cmd_pause(int argc, char **argv)
{
    return simple(argc, argv, "stop");
}

int cmd_reset(int argc, char **argv)
{
    return simple(argc, argv, "system_reset");
}

int cmd_resume(int argc, char **argv)
{
    return simple(argc, argv, "cont");
}

static bool stop(struct control_client *client, const char *guest, bool force, double seconds, GError **error)
{
    if (!call(client, force ? "quit" : "system_powerdown", control_guest_arguments(guest), error))
        return false;
    if (control_client_wait(client, (const char *const[]){"SHUTDOWN", NULL}, guest, (gint64)(seconds * G_USEC_PER_SEC)))
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s has not shut down within %g s (vmm stop --force %s ends it)", guest, seconds, guest);
    return false;
}

static bool is_duration(const char *command, double seconds)
{
    if (seconds >= 0 && seconds <= 1e6)
        return true;
    fprintf(stderr, "vmm: %s: --timeout is not between 0 and 1000000 seconds\n", command);
    return false;
}

int cmd_stop(int argc, char **argv)
{
    g_autofree char *path = NULL;
    gboolean force = FALSE;
    double seconds = 60;
    const GOptionEntry entries[] = {
        CONTROL_OPTION_ENTRY(&path),
        {"force", 'f', 0, G_OPTION_ARG_NONE, &force, "End it at once instead of pressing its power button", NULL},
        {"timeout", 't', 0, G_OPTION_ARG_DOUBLE, &seconds, "How long to wait for its end (60)", "SECONDS"},
        {0}};
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 1, 1, &code))
        return code;
    if (!is_duration(argv[0], seconds))
        return EXIT_USAGE;
    struct control_client *client = control_client_find(path, argv[1], &error);
    bool ok = client && stop(client, argv[1], force, seconds, &error);
    return finish(client, ok, error);
}

int cmd_plug(int argc, char **argv)
{
    g_autofree char *path = NULL, *monitor = NULL;
    gint64 weight = 0;
    const GOptionEntry entries[] = {CONTROL_OPTION_ENTRY(&path),
                                    {"weight", 'w', 0, G_OPTION_ARG_INT64, &weight, "Its share of each engine's time; what the VM had if not given", "N"},
                                    {"monitor", 'm', 0, G_OPTION_ARG_STRING, &monitor, "Its monitor's plug; what the VM had if not given", "dp|hdmi"},
                                    {0}};
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 2, 2, &code))
        return code;
    JsonObject *arguments = control_guest_arguments(argv[1]);
    json_object_set_string_member(arguments, "type", argv[2]);
    if (weight)
        json_object_set_int_member(arguments, "weight", weight);
    if (monitor)
        json_object_set_string_member(arguments, "monitor", monitor);
    struct control_client *client = control_client_find(path, argv[1], &error);
    bool ok = client && call(client, "device_add", json_object_ref(arguments), &error);
    json_object_unref(arguments);
    return finish(client, ok, error);
}

static bool unplug(struct control_client *client, const char *guest, double seconds, GError **error)
{
    static const char *const events[] = {"DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR", NULL};

    if (!call(client, "device_del", control_guest_arguments(guest), error))
        return false;
    const char *event = control_client_wait(client, events, guest, (gint64)(seconds * G_USEC_PER_SEC));
    if (event == events[0])
        return true;
    if (event == events[1])
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s does not let go of its GPU", guest);
    else if (event)
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "the VMM of guest %s has ended", guest);
    else
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s has not let go of its GPU within %g s; it is still asked to, and does when it is reset", guest, seconds);
    return false;
}

int cmd_unplug(int argc, char **argv)
{
    g_autofree char *path = NULL;
    double seconds = 60;
    const GOptionEntry entries[] = {
        CONTROL_OPTION_ENTRY(&path),
        {"timeout", 't', 0, G_OPTION_ARG_DOUBLE, &seconds, "How long to wait for the guest to let go of it (60)", "SECONDS"},
        {0}};
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 1, 1, &code))
        return code;
    if (!is_duration(argv[0], seconds))
        return EXIT_USAGE;
    struct control_client *client = control_client_find(path, argv[1], &error);
    bool ok = client && unplug(client, argv[1], seconds, &error);
    return finish(client, ok, error);
}

/* One KEY=VALUE. */
static bool set(struct control_client *client, const char *guest, const char *setting, GError **error)
{
    static const struct {
        const char *command;
        bool number, of_guest;
    } settings[] = {{"set-vgpu", true, true}, {"set-vgpu", true, true}, {"set-vgpu", false, true}, {"set-policy", false, false}};
    static const char *const keys[] = {"weight", "gpu_cap", "class", "policy", NULL}; /* of settings */
    const char *equals = strchr(setting, '=');
    g_autofree char *key = equals ? g_strndup(setting, (gsize)(equals - setting)) : g_strdup(setting);
    unsigned i = 0;
    uint64_t number = 0;

    while (keys[i] && strcmp(keys[i], key) != 0)
        i++;
    if (!keys[i] || !equals) {
        const char *guess = suggest(key, keys);
        return guess ? fail_config(error, setting, equals ? "unknown key (did you mean %s?)" : "not of the form KEY=VALUE (try %s=...)", guess)
                     : fail_config(error, setting, "not known (try weight=4, gpu_cap=50, class=latency or policy=fair)");
    }
    if (settings[i].number && (!parse_number(equals + 1, &number) || number > G_MAXINT32))
        return fail_config(error, setting, "\"%s\" is not a number (try %s=4)", equals + 1, key);
    JsonObject *arguments = settings[i].of_guest ? control_guest_arguments(guest) : json_object_new();
    if (settings[i].number)
        json_object_set_int_member(arguments, key, (gint64)number);
    else
        json_object_set_string_member(arguments, key, equals + 1);
    return call(client, settings[i].command, arguments, error);
}

int cmd_set(int argc, char **argv)
{
    g_autofree char *path = NULL;
    const GOptionEntry entries[] = {CONTROL_OPTION_ENTRY(&path), {0}};
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 2, 16, &code))
        return code;
    struct control_client *client = control_client_find(path, argv[1], &error);
    bool ok = client != NULL;
    for (int i = 2; ok && i < argc; i++)
        ok = set(client, argv[1], argv[i], &error);
    return finish(client, ok, error);
}
