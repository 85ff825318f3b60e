/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio device as a PCI function: config space with its capabilities, and BAR 0. See pci.h; layouts from VIRTIO 1.2, 4.1.4. */
#include "vmm/virtio/pci_internal.h"

#include "vmm/error.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    VENDOR_VIRTIO = 0x1af4,
    DEVICE_BASE = 0x1040,
    REVISION = 1,

    CAP_VENDOR = 0x09,
    CAP_COMMON = 1, /* cfg_type */
    CAP_NOTIFY = 2,
    CAP_ISR = 3,
    CAP_DEVICE = 4,
    CAP_PCI = 5,

    CAP_AT_COMMON = 0x40,
    CAP_AT_ISR = 0x50,
    CAP_AT_DEVICE = 0x60,
    CAP_AT_NOTIFY = 0x70,
    CAP_AT_PCI = 0x84,
    CAP_AT_MSIX = 0x98,

    CAP_BAR = 4, /* in a capability */
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_EXTRA = 16, /* the notify multiplier, or the window of pci-cfg */
};

static struct virtio_pci *of(struct pci_device *pci)
{
    return (struct virtio_pci *)pci;
}

static void finish(struct virtio_pci *transport, struct virtio_aftermath *aftermath)
{
    virtio_interrupts_send(transport);
    if (aftermath->wake)
        virtio_pci_wake(transport);
    virtio_complain(transport, aftermath->complaint);
}

static void copy_config(struct virtio_device *dev, uint64_t offset, uint8_t *data, size_t len)
{
    if (dev->ops->config_access) {
        size_t there = offset < dev->config_bytes ? MIN(len, dev->config_bytes - offset) : 0;
        memset(data, 0, len);
        if (there > 0)
            dev->ops->config_access(dev, offset, data, there, false);
        return;
    }
    for (size_t i = 0; i < len; i++)
        data[i] = offset + i < dev->config_bytes ? dev->config[offset + i] : 0;
}

/* Registers of the common configuration and the ISR: in pieces of the fields' sizes. */
static void read_registers(struct virtio_pci *transport, uint64_t offset, uint8_t *data, size_t len)
{
    g_mutex_lock(&transport->lock);
    while (len > 0) {
        unsigned size = len >= 4 && offset % 4 == 0 ? 4 : len >= 2 && offset % 2 == 0 ? 2 : 1;
        uint32_t value = 0;
        if (offset >= BAR_MSIX_PBA && offset < BAR_MSIX_PBA + BAR_PART_BYTES) {
            pci_msix_pba_read(&transport->msix, offset - BAR_MSIX_PBA, &value, size);
        } else if (offset >= BAR_MSIX_TABLE && offset < BAR_MSIX_PBA) {
            pci_msix_table_read(&transport->msix, offset - BAR_MSIX_TABLE, &value, size);
        } else if (offset < COMMON_BYTES) {
            value = virtio_common_read(transport, (unsigned)offset, size);
        } else if (offset == BAR_ISR) {
            value = transport->isr; /* reading clears it, and lowers the pin */
            transport->isr = 0;
        }
        memcpy(data, &value, size);
        offset += size;
        data += size;
        len -= size;
    }
    g_mutex_unlock(&transport->lock);
    virtio_interrupts_send(transport);
}

void virtio_pci_bar_read(struct virtio_pci *transport, uint64_t offset, void *data, size_t len)
{
    if (offset >= BAR_DEVICE && offset < BAR_NOTIFY)
        copy_config(transport->dev, offset - BAR_DEVICE, data, len);
    else
        read_registers(transport, offset, data, len);
}

static void write_config(struct virtio_device *dev, uint64_t offset, const uint8_t *data, size_t len)
{
    uint8_t copy[VIRTIO_CONFIG_BYTES];
    size_t there = offset < dev->config_bytes ? MIN(len, dev->config_bytes - offset) : 0;

    if (!dev->ops->config_access || there == 0)
        return;
    memcpy(copy, data, there);
    dev->ops->config_access(dev, offset, copy, there, true);
}

static void notify(struct virtio_pci *transport, uint64_t offset)
{
    uint64_t queue = offset / NOTIFY_MULTIPLIER;

    if (offset % NOTIFY_MULTIPLIER == 0 && queue < transport->dev->queue_count)
        virtio_pci_wake(transport);
}

