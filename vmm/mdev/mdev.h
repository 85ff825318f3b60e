/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vGPUs that come and go by UUID while the GPU is served, in the way of the kernel's mediated devices: ROOT/sys is the tree of nodes.h, ROOT/etc/mdevctl.d holds
 * the definitions. With MDEVCTL_ENV_ROOT=ROOT, mdevctl works on it. Mounted by cmd_serve.c, used
 * by serve.c on the main loop's thread.
 */
#ifndef MEDIANT_VMM_MDEV_MDEV_H
#define MEDIANT_VMM_MDEV_MDEV_H

#include "mmio/vgpu.h"

#include <glib.h>

struct mdev;
struct messages;

struct mdev_config {
    struct messages *messages; /* outlives it */
    /* Makes a vGPU of that name, or takes it away; both call mdev_refresh(). */
    bool (*create)(void *opaque, const char *uuid, const struct vgpu_type *type, GError **error);
    bool (*remove)(void *opaque, const char *uuid, GError **error);
    /* How many more of the type there could be. */
    unsigned (*available)(void *opaque, const struct vgpu_type *type);
    /* Calls each for every served vGPU. Those whose names are UUIDs are shown. */
    void (*each)(void *opaque, void (*each)(void *opaque, const char *name, const struct vgpu_type *type, const char *socket), void *each_opaque);
    void *opaque;
};

/* Makes the folders and mounts; before sandbox_begin(). NULL with VMM_ERROR_FAILED or, when another process has it, VMM_ERROR_CONFIG. */
struct mdev *mdev_mount(const char *root, GError **error);
/* Shows what there is, and lets it be changed. */
bool mdev_start(struct mdev *mdev, const struct mdev_config *config, GError **error);
const char *mdev_root(const struct mdev *mdev); /* an absolute path */
void mdev_destroy(struct mdev *mdev); /* NULL is allowed */
/* Shows what there is now; after each change. NULL is allowed. */
void mdev_refresh(struct mdev *mdev);
/* Creates what is defined with start = auto; what fails is said and left out. */
void mdev_start_defined(struct mdev *mdev);

#endif
