/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard input as the input of one guest's serial port or console, read by the main loop. */
#ifndef MEDIANT_VMM_CONSOLE_H
#define MEDIANT_VMM_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

struct console;

/* Where the input goes; returns how many bytes there was room for. The rest is offered again. */
typedef size_t (*console_input)(void *opaque, const uint8_t *data, size_t len);

/* Reads descriptor fd for input(); both must outlive the console. */
struct console *console_create(int fd, console_input input, void *opaque);
void console_destroy(struct console *console); /* NULL is allowed */

#endif
