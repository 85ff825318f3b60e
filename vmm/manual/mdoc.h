/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text as mdoc(7) wants it. Used by the pages in this folder. */
#ifndef MEDIANT_VMM_MANUAL_MDOC_H
#define MEDIANT_VMM_MANUAL_MDOC_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The first lines of a page; section "1" or "5". */
void mdoc_begin(FILE *file, const char *title, const char *section, const char *about);
/* Prose: escaped, in lines of less than 80 bytes, each sentence on a line of its own. Ends with a newline. */
void mdoc_text(FILE *file, const char *text);
/* One word or more as arguments of a macro: no character is taken for markup. Caller frees with g_free(). */
char *mdoc_argument(const char *text);
/* An entry of a list: `.It` and the rest, a format whose %s are mdoc_argument()s. */
void mdoc_item(FILE *file, const char *macro, const char *word);

#ifdef __cplusplus
}
#endif
#endif
