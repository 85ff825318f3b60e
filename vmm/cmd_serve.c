/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm serve: reads and checks a configuration, then offers its vGPUs to other VMMs. */
#include "vmm/commands.h"
#include "vmm/config.h"
#include "vmm/error.h"
#include "vmm/serve.h"

static int serve(const char *path, const char *const *overrides, double timeout, bool once, bool no_sandbox, const char *control,
                 const struct output_options *outputs)
{
    struct serve_options options = {.timeout_s = timeout, .once = once, .outputs = outputs};
    GError *error = NULL;

    if (timeout < 0 || timeout > 1e6) {
        fputs("vmm: serve: --timeout is not between 0 and 1000000 seconds\n", stderr);
        return EXIT_USAGE;
    }
    if (!output_options_check(outputs, "serve"))
        return EXIT_USAGE;
    struct config *config = config_load(path, overrides, &error);
    if (config && control)
        config_set_control(config, control);
    if (!config || !config_check(config, CONFIG_CHECK_BEFORE_START, &error)) {
        config_free(config);
        return command_fail(error);
    }
    if (config->vgpus->len == 0 && !config->gpu.mdev) {
        int code = command_wrong_kind(config, "serve", "vGPU", "vmm run");
        config_free(config);
        return code;
    }
    options.mdev = config->gpu.mdev ? mdev_mount(config->gpu.mdev, &error) : NULL;
    if (error) {
        config_free(config);
        return command_fail(error);
    }
    command_begin_sandbox(config, no_sandbox);
    int code = serve_run(config, &options, &error);
    config_free(config);
    return code == EXIT_OK || !error ? code : command_fail(error);
}

int cmd_serve(int argc, char **argv)
{
    g_auto(GStrv) overrides = NULL;
    g_autofree char *control = NULL;
    struct output_options outputs = {0};
    double timeout = 0;
    gboolean once = FALSE, no_sandbox = FALSE;
    const GOptionEntry entries[] = {
        {"override", 'o', 0, G_OPTION_ARG_STRING_ARRAY, &overrides, "Set a key, as in -o alpha.weight=3", "SECTION.KEY=VALUE"},
        {"timeout", 't', 0, G_OPTION_ARG_DOUBLE, &timeout, "Stop after this time, with exit code 124", "SECONDS"},
        {"once", 0, 0, G_OPTION_ARG_NONE, &once, "End when each vGPU has had a client and the last of them has left", NULL},
        {"no-sandbox", 0, 0, G_OPTION_ARG_NONE, &no_sandbox, "Keep all rights of the process, for debuggers and other tools", NULL},
        {"control", 0, 0, G_OPTION_ARG_FILENAME, &control, "Listen for vmm ps, vmm top and QMP clients, as the key control of [vmm]", "PATH|auto"},
        OUTPUT_OPTION_ENTRIES(&outputs),
        {0},
    };
    int code;

    if (command_parse(&argc, &argv, entries, 1, 1, &code))
        code = serve(argv[1], (const char *const *)overrides, timeout, once, no_sandbox, control, &outputs);
    output_options_clear(&outputs);
    return code;
}