void virtio_pci_bar_write(struct virtio_pci *transport, uint64_t offset, const void *data, size_t len)
{
    struct virtio_aftermath aftermath = {0};
    const uint8_t *bytes = data;

    if (offset >= BAR_NOTIFY && offset < BAR_MSIX_TABLE) {
        notify(transport, offset - BAR_NOTIFY);
        return;
    }
    if (offset >= BAR_DEVICE && offset < BAR_NOTIFY) {
        write_config(transport->dev, offset - BAR_DEVICE, data, len);
        return;
    }
    g_mutex_lock(&transport->lock);
    if (offset >= BAR_MSIX_TABLE && offset < BAR_MSIX_PBA) {
        pci_msix_table_write(&transport->msix, offset - BAR_MSIX_TABLE, data, len);
        len = 0;
    }
    while (len > 0 && offset < COMMON_BYTES) {
        unsigned size = len >= 4 && offset % 4 == 0 ? 4 : len >= 2 && offset % 2 == 0 ? 2 : 1;
        uint32_t value = 0;
        memcpy(&value, bytes, size);
        virtio_common_write(transport, (unsigned)offset, size, value, &aftermath);
        offset += size;
        bytes += size;
        len -= size;
    }
    g_mutex_unlock(&transport->lock);
    finish(transport, &aftermath);
}

static void bar_read(struct pci_device *pci, unsigned bar, uint64_t offset, void *data, size_t len)
{
    virtio_pci_bar_read(of(pci), offset, data, len);
}

static void bar_write(struct pci_device *pci, unsigned bar, uint64_t offset, const void *data, size_t len)
{
    virtio_pci_bar_write(of(pci), offset, data, len);
}

/* The window of the pci-cfg capability (4.1.4.9): what it names, when that is an access that BAR 0 has. */
static bool window(struct virtio_pci *transport, uint32_t *offset, uint32_t *length)
{
    const struct pci_config *config = &transport->pci.config;

    g_mutex_lock(&transport->lock);
    unsigned bar = pci_config_get(config, CAP_AT_PCI + CAP_BAR, 1);
    *offset = pci_config_get(config, CAP_AT_PCI + CAP_OFFSET, 4);
    *length = pci_config_get(config, CAP_AT_PCI + CAP_LENGTH, 4);
    g_mutex_unlock(&transport->lock);
    return bar == 0 && (*length == 1 || *length == 2 || *length == 4) && *offset % *length == 0 && *offset < BAR_BYTES;
}

static uint32_t config_read(struct pci_device *pci, unsigned offset, unsigned size)
{
    struct virtio_pci *transport = of(pci);
    uint32_t at, length, value = 0;

    if (offset == CAP_AT_PCI + CAP_EXTRA) {
        if (window(transport, &at, &length))
            virtio_pci_bar_read(transport, at, &value, MIN(length, size));
        return value;
    }
    g_mutex_lock(&transport->lock);
    value = pci_config_read(&pci->config, offset, size);
    if (offset <= PCI_REG_STATUS && offset + size > PCI_REG_STATUS && transport->isr)
        value |= (uint32_t)PCI_STATUS_INTERRUPT << (8 * (PCI_REG_STATUS - offset));
    g_mutex_unlock(&transport->lock);
    return value;
}

static void config_write(struct pci_device *pci, unsigned offset, unsigned size, uint32_t value)
{
    struct virtio_pci *transport = of(pci);
    struct virtio_aftermath aftermath = {0};
    uint32_t at, length;

    if (offset == CAP_AT_PCI + CAP_EXTRA) {
        if (window(transport, &at, &length))
            virtio_pci_bar_write(transport, at, &value, MIN(length, size));
        return;
    }
    g_mutex_lock(&transport->lock);
    bool master = pci_config_get(&pci->config, PCI_REG_COMMAND, 2) & PCI_COMMAND_MASTER;
    bool moved = pci_config_write(&pci->config, offset, size, value);
    aftermath.wake = !master && (pci_config_get(&pci->config, PCI_REG_COMMAND, 2) & PCI_COMMAND_MASTER);
    g_mutex_unlock(&transport->lock);
    if (moved && pci->host)
        pci->host->decode_changed(pci->host);
    finish(transport, &aftermath);
}

static void attach(struct pci_device *pci, struct pci_host *host)
{
    struct virtio_pci *transport = of(pci);

    g_mutex_lock(&transport->lock);
    pci->host = host;
    g_mutex_unlock(&transport->lock);
}

static void reset(struct pci_device *pci)
{
    virtio_worker_reset(of(pci), true);
}

/* All queues share the eventfd: to look at one that has nothing costs less than an eventfd for each. */
static bool doorbell(struct pci_device *pci, unsigned number, struct pci_shortcut *bell)
{
    struct virtio_pci *transport = of(pci);

    *bell = (struct pci_shortcut){.kind = PCI_DOORBELL, .bar = 0, .offset = BAR_NOTIFY + NOTIFY_MULTIPLIER * (uint64_t)number, .fd = transport->wake_fd};
    return number < transport->dev->queue_count;
}

