/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/kvm: opening it with errors that say what to do, creating VMs and vCPUs. Used by machine.c and vcpu.c. */
#ifndef MEDIANT_VMM_KVM_H
#define MEDIANT_VMM_KVM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kvm_cpuid2;

/* Opens device ("/dev/kvm") and checks the API and the capabilities that the VMM needs; -1 with an error otherwise. */
int kvm_open(const char *device, GError **error);

/* A VM with an in-kernel interrupt controller and timer; -1 with an error. */
int kvm_create_vm(int kvm_fd, GError **error);

/* Bytes of a vCPU's struct kvm_run mapping. */
size_t kvm_run_size(int kvm_fd);

/*
 * The CPUID leaves that KVM and the host's CPU have for guests: g_free(); NULL with an error. To be asked once for a VM: in a virtual machine every CPUID
 * instruction of the host's kernel leaves to the hypervisor, a millisecond in all.
 */
struct kvm_cpuid2 *kvm_supported_cpuid(int kvm_fd, GError **error);

/* Gives a vCPU those leaves, with its own APIC id; false with an error. */
bool kvm_set_cpuid(const struct kvm_cpuid2 *supported, int vcpu_fd, unsigned apic_id, unsigned vcpus, GError **error);

/*
 * As firmware does it: memory is write-back unless MTRRs or page tables say otherwise, and MTRRs are on. Linux leaves PAT alone
 * where they are off, and then nothing can be mapped write-combined. False with an error.
 */
bool kvm_set_memory_types(int vcpu_fd, GError **error);

/* Bits of a guest's physical addresses: 36 to 52. */
unsigned kvm_address_bits(const struct kvm_cpuid2 *supported);

/* As firmware does it (ELCR, ports 0x4d0 and 0x4d1): which inputs of the two 8259 are level triggered, a bit each. */
void kvm_set_level_irqs(int vm_fd, uint16_t irqs);

#ifdef __cplusplus
}
#endif
#endif
