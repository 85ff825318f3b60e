/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command table and what all commands share. Used by main.c and cmd_*.c. */
#include "vmm/commands.h"

#include "vmm/config.h"
#include "vmm/error.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/units.h"

#include <string.h>

const struct command commands[] = {
    {"run", cmd_run, "CONFIG.ini", "run the VMs of a configuration file"},
    {"serve", cmd_serve, "CONFIG.ini", "offer the vGPUs of a configuration file to QEMU and other VMMs"},
    {"ps", cmd_ps, "", "list the guests of VMMs that run"},
    {"top", cmd_top, "", "show what the guests do with the GPU, again and again"},
    {"pause", cmd_pause, "NAME", "stop a guest's vCPUs for a while"},
    {"resume", cmd_resume, "NAME", "let a paused guest go on"},
    {"stop", cmd_stop, "NAME", "press a guest's power button and wait for its end"},
    {"reset", cmd_reset, "NAME", "reset a guest's PC: it begins again"},
    {"plug", cmd_plug, "NAME TYPE", "plug a vGPU into a VM that runs and has no GPU"},
    {"unplug", cmd_unplug, "NAME", "ask a VM's guest to let go of its GPU, and take it away"},
    {"key", cmd_key, "NAME KEYS...", "press keys of a guest's keyboard: ctrl-alt-f2, ret"},
    {"type", cmd_type, "NAME TEXT", "type text at a guest's keyboard"},
    {"set", cmd_set, "NAME KEY=VALUE...", "change weight, gpu_cap, class or policy while a guest runs"},
    {"screenshot", cmd_screenshot, "NAME FILE.png", "write what a guest's screen shows"},
    {"trace", cmd_trace, "start FILE|stop", "record what the engines do, for ui.perfetto.dev"},
    {"check", cmd_check, "CONFIG.ini", "check a configuration file without starting anything"},
    {"types", cmd_types, "", "list the vGPU types"},
    {"mdev", cmd_mdev, "types|list|create|remove|define|undefine ROOT [TYPE] [UUID]", "list, create, remove and define vGPUs by UUID, below the ROOT of [gpu] mdev"},
    {"gpus", cmd_gpus, "", "list the host's Intel GPUs"},
    {"opregion", cmd_opregion, "FILE", "write the OpRegion that tells a guest's driver of its monitor ports"},
    {"decode", cmd_decode, "FILE", "print a command stream, a context image or the error state of a hang in words"},
    {"help", cmd_help, "[TOPIC]", "explain a command, or config (its keys), control (the socket's commands) or metrics"},
    {0},
};

