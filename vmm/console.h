/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard input as the input of one guest's serial port, read by the main loop. */
#ifndef MEDIANT_VMM_CONSOLE_H
#define MEDIANT_VMM_CONSOLE_H

#include "vmm/machine.h"

struct console;

/* Reads descriptor fd for the machine; both must outlive the console. */
struct console *console_create(int fd, struct machine *machine);
void console_destroy(struct console *console); /* NULL is allowed */

#endif
