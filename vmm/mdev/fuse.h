/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts the tree of nodes.h by FUSE, so that a write to `create` is a call that can fail, as in the kernel's sysfs. Used by mdev.c.
 *
 * Threads: all calls belong to one, on whose GLib main loop run() is called; the file system has a thread of its own. Whoever writes to a file
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

/*
 * Mounts at a directory; VMM_ERROR_FAILED when that cannot be. Before sandbox_begin(), and before there is another thread (it forks): the program that mounts for an ordinary user has privileges that are given up
 * there. Whoever looks at the tree before it is started waits. The kernel unmounts when the process is gone, however it ends.
 */
struct mdev_fuse *mdev_fuse_mount(const char *path, GError **error);

/*
 * Begins to answer. run() does what was written: 0 or an error number. It calls mdev_fuse_update() if something has changed.
 */
bool mdev_fuse_start(struct mdev_fuse *fuse, int (*run)(void *opaque, const struct mdev_request *request), void *opaque, GError **error);
/* Writes that wait fail with ESHUTDOWN. NULL is allowed. */
void mdev_fuse_destroy(struct mdev_fuse *fuse);

/* Changes the state by change(opaque, state), between two accesses. */
void mdev_fuse_update(struct mdev_fuse *fuse, void (*change)(void *opaque, struct mdev_state *state), void *opaque);

#ifdef __cplusplus
}
#endif
#endif
