/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serves one PCI function to vfio-user clients (QEMU 10.1 and later, our own machine) on a UNIX socket: one client at a time, one after the other.
 * Created by serve.c, one for each [vgpu NAME].
 *
 * A client can do what its guest can do and hurts nobody else: what it sends is checked, the memory that it shares is guarded, and its thread
 * belongs to this function only. When it leaves, for whatever reason, the function is reset, and the next one may come.
 *
 * Threads: create and destroy belong to one thread. The server has one thread that listens, and one more while a client is there; the device's
 * config and BAR accesses come from the latter.
 */
#ifndef MEDIANT_VMM_VFIO_USER_SERVER_H
#define MEDIANT_VMM_VFIO_USER_SERVER_H

#include "gpu/pci/pci_device.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfio_user_server;

struct vfio_user_server_config {
    const char *name; /* for messages and of the DMA view; copied */
    const char *path; /* of the socket; copied. Nothing may be there yet. */
    struct pci_device *dev; /* owned by the server from a successful create on */
    /* All may be NULL; from the server's threads, and must not call the server. */
    void (*connected)(void *opaque); /* a client has agreed on the version; who only looks whether a server is here is none */
    void (*leaving)(void *opaque);   /* ... and is gone, the device still as the guest left it, its memory still there */
    void (*complain)(void *opaque, const char *text); /* a line about what a client did; a flood of them is cut off */
    void *opaque;
};

/*
 * Listens at once. Fails with VMM_ERROR_CONFIG when something is at path (the message says whether a server answers there) or the folder is not
 * there, with VMM_ERROR_FAILED for the rest; the device is the caller's then. The socket is for its owner only (mode 0600).
 */
struct vfio_user_server *vfio_user_server_create(const struct vfio_user_server_config *config, GError **error);
/* Ends a client's connection and lets no other in; the device and what it shows are still there. To be destroyed, no more. */
void vfio_user_server_stop(struct vfio_user_server *server);
/* Ends a client's connection, removes the socket, destroys the device. NULL is allowed. */
void vfio_user_server_destroy(struct vfio_user_server *server);

#ifdef __cplusplus
}
#endif
#endif
