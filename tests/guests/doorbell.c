/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notification of a virtio queue, in a machine with one disk: it arrives wherever the BAR lies, also after decoding was off, and does
 * nothing where the BAR was before. Prints what a notification costs beside a trapped write, in nanoseconds. Source of the layouts: VIRTIO
 * 1.2, 2.7 (queue), 4.1.4 (registers), 5.2.6 (requests).
 */
#include "guest.h"
#include "pci.h"

enum {
    /* Common configuration. */
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    DEVICE_STATUS = 20,
    QUEUE_SIZE = 24,
    QUEUE_ENABLE = 28,
    QUEUE_DESC = 32,
    QUEUE_AVAIL = 40,
    QUEUE_USED = 48,

    CAP_VENDOR = 9,
    CAP_COMMON = 1,
    CAP_NOTIFY = 2,
    COMMAND = 4,
    COMMAND_MEMORY = 2,
    COMMAND_MASTER = 4,

    ENTRIES = 8,
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    REQUEST_GET_ID = 8,
    ID_BYTES = 20,

    NEW_PLACE = 0xd0000000,
    ROUNDS = 9,
    WRITES = 200,
    PATIENCE_US = 5000000,
};

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

static struct {
    pci_devfn dev;
    uintptr_t bar, common, notify; /* the last two: offsets */
    struct desc *desc;
    volatile uint16_t *avail, *used; /* flags, idx, ring */
    uint8_t *request, *answer;
} disk;

static void write16(uintptr_t addr, uint16_t value)
{
    __asm__ volatile("movw %1, %0" : "=m"(*(volatile uint16_t *)addr) : "r"(value) : "memory");
}

static void write8(uintptr_t addr, uint8_t value)
{
    __asm__ volatile("movb %1, %0" : "=m"(*(volatile uint8_t *)addr) : "q"(value) : "memory");
}

static void find_registers(void)
{
    for (unsigned cap = pci_read(disk.dev, 0x34, 1); cap; cap = pci_read(disk.dev, cap + 1, 1)) {
        unsigned type = pci_read(disk.dev, cap + 3, 1);
        if (pci_read(disk.dev, cap, 1) != CAP_VENDOR)
            continue;
        if (type == CAP_COMMON)
            disk.common = pci_read(disk.dev, cap + 8, 4);
        if (type == CAP_NOTIFY)
            disk.notify = pci_read(disk.dev, cap + 8, 4);
    }
    disk.bar = pci_bar(disk.dev, 0);
}

static void start_queue(void)
{
    uintptr_t common = disk.bar + disk.common;

    disk.desc = page_alloc(4096);
    disk.avail = page_alloc(4096);
    disk.used = page_alloc(4096);
    disk.request = page_alloc(4096);
    disk.answer = disk.request + 64;
    disk.desc[0] = (struct desc){(uintptr_t)disk.request, 16, DESC_NEXT, 1};
    disk.desc[1] = (struct desc){(uintptr_t)disk.answer, ID_BYTES + 1, DESC_WRITE, 0};
    *(uint32_t *)disk.request = REQUEST_GET_ID;
    write8(common + DEVICE_STATUS, 1);
    write8(common + DEVICE_STATUS, 3);
    mmio_write32(common + DRIVER_FEATURE_SELECT, 1);
    mmio_write32(common + DRIVER_FEATURE, 1); /* VERSION_1 */
    write8(common + DEVICE_STATUS, 11);
    write16(common + QUEUE_SIZE, ENTRIES);
    mmio_write64(common + QUEUE_DESC, (uintptr_t)disk.desc);
    mmio_write64(common + QUEUE_AVAIL, (uintptr_t)disk.avail);
    mmio_write64(common + QUEUE_USED, (uintptr_t)disk.used);
    write16(common + QUEUE_ENABLE, 1);
    write8(common + DEVICE_STATUS, 15);
}

/* A request that the device is not told of yet: head 0 in the next entry of the ring. */
static void offer(void)
{
    memset(disk.answer, 0xee, ID_BYTES + 1);
    disk.avail[2 + disk.avail[1] % ENTRIES] = 0;
    cpu_barrier();
    disk.avail[1]++;
    cpu_barrier();
}

