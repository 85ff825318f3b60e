/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that keeps, after all others are confined, the rights to start threads and to listen on sockets, so that vGPUs can be added while others run. It runs
 * what the main loop gives it and nothing else, and no guest's data comes near it. Used by served.c and gpu_plug.c.
 *
 * Threads: all calls from the main loop's.
 */
#ifndef MEDIANT_VMM_SANDBOX_MAKER_H
#define MEDIANT_VMM_SANDBOX_MAKER_H

#ifdef __cplusplus
extern "C" {
#endif

struct sandbox_maker;

/* Before the calling thread is confined, and after all sandbox_allow(). */
struct sandbox_maker *sandbox_maker_create(void);
void sandbox_maker_destroy(struct sandbox_maker *maker); /* NULL is allowed */
/* Calls function(opaque) on its thread and waits for it. */
void sandbox_maker_call(struct sandbox_maker *maker, void (*function)(void *opaque), void *opaque);

#ifdef __cplusplus
}
#endif
#endif
