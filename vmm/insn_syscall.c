/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls on a KVM that enters them at privilege level 3; see insn_syscall.h. Called by vcpu.c. */
#include "vmm/insn_syscall.h"

#include "vmm/insn.h"

#include <glib.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

enum {
    MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082, MSR_FMASK = 0xc0000084,
    RFLAGS_RESERVED = 1 << 1, RFLAGS_RF = 1 << 16,
    VECTOR_PF = 14, GATE_BYTES = 16,
};

bool insn_syscall_watch(int vm_fd)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR, .args = {KVM_MSR_EXIT_REASON_FILTER}};
    uint8_t denied = 0;
    struct kvm_msr_filter filter = {
        .flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
        .ranges[0] = {.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE, .nmsrs = 1, .base = MSR_LSTAR, .bitmap = &denied},
    };

    return ioctl(vm_fd, KVM_ENABLE_CAP, &cap) == 0 && ioctl(vm_fd, KVM_X86_SET_MSR_FILTER, &filter) == 0;
}

struct one_msr {
    struct kvm_msrs header;
    struct kvm_msr_entry entry;
};

static bool get_msr(int vcpu_fd, uint32_t index, uint64_t *value)
{
    struct one_msr msr = {.header.nmsrs = 1, .entry.index = index};

    if (ioctl(vcpu_fd, KVM_GET_MSRS, &msr) != 1)
        return false;
    *value = msr.entry.data;
    return true;
}

static bool set_msr(int vcpu_fd, uint32_t index, uint64_t value)
{
    struct one_msr msr = {.header.nmsrs = 1, .entry = {.index = index, .data = value}};

    return ioctl(vcpu_fd, KVM_SET_MSRS, &msr) == 1;
}

/* The guest's memory at a linear address within one page, with the page tables of now. */
static bool read_linear(const struct insn_env *env, uint64_t linear, void *buf, size_t len)
{
    struct kvm_translation translation = {.linear_address = linear};

    return (linear & 4095) + len <= 4096 && ioctl(env->vcpu_fd, KVM_TRANSLATE, &translation) == 0 && translation.valid &&
           env->memory_read(env->opaque, translation.physical_address, buf, len);
}

static uint64_t page_fault_handler(const struct insn_env *env)
{
    struct kvm_sregs sregs;
    uint64_t gate[GATE_BYTES / 8];

    if (ioctl(env->vcpu_fd, KVM_GET_SREGS, &sregs) < 0 || !read_linear(env, sregs.idt.base + VECTOR_PF * GATE_BYTES, gate, sizeof(gate)))
        return 0;
    return (gate[0] & 0xffff) | (gate[0] >> 32 & 0xffff0000) | gate[1] << 32;
}

/* The vCPU stops before the handler's first instruction, or not at all without a handler. */
static bool set_breakpoint(const struct insn_syscall *state, int vcpu_fd)
{
    struct kvm_guest_debug setting = {0};

    if (state->handler) {
        setting.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
        setting.arch.debugreg[0] = state->handler;
        setting.arch.debugreg[7] = 1; /* DR7: breakpoint 0, local, execution */
    }
    return ioctl(vcpu_fd, KVM_SET_GUEST_DEBUG, &setting) == 0;
}

void insn_syscall_msr(struct insn_syscall *state, const struct insn_env *env, bool write)
{
    struct kvm_run *run = env->run;

    run->msr.error = run->msr.index != MSR_LSTAR;
    if (run->msr.error)
        return;
    if (!write) {
        run->msr.data = state->lstar;
        return;
    }
    uint64_t handler = run->msr.data ? page_fault_handler(env) : 0;
    run->msr.error = !set_msr(env->vcpu_fd, MSR_LSTAR, handler ? SYSCALL_TRAP : run->msr.data);
    if (run->msr.error)
        return;
    *state = (struct insn_syscall){.lstar = run->msr.data, .handler = handler};
    set_breakpoint(state, env->vcpu_fd);
}

bool insn_syscall_is_call(const struct insn_fault_frame *frame, uint64_t cr2, uint64_t fmask)
{
    return cr2 == SYSCALL_TRAP && frame->rip == SYSCALL_TRAP && (frame->cs & 3) == 3 && !(frame->rflags & fmask & ~(uint64_t)RFLAGS_RF);
}

void insn_syscall_enter(struct kvm_regs *regs, struct kvm_sregs *sregs, const struct insn_fault_frame *frame, uint64_t lstar, uint64_t star,
                        uint64_t fmask)
{
    uint16_t code = (star >> 32) & 0xfffc;

    sregs->cs = (struct kvm_segment){.limit = 0xffffffff, .selector = code, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
    sregs->ss = (struct kvm_segment){.limit = 0xffffffff, .selector = (uint16_t)(code + 8), .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
    regs->rip = lstar;
    regs->rsp = frame->rsp;
    regs->rflags = (frame->rflags & ~fmask & ~(uint64_t)RFLAGS_RF) | RFLAGS_RESERVED;
}

/* A page fault that is one: on with its handler, past the breakpoint. */
static bool step(struct insn_syscall *state, int vcpu_fd)
{
    struct kvm_guest_debug setting = {.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP};

    state->stepping = true;
    return ioctl(vcpu_fd, KVM_SET_GUEST_DEBUG, &setting) == 0;
}

bool insn_syscall_debug(struct insn_syscall *state, const struct insn_env *env)
{
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct insn_fault_frame frame;
    uint64_t star, fmask;

    if (state->stepping) {
        state->stepping = false;
        return set_breakpoint(state, env->vcpu_fd);
    }
    if (ioctl(env->vcpu_fd, KVM_GET_REGS, &regs) < 0 || ioctl(env->vcpu_fd, KVM_GET_SREGS, &sregs) < 0 ||
        !get_msr(env->vcpu_fd, MSR_STAR, &star) || !get_msr(env->vcpu_fd, MSR_FMASK, &fmask))
        return false;
    if (!read_linear(env, regs.rsp, &frame, sizeof(frame)) || !insn_syscall_is_call(&frame, sregs.cr2, fmask))
        return step(state, env->vcpu_fd);
    insn_syscall_enter(&regs, &sregs, &frame, state->lstar, star, fmask);
    return ioctl(env->vcpu_fd, KVM_SET_SREGS, &sregs) == 0 && ioctl(env->vcpu_fd, KVM_SET_REGS, &regs) == 0;
}
