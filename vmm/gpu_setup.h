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

#ifdef __cplusplus
extern "C" {
#endif

struct gpu_setup;
struct image;
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
/* Why the user's vGPU was disabled; NULL when it was not, or there is none. Until its device is destroyed. */
const char *gpu_setup_failure(struct gpu_setup *setup, unsigned user);
/* While guests run; from the main loop's thread. False with an error when the user has no vGPU, or there is no such policy. */
bool gpu_setup_set_weight(struct gpu_setup *setup, unsigned user, unsigned weight, GError **error);
bool gpu_setup_set_policy(struct gpu_setup *setup, const char *policy, GError **error);
/* The policy's name in force; a constant. */
const char *gpu_setup_policy(struct gpu_setup *setup);
/* The user's screen; NULL with an error. Caller frees with image_free(). Any thread, until its device is destroyed. */
struct image *gpu_setup_screenshot(struct gpu_setup *setup, unsigned user, GError **error);

#ifdef __cplusplus
}
#endif
#endif
