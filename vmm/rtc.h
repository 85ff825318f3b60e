/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC's real-time clock with its CMOS memory: an MC146818A, as its data sheet (Motorola, 1984) describes it, and the layout of the memory
 * that PC firmware has (memory sizes; the century at 0x32). It runs on UTC. What a guest sets moves its own clock only, and is forgotten with it.
 *
 * Threads: any; it has a lock of its own. irq() runs with that lock held and must not call back.
 */
#ifndef MEDIANT_VMM_RTC_H
#define MEDIANT_VMM_RTC_H

#include "vmm/address_map.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    RTC_PORT = 0x70, /* index, with the NMI mask (nothing here raises one) in bit 7; then data */
    RTC_PORTS = 2,
    RTC_IRQ = 8,
    RTC_CENTURY = 0x32, /* index of the century, for the FADT */
};

struct rtc;

struct rtc_config {
    void (*irq)(void *opaque, bool level); /* called at changes only */
    int64_t (*now)(void *opaque); /* microseconds since 1970, for tests; NULL: the host's clock, and only then there are interrupts by themselves */
    void *opaque;
    uint64_t memory_low, memory_high; /* bytes of RAM from 0 and from MEMORY_HIGH_BASE */
};

struct rtc *rtc_create(const struct rtc_config *config);
void rtc_destroy(struct rtc *rtc); /* NULL is allowed */

/* What the reset pin does, and firmware: no interrupts, 24 hours, BCD. Time and CMOS memory have a battery. Any thread. */
void rtc_reset(struct rtc *rtc);

/* The two ports, for an address map; opaque is the struct rtc. */
extern const struct address_ops rtc_ops;

#ifdef __cplusplus
}
#endif
#endif
