/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers and operand addresses for instruction completion; see cpu.h. */
#include "vmm/insn/cpu.h"

#include <cpuid.h>
#include <string.h>

/* One general register: its field in kvm_regs, width in bytes, and whether it is the second byte (AH, BH, CH, DH). */
struct gpr {
    size_t field;
    unsigned width;
    bool high;
};

static bool find_gpr(x86_reg reg, struct gpr *out)
{
#define FIELD(f) offsetof(struct kvm_regs, f)
#define LEGACY(r64, r32, r16, r8, f)                                                                                               \
    case X86_REG_##r64: *out = (struct gpr){FIELD(f), 8, false}; return true;                                                      \
    case X86_REG_##r32: *out = (struct gpr){FIELD(f), 4, false}; return true;                                                      \
    case X86_REG_##r16: *out = (struct gpr){FIELD(f), 2, false}; return true;                                                      \
    case X86_REG_##r8: *out = (struct gpr){FIELD(f), 1, false}; return true;
#define EXTENDED(n)                                                                                                                \
    case X86_REG_R##n: *out = (struct gpr){FIELD(r##n), 8, false}; return true;                                                    \
    case X86_REG_R##n##D: *out = (struct gpr){FIELD(r##n), 4, false}; return true;                                                 \
    case X86_REG_R##n##W: *out = (struct gpr){FIELD(r##n), 2, false}; return true;                                                 \
    case X86_REG_R##n##B: *out = (struct gpr){FIELD(r##n), 1, false}; return true;
#define HIGH(r8, f)                                                                                                                \
    case X86_REG_##r8: *out = (struct gpr){FIELD(f), 1, true}; return true;
    switch (reg) {
        LEGACY(RAX, EAX, AX, AL, rax)
        LEGACY(RBX, EBX, BX, BL, rbx)
        LEGACY(RCX, ECX, CX, CL, rcx)
        LEGACY(RDX, EDX, DX, DL, rdx)
        LEGACY(RSI, ESI, SI, SIL, rsi)
        LEGACY(RDI, EDI, DI, DIL, rdi)
        LEGACY(RBP, EBP, BP, BPL, rbp)
        LEGACY(RSP, ESP, SP, SPL, rsp)
        EXTENDED(8)
        EXTENDED(9)
        EXTENDED(10)
        EXTENDED(11)
        EXTENDED(12)
        EXTENDED(13)
        EXTENDED(14)
        EXTENDED(15)
        HIGH(AH, rax)
        HIGH(BH, rbx)
        HIGH(CH, rcx)
        HIGH(DH, rdx)
    default:
        return false;
    }
#undef FIELD
#undef LEGACY
#undef EXTENDED
#undef HIGH
}

bool cpu_gpr_read(const struct insn_cpu *cpu, x86_reg reg, uint64_t *value)
{
    struct gpr gpr;
    uint64_t full;

    if (!find_gpr(reg, &gpr))
        return false;
    memcpy(&full, (const uint8_t *)&cpu->regs + gpr.field, sizeof(full));
    full >>= gpr.high ? 8 : 0;
    *value = gpr.width == 8 ? full : full & ((UINT64_C(1) << (8 * gpr.width)) - 1);
    return true;
}

bool cpu_gpr_write(struct insn_cpu *cpu, x86_reg reg, uint64_t value)
{
    struct gpr gpr;
    uint64_t full, mask;

    if (!find_gpr(reg, &gpr))
        return false;
    memcpy(&full, (uint8_t *)&cpu->regs + gpr.field, sizeof(full));
    if (gpr.width >= 4) {
        full = gpr.width == 4 ? (uint32_t)value : value;
    } else {
        unsigned shift = gpr.high ? 8 : 0;
        mask = ((UINT64_C(1) << (8 * gpr.width)) - 1) << shift;
        full = (full & ~mask) | (value << shift & mask);
    }
    memcpy((uint8_t *)&cpu->regs + gpr.field, &full, sizeof(full));
    return true;
}

/* Base of the segment that a memory operand uses: in long mode only FS and GS have one. */
static uint64_t segment_base(const struct insn_cpu *cpu, const cs_x86_op *op)
{
    switch (op->mem.segment) {
    case X86_REG_FS:
        return cpu->sregs.fs.base;
    case X86_REG_GS:
        return cpu->sregs.gs.base;
    default:
        break;
    }
    if (cpu_long_mode(cpu))
        return 0;
    switch (op->mem.segment) {
    case X86_REG_CS:
        return cpu->sregs.cs.base;
    case X86_REG_ES:
        return cpu->sregs.es.base;
    case X86_REG_SS:
        return cpu->sregs.ss.base;
    case X86_REG_DS:
        return cpu->sregs.ds.base;
    default:
        break;
    }
    bool stack = op->mem.base == X86_REG_EBP || op->mem.base == X86_REG_ESP || op->mem.base == X86_REG_BP;
    return stack ? cpu->sregs.ss.base : cpu->sregs.ds.base;
}

enum exec cpu_operand_address(struct insn_cpu *cpu, const cs_insn *insn, const cs_x86_op *op, uint64_t *linear)
{
    uint64_t address = (uint64_t)op->mem.disp, value;

