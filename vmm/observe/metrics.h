/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures of a run for Prometheus: HTTP/1.0, GET /metrics, on a UNIX socket or a port of this host. Used by outputs.c.
 *
 * Runs on the main loop of the thread that creates it, never blocks there, and reads no more than a request's head of 4 KiB. A connection that is not over in five
 * seconds is dropped, and so is one beyond the sixteenth.
 */
#ifndef MEDIANT_VMM_OBSERVE_METRICS_H
#define MEDIANT_VMM_OBSERVE_METRICS_H

#include "vmm/observe/figures.h"

#ifdef __cplusplus
extern "C" {
#endif

struct metrics;

/*
 * address as vmm/address.h has it. The source stays the caller's; its scrapes are counted here. Errors name the address (VMM_ERROR_CONFIG when it is in use or
 * wrong). The caller tells the sandbox of a socket's folder.
 */
struct metrics *metrics_create(const char *address, struct figures_source *source, GError **error);
void metrics_destroy(struct metrics *metrics); /* drops all connections; NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