static void ring(uintptr_t bar)
{
    write16(bar + disk.notify, 0);
}

static bool answered(uint64_t patience_us)
{
    uint64_t end = time_us() + patience_us;

    while (disk.used[1] != disk.avail[1])
        if (time_us() > end)
            return false;
    return memcmp(disk.answer, "bell", 5) == 0 && disk.answer[ID_BYTES] == 0;
}

static void set_command(uint16_t value)
{
    pci_write(disk.dev, COMMAND, 2, value);
}

static void move(uint32_t addr)
{
    set_command(COMMAND_MASTER);
    pci_write(disk.dev, 0x10, 4, addr);
    pci_write(disk.dev, 0x14, 4, 0);
    set_command(COMMAND_MEMORY | COMMAND_MASTER);
    disk.bar = addr;
}

static void test_places(void)
{
    uintptr_t first = disk.bar;

    offer();
    ring(disk.bar);
    report(answered(PATIENCE_US), "a notification starts the queue");
    move(NEW_PLACE);
    offer();
    ring(first);
    report(!answered(50000), "not where the BAR was");
    ring(disk.bar);
    report(answered(PATIENCE_US), "where it is now");
    set_command(COMMAND_MASTER);
    offer();
    ring(disk.bar);
    report(!answered(50000), "not with decoding off");
    set_command(COMMAND_MEMORY | COMMAND_MASTER);
    ring(disk.bar);
    report(answered(PATIENCE_US), "with decoding on again");
    move((uint32_t)first);
    for (unsigned i = 0; i < 4; i++) {
        offer();
        if (i % 2) /* the width does not matter */
            mmio_write32(disk.bar + disk.notify, 0);
        else
            ring(disk.bar);
        report(answered(PATIENCE_US), "back at the first place, request %u", i);
    }
}

static uint64_t median(uint64_t *values)
{
    for (unsigned i = 1; i < ROUNDS; i++)
        for (unsigned j = i; j > 0 && values[j - 1] > values[j]; j--) {
            uint64_t swap = values[j];
            values[j] = values[j - 1];
            values[j - 1] = swap;
        }
    return values[ROUNDS / 2];
}

static uint64_t write_ns(uintptr_t address)
{
    uint64_t start = rdtsc();

    for (unsigned i = 0; i < WRITES; i++)
        write16(address, 0);
    return (rdtsc() - start) * 1000000 / WRITES * 1000 / tsc_hz();
}

static uint64_t round_trip_ns(void)
{
    uint64_t start = rdtsc();

    for (unsigned i = 0; i < WRITES; i++) {
        disk.avail[2 + disk.avail[1] % ENTRIES] = 0;
        disk.avail[1]++;
        cpu_barrier();
        ring(disk.bar);
        while (disk.used[1] != disk.avail[1])
            cpu_pause();
    }
    return (rdtsc() - start) * 1000000 / WRITES * 1000 / tsc_hz();
}

static void measure(void)
{
    uint64_t notify[ROUNDS], trap[ROUNDS], whole[ROUNDS];

    for (unsigned round = 0; round < ROUNDS; round++) {
        notify[round] = write_ns(disk.bar + disk.notify);
        trap[round] = write_ns(disk.bar + disk.common + 16); /* config_vector: a register behind a lock */
        whole[round] = round_trip_ns();
    }
    printf("{\"figure\": \"notify_ns\", \"value\": %lu}\n", median(notify));
    printf("{\"figure\": \"trapped_write_ns\", \"value\": %lu}\n", median(trap));
    printf("{\"figure\": \"request_round_trip_ns\", \"value\": %lu}\n", median(whole));
}

int guest_main(void)
{
    disk.dev = pci_find(0x1af4, 0x1042);
    if (disk.dev == PCI_NONE)
        guest_panic("no virtio disk in this machine");
    pci_enable(disk.dev);
    find_registers();
    start_queue();
    test_places();
    measure();
    return report_summary();
}
