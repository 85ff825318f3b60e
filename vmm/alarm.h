/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls a function at a time: the timer of a device that interrupts by itself. Used by rtc.c and power.c.
 *
 * Threads: set from any, also from ring(). ring() runs on the alarm's own thread, which starts with the first time that is set, with no
 * lock held; after alarm_destroy() it runs no more. Do not destroy from ring().
 */
#ifndef MEDIANT_VMM_ALARM_H
#define MEDIANT_VMM_ALARM_H

#include <glib.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct alarm;

#define ALARM_NEVER G_MAXINT64

struct alarm *alarm_create(const char *name, void (*ring)(void *opaque), void *opaque); /* name: of the thread, a literal */
void alarm_destroy(struct alarm *alarm); /* NULL is allowed */

/* Rings once at this time of g_get_monotonic_time() (microseconds), or as soon as it can when that has passed; replaces the time set before. */
void alarm_set(struct alarm *alarm, int64_t at);

#ifdef __cplusplus
}
#endif
#endif
