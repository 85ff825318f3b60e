/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI bus 0: config mechanism 1, ECAM, BAR windows. Created by machine.c. */
#include "vmm/pci_bus.h"

#include "vmm/error.h"

#include <string.h>

enum {
    ADDRESS_ENABLE = 1u << 31,
    RESET_CPU = 1 << 2,
};

struct pci_slot;

/* One BAR, as the opaque pointer of an address window. */
struct bar_window {
    struct pci_slot *slot;
    unsigned bar;
    unsigned window; /* id in the map of its kind */
};

struct pci_slot {
    struct pci_host host; /* first: callbacks get it */
    struct pci_bus *bus;
    struct pci_device *dev;     /* changes while no vCPU runs only */
    struct pci_device *leaving; /* detached, and not destroyed yet */
    bool hidden;                /* atomic */
    unsigned number;
    struct bar_window bars[PCI_BARS];
    struct pci_shortcuts *shortcuts;
    struct pci_direct *direct;
};

struct pci_bus {
    struct pci_bus_config config;
    uint32_t address; /* the latch of mechanism 1 (atomic) */
    GMutex irq_lock;
    uint32_t irq_levels; /* one bit for each slot whose INTx is asserted */
    struct pci_slot slots[PCI_SLOTS];
};

static struct pci_device *device_at(struct pci_bus *bus, unsigned bus_number, unsigned devfn)
{
    const struct pci_slot *slot = &bus->slots[devfn >> 3];

    return bus_number == 0 && (devfn & 7) == 0 && !__atomic_load_n(&slot->hidden, __ATOMIC_ACQUIRE) ? slot->dev : NULL;
}

/* Ports 0xcf8..0xcff. Only a dword access reaches the address latch; a byte at 0xcf9 is the reset control. */
static void port_read(void *opaque, uint64_t offset, void *data, size_t len)
{
    struct pci_bus *bus = opaque;
    uint32_t address = __atomic_load_n(&bus->address, __ATOMIC_RELAXED);

    if (offset == 0 && len == 4) {
        memcpy(data, &address, 4);
    } else if (offset >= 4 && (address & ADDRESS_ENABLE)) {
        pci_device_config_read(device_at(bus, address >> 16 & 0xff, address >> 8 & 0xff), (address & 0xfc) + (offset & 3), data, len);
    } else {
        memset(data, 0xff, len);
    }
}

static void port_write(void *opaque, uint64_t offset, const void *data, size_t len)
{
    struct pci_bus *bus = opaque;
    uint32_t address;

    if (offset == 0 && len == 4) {
        memcpy(&address, data, 4);
        __atomic_store_n(&bus->address, address, __ATOMIC_RELAXED);
        return;
    }
    if (offset == PCI_RESET_CONTROL - PCI_CONFIG_ADDRESS && len == 1) {
        if (*(const uint8_t *)data & RESET_CPU)
            bus->config.reset(bus->config.opaque);
        return;
    }
    address = __atomic_load_n(&bus->address, __ATOMIC_RELAXED);
    if (offset >= 4 && (address & ADDRESS_ENABLE))
        pci_device_config_write(device_at(bus, address >> 16 & 0xff, address >> 8 & 0xff), (address & 0xfc) + (offset & 3), data, len);
}

static void ecam_read(void *opaque, uint64_t offset, void *data, size_t len)
{
    pci_device_config_read(device_at(opaque, offset >> 20, offset >> 12 & 0xff), offset & 0xfff, data, len);
}

static void ecam_write(void *opaque, uint64_t offset, const void *data, size_t len)
{
    pci_device_config_write(device_at(opaque, offset >> 20, offset >> 12 & 0xff), offset & 0xfff, data, len);
}

static void bar_read(void *opaque, uint64_t offset, void *data, size_t len)
{
    const struct bar_window *window = opaque;

    window->slot->dev->ops->bar_read(window->slot->dev, window->bar, offset, data, len);
}

static void bar_write(void *opaque, uint64_t offset, const void *data, size_t len)
{
    const struct bar_window *window = opaque;

    window->slot->dev->ops->bar_write(window->slot->dev, window->bar, offset, data, len);
}

static const struct address_ops port_ops = {port_read, port_write};
static const struct address_ops ecam_ops = {ecam_read, ecam_write};
static const struct address_ops bar_ops = {bar_read, bar_write};

static struct address_map *bar_map(struct pci_bus *bus, enum pci_bar_kind kind)
{
    return kind == PCI_BAR_IO ? bus->config.pio : bus->config.mmio;
}

