/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers with units, and guesses at what somebody meant to type. Used by configuration and command line. */
#ifndef MEDIANT_VMM_UNITS_H
#define MEDIANT_VMM_UNITS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "64M", "1G", "4096", "512KiB": bytes, powers of 1024. False when text is anything else or does not fit. */
bool parse_size(const char *text, uint64_t *bytes);
/* "5ms", "10us", "2s", "100ns": nanoseconds. A number without a unit is false. */
bool parse_duration(const char *text, uint64_t *ns);
/* Decimal digits only. */
bool parse_number(const char *text, uint64_t *value);

/* "64M", "1536K", "100": the shortest form that parse_size() reads back. Caller frees with g_free. */
char *format_size(uint64_t bytes);

/*
 * The candidate (a NULL-terminated array) that is nearest to word by edit distance, if it is near enough to be meant; NULL
 * otherwise. A candidate that word begins, or the other way round, counts as near.
 */
const char *suggest(const char *word, const char *const *candidates);

#ifdef __cplusplus
}
#endif
#endif