static void release(struct virtio_pci *transport)
{
    for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
        virtio_queue_stop(&transport->queues[i]);
    if (transport->wake_fd >= 0)
        close(transport->wake_fd);
    g_mutex_clear(&transport->lock);
    g_cond_clear(&transport->idle);
    g_free(transport->name);
    g_free(transport);
}

static void destroy(struct pci_device *pci)
{
    struct virtio_pci *transport = of(pci);

    __atomic_store_n(&transport->stop, true, __ATOMIC_RELEASE);
    virtio_pci_wake(transport);
    g_thread_join(transport->thread);
    transport->dev->ops->destroy(transport->dev);
    release(transport);
}

static void add_part(struct pci_config *config, uint8_t at, uint8_t bytes, uint8_t type, uint32_t offset, uint32_t length)
{
    pci_config_add_capability(config, CAP_VENDOR, at);
    pci_config_set(config, at + 2, 1, bytes);
    pci_config_set(config, at + 3, 1, type);
    pci_config_set(config, at + CAP_OFFSET, 4, offset);
    pci_config_set(config, at + CAP_LENGTH, 4, length);
}

static void init_config(struct virtio_pci *transport, bool msix)
{
    struct pci_config *config = &transport->pci.config;
    const struct virtio_device *dev = transport->dev;
    const struct pci_identity identity = {.vendor = VENDOR_VIRTIO,
                                          .device = DEVICE_BASE + dev->id,
                                          .subsystem_vendor = VENDOR_VIRTIO,
                                          .subsystem = DEVICE_BASE + dev->id,
                                          .revision = REVISION,
                                          .class_code = dev->class_code,
                                          .interrupt_pin = 1};

    pci_config_init(config, &identity);
    pci_config_add_bar(config, 0, PCI_BAR_MEM64, BAR_BYTES);
    add_part(config, CAP_AT_COMMON, 16, CAP_COMMON, BAR_COMMON, COMMON_BYTES);
    add_part(config, CAP_AT_ISR, 16, CAP_ISR, BAR_ISR, 1);
    add_part(config, CAP_AT_DEVICE, 16, CAP_DEVICE, BAR_DEVICE, (uint32_t)MAX(dev->config_bytes, 4));
    add_part(config, CAP_AT_NOTIFY, 20, CAP_NOTIFY, BAR_NOTIFY, NOTIFY_MULTIPLIER * dev->queue_count);
    pci_config_set(config, CAP_AT_NOTIFY + CAP_EXTRA, 4, NOTIFY_MULTIPLIER);
    add_part(config, CAP_AT_PCI, 20, CAP_PCI, 0, 0);
    pci_config_set_writable(config, CAP_AT_PCI + CAP_BAR, 1, 0xff);
    pci_config_set_writable(config, CAP_AT_PCI + CAP_OFFSET, 4, 0xffffffff);
    pci_config_set_writable(config, CAP_AT_PCI + CAP_LENGTH, 4, 0xffffffff);
    if (msix)
        pci_msix_init(&transport->msix, config, CAP_AT_MSIX, dev->queue_count + 1, 0, BAR_MSIX_TABLE, BAR_MSIX_PBA);
}

struct pci_device *virtio_pci_create(const struct virtio_pci_config *config, struct virtio_device *dev, GError **error)
{
    static const struct pci_device_ops ops = {.attach = attach,
                                              .config_read = config_read,
                                              .config_write = config_write,
                                              .bar_read = bar_read,
                                              .bar_write = bar_write,
                                              .reset = reset,
                                              .destroy = destroy,
                                              .shortcut = doorbell};
    struct virtio_pci *transport = g_new0(struct virtio_pci, 1);
    g_autofree char *thread_name = g_strdup_printf("virtio-%s", dev->kind);

    g_assert(dev->queue_count <= VIRTIO_MAX_QUEUES && dev->queue_size <= VIRTIO_QUEUE_MAX_SIZE && dev->config_bytes <= VIRTIO_CONFIG_BYTES);
    transport->pci.ops = &ops;
    transport->dev = dev;
    transport->name = g_strdup(config->name);
    transport->pci.name = transport->name;
    transport->complain = config->complain;
    transport->opaque = config->opaque;
    g_mutex_init(&transport->lock);
    g_cond_init(&transport->idle);
    init_config(transport, config->msix);
    virtio_common_reset(transport);
    transport->busy = true; /* the worker begins so */
    dev->transport = transport;
    transport->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (transport->wake_fd < 0)
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: %s", config->name, g_strerror(errno));
    else
        transport->thread = g_thread_try_new(thread_name, virtio_worker_run, transport, error);
    if (!transport->thread) {
        dev->transport = NULL;
        release(transport);
        return NULL;
    }
    return &transport->pci;
}

struct virtio_device *virtio_pci_device(struct pci_device *pci)
{
    return of(pci)->dev;
}
