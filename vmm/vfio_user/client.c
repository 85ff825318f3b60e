/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI function that stands for one of another process. See client.h. */
#include "vmm/vfio_user/client_internal.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct vfio_user_client *of(struct pci_device *dev)
{
    return (struct vfio_user_client *)dev;
}

static void dma_mapped(void *opaque, const struct dma_region *region)
{
    struct vfio_user_client *client = opaque;
    struct vfio_user_dma_map map = {.argsz = sizeof(map),
                                    .flags = (region->prot & DMA_READ ? VFIO_USER_DMA_MAP_READ : 0u) |
                                             (region->prot & DMA_WRITE ? VFIO_USER_DMA_MAP_WRITE : 0u),
                                    .offset = region->fd >= 0 ? region->fd_offset : 0,
                                    .addr = region->addr,
                                    .size = region->size};

    g_mutex_lock(&client->wire);
    if (vfio_client_ask(client, &(struct request){.command = VFIO_USER_DMA_MAP, .data = &map, .len = sizeof(map), .fd = region->fd}) == REFUSED)
        vfio_client_lose(client, "the server does not take guest memory at 0x%" PRIx64 ": %s", region->addr, g_strerror((int)client->reply.header.error));
    g_mutex_unlock(&client->wire);
}

static void dma_unmapping(void *opaque, const struct dma_region *region)
{
    struct vfio_user_client *client = opaque;
    struct vfio_user_dma_unmap unmap = {.argsz = sizeof(unmap), .addr = region->addr, .size = region->size};

    g_mutex_lock(&client->wire);
    if (vfio_client_ask(client, &(struct request){.command = VFIO_USER_DMA_UNMAP, .data = &unmap, .len = sizeof(unmap), .fd = -1}) == REFUSED)
        vfio_client_lose(client, "the server does not give up guest memory at 0x%" PRIx64 ": %s", region->addr,
             g_strerror((int)client->reply.header.error));
    g_mutex_unlock(&client->wire);
}

static void attach(struct pci_device *dev, struct pci_host *host)
{
    struct vfio_user_client *client = of(dev);
    const struct dma_listener listener = {.mapped = dma_mapped, .unmapping = dma_unmapping, .opaque = client};

    g_mutex_lock(&client->config);
    dev->host = host;
    g_mutex_unlock(&client->config);
    client->listener = dma_space_listen(host->dma, &listener);
    g_mutex_lock(&client->config_write);
    if (client->has_intx)
        vfio_client_switch_irq(client, VFIO_PCI_INTX_IRQ_INDEX, true);
    g_mutex_unlock(&client->config_write);
}

static uint32_t all_ones(unsigned size)
{
    return 0xffffffff >> (32 - 8 * size);
}

static uint32_t config_read(struct pci_device *dev, unsigned offset, unsigned size)
{
    struct vfio_user_client *client = of(dev);
    uint8_t theirs[4] = {0xff, 0xff, 0xff, 0xff};
    bool all_own = true;

    if (vfio_client_is_gone(client))
        return all_ones(size);
    for (unsigned i = 0; i < size; i++)
        all_own &= client->own[offset + i];
    if (!all_own && vfio_client_read_region(client, VFIO_PCI_CONFIG_REGION_INDEX, offset, theirs, size) == NOTHING)
        return all_ones(size);
    g_mutex_lock(&client->config);
    uint32_t value = pci_config_read(&dev->config, offset, size);
    g_mutex_unlock(&client->config);
    for (unsigned i = 0; i < size; i++)
        if (!client->own[offset + i])
            value = (value & ~(UINT32_C(0xff) << 8 * i)) | (uint32_t)theirs[i] << 8 * i;
    return value;
}

static void config_write(struct pci_device *dev, unsigned offset, unsigned size, uint32_t value)
{
    struct vfio_user_client *client = of(dev);

    if (vfio_client_is_gone(client))
        return;
    g_mutex_lock(&client->config_write);
    if (offset + size <= client->config_size)
        vfio_client_write_region(client, VFIO_PCI_CONFIG_REGION_INDEX, offset, &value, size, false);
    g_mutex_lock(&client->config);
    bool moved = pci_config_write(&dev->config, offset, size, value);
    bool msi = pci_config_msi_enabled(&dev->config);
    struct pci_host *host = dev->host;
    g_mutex_unlock(&client->config);
    vfio_client_switch_msi(client, msi);
    g_mutex_unlock(&client->config_write);
    if (moved && host && host->decode_changed)
        host->decode_changed(host);
    vfio_client_update_intx(client);
}

