/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See input.h. */
#include "input.h"

#include "guest.h"

enum {
    /* Common configuration. */
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    DEVICE_STATUS = 20,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_ENABLE = 28,
    QUEUE_DESC = 32,
    QUEUE_AVAIL = 40,
    QUEUE_USED = 48,

    CAP_VENDOR = 9,
    CAP_COMMON = 1,
    CAP_NOTIFY = 2,
    CAP_DEVICE = 4,
    DESC_WRITE = 2,

    CONFIG_SELECT = 0,
    CONFIG_SIZE = 2,
    CONFIG_DATA = 8,
    SELECT_NAME = 1,
};

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

static void write16(uintptr_t addr, uint16_t value)
{
    __asm__ volatile("movw %1, %0" : "=m"(*(volatile uint16_t *)addr) : "r"(value) : "memory");
}

static void write8(uintptr_t addr, uint8_t value)
{
    __asm__ volatile("movb %1, %0" : "=m"(*(volatile uint8_t *)addr) : "q"(value) : "memory");
}

static uint8_t read8(uintptr_t addr)
{
    uint8_t value;

    __asm__ volatile("movb %1, %0" : "=q"(value) : "m"(*(volatile uint8_t *)addr) : "memory");
    return value;
}

static void read_name(struct input_device *input, uintptr_t config)
{
    write8(config + CONFIG_SELECT, SELECT_NAME);
    write8(config + CONFIG_SELECT + 1, 0);
    for (unsigned i = 0; i < read8(config + CONFIG_SIZE) && i + 1 < sizeof(input->name); i++)
        input->name[i] = (char)read8(config + CONFIG_DATA + i);
}

bool input_start(struct input_device *input, pci_devfn dev)
{
    uintptr_t common = 0, config = 0;
    struct desc *desc = page_alloc(4096);

    if (pci_read(dev, 0, 4) != 0x10521af4) /* virtio, device 18 */
        return false;
    pci_enable(dev);
    input->dev = dev;
    input->bar = pci_bar(dev, 0);
    for (unsigned cap = pci_read(dev, 0x34, 1); cap; cap = pci_read(dev, cap + 1, 1)) {
        unsigned type = pci_read(dev, cap + 3, 1);
        if (pci_read(dev, cap, 1) != CAP_VENDOR)
            continue;
        if (type == CAP_COMMON)
            common = input->bar + pci_read(dev, cap + 8, 4);
        if (type == CAP_NOTIFY)
            input->notify = input->bar + pci_read(dev, cap + 8, 4);
        if (type == CAP_DEVICE)
            config = input->bar + pci_read(dev, cap + 8, 4);
    }
    read_name(input, config);
    input->avail = page_alloc(4096);
    input->used = page_alloc(4096);
    input->buffers = page_alloc(4096);
    write8(common + DEVICE_STATUS, 1);
    write8(common + DEVICE_STATUS, 3);
    mmio_write32(common + DRIVER_FEATURE_SELECT, 1);
    mmio_write32(common + DRIVER_FEATURE, 1); /* VERSION_1 */
    write8(common + DEVICE_STATUS, 11);
    write16(common + QUEUE_SELECT, 0);
    write16(common + QUEUE_SIZE, INPUT_BUFFERS);
    mmio_write64(common + QUEUE_DESC, (uintptr_t)desc);
    mmio_write64(common + QUEUE_AVAIL, (uintptr_t)input->avail);
    mmio_write64(common + QUEUE_USED, (uintptr_t)input->used);
    write16(common + QUEUE_ENABLE, 1);
    for (unsigned i = 0; i < INPUT_BUFFERS; i++) {
        desc[i] = (struct desc){(uintptr_t)&input->buffers[i], sizeof(struct input_event), DESC_WRITE, 0};
        input->avail[2 + i] = (uint16_t)i;
    }
    cpu_barrier();
    input->avail[1] = INPUT_BUFFERS;
    write8(common + DEVICE_STATUS, 15);
    write16(input->notify, 0);
    return true;
}

bool input_next(struct input_device *input, struct input_event *event)
{
    if (!input->used || input->used[1] == input->taken)
        return false;
    cpu_barrier();
    uint16_t id = input->used[2 + 4 * (input->taken % INPUT_BUFFERS)]; /* flags, idx; then pairs of 32-bit id and length */
    *event = input->buffers[id];
    input->taken++;
    input->avail[2 + input->avail[1] % INPUT_BUFFERS] = id;
    cpu_barrier();
    input->avail[1]++;
    cpu_barrier();
    write16(input->notify, 0);
    return true;
}
