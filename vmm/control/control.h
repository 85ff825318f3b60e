/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of one `vmm run` or `vmm serve`: its commands (commands.c) and its events, on top of the protocol (server.h). docs/control.md tells it to
 * users. Created by session.c and serve.c. Other parts add their own commands by control_server_add(control_server(control), table, opaque), between
 * control_start() and the main loop.
 *
 * Threads: the main loop's; the functions that report may be called from any, and with a NULL control, when there is no socket.
 */
#ifndef MEDIANT_VMM_CONTROL_CONTROL_H
#define MEDIANT_VMM_CONTROL_CONTROL_H

#include "vmm/control/server.h"
#include "vmm/observe/figures.h"

#ifdef __cplusplus
extern "C" {
#endif

struct control;
struct input;
struct machine;

struct control_config {
    const char *path;               /* as control_path() gives it; copied */
    struct figures_source *figures; /* the users; set-policy changes its policy */
    /* What the owner of the users knows of each; NULL for a kind of run that has none. */
    struct machine *(*machine)(void *opaque, unsigned user);
    const struct input *(*input)(void *opaque, unsigned user); /* its keyboard and tablet (display/input.h) */
    const char *(*socket)(void *opaque, unsigned user); /* where a served vGPU waits for its client */
    void (*quit)(void *opaque);     /* ends the run, soon */
    void *opaque;
};

/*
 * Where the socket is: value is that of the key or option, a path or "auto", which is NAME.sock in control_folder(), NAME being the configuration's file name
 * without its end. NULL for none: value is NULL. Caller frees with g_free().
 */
char *control_path(const char *value, const char *config_path);
/* $XDG_RUNTIME_DIR/mediant/control, or /run/mediant/control without that variable. Caller frees with g_free(). */
char *control_folder(void);

/* Listens; answers as soon as the main loop runs. Errors as unix_listener_open()'s, with the key in front. */
struct control *control_start(const struct control_config *config, GError **error);
/* Before anything that the configuration names is destroyed. NULL is allowed. */
void control_stop(struct control *control);
struct control_server *control_server(struct control *control);

/* Reports. */
void control_vgpu_failed(struct control *control, unsigned user, const char *reason);
void control_vm_ended(struct control *control, unsigned user);
void control_vm_restarted(struct control *control, unsigned user, bool by_guest);
void control_gpu_unplugged(struct control *control, unsigned user);
void control_gpu_unplug_refused(struct control *control, unsigned user, uint32_t status); /* status: of ACPI's _OST */
void control_client_changed(struct control *control, unsigned user, bool here); /* of a served vGPU */

/* For documentation: the commands and events of a run. The tables end with a row without a name. */
struct control_event_desc {
    const char *name, *data, *help;
};
extern const struct control_event_desc control_run_events[];
extern const struct control_command control_run_commands[], control_typing_commands[];

#ifdef __cplusplus
}
#endif
#endif
