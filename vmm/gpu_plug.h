/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GPUs of VMs of a run that are plugged in and unplugged while their guests run: brings together the GPU side (gpu_setup.h), the machines (machine.h), and who
 * asks for it by the control socket. Used by session.c; docs/control.md tells it to users.
 *
 * Unplugging has three steps: the guest is asked, its driver lets go, and then the device is taken out, which nothing else forces, as on a PC. A guest that
 * begins again is taken to have let go.
 *
 * Threads: the main loop's; gpu_plug_ejected() and gpu_plug_refused() may be called from any.
 */
#ifndef MEDIANT_VMM_GPU_PLUG_H
#define MEDIANT_VMM_GPU_PLUG_H

#include "vmm/control/control.h"
#include "vmm/gpu_setup.h"
#include "vmm/messages.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gpu_plug;

struct gpu_plug_config {
    struct gpu_setup *gpu;
    struct messages *messages;
    struct control *control; /* for events; or NULL */
    unsigned users;          /* the VMs; their machines are asked for when they are needed */
    struct machine *(*machine)(void *opaque, unsigned user);
    void *opaque;
};

/* What config names outlives it, control too: it reports until it is destroyed. */
struct gpu_plug *gpu_plug_create(const struct gpu_plug_config *config);
/* Before the calling thread is confined: makes gpu_plug_add() possible afterwards. */
void gpu_plug_prepare(struct gpu_plug *plug);
/* After the machines have been joined; NULL is allowed. */
void gpu_plug_destroy(struct gpu_plug *plug);

/* Plugs a vGPU in, as gpu_setup_plug() makes it. The VM runs or is paused. */
bool gpu_plug_add(struct gpu_plug *plug, unsigned user, const struct gpu_user *settings, GError **error);
/* Asks the guest to let go of its GPU. What follows is told by events and messages. */
bool gpu_plug_remove(struct gpu_plug *plug, unsigned user, GError **error);

/* The user's guest has let go of it, or refuses that. */
void gpu_plug_ejected(struct gpu_plug *plug, unsigned user);
void gpu_plug_refused(struct gpu_plug *plug, unsigned user, uint32_t status);

/* The control socket's commands for that; their opaque is the struct gpu_plug. */
extern const struct control_command gpu_plug_commands[];

#ifdef __cplusplus
}
#endif
#endif
