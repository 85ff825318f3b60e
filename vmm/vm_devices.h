/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtio devices that a VM's settings ask for, on its PCI bus. Used by session.c. */
#ifndef MEDIANT_VMM_VM_DEVICES_H
#define MEDIANT_VMM_VM_DEVICES_H

#include "vmm/display/input.h"
#include "vmm/machine.h"
#include "vmm/messages.h"
#include "vmm/options.h"

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_device;

/*
 * Attaches the disks, directories and network cards, the console, and, for a Linux kernel, a source of random bytes, in this order from slot
 * VM_DEVICES_SLOT on; and keyboard and tablet if it has them, at places of their own. What a guest does to them that it should not goes to messages, which must outlive the machine. Before machine_start(). Errors name
 * file (path: of the configuration), VM and key; what was attached before is the machine's. prefix (or NULL) goes before each line that a console
 * writes to standard output. *console is the machine's, for virtio_console_input(); NULL when the VM has none; *input likewise.
 */
bool vm_devices_attach(struct machine *machine, const struct vm_settings *vm, const char *path, const char *prefix, struct messages *messages,
                       struct virtio_device **console, struct input *input, GError **error);
enum { VM_KEYBOARD_SLOT = 1, VM_TABLET_SLOT = 3, VM_DEVICES_SLOT = 4 };

#ifdef __cplusplus
}
#endif
#endif
