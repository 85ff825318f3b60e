/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of a served function: from the device's MSI and INTx to the client's eventfds, with VFIO's rules for masking. Used by server.c (from the
 * device's side) and session.c (from the client's).
 *
 * Threads: any; one lock, held for no longer than a write to an eventfd. That does not block, unless the client makes its eventfd block
 * again and fills it: see client_interrupts_unblock().
 */
#ifndef MEDIANT_VMM_VFIO_USER_INTERRUPTS_H
#define MEDIANT_VMM_VFIO_USER_INTERRUPTS_H

#include "vmm/vfio_user/wire.h"

#ifdef __cplusplus
extern "C" {
#endif

enum client_irq { CLIENT_IRQ_INTX, CLIENT_IRQ_MSI, CLIENT_IRQS };

struct client_irq_state {
    int fd;       /* of the client, or -1 */
    bool masked;  /* by the client; INTx also by itself, until the client unmasks it */
    bool pending; /* came while it was masked or had no eventfd (MSI); INTx has level instead */
};

struct client_interrupts {
    GMutex lock;
    GMutex fds_lock; /* taken after lock: descriptors change under both */
    struct client_irq_state irqs[CLIENT_IRQS];
    bool level; /* of INTx, as the device drives it */
};

void client_interrupts_init(struct client_interrupts *interrupts);
void client_interrupts_finish(struct client_interrupts *interrupts);
/* The client is gone: closes its eventfds, and forgets what waits for one. */
void client_interrupts_drop(struct client_interrupts *interrupts);

/*
 * Frees a thread that is stuck in a write, if there is one: the client that did this to itself loses the events that wait in its eventfds. Never blocks;
 * to be repeated until the thread has come out, as the client may do it again.
 */
void client_interrupts_unblock(struct client_interrupts *interrupts);

/* The device's side. */
void client_interrupts_msi(struct client_interrupts *interrupts);
void client_interrupts_intx(struct client_interrupts *interrupts, bool level);

/*
 * The client's side: one DEVICE_SET_IRQS for vector 0 of an interrupt (VFIO_IRQ_SET_*; linux/vfio.h). fd is the eventfd of DATA_EVENTFD, taken over
 * in every case, or -1. value is that of DATA_BOOL, true for DATA_NONE. Returns 0, or an errno value with *reason, a static text.
 */
int client_interrupts_set(struct client_interrupts *interrupts, enum client_irq irq, uint32_t flags, int fd, bool value, const char **reason);
/* TRIGGER with DATA_NONE and no vectors: the client wants no more of it. */
void client_interrupts_disable(struct client_interrupts *interrupts, enum client_irq irq);

#ifdef __cplusplus
}
#endif
#endif
