/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A limit on how often a guest may access its vGPU. Each access costs the host a processor's time; one guest's tight loops must not take it from others that
 * share that processor. Who is too quick waits on its own thread, a vCPU's or that of a vfio-user client, with no lock held.
 *
 * Threads: throttle_take() under the vGPU's lock.
 */
#ifndef MEDIANT_MMIO_THROTTLE_H
#define MEDIANT_MMIO_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { THROTTLE_BURST_NS = 20000000 }; /* what was not used counts for so long */

struct throttle {
    uint64_t interval_ns; /* between two accesses on the average; 0: no limit */
    uint64_t next_ns;     /* when the next one is due */
    uint64_t delayed, delayed_ns; /* accesses that had to wait, and for how long in all */
};

/* per_second: 0 for no limit. */
void throttle_init(struct throttle *throttle, uint64_t per_second);
/* Counts one access at the time now_ns; how long whoever made it has to wait, in nanoseconds. */
uint64_t throttle_take(struct throttle *throttle, uint64_t now_ns);

#ifdef __cplusplus
}
#endif
#endif
