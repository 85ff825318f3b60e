/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE, AVX and AVX-512 moves between vector registers and memory, which is how compilers copy to and from a BAR. One table says what each
 * instruction moves; the encoding (legacy, VEX, EVEX) says what happens to the rest of the register. See cpu.h.
 */
#include "vmm/insn/cpu.h"

#include <string.h>

enum move_flags {
    ALIGNED = 1 << 0,  /* the address must be a multiple of the width */
    HIGH = 1 << 1,     /* the upper 8 bytes of the low 16 */
    HALF = 1 << 2,     /* a load keeps the other half */
};

struct move {
    unsigned id;       /* enum x86_insn */
    uint8_t bytes;     /* moved; 0 for the width of the register */
    uint8_t element;   /* bytes for each bit of a mask register; 0 when it has no masked form */
    uint8_t flags;
};

static const struct move moves[] = {
    {X86_INS_MOVUPS, 0, 0, 0}, {X86_INS_MOVUPD, 0, 0, 0}, {X86_INS_MOVDQU, 0, 0, 0}, {X86_INS_LDDQU, 0, 0, 0},
    {X86_INS_MOVAPS, 0, 0, ALIGNED}, {X86_INS_MOVAPD, 0, 0, ALIGNED}, {X86_INS_MOVDQA, 0, 0, ALIGNED},
    {X86_INS_MOVNTPS, 0, 0, ALIGNED}, {X86_INS_MOVNTPD, 0, 0, ALIGNED}, {X86_INS_MOVNTDQ, 0, 0, ALIGNED},
    {X86_INS_MOVNTDQA, 0, 0, ALIGNED},
    {X86_INS_MOVSS, 4, 0, 0}, {X86_INS_MOVSD, 8, 0, 0}, {X86_INS_MOVD, 4, 0, 0}, {X86_INS_MOVQ, 8, 0, 0},
    {X86_INS_MOVLPS, 8, 0, HALF}, {X86_INS_MOVLPD, 8, 0, HALF}, {X86_INS_MOVHPS, 8, 0, HIGH | HALF}, {X86_INS_MOVHPD, 8, 0, HIGH | HALF},
    {X86_INS_VMOVUPS, 0, 4, 0}, {X86_INS_VMOVUPD, 0, 8, 0}, {X86_INS_VMOVDQU, 0, 0, 0}, {X86_INS_VLDDQU, 0, 0, 0},
    {X86_INS_VMOVDQU8, 0, 1, 0}, {X86_INS_VMOVDQU16, 0, 2, 0}, {X86_INS_VMOVDQU32, 0, 4, 0}, {X86_INS_VMOVDQU64, 0, 8, 0},
    {X86_INS_VMOVAPS, 0, 4, ALIGNED}, {X86_INS_VMOVAPD, 0, 8, ALIGNED}, {X86_INS_VMOVDQA, 0, 0, ALIGNED},
    {X86_INS_VMOVDQA32, 0, 4, ALIGNED}, {X86_INS_VMOVDQA64, 0, 8, ALIGNED},
    {X86_INS_VMOVNTPS, 0, 0, ALIGNED}, {X86_INS_VMOVNTPD, 0, 0, ALIGNED}, {X86_INS_VMOVNTDQ, 0, 0, ALIGNED},
    {X86_INS_VMOVNTDQA, 0, 0, ALIGNED},
    {X86_INS_VMOVSS, 4, 4, 0}, {X86_INS_VMOVSD, 8, 8, 0}, {X86_INS_VMOVD, 4, 0, 0}, {X86_INS_VMOVQ, 8, 0, 0},
    {X86_INS_VMOVLPS, 8, 0, HALF}, {X86_INS_VMOVLPD, 8, 0, HALF}, {X86_INS_VMOVHPS, 8, 0, HIGH | HALF},
    {X86_INS_VMOVHPD, 8, 0, HIGH | HALF},
};

bool vector_register(x86_reg reg, unsigned *number, unsigned *width)
{
    static const struct {
        x86_reg first, last;
        unsigned width;
    } files[] = {{X86_REG_XMM0, X86_REG_XMM31, 16}, {X86_REG_YMM0, X86_REG_YMM31, 32}, {X86_REG_ZMM0, X86_REG_ZMM31, 64}};

    for (unsigned i = 0; i < 3; i++) {
        if (reg >= files[i].first && reg <= files[i].last) {
            *number = reg - files[i].first;
            *width = files[i].width;
            return true;
        }
    }
    return false;
}

static bool is_vex(const cs_insn *insn)
{
    return insn->mnemonic[0] == 'v';
}

enum exec vector_check_enabled(struct insn_cpu *cpu, bool vex)
{
    if (vex ? !(cpu->sregs.cr4 & CR4_OSXSAVE) : (cpu->sregs.cr0 & CR0_EM) || !(cpu->sregs.cr4 & CR4_OSFXSR))
        return cpu_raise(cpu, VECTOR_UD);
    if (cpu->sregs.cr0 & CR0_TS)
        return cpu_raise(cpu, VECTOR_NM);
    return EXEC_DONE;
}

