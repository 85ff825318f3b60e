/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a guest hears that a PCI function was plugged in or is to be unplugged while it runs, and says that it has let go of one: I/O ports that the DSDT's
 * code uses (firmware/dsdt.c), which a general-purpose event sets going. It knows of no bus: machine.c brings the two together. Sources: ACPI 6.4, 5.6.6
 * (device object notifications), 6.3.3 (_EJx) and 6.3.5 (_OST).
 *
 *     offset    32 bits, a bit for each slot unless it says otherwise
 *     0         inserted: something was plugged in; ones clear
 *     4         wanted: is to be unplugged; ones clear
 *     8         eject: ones unplug, at once. Reads as 0, or as what was ejected and is there still
 *     12        report: number of the slot that the next report is about
 *     16        report: the event (a notification value, or 0x103: the guest began by itself); both read as written
 *     20        report: the status, ends the report. Reads as 0
 *
 * Threads: any; it has a lock of its own. The functions of its owner run without it.
 */
#ifndef MEDIANT_VMM_PCI_PLUG_H
#define MEDIANT_VMM_PCI_PLUG_H

#include "vmm/address_map.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PCI_PLUG_PORT = 0xae00,
    PCI_PLUG_INSERTED = 0,
    PCI_PLUG_WANTED = 4,
    PCI_PLUG_EJECT = 8,
    PCI_PLUG_REPORT_SLOT = 12,
    PCI_PLUG_REPORT_EVENT = 16,
    PCI_PLUG_REPORT_STATUS = 20,
    PCI_PLUG_PORTS = 24,
};

struct pci_plug;

struct pci_plug_config {
    void (*event)(void *opaque);                  /* there is something to see */
    void (*ejected)(void *opaque, unsigned slot); /* nobody uses what is there any more; once, until pci_plug_set() */
    /* What is there stays there: the guest cannot let go of it. status: a code of _OST. */
    void (*refused)(void *opaque, unsigned slot, uint32_t status);
    void *opaque;
};

struct pci_plug *pci_plug_create(const struct pci_plug_config *config);
void pci_plug_destroy(struct pci_plug *plug); /* NULL is allowed */

/* What there is in a slot below 32: something that can be unplugged, or not. tell: the guest hears that it was plugged in. */
void pci_plug_set(struct pci_plug *plug, unsigned slot, bool there, bool tell);
/* Asks the guest to let go of it; again, if it was asked before. False when nothing is there, or it has been ejected. */
bool pci_plug_ask(struct pci_plug *plug, unsigned slot);
/* The guest was asked, and has neither ejected nor refused. */
bool pci_plug_is_asked(struct pci_plug *plug, unsigned slot);
/* The guest begins again: what it was asked for counts as ejected. */
void pci_plug_reset(struct pci_plug *plug);

/* The ports, for an address map; opaque is the struct pci_plug. Any size and alignment; only aligned ones of 4 bytes mean something. */
extern const struct address_ops pci_plug_ops;

#ifdef __cplusplus
}
#endif
#endif
