/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What gpu_setup.c (the whole), gpu_setup_change.c (users and GPUs that come and go) and gpu_setup_view.c (what is to be seen of them) share. */
#ifndef MEDIANT_VMM_GPU_SETUP_INTERNAL_H
#define MEDIANT_VMM_GPU_SETUP_INTERNAL_H

#include "gpu/blocks/edid.h"
#include "vmm/gpu_setup.h"

struct user_gpu {
    struct gpu_setup *setup;
    unsigned index;
    unsigned trace_id;         /* 0: this user has no GPU */
    struct vgpu *vgpu;         /* or NULL */
    struct model *passthrough; /* or NULL */
    struct pci_device *device; /* until it is taken */
};

/* What of a user's GPU stays when it goes. */
struct place {
    GMutex reading; /* held while there is a reader of its screen */
    struct monitor_settings monitor; /* for mode_load(): a file cannot be read again when guests run */
};

struct gpu_setup {
    struct gpu_setup_config config;
    struct driver *driver;
    struct scheduler *scheduler;
    struct hang_files *hangs;
    struct streams *streams; /* or NULL; atomic */
    struct gpu_user *users; /* of fixed size: other threads read names, which are atomic */
    struct user_gpu *gpus;  /* one for each user */
    struct place *places;   /* likewise */
    GRWLock lock;           /* of users and gpus, once they come and go: read by any thread, written by the main loop's */
    unsigned count, max;    /* count is atomic */
    GStringChunk *texts;    /* of users that were added; what was read of them stays valid when they are gone */
};

/* Makes what the user's type says, of a place that has no GPU. What was made when it fails is to be taken away as if it had not. */
bool gpu_setup_create_gpu(struct gpu_setup *setup, unsigned i, GError **error);

#endif
