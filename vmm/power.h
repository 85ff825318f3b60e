/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI's fixed hardware: PM1 event and control registers, the power management timer, and a block of general-purpose events. The machine is always in ACPI
 * mode (no SMI command), has a power button and no other, and sleeps in no state but S5, in which it ends. Register behaviour: ACPI 6.4, 4.8.
 *
 * Threads: any; it has a lock of its own. irq() runs with that lock held and must not call back; shut_down() runs without.
 */
#ifndef MEDIANT_VMM_POWER_H
#define MEDIANT_VMM_POWER_H

#include "vmm/address_map.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    POWER_PORT = 0x600,
    POWER_PM1_EVENT = 0, /* 2 bytes of status, 2 of enable */
    POWER_PM1_CONTROL = 4,
    POWER_TIMER = 8, /* 32 bits */
    POWER_GPE0 = 12, /* 2 bytes of status, 2 of enable: a bit for each event */
    POWER_PORTS = 16,
    POWER_IRQ = 9, /* SCI */
    POWER_TIMER_HZ = 3579545,
    POWER_S5_TYPE = 0, /* SLP_TYP for S5, as the DSDT says */
    POWER_GPE_PLUG = 1, /* something was plugged in or is to be unplugged (pci_plug.h) */
};

struct power;

struct power_config {
    void (*irq)(void *opaque, bool level); /* SCI; called at changes only */
    void (*shut_down)(void *opaque);
    int64_t (*now)(void *opaque); /* microseconds since some start, for tests; NULL: the host's monotonic clock, and only then there are interrupts */
    void *opaque;
};

struct power *power_create(const struct power_config *config);
void power_destroy(struct power *power); /* NULL is allowed */

/* The power button is pressed, for a moment; any thread. The guest gets an interrupt, if it asked for one. */
void power_press_button(struct power *power);
/* A general-purpose event happens; any thread. It stays set until the guest clears it, who gets an interrupt if it enabled it. */
void power_raise(struct power *power, unsigned event);
/* As at power-on, but for the timer, which counts on. Any thread. */
void power_reset(struct power *power);
/* The timer stands still, or goes on where it stood. */
void power_stop_timer(struct power *power, bool stop);

/* The ports, for an address map; opaque is the struct power. Any size and alignment. */
extern const struct address_ops power_ops;

#ifdef __cplusplus
}
#endif
#endif
