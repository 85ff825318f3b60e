/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmm help: the commands, one command, the keys of the configuration file, what the control socket understands, or the metrics. All of it comes from the tables
 * that the program itself uses; docs/configuration.md, docs/control.md and docs/observing.md hold copies of the Markdown forms, which tests/docs.sh compares.
 */
#include "vmm/commands.h"
#include "vmm/control/control.h"
#include "vmm/error.h"
#include "vmm/manual/manual.h"
#include "vmm/gpu_plug.h"
#include "vmm/observe/trace_commands.h"
#include "vmm/options.h"
#include "vmm/serve.h"
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

static void print_metric_list(void)
{
    for (size_t i = 0; i < figure_count; i++) {
        const struct figure_desc *desc = &figure_descs[i];
        g_autofree char *name = figure_metric_name(desc);
        const char *label = figure_label(desc->dimension), *vm = desc->subject == FIGURE_RUN ? "" : "vm";
        printf("%-42s %-8s %s%s%s%s  %s\n", name, desc->counter ? "counter" : "gauge", *vm ? "{vm" : "", label ? "," : "", label ? label : "", *vm ? "}" : "",
               desc->help);
    }
}

static void print_metrics_markdown(void)
{
    puts("\n| metric | kind | labels | meaning |\n| --- | --- | --- | --- |");
    for (size_t i = 0; i < figure_count; i++) {
        const struct figure_desc *desc = &figure_descs[i];
        g_autofree char *name = figure_metric_name(desc);
        const char *label = figure_label(desc->dimension);
        printf("| `%s` | %s | %s%s%s | %s |\n", name, desc->counter ? "counter" : "gauge", desc->subject == FIGURE_RUN ? "" : "vm", label ? ", " : "",
               label ? label : "", desc->help);
    }
    puts("");
}

static void print_arguments(const struct control_command *command, const char *mark, const char *none)
{
    for (const struct control_argument *argument = command->arguments; argument->name; argument++)
        printf("%s%s%s%s%s", argument == command->arguments ? "" : ", ", mark, argument->name, mark, argument->optional ? " (optional)" : "");
    if (!command->arguments[0].name)
        fputs(none, stdout);
}

static void print_control_commands(const struct control_command *commands)
{
    for (const struct control_command *command = commands; command->name; command++) {
        printf("  %-16s  %s; arguments: ", command->name, command->help);
        print_arguments(command, "", "none");
        puts("");
    }
}

static void print_control_help(void)
{
    puts("Commands of the control socket.");
    print_control_commands(control_protocol_commands);
    print_control_commands(control_run_commands);
    print_control_commands(control_typing_commands);
    print_control_commands(trace_commands);
    print_control_commands(gpu_plug_commands);
    print_control_commands(serve_commands);
    puts("\nEvents.");
    for (const struct control_event_desc *event = control_run_events; event->name; event++)
        printf("  %-16s  %s; data: %s\n", event->name, event->help, event->data);
}

static void print_control_commands_markdown(const struct control_command *commands)
{
    for (const struct control_command *command = commands; command->name; command++) {
        printf("| `%s` | ", command->name);
        print_arguments(command, "`", "");
        printf(" | %s |\n", command->help);
    }
}

static void print_argument_meanings(const struct control_command *commands)
{
    static const char *const types[] = {
        [CONTROL_STRING] = "string", [CONTROL_NUMBER] = "number", [CONTROL_BOOL] = "true or false", [CONTROL_ARRAY] = "array"};

    for (const struct control_command *command = commands; command->name; command++)
        for (const struct control_argument *argument = command->arguments; argument->name; argument++)
            printf("| `%s` | `%s` | %s | %s |\n", command->name, argument->name, types[argument->type], argument->help);
}

static void print_control_markdown(void)
{
    puts("\n#### Commands\n\n| command | arguments | what it does |\n| --- | --- | --- |");
    print_control_commands_markdown(control_protocol_commands);
    print_control_commands_markdown(control_run_commands);
    print_control_commands_markdown(control_typing_commands);
    print_control_commands_markdown(trace_commands);
    print_control_commands_markdown(gpu_plug_commands);
    print_control_commands_markdown(serve_commands);
    puts("\n#### Arguments\n\n| command | argument | type | meaning |\n| --- | --- | --- | --- |");
    print_argument_meanings(control_run_commands);
    print_argument_meanings(control_typing_commands);
    print_argument_meanings(trace_commands);
    print_argument_meanings(gpu_plug_commands);
    print_argument_meanings(serve_commands);
    puts("\n#### Events\n\n| event | data | when |\n| --- | --- | --- |");
    for (const struct control_event_desc *event = control_run_events; event->name; event++)
        printf("| `%s` | %s | %s |\n", event->name, event->data, event->help);
    puts("");
}

/* What is no command and has help all the same. */
static const struct topic {
    const char *name;
    void (*print)(void);
    void (*print_markdown)(void);
} topics[] = {
    {"config", print_config_help, print_config_markdown},
    {"control", print_control_help, print_control_markdown},
    {"metrics", print_metric_list, print_metrics_markdown},
};

static const struct topic *find_topic(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(topics); i++)
        if (strcmp(topics[i].name, name) == 0)
            return &topics[i];
    return NULL;
}

/* What is not for people at a terminal: what the build is made of. */
static int print_generated(bool config, bool man)
{
    if (man)
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
        {"markdown", 0, 0, G_OPTION_ARG_NONE, &markdown, "With config, control or metrics: print Markdown tables", NULL},
        {"man", 0, 0, G_OPTION_ARG_NONE, &man, "Print the manual page vmm(1); with config: vmm.ini(5)", NULL},
        {"bash-completion", 0, 0, G_OPTION_ARG_NONE, &completion, "Print the completion script for bash", NULL},
        {0},
    };
    int code;

    if (!command_parse(&argc, &argv, entries, 0, 1, &code))
        return code;
    const struct topic *topic = argc == 2 ? find_topic(argv[1]) : NULL;
    bool config = topic && topic->print == print_config_help;
    if (markdown && !topic) {
        fputs("vmm: help: --markdown is for vmm help config, control or metrics\n", stderr);
        return EXIT_USAGE;
    }
    if (argc == 2 && !config && (man || completion)) {
        fputs("vmm: help: --man and --bash-completion are for all commands (leave the command out)\n", stderr);
        return EXIT_USAGE;
    }
    if (man || completion)
        return print_generated(config, man);
    if (topic) {
        (markdown ? topic->print_markdown : topic->print)();
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
