/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model as a PCI function: configuration space, and the BARs' dispatch to registers, global GTT and aperture. Called by the machine or
 * vfio-user server that the model is plugged into.
 * Sources: PRM SKL vol. 12 and 13 (PCI configuration), PCI Express Base Specification (capabilities); Linux 6.1 i915
 * intel_pci_config.h, gt/intel_ggtt.c (GMCH_CTRL), QEMU's hw/vfio/igd.c for what firmware writes.
 */
#include <string.h>

#include "gpu/blocks/opregion.h"
#include "gpu/blocks/traps.h"
#include "gpu/model/model_internal.h"

enum {
    BAR_REGISTERS = 0,
    BAR_APERTURE = 2,
    BAR_IO = 4,
    IO_BYTES = 64,

    CONFIG_GMCH_CTRL = 0x50, /* GGMS 7:6, GMS 15:8 */
    GMCH_GGMS_8M = 3 << 6,
    GMCH_LOCKED = 1 << 0,
    CONFIG_BDSM = 0x5c,
    CONFIG_EXPRESS = 0x70,
    CONFIG_MSI = 0xac, /* not at 0x40: libvfio-user gives MSI 24 bytes, and 0x50 is GMCH_CTRL */
    CONFIG_PM = 0xd0,
    CONFIG_SWSCI = 0xe0,
    CONFIG_ASLE = 0xe4,
    CONFIG_SWSCI2 = 0xe8,

    CAP_ID_PM = 0x01,
    PM_CAPABILITIES = 2,
    PM_VERSION_2_DSI = 2 | 1 << 5, /* version; device-specific initialisation */
    PM_CONTROL = 4,
    PM_NO_SOFT_RESET = 1 << 3,

    CAP_ID_EXPRESS = 0x10,
    EXPRESS_CAPABILITIES = 2,
    EXPRESS_ROOT_COMPLEX_ENDPOINT = 2 | 9 << 4, /* version 2 */
    EXPRESS_DEVCAP = 4,
    EXPRESS_DEVCAP_ROLE_ERROR = 1 << 15,
    EXPRESS_DEVCAP_FLR = 1 << 28,
    EXPRESS_DEVCTL = 8,
    EXPRESS_DEVCTL_START_FLR = 1 << 15,

    IO_INDEX = 0, /* MMIO_INDEX: offset 20:2, target 1:0 (0 registers, 1 GTT) */
    IO_DATA = 4,
};

static struct model *from_pci(struct pci_device *dev)
{
    return (struct model *)dev;
}

