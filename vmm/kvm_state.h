/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What KVM keeps of a machine beside its RAM: the state of its interrupt controllers and timer, and of its vCPUs, kept as it is at power-on and put back when
 * the machine is reset. Used by machine_boot.c. Source: the kernel's Documentation/virt/kvm/api.rst, the sections named after the calls in the tables.
 *
 * Left out is what goes on over a reset: TSC and KVM's clock.
 *
 * Threads: one at a time, while no vCPU runs.
 */
#ifndef MEDIANT_VMM_KVM_STATE_H
#define MEDIANT_VMM_KVM_STATE_H

#include <glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kvm_state;

/* Before any vCPU has run, and before the registers for its entry are set. Errors: KVM does not tell. */
struct kvm_state *kvm_state_take(int kvm_fd, int vm_fd, const int *vcpu_fds, unsigned vcpus, GError **error);
/* Into the same machine. */
bool kvm_state_put_back(const struct kvm_state *state, GError **error);
void kvm_state_free(struct kvm_state *state); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
