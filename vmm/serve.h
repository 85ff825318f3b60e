/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One `vmm serve`: the GPU, a vfio-user server for each vGPU, the main loop, and what is reported at the end. */
#ifndef MEDIANT_VMM_SERVE_H
#define MEDIANT_VMM_SERVE_H

#include "vmm/config.h"
#include "vmm/control/server.h"
#include "vmm/mdev/mdev.h"
#include "vmm/outputs.h"

#ifdef __cplusplus
extern "C" {
#endif

struct serve_options {
    double timeout_s; /* 0 for none */
    struct mdev *mdev; /* mounted, or NULL; owned by serve_run() from the call on */
    bool once;        /* end when each vGPU has had a client and none has one any more */
    const struct output_options *outputs;
};

/*
 * Serves the vGPUs of a checked configuration until SIGINT or SIGTERM comes, the time is over, or all clients have been there (once). SIGUSR1 writes
 * the screenshots. Returns the exit code; *error is set only when nothing was started.
 */
int serve_run(const struct config *config, const struct serve_options *options, GError **error);

/*
 * One more vGPU, or one less, while it serves; from the main loop's thread. Its name is used by no other, its type is a vGPU's, its socket is in the default
 * folder; the settings are copied. Errors: served.h. Needs [gpu] mdev or a control socket.
 */
struct serve;
bool serve_add(struct serve *serve, const struct vgpu_settings *settings, GError **error);
bool serve_remove(struct serve *serve, const char *name, GError **error);

/* The socket of a vGPU that is served, NULL when there is none of that name; until it is removed. */
const char *serve_socket_of(const struct serve *serve, const char *name);
/* Where its screen is shown by VNC; likewise. */
const char *serve_screen_of(const struct serve *serve, const char *name);
/* The control socket's commands for that (serve_commands.c); their opaque is the struct serve. */
extern const struct control_command serve_commands[];

/* Where a vGPU's socket is: as configured, or the default that docs/configuration.md tells. Caller frees with g_free(). */
char *serve_socket_path(const struct vgpu_settings *vgpu);

#ifdef __cplusplus
}
#endif
#endif
