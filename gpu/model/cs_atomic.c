/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MI_ATOMIC: a read-modify-write of 4, 8 or 16 bytes that no CPU or other engine can come between. Operands are in the command
 * (inline data) or in general purpose registers: R0 and R1 (16 bytes: R0:R1 and R2:R3); the value before goes to R4 (R4:R5) when
 * asked for. Sources: PRM SKL vol. 2a "MI_ATOMIC", opcodes in Mesa's gen9.xml (Atomic_OPCODE).
 */
#include "gpu/model/engine_internal.h"

enum {
    ATOMIC_RETURN = 1 << 16,
    ATOMIC_INLINE = 1 << 18,
    ATOMIC_SIZE_SHIFT = 19,
    ATOMIC_GGTT = 1 << 22,
    ATOMIC_INLINE_DWORDS = 11,
    OP_AND = 1,
    OP_OR,
    OP_XOR,
    OP_MOVE,
    OP_INC,
    OP_DEC,
    OP_ADD,
    OP_SUB,
    OP_RSUB,
    OP_IMAX,
    OP_IMIN,
    OP_UMAX,
    OP_UMIN,
    OP_CMPWR,
    OP_PREDEC,
    OP_CMPWR_16B = 0x4e,
    SIZE_4 = 0, /* the opcode's high nibble is twice the size field */
    SIZE_8 = 1,
    SIZE_16 = 2,
};

/* A 4-byte operation works on sign-extended values for the signed maximum and minimum, which is why the caller gives both forms. */
static bool compute(unsigned op, uint64_t old, int64_t old_signed, uint64_t a, int64_t a_signed, uint64_t b, uint64_t *new)
{
    switch (op) {
    case OP_AND:
        *new = old & a;
        return true;
    case OP_OR:
        *new = old | a;
        return true;
    case OP_XOR:
        *new = old ^ a;
        return true;
    case OP_MOVE:
        *new = a;
        return true;
    case OP_INC:
        *new = old + 1;
        return true;
    case OP_DEC:
    case OP_PREDEC:
        *new = old - 1;
        return true;
    case OP_ADD:
        *new = old + a;
        return true;
    case OP_SUB:
        *new = old - a;
        return true;
    case OP_RSUB:
        *new = a - old;
        return true;
    case OP_IMAX:
        *new = old_signed > a_signed ? old : a;
        return true;
    case OP_IMIN:
        *new = old_signed < a_signed ? old : a;
        return true;
    case OP_UMAX:
        *new = MAX(old, a);
        return true;
    case OP_UMIN:
        *new = MIN(old, a);
        return true;
    case OP_CMPWR:
        *new = old == a ? b : old;
        return true;
    default:
        return false;
    }
}

