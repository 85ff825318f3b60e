/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Brings all vCPUs of a machine together, so that it can be put back to its beginning while none runs. Used by machine.c and vcpu.c; what is done then is in
 * machine_boot.c.
 *
 * Threads: restart_request() from any; restart_point() from vCPUs' threads.
 */
#ifndef MEDIANT_VMM_RESTART_H
#define MEDIANT_VMM_RESTART_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct restart;

struct restart_config {
    unsigned vcpus;
    void (*kick)(void *opaque); /* makes each vCPU's thread come to restart_point() soon */
    /* All vCPUs stand at restart_point(); on the thread of one of them, with a lock held. */
    void (*begin_again)(void *opaque, bool by_guest);
    void *opaque;
};

struct restart *restart_create(const struct restart_config *config);
void restart_destroy(struct restart *restart); /* NULL is allowed */

/* Soon. One that comes before another has been done is done with it. */
void restart_request(struct restart *restart, bool by_guest);
bool restart_is_wanted(const struct restart *restart);

/*
 * A vCPU before it enters the guest, when a restart is wanted: waits for the others, but no longer than some milliseconds, as these may stand elsewhere (pause.h):
 * the caller looks at everything again and comes back.
 */
void restart_point(struct restart *restart);

#ifdef __cplusplus
}
#endif
#endif
