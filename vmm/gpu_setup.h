/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GPU side of a run: the backend, driver and scheduler, a vGPU for each user that has one, or the whole model for one. Users are the VMs or the
 * served vGPUs of the configuration, in its order, and behind them those that come while it runs. Used by session.c and serve.c, from the main loop's thread:
 * users come and go on that thread only, so what it reads of them holds until it returns to the loop.
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
struct streams; /* vmm/observe/streams.h */
struct image;
struct scanout;
struct scanout_reader;
struct vgpu_stats;
struct vgpu_type;

struct gpu_setup_config {
    const struct config *config;
    struct trace *trace;
    /* A vGPU was disabled; from any thread, must not block. */
    void (*failed)(void *opaque, unsigned user, const char *reason);
    void *opaque;
};

/* Builds what the configuration asks for, the shared GPU too when users may come (config_grows()); not NULL on success even when nobody uses the GPU. */
struct gpu_setup *gpu_setup_create(const struct gpu_setup_config *config, GError **error);
/* After all machines and servers that got a device are destroyed; NULL is allowed. */
void gpu_setup_destroy(struct gpu_setup *setup);

/*
 * A vGPU for one more user, by the next number that is free; it lasts until gpu_setup_remove(). Everything of *user is copied. Starts threads. Fails with
 * VMM_ERROR_CONFIG when the type does not fit, or when the GPU is passed through.
 */
bool gpu_setup_add(struct gpu_setup *setup, const struct gpu_user *user, unsigned *number, GError **error);
/* Before a user's device is destroyed: from now on it has no statistics and no screen. Waits for other threads that are asking for them. */
void gpu_setup_retire(struct gpu_setup *setup, unsigned user);
/* Gives the number back, after the device is destroyed (or before it is taken); the place of a user that is not the last stays, as one without a GPU and a name. */
void gpu_setup_remove(struct gpu_setup *setup, unsigned user);
/*
 * Likewise for a user that stays, when it has no GPU: gives it one of user->type and, unless they are NULL or 0, with user->monitor and user->weight; the rest is as
 * the user was configured. In place of remove(), the other leaves the user without.
 */
bool gpu_setup_plug(struct gpu_setup *setup, unsigned number, const struct gpu_user *user, GError **error);
void gpu_setup_unplug(struct gpu_setup *setup, unsigned user);
/* How many vGPUs of the type could be added now. */
unsigned gpu_setup_available(struct gpu_setup *setup, const struct vgpu_type *type);

/* Who records what guests submit from now on; NULL, once none of them runs, before the caller destroys it. */
void gpu_setup_record(struct gpu_setup *setup, struct streams *streams);

/* The users, and one of them; a name or type that was read stays valid until gpu_setup_destroy(). Another thread than the main loop's takes a copy. */
unsigned gpu_setup_count(const struct gpu_setup *setup);
const struct gpu_user *gpu_setup_user(const struct gpu_setup *setup, unsigned user);
struct gpu_user gpu_setup_copy_user(struct gpu_setup *setup, unsigned user);

/* Gives the user's GPU function away, to be attached (and destroyed) by whoever takes it; NULL when it has none. */
struct pci_device *gpu_setup_take_device(struct gpu_setup *setup, unsigned user);

/* The id that the user's GPU has in the trace, 0 when it has none; and back, on any thread: the name of the user with an id, NULL for other ids. */
unsigned gpu_setup_trace_id(struct gpu_setup *setup, unsigned user);
const char *gpu_setup_trace_name(void *setup, unsigned trace_id);
/* What the user's vGPU did; false when it has none. Any thread; until its device is destroyed, or at any time if it is retired before. */
bool gpu_setup_stats(struct gpu_setup *setup, unsigned user, struct vgpu_stats *stats);
/* Why the user's vGPU was disabled; NULL when it was not, or there is none. Threads as above. Caller frees with g_free(). */
char *gpu_setup_failure(struct gpu_setup *setup, unsigned user);
/* While guests run; from the main loop's thread. False with an error when the user has no vGPU, or there is no such policy. */
/* Takes weight (1 .. 256), cap and latency over from share. */
bool gpu_setup_set_share(struct gpu_setup *setup, unsigned user, const struct gpu_user *share, GError **error);
bool gpu_setup_set_policy(struct gpu_setup *setup, const char *policy, GError **error);
/* The policy's name in force; a constant. */
const char *gpu_setup_policy(struct gpu_setup *setup);
/* The user's screen; NULL with an error. Caller frees with image_free(). Threads as above. */
struct image *gpu_setup_screenshot(struct gpu_setup *setup, unsigned user, GError **error);
/*
 * For who looks at the user's screen often: what its pipe is set to, which is cheap, and when its next vertical blank begins (UINT64_MAX: it is off); then
 * a reader of the picture of that (gpu/blocks/scanout.h), which is to be given back soon, by the same thread: the GPU is not retired as long as it is there.
 * Threads as above, but one at a time for each user.
 */
bool gpu_setup_scanout(struct gpu_setup *setup, unsigned user, struct scanout *scanout, uint64_t *vblank_ns, GError **error);
struct scanout_reader *gpu_setup_reader(struct gpu_setup *setup, unsigned user, const struct scanout *scanout, GError **error);
void gpu_setup_reader_done(struct gpu_setup *setup, unsigned user, struct scanout_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