static void update_intx_armed(struct model *model)
{
    uint64_t addr;
    uint32_t data;
    bool armed;

    g_mutex_lock(&model->config_lock);
    armed = model->pci.host != &model->gpu_host && model->pci.host->intx && !pci_config_msi(&model->pci.config, &addr, &data) &&
            !(pci_config_get(&model->pci.config, PCI_REG_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
    __atomic_store_n(&model->intx_armed, armed, __ATOMIC_RELAXED);
    g_mutex_unlock(&model->config_lock);
    model_update_intx(model);
}

static void pci_attach(struct pci_device *dev, struct pci_host *host)
{
    struct model *model = from_pci(dev);

    dma_space_unref(model->dma);
    model->dma = dma_space_ref(host->dma);
    dev->host = host;
    update_intx_armed(model);
}

static uint32_t pci_config_face_read(struct pci_device *dev, unsigned offset, unsigned size)
{
    struct model *model = from_pci(dev);
    bool pending = __atomic_load_n(&model->intx_level, __ATOMIC_RELAXED);
    uint32_t value;

    g_mutex_lock(&model->config_lock);
    value = pci_config_read(&dev->config, offset, size);
    g_mutex_unlock(&model->config_lock);
    if (pending && offset <= PCI_REG_STATUS && offset + size > PCI_REG_STATUS)
        value |= (uint32_t)PCI_STATUS_INTERRUPT << 8 * (PCI_REG_STATUS - offset);
    trap_config(model->trace, model->vgpu, TRAP_READ, offset, value);
    return value;
}

static bool msi_enabled(struct model *model)
{
    uint64_t addr;
    uint32_t data;

    return pci_config_msi(&model->pci.config, &addr, &data);
}

static void pci_config_face_write(struct pci_device *dev, unsigned offset, unsigned size, uint32_t value)
{
    struct model *model = from_pci(dev);
    bool moved, msi_before, msi_after, flr;
    unsigned devctl = CONFIG_EXPRESS + EXPRESS_DEVCTL;

    trap_config(model->trace, model->vgpu, TRAP_WRITE, offset, value);
    g_mutex_lock(&model->config_lock);
    msi_before = msi_enabled(model);
    moved = pci_config_write(&dev->config, offset, size, value);
    flr = pci_config_get(&dev->config, devctl, 2) & EXPRESS_DEVCTL_START_FLR;
    if (flr) {
        pci_config_reset(&dev->config);
        pci_config_set(&dev->config, devctl, 2, 0);
        moved = true;
    }
    msi_after = msi_enabled(model);
    g_mutex_unlock(&model->config_lock);

    if (flr)
        model_reset(model);
    update_intx_armed(model);
    if (msi_after && !msi_before)
        model_resend_message(model);
    if (moved && dev->host->decode_changed)
        dev->host->decode_changed(dev->host);
}

/* Bits of value at bytes [first, first + count) of a dword. */
static uint32_t byte_mask(unsigned first, unsigned count)
{
    return count == 4 ? 0xffffffff : ((1u << 8 * count) - 1) << 8 * first;
}

static uint32_t load(const uint8_t *buf, unsigned first, unsigned count)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < count; i++)
        value |= (uint32_t)buf[i] << 8 * (first + i);
    return value;
}

static void store(uint8_t *buf, uint32_t value, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buf[i] = value >> 8 * (first + i);
}

/* A register written in part: the other bytes keep their value; where writing a one does something, they write zero. */
static void write_partial(struct model *model, uint32_t offset, unsigned first, unsigned count, uint32_t value)
{
    const struct reg_desc *desc = reg_find(offset, NULL);
    uint32_t rest = 0;

    if (!desc || desc->access == REG_RW)
        rest = model_mmio_read(model, offset) & ~byte_mask(first, count);
    if (desc && (desc->flags & REG_MASKED))
        rest &= 0xffff;
    model_mmio_write(model, offset, value | rest);
}

static uint64_t pte_read(struct model *model, uint32_t index)
{
    return __atomic_load_n(&model->ggtt[index], __ATOMIC_RELAXED);
}

