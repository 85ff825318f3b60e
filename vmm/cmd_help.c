/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmm help: the commands, one command, or the keys of the configuration file. The keys, policies and types come from the tables that the
 * program itself uses; docs/configuration.md holds a copy of the Markdown form, which tests/docs.sh compares.
 */
#include "vmm/commands.h"
#include "vmm/error.h"
#include "vmm/manual/manual.h"
#include "vmm/options.h"
#include "vmm/units.h"

#include "mmio/vgpu.h"
#include "scheduler/policy.h"

#include <string.h>

static void print_config_help(void)
{
    puts("Keys of a configuration file. Sizes take K, M, G, T; durations ns, us, ms, s, min.");
    for (unsigned group = 0; group < OPTION_GROUPS; group++) {
        printf("\n[%s%s]\n", option_group_names[group], option_group_is_named(group) ? " NAME" : "");
        for (size_t i = 0; i < option_count; i++) {
            const struct option *o = &options[i];
            if (o->group != group)
                continue;
            g_autofree char *values = option_values(o), *title = option_title(o);
            printf("  %-10s  %s (%s)", title, o->help, values);
            if (!o->fallback)
                puts("; required");
            else if (*o->fallback)
                printf("; default %s\n", o->fallback);
            else
                puts("");
        }
    }
}

static void print_keys_markdown(unsigned group)
{
    printf("\n#### `[%s%s]`\n\n| key | values | default | meaning |\n| --- | --- | --- | --- |\n", option_group_names[group],
           option_group_is_named(group) ? " NAME" : "");
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &options[i];
        if (o->group != group)
            continue;
        g_autofree char *values = option_values(o), *title = option_title(o);
        const char *mark = o->fallback && *o->fallback ? "`" : "";
        printf("| `%s` | %s | %s%s%s | %s |\n", title, values, mark, o->fallback ? o->fallback : "required", mark, o->help);
    }
}

static void print_config_markdown(void)
{
    for (unsigned group = 0; group < OPTION_GROUPS; group++)
        print_keys_markdown(group);
    puts("\n#### Values of `policy`\n\n| policy | how it shares |\n| --- | --- |");
    for (const char *const *name = policy_names(); *name; name++)
        printf("| `%s` | %s |\n", *name, policy_find(*name)->help);
    puts("\n#### vGPU types\n\n| type | low graphics memory | high | fences | monitor | weight |\n| --- | --- | --- | --- | --- | --- |");
    for (const struct vgpu_type *type = vgpu_types; type->name; type++) {
        g_autofree char *low = format_size(type->low_gm), *high = format_size(type->high_gm);
        printf("| `%s` | %s | %s | %u | %ux%u | %u |\n", type->name, low, high, type->fences, type->width, type->height, type->weight);
    }
    puts("");
}

/* What is not for people at a terminal: what the build and the documentation are made of. */
static int print_generated(bool config, bool markdown, bool man)
{
    if (markdown && !config) {
        fputs("vmm: help: --markdown is for vmm help config\n", stderr);
        return EXIT_USAGE;
    }
    if (markdown)
        print_config_markdown();
    else if (man)
        (config ? manual_print_config : manual_print_program)(stdout);
    else
        manual_print_completion(stdout);
    return EXIT_OK;
}

int cmd_help(int argc, char **argv)
{
    char *help[] = {NULL, "--help", NULL};
    gboolean markdown = FALSE, man = FALSE, completion = FALSE;
    const GOptionEntry entries[] = {
        {"markdown", 0, 0, G_OPTION_ARG_NONE, &markdown, "With config: print Markdown tables", NULL},
        {"man", 0, 0, G_OPTION_ARG_NONE, &man, "Print the manual page vmm(1); with config: vmm.ini(5)", NULL},
        {"bash-completion", 0, 0, G_OPTION_ARG_NONE, &completion, "Print the completion script for bash", NULL},
        {0},
    };
    int code;

    if (!command_parse(&argc, &argv, entries, 0, 1, &code))
        return code;
    bool config = argc == 2 && strcmp(argv[1], "config") == 0;
    if (argc == 2 && !config && (man || completion)) {
        fputs("vmm: help: --man and --bash-completion are for all commands (leave the command out)\n", stderr);
        return EXIT_USAGE;
    }
    if (markdown || man || completion)
        return print_generated(config, markdown, man);
    if (config) {
        print_config_help();
        return EXIT_OK;
    }
    if (argc == 1) {
        command_print_list(stdout);
        return EXIT_OK;
    }
    const struct command *command = command_find(argv[1]);
    if (!command)
        return command_unknown(argv[1]);
    help[0] = (char *)command->name;
    return command->run(2, help);
}
