/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes that KVM keeps instead of leaving the guest for each (KVM API, 4.116, "KVM_(UN)REGISTER_COALESCED_MMIO"): a ring of a VM, which is handed over at the
 * next exit of any of its vCPUs, or when it is full. For PCI_POSTED ranges (pci_device.h): a guest that fills its GTT leaves once for some 170 entries.
 *
 * Every vCPU takes what there is after each KVM_RUN, before it does anything else. What one has written before it exits is then done, by itself or by another
 * vCPU that it waits for.
 */
#ifndef MEDIANT_VMM_COALESCED_H
#define MEDIANT_VMM_COALESCED_H

#include "vmm/address_map.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kvm_run;
struct coalesced;

/* Writes go to mmio, which must outlive it. Where KVM has no ring, coalesced_range() refuses. */
struct coalesced *coalesced_create(int vm_fd, struct address_map *mmio);
void coalesced_destroy(struct coalesced *coalesced); /* NULL is allowed; no vCPU runs */

/* Lets KVM keep writes to size bytes at addr, or no longer; false when it refuses. Any thread. */
bool coalesced_range(struct coalesced *coalesced, uint64_t addr, uint64_t size, bool on);

/* Hands over what KVM has kept until now. run: of a vCPU of the VM, on its thread. */
void coalesced_drain(struct coalesced *coalesced, struct kvm_run *run);

#ifdef __cplusplus
}
#endif
#endif
