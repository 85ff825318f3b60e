/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function that is served by another process through a vfio-user socket, for a machine of ours: what it does to the function goes through the socket.
 * Used by gpu_setup.c for gpu = vfio-user:PATH.
 *
 * As every VFIO client, it keeps BARs, the command register and MSI to itself, because they are the machine's: it tells the server of each change, and takes
 * the rest of the configuration space from there. Guest memory is shared through the files that the DMA view's regions have (dma_space_map_file());
 * the device cannot reach others. Writes to memory BARs are posted; all else waits for its answer.
 *
 * Trust: none in the server, beyond what it may do with the memory that it is given. It is never waited for much longer than the timeout. A server that is gone,
 * is silent or breaks the protocol leaves a dead function, which reads all ones and drops writes, and failed() is told once.
 *
 * Threads: as every PCI function, any. One message is under way at a time. A thread of its own takes interrupts and notices the server's end.
 */
#ifndef MEDIANT_VMM_VFIO_USER_CLIENT_H
#define MEDIANT_VMM_VFIO_USER_CLIENT_H

#include "gpu/pci/pci_device.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { VFIO_USER_CLIENT_TIMEOUT_MS = 5000 };

struct vfio_user_client_config {
    const char *path;    /* of the server's socket; copied */
    unsigned timeout_ms; /* for an answer; 0 for VFIO_USER_CLIENT_TIMEOUT_MS */
    /* The function is dead, and why. Called at most once, from the client's own thread, with no lock held; must not block. May be NULL. */
    void (*failed)(void *opaque, const char *reason);
    void *opaque;
};

/*
 * Connects, agrees on the version and reads what the function is. Fails with VMM_ERROR_CONFIG when nobody listens at path or there is another client,
 * with VMM_ERROR_FAILED when the server says what cannot be. The message begins with the path.
 */
struct pci_device *vfio_user_client_create(const struct vfio_user_client_config *config, GError **error);

#ifdef __cplusplus
}
#endif
#endif
