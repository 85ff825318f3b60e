/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows of BARs as memory slots; see pci_direct.h. */
#include "vmm/pci_direct.h"

#include <sys/mman.h>

#define NOWHERE UINT64_MAX /* as pci_config_bar_address() has it */

enum {
    PAGE = 4096,
    WINDOW = PCI_DIRECT_PAGES * PAGE,
    /* Each page may be a mapping of its own. Linux allows 65530 in a process (vm.max_map_count) unless told otherwise. */
    PAGES_MAX = 24576,
};

static unsigned pages_open; /* of all functions; atomic */

struct window {
    bool open;
    unsigned bar;
    uint64_t offset;
    uint64_t addr; /* where the slot is, or NOWHERE */
};

struct pci_direct {
    struct pci_device *dev;
    const struct memory *memory;
    memory_slot_setter set;
    void *opaque;
    uint32_t first_slot;
    GMutex lock; /* a leaf: of all that follows */
    uint8_t *space; /* PCI_DIRECT_WINDOWS windows of address space, or NULL before the first */
    struct window windows[PCI_DIRECT_WINDOWS];
};

struct pci_direct *pci_direct_create(struct pci_device *dev, const struct memory *memory, memory_slot_setter set, void *opaque, uint32_t first_slot)
{
    if (!set)
        return NULL;
    struct pci_direct *direct = g_new0(struct pci_direct, 1);

    direct->dev = dev;
    direct->memory = memory;
    direct->set = set;
    direct->opaque = opaque;
    direct->first_slot = first_slot;
    g_mutex_init(&direct->lock);
    return direct;
}

static uint8_t *host_of(const struct pci_direct *direct, const struct window *window)
{
    return direct->space + (size_t)(window - direct->windows) * WINDOW;
}

/* Address space without memory behind it. */
static bool reserve(void *at, size_t size)
{
    return mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static const struct memory_region *region_of(const struct memory *memory, uint64_t gpa)
{
    for (unsigned i = 0; i < memory->count; i++)
        if (gpa >= memory->regions[i].gpa && gpa - memory->regions[i].gpa < memory->regions[i].size)
            return &memory->regions[i];
    return NULL;
}

static bool map(const struct pci_direct *direct, uint8_t *at, uint64_t gpa, uint64_t size)
{
    const struct memory_region *region = region_of(direct->memory, gpa);

    return region && size <= region->size - (gpa - region->gpa) &&
           mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, region->fd, (off_t)(gpa - region->gpa)) != MAP_FAILED;
}

/* Pages that follow each other in the guest's memory are one mapping. */
static bool map_all(const struct pci_direct *direct, uint8_t *at, const uint64_t *pages)
{
    for (unsigned i = 0, run; i < PCI_DIRECT_PAGES; i += run) {
        for (run = 1; i + run < PCI_DIRECT_PAGES && pages[i + run] == pages[i] + (uint64_t)run * PAGE; run++)
            ;
        if (!map(direct, at + (size_t)i * PAGE, pages[i], (uint64_t)run * PAGE))
            return false;
    }
    return true;
}

static struct window *find(struct pci_direct *direct, unsigned bar, uint64_t offset)
{
    for (unsigned i = 0; i < PCI_DIRECT_WINDOWS; i++) {
        struct window *window = &direct->windows[i];
        if (window->open && window->bar == bar && window->offset == offset)
            return window;
    }
    return NULL;
}

static void place(struct pci_direct *direct, struct window *window)
{
    const uint32_t slot = direct->first_slot + (uint32_t)(window - direct->windows);
    uint64_t bar = window->open ? pci_config_bar_address(&direct->dev->config, window->bar) : NOWHERE;
    uint64_t addr = bar == NOWHERE ? NOWHERE : bar + window->offset;

    if (addr == window->addr)
        return;
    if (window->addr != NOWHERE)
        direct->set(direct->opaque, slot, window->addr, 0, NULL);
    window->addr = addr != NOWHERE && direct->set(direct->opaque, slot, addr, WINDOW, host_of(direct, window)) ? addr : NOWHERE;
}

