/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm stop, pause, resume, reset, set: change a guest that runs, by its control socket. */
#include "vmm/commands.h"
#include "vmm/control/client.h"
#include "vmm/error.h"
#include "vmm/units.h"

#include <string.h>

/* One command about a guest. */
static bool call(struct control_client *client, const char *command, JsonObject *arguments, GError **error)
{
    g_autoptr(JsonNode) result = control_client_call(client, command, arguments, error);

    return result != NULL;
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
    control_client_close(client);
    return ok ? EXIT_OK : command_fail(error);
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
    if (control_client_wait(client, "SHUTDOWN", guest, (gint64)(seconds * G_USEC_PER_SEC)))
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s has not shut down within %g s (vmm stop --force %s ends it)", guest, seconds, guest);
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
    if (!(seconds >= 0 && seconds <= 1e6)) {
        fputs("vmm: stop: --timeout is not between 0 and 1000000 seconds\n", stderr);
        return EXIT_USAGE;
    }
    struct control_client *client = control_client_find(path, argv[1], &error);
    bool ok = client && stop(client, argv[1], force, seconds, &error);
    control_client_close(client);
    return ok ? EXIT_OK : command_fail(error);
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
    control_client_close(client);
    return ok ? EXIT_OK : command_fail(error);
}
