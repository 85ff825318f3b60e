/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm run: reads and checks a configuration, then hands it to the session. */
#include "vmm/commands.h"
#include "vmm/config.h"
#include "vmm/error.h"
#include "vmm/session.h"

static int run(const char *path, const char *const *overrides, double timeout, const char *device, bool no_sandbox, const char *control,
               const struct output_options *outputs)
{
    struct session_options options = {.device = device ? device : "/dev/kvm", .timeout_s = timeout, .outputs = outputs};
    GError *error = NULL;

    if (timeout < 0 || timeout > 1e6) {
        fputs("vmm: run: --timeout is not between 0 and 1000000 seconds\n", stderr);
        return EXIT_USAGE;
    }
    if (!output_options_check(outputs, "run"))
        return EXIT_USAGE;
    struct config *config = config_load(path, overrides, &error);
    if (config && control)
        config_set_control(config, control);
    if (!config || !config_check(config, CONFIG_CHECK_BEFORE_START, &error)) {
        config_free(config);
        return command_fail(error);
    }
    command_begin_sandbox(config, no_sandbox);
    int code = config->vms->len ? session_run(config, &options, &error) : command_wrong_kind(config, "run", "VM", "vmm serve");
    config_free(config);
    return code == EXIT_OK || !error ? code : command_fail(error);
}

int cmd_run(int argc, char **argv)
{
    g_auto(GStrv) overrides = NULL;
    g_autofree char *device = NULL;
    g_autofree char *control = NULL;
    struct output_options outputs = {0};
    double timeout = 0;
    gboolean no_sandbox = FALSE;
    const GOptionEntry entries[] = {
        {"override", 'o', 0, G_OPTION_ARG_STRING_ARRAY, &overrides, "Set a key, as in -o alpha.memory=128M", "SECTION.KEY=VALUE"},
        {"timeout", 't', 0, G_OPTION_ARG_DOUBLE, &timeout, "Stop the guests after this time, with exit code 124", "SECONDS"},
        {"no-sandbox", 0, 0, G_OPTION_ARG_NONE, &no_sandbox, "Keep all rights of the process, for debuggers and other tools", NULL},
        {"control", 0, 0, G_OPTION_ARG_FILENAME, &control, "Listen for vmm ps, vmm top and QMP clients, as the key control of [vmm]", "PATH|auto"},
        OUTPUT_OPTION_ENTRIES(&outputs),
        {"kvm", 0, 0, G_OPTION_ARG_FILENAME, &device, "KVM device instead of /dev/kvm", "DEVICE"},
        {0},
    };
    int code;

    if (command_parse(&argc, &argv, entries, 1, 1, &code))
        code = run(argv[1], (const char *const *)overrides, timeout, device, no_sandbox, control, &outputs);
    output_options_clear(&outputs);
    return code;
}
