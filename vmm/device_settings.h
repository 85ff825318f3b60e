/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of the keys `disk NAME`, `share NAME` and `net NAME` of a VM: a first word and options behind commas. Used by options.c; session.c makes devices of them.
 *
 *   disk root = debian.img, readonly, direct
 *   share home = /home/me/project, readonly
 *   net lan = user, forward=tcp:2222:22, mac=02:00:00:00:00:01
 *   net lan = tap:tap0
 */
#ifndef MEDIANT_VMM_DEVICE_SETTINGS_H
#define MEDIANT_VMM_DEVICE_SETTINGS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DEVICE_NAME_MAX = 20, DEVICES_MAX = 8, FORWARDS_MAX = 32 }; /* 20: what virtio has for a disk's serial */

struct disk_settings {
    char *name; /* the guest sees it as the disk's serial: /dev/disk/by-id/virtio-NAME */
    char *path;
    bool read_only, direct; /* direct: past the host's page cache */
};

struct share_settings {
    char *name; /* the mount tag */
    char *path;
    bool read_only;
};

struct net_forward_settings {
    bool udp;
    uint16_t host_port, guest_port; /* host: on 127.0.0.1 */
};

struct net_settings {
    char *name;
    char *tap;      /* interface of the host, or NULL for user mode */
    bool isolated;  /* user mode: nothing behind the gateway */
    uint8_t mac[6]; /* all 0: a random one */
    GArray *forwards; /* struct net_forward_settings, of user mode */
};

/* A path is relative to base unless that is NULL. NULL and a reason (caller frees) when the text is wrong. */
struct disk_settings *disk_settings_parse(const char *name, const char *text, const char *base, char **reason);
struct share_settings *share_settings_parse(const char *name, const char *text, const char *base, char **reason);
struct net_settings *net_settings_parse(const char *name, const char *text, char **reason);
void disk_settings_free(struct disk_settings *disk); /* NULL is allowed */
void share_settings_free(struct share_settings *share);
void net_settings_free(struct net_settings *net);

#ifdef __cplusplus
}
#endif
#endif
