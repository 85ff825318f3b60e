/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GPU side of a run: the backend, driver and scheduler, a vGPU for each VM that has one, or the whole model for one VM. Used by
 * session.c, from the main loop's thread.
 */
#ifndef MEDIANT_VMM_GPU_SETUP_H
#define MEDIANT_VMM_GPU_SETUP_H

#include "gpu/pci/pci_device.h"
#include "gpu/trace.h"
#include "vmm/config.h"

struct gpu_setup;
struct image;
struct vgpu_stats;

struct gpu_setup_config {
    const struct config *config;
    struct trace *trace;
    /* A vGPU was disabled; from any thread, must not block. vm is an index into config->vms. */
    void (*failed)(void *opaque, unsigned vm, const char *reason);
    void *opaque;
};

/* Builds what the configuration asks for; *setup is not NULL on success even when no VM has a GPU. */
struct gpu_setup *gpu_setup_create(const struct gpu_setup_config *config, GError **error);
/* After all machines that got a device are destroyed; NULL is allowed. */
void gpu_setup_destroy(struct gpu_setup *setup);

/* Gives the VM's GPU function away, to be attached to its machine (which owns and destroys it); NULL when it has none. */
struct pci_device *gpu_setup_take_device(struct gpu_setup *setup, unsigned vm);

/* The id that the VM's GPU has in the trace, 0 when it has none. */
unsigned gpu_setup_trace_id(const struct gpu_setup *setup, unsigned vm);
/* What the VM's vGPU did; false when it has none. Until its machine is destroyed. */
bool gpu_setup_stats(struct gpu_setup *setup, unsigned vm, struct vgpu_stats *stats);
/* The VM's screen; NULL with an error. Caller frees with image_free(). */
struct image *gpu_setup_screenshot(struct gpu_setup *setup, unsigned vm, GError **error);

#endif