static void close_window(struct pci_direct *direct, struct window *window)
{
    window->open = false;
    place(direct, window);
    (void)reserve(host_of(direct, window), WINDOW); /* else the pages stay mapped until the place is used again: they are the guest's own */
    __atomic_sub_fetch(&pages_open, PCI_DIRECT_PAGES, __ATOMIC_RELAXED);
}

static struct window *free_window(struct pci_direct *direct)
{
    if (!direct->space) {
        void *space = mmap(NULL, (size_t)PCI_DIRECT_WINDOWS * WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (space == MAP_FAILED)
            return NULL;
        direct->space = space;
    }
    for (unsigned i = 0; i < PCI_DIRECT_WINDOWS; i++)
        if (!direct->windows[i].open)
            return &direct->windows[i];
    return NULL;
}

static bool open_window(struct pci_direct *direct, unsigned bar, uint64_t offset, const uint64_t *pages)
{
    struct window *window = find(direct, bar, offset) ? NULL : free_window(direct);

    if (!window)
        return false;
    if (__atomic_add_fetch(&pages_open, PCI_DIRECT_PAGES, __ATOMIC_RELAXED) > PAGES_MAX) {
        __atomic_sub_fetch(&pages_open, PCI_DIRECT_PAGES, __ATOMIC_RELAXED);
        return false;
    }
    *window = (struct window){.open = true, .bar = bar, .offset = offset, .addr = NOWHERE};
    if (map_all(direct, host_of(direct, window), pages)) {
        place(direct, window);
        if (window->addr != NOWHERE || pci_config_bar_address(&direct->dev->config, bar) == NOWHERE)
            return true;
    }
    close_window(direct, window);
    return false;
}

bool pci_direct_open(struct pci_direct *direct, unsigned bar, uint64_t offset, const uint64_t *pages)
{
    const uint64_t size = bar < PCI_BARS ? direct->dev->config.bar[bar].size : 0;

    if (offset % WINDOW || offset >= size || size - offset < WINDOW)
        return false;
    g_mutex_lock(&direct->lock);
    bool ok = open_window(direct, bar, offset, pages);
    g_mutex_unlock(&direct->lock);
    return ok;
}

bool pci_direct_page(struct pci_direct *direct, unsigned bar, uint64_t offset, uint64_t page)
{
    g_mutex_lock(&direct->lock);
    struct window *window = find(direct, bar, offset - offset % WINDOW);
    bool ok = window && map(direct, host_of(direct, window) + offset % WINDOW, page, PAGE);
    g_mutex_unlock(&direct->lock);
    return ok;
}

void pci_direct_close(struct pci_direct *direct, unsigned bar, uint64_t offset)
{
    g_mutex_lock(&direct->lock);
    struct window *window = find(direct, bar, offset);
    if (window)
        close_window(direct, window);
    g_mutex_unlock(&direct->lock);
}

void pci_direct_place(struct pci_direct *direct)
{
    if (!direct)
        return;
    g_mutex_lock(&direct->lock);
    for (unsigned i = 0; i < PCI_DIRECT_WINDOWS; i++)
        if (direct->windows[i].open)
            place(direct, &direct->windows[i]);
    g_mutex_unlock(&direct->lock);
}

void pci_direct_destroy(struct pci_direct *direct)
{
    if (!direct)
        return;
    for (unsigned i = 0; i < PCI_DIRECT_WINDOWS; i++)
        if (direct->windows[i].open)
            close_window(direct, &direct->windows[i]);
    if (direct->space)
        munmap(direct->space, (size_t)PCI_DIRECT_WINDOWS * WINDOW);
    g_mutex_clear(&direct->lock);
    g_free(direct);
}
