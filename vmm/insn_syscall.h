/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 64-bit system calls on a KVM that enters them at the wrong privilege level: kvm_pvm runs "syscall" of a guest's user code by jumping to
 * LSTAR, but stays at level 3, and the first instruction of the guest's kernel faults. int 0x80 raises #UD there. Without this no Linux
 * program runs on such a KVM; where a probe sees that system calls work, nothing of it is used.
 *
 * How: accesses to LSTAR come to us (MSR filter), and KVM's register holds SYSCALL_TRAP, an address that no program has mapped. A system
 * call so ends in a page fault there, which the guest's handler gets at level 0; a breakpoint at that handler stops the vCPU, and the entry
 * is finished here: stack and flags of the interrupt frame, segments by STAR, RIP as the guest set LSTAR. Other page faults go on.
 * A program that jumps to SYSCALL_TRAP by itself has interrupts enabled, which FMASK clears: it gets its page fault.
 *
 * Limits: the handler is read from the IDT when LSTAR is written, as Linux does it last; a guest that uses debug registers loses them; a
 * system call and a page fault cost two more exits each. Facts: Intel SDM vol. 2 SYSCALL, vol. 3 chapter 6; Linux
 * Documentation/virt/kvm/api.rst, KVM_X86_SET_MSR_FILTER and KVM_SET_GUEST_DEBUG.
 */
#ifndef MEDIANT_VMM_INSN_SYSCALL_H
#define MEDIANT_VMM_INSN_SYSCALL_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct insn_env;
struct kvm_regs;
struct kvm_sregs;

/* The last page of the lower half: Linux and others leave it unmapped, for SYSRET's sake. */
#define SYSCALL_TRAP UINT64_C(0x7ffffffff000)

/* Of one vCPU; zeroed at its creation, used by its thread between two KVM_RUN. */
struct insn_syscall {
    uint64_t lstar, handler; /* as the guest has them; 0: not set */
    bool stepping;           /* over the first instruction of the handler, which the breakpoint would stop at again */
};

/* Tries a system call in a VM of its own, once in a process: false when it stays at level 3. True as well where it cannot be tried. */
bool insn_syscall_works(int kvm_fd);

/* Has accesses to LSTAR exit. False where this KVM cannot. Before vCPUs run. */
bool insn_syscall_watch(int vm_fd);

/* KVM_EXIT_X86_RDMSR and KVM_EXIT_X86_WRMSR: what the guest gets, or the breakpoint. */
void insn_syscall_msr(struct insn_syscall *state, const struct insn_env *env, bool write);

/* KVM_EXIT_DEBUG: false when the vCPU's registers cannot be read or written. */
bool insn_syscall_debug(struct insn_syscall *state, const struct insn_env *env);

/* The interrupt frame of a page fault (Intel SDM vol. 3, 6.14.2). */
struct insn_fault_frame {
    uint64_t error, rip, cs, rflags, rsp, ss;
};

/* Whether the fault with this frame and CR2 is a system call. */
bool insn_syscall_is_call(const struct insn_fault_frame *frame, uint64_t cr2, uint64_t fmask);

/* The registers of the page fault's handler become those of the system call's; RCX and R11 are right already. */
void insn_syscall_enter(struct kvm_regs *regs, struct kvm_sregs *sregs, const struct insn_fault_frame *frame, uint64_t lstar, uint64_t star,
                        uint64_t fmask);

#ifdef __cplusplus
}
#endif
#endif
