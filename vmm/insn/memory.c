/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory by linear address for instruction completion: page walk with permissions, RAM or device. See cpu.h. */
#include "vmm/insn/cpu.h"

#include <glib.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    PG_PRESENT = 1 << 0, PG_WRITE = 1 << 1, PG_USER = 1 << 2, PG_ACCESSED = 1 << 5, PG_DIRTY = 1 << 6, PG_LARGE = 1 << 7,
    PF_PRESENT = 1 << 0, PF_WRITE = 1 << 1, PF_USER = 1 << 2,
    MAX_ACCESS = 4096, /* bytes in one access; two pages at most */
};
#define PG_ADDRESS UINT64_C(0x000ffffffffff000)

enum exec cpu_raise(struct insn_cpu *cpu, uint8_t vector)
{
    cpu->fault.pending = true;
    cpu->fault.vector = vector;
    cpu->fault.has_error = false;
    return EXEC_FAULT;
}

enum exec cpu_raise_error(struct insn_cpu *cpu, uint8_t vector, uint32_t error)
{
    cpu_raise(cpu, vector);
    cpu->fault.has_error = true;
    cpu->fault.error = error;
    return EXEC_FAULT;
}

static enum exec page_fault(struct insn_cpu *cpu, uint64_t linear, bool present, bool write)
{
    cpu->fault.cr2 = linear;
    return cpu_raise_error(cpu, VECTOR_PF, (present ? PF_PRESENT : 0) | (write ? PF_WRITE : 0) | (cpu_cpl(cpu) == 3 ? PF_USER : 0));
}

/* Sets accessed and dirty bits as the walk of the processor does; a table in a device's memory is left alone. */
static void mark(struct insn_cpu *cpu, uint64_t gpa, uint64_t bits)
{
    uint64_t *entry = cpu->env->memory_ptr(cpu->env->opaque, gpa, sizeof(*entry));

    if (entry)
        __atomic_fetch_or(entry, bits, __ATOMIC_RELAXED);
}

/* Long mode, 4 or 5 levels. */
static enum exec walk_long(struct insn_cpu *cpu, uint64_t linear, bool write, uint64_t *gpa)
{
    bool user = cpu_cpl(cpu) == 3;
    uint64_t table = cpu->sregs.cr3 & PG_ADDRESS, all = PG_WRITE | PG_USER;

    for (int level = cpu->sregs.cr4 & CR4_LA57 ? 5 : 4; level >= 1; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t at = table + 8 * (linear >> shift & 511), entry;
        if (!cpu->env->memory_read(cpu->env->opaque, at, &entry, sizeof(entry)) || !(entry & PG_PRESENT))
            return page_fault(cpu, linear, false, write);
        all &= entry;
        bool leaf = level == 1 || (level <= 3 && (entry & PG_LARGE));
        if (!leaf) {
            mark(cpu, at, PG_ACCESSED);
            table = entry & PG_ADDRESS;
            continue;
        }
        if ((user && !(all & PG_USER)) || (write && !(all & PG_WRITE) && (user || cpu->sregs.cr0 & CR0_WP)) ||
            (!user && (all & PG_USER) && (cpu->sregs.cr4 & CR4_SMAP) && !(cpu->regs.rflags & RFLAGS_AC)))
            return page_fault(cpu, linear, true, write);
        mark(cpu, at, PG_ACCESSED | (write ? PG_DIRTY : 0));
        uint64_t within = (UINT64_C(1) << shift) - 1;
        *gpa = (entry & PG_ADDRESS & ~within) | (linear & within);
        return EXEC_DONE;
    }
    return EXEC_UNSUPPORTED;
}

static enum exec translate(struct insn_cpu *cpu, uint64_t linear, bool write, uint64_t *gpa)
{
    if (!(cpu->sregs.cr0 & CR0_PG)) {
        *gpa = linear;
        return EXEC_DONE;
    }
    if (cpu->sregs.efer & EFER_LMA)
        return walk_long(cpu, linear, write, gpa);

    /* 32-bit paging: KVM walks, which does not report permissions. */
    struct kvm_translation translation = {.linear_address = linear};
    if (ioctl(cpu->env->vcpu_fd, KVM_TRANSLATE, &translation) < 0 || !translation.valid)
        return page_fault(cpu, linear, false, write);
    *gpa = translation.physical_address;
    return EXEC_DONE;
}

/* The one or two pieces of an access that pages cut it into. */
struct piece {
    uint64_t gpa;
    size_t len;
};

static enum exec cut(struct insn_cpu *cpu, uint64_t linear, size_t len, bool write, struct piece pieces[2])
{
    size_t first = MIN(len, (size_t)(4096 - (linear & 4095)));

    if (len > MAX_ACCESS)
        return EXEC_UNSUPPORTED;
    pieces[0].len = first;
    pieces[1].len = len - first;
    for (unsigned i = 0; i < 2; i++) {
        if (!pieces[i].len)
            continue;
        enum exec exec = translate(cpu, i ? linear + first : linear, write, &pieces[i].gpa);
        if (exec != EXEC_DONE)
            return exec;
    }
    return EXEC_DONE;
}

enum exec cpu_read(struct insn_cpu *cpu, uint64_t linear, void *buf, size_t len)
{
    struct piece pieces[2];
    uint8_t *out = buf;
    enum exec exec = cut(cpu, linear, len, false, pieces);

    if (exec != EXEC_DONE)
        return exec;
    for (unsigned i = 0; i < 2; out += pieces[i].len, i++)
        if (pieces[i].len && !cpu->env->memory_read(cpu->env->opaque, pieces[i].gpa, out, pieces[i].len))
            cpu->env->mmio_read(cpu->env->opaque, pieces[i].gpa, out, pieces[i].len);
    return EXEC_DONE;
}

enum exec cpu_write(struct insn_cpu *cpu, uint64_t linear, const void *buf, size_t len)
{
    struct piece pieces[2];
    const uint8_t *in = buf;
    enum exec exec = cut(cpu, linear, len, true, pieces);

    if (exec != EXEC_DONE)
        return exec;
    for (unsigned i = 0; i < 2; in += pieces[i].len, i++)
        if (pieces[i].len && !cpu->env->memory_write(cpu->env->opaque, pieces[i].gpa, in, pieces[i].len))
            cpu->env->mmio_write(cpu->env->opaque, pieces[i].gpa, in, pieces[i].len);
    return EXEC_DONE;
}

enum exec cpu_pointer(struct insn_cpu *cpu, uint64_t linear, size_t len, void **ptr)
{
    struct piece pieces[2];
    enum exec exec = cut(cpu, linear, len, true, pieces);

    if (exec != EXEC_DONE)
        return exec;
    *ptr = pieces[1].len ? NULL : cpu->env->memory_ptr(cpu->env->opaque, pieces[0].gpa, len);
    return *ptr ? EXEC_DONE : EXEC_UNSUPPORTED;
}