static void host_msi(struct pci_host *host, uint64_t addr, uint32_t data)
{
    struct pci_bus *bus = ((struct pci_slot *)host)->bus;

    bus->config.msi(bus->config.opaque, addr, data);
}

static void host_intx(struct pci_host *host, bool level)
{
    struct pci_slot *slot = (struct pci_slot *)host;
    struct pci_bus *bus = slot->bus;

    g_mutex_lock(&bus->irq_lock);
    uint32_t before = bus->irq_levels;
    bus->irq_levels = level ? before | 1u << slot->number : before & ~(1u << slot->number);
    if (!before != !bus->irq_levels)
        bus->config.irq(bus->config.opaque, PCI_IRQ, level);
    g_mutex_unlock(&bus->irq_lock);
}

static void host_decode_changed(struct pci_host *host)
{
    struct pci_slot *slot = (struct pci_slot *)host;

    for (unsigned i = 0; i < PCI_BARS; i++) {
        enum pci_bar_kind kind = slot->dev->config.bar[i].kind;
        if (kind != PCI_BAR_NONE)
            address_map_move(bar_map(slot->bus, kind), slot->bars[i].window, pci_config_bar_address(&slot->dev->config, i));
    }
    pci_shortcuts_place(slot->shortcuts);
    pci_direct_place(slot->direct);
}

/* A function that was detached. */
static void decode_of_nobody(struct pci_host *host)
{
}

static bool host_direct_open(struct pci_host *host, unsigned bar, uint64_t offset, const uint64_t *pages)
{
    return pci_direct_open(((struct pci_slot *)host)->direct, bar, offset, pages);
}

static bool host_direct_page(struct pci_host *host, unsigned bar, uint64_t offset, uint64_t page)
{
    return pci_direct_page(((struct pci_slot *)host)->direct, bar, offset, page);
}

static void host_direct_close(struct pci_host *host, unsigned bar, uint64_t offset)
{
    pci_direct_close(((struct pci_slot *)host)->direct, bar, offset);
}

struct pci_bus *pci_bus_create(const struct pci_bus_config *config)
{
    struct pci_bus *bus = g_new0(struct pci_bus, 1);

    bus->config = *config;
    g_mutex_init(&bus->irq_lock);
    address_map_add(config->pio, PCI_CONFIG_ADDRESS, 8, &port_ops, bus);
    address_map_add(config->mmio, PCI_ECAM_BASE, PCI_ECAM_BUS_SIZE, &ecam_ops, bus);
    return bus;
}

void pci_bus_destroy(struct pci_bus *bus)
{
    if (!bus)
        return;
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        pci_shortcuts_destroy(bus->slots[i].shortcuts);
        struct pci_device *dev = bus->slots[i].dev ? bus->slots[i].dev : bus->slots[i].leaving;
        if (dev)
            dev->ops->destroy(dev);
        pci_direct_destroy(bus->slots[i].direct); /* the device closes its windows */
    }
    g_mutex_clear(&bus->irq_lock);
    g_free(bus);
}

void pci_bus_attach(struct pci_bus *bus, unsigned number, struct pci_device *dev)
{
    struct pci_slot *slot = &bus->slots[number];

    g_assert(number < PCI_SLOTS && !slot->dev && !slot->leaving);
    slot->host = (struct pci_host){
        .dma = bus->config.dma, .msi = host_msi, .intx = host_intx, .decode_changed = host_decode_changed};
    slot->bus = bus;
    slot->dev = dev;
    __atomic_store_n(&slot->hidden, false, __ATOMIC_RELEASE);
    slot->number = number;
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &dev->config.bar[i];
        slot->bars[i] = (struct bar_window){.slot = slot, .bar = i};
        if (bar->kind != PCI_BAR_NONE)
            slot->bars[i].window =
                address_map_add(bar_map(bus, bar->kind), ADDRESS_NOWHERE, bar->size, &bar_ops, &slot->bars[i]);
    }
    slot->shortcuts = pci_shortcuts_create(dev, bus->config.shortcut, bus->config.opaque);
    slot->direct = pci_direct_create(dev, bus->config.memory, bus->config.memory_slot, bus->config.opaque,
                                     bus->config.first_memory_slot + number * PCI_DIRECT_WINDOWS);
    if (slot->direct) {
        slot->host.direct_open = host_direct_open;
        slot->host.direct_page = host_direct_page;
        slot->host.direct_close = host_direct_close;
    }
    dev->ops->attach(dev, &slot->host);
}

