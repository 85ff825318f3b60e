/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Breakpoints, flags, x87 wait, MXCSR and the XSAVE family for instruction completion. See cpu.h. */
#include "vmm/insn/cpu.h"

#include <string.h>

enum {
    FSW_OFFSET = 2, FSW_ERROR = 1 << 7,
    MXCSR_OFFSET = 24, MXCSR_BYTES = 8, /* with its mask */
    MXCSR_INITIAL = 0x1f80, MXCSR_MASK_DEFAULT = 0xffbf, /* without denormals-are-zeros: what a mask of 0 means */
    XMM_OFFSET = 160, XMM_BYTES = 256,
    XSTATE_X87 = 1 << 0, XSTATE_SSE = 1 << 1, XSTATE_AVX = 1 << 2,
};
#define XCOMP_COMPACTED (UINT64_C(1) << 63)

static enum exec set_ac(struct insn_cpu *cpu, bool on)
{
    if (cpu_cpl(cpu) != 0)
        return cpu_raise(cpu, VECTOR_UD);
    cpu->regs.rflags = on ? cpu->regs.rflags | RFLAGS_AC : cpu->regs.rflags & ~(uint64_t)RFLAGS_AC;
    return EXEC_DONE;
}

static enum exec wait_x87(struct insn_cpu *cpu)
{
    uint16_t status;

