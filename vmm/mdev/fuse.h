/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts the tree of nodes.h by FUSE, so that a write to `create` is a call that can fail, as in the kernel's sysfs. Used by mdev.c.
 *
 * Threads: create, update and destroy belong to one, on whose GLib main loop run() is called; the file system has a thread of its own. Whoever writes to a file
 * waits for run(); who reads never waits for the main loop.
 */
#ifndef MEDIANT_VMM_MDEV_FUSE_H
#define MEDIANT_VMM_MDEV_FUSE_H

#include "vmm/mdev/nodes.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mdev_fuse;

struct mdev_fuse_config {
    const char *path; /* of a directory; copied */
    /* Does what was asked for; 0 or an error number. Calls mdev_fuse_update() if something has changed. */
    int (*run)(void *opaque, const struct mdev_request *request);
    void *opaque;
};

/* Mounts; VMM_ERROR_FAILED when that cannot be. Before the calling thread is confined. The kernel unmounts when the process is gone, however it ends. */
struct mdev_fuse *mdev_fuse_create(const struct mdev_fuse_config *config, GError **error);
/* Writes that wait fail with ESHUTDOWN. NULL is allowed. */
void mdev_fuse_destroy(struct mdev_fuse *fuse);

/* Changes the state by change(opaque, state), between two accesses. */
void mdev_fuse_update(struct mdev_fuse *fuse, void (*change)(void *opaque, struct mdev_state *state), void *opaque);

#ifdef __cplusplus
}
#endif
#endif
