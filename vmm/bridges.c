/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host bridge and the LPC bridge: functions without BARs that say which platform this is. */
#include "vmm/bridges.h"

#include "vmm/memory.h"

struct bridge {
    struct pci_device pci;
    GMutex lock;
};

enum {
    VENDOR_INTEL = 0x8086,
    DEVICE_SKYLAKE_HOST_BRIDGE = 0x191f, /* desktop, 4 cores: the platform that a Skylake GT2 belongs to */
    DEVICE_Z170_LPC = 0xa145,            /* Sunrise Point: the PCH of that platform */
    CLASS_HOST_BRIDGE = 0x060000,
    CLASS_ISA_BRIDGE = 0x060100,
    BAR_ENABLE = 1 << 0,
};

static void attach(struct pci_device *dev, struct pci_host *host)
{
    dev->host = host;
}

static uint32_t config_read(struct pci_device *dev, unsigned offset, unsigned size)
{
    struct bridge *bridge = (struct bridge *)dev;

    g_mutex_lock(&bridge->lock);
    uint32_t value = pci_config_read(&dev->config, offset, size);
    g_mutex_unlock(&bridge->lock);
    return value;
}

static void config_write(struct pci_device *dev, unsigned offset, unsigned size, uint32_t value)
{
    struct bridge *bridge = (struct bridge *)dev;

    g_mutex_lock(&bridge->lock);
    pci_config_write(&dev->config, offset, size, value);
    g_mutex_unlock(&bridge->lock);
}

/* They have no BARs: the bus never calls these two. */
static void bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, void *data, size_t len)
{
}

static void bar_write(struct pci_device *dev, unsigned bar, uint64_t offset, const void *data, size_t len)
{
}

static void reset(struct pci_device *dev)
{
    struct bridge *bridge = (struct bridge *)dev;

    g_mutex_lock(&bridge->lock);
    pci_config_reset(&dev->config);
    g_mutex_unlock(&bridge->lock);
}

static void destroy(struct pci_device *dev)
{
    struct bridge *bridge = (struct bridge *)dev;

    g_mutex_clear(&bridge->lock);
    g_free(bridge);
}

static struct bridge *bridge_create(const char *name, const struct pci_identity *identity)
{
    static const struct pci_device_ops ops = {.attach = attach,
                                              .config_read = config_read,
                                              .config_write = config_write,
                                              .bar_read = bar_read,
                                              .bar_write = bar_write,
                                              .reset = reset,
                                              .destroy = destroy};
    struct bridge *bridge = g_new0(struct bridge, 1);

    g_mutex_init(&bridge->lock);
    bridge->pci.ops = &ops;
    bridge->pci.name = name;
    pci_config_init(&bridge->pci.config, identity);
    return bridge;
}

static void set64(struct pci_config *config, unsigned offset, uint64_t value)
{
    pci_config_set(config, offset, 4, (uint32_t)value);
    pci_config_set(config, offset + 4, 4, value >> 32);
}

struct pci_device *host_bridge_create(const struct host_bridge_config *config)
{
    static const struct pci_identity identity = {
        .vendor = VENDOR_INTEL, .device = DEVICE_SKYLAKE_HOST_BRIDGE, .revision = 7, .class_code = CLASS_HOST_BRIDGE};
    struct bridge *bridge = bridge_create("host bridge", &identity);
    struct pci_config *regs = &bridge->pci.config;
    const uint64_t mib = ~UINT64_C(0xfffff); /* what these three have bits for */

    set64(regs, HOST_BRIDGE_MCHBAR, HOST_BRIDGE_MCHBAR_BASE | BAR_ENABLE);
    set64(regs, HOST_BRIDGE_PCIEXBAR, config->ecam_base | BAR_ENABLE);
    set64(regs, HOST_BRIDGE_TOM, (config->low + config->high) & mib);
    set64(regs, HOST_BRIDGE_TOUUD, (MEMORY_HIGH_BASE + config->high) & mib);
    pci_config_set(regs, HOST_BRIDGE_TOLUD, 4, config->low & mib);
    return &bridge->pci;
}

struct pci_device *isa_bridge_create(void)
{
    static const struct pci_identity identity = {
        .vendor = VENDOR_INTEL, .device = DEVICE_Z170_LPC, .revision = 0x31, .class_code = CLASS_ISA_BRIDGE};

    return &bridge_create("ISA bridge", &identity)->pci;
}
