/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Libraries that are loaded when they are first needed (dlopen): they, or what they depend on, take megabytes of each process that links them and
 * milliseconds of its start, and most VMs never need them. Used by canvas.c, display/vnc_library.c and insn/decoder.c.
 *
 * The user declares a struct of pointers to functions, of the headers' types, and a table of their names:
 *
 *     #define FUNCTIONS(X) X(cairo_create) X(cairo_fill)
 *     static struct functions { FUNCTIONS(LATE_MEMBER) } draw;
 *     static const struct late_symbol symbols[] = {FUNCTIONS(LATE_SYMBOL)};
 *     static struct late_library library = LATE_LIBRARY("libcairo.so.2", "libcairo2", symbols, &draw);
 *
 * Threads: any. The first call reads files, so it comes before the calling thread is confined, or in one that may read the system's libraries.
 */
#ifndef MEDIANT_VMM_LATE_LIBRARY_H
#define MEDIANT_VMM_LATE_LIBRARY_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct late_symbol {
    const char *name;
    size_t offset; /* of the pointer, in the struct */
};

struct late_library {
    const char *file, *package; /* the file by its soname, and Debian's package that has it */
    const struct late_symbol *symbols;
    size_t symbol_count;
    void *functions; /* the struct */

    /* Of late_library_load(). */
    gsize once;
    char *problem;
};

#define LATE_MEMBER(function) __typeof__(function) *function;
#define LATE_SYMBOL(function) {#function, offsetof(struct functions, function)},
#define LATE_LIBRARY(file, package, symbols, functions) {(file), (package), (symbols), G_N_ELEMENTS(symbols), (functions), 0, NULL}

/* Loads it unless it is loaded, and fills the struct. False when that cannot be; *reason (may be NULL) says why then, and stays. A library that is loaded stays. */
bool late_library_load(struct late_library *library, const char **reason);

#ifdef __cplusplus
}
#endif
#endif
