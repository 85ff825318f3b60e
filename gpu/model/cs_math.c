/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MI_MATH on the sixteen 64-bit general purpose registers, and the predicate commands.
 * Sources: PRM SKL vol. 2a "MI_MATH", "MI_PREDICATE", "MI_SET_PREDICATE"; Linux 6.1 gt/intel_gpu_commands.h and Mesa's gen9.xml for
 * encodings; Mesa's mi_builder.h for what the flags read as (all ones or zero) and that the carry of a subtraction is its borrow.
 */
#include "gpu/model/engine_internal.h"

enum {
    ALU_NOOP = 0x000,
    ALU_LOAD = 0x080,
    ALU_LOAD0 = 0x081,
    ALU_LOADINV = 0x480,
    ALU_LOAD1 = 0x481,
    ALU_ADD = 0x100,
    ALU_SUB = 0x101,
    ALU_AND = 0x102,
    ALU_OR = 0x103,
    ALU_XOR = 0x104,
    ALU_STORE = 0x180,
    ALU_STOREINV = 0x580,
    OPERAND_SRCA = 0x20,
    OPERAND_SRCB = 0x21,
    OPERAND_ACCU = 0x31,
    OPERAND_ZF = 0x32,
    OPERAND_CF = 0x33,
};

struct alu {
    uint64_t srca, srcb, accu, zf, cf; /* flags: all ones or zero */
};

static uint64_t operand(const struct cs *cs, const struct alu *alu, unsigned which)
{
    switch (which) {
    case OPERAND_SRCA:
        return alu->srca;
    case OPERAND_SRCB:
        return alu->srcb;
    case OPERAND_ACCU:
        return alu->accu;
    case OPERAND_ZF:
        return alu->zf;
    case OPERAND_CF:
        return alu->cf;
    default:
        return which < 16 ? cs_reg64(cs, RING_GPR + 8 * which) : 0;
    }
}

static void load_source(struct alu *alu, unsigned which, uint64_t value)
{
    if (which == OPERAND_SRCA)
        alu->srca = value;
    else if (which == OPERAND_SRCB)
        alu->srcb = value;
}

static void store_register(struct cs *cs, unsigned which, uint64_t value)
{
    if (which < 16)
        cs_reg64_set(cs, RING_GPR + 8 * which, value);
}

static uint64_t all_ones(bool set)
{
    return set ? UINT64_MAX : 0;
}

static void result(struct alu *alu, uint64_t value, bool carry)
{
    alu->accu = value;
    alu->zf = all_ones(value == 0);
    alu->cf = all_ones(carry);
}

enum cs_status cs_math(struct cs *cs)
{
    struct alu alu = {0};

    for (unsigned i = 1; i < cs->len; i++) {
        unsigned opcode = cs->dw[i] >> 20, first = cs->dw[i] >> 10 & 0x3ff, second = cs->dw[i] & 0x3ff;
        switch (opcode) {
        case ALU_NOOP:
            break;
        case ALU_LOAD:
            load_source(&alu, first, operand(cs, &alu, second));
            break;
        case ALU_LOADINV:
            load_source(&alu, first, ~operand(cs, &alu, second));
            break;
        case ALU_LOAD0:
            load_source(&alu, first, 0);
            break;
        case ALU_LOAD1:
            load_source(&alu, first, UINT64_MAX);
            break;
        case ALU_ADD:
            result(&alu, alu.srca + alu.srcb, alu.srca + alu.srcb < alu.srca);
            break;
        case ALU_SUB:
            result(&alu, alu.srca - alu.srcb, alu.srca < alu.srcb);
            break;
        case ALU_AND:
            result(&alu, alu.srca & alu.srcb, false);
            break;
        case ALU_OR:
            result(&alu, alu.srca | alu.srcb, false);
            break;
        case ALU_XOR:
            result(&alu, alu.srca ^ alu.srcb, false);
            break;
        case ALU_STORE:
            store_register(cs, first, operand(cs, &alu, second));
            break;
        case ALU_STOREINV:
            store_register(cs, first, ~operand(cs, &alu, second));
            break;
        default:
            return cs_error(cs, ERROR_INSTRUCTION, i);
        }
    }
    return CS_OK;
}

/* Fields of MI_PREDICATE. */
enum {
    COMPARE_TRUE,
    COMPARE_FALSE,
    COMPARE_SRCS_EQUAL,
    COMPARE_DELTAS_EQUAL,
    COMBINE_SET = 0,
    COMBINE_AND,
    COMBINE_OR,
    COMBINE_XOR,
    LOAD_KEEP = 0,
    LOAD_LOAD = 2,
    LOAD_LOADINV = 3,
};

enum cs_status cs_predicate(struct cs *cs)
{
    uint64_t src0 = cs_reg64(cs, RING_PREDICATE_SRC0), src1 = cs_reg64(cs, RING_PREDICATE_SRC1);
    bool old = cs_reg(cs, RING_PREDICATE_RESULT) & 1, now = true;

    switch (cs->dw[0] & 3) {
    case COMPARE_TRUE:
        break;
    case COMPARE_FALSE:
        now = false;
        break;
    case COMPARE_SRCS_EQUAL:
        now = src0 == src1;
        break;
    case COMPARE_DELTAS_EQUAL:
        now = src0 - src1 == cs_reg64(cs, RING_PREDICATE_DATA);
        break;
    }
    switch (cs->dw[0] >> 3 & 3) {
    case COMBINE_SET:
        break;
    case COMBINE_AND:
        now = now && old;
        break;
    case COMBINE_OR:
        now = now || old;
        break;
    case COMBINE_XOR:
        now = now != old;
        break;
    }
    switch (cs->dw[0] >> 6 & 3) {
    case LOAD_LOAD:
        cs_reg_set(cs, RING_PREDICATE_RESULT, now);
        break;
    case LOAD_LOADINV:
        cs_reg_set(cs, RING_PREDICATE_RESULT, !now);
        break;
    case LOAD_KEEP:
    default:
        break;
    }
    return CS_OK;
}

/* Which commands are skipped from here on. A GT2 has one slice. */
enum cs_status cs_set_predicate(struct cs *cs)
{
    bool skip;

    switch (cs->dw[0] & 0xf) {
    case 1:
        skip = !(cs_reg(cs, RING_PREDICATE_RESULT_2) & 1);
        break;
    case 2:
        skip = cs_reg(cs, RING_PREDICATE_RESULT_2) & 1;
        break;
    case 3:
        skip = !(cs_reg(cs, RING_PREDICATE_RESULT) & 1);
        break;
    case 4:
        skip = cs_reg(cs, RING_PREDICATE_RESULT) & 1;
        break;
    case 6: /* executes with two slices */
    case 7: /* with three */
    case 15: /* never */
        skip = true;
        break;
    default:
        skip = false;
        break;
    }
    cs->predicate = skip;
    return CS_OK;
}