static void bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, void *data, size_t len)
{
    struct vfio_user_client *client = of(dev);

    for (size_t now; len > 0; offset += now, data = (uint8_t *)data + now, len -= now) {
        now = MIN(len, client->max_transfer);
        if (vfio_client_is_gone(client) || vfio_client_read_region(client, bar, offset, data, (uint32_t)now) != ANSWERED)
            memset(data, 0xff, now);
    }
    vfio_client_after_access(client);
}

/* As on a bus, writes to memory are posted, and those to I/O ports are not. */
static void bar_write(struct pci_device *dev, unsigned bar, uint64_t offset, const void *data, size_t len)
{
    struct vfio_user_client *client = of(dev);
    bool posted = dev->config.bar[bar].kind != PCI_BAR_IO;

    for (size_t now; len > 0 && !vfio_client_is_gone(client); offset += now, data = (const uint8_t *)data + now, len -= now) {
        now = MIN(len, client->max_transfer);
        vfio_client_write_region(client, bar, offset, data, (uint32_t)now, posted);
    }
    vfio_client_after_access(client);
}

static void reset(struct pci_device *dev)
{
    struct vfio_user_client *client = of(dev);

    g_mutex_lock(&client->config_write);
    vfio_client_switch_msi(client, false);
    if (client->can_reset) {
        g_mutex_lock(&client->wire);
        if (vfio_client_ask(client, &(struct request){.command = VFIO_USER_DEVICE_RESET, .fd = -1}) == REFUSED)
            vfio_client_lose(client, "the server does not reset its function: %s", g_strerror((int)client->reply.header.error));
        g_mutex_unlock(&client->wire);
    }
    g_mutex_lock(&client->config);
    pci_config_reset(&dev->config);
    g_mutex_unlock(&client->config);
    g_mutex_unlock(&client->config_write);
    vfio_client_after_access(client); /* what the line did before does not count */
}

static void destroy(struct pci_device *dev)
{
    struct vfio_user_client *client = of(dev);
    const uint64_t one = 1;

    if (client->listener)
        dma_space_unlisten(dev->host->dma, client->listener);
    if (client->thread) {
        ssize_t ignored = write(client->stop_event, &one, sizeof(one));
        (void)ignored;
        g_thread_join(client->thread);
    }
    for (unsigned i = 0; i < 4; i++) {
        const int fds[] = {client->socket, client->stop_event, client->msi_event, client->intx_event};
        if (fds[i] >= 0)
            close(fds[i]);
    }
    wire_message_clear(&client->reply);
    g_mutex_clear(&client->wire);
    g_mutex_clear(&client->config_write);
    g_mutex_clear(&client->config);
    g_free(client->reason);
    g_free(client->path);
    g_free(client);
}

static const struct pci_device_ops ops = {
    .attach = attach,
    .config_read = config_read,
    .config_write = config_write,
    .bar_read = bar_read,
    .bar_write = bar_write,
    .reset = reset,
    .destroy = destroy,
};

static bool start(struct vfio_user_client *client, GError **error)
{
    client->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    client->msi_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    client->intx_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (client->stop_event < 0 || client->msi_event < 0 || client->intx_event < 0)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "%s", g_strerror(errno));
    client->thread = g_thread_try_new("vfio-client", vfio_client_run, client, error);
    return client->thread != NULL;
}

struct pci_device *vfio_user_client_create(const struct vfio_user_client_config *config, GError **error)
{
    struct vfio_user_client *client = g_new0(struct vfio_user_client, 1);

    client->path = g_strdup(config->path);
    client->failed = config->failed;
    client->opaque = config->opaque;
    client->timeout_ms = config->timeout_ms ? config->timeout_ms : VFIO_USER_CLIENT_TIMEOUT_MS;
    client->pci.ops = &ops;
    client->pci.name = client->path;
    client->socket = client->stop_event = client->msi_event = client->intx_event = -1;
    g_mutex_init(&client->wire);
    g_mutex_init(&client->config_write);
    g_mutex_init(&client->config);
    wire_message_init(&client->reply);
    if (vfio_client_connect(client, error) && vfio_client_agree_on_version(client, error) && vfio_client_read_function(client, error) && start(client, error))
        return &client->pci;
    destroy(&client->pci);
    return NULL;
}