static bool atomic32(uint32_t *p, unsigned op, uint32_t a, uint32_t b, uint32_t *old)
{
    uint64_t new;

    *old = __atomic_load_n(p, __ATOMIC_ACQUIRE);
    do {
        if (!compute(op, *old, (int32_t)*old, a, (int32_t)a, b, &new))
            return false;
    } while (!__atomic_compare_exchange_n(p, old, (uint32_t)new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return true;
}

static bool atomic64(uint64_t *p, unsigned op, uint64_t a, uint64_t b, uint64_t *old)
{
    uint64_t new;

    *old = __atomic_load_n(p, __ATOMIC_ACQUIRE);
    do {
        if (!compute(op, *old, (int64_t)*old, a, (int64_t)a, b, &new))
            return false;
    } while (!__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return true;
}

/*
 * Compare and write of 16 bytes. One instruction on a CPU that has it; a compiler that may not assume it gets two halves, each
 * atomic, the first of which decides.
 */
static void compare_write_16(uint64_t p[2], const uint64_t a[2], const uint64_t b[2], uint64_t old[2])
{
#ifdef __x86_64__
    unsigned char done;
    old[0] = a[0];
    old[1] = a[1];
    __asm__ __volatile__("lock cmpxchg16b %1"
                         : "=@ccz"(done), "+m"(*(unsigned __int128 *)p), "+a"(old[0]), "+d"(old[1])
                         : "b"(b[0]), "c"(b[1])
                         : "memory");
    (void)done;
#else
    old[1] = __atomic_load_n(&p[1], __ATOMIC_ACQUIRE);
    old[0] = a[0];
    if (old[1] != a[1])
        old[0] = __atomic_load_n(&p[0], __ATOMIC_ACQUIRE);
    else if (__atomic_compare_exchange_n(&p[0], &old[0], b[0], false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        __atomic_store_n(&p[1], b[1], __ATOMIC_RELEASE);
#endif
}

/* Operand 1 and 2 as four dwords each. In the command they alternate by dword. */
static void operands(const struct cs *cs, unsigned size, uint64_t a[2], uint64_t b[2])
{
    if (cs->dw[0] & ATOMIC_INLINE) {
        for (unsigned i = 0; i < 2; i++) {
            a[i] = cs->dw[3 + 4 * i] | (uint64_t)cs->dw[5 + 4 * i] << 32;
            b[i] = cs->dw[4 + 4 * i] | (uint64_t)cs->dw[6 + 4 * i] << 32;
        }
        return;
    }
    unsigned second = size == SIZE_16 ? 2 : 1;
    for (unsigned i = 0; i < 2; i++) {
        a[i] = cs_reg64(cs, RING_GPR + 8 * i);
        b[i] = cs_reg64(cs, RING_GPR + 8 * (second + i));
    }
}

/* Runs in a section; the address is aligned to its size, so one pointer reaches it. */
static bool execute(struct cs *cs, void *p, unsigned size, unsigned op, uint64_t old[2])
{
    uint64_t a[2], b[2];
    uint32_t old32 = 0;
    bool ok = true;

    operands(cs, size, a, b);
    switch (size) {
    case SIZE_4:
        ok = atomic32(p, op, (uint32_t)a[0], (uint32_t)b[0], &old32);
        old[0] = old32;
        /* What "pre-decrement" returns is the value after. */
        if (op == OP_PREDEC)
            old[0] = old32 - 1;
        break;
    case SIZE_8:
        ok = atomic64(p, op, a[0], b[0], &old[0]);
        if (op == OP_PREDEC)
            old[0]--;
        break;
    default:
        compare_write_16(p, a, b, old);
        break;
    }
    return ok;
}

enum cs_status cs_atomic(struct cs *cs)
{
    unsigned opcode = cs->dw[0] >> 8 & 0xff, size = cs->dw[0] >> ATOMIC_SIZE_SHIFT & 3;
    bool known = size == SIZE_16 ? opcode == OP_CMPWR_16B : size < SIZE_16 && opcode >> 4 == 2 * size;
    uint64_t address = cs_address(cs->dw[1], cs->dw[2]), old[2] = {0, 0};
    enum mem_fault fault;
    size_t bytes = 4u << size, len = bytes;

    if (!known || (cs->dw[0] & ATOMIC_INLINE && cs->len != ATOMIC_INLINE_DWORDS))
        return cs_error(cs, ERROR_INSTRUCTION, address);
    address &= ~(uint64_t)(bytes - 1);
    void *p = engine_map(cs->memory, cs_vm(cs, cs->dw[0] & ATOMIC_GGTT), address, &len, true, &fault);
    if (!p || len < bytes)
        return cs_error(cs, ERROR_PAGE_TABLE, address);
    if (!execute(cs, p, size, opcode & 0xf, old))
        return cs_error(cs, ERROR_INSTRUCTION, address);
    if (cs->dw[0] & ATOMIC_RETURN) {
        cs_reg_set(cs, RING_GPR + 8 * 4, (uint32_t)old[0]);
        if (size != SIZE_4)
            cs_reg_set(cs, RING_GPR + 8 * 4 + 4, (uint32_t)(old[0] >> 32));
        if (size == SIZE_16)
            cs_reg64_set(cs, RING_GPR + 8 * 5, old[1]);
    }
    return CS_OK;
}
