/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bitwise SSE, AVX and AVX-512 instructions, without masks or broadcasts. Kernels use them at privilege level 0 (RAID checksums, clearing
 * registers), where a KVM that emulates kernel code does not know them. See cpu.h.
 */
#include "vmm/insn/cpu.h"

#include <string.h>

enum operation { XOR, AND, AND_NOT /* of the first operand */, OR };

static const struct {
    unsigned id; /* enum x86_insn */
    enum operation operation;
} operations[] = {
    {X86_INS_PXOR, XOR},         {X86_INS_XORPS, XOR},        {X86_INS_XORPD, XOR},        {X86_INS_VPXOR, XOR},       {X86_INS_VXORPS, XOR},
    {X86_INS_VXORPD, XOR},       {X86_INS_VPXORD, XOR},       {X86_INS_VPXORQ, XOR},       {X86_INS_PAND, AND},        {X86_INS_ANDPS, AND},
    {X86_INS_ANDPD, AND},        {X86_INS_VPAND, AND},        {X86_INS_VANDPS, AND},       {X86_INS_VANDPD, AND},      {X86_INS_VPANDD, AND},
    {X86_INS_VPANDQ, AND},       {X86_INS_PANDN, AND_NOT},    {X86_INS_ANDNPS, AND_NOT},   {X86_INS_ANDNPD, AND_NOT},  {X86_INS_VPANDN, AND_NOT},
    {X86_INS_VANDNPS, AND_NOT},  {X86_INS_VANDNPD, AND_NOT},  {X86_INS_VPANDND, AND_NOT},  {X86_INS_VPANDNQ, AND_NOT}, {X86_INS_POR, OR},
    {X86_INS_ORPS, OR},          {X86_INS_ORPD, OR},          {X86_INS_VPOR, OR},          {X86_INS_VORPS, OR},        {X86_INS_VORPD, OR},
    {X86_INS_VPORD, OR},         {X86_INS_VPORQ, OR},
};

static uint8_t combine(enum operation operation, uint8_t a, uint8_t b)
{
    switch (operation) {
    case XOR:
        return a ^ b;
    case AND:
        return a & b;
    case AND_NOT:
        return ~a & b;
    case OR:
    default:
        return a | b;
    }
}

/* The last operand: a register, or memory, which SSE wants aligned. */
static enum exec read_source(struct insn_cpu *cpu, const cs_insn *insn, const cs_x86_op *op, unsigned width, bool vex, uint8_t value[VECTOR_BYTES])
{
    unsigned number, size;
    uint64_t linear;

    if (op->avx_bcast != X86_AVX_BCAST_INVALID)
        return EXEC_UNSUPPORTED;
    if (op->type == X86_OP_REG)
        return vector_register(op->reg, &number, &size) && cpu_vector_read(cpu, number, value) ? EXEC_DONE : EXEC_UNSUPPORTED;
    if (op->type != X86_OP_MEM)
        return EXEC_UNSUPPORTED;
    enum exec exec = cpu_operand_address(cpu, insn, op, &linear);
    if (exec == EXEC_DONE && !vex && linear % width)
        return cpu_raise_error(cpu, VECTOR_GP, 0);
    return exec == EXEC_DONE ? cpu_read(cpu, linear, value, width) : exec;
}

enum exec insn_vector_logic(struct insn_cpu *cpu, const cs_insn *insn)
{
    const cs_x86 *x86 = &insn->detail->x86;
    const bool vex = insn->mnemonic[0] == 'v';
    uint8_t first[VECTOR_BYTES], second[VECTOR_BYTES], result[VECTOR_BYTES] = {0};
    unsigned which = 0, to, from, width, size;

    while (which < sizeof(operations) / sizeof(operations[0]) && operations[which].id != insn->id)
        which++;
    /* Two operands, three with VEX and EVEX; a mask register would be one more. */
    if (which == sizeof(operations) / sizeof(operations[0]) || x86->op_count != (vex ? 3 : 2) || x86->operands[0].type != X86_OP_REG ||
        x86->operands[x86->op_count - 2].type != X86_OP_REG || !vector_register(x86->operands[0].reg, &to, &width) ||
        !vector_register(x86->operands[x86->op_count - 2].reg, &from, &size))
        return EXEC_UNSUPPORTED;
    enum exec exec = vector_check_enabled(cpu, vex);
    if (exec == EXEC_DONE)
        exec = read_source(cpu, insn, &x86->operands[x86->op_count - 1], width, vex, second);
    if (exec != EXEC_DONE)
        return exec;
    if (!cpu_vector_read(cpu, from, first))
        return EXEC_UNSUPPORTED;
    for (unsigned i = 0; i < width; i++)
        result[i] = combine(operations[which].operation, first[i], second[i]);
    if (!vex) /* SSE leaves everything above 128 bits alone */
        memcpy(result + 16, first + 16, VECTOR_BYTES - 16);
    return cpu_vector_write(cpu, to, result) ? EXEC_DONE : EXEC_UNSUPPORTED;
}
