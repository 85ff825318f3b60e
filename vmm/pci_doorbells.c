/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves a function's doorbells with its BARs; see pci_doorbells.h. */
#include "vmm/pci_doorbells.h"

#define NOWHERE UINT64_MAX /* as pci_config_bar_address() has it */

struct placed {
    struct pci_doorbell bell;
    uint64_t addr;
};

struct pci_doorbells {
    struct pci_device *dev;
    doorbell_setter set;
    void *opaque;
    GMutex lock; /* vCPUs may write the function's registers at the same time */
    GArray *placed;
};

struct pci_doorbells *pci_doorbells_create(struct pci_device *dev, doorbell_setter set, void *opaque)
{
    struct placed next = {.addr = NOWHERE};

    if (!set || !dev->ops->doorbell || !dev->ops->doorbell(dev, 0, &next.bell))
        return NULL;
    struct pci_doorbells *bells = g_new0(struct pci_doorbells, 1);
    bells->dev = dev;
    bells->set = set;
    bells->opaque = opaque;
    g_mutex_init(&bells->lock);
    bells->placed = g_array_new(FALSE, FALSE, sizeof(struct placed));
    for (unsigned i = 0; dev->ops->doorbell(dev, i, &next.bell); i++)
        g_array_append_val(bells->placed, next);
    return bells;
}

static bool is_port(const struct pci_doorbells *bells, const struct pci_doorbell *bell)
{
    return bells->dev->config.bar[bell->bar].kind == PCI_BAR_IO;
}

static void take_away(struct pci_doorbells *bells, struct placed *placed)
{
    if (placed->addr != NOWHERE)
        bells->set(bells->opaque, is_port(bells, &placed->bell), placed->addr, placed->bell.fd, false);
    placed->addr = NOWHERE;
}

static void place(struct pci_doorbells *bells, struct placed *placed)
{
    uint64_t bar = pci_config_bar_address(&bells->dev->config, placed->bell.bar);
    uint64_t addr = bar == NOWHERE ? NOWHERE : bar + placed->bell.offset;

    if (addr == placed->addr)
        return;
    take_away(bells, placed);
    if (addr != NOWHERE && bells->set(bells->opaque, is_port(bells, &placed->bell), addr, placed->bell.fd, true))
        placed->addr = addr;
}

void pci_doorbells_place(struct pci_doorbells *bells)
{
    if (!bells)
        return;
    g_mutex_lock(&bells->lock);
    for (unsigned i = 0; i < bells->placed->len; i++)
        place(bells, &g_array_index(bells->placed, struct placed, i));
    g_mutex_unlock(&bells->lock);
}

void pci_doorbells_destroy(struct pci_doorbells *bells)
{
    if (!bells)
        return;
    for (unsigned i = 0; i < bells->placed->len; i++)
        take_away(bells, &g_array_index(bells->placed, struct placed, i));
    g_array_unref(bells->placed);
    g_mutex_clear(&bells->lock);
    g_free(bells);
}
