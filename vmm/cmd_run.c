/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm run: reads and checks a configuration, then hands it to the session. */
#include "vmm/commands.h"
#include "vmm/config.h"
#include "vmm/error.h"
#include "vmm/session.h"

int cmd_run(int argc, char **argv)
{
    g_auto(GStrv) overrides = NULL;
    g_autofree char *timeline = NULL, *device = NULL;
    double timeout = 0;
    gboolean stats = FALSE;
    const GOptionEntry entries[] = {
        {"override", 'o', 0, G_OPTION_ARG_STRING_ARRAY, &overrides, "Set a key, as in -o alpha.memory=128M", "SECTION.KEY=VALUE"},
        {"timeout", 't', 0, G_OPTION_ARG_DOUBLE, &timeout, "Stop the guests after this time, with exit code 124", "SECONDS"},
        {"stats", 's', 0, G_OPTION_ARG_NONE, &stats, "At the end, print what each guest did with the GPU", NULL},
        {"timeline", 0, 0, G_OPTION_ARG_FILENAME, &timeline, "At the end, draw who had which engine when", "FILE.svg|FILE.png"},
        {"kvm", 0, 0, G_OPTION_ARG_FILENAME, &device, "KVM device instead of /dev/kvm", "DEVICE"},
        {0},
    };
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 1, 1, &code))
        return code;
    if (timeout < 0 || timeout > 1e6) {
        fputs("vmm: run: --timeout is not between 0 and 1000000 seconds\n", stderr);
        return EXIT_USAGE;
    }
    if (timeline && !g_str_has_suffix(timeline, ".svg") && !g_str_has_suffix(timeline, ".png")) {
        fprintf(stderr, "vmm: run: --timeline %s: the name ends neither in .svg nor in .png\n", timeline);
        return EXIT_USAGE;
    }
    struct config *config = config_load(argv[1], (const char *const *)overrides, &error);
    if (!config || !config_check(config, &error)) {
        config_free(config);
        return command_fail(error);
    }
    struct session_options options = {
        .device = device ? device : "/dev/kvm", .timeout_s = timeout, .stats = stats, .timeline = timeline};
    code = session_run(config, &options, &error);
    config_free(config);
    return code == EXIT_OK || !error ? code : command_fail(error);
}
