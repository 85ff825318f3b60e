/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What machine.c, machine_boot.c, machine_plug.c and vcpu.c share. */
#ifndef MEDIANT_VMM_MACHINE_INTERNAL_H
#define MEDIANT_VMM_MACHINE_INTERNAL_H

#include "vmm/address_map.h"
#include "vmm/coalesced.h"
#include "vmm/insn_syscall.h"
#include "vmm/machine.h"
#include "vmm/pause.h"
#include "vmm/pci_bus.h"
#include "vmm/pci_plug.h"
#include "vmm/power.h"
#include "vmm/restart.h"
#include "vmm/rtc.h"
#include "vmm/serial.h"
#include "vmm/sink.h"

#include <pthread.h>

struct kvm_cpuid2;
struct kvm_run;
struct kvm_state;

struct vcpu {
    struct machine *machine;
    unsigned id;
    int fd;
    struct kvm_run *run;
    pthread_t thread;
    bool started; /* thread is to be joined */
    struct insn_syscall syscall;
    uint64_t exits[MACHINE_EXITS]; /* atomic; written by its thread only */
};

struct machine {
    char *name, *image, *args, *initrd;
    unsigned vcpu_count;
    int kvm_fd, vm_fd;
    size_t run_size;
    struct kvm_cpuid2 *cpuid; /* what KVM supports */
    struct memory *memory;
    struct address_map *mmio, *pio;
    struct coalesced *coalesced;
    struct pci_bus *pci;
    struct pci_plug *plug;
    struct pci_device *gpu; /* on the bus, or NULL; changes while no vCPU runs */
    struct serial *serial;
    struct power *power;
    struct rtc *rtc;
    struct sink *sink;
    struct vcpu *vcpus;
    struct cpu_group *cpu;
    void (*ended)(void *opaque);
    void (*restarted)(void *opaque, bool by_guest);
    void (*ejected)(void *opaque, unsigned slot);
    void (*refused)(void *opaque, unsigned slot, uint32_t status);
    bool restarts;
    void *opaque;
    struct pause *pause;
    struct restart *restart;
    struct boot_files files;     /* of image and initrd, open for a restart */
    struct first_load *first;    /* the first time that they are loaded, which has begun; or NULL */
    struct kvm_state *power_on;  /* what KVM keeps of it, before it ran */
    bool stop;           /* atomic: vCPUs leave their loops */
    GMutex threads_lock; /* held while vCPU threads are started, and while they are kicked */
    GCond kicked_cond;
    bool kicked; /* the thread that ended the VM is done with the others */
    GMutex lock; /* guards the result */
    struct machine_result result;
    char *message;
};

/* vcpu.c */
bool vcpu_init(struct vcpu *vcpu, struct machine *machine, unsigned id, GError **error);
void vcpu_finish(struct vcpu *vcpu); /* zeroed is allowed; its thread has been joined */
bool vcpu_start(struct vcpu *vcpu, GError **error);
/* Makes its thread look at machine->stop and pause soon. Any thread. */
void vcpu_kick(struct vcpu *vcpu);

/*
 * Ends the VM: the first call decides the result (message, which it takes over, may be NULL), tells ended(), and stops the vCPUs. Any
 * thread. (machine.c)
 */
void machine_finish(struct machine *machine, enum machine_end end, unsigned status, char *message);

/* machine_plug.c: its part of the machine. */
struct pci_plug *machine_create_plug(struct machine *machine);

/* machine_boot.c: begins to load image and initrd into RAM, as soon as that is there; errors are machine_boot()'s. */
void machine_begin_loading(struct machine *machine);
/* Before the vCPUs start, loads the guest and notes how the machine was. */
bool machine_boot(struct machine *machine, GError **error);
/* Puts everything back and loads the guest again; while all vCPUs stand, on a vCPU's thread. A failure ends the machine. */
void machine_begin_again(void *machine, bool by_guest);
void machine_boot_finish(struct machine *machine);

#endif
