/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 16550A serial port with its FIFOs and interrupts. Register behaviour from the PC16550D datasheet (National Semiconductor, 1995).
 * Transmission takes no time: what the guest writes goes out at once.
 *
 * Threads: any; it has a lock of its own. The callbacks run with that lock held and must not call back.
 */
#ifndef MEDIANT_VMM_SERIAL_H
#define MEDIANT_VMM_SERIAL_H

#include "vmm/address_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SERIAL_PORT = 0x3f8, /* COM1 */
    SERIAL_PORTS = 8,
    SERIAL_IRQ = 4,
};

struct serial;

struct serial_config {
    void (*output)(void *opaque, uint8_t byte);
    void (*irq)(void *opaque, bool level); /* called at changes only */
    void *opaque;
};

struct serial *serial_create(const struct serial_config *config);
void serial_destroy(struct serial *serial); /* NULL is allowed */

/* As after serial_create(). Any thread. */
void serial_reset(struct serial *serial);

/* The eight registers, for an address map; opaque is the struct serial. */
extern const struct address_ops serial_ops;

/* Bytes from the line into the receive FIFO; returns how many fitted. */
size_t serial_receive(struct serial *serial, const uint8_t *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
