/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vCPU as instruction completion sees it: registers, extended state, guest memory by virtual address. Instructions are written on
 * this, so that unit tests can run them without KVM. One instruction at a time, on one thread.
 *
 * Facts: Intel SDM vol. 1 chapter 13 (XSAVE area), vol. 2 (instructions), vol. 3 chapter 4 (paging) and 6 (exceptions).
 */
#ifndef MEDIANT_VMM_INSN_CPU_H
#define MEDIANT_VMM_INSN_CPU_H

#include "vmm/insn.h"

#include <capstone/capstone.h>
#include <linux/kvm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    RFLAGS_CF = 1 << 0, RFLAGS_PF = 1 << 2, RFLAGS_AF = 1 << 4, RFLAGS_ZF = 1 << 6, RFLAGS_SF = 1 << 7, RFLAGS_TF = 1 << 8,
    RFLAGS_OF = 1 << 11, RFLAGS_AC = 1 << 18,
    CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3, CR0_WP = 1 << 16,
    CR4_PAE = 1 << 5, CR4_OSFXSR = 1 << 9, CR4_LA57 = 1 << 12, CR4_OSXSAVE = 1 << 18, CR4_SMAP = 1 << 21,
    EFER_LMA = 1 << 10,
    VECTOR_DB = 1, VECTOR_BP = 3, VECTOR_UD = 6, VECTOR_NM = 7, VECTOR_GP = 13, VECTOR_PF = 14, VECTOR_MF = 16,
    XSAVE_BYTES = 4096, XSAVE_LEGACY_BYTES = 512, XSAVE_HEADER_BYTES = 64,
    VECTOR_BYTES = 64, VECTOR_REGISTERS = 32,
};
#define CR0_PG (1u << 31)

/* How an instruction ended. */
enum exec {
    EXEC_DONE,
    EXEC_FAULT,       /* cpu->fault says which exception the guest gets; nothing else changed */
    EXEC_UNSUPPORTED, /* not completed here, or not in this form */
};

struct insn_cpu {
    const struct insn_env *env;
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    uint64_t xcr0;
    uint8_t xsave[XSAVE_BYTES]; /* standard format */
    bool xsave_changed;
    struct {
        bool pending;
        uint8_t vector;
        bool has_error;
        uint32_t error;
        uint64_t cr2; /* for a page fault */
    } fault;
};

/* Sets the exception and returns EXEC_FAULT. */
enum exec cpu_raise(struct insn_cpu *cpu, uint8_t vector);
enum exec cpu_raise_error(struct insn_cpu *cpu, uint8_t vector, uint32_t error);

static inline bool cpu_long_mode(const struct insn_cpu *cpu)
{
    return (cpu->sregs.efer & EFER_LMA) && cpu->sregs.cs.l;
}
static inline unsigned cpu_cpl(const struct insn_cpu *cpu)
{
    return cpu->sregs.ss.dpl;
}

/* Guest memory at a linear address: translated with the permissions of the current privilege level, RAM or device. */
enum exec cpu_read(struct insn_cpu *cpu, uint64_t linear, void *buf, size_t len);
enum exec cpu_write(struct insn_cpu *cpu, uint64_t linear, const void *buf, size_t len);
/* Host pointer for a locked access to RAM within one page; EXEC_UNSUPPORTED for a device. */
enum exec cpu_pointer(struct insn_cpu *cpu, uint64_t linear, size_t len, void **ptr);

/* Linear address of a memory operand of the instruction (RIP-relative ones included). Raises #GP when it is not canonical. */
enum exec cpu_operand_address(struct insn_cpu *cpu, const cs_insn *insn, const cs_x86_op *op, uint64_t *linear);

/* General registers by capstone's names, any width; a 32-bit write clears the upper half. False for other registers. */
bool cpu_gpr_read(const struct insn_cpu *cpu, x86_reg reg, uint64_t *value);
bool cpu_gpr_write(struct insn_cpu *cpu, x86_reg reg, uint64_t value);

/* Vector registers 0..31: all 64 bytes, wherever the XSAVE area keeps their parts. False when this machine has no place for it. */
bool cpu_vector_read(const struct insn_cpu *cpu, unsigned reg, uint8_t bytes[VECTOR_BYTES]);
bool cpu_vector_write(struct insn_cpu *cpu, unsigned reg, const uint8_t bytes[VECTOR_BYTES]);
/* Opmask register k0..k7. */
bool cpu_opmask_read(const struct insn_cpu *cpu, unsigned reg, uint64_t *mask);

/* Number and width in bytes of a vector register; false for others (MMX registers stay with KVM). */
bool vector_register(x86_reg reg, unsigned *number, unsigned *width);
/* Whether the guest's control registers allow vector instructions (vex: of AVX) now: EXEC_DONE, or the exception. */
enum exec vector_check_enabled(struct insn_cpu *cpu, bool vex);

/* Offset and size of an extended state component in the standard format (CPUID leaf 0xd); false when there is none. */
bool xsave_component(unsigned component, uint32_t *offset, uint32_t *size, bool *aligned);

/* The instructions, by family. Each returns EXEC_UNSUPPORTED for what is not its own. RIP is advanced by the caller. */
enum exec insn_integer(struct insn_cpu *cpu, const cs_insn *insn);
enum exec insn_vector(struct insn_cpu *cpu, const cs_insn *insn);
enum exec insn_vector_logic(struct insn_cpu *cpu, const cs_insn *insn);
enum exec insn_system(struct insn_cpu *cpu, const cs_insn *insn);

/* Decodes and runs the instruction in bytes at cpu->regs.rip: on EXEC_DONE the registers are those after it. */
enum exec insn_execute(struct insn_cpu *cpu, const uint8_t *bytes, size_t count);

#ifdef __cplusplus
}
#endif
#endif