    if (op->mem.base == X86_REG_RIP || op->mem.base == X86_REG_EIP) {
        address += cpu->regs.rip + insn->size;
    } else if (op->mem.base != X86_REG_INVALID) {
        if (!cpu_gpr_read(cpu, op->mem.base, &value))
            return EXEC_UNSUPPORTED;
        address += value;
    }
    if (op->mem.index != X86_REG_INVALID && op->mem.index != X86_REG_RIZ && op->mem.index != X86_REG_EIZ) {
        if (!cpu_gpr_read(cpu, op->mem.index, &value))
            return EXEC_UNSUPPORTED; /* a gather's vector index */
        address += value * (uint64_t)op->mem.scale;
    }
    if (insn->detail->x86.addr_size == 4)
        address = (uint32_t)address;
    else if (insn->detail->x86.addr_size == 2)
        address = (uint16_t)address;
    *linear = address + segment_base(cpu, op);
    if (!cpu_long_mode(cpu)) {
        *linear = (uint32_t)*linear;
        return EXEC_DONE;
    }
    unsigned unused = cpu->sregs.cr4 & CR4_LA57 ? 7 : 16;
    if ((uint64_t)((int64_t)(*linear << unused) >> unused) != *linear)
        return cpu_raise_error(cpu, VECTOR_GP, 0);
    return EXEC_DONE;
}

bool xsave_component(unsigned component, uint32_t *offset, uint32_t *size, bool *aligned)
{
    uint32_t a, b, c, d;

    if (component < 2) { /* x87 and SSE: the legacy region */
        *offset = component ? 160 : 0;
        *size = component ? 256 : 160;
        *aligned = false;
        return true;
    }
    if (component > 62 || !__get_cpuid_count(0xd, component, &a, &b, &c, &d) || a == 0 || b + a > XSAVE_BYTES || (c & 1))
        return false;
    *offset = b;
    *size = a;
    *aligned = c & 2;
    return true;
}

enum {
    COMPONENT_SSE = 1, COMPONENT_AVX = 2, COMPONENT_OPMASK = 5, COMPONENT_ZMM_HI256 = 6, COMPONENT_HI16_ZMM = 7,
    XMM_OFFSET = 160,
};

/* Where the parts of a vector register are: up to three pieces of the XSAVE area. */
struct vector_part {
    unsigned component;
    uint32_t at;            /* in the XSAVE area */
    unsigned first, length; /* bytes of the register */
};

static unsigned vector_parts(const struct insn_cpu *cpu, unsigned reg, struct vector_part parts[3])
{
    uint32_t offset, size;
    bool aligned;
    unsigned count = 0;

    if (reg >= 16) {
        if ((cpu->xcr0 >> COMPONENT_HI16_ZMM & 1) && xsave_component(COMPONENT_HI16_ZMM, &offset, &size, &aligned))
            parts[count++] = (struct vector_part){COMPONENT_HI16_ZMM, offset + 64 * (reg - 16), 0, 64};
        return count;
    }
    parts[count++] = (struct vector_part){COMPONENT_SSE, XMM_OFFSET + 16 * reg, 0, 16};
    if ((cpu->xcr0 >> COMPONENT_AVX & 1) && xsave_component(COMPONENT_AVX, &offset, &size, &aligned))
        parts[count++] = (struct vector_part){COMPONENT_AVX, offset + 16 * reg, 16, 16};
    if ((cpu->xcr0 >> COMPONENT_ZMM_HI256 & 1) && xsave_component(COMPONENT_ZMM_HI256, &offset, &size, &aligned))
        parts[count++] = (struct vector_part){COMPONENT_ZMM_HI256, offset + 32 * reg, 32, 32};
    return count;
}

static uint64_t xstate_bv(const struct insn_cpu *cpu)
{
    uint64_t bv;

    memcpy(&bv, cpu->xsave + XSAVE_LEGACY_BYTES, sizeof(bv));
    return bv;
}

bool cpu_vector_read(const struct insn_cpu *cpu, unsigned reg, uint8_t bytes[VECTOR_BYTES])
{
    struct vector_part parts[3];
    unsigned count = vector_parts(cpu, reg, parts);

    memset(bytes, 0, VECTOR_BYTES);
    for (unsigned i = 0; i < count; i++)
        if (xstate_bv(cpu) >> parts[i].component & 1) /* else in its initial state: zero */
            memcpy(bytes + parts[i].first, cpu->xsave + parts[i].at, parts[i].length);
    return count > 0;
}

bool cpu_vector_write(struct insn_cpu *cpu, unsigned reg, const uint8_t bytes[VECTOR_BYTES])
{
    struct vector_part parts[3];
    unsigned count = vector_parts(cpu, reg, parts);
    uint64_t bv = xstate_bv(cpu);

    for (unsigned i = 0; i < count; i++) {
        uint32_t offset, size;
        bool aligned;
        if (!(bv >> parts[i].component & 1) && xsave_component(parts[i].component, &offset, &size, &aligned))
            memset(cpu->xsave + offset, 0, size); /* what the initial state meant, now in words */
        memcpy(cpu->xsave + parts[i].at, bytes + parts[i].first, parts[i].length);
        bv |= UINT64_C(1) << parts[i].component;
    }
    memcpy(cpu->xsave + XSAVE_LEGACY_BYTES, &bv, sizeof(bv));
    cpu->xsave_changed = true;
    return count > 0;
}

bool cpu_opmask_read(const struct insn_cpu *cpu, unsigned reg, uint64_t *mask)
{
    uint32_t offset, size;
    bool aligned;

    if (!(cpu->xcr0 >> COMPONENT_OPMASK & 1) || !xsave_component(COMPONENT_OPMASK, &offset, &size, &aligned))
        return false;
    *mask = 0;
    if (xstate_bv(cpu) >> COMPONENT_OPMASK & 1)
        memcpy(mask, cpu->xsave + offset + 8 * reg, sizeof(*mask));
    return true;
}