struct pci_device *pci_bus_device(const struct pci_bus *bus, unsigned number)
{
    return bus->slots[number].dev;
}

void pci_bus_hide(struct pci_bus *bus, unsigned number)
{
    __atomic_store_n(&bus->slots[number].hidden, true, __ATOMIC_RELEASE);
}

void pci_bus_detach(struct pci_bus *bus, unsigned number)
{
    struct pci_slot *slot = &bus->slots[number];

    g_assert(slot->dev && !slot->leaving);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        enum pci_bar_kind kind = slot->dev->config.bar[i].kind;
        if (kind != PCI_BAR_NONE)
            address_map_remove(bar_map(bus, kind), slot->bars[i].window);
    }
    g_clear_pointer(&slot->shortcuts, pci_shortcuts_destroy);
    slot->leaving = g_steal_pointer(&slot->dev);
    /* One that is told of a change of decoding by nobody any more, but has threads that may send interrupts still. */
    slot->host.decode_changed = decode_of_nobody;
}

void pci_bus_finish_detach(struct pci_bus *bus, unsigned number)
{
    struct pci_slot *slot = &bus->slots[number];

    if (!slot->leaving)
        return;
    slot->leaving->ops->destroy(slot->leaving);
    slot->leaving = NULL;
    g_clear_pointer(&slot->direct, pci_direct_destroy);
    host_intx(&slot->host, false);
}

void pci_bus_reset(struct pci_bus *bus)
{
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        struct pci_slot *slot = &bus->slots[i];
        if (!slot->dev)
            continue;
        slot->dev->ops->reset(slot->dev);
        host_decode_changed(&slot->host);
    }
    __atomic_store_n(&bus->address, 0, __ATOMIC_RELAXED);
}

/* The BARs of all functions, for assignment. */
struct demand {
    struct pci_device *dev;
    unsigned bar;
    enum pci_bar_kind kind;
    uint64_t size;
};

static int compare_demands(const void *a, const void *b)
{
    uint64_t x = ((const struct demand *)a)->size, y = ((const struct demand *)b)->size;

    return x > y ? -1 : x < y; /* largest first: no holes between aligned sizes */
}

static bool is_64bit(enum pci_bar_kind kind)
{
    return kind == PCI_BAR_MEM64 || kind == PCI_BAR_MEM64_PREF;
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

bool pci_bus_assign(struct pci_bus *bus, uint64_t high, uint64_t high_end, GError **error)
{
    g_autoptr(GArray) demands = g_array_new(FALSE, FALSE, sizeof(struct demand));
    uint64_t low = PCI_HOLE_START, io = PCI_IO_START;

    for (unsigned i = 0; i < PCI_SLOTS; i++)
        for (unsigned b = 0; bus->slots[i].dev && b < PCI_BARS; b++) {
            const struct pci_bar *bar = &bus->slots[i].dev->config.bar[b];
            struct demand demand = {bus->slots[i].dev, b, bar->kind, bar->size};
            if (bar->kind != PCI_BAR_NONE)
                g_array_append_val(demands, demand);
        }
    g_array_sort(demands, compare_demands);
    for (unsigned i = 0; i < demands->len; i++) {
        const struct demand *d = &g_array_index(demands, struct demand, i);
        uint64_t *next = d->kind == PCI_BAR_IO ? &io : &low;
        uint64_t end = d->kind == PCI_BAR_IO ? 0x10000 : PCI_HOLE_END;
        uint64_t addr = align_up(*next, d->size);
        if (addr + d->size > end && is_64bit(d->kind)) {
            next = &high;
            end = high_end;
            addr = align_up(high, d->size);
        }
        if (addr + d->size > end) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: no address left for BAR %u of 0x%" PRIx64 " bytes", d->dev->name,
                        d->bar, d->size);
            return false;
        }
        *next = addr + d->size;
        d->dev->ops->config_write(d->dev, PCI_REG_BAR0 + 4 * d->bar, 4, (uint32_t)addr);
        if (is_64bit(d->kind))
            d->dev->ops->config_write(d->dev, PCI_REG_BAR0 + 4 * d->bar + 4, 4, addr >> 32);
    }
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        struct pci_device *dev = bus->slots[i].dev;
        if (!dev)
            continue;
        dev->ops->config_write(dev, PCI_REG_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
        if (dev->ops->config_read(dev, PCI_REG_INTERRUPT_PIN, 1))
            dev->ops->config_write(dev, PCI_REG_INTERRUPT_LINE, 1, PCI_IRQ);
    }
    return true;
}