/* Reads or writes the elements whose mask bit is set: a masked element does not touch memory. */
static enum exec masked_access(struct insn_cpu *cpu, uint64_t linear, uint8_t *data, unsigned bytes, unsigned element, uint64_t mask,
                               bool store)
{
    for (unsigned at = 0; at < bytes; at += element) {
        if (!(mask >> (at / element) & 1))
            continue;
        enum exec exec = store ? cpu_write(cpu, linear + at, data + at, element) : cpu_read(cpu, linear + at, data + at, element);
        if (exec != EXEC_DONE)
            return exec;
    }
    return EXEC_DONE;
}

static enum exec load(struct insn_cpu *cpu, const struct move *move, unsigned reg, unsigned width, unsigned other, uint64_t linear,
                      uint64_t mask, bool masked, bool zeroing, bool vex)
{
    uint8_t old[VECTOR_BYTES], value[VECTOR_BYTES] = {0}, data[VECTOR_BYTES] = {0};
    unsigned bytes = move->bytes ? move->bytes : width, at = move->flags & HIGH ? 8 : 0;
    enum exec exec;

    if (!cpu_vector_read(cpu, reg, old))
        return EXEC_UNSUPPORTED;
    if (masked) {
        if (!zeroing)
            memcpy(data, old, bytes);
        exec = masked_access(cpu, linear, data, bytes, move->element, mask, false);
        for (unsigned i = 0; zeroing && i < bytes; i++)
            if (!(mask >> (i / move->element) & 1))
                data[i] = 0;
    } else {
        exec = cpu_read(cpu, linear, data, bytes);
    }
    if (exec != EXEC_DONE)
        return exec;
    if (move->flags & HALF) { /* the other half comes from the destination, or from VEX's second operand */
        uint8_t keep[VECTOR_BYTES];
        if (!cpu_vector_read(cpu, other, keep))
            return EXEC_UNSUPPORTED;
        memcpy(value, keep, 16);
    }
    memcpy(value + at, data, bytes);
    if (!vex) /* legacy SSE leaves everything above 128 bits alone */
        memcpy(value + 16, old + 16, VECTOR_BYTES - 16);
    return cpu_vector_write(cpu, reg, value) ? EXEC_DONE : EXEC_UNSUPPORTED;
}

static enum exec store(struct insn_cpu *cpu, const struct move *move, unsigned reg, unsigned width, uint64_t linear, uint64_t mask,
                       bool masked)
{
    uint8_t value[VECTOR_BYTES];
    unsigned bytes = move->bytes ? move->bytes : width, at = move->flags & HIGH ? 8 : 0;

    if (!cpu_vector_read(cpu, reg, value))
        return EXEC_UNSUPPORTED;
    return masked ? masked_access(cpu, linear, value, bytes, move->element, mask, true) : cpu_write(cpu, linear, value + at, bytes);
}

/* MOVD and MOVQ with a 64-bit general register are one instruction to capstone; memory forms never have one. */
enum exec insn_vector(struct insn_cpu *cpu, const cs_insn *insn)
{
    const cs_x86 *x86 = &insn->detail->x86;
    const struct move *move = NULL;
    unsigned reg = 0, width = 0, other = 0, registers = 0, number, size;
    const cs_x86_op *memory = NULL;
    bool masked = false, zeroing = false, storing = false;
    uint64_t mask = ~UINT64_C(0), linear;
    enum exec exec;

    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
        if (moves[i].id == insn->id)
            move = &moves[i];
    if (!move)
        return EXEC_UNSUPPORTED;
    for (unsigned i = 0; i < x86->op_count; i++) {
        const cs_x86_op *op = &x86->operands[i];
        if (op->type == X86_OP_MEM) {
            memory = op;
            storing = i == 0;
        } else if (op->type == X86_OP_REG && vector_register(op->reg, &number, &size)) {
            if (registers++ == 0) {
                reg = number;
                width = size;
            }
            other = number;
        } else if (op->type == X86_OP_REG && op->reg >= X86_REG_K0 && op->reg <= X86_REG_K7) {
            if (op->reg == X86_REG_K0)
                continue;
            if (!move->element || !cpu_opmask_read(cpu, op->reg - X86_REG_K0, &mask))
                return EXEC_UNSUPPORTED;
            masked = true;
        } else {
            return EXEC_UNSUPPORTED;
        }
        zeroing |= op->avx_zero_opmask;
    }
    if (!memory || !registers)
        return EXEC_UNSUPPORTED;
    exec = vector_check_enabled(cpu, is_vex(insn));
    if (exec == EXEC_DONE)
        exec = cpu_operand_address(cpu, insn, memory, &linear);
    if (exec != EXEC_DONE)
        return exec;
    if ((move->flags & ALIGNED) && linear % width)
        return cpu_raise_error(cpu, VECTOR_GP, 0);
    return storing ? store(cpu, move, reg, width, linear, mask, masked)
                   : load(cpu, move, reg, width, other, linear, mask, masked, zeroing, is_vex(insn));
}
