/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmm help: the commands, one command, the keys of the configuration file, or the metrics. All come from the tables that the program itself uses;
 * docs/configuration.md and docs/observing.md hold copies of the Markdown form, which tests/docs.sh compares.
 */
#include "vmm/commands.h"
#include "vmm/error.h"
#include "vmm/observe/figures.h"
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

static void print_metrics(bool markdown)
{
    if (markdown)
        puts("\n| metric | kind | labels | meaning |\n| --- | --- | --- | --- |");
    for (size_t i = 0; i < figure_count; i++) {
        const struct figure_desc *desc = &figure_descs[i];
        g_autofree char *name = figure_metric_name(desc);
        const char *label = figure_label(desc->dimension), *kind = desc->counter ? "counter" : "gauge", *vm = desc->subject == FIGURE_RUN ? "" : "vm";
        if (markdown)
            printf("| `%s` | %s | %s%s%s | %s |\n", name, kind, vm, label ? ", " : "", label ? label : "", desc->help);
        else
            printf("%-42s %-8s %s%s%s%s  %s\n", name, kind, *vm ? "{vm" : "", label ? "," : "", label ? label : "", *vm ? "}" : "", desc->help);
    }
    if (markdown)
        puts("");
}

int cmd_help(int argc, char **argv)
{
    char *help[] = {NULL, "--help", NULL};
    gboolean markdown = FALSE;
    const GOptionEntry entries[] = {{"markdown", 0, 0, G_OPTION_ARG_NONE, &markdown, "With config or metrics: print Markdown tables", NULL}, {0}};
    int code;

    if (!command_parse(&argc, &argv, entries, 0, 1, &code))
        return code;
    bool config = argc == 2 && strcmp(argv[1], "config") == 0, metrics = argc == 2 && strcmp(argv[1], "metrics") == 0;
    if (markdown && !config && !metrics) {
        fputs("vmm: help: --markdown is for vmm help config and vmm help metrics\n", stderr);
        return EXIT_USAGE;
    }
    if (config) {
        (markdown ? print_config_markdown : print_config_help)();
        return EXIT_OK;
    }
    if (metrics) {
        print_metrics(markdown);
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
