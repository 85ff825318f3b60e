/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands of the program: one table row and one file (cmd_*.c) each, and what they share. */
#ifndef MEDIANT_VMM_COMMANDS_H
#define MEDIANT_VMM_COMMANDS_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
    const char *args;                  /* for the usage line */
    const char *help;
};

/* Terminated by an entry without a name. */
extern const struct command commands[];
const struct command *command_find(const char *name); /* NULL when unknown */
void command_print_list(FILE *file);
/* What the exit codes of all commands mean; terminated by an entry without a text. */
extern const struct exit_meaning {
    int code; /* enum vmm_error and its like, error.h */
    const char *text;
} exit_meanings[];
/* Complains, with a suggestion; returns the exit code. */
int command_unknown(const char *name);

/*
 * Parses the options of a command by GOption and checks the number of arguments left, which are then argv[1] and on. False: the
 * command ends with *code (0 after --help).
 */
bool command_parse(int *argc, char ***argv, const GOptionEntry *entries, int min_args, int max_args, int *code);

/* Calls each for every option of the command, --help first. The command does nothing else: all of them begin with command_parse(). */
void command_each_option(const struct command *command, void (*each)(void *opaque, const GOptionEntry *entry), void *opaque);

/* Prints "vmm: MESSAGE" and returns the exit code that the error stands for; frees the error. */
int command_fail(GError *error);

/* Says that a configuration is for another command; returns the exit code. what: "VM" or "vGPU". */
struct config;
int command_wrong_kind(const struct config *config, const char *command, const char *what, const char *other);

/* The sandbox as the configuration has it, or none; before there is a second thread. */
void command_begin_sandbox(const struct config *config, bool no_sandbox);

/* Text as a JSON string with its quotes; caller frees with g_free. */
char *json_string(const char *text);

int cmd_run(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_reset(int argc, char **argv);
int cmd_plug(int argc, char **argv);
int cmd_unplug(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_type(int argc, char **argv);
int cmd_screenshot(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_types(int argc, char **argv);
int cmd_mdev(int argc, char **argv);
int cmd_gpus(int argc, char **argv);
int cmd_opregion(int argc, char **argv);
int cmd_decode(int argc, char **argv);
int cmd_help(int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
