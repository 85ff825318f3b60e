/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random bytes for the guest. See rng.h. */
#include "vmm/virtio/rng.h"

#include <sys/random.h>

enum {
    ID_ENTROPY = 4,
    CLASS_OTHER = 0x00ff00,
    QUEUE_SIZE = 16,
};

static uint32_t request(struct virtio_device *dev, unsigned index, struct virtio_queue *queue, struct virtio_chain *chain)
{
    uint8_t bytes[VIRTIO_RNG_MAX_BYTES];
    ssize_t got = getrandom(bytes, (size_t)MIN(chain->in_bytes, sizeof(bytes)), GRND_NONBLOCK);

    /* Before the host has any, the guest gets none: it asks again. */
    return got > 0 && virtio_chain_write(queue, chain, 0, bytes, (size_t)got) ? (uint32_t)got : 0;
}

static void destroy(struct virtio_device *dev)
{
    g_free(dev);
}

struct virtio_device *virtio_rng_create(void)
{
    static const struct virtio_device_ops ops = {.request = request, .destroy = destroy};
    struct virtio_device *dev = g_new0(struct virtio_device, 1);

    *dev = (struct virtio_device){
        .ops = &ops, .kind = "rng", .id = ID_ENTROPY, .class_code = CLASS_OTHER, .queue_count = 1, .queue_size = QUEUE_SIZE};
    return dev;
}
