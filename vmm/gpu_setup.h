/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GPU side of a run: the backend, driver and scheduler, a vGPU for each user that has one, or the whole model for one. Users are the VMs or the
 * served vGPUs of the configuration, in its order. Used by session.c and serve.c, from the main loop's thread.
 */
#ifndef MEDIANT_VMM_GPU_SETUP_H
#define MEDIANT_VMM_GPU_SETUP_H

#include "gpu/pci/pci_device.h"
#include "gpu/trace.h"
#include "vmm/config.h"

struct gpu_setup;
struct image;
struct scanout;
struct scanout_reader;
struct vgpu_stats;

struct gpu_setup_config {
    const struct config *config;
    struct trace *trace;
    /* A vGPU was disabled; from any thread, must not block. */
    void (*failed)(void *opaque, unsigned user, const char *reason);
    void *opaque;
};

/* Builds what the configuration asks for; not NULL on success even when nobody uses the GPU. */
struct gpu_setup *gpu_setup_create(const struct gpu_setup_config *config, GError **error);
/* After all machines and servers that got a device are destroyed; NULL is allowed. */
void gpu_setup_destroy(struct gpu_setup *setup);

/* The users, and one of them; valid until gpu_setup_destroy() and as long as the configuration. */
unsigned gpu_setup_count(const struct gpu_setup *setup);
const struct gpu_user *gpu_setup_user(const struct gpu_setup *setup, unsigned user);

/* Gives the user's GPU function away, to be attached (and destroyed) by whoever takes it; NULL when it has none. */
struct pci_device *gpu_setup_take_device(struct gpu_setup *setup, unsigned user);

/* The id that the user's GPU has in the trace, 0 when it has none; and back: the name of the user with an id, NULL for other ids. */
unsigned gpu_setup_trace_id(const struct gpu_setup *setup, unsigned user);
const char *gpu_setup_trace_name(void *setup, unsigned trace_id);
/* What the user's vGPU did; false when it has none. Until its device is destroyed. */
bool gpu_setup_stats(struct gpu_setup *setup, unsigned user, struct vgpu_stats *stats);
/* The user's screen; NULL with an error. Caller frees with image_free(). Any thread, until its device is destroyed. */
struct image *gpu_setup_screenshot(struct gpu_setup *setup, unsigned user, GError **error);
/*
 * For who looks at the user's screen often: what its pipe is set to, which is cheap, and when its next vertical blank begins (UINT64_MAX: it is off); then
 * a reader of the picture of that (gpu/blocks/scanout.h). Threads as above.
 */
bool gpu_setup_scanout(struct gpu_setup *setup, unsigned user, struct scanout *scanout, uint64_t *vblank_ns, GError **error);
struct scanout_reader *gpu_setup_reader(struct gpu_setup *setup, unsigned user, const struct scanout *scanout, GError **error);

#endif
