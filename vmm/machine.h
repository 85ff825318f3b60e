/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual machine: RAM, vCPUs, PCI bus, serial port, power. Created by session.c, one for each [vm NAME].
 *
 * Threads: create, attach, start, pause, resume, join and destroy belong to one thread (the main loop's). machine_stop(), machine_power_button(), machine_reset(),
 * machine_input() and machine_result() may be called from any. Each vCPU has its own thread.
 */
#ifndef MEDIANT_VMM_MACHINE_H
#define MEDIANT_VMM_MACHINE_H

#include "gpu/pci/pci_device.h"
#include "vmm/boot.h"
#include "vmm/cpu_group.h"

#ifdef __cplusplus
extern "C" {
#endif

struct machine;

enum machine_end {
    MACHINE_RUNNING,
    MACHINE_EXITED,  /* the guest shut down; status is what it wrote to the exit port, 0 for the other ways */
    MACHINE_CRASHED, /* triple fault, or an instruction that nobody could do */
    MACHINE_STOPPED, /* machine_stop() */
    MACHINE_FAILED,  /* KVM failed */
};

struct machine_config {
    const char *name;   /* copied */
    const char *device; /* "/dev/kvm" */
    const char *image;  /* path; copied */
    const char *args;   /* or NULL; copied */
    const char *initrd; /* path, or NULL; copied */
    uint64_t memory;    /* bytes, a multiple of 4 KiB, at least 2 MiB */
    unsigned vcpus;     /* 1 .. MACHINE_MAX_VCPUS */
    struct cpu_limits cpu; /* pin is read by machine_create() only */
    const char *serial; /* as sink_create() takes it */
    const char *serial_prefix; /* or NULL */
    /* Called once, from a vCPU thread, when the VM has ended by itself or by machine_stop(); must not block. */
    void (*ended)(void *opaque);
    /* It has begun again, by machine_reset() or because the guest reset its PC; from a vCPU thread, must not block. */
    void (*restarted)(void *opaque, bool by_guest);
    /* The guest has let go of the function in a slot, which machine_unplug() is to take out now; or it refuses that. From a vCPU thread, must not block. */
    void (*ejected)(void *opaque, unsigned slot);
    void (*refused)(void *opaque, unsigned slot, uint32_t status);
    bool restarts; /* a guest that resets its PC begins again; otherwise it has ended */
    void *opaque;
};
enum { MACHINE_MAX_VCPUS = 64, MACHINE_GPU_SLOT = 2 };

struct machine *machine_create(const struct machine_config *config, GError **error);
/* Stops and joins if needed; destroys the attached devices; NULL is allowed. */
void machine_destroy(struct machine *machine);

/* Before machine_start(): plugs a function in at 00:slot.0; the machine owns it from then on. */
void machine_attach(struct machine *machine, unsigned slot, struct pci_device *dev);
/*
 * While it runs, or is paused: plugs a function in at a slot that is free, and tells the guest. The vCPUs stand for a moment. False with an error when one
 * does not come to stand, or the machine has ended: dev is the caller's still.
 */
bool machine_plug(struct machine *machine, unsigned slot, struct pci_device *dev, GError **error);
/* Asks the guest to let go of the function in a slot; ejected() or refused() follows, or nothing if the guest does not care. False when nothing is there. */
bool machine_ask_to_unplug(struct machine *machine, unsigned slot);
/* It was asked, and has not answered. */
bool machine_is_asked_to_unplug(struct machine *machine, unsigned slot);
/* After ejected(): takes the function out and destroys it. Fails as machine_plug() does, and can be tried again then. Nothing to do when nothing is there. */
bool machine_unplug(struct machine *machine, unsigned slot, GError **error);
/* Assigns the BARs, loads the image, starts the vCPUs. */
bool machine_start(struct machine *machine, GError **error);
/* Asks the vCPUs to stop; ended() follows. */
void machine_stop(struct machine *machine);
/*
 * Stands still until machine_resume(), see pause.h; nothing to do when it does already. Returns when all vCPUs stand; an error when one does not within two
 * seconds (it runs on then), or the machine has ended.
 */
bool machine_pause(struct machine *machine, GError **error);
void machine_resume(struct machine *machine);
bool machine_is_paused(struct machine *machine);
/* Presses the power button: the guest's system shuts down, if it cares. */
void machine_power_button(struct machine *machine);
/*
 * Does what a PC's reset line does, soon: the guest begins again from its image, with empty RAM, while clocks and what a battery keeps go on. A paused one begins
 * again when it goes on. Any thread.
 */
void machine_reset(struct machine *machine);
/* Waits until no vCPU runs; only after ended() or machine_stop(). */
void machine_join(struct machine *machine);

/* Bytes for the guest's serial port; returns how many its FIFO took. */
size_t machine_input(struct machine *machine, const uint8_t *data, size_t len);

struct machine_result {
    enum machine_end end;
    unsigned status;     /* with MACHINE_EXITED */
    const char *message; /* why it crashed or failed; NULL otherwise. Valid until machine_destroy() */
};
struct machine_result machine_result(struct machine *machine);

const char *machine_name(const struct machine *machine);

/* Why vCPUs came out of the guest. */
enum machine_exit {
    MACHINE_EXIT_PORT,
    MACHINE_EXIT_MMIO,
    MACHINE_EXIT_MSR,
    MACHINE_EXIT_EMULATION,   /* an instruction that KVM leaves to us, or a step of one */
    MACHINE_EXIT_INTERRUPTED, /* to look whether the VM is to stop */
    MACHINE_EXIT_OTHER,
    MACHINE_EXITS
};
extern const char *const machine_exit_names[MACHINE_EXITS];

struct machine_usage {
    uint64_t exits[MACHINE_EXITS]; /* of all vCPUs */
    unsigned vcpus;
    uint64_t memory, resident; /* bytes of RAM; and of the host's memory that it takes by now */
};
/* Any thread, until machine_destroy(). */
void machine_usage(const struct machine *machine, struct machine_usage *usage);

#ifdef __cplusplus
}
#endif
#endif
