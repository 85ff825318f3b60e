/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the output of a guest's serial port or console goes: a file descriptor, whole lines at a time, perhaps with the guest's name before each. */
#ifndef MEDIANT_VMM_SINK_H
#define MEDIANT_VMM_SINK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sink;

/*
 * target is "stdio", "none" or a file to be overwritten. prefix (copied) goes before each line; NULL for none. With a prefix a line goes
 * out when it is complete, so that guests do not mix within a line; without one each byte goes out as it comes.
 */
struct sink *sink_create(const char *target, const char *prefix, GError **error);
void sink_destroy(struct sink *sink); /* writes an unfinished line; NULL is allowed */

/* One byte from the guest. Lines longer than 4 KiB are cut into pieces. The caller serialises. */
void sink_put(struct sink *sink, uint8_t byte);
/* Several: without a prefix, they are written at once. */
void sink_write(struct sink *sink, const uint8_t *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
