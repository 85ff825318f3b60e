/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames between a guest's queues and a backend. See net.h; VIRTIO 1.2, 5.1.4 and 5.1.6. */
#include "vmm/virtio/net.h"

#include "vmm/error.h"

#include <sys/random.h>

enum {
    ID_NET = 1,
    CLASS_ETHERNET = 0x020000,
    QUEUE_RECEIVE = 0,
    QUEUE_SIZE = 256,
    HEADER_BYTES = 12, /* struct virtio_net_hdr: with VERSION_1 it always has num_buffers */
    HEADER_NUM_BUFFERS = 10,
    ETHERNET_HEADER = 14,
    MIN_MTU = 68,
    ROUND = 256, /* frames received in one round */

    FEATURE_MTU = 1 << 3,
    FEATURE_MAC = 1 << 5,
    FEATURE_STATUS = 1 << 16,

    CONFIG_STATUS = 6,
    CONFIG_MTU = 10,
    CONFIG_BYTES = 12,
    LINK_UP = 1,
};

struct virtio_net {
    struct virtio_device dev; /* first */
    struct net_backend *backend;
    size_t max_frame;
    uint8_t sent[VIRTIO_NET_MAX_FRAME];
    uint8_t received[VIRTIO_NET_MAX_FRAME];
    size_t received_len; /* of a frame that waits for a buffer */
};

/* No offload is offered, so the header has nothing to say. */
static uint32_t request(struct virtio_device *dev, unsigned index, struct virtio_queue *queue, struct virtio_chain *chain)
{
    struct virtio_net *net = (struct virtio_net *)dev;

    if (chain->out_bytes < HEADER_BYTES + ETHERNET_HEADER || chain->out_bytes > HEADER_BYTES + net->max_frame)
        return 0; /* no frame of this network */
    size_t len = chain->out_bytes - HEADER_BYTES;
    if (virtio_chain_read(queue, chain, HEADER_BYTES, net->sent, len))
        net->backend->ops->send(net->backend, net->sent, len);
    return 0;
}

/* One frame to the guest; false when none came or it must wait. A buffer too small for it costs the guest this frame. */
static bool receive(struct virtio_net *net)
{
    static const uint8_t header[HEADER_BYTES] = {[HEADER_NUM_BUFFERS] = 1};
    bool fits;

    if (net->received_len == 0)
        net->received_len = net->backend->ops->receive(net->backend, net->received, net->max_frame);
    if (net->received_len == 0)
        return false;
    if (!virtio_pci_input(net->dev.transport, QUEUE_RECEIVE, header, sizeof(header), net->received, net->received_len, &fits) && fits)
        return false;
    net->received_len = 0;
    return true;
}

static void dispatch(struct virtio_device *dev, const struct pollfd *fds, unsigned count)
{
    struct virtio_net *net = (struct virtio_net *)dev;
    unsigned left = ROUND;

    net->backend->ops->dispatch(net->backend, fds, count);
    while (left > 0 && !virtio_pci_stopping(dev->transport) && receive(net))
        left--;
    if (left == 0)
        virtio_pci_wake(dev->transport);
}

static void prepare(struct virtio_device *dev, GArray *fds, int *timeout_ms)
{
    struct virtio_net *net = (struct virtio_net *)dev;

    net->backend->ops->prepare(net->backend, fds, timeout_ms,
                               net->received_len == 0 && virtio_pci_input_room(dev->transport, QUEUE_RECEIVE) > 0);
}

static void destroy(struct virtio_device *dev)
{
    struct virtio_net *net = (struct virtio_net *)dev;

    net->backend->ops->destroy(net->backend);
    g_free(net);
}

struct virtio_device *virtio_net_create(const struct virtio_net_config *config, GError **error)
{
    static const struct virtio_device_ops ops = {.request = request, .prepare = prepare, .dispatch = dispatch, .destroy = destroy};
    static const uint8_t none[VIRTIO_NET_MAC_BYTES] = {0};
    unsigned mtu = config->mtu ? config->mtu : VIRTIO_NET_MTU;

    if (mtu < MIN_MTU || mtu > VIRTIO_NET_MAX_MTU) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "MTU %u is not from %d to %d (try 1500)", mtu, MIN_MTU, VIRTIO_NET_MAX_MTU);
        return NULL;
    }
    if (config->mac[0] & 1) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "MAC address %02x:... is a group's (try 52:54:00:12:34:56)", config->mac[0]);
        return NULL;
    }
    struct virtio_net *net = g_new0(struct virtio_net, 1);
    net->backend = config->backend;
    net->max_frame = mtu + VIRTIO_NET_FRAME_EXTRA;
    net->dev = (struct virtio_device){.ops = &ops,
                                      .kind = "net",
                                      .id = ID_NET,
                                      .class_code = CLASS_ETHERNET,
                                      .features = FEATURE_MTU | FEATURE_MAC | FEATURE_STATUS,
                                      .queue_count = 2,
                                      .queue_size = QUEUE_SIZE,
                                      .input_queues = 1u << QUEUE_RECEIVE,
                                      .config_bytes = CONFIG_BYTES,
                                      .sandbox = net->backend->sandbox};
    memcpy(net->dev.config, config->mac, VIRTIO_NET_MAC_BYTES);
    if (memcmp(config->mac, none, sizeof(none)) == 0) {
        if (getrandom(net->dev.config, VIRTIO_NET_MAC_BYTES, GRND_NONBLOCK) != VIRTIO_NET_MAC_BYTES)
            memset(net->dev.config, 0x42, VIRTIO_NET_MAC_BYTES);
        net->dev.config[0] = (net->dev.config[0] & 0xfc) | 2; /* locally administered, one station's */
    }
    net->dev.config[CONFIG_STATUS] = LINK_UP;
    net->dev.config[CONFIG_MTU] = mtu & 0xff;
    net->dev.config[CONFIG_MTU + 1] = mtu >> 8;
    return &net->dev;
}
