/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion of instructions that KVM could not emulate (KVM_EXIT_INTERNAL_ERROR, suberror KVM_INTERNAL_ERROR_EMULATION). Called by a
 * vCPU's thread between two KVM_RUN; the registers in the kernel are those before the instruction.
 *
 * Guest input: the bytes at RIP, the page tables and all memory belong to the guest and may change at any time. What cannot be
 * done ends in INSN_FAILED for this VM, never in an assertion.
 */
#ifndef MEDIANT_VMM_INSN_H
#define MEDIANT_VMM_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kvm_run;

struct insn_env {
    int vcpu_fd;         /* for KVM_GET/SET_REGS, SREGS, XSAVE, VCPU_EVENTS, TRANSLATE; used by this thread only */
    struct kvm_run *run; /* the exit: run->emulation_failure may carry the instruction bytes */
    unsigned vcpu;       /* number, for messages */
    void *opaque;        /* for the callbacks */
    /*
     * Guest RAM at a physical address; false when any byte is not RAM, and then nothing was written: the address is a device
     * (or nothing), for mmio_read() and mmio_write(). An aligned 4 or 8 byte copy is a single access.
     */
    bool (*memory_read)(void *opaque, uint64_t gpa, void *buf, size_t len);
    bool (*memory_write)(void *opaque, uint64_t gpa, const void *buf, size_t len);
    /*
     * The host's pointer to [gpa, gpa + len) of RAM for a locked operation (cmpxchg16b), NULL when it is not all RAM of one region. Valid
     * until the VM ends.
     */
    void *(*memory_ptr)(void *opaque, uint64_t gpa, size_t len);
    /* A device access of any length, sent as one access to the device there; nothing there reads all ones and drops writes. */
    void (*mmio_read)(void *opaque, uint64_t gpa, void *buf, size_t len);
    void (*mmio_write)(void *opaque, uint64_t gpa, const void *buf, size_t len);
};

enum insn_verdict {
    INSN_DONE,   /* registers (RIP too) and memory are as after the instruction, or an exception is queued: run on */
    INSN_FAILED, /* *message (caller frees with g_free) says which instruction, with bytes and disassembly, and why */
};

/* Finishes one instruction. *message is only set with INSN_FAILED. */
enum insn_verdict insn_complete(const struct insn_env *env, char **message);

/*
 * "0xRIP: 0f 01 ca (clac)": the instruction at RIP of the vCPU, for messages; the disassembly is capstone's. Caller frees with g_free.
 */
char *insn_describe(const struct insn_env *env);

#ifdef __cplusplus
}
#endif
#endif
