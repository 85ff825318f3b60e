/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host bridge: a read-only function that says which platform this is and where ECAM is. */
#include "vmm/host_bridge.h"

struct host_bridge {
    struct pci_device pci;
    GMutex lock;
};

enum {
    VENDOR_INTEL = 0x8086,
    DEVICE_SKYLAKE_HOST_BRIDGE = 0x191f, /* desktop, 4 cores: the platform that a Skylake GT2 belongs to */
    CLASS_HOST_BRIDGE = 0x060000,
    PCIEXBAR_ENABLE = 1 << 0,
};

static void attach(struct pci_device *dev, struct pci_host *host)
{
    dev->host = host;
}

static uint32_t config_read(struct pci_device *dev, unsigned offset, unsigned size)
{
    struct host_bridge *bridge = (struct host_bridge *)dev;

    g_mutex_lock(&bridge->lock);
    uint32_t value = pci_config_read(&dev->config, offset, size);
    g_mutex_unlock(&bridge->lock);
    return value;
}

static void config_write(struct pci_device *dev, unsigned offset, unsigned size, uint32_t value)
{
    struct host_bridge *bridge = (struct host_bridge *)dev;

    g_mutex_lock(&bridge->lock);
    pci_config_write(&dev->config, offset, size, value);
    g_mutex_unlock(&bridge->lock);
}

/* It has no BARs: the bus never calls these two. */
static void bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, void *data, size_t len)
{
}

static void bar_write(struct pci_device *dev, unsigned bar, uint64_t offset, const void *data, size_t len)
{
}

static void reset(struct pci_device *dev)
{
    struct host_bridge *bridge = (struct host_bridge *)dev;

    g_mutex_lock(&bridge->lock);
    pci_config_reset(&dev->config);
    g_mutex_unlock(&bridge->lock);
}

static void destroy(struct pci_device *dev)
{
    struct host_bridge *bridge = (struct host_bridge *)dev;

    g_mutex_clear(&bridge->lock);
    g_free(bridge);
}

struct pci_device *host_bridge_create(uint64_t ecam_base)
{
    static const struct pci_device_ops ops = {attach, config_read, config_write, bar_read, bar_write, reset, destroy};
    static const struct pci_identity identity = {
        .vendor = VENDOR_INTEL, .device = DEVICE_SKYLAKE_HOST_BRIDGE, .revision = 7, .class_code = CLASS_HOST_BRIDGE};
    struct host_bridge *bridge = g_new0(struct host_bridge, 1);

    g_mutex_init(&bridge->lock);
    bridge->pci.ops = &ops;
    bridge->pci.name = "host bridge";
    pci_config_init(&bridge->pci.config, &identity);
    pci_config_set(&bridge->pci.config, HOST_BRIDGE_PCIEXBAR, 4, (uint32_t)ecam_base | PCIEXBAR_ENABLE);
    pci_config_set(&bridge->pci.config, HOST_BRIDGE_PCIEXBAR + 4, 4, ecam_base >> 32);
    return &bridge->pci;
}