const struct exit_meaning exit_meanings[] = {
    {EXIT_OK, "guests shut down"},
    {EXIT_VMM_FAILURE, "VMM failure"},
    {EXIT_USAGE, "usage or configuration"},
    {EXIT_GUEST_CRASHED, "guest crashed"},
    {EXIT_VGPU_DISABLED, "vGPU disabled"},
    {EXIT_TIMEOUT, "timeout"},
    {0},
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

void command_print_list(FILE *file)
{
    fputs("Usage: vmm COMMAND [OPTION...]\n\nCommands:\n", file);
    for (const struct command *command = commands; command->name; command++)
        fprintf(file, "  %-10s %-19s%s %s\n", command->name, command->args, strlen(command->args) > 19 ? "\n                                " : "", command->help);
    fputs("\nvmm COMMAND --help tells the options of a command.\nExit codes:", file);
    for (const struct exit_meaning *meaning = exit_meanings; meaning->text; meaning++)
        fprintf(file, "%s %d %s", meaning == exit_meanings ? "" : ",", meaning->code, meaning->text);
    fputs(".\n", file);
}

int command_unknown(const char *name)
{
    const char *names[G_N_ELEMENTS(commands)];
    size_t count = 0;

    for (const struct command *command = commands; command->name; command++)
        names[count++] = command->name;
    names[count] = NULL;
    const char *guess = suggest(name, names);
    if (guess)
        fprintf(stderr, "vmm: unknown command \"%s\" (did you mean %s?)\n", name, guess);
    else
        fprintf(stderr, "vmm: unknown command \"%s\" (vmm help lists them)\n", name);
    return EXIT_USAGE;
}

/* What a command finds as its first argument when its options are wanted: known by its address, so that no command line can hold it. */
static const char list_options[] = "--list-options";

struct listing {
    void (*each)(void *opaque, const GOptionEntry *entry);
    void *opaque;
};

static void list(const struct listing *listing, const GOptionEntry *entries)
{
    for (const GOptionEntry *entry = entries; entry && entry->long_name; entry++)
        listing->each(listing->opaque, entry);
}

void command_each_option(const struct command *command, void (*each)(void *opaque, const GOptionEntry *entry), void *opaque)
{
    struct listing listing = {each, opaque};
    char *argv[] = {(char *)command->name, (char *)list_options, (char *)&listing, NULL};

    command->run(3, argv);
}

bool command_parse(int *argc, char ***argv, const GOptionEntry *entries, int min_args, int max_args, int *code)
{
    const struct command *command = command_find((*argv)[0]);
    GOptionContext *context = g_option_context_new(command->args);
    GOptionGroup *group = g_option_group_new("command", NULL, NULL, NULL, NULL);
    g_autoptr(GError) error = NULL;
    gboolean wants_help = FALSE;

    /* --help is ours, so that nothing but the command decides to exit. */
    const GOptionEntry own[] = {{"help", 'h', 0, G_OPTION_ARG_NONE, &wants_help, "Explain this command", NULL}, {0}};
    if (*argc == 3 && (*argv)[1] == list_options) {
        list((const struct listing *)(*argv)[2], own);
        list((const struct listing *)(*argv)[2], entries);
        g_option_group_unref(group);
        g_option_context_free(context);
        *code = EXIT_OK;
        return false;
    }
    g_option_group_add_entries(group, own);
    if (entries)
        g_option_group_add_entries(group, entries);
    g_option_context_set_main_group(context, group);
    g_option_context_set_help_enabled(context, FALSE);
    g_autofree char *summary = g_strdup_printf("%c%s.", g_ascii_toupper(command->help[0]), command->help + 1);
    g_option_context_set_summary(context, summary);

    g_autofree char *name = g_strdup_printf("vmm %s", command->name);
    g_set_prgname(name);
    bool ok = g_option_context_parse(context, argc, argv, &error);
    if (!ok) {
        fprintf(stderr, "vmm: %s: %s (vmm %s --help)\n", command->name, error->message, command->name);
        *code = EXIT_USAGE;
    } else if (wants_help) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, stdout);
        *code = EXIT_OK;
        ok = false;
    } else if (*argc - 1 < min_args || *argc - 1 > max_args) {
        fprintf(stderr, "vmm: %s: %s (usage: vmm %s %s)\n", command->name,
                *argc - 1 < min_args ? "an argument is missing" : "too many arguments", command->name, command->args);
        *code = EXIT_USAGE;
        ok = false;
    }
    g_option_context_free(context);
    return ok;
}

int command_fail(GError *error)
{
    int code = error->domain == VMM_ERROR ? error->code : EXIT_VMM_FAILURE;

    fprintf(stderr, "vmm: %s\n", error->message);
    g_error_free(error);
    return code;
}

int command_wrong_kind(const struct config *config, const char *command, const char *what, const char *other)
{
    fprintf(stderr, "vmm: %s: %s: it has no %s (try %s)\n", command, config->path, what, other);
    return EXIT_USAGE;
}

void command_begin_sandbox(const struct config *config, bool no_sandbox)
{
    bool shares = false;

    if (no_sandbox) {
        sandbox_renounce();
        return;
    }
    for (unsigned i = 0; i < config->vms->len; i++)
        shares |= ((const struct vm_settings *)g_ptr_array_index(config->vms, i))->shares != NULL;
    if (strcmp(config->vmm.namespaces, "off") != 0)
        sandbox_isolate(shares);
    sandbox_begin();
}

char *json_string(const char *text)
{
    GString *json = g_string_new("\"");

    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_printf(json, "\\%c", *p);
        else if (*p < 0x20)
            g_string_append_printf(json, "\\u%04x", *p);
        else
            g_string_append_c(json, (char)*p);
    }
    g_string_append_c(json, '"');
    return g_string_free(json, FALSE);
}
