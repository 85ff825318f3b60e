/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtio devices that a VM's settings ask for, on its PCI bus. Used by session.c. */
#ifndef MEDIANT_VMM_VM_DEVICES_H
#define MEDIANT_VMM_VM_DEVICES_H

#include "vmm/machine.h"
#include "vmm/messages.h"
#include "vmm/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Attaches the disks, then the shared directories, the network cards, and, for a Linux kernel, a source of random bytes, from slot VM_DEVICES_SLOT on in this order. What a
 * guest does to them that it should not goes to messages, which must outlive the machine. Before machine_start(). Errors name file, VM and key
 * (path: of the configuration file); what was attached before is the machine's.
 */
bool vm_devices_attach(struct machine *machine, const struct vm_settings *vm, const char *path, struct messages *messages, GError **error);
enum { VM_DEVICES_SLOT = 4 };

#ifdef __cplusplus
}
#endif
#endif
