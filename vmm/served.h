/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The served vGPUs of a process: a vfio-user server for each, made at the start or while others run. Used by serve.c.
 *
 * Threads: all calls from the main loop's thread, but served_all_left(), which may come from any.
 */
#ifndef MEDIANT_VMM_SERVED_H
#define MEDIANT_VMM_SERVED_H

#include "vmm/gpu_setup.h"
#include "vmm/messages.h"

#ifdef __cplusplus
extern "C" {
#endif

struct served;

struct served_config {
    const char *config_path;   /* for messages; outlives it, as do the next two */
    struct gpu_setup *gpu;
    struct messages *messages;
    /* From a server's thread: a client is about to leave the vGPU of this user, the device still as its guest left it; a client is attached, or has left. */
    void (*leaving)(void *opaque, unsigned user);
    void (*changed)(void *opaque, unsigned user, bool attached);
    /* Of those that come later: it is served, and what it has beside that can be added, on a thread that may listen; false with an error takes it away again. */
    bool (*added)(void *opaque, unsigned user, const struct vgpu_settings *settings, GError **error);
    /* Before its device is destroyed; from the calling thread. */
    void (*removing)(void *opaque, unsigned user);
    void *opaque;
};

struct served *served_create(const struct served_config *config);
/* Ends all clients' connections and destroys the devices; NULL is allowed. */
void served_destroy(struct served *served);

/* The folder of sockets that have no path of their own. Caller frees with g_free(). */
char *served_folder(void);
/* Before the calling thread is confined: makes served_add() possible afterwards, for sockets in the default folder. */
bool served_prepare_to_grow(struct served *served, GError **error);

/* Serves the vGPU of a user that the GPU has already. The settings are copied. */
bool served_attach(struct served *served, unsigned user, const struct vgpu_settings *settings, GError **error);
/* One more: its name is used by no other, its type is a vGPU's. After served_prepare_to_grow(), or before the calling thread is confined. */
bool served_add(struct served *served, const struct vgpu_settings *settings, GError **error);
/* Takes one away: its client's connection ends, the socket goes, the space in the GPU is free. VMM_ERROR_CONFIG when there is none of that name. */
bool served_remove(struct served *served, const char *name, GError **error);

/* Those that there are, in the order in which they came; valid until one is removed. path is absolute. */
unsigned served_count(const struct served *served);
const struct vgpu_settings *served_settings(const struct served *served, unsigned index, const char **path);
/* The socket of the vGPU of that user of gpu_setup, and whether a client is attached there; NULL and false when there is none. */
const char *served_socket_of(const struct served *served, unsigned user);
bool served_is_attached(const struct served *served, unsigned user);
/* Each has had a client, and none has one now. */
bool served_all_left(struct served *served);
/* Prints how QEMU attaches to one. */
void served_print_invitation(const struct served *served, unsigned index);

#ifdef __cplusplus
}
#endif
#endif
