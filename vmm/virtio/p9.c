/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A shared directory as a virtio device. See p9.h. */
#include "vmm/virtio/p9.h"

#include "vmm/p9/protocol.h"
#include "vmm/p9/server.h"
#include "vmm/sandbox/sandbox.h"

enum {
    ID_9P = 9,
    CLASS_OTHER = 0x00ff00,
    FEATURE_MOUNT_TAG = 1 << 0,
    QUEUE_SIZE = 128,
};

struct virtio_p9 {
    struct virtio_device dev; /* first */
    struct p9_server *server;
    char *path; /* of the directory, for the sandbox */
    uint8_t request[P9_MESSAGE_MAX + 1], reply[P9_MESSAGE_MAX]; /* one more byte shows the server that a message is too long */
};

static uint32_t request(struct virtio_device *dev, unsigned index, struct virtio_queue *queue, struct virtio_chain *chain)
{
    struct virtio_p9 *p9 = (struct virtio_p9 *)dev;
    size_t len = (size_t)MIN(chain->out_bytes, sizeof(p9->request));
    size_t room = (size_t)MIN(chain->in_bytes, sizeof(p9->reply));

    if (len < P9_HEADER_BYTES || room < P9_ERROR_BYTES) {
        virtio_queue_break(queue, "a request of %" PRIu64 " bytes has no header, or %" PRIu64 " bytes no room for an error", chain->out_bytes,
                           chain->in_bytes);
        return 0;
    }
    if (!virtio_chain_read(queue, chain, 0, p9->request, len))
        return 0;
    size_t written = p9_server_handle(p9->server, p9->request, len, p9->reply, room);
    return virtio_chain_write(queue, chain, 0, p9->reply, written) ? (uint32_t)written : 0;
}

static void destroy(struct virtio_device *dev)
{
    struct virtio_p9 *p9 = (struct virtio_p9 *)dev;

    p9_server_destroy(p9->server);
    g_free(p9->path);
    g_free(p9);
}

struct virtio_device *virtio_p9_create(const struct virtio_p9_config *config, GError **error)
{
    static const struct virtio_device_ops ops = {.request = request, .destroy = destroy};
    struct p9_server *server = p9_server_create(config->path, config->read_only, error);
    uint16_t len = (uint16_t)MIN(strlen(config->tag), VIRTIO_CONFIG_BYTES - 2);

    if (!server)
        return NULL;
    struct virtio_p9 *p9 = g_new0(struct virtio_p9, 1);
    p9->server = server;
    p9->path = g_strdup(config->path);
    sandbox_allow_open(config->read_only ? SANDBOX_SHARE_READ_ONLY : SANDBOX_SHARE, p9->path, p9_server_directory(server));
    p9->dev = (struct virtio_device){.ops = &ops,
                                     .kind = "9p",
                                     .id = ID_9P,
                                     .class_code = CLASS_OTHER,
                                     .features = FEATURE_MOUNT_TAG,
                                     .queue_count = 1,
                                     .queue_size = QUEUE_SIZE,
                                     .config_bytes = 2 + (size_t)len,
                                     .sandbox = {.kind = SANDBOX_FILES, .directory = p9->path, .read_only = config->read_only}};
    p9->dev.config[0] = (uint8_t)len;
    p9->dev.config[1] = (uint8_t)(len >> 8);
    memcpy(p9->dev.config + 2, config->tag, len);
    return &p9->dev;
}
