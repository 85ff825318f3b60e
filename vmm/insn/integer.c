/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integer instructions that KVM's emulator lacks or lacks on device memory. See cpu.h. */
#include "vmm/insn/cpu.h"

#include <string.h>

/* Value of a register or memory operand, zero extended. */
static enum exec read_operand(struct insn_cpu *cpu, const cs_insn *insn, const cs_x86_op *op, unsigned width, uint64_t *value)
{
    uint64_t linear;
    enum exec exec;

    if (op->type == X86_OP_REG)
        return cpu_gpr_read(cpu, op->reg, value) ? EXEC_DONE : EXEC_UNSUPPORTED;
    if (op->type != X86_OP_MEM)
        return EXEC_UNSUPPORTED;
    *value = 0;
    exec = cpu_operand_address(cpu, insn, op, &linear);
    return exec == EXEC_DONE ? cpu_read(cpu, linear, value, width) : exec;
}

static enum exec write_operand(struct insn_cpu *cpu, const cs_insn *insn, const cs_x86_op *op, unsigned width, uint64_t value)
{
    uint64_t linear;
    enum exec exec;

    if (op->type == X86_OP_REG)
        return cpu_gpr_write(cpu, op->reg, value) ? EXEC_DONE : EXEC_UNSUPPORTED;
    exec = cpu_operand_address(cpu, insn, op, &linear);
    return exec == EXEC_DONE ? cpu_write(cpu, linear, &value, width) : exec;
}

static void set_flags(struct insn_cpu *cpu, uint64_t clear, uint64_t set)
{
    cpu->regs.rflags = (cpu->regs.rflags & ~clear) | set;
}

/* POPCNT, LZCNT, TZCNT: register <- count of the operand's bits. */
static enum exec bit_count(struct insn_cpu *cpu, const cs_insn *insn)
{
    const cs_x86_op *op = insn->detail->x86.operands;
    unsigned bits = 8 * op[0].size;
    uint64_t value, count;
    enum exec exec = read_operand(cpu, insn, &op[1], op[0].size, &value);

    if (exec != EXEC_DONE)
        return exec;
    if (insn->id == X86_INS_POPCNT) {
        count = (uint64_t)__builtin_popcountll(value);
        set_flags(cpu, RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF, value ? 0 : RFLAGS_ZF);
    } else {
        if (!value)
            count = bits;
        else
            count = insn->id == X86_INS_LZCNT ? (uint64_t)__builtin_clzll(value) - (64 - bits) : (uint64_t)__builtin_ctzll(value);
        set_flags(cpu, RFLAGS_CF | RFLAGS_ZF, (value ? 0 : RFLAGS_CF) | (count ? 0 : RFLAGS_ZF));
    }
    return cpu_gpr_write(cpu, op[0].reg, count) ? EXEC_DONE : EXEC_UNSUPPORTED;
}

static enum exec movbe(struct insn_cpu *cpu, const cs_insn *insn)
{
    const cs_x86_op *op = insn->detail->x86.operands;
    unsigned width = op[0].type == X86_OP_REG ? op[0].size : op[1].size;
    uint64_t value;
    enum exec exec = read_operand(cpu, insn, &op[1], width, &value);

    if (exec != EXEC_DONE)
        return exec;
    value = __builtin_bswap64(value) >> (64 - 8 * width);
    return write_operand(cpu, insn, &op[0], width, value);
}

/* MOV, MOVNTI, MOVZX, MOVSX, MOVSXD between a register or constant and memory. */
static enum exec move(struct insn_cpu *cpu, const cs_insn *insn)
{
    const cs_x86_op *op = insn->detail->x86.operands;
    uint64_t value;

    if (op[1].type == X86_OP_IMM) {
        value = (uint64_t)op[1].imm;
    } else {
        unsigned width = op[1].size;
        enum exec exec = read_operand(cpu, insn, &op[1], width, &value);
        if (exec != EXEC_DONE)
            return exec;
        if ((insn->id == X86_INS_MOVSX || insn->id == X86_INS_MOVSXD) && width < 8)
            value = (uint64_t)((int64_t)(value << (64 - 8 * width)) >> (64 - 8 * width));
    }
    return write_operand(cpu, insn, &op[0], op[0].size, value);
}

static enum exec cmpxchg16b(struct insn_cpu *cpu, const cs_insn *insn)
{
    uint64_t linear, expected[2] = {cpu->regs.rax, cpu->regs.rdx};
    unsigned char equal;
    void *ptr;
    enum exec exec = cpu_operand_address(cpu, insn, &insn->detail->x86.operands[0], &linear);

    if (exec != EXEC_DONE)
        return exec;
    if (linear & 15)
        return cpu_raise_error(cpu, VECTOR_GP, 0);
    exec = cpu_pointer(cpu, linear, 16, &ptr);
    if (exec != EXEC_DONE)
        return exec;
    /* Atomic with or without a LOCK prefix: other vCPUs share the memory. */
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(equal), "+m"(*(__uint128_t *)ptr), "+a"(expected[0]), "+d"(expected[1])
                     : "b"(cpu->regs.rbx), "c"(cpu->regs.rcx)
                     : "memory");
    if (!equal) {
        cpu->regs.rax = expected[0];
        cpu->regs.rdx = expected[1];
    }
    set_flags(cpu, RFLAGS_ZF, equal ? RFLAGS_ZF : 0);
    return EXEC_DONE;
}

enum exec insn_integer(struct insn_cpu *cpu, const cs_insn *insn)
{
    switch (insn->id) {
    case X86_INS_POPCNT:
    case X86_INS_LZCNT:
    case X86_INS_TZCNT:
        return bit_count(cpu, insn);
    case X86_INS_MOVBE:
        return movbe(cpu, insn);
    case X86_INS_MOV:
    case X86_INS_MOVABS:
    case X86_INS_MOVNTI:
    case X86_INS_MOVZX:
    case X86_INS_MOVSX:
    case X86_INS_MOVSXD:
        return move(cpu, insn);
    case X86_INS_CMPXCHG16B:
        return cmpxchg16b(cpu, insn);
    default:
        return EXEC_UNSUPPORTED;
    }
}
