/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A console port of the guest. See console.h. */
#include "vmm/virtio/console.h"

enum {
    ID_CONSOLE = 3,
    CLASS_COMMUNICATION = 0x078000,
    QUEUE_RECEIVE = 0,
    QUEUE_SIZE = 64,
    PIECE = 4096,
};

struct virtio_console {
    struct virtio_device dev; /* first */
    struct virtio_console_config config;
    GMutex lock; /* of what follows */
    uint8_t input[VIRTIO_CONSOLE_INPUT_BYTES];
    size_t count;
};

static uint32_t request(struct virtio_device *dev, unsigned index, struct virtio_queue *queue, struct virtio_chain *chain)
{
    struct virtio_console *console = (struct virtio_console *)dev;
    uint8_t piece[PIECE];

    for (uint64_t done = 0; done < chain->out_bytes && !virtio_pci_stopping(dev->transport);) {
        size_t now = (size_t)MIN(chain->out_bytes - done, sizeof(piece));
        if (!virtio_chain_read(queue, chain, done, piece, now))
            break;
        console->config.output(console->config.opaque, piece, now);
        done += now;
    }
    return 0;
}

/* The lock is not held in calls to the transport: meanwhile, input can only grow at its end. */
static void dispatch(struct virtio_device *dev, const struct pollfd *fds, unsigned count)
{
    struct virtio_console *console = (struct virtio_console *)dev;
    uint8_t piece[VIRTIO_CONSOLE_INPUT_BYTES];
    bool sent = true, fits;

    while (sent) {
        g_mutex_lock(&console->lock);
        size_t len = console->count;
        memcpy(piece, console->input, len);
        g_mutex_unlock(&console->lock);
        if (len == 0)
            return;
        len = (size_t)MIN((uint64_t)len, virtio_pci_input_room(dev->transport, QUEUE_RECEIVE));
        sent = len > 0 && virtio_pci_input(dev->transport, QUEUE_RECEIVE, piece, len, NULL, 0, &fits);
        if (!sent)
            return;
        g_mutex_lock(&console->lock);
        console->count -= len;
        memmove(console->input, console->input + len, console->count);
        g_mutex_unlock(&console->lock);
    }
}

size_t virtio_console_input(struct virtio_device *dev, const uint8_t *data, size_t len)
{
    struct virtio_console *console = (struct virtio_console *)dev;

    g_mutex_lock(&console->lock);
    len = MIN(len, sizeof(console->input) - console->count);
    memcpy(console->input + console->count, data, len);
    console->count += len;
    g_mutex_unlock(&console->lock);
    if (len > 0)
        virtio_pci_wake(dev->transport);
    return len;
}

static void destroy(struct virtio_device *dev)
{
    struct virtio_console *console = (struct virtio_console *)dev;

    if (console->config.closed)
        console->config.closed(console->config.opaque);
    g_mutex_clear(&console->lock);
    g_free(console);
}

struct virtio_device *virtio_console_create(const struct virtio_console_config *config)
{
    static const struct virtio_device_ops ops = {.request = request, .dispatch = dispatch, .destroy = destroy};
    struct virtio_console *console = g_new0(struct virtio_console, 1);

    console->config = *config;
    g_mutex_init(&console->lock);
    console->dev = (struct virtio_device){.ops = &ops,
                                          .kind = "console",
                                          .id = ID_CONSOLE,
                                          .class_code = CLASS_COMMUNICATION,
                                          .queue_count = 2,
                                          .queue_size = QUEUE_SIZE,
                                          .input_queues = 1u << QUEUE_RECEIVE,
                                          .config_bytes = 12}; /* fields of features that are not offered */
    return &console->dev;
}
