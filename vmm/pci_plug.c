/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports for plugging and unplugging. Created by machine.c. */
#include "vmm/pci_plug.h"

#include <glib.h>
#include <string.h>

/* ACPI 6.4, 5.6.6 and table 6.67 ff. */
enum {
    NOTIFY_EJECT_REQUEST = 3,
    OST_EJECTION_PROCESSING = 0x103,
    OST_SUCCESS = 0,
    OST_IN_PROGRESS = 0x84,
};

struct pci_plug {
    struct pci_plug_config config;
    GMutex lock;
    uint32_t there, ejected; /* by slot; ejected are there still */
    uint32_t inserted, wanted;
    uint32_t asked; /* and not answered, other than that wanted is cleared when the guest has seen it */
    uint32_t report_slot, report_event;
};

struct pci_plug *pci_plug_create(const struct pci_plug_config *config)
{
    struct pci_plug *plug = g_new0(struct pci_plug, 1);

    plug->config = *config;
    g_mutex_init(&plug->lock);
    return plug;
}

void pci_plug_destroy(struct pci_plug *plug)
{
    if (!plug)
        return;
    g_mutex_clear(&plug->lock);
    g_free(plug);
}

void pci_plug_set(struct pci_plug *plug, unsigned slot, bool there, bool tell)
{
    const uint32_t bit = UINT32_C(1) << slot;

    g_mutex_lock(&plug->lock);
    plug->ejected &= ~bit;
    plug->inserted &= ~bit;
    plug->wanted &= ~bit;
    plug->asked &= ~bit;
    plug->there = there ? plug->there | bit : plug->there & ~bit;
    if (there && tell)
        plug->inserted |= bit;
    g_mutex_unlock(&plug->lock);
    if (there && tell)
        plug->config.event(plug->config.opaque);
}

bool pci_plug_ask(struct pci_plug *plug, unsigned slot)
{
    const uint32_t bit = UINT32_C(1) << slot;

    g_mutex_lock(&plug->lock);
    const bool can = plug->there & ~plug->ejected & bit;
    if (can) {
        plug->wanted |= bit;
        plug->asked |= bit;
    }
    g_mutex_unlock(&plug->lock);
    if (can)
        plug->config.event(plug->config.opaque);
    return can;
}

bool pci_plug_is_asked(struct pci_plug *plug, unsigned slot)
{
    g_mutex_lock(&plug->lock);
    const bool asked = plug->asked & UINT32_C(1) << slot;
    g_mutex_unlock(&plug->lock);
    return asked;
}

/* With the lock; returns those that are ejected now and were not before. */
static uint32_t eject(struct pci_plug *plug, uint32_t bits)
{
    const uint32_t now = bits & plug->there & ~plug->ejected;

    plug->ejected |= now;
    plug->inserted &= ~now;
    plug->wanted &= ~now;
    plug->asked &= ~now;
    return now;
}

static void tell_ejected(const struct pci_plug *plug, uint32_t bits)
{
    for (; bits; bits &= bits - 1)
        plug->config.ejected(plug->config.opaque, (unsigned)__builtin_ctz(bits));
}

void pci_plug_reset(struct pci_plug *plug)
{
    g_mutex_lock(&plug->lock);
    const uint32_t gone = eject(plug, plug->asked);
    plug->inserted = 0; /* who begins finds what is there by itself */
    plug->report_slot = plug->report_event = 0;
    g_mutex_unlock(&plug->lock);
    tell_ejected(plug, gone);
}

/* With the lock. An eject request that was answered by anything but success, which the eject itself says, or that it goes on. */
static bool is_refusal(struct pci_plug *plug, uint32_t status)
{
    const uint32_t bit = plug->report_slot < 32 ? UINT32_C(1) << plug->report_slot : 0;
    const bool about_ejection = plug->report_event == NOTIFY_EJECT_REQUEST || plug->report_event == OST_EJECTION_PROCESSING;

    if (!about_ejection || status == OST_SUCCESS || status == OST_IN_PROGRESS || !(plug->asked & bit))
        return false;
    plug->asked &= ~bit;
    plug->wanted &= ~bit;
    return true;
}

static void write_register(struct pci_plug *plug, unsigned offset, uint32_t value)
{
    uint32_t gone = 0;
    bool refused = false;

    g_mutex_lock(&plug->lock);
    switch (offset) {
    case PCI_PLUG_INSERTED:
        plug->inserted &= ~value;
        break;
    case PCI_PLUG_WANTED:
        plug->wanted &= ~value;
        break;
    case PCI_PLUG_EJECT:
        gone = eject(plug, value);
        break;
    case PCI_PLUG_REPORT_SLOT:
        plug->report_slot = value;
        break;
    case PCI_PLUG_REPORT_EVENT:
        plug->report_event = value;
        break;
    case PCI_PLUG_REPORT_STATUS:
        refused = is_refusal(plug, value);
        break;
    default:
        break;
    }
    const unsigned slot = plug->report_slot;
    g_mutex_unlock(&plug->lock);
    tell_ejected(plug, gone);
    if (refused)
        plug->config.refused(plug->config.opaque, slot, value);
}

static void read_ports(void *opaque, uint64_t offset, void *data, size_t len)
{
    struct pci_plug *plug = opaque;

    g_mutex_lock(&plug->lock);
    const uint32_t registers[PCI_PLUG_PORTS / 4] = {plug->inserted, plug->wanted, plug->ejected, plug->report_slot, plug->report_event, 0};
    g_mutex_unlock(&plug->lock);
    memcpy(data, (const uint8_t *)registers + offset, len);
}

static void write_ports(void *opaque, uint64_t offset, const void *data, size_t len)
{
    uint32_t value;

    if (len != sizeof(value) || offset % sizeof(value) != 0)
        return;
    memcpy(&value, data, sizeof(value));
    write_register(opaque, (unsigned)offset, value);
}

const struct address_ops pci_plug_ops = {read_ports, write_ports};