    if ((cpu->sregs.cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
        return cpu_raise(cpu, VECTOR_NM);
    memcpy(&status, cpu->xsave + FSW_OFFSET, sizeof(status));
    return status & FSW_ERROR ? cpu_raise(cpu, VECTOR_MF) : EXEC_DONE;
}

/* Where component sits in an area: its standard offset, or packed behind the components below it. */
static bool component_at(unsigned component, uint64_t xcomp, uint32_t *at, uint32_t *size)
{
    uint32_t offset, bytes, next = XSAVE_LEGACY_BYTES + XSAVE_HEADER_BYTES;
    bool aligned;

    if (!xsave_component(component, &offset, size, &aligned))
        return false;
    *at = offset;
    if (component < 2 || !(xcomp & XCOMP_COMPACTED))
        return true;
    for (unsigned i = 2; i <= component; i++) {
        if (!(xcomp >> i & 1))
            continue;
        if (!xsave_component(i, &offset, &bytes, &aligned))
            return false;
        if (aligned)
            next = (next + 63) & ~63u;
        *at = next;
        next += bytes;
    }
    return *at + *size <= XSAVE_BYTES;
}

static uint64_t requested(const struct insn_cpu *cpu)
{
    return ((cpu->regs.rdx & 0xffffffff) << 32 | (cpu->regs.rax & 0xffffffff)) & cpu->xcr0;
}

static enum exec check_area(struct insn_cpu *cpu, const cs_insn *insn, uint64_t *linear)
{
    enum exec exec;

    if (!(cpu->sregs.cr4 & CR4_OSXSAVE))
        return cpu_raise(cpu, VECTOR_UD);
    if (cpu->sregs.cr0 & CR0_TS)
        return cpu_raise(cpu, VECTOR_NM);
    exec = cpu_operand_address(cpu, insn, &insn->detail->x86.operands[0], linear);
    if (exec != EXEC_DONE)
        return exec;
    return *linear & 63 ? cpu_raise_error(cpu, VECTOR_GP, 0) : EXEC_DONE;
}

static enum exec xrstor(struct insn_cpu *cpu, const cs_insn *insn)
{
    uint64_t linear, header[XSAVE_HEADER_BYTES / 8], mask = requested(cpu), bv;
    uint8_t legacy[XSAVE_LEGACY_BYTES], state[XSAVE_BYTES];
    enum exec exec = check_area(cpu, insn, &linear);

    if (exec == EXEC_DONE)
        exec = cpu_read(cpu, linear, legacy, sizeof(legacy));
    if (exec == EXEC_DONE)
        exec = cpu_read(cpu, linear + XSAVE_LEGACY_BYTES, header, sizeof(header));
    if (exec != EXEC_DONE)
        return exec;
    bool compacted = header[1] & XCOMP_COMPACTED;
    if ((header[0] & ~cpu->xcr0) || (compacted ? (header[0] & ~header[1]) || (header[1] & ~XCOMP_COMPACTED & ~cpu->xcr0) : header[1]) ||
        header[2])
        return cpu_raise_error(cpu, VECTOR_GP, 0);

    memcpy(state, cpu->xsave, sizeof(state));
    memcpy(&bv, state + XSAVE_LEGACY_BYTES, sizeof(bv));
    for (unsigned i = 0; i < 63; i++) {
        uint32_t from, to, size;
        bool aligned;
        if (!(mask >> i & 1))
            continue;
        if (!(header[0] >> i & 1)) { /* initial state */
            bv &= ~(UINT64_C(1) << i);
            continue;
        }
        if (!component_at(i, header[1], &from, &size) || !xsave_component(i, &to, &size, &aligned))
            return EXEC_UNSUPPORTED;
        if (i == 0)
            memcpy(state, legacy, MXCSR_OFFSET), memcpy(state + 32, legacy + 32, 128);
        else if (i == 1)
            memcpy(state + to, legacy + from, size);
        else if ((exec = cpu_read(cpu, linear + from, state + to, size)) != EXEC_DONE)
            return exec;
        bv |= UINT64_C(1) << i;
    }
    if ((mask & (XSTATE_SSE | XSTATE_AVX)) && (!compacted || (mask & XSTATE_SSE)))
        memcpy(state + MXCSR_OFFSET, legacy + MXCSR_OFFSET, 4);
    memcpy(state + XSAVE_LEGACY_BYTES, &bv, sizeof(bv));
    memcpy(cpu->xsave, state, sizeof(state));
    cpu->xsave_changed = true;
    return EXEC_DONE;
}

/* XSAVE, XSAVEOPT (which may save everything) and XSAVEC. */
static enum exec xsave(struct insn_cpu *cpu, const cs_insn *insn, bool compact)
{
    uint64_t linear, mask = requested(cpu), bv, old_header[XSAVE_HEADER_BYTES / 8], header[XSAVE_HEADER_BYTES / 8] = {0};
    enum exec exec = check_area(cpu, insn, &linear);

    if (exec == EXEC_DONE)
        exec = cpu_read(cpu, linear + XSAVE_LEGACY_BYTES, old_header, sizeof(old_header));
    if (exec != EXEC_DONE)
        return exec;
    memcpy(&bv, cpu->xsave + XSAVE_LEGACY_BYTES, sizeof(bv));
    if (compact) {
        header[1] = XCOMP_COMPACTED | mask;
        header[0] = bv & mask;
    } else {
        memcpy(header, old_header, sizeof(header));
        header[0] = (old_header[0] & ~mask) | (bv & mask);
    }
    for (unsigned i = 0; i < 63 && exec == EXEC_DONE; i++) {
        uint32_t from, to, size;
        bool aligned;
        if (!(mask >> i & 1) || (compact && !(bv >> i & 1)))
            continue;
        if (!xsave_component(i, &from, &size, &aligned) || !component_at(i, header[1], &to, &size))
            return EXEC_UNSUPPORTED;
        if (i == 0) {
            exec = cpu_write(cpu, linear, cpu->xsave, MXCSR_OFFSET);
            if (exec == EXEC_DONE)
                exec = cpu_write(cpu, linear + 32, cpu->xsave + 32, 128);
        } else {
            exec = cpu_write(cpu, linear + to, cpu->xsave + from, size);
        }
    }
    if (exec == EXEC_DONE && (mask & (XSTATE_SSE | XSTATE_AVX)))
        exec = cpu_write(cpu, linear + MXCSR_OFFSET, cpu->xsave + MXCSR_OFFSET, MXCSR_BYTES);
    return exec == EXEC_DONE ? cpu_write(cpu, linear + XSAVE_LEGACY_BYTES, header, sizeof(header)) : exec;
}

static enum exec ldmxcsr(struct insn_cpu *cpu, const cs_insn *insn, bool vex)
{
    uint64_t linear, bv;
    uint32_t value, mask;
    enum exec exec = vector_check_enabled(cpu, vex);

    if (exec == EXEC_DONE)
        exec = cpu_operand_address(cpu, insn, &insn->detail->x86.operands[0], &linear);
    if (exec == EXEC_DONE)
        exec = cpu_read(cpu, linear, &value, sizeof(value));
    if (exec != EXEC_DONE)
        return exec;
    memcpy(&mask, cpu->xsave + MXCSR_OFFSET + 4, sizeof(mask));
    if (value & ~(mask ? mask : MXCSR_MASK_DEFAULT))
        return cpu_raise_error(cpu, VECTOR_GP, 0);
    /* MXCSR counts only when SSE is not in its initial state, in which the registers are 0. */
    memcpy(&bv, cpu->xsave + XSAVE_LEGACY_BYTES, sizeof(bv));
    if (!(bv & XSTATE_SSE))
        memset(cpu->xsave + XMM_OFFSET, 0, XMM_BYTES);
    bv |= XSTATE_SSE;
    memcpy(cpu->xsave + XSAVE_LEGACY_BYTES, &bv, sizeof(bv));
    memcpy(cpu->xsave + MXCSR_OFFSET, &value, sizeof(value));
    cpu->xsave_changed = true;
    return EXEC_DONE;
}

static enum exec stmxcsr(struct insn_cpu *cpu, const cs_insn *insn, bool vex)
{
    uint64_t linear, bv;
    uint32_t value = MXCSR_INITIAL;
    enum exec exec = vector_check_enabled(cpu, vex);

    memcpy(&bv, cpu->xsave + XSAVE_LEGACY_BYTES, sizeof(bv));
    if (bv & (XSTATE_SSE | XSTATE_AVX))
        memcpy(&value, cpu->xsave + MXCSR_OFFSET, sizeof(value));
    if (exec == EXEC_DONE)
        exec = cpu_operand_address(cpu, insn, &insn->detail->x86.operands[0], &linear);
    return exec == EXEC_DONE ? cpu_write(cpu, linear, &value, sizeof(value)) : exec;
}

enum exec insn_system(struct insn_cpu *cpu, const cs_insn *insn)
{
    switch (insn->id) {
    case X86_INS_INT3:
        cpu->regs.rip += insn->size; /* a trap: the handler returns behind it */
        return cpu_raise(cpu, VECTOR_BP);
    case X86_INS_CLAC:
        return set_ac(cpu, false);
    case X86_INS_STAC:
        return set_ac(cpu, true);
    case X86_INS_WAIT:
        return wait_x87(cpu);
    case X86_INS_LDMXCSR:
    case X86_INS_VLDMXCSR:
        return ldmxcsr(cpu, insn, insn->id == X86_INS_VLDMXCSR);
    case X86_INS_STMXCSR:
    case X86_INS_VSTMXCSR:
        return stmxcsr(cpu, insn, insn->id == X86_INS_VSTMXCSR);
    case X86_INS_XRSTOR:
    case X86_INS_XRSTOR64:
        return xrstor(cpu, insn);
    case X86_INS_XSAVE:
    case X86_INS_XSAVE64:
    case X86_INS_XSAVEOPT:
    case X86_INS_XSAVEOPT64:
        return xsave(cpu, insn, false);
    case X86_INS_XSAVEC:
    case X86_INS_XSAVEC64:
        return xsave(cpu, insn, true);
    default:
        return EXEC_UNSUPPORTED;
    }
}
