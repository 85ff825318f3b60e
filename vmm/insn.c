/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instruction completion: takes the vCPU's state out of KVM, runs the instruction (vmm/insn/), puts the state back. Called by vcpu.c. */
#include "vmm/insn/cpu.h"

#include <glib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { INSN_MAX = 15 };

static bool load(struct insn_cpu *cpu, const struct insn_env *env)
{
    struct kvm_xsave xsave;
    struct kvm_xcrs xcrs = {0};

    cpu->env = env;
    if (ioctl(env->vcpu_fd, KVM_GET_REGS, &cpu->regs) < 0 || ioctl(env->vcpu_fd, KVM_GET_SREGS, &cpu->sregs) < 0 ||
        ioctl(env->vcpu_fd, KVM_GET_XSAVE, &xsave) < 0)
        return false;
    memcpy(cpu->xsave, &xsave, sizeof(cpu->xsave));
    cpu->xcr0 = 3;
    if (ioctl(env->vcpu_fd, KVM_GET_XCRS, &xcrs) == 0)
        for (unsigned i = 0; i < MIN(xcrs.nr_xcrs, (unsigned)KVM_MAX_XCRS); i++)
            if (xcrs.xcrs[i].xcr == 0)
                cpu->xcr0 = xcrs.xcrs[i].value;
    return true;
}

/* Registers after the instruction; the shadow of a preceding STI or MOV SS ends with it. */
static bool store(struct insn_cpu *cpu)
{
    const struct insn_env *env = cpu->env;
    struct kvm_vcpu_events events;

    if (cpu->xsave_changed) {
        struct kvm_xsave xsave;
        memcpy(&xsave, cpu->xsave, sizeof(cpu->xsave));
        if (ioctl(env->vcpu_fd, KVM_SET_XSAVE, &xsave) < 0)
            return false;
    }
    if (cpu->fault.pending && cpu->fault.vector == VECTOR_PF) {
        cpu->sregs.cr2 = cpu->fault.cr2;
        if (ioctl(env->vcpu_fd, KVM_SET_SREGS, &cpu->sregs) < 0)
            return false;
    }
    if (ioctl(env->vcpu_fd, KVM_SET_REGS, &cpu->regs) < 0 || ioctl(env->vcpu_fd, KVM_GET_VCPU_EVENTS, &events) < 0)
        return false;
    events.interrupt.shadow = 0;
    events.flags = KVM_VCPUEVENT_VALID_SHADOW;
    if (cpu->fault.pending) {
        events.exception.injected = 1;
        events.exception.nr = cpu->fault.vector;
        events.exception.has_error_code = cpu->fault.has_error;
        events.exception.error_code = cpu->fault.error;
    }
    return ioctl(env->vcpu_fd, KVM_SET_VCPU_EVENTS, &events) == 0;
}

/* The bytes at RIP as the guest's memory has them now. */
static size_t fetch(struct insn_cpu *cpu, uint8_t bytes[INSN_MAX])
{
    uint64_t linear = cpu->regs.rip + (cpu_long_mode(cpu) ? 0 : cpu->sregs.cs.base);
    size_t first = MIN((size_t)INSN_MAX, (size_t)(4096 - (linear & 4095)));

    /* A second page only when the first does not hold all; it may not be there. Fetching is no data access: SMAP does not apply. */
    uint64_t rflags = cpu->regs.rflags;
    cpu->regs.rflags |= RFLAGS_AC;
    size_t count = cpu_read(cpu, linear, bytes, first) == EXEC_DONE ? first : 0;
    if (count && first < INSN_MAX && cpu_read(cpu, linear + first, bytes + first, INSN_MAX - first) == EXEC_DONE)
        count = INSN_MAX;
    cpu->regs.rflags = rflags;
    cpu->fault.pending = false;
    return count;
}

enum insn_verdict insn_complete(const struct insn_env *env, char **message)
{
    g_autofree struct insn_cpu *cpu = g_new0(struct insn_cpu, 1);
    uint8_t bytes[INSN_MAX];
    const char *why = "the VMM does not complete it";

    if (!load(cpu, env)) {
        why = "its registers cannot be read";
    } else {
        size_t count = fetch(cpu, bytes);
        enum exec exec = count ? insn_execute(cpu, bytes, count) : EXEC_UNSUPPORTED;
        if (exec != EXEC_UNSUPPORTED) {
            if (store(cpu))
                return INSN_DONE;
            why = "its registers cannot be written back";
        }
    }
    g_autofree char *what = insn_describe(env);
    *message = g_strdup_printf("vCPU %u: KVM cannot emulate the instruction at %s, and %s", env->vcpu, what, why);
    return INSN_FAILED;
}