/* Part of an entry. Halves, as 32-bit kernels write them, stay single accesses. */
static void pte_write_partial(struct model *model, uint32_t index, unsigned first, const uint8_t *buf, unsigned count)
{
    uint32_t *half = (uint32_t *)&model->ggtt[index] + first / 4;

    if (count == 4 && first % 4 == 0) {
        __atomic_store_n(half, load(buf, 0, 4), __ATOMIC_RELAXED);
        return;
    }
    uint64_t old = pte_read(model, index), value, mask = 0, bits = 0;
    for (unsigned i = 0; i < count; i++) {
        mask |= UINT64_C(0xff) << 8 * (first + i);
        bits |= (uint64_t)buf[i] << 8 * (first + i);
    }
    do
        value = (old & ~mask) | bits;
    while (!__atomic_compare_exchange_n(&model->ggtt[index], &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

static void bar0_read(struct model *model, uint64_t offset, uint8_t *buf, size_t len)
{
    while (len > 0) {
        size_t now;
        if (offset < MMIO_SIZE) {
            unsigned first = offset & 3;
            now = MIN(len, 4 - first);
            store(buf, model_mmio_read(model, offset - first), first, now);
        } else if (offset < GTT_OFFSET) { /* reserved */
            now = MIN(len, GTT_OFFSET - offset);
            memset(buf, 0, now);
        } else {
            unsigned first = offset & 7;
            uint64_t pte = pte_read(model, (offset - GTT_OFFSET) / 8);
            now = MIN(len, 8 - first);
            memcpy(buf, (uint8_t *)&pte + first, now);
        }
        offset += now;
        buf += now;
        len -= now;
    }
}

static void bar0_write(struct model *model, uint64_t offset, const uint8_t *buf, size_t len)
{
    while (len > 0) {
        size_t now;
        if (offset < MMIO_SIZE) {
            unsigned first = offset & 3;
            now = MIN(len, 4 - first);
            if (now == 4)
                model_mmio_write(model, offset, load(buf, 0, 4));
            else
                write_partial(model, offset - first, first, now, load(buf, first, now));
        } else if (offset < GTT_OFFSET) {
            now = MIN(len, GTT_OFFSET - offset);
        } else {
            unsigned first = offset & 7;
            uint32_t index = (offset - GTT_OFFSET) / 8;
            now = MIN(len, 8 - first);
            if (now == 8)
                __atomic_store_n(&model->ggtt[index], load(buf, 0, 4) | (uint64_t)load(buf + 4, 0, 4) << 32, __ATOMIC_RELAXED);
            else
                pte_write_partial(model, index, first, buf, now);
        }
        offset += now;
        buf += now;
        len -= now;
    }
}

/* The index and data pair reaches BAR0 from real mode: where the data port leads, or UINT64_MAX. */
static uint64_t io_target(struct model *model)
{
    uint32_t index = __atomic_load_n(&model->mmio_index, __ATOMIC_RELAXED);

    switch (index & 3) {
    case 0:
        return index & (MMIO_SIZE - 4);
    case 1:
        return GTT_OFFSET + (index & (MMIO_SIZE - 4));
    default:
        return UINT64_MAX;
    }
}

/* Whole ports only, as the hardware decodes them. */
static void io_read(struct model *model, uint64_t offset, uint8_t *buf, size_t len)
{
    uint64_t target = io_target(model);

    memset(buf, 0xff, len);
    if (len != 4)
        return;
    if (offset == IO_INDEX)
        store(buf, __atomic_load_n(&model->mmio_index, __ATOMIC_RELAXED), 0, 4);
    else if (offset == IO_DATA && target != UINT64_MAX)
        bar0_read(model, target, buf, 4);
}

static void io_write(struct model *model, uint64_t offset, const uint8_t *buf, size_t len)
{
    if (len != 4)
        return;
    if (offset == IO_INDEX) {
        __atomic_store_n(&model->mmio_index, load(buf, 0, 4), __ATOMIC_RELAXED);
    } else if (offset == IO_DATA) {
        uint64_t target = io_target(model);
        if (target != UINT64_MAX)
            bar0_write(model, target, buf, 4);
    }
}

static void pci_bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, void *data, size_t len)
{
    struct model *model = from_pci(dev);

    switch (bar) {
    case BAR_REGISTERS:
        bar0_read(model, offset, data, len);
        trap_bar0(model->trace, model->vgpu, TRAP_READ, offset, data, len);
        break;
    case BAR_APERTURE:
        trap_aperture(model->trace, model->vgpu, TRAP_READ, offset, len);
        model_aperture_read(model, offset, data, len);
        break;
    case BAR_IO:
        io_read(model, offset, data, len);
        break;
    default:
        memset(data, 0xff, len);
        break;
    }
}

static void pci_bar_write(struct pci_device *dev, unsigned bar, uint64_t offset, const void *data, size_t len)
{
    struct model *model = from_pci(dev);

    switch (bar) {
    case BAR_REGISTERS:
        trap_bar0(model->trace, model->vgpu, TRAP_WRITE, offset, data, len);
        bar0_write(model, offset, data, len);
        break;
    case BAR_APERTURE:
        trap_aperture(model->trace, model->vgpu, TRAP_WRITE, offset, len);
        model_aperture_write(model, offset, data, len);
        break;
    case BAR_IO:
        io_write(model, offset, data, len);
        break;
    }
}

static void pci_reset(struct pci_device *dev)
{
    struct model *model = from_pci(dev);

    g_mutex_lock(&model->config_lock);
    pci_config_reset(&dev->config);
    for (unsigned offset = PCI_REG_INTERRUPT_PIN + 3; offset < 0x100; offset++)
        dev->config.data[offset] &= ~dev->config.writable[offset];
    g_mutex_unlock(&model->config_lock);
    model_reset(model);
    update_intx_armed(model);
}

static void pci_destroy(struct pci_device *dev)
{
    model_destroy(from_pci(dev));
}

/* As hardware posts them: a flush by another register makes sure of them (PRM vol. 2c, GFX_FLSH_CNTL). */
static bool pci_shortcut(struct pci_device *dev, unsigned number, struct pci_shortcut *shortcut)
{
    *shortcut = (struct pci_shortcut){.kind = PCI_POSTED, .bar = 0, .offset = GTT_OFFSET, .size = GTT_BYTES, .fd = -1};
    return number == 0;
}

static const struct pci_device_ops pci_ops = {
    .attach = pci_attach,
    .config_read = pci_config_face_read,
    .config_write = pci_config_face_write,
    .bar_read = pci_bar_read,
    .bar_write = pci_bar_write,
    .reset = pci_reset,
    .destroy = pci_destroy,
    .shortcut = pci_shortcut,
};

void model_pci_init(struct model *model)
{
    static const struct pci_identity identity = {
        .vendor = 0x8086,
        .device = 0x1912,
        .subsystem_vendor = 0x8086,
        .subsystem = 0x2212,
        .revision = 6,
        .class_code = 0x030000,
        .interrupt_pin = 1,
    };
    struct pci_config *config = &model->pci.config;

    model->pci.ops = &pci_ops;
    model->pci.name = "gen9-model";
    pci_config_init(config, &identity);
    pci_config_add_bar(config, BAR_REGISTERS, PCI_BAR_MEM64, BAR0_SIZE);
    pci_config_add_bar(config, BAR_APERTURE, PCI_BAR_MEM64_PREF, model->aperture_size);
    pci_config_add_bar(config, BAR_IO, PCI_BAR_IO, IO_BYTES);

    pci_config_add_capability(config, CAP_ID_EXPRESS, CONFIG_EXPRESS);
    pci_config_set(config, CONFIG_EXPRESS + EXPRESS_CAPABILITIES, 2, EXPRESS_ROOT_COMPLEX_ENDPOINT);
    pci_config_set(config, CONFIG_EXPRESS + EXPRESS_DEVCAP, 4, EXPRESS_DEVCAP_ROLE_ERROR | EXPRESS_DEVCAP_FLR);
    pci_config_set_writable(config, CONFIG_EXPRESS + EXPRESS_DEVCTL, 2, 0xffff);
    pci_config_add_msi(config, CONFIG_MSI);
    pci_config_add_capability(config, CAP_ID_PM, CONFIG_PM);
    pci_config_set(config, CONFIG_PM + PM_CAPABILITIES, 2, PM_VERSION_2_DSI);
    pci_config_set(config, CONFIG_PM + PM_CONTROL, 2, PM_NO_SOFT_RESET);
    pci_config_set_writable(config, CONFIG_PM + PM_CONTROL, 2, 3);

    pci_config_set(config, CONFIG_GMCH_CTRL, 2, GMCH_GGMS_8M | GMCH_LOCKED);
    pci_config_set_writable(config, CONFIG_BDSM, 4, 0xffffffff);
    pci_config_set_writable(config, CONFIG_SWSCI, 4, 0xffffffff);
    pci_config_set_writable(config, CONFIG_ASLE, 4, 0xffffffff);
    pci_config_set_writable(config, CONFIG_SWSCI2, 4, 0xffffffff);
    pci_config_set_writable(config, OPREGION_ASLS, 4, 0xffffffff);
}
