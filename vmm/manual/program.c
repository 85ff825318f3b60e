/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm(1): the commands with their options. */
#include "vmm/manual/manual.h"

#include "vmm/commands.h"
#include "vmm/manual/mdoc.h"

static void print_option(void *opaque, const GOptionEntry *entry)
{
    FILE *file = opaque;

    if (entry->flags & G_OPTION_FLAG_HIDDEN)
        return;
    g_autofree char *name = mdoc_argument(entry->long_name);
    fputs(".It ", file);
    if (entry->short_name)
        fprintf(file, "Fl %c , ", entry->short_name);
    fprintf(file, "Fl \\-%s", name);
    if (entry->arg_description) {
        g_autofree char *argument = mdoc_argument(entry->arg_description);
        fprintf(file, " Ar %s", argument);
    }
    fputc('\n', file);
    g_autofree char *sentence = g_strconcat(entry->description, ".", NULL);
    mdoc_text(file, sentence);
}

static void print_command(FILE *file, const struct command *command)
{
    g_autofree char *name = mdoc_argument(command->name);
    g_autofree char *args = mdoc_argument(command->args);
    g_autofree char *sentence = g_strdup_printf("%c%s.", g_ascii_toupper(command->help[0]), command->help + 1);

    fprintf(file, ".Ss vmm %s\n.Nm\n.Cm %s\n.Op Ar option ...\n", command->name, name);
    if (*command->args)
        fprintf(file, ".Ar %s\n", args);
    fputs(".Pp\n", file);
    mdoc_text(file, sentence);
    fputs(".Bl -tag -width indent\n", file);
    command_each_option(command, print_option, file);
    fputs(".El\n", file);
}

void manual_print_program(FILE *file)
{
    mdoc_begin(file, "vmm", "1", "run virtual machines that share one Intel GPU");
    fputs(".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar option ...\n.Op Ar argument\n.Nm\n.Fl \\-version\n.Sh DESCRIPTION\n", file);
    mdoc_text(file, "Mediant divides one Intel GPU of the ninth generation among several guests. Each guest has a virtual GPU that its own i915 driver takes for "
                    "a real one; what it writes is checked and scheduled before the GPU sees it. The guests are virtual machines of this program, or of QEMU and "
                    "other programs that attach to a socket.");
    fputs(".Pp\nWhat there is and how it is shared stands in a configuration file, which\n.Xr vmm.ini 5\ndescribes.\n.Sh COMMANDS\n", file);
    for (const struct command *command = commands; command->name; command++)
        print_command(file, command);
    fputs(".Sh ENVIRONMENT\n.Bl -tag -width indent\n.It Ev XDG_RUNTIME_DIR\n", file);
    mdoc_text(file, "The folder below which sockets are made when the configuration names no other place; /run without it.");
    fputs(".El\n.Sh FILES\n.Bl -tag -width indent\n.It Pa /etc/mediant/NAME.ini\n", file);
    mdoc_text(file, "What the systemd unit vmm@NAME.service serves.");
    fputs(".El\n.Sh EXIT STATUS\n.Bl -tag -width indent\n", file);
    for (const struct exit_meaning *meaning = exit_meanings; meaning->text; meaning++) {
        g_autofree char *sentence = g_strdup_printf("%c%s.", g_ascii_toupper(meaning->text[0]), meaning->text + 1);
        fprintf(file, ".It %d\n", meaning->code);
        mdoc_text(file, sentence);
    }
    fputs(".El\n.Sh EXAMPLES\nCheck a file, then run its virtual machines for a minute:\n.Bd -literal -offset indent\n"
          "vmm check two.ini\nvmm run \\-t 60 \\-s two.ini\n.Ed\n.Pp\nServe virtual GPUs to QEMU, with another weight than the file has:\n"
          ".Bd -literal -offset indent\nvmm serve \\-o alpha.weight=3 served.ini\n.Ed\n.Sh SEE ALSO\n.Xr vmm.ini 5\n", file);
}
