/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves a function's shortcuts with its BARs; see pci_shortcuts.h. */
#include "vmm/pci_shortcuts.h"

#define NOWHERE UINT64_MAX /* as pci_config_bar_address() has it */

struct placed {
    struct pci_shortcut shortcut;
    uint64_t addr;
};

struct pci_shortcuts {
    struct pci_device *dev;
    shortcut_setter set;
    void *opaque;
    GMutex lock; /* vCPUs may write the function's registers at the same time */
    GArray *placed;
};

struct pci_shortcuts *pci_shortcuts_create(struct pci_device *dev, shortcut_setter set, void *opaque)
{
    struct placed next = {.addr = NOWHERE};

    if (!set || !dev->ops->shortcut || !dev->ops->shortcut(dev, 0, &next.shortcut))
        return NULL;
    struct pci_shortcuts *shortcuts = g_new0(struct pci_shortcuts, 1);
    shortcuts->dev = dev;
    shortcuts->set = set;
    shortcuts->opaque = opaque;
    g_mutex_init(&shortcuts->lock);
    shortcuts->placed = g_array_new(FALSE, FALSE, sizeof(struct placed));
    for (unsigned i = 0; dev->ops->shortcut(dev, i, &next.shortcut); i++)
        g_array_append_val(shortcuts->placed, next);
    return shortcuts;
}

static bool set(const struct pci_shortcuts *shortcuts, const struct placed *placed, uint64_t addr, bool on)
{
    const struct pci_shortcut *shortcut = &placed->shortcut;
    bool port = shortcuts->dev->config.bar[shortcut->bar].kind == PCI_BAR_IO;

    return shortcuts->set(shortcuts->opaque, shortcut, port, addr, on);
}

static void take_away(struct pci_shortcuts *shortcuts, struct placed *placed)
{
    if (placed->addr != NOWHERE)
        set(shortcuts, placed, placed->addr, false);
    placed->addr = NOWHERE;
}

static void place(struct pci_shortcuts *shortcuts, struct placed *placed)
{
    uint64_t bar = pci_config_bar_address(&shortcuts->dev->config, placed->shortcut.bar);
    uint64_t addr = bar == NOWHERE ? NOWHERE : bar + placed->shortcut.offset;

    if (addr == placed->addr)
        return;
    take_away(shortcuts, placed);
    if (addr != NOWHERE && set(shortcuts, placed, addr, true))
        placed->addr = addr;
}

void pci_shortcuts_place(struct pci_shortcuts *shortcuts)
{
    if (!shortcuts)
        return;
    g_mutex_lock(&shortcuts->lock);
    for (unsigned i = 0; i < shortcuts->placed->len; i++)
        place(shortcuts, &g_array_index(shortcuts->placed, struct placed, i));
    g_mutex_unlock(&shortcuts->lock);
}

void pci_shortcuts_destroy(struct pci_shortcuts *shortcuts)
{
    if (!shortcuts)
        return;
    for (unsigned i = 0; i < shortcuts->placed->len; i++)
        take_away(shortcuts, &g_array_index(shortcuts->placed, struct placed, i));
    g_array_unref(shortcuts->placed);
    g_mutex_clear(&shortcuts->lock);
    g_free(shortcuts);
}
