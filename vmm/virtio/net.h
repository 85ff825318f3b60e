/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network device (VIRTIO 1.2, 5.1) with one pair of queues and a backend; for virtio_pci_create(). It has a MAC address, an MTU and a
 * link that is up. Not offered: mergeable buffers, checksum and segmentation offloads, a control queue, several pairs.
 *
 * Threads: a backend's functions run on the device's worker, one at a time; destroy when that has ended, or never began.
 */
#ifndef MEDIANT_VMM_VIRTIO_NET_H
#define MEDIANT_VMM_VIRTIO_NET_H

#include "vmm/virtio/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VIRTIO_NET_MAC_BYTES = 6,
    VIRTIO_NET_MTU = 1500,
    VIRTIO_NET_MAX_MTU = 9000,
    VIRTIO_NET_FRAME_EXTRA = 18, /* Ethernet header with a VLAN tag */
    VIRTIO_NET_MAX_FRAME = VIRTIO_NET_MAX_MTU + VIRTIO_NET_FRAME_EXTRA,
};

struct net_backend;

struct net_backend_ops {
    /* Before and after the worker sleeps, as in virtio_device_ops. wanted: the guest can take a frame; a backend that can hold frames back
     * does. */
    void (*prepare)(struct net_backend *backend, GArray *fds, int *timeout_ms, bool wanted);
    void (*dispatch)(struct net_backend *backend, const struct pollfd *fds, unsigned count);
    /* One Ethernet frame without checksum for the guest, or 0. What has more than size bytes is dropped. */
    size_t (*receive)(struct net_backend *backend, uint8_t *frame, size_t size);
    /* One from the guest; whether it arrives is not known. Must not block. */
    void (*send)(struct net_backend *backend, const uint8_t *frame, size_t len);
    void (*destroy)(struct net_backend *backend);
};

/* Embedded as the first member of each backend. */
struct net_backend {
    const struct net_backend_ops *ops;
    struct sandbox_thread sandbox; /* of the worker that it runs on */
};

struct virtio_net_config {
    uint8_t mac[VIRTIO_NET_MAC_BYTES]; /* all 0: a random, locally administered one */
    unsigned mtu;                      /* 68 to VIRTIO_NET_MAX_MTU; 0: 1500 */
    struct net_backend *backend;       /* owned by the device from a success on */
};

/* Fails with VMM_ERROR_CONFIG for an MTU out of range or a multicast address. */
struct virtio_device *virtio_net_create(const struct virtio_net_config *config, GError **error);

/* A TAP interface that is there, or that the kernel lets us make. Fails with VMM_ERROR_CONFIG, naming it. */
struct net_backend *net_tap_create(const char *interface, GError **error);
/* A descriptor that gives and takes one frame for each read and write: of a TAP without packet information, or a datagram socket. Takes fd
 * over. */
struct net_backend *net_fd_create(int fd);

/*
 * User mode: libslirp's network of 10.0.2.0/24 with a gateway and DHCP server at 10.0.2.2, DNS at 10.0.2.3, the guest at 10.0.2.15.
 * Connections of the guest are made by this process, those to the gateway's address go to the host itself.
 */
struct net_user_forward {
    bool udp;
    uint16_t host_port, guest_port; /* host: on 127.0.0.1 */
};

struct net_user_config {
    const char *hostname; /* that DHCP gives to the guest; NULL: none */
    bool isolated;        /* the guest reaches its gateway and nothing behind it */
    unsigned mtu;         /* 0: 1500; that of the device */
    const struct net_user_forward *forwards;
    unsigned forward_count;
};

/* Fails with VMM_ERROR_CONFIG when a port of the host is taken. */
struct net_backend *net_user_create(const struct net_user_config *config, GError **error);

#ifdef __cplusplus
}
#endif
#endif
