/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The completion for bash: commands, their options, keys behind -o, and files. */
#include "vmm/manual/manual.h"

#include "vmm/commands.h"
#include "vmm/options.h"

#include <string.h>

struct lists {
    GString *options, *files, *values; /* all options; those that take a file's name; those that take something else */
};

static void append(GString *list, const GOptionEntry *entry)
{
    g_string_append_printf(list, " --%s", entry->long_name);
    if (entry->short_name)
        g_string_append_printf(list, " -%c", entry->short_name);
}

static void add(void *opaque, const GOptionEntry *entry)
{
    struct lists *lists = opaque;

    if (entry->flags & G_OPTION_FLAG_HIDDEN)
        return;
    append(lists->options, entry);
    if (entry->arg == G_OPTION_ARG_FILENAME || entry->arg == G_OPTION_ARG_FILENAME_ARRAY)
        append(lists->files, entry);
    else if (entry->arg != G_OPTION_ARG_NONE)
        append(lists->values, entry);
}

/* What a command's arguments can be: TOPIC is any command and what else has help, a first one in words with | between them is one of them, what is left is a file. */
static void print_arguments(FILE *file, const struct command *command)
{
    size_t first = strcspn(command->args, " ");

    if (strstr(command->args, "TOPIC"))
        fputs("arguments=\"$commands config control\"", file);
    else if (g_ascii_islower(command->args[0]) && memchr(command->args, '|', first)) {
        g_autofree char *words = g_strdelimit(g_strndup(command->args, first), "|", ' ');
        fprintf(file, "if [ \"$COMP_CWORD\" -eq 2 ]; then arguments='%s'; else pattern='!*'; fi", words);
    } else if (strstr(command->args, ".ini"))
        fputs("pattern='!*.ini'", file);
    else if (*command->args)
        fputs("pattern='!*'", file);
    else
        fputs(":", file);
}

static void print_command(FILE *file, const struct command *command)
{
    struct lists lists = {g_string_new(""), g_string_new(""), g_string_new("")};

    command_each_option(command, add, &lists);
    fprintf(file, "    %s)\n        options='%s' files='%s ' values='%s '\n        ", command->name, lists.options->str + 1, lists.files->str, lists.values->str);
    print_arguments(file, command);
    fputs(" ;;\n", file);
    g_string_free(lists.options, TRUE);
    g_string_free(lists.files, TRUE);
    g_string_free(lists.values, TRUE);
}

void manual_print_completion(FILE *file)
{
    fputs("# SPDX-License-Identifier: GPL-2.0-or-later\n# bash completion for vmm; made by vmm help --bash-completion from the program's tables.\n_vmm()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} options='' files='' values='' arguments='' pattern=''\n"
          "    local commands='", file);
    for (const struct command *command = commands; command->name; command++)
        fprintf(file, "%s%s", command == commands ? "" : " ", command->name);
    fputs("' keys='", file);
    for (size_t i = 0; i < option_count; i++)
        fprintf(file, "%s%s.%s=", i ? " " : "", option_group_names[options[i].group], options[i].key);
    fputs("'\n    COMPREPLY=()\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$commands --help --version\" -- \"$word\")\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n", file);
    for (const struct command *command = commands; command->name; command++)
        print_command(file, command);
    fputs("    *) return ;;\n    esac\n"
          "    case $previous in\n"
          "    -o | --override)\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$keys\" -- \"$word\")\n"
          "        compopt -o nospace 2>/dev/null\n"
          "        return ;;\n"
          "    esac\n"
          "    if [[ $files == *\" $previous \"* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
          "    elif [[ $values == *\" $previous \"* ]]; then\n"
          "        return\n"
          "    elif [[ $word == -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
          "        return\n"
          "    elif [ -n \"$arguments\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$arguments\" -- \"$word\")\n"
          "    elif [ -n \"$pattern\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -f -X \"$pattern\" -- \"$word\"; compgen -d -S / -- \"$word\")\n"
          "        [[ ${COMPREPLY-} != */ ]] || compopt -o nospace 2>/dev/null\n"
          "    fi\n"
          "    compopt -o filenames 2>/dev/null\n"
          "}\ncomplete -F _vmm vmm\n", file);
}
