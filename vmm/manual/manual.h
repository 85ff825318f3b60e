/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manual pages and the completion of a shell, written from the tables of commands, options and keys, so that they cannot tell anything else than the
 * program does. Called by cmd_help.c; the build runs that (cmake/Package.cmake).
 *
 * Pages are in mdoc(7), which man-db's groff and mandoc both print. Threads: any; nothing is kept.
 */
#ifndef MEDIANT_VMM_MANUAL_MANUAL_H
#define MEDIANT_VMM_MANUAL_MANUAL_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

void manual_print_program(FILE *file);    /* vmm(1) */
void manual_print_config(FILE *file);     /* vmm.ini(5) */
void manual_print_completion(FILE *file); /* a script for bash */

#ifdef __cplusplus
}
#endif
#endif
