/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program: looks its first argument up in the command table (commands.c). */
#include "vmm/commands.h"
#include "vmm/error.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
    const struct command *command;

    /* Whatever a command creates is about guests, and for nobody but its owner: screens, serial output, traces, sockets. */
    umask(077);
    if (argc < 2) {
        command_print_list(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        argv[1] = "help";
    if (strcmp(argv[1], "--version") == 0)
        return puts("vmm (Mediant) " MEDIANT_VERSION) < 0;
    command = command_find(argv[1]);
    return command ? command->run(argc - 1, argv + 1) : command_unknown(argv[1]);
}
