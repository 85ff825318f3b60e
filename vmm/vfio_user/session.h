/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client of a served function, from its first message to its last. Used by server.c, which owns everything that outlives a client.
 *
 * Threads: a session runs on a thread of its own; session_run() returns when the client has left, broke the protocol, or the socket was
 * shut down.
 */
#ifndef MEDIANT_VMM_VFIO_USER_SESSION_H
#define MEDIANT_VMM_VFIO_USER_SESSION_H

#include "gpu/pci/pci_device.h"
#include "vmm/vfio_user/interrupts.h"
#include "vmm/vfio_user/memory.h"
#include "vmm/vfio_user/wire.h"

#ifdef __cplusplus
extern "C" {
#endif

struct session_context {
    int socket;
    struct pci_device *dev;
    struct client_memory *memory;
    struct client_interrupts *interrupts;
    void (*greeted)(void *opaque); /* client and server have agreed on the version; once at most */
    /* A line for people about what the client did wrong or should know; any length, without a newline. */
    void (*complain)(void *opaque, const char *text);
    void *opaque;
};

void vfio_user_session_run(const struct session_context *context);

/* Regions as VFIO numbers them: bytes, 0 for those that the function does not have. */
uint64_t vfio_user_region_size(const struct pci_device *dev, uint32_t region);

#ifdef __cplusplus
}
#endif
#endif
