/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm help: the commands, one command, or the keys of the configuration file (from the option table). */
#include "vmm/commands.h"
#include "vmm/error.h"
#include "vmm/options.h"
#include "vmm/units.h"

#include <string.h>

static void print_config_help(void)
{
    puts("Keys of a configuration file. Sizes take K, M, G, T; durations us, ms, s, min.");
    for (unsigned group = 0; group < OPTION_GROUPS; group++) {
        printf("\n[%s%s]\n", option_group_names[group], group == OPTION_VM ? " NAME" : "");
        for (size_t i = 0; i < option_count; i++) {
            const struct option *o = &options[i];
            if (o->group != group)
                continue;
            printf("  %-10s  %s", o->key, o->help);
            if (o->choices) {
                g_auto(GStrv) names = o->choices();
                g_autofree char *list = g_strjoinv(", ", names);
                printf(" (%s)", list);
            }
            if (!o->fallback)
                puts("; required");
            else if (*o->fallback)
                printf("; default %s\n", o->fallback);
            else
                puts("");
        }
    }
}

int cmd_help(int argc, char **argv)
{
    char *help[] = {NULL, "--help", NULL};
    int code;

    if (!command_parse(&argc, &argv, NULL, 0, 1, &code))
        return code;
    if (argc == 1) {
        command_print_list(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "config") == 0) {
        print_config_help();
        return EXIT_OK;
    }
    const struct command *command = command_find(argv[1]);
    if (!command)
        return command_unknown(argv[1]);
    help[0] = (char *)command->name;
    return command->run(2, help);
}
