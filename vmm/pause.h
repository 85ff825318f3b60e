/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stops the vCPUs of a machine for a while, without their noticing more than they must: the guest's TSC, KVM's clock and the 8254 go on where they stood, so that
 * no time has passed for it. What goes on: the wall clock (RTC), the local APICs' timers (one interrupt may wait), and work that the GPU already has.
 * Used by machine.c and vcpu.c. Sources: the kernel's Documentation/virt/kvm/api.rst, "KVM_GET_CLOCK", "KVM_KVMCLOCK_CTRL", and devices/vcpu.rst,
 * "KVM_VCPU_TSC_CTRL". A KVM that lacks one of them (the last came with Linux 5.16) lets that clock run on.
 *
 * Threads: pause_begin() and pause_end() belong to one thread (the main loop's), pause_finish() may be called from any; the rest from vCPUs' threads.
 */
#ifndef MEDIANT_VMM_PAUSE_H
#define MEDIANT_VMM_PAUSE_H

#include <glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pause;

struct pause_config {
    int vm_fd;                     /* -1 for tests: no clocks */
    unsigned vcpus;
    void (*kick)(void *opaque);    /* makes each vCPU's thread come to pause_point() soon */
    /* All vCPUs stand (true), or are about to go on: for clocks of devices. On a vCPU's thread, with a lock held; must not call back. */
    void (*clocks)(void *opaque, bool stand);
    void *opaque;
};

struct pause *pause_create(const struct pause_config *config);
void pause_destroy(struct pause *pause); /* NULL is allowed */

/* Returns when all vCPUs stand; false when they did not come within timeout_us (they go on then) or the machine has ended. Nothing to do when paused. */
bool pause_begin(struct pause *pause, gint64 timeout_us);
/* Lets them go on. */
void pause_end(struct pause *pause);
/* Between the two. */
bool pause_is_on(struct pause *pause);
/* The machine has ended: nobody waits any more, and nobody pauses. */
void pause_finish(struct pause *pause);

/* A vCPU before it enters the guest: waits while the machine is paused. True when it has waited: the caller looks again whether to enter at all. */
bool pause_point(struct pause *pause, int vcpu_fd);

#ifdef __cplusplus
}
#endif
#endif
