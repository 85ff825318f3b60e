/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of files by which the kernel offers mediated devices, as data: which directories, links and files there are, and what is in them
 * (Documentation/driver-api/vfio-mediated-device.rst, "Mediated Device Management Interface Through sysfs"). Its top is what /sys is there. Used by fuse.c,
 * and pure: no files, no threads; the caller guards the state.
 */
#ifndef MEDIANT_VMM_MDEV_NODES_H
#define MEDIANT_VMM_MDEV_NODES_H

#include "mmio/vgpu.h"

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MDEV_PARENT "0000:00:02.0" /* where Intel's graphics is, and where the model says it is */
enum { MDEV_UUID_LENGTH = 36, MDEV_TYPES_MAX = 16 };

struct mdev_device {
    uint32_t serial; /* from 1; never the same again in this process */
    char uuid[MDEV_UUID_LENGTH + 1];
    const struct vgpu_type *type;
    char *socket; /* absolute path */
};

struct mdev_state {
    GArray *devices;                    /* struct mdev_device */
    unsigned available[MDEV_TYPES_MAX]; /* by the place in vgpu_types */
    uint32_t last_serial;
};

void mdev_state_init(struct mdev_state *state);
void mdev_state_clear(struct mdev_state *state);
const struct mdev_device *mdev_state_find(const struct mdev_state *state, const char *uuid); /* NULL when unknown */
/* uuid, type and socket are copied; one that is there already stays as it is. */
void mdev_state_add(struct mdev_state *state, const char *uuid, const struct vgpu_type *type, const char *socket);
/* Keeps the devices for which keep() is true. */
void mdev_state_prune(struct mdev_state *state, bool (*keep)(void *opaque, const char *uuid), void *opaque);

/* A place in the tree. The number says all about it, and is its inode number. */
struct mdev_node {
    uint64_t number;
};
extern const struct mdev_node mdev_top; /* number 1 */

/* False when the node, as one of a device that was removed, is no longer there. */
bool mdev_node_exists(const struct mdev_state *state, struct mdev_node node);
mode_t mdev_node_mode(struct mdev_node node); /* type and rights */
bool mdev_node_child(const struct mdev_state *state, struct mdev_node dir, const char *name, struct mdev_node *child);
/* In an order that does not change while nothing comes or goes. */
void mdev_node_each_child(const struct mdev_state *state, struct mdev_node dir, void (*each)(void *opaque, const char *name, struct mdev_node child), void *opaque);
/* What a file holds or where a link leads; NULL when there is nothing to read. Caller frees with g_free(). */
char *mdev_node_text(const struct mdev_state *state, struct mdev_node node);

/* What writing to a file asks for. */
struct mdev_request {
    bool remove; /* else: create */
    char uuid[MDEV_UUID_LENGTH + 1]; /* in lower case */
    const struct vgpu_type *type;    /* of create */
};
/* 0, or the error number that the kernel gives: EINVAL, EACCES, ENODEV. Nothing is changed. */
int mdev_node_written(const struct mdev_state *state, struct mdev_node node, const char *text, size_t length, struct mdev_request *request);

/* A UUID with its hyphens, in any case; copied in lower case. */
bool mdev_uuid_parse(const char *text, size_t length, char uuid[MDEV_UUID_LENGTH + 1]);

#ifdef __cplusplus
}
#endif
#endif
