/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM of two instructions that tells whether KVM enters system calls at privilege level 0. See insn_syscall.h. Called by machine.c. */
#include "vmm/insn_syscall.h"

#include <glib.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Pages of its memory, which is mapped at 0: three levels of tables with one 2 MiB page for user and kernel, code and stack. */
enum { PML4 = 0x0000, PDPT = 0x1000, PD = 0x2000, CODE = 0x3000, ENTRY = CODE + 0x100, STACK = 0x5000, MEMORY = 0x5000 };
enum { MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082, PRESENT_WRITE_USER = 7, LARGE = 1 << 7, PROBE_PORT = 0xf1 };

static void fill(uint8_t *memory)
{
    static const uint8_t call[] = {0x0f, 0x05};                    /* syscall */
    static const uint8_t entry[] = {0xe6, PROBE_PORT, 0xeb, 0xfc}; /* out %al, $PROBE_PORT; jmp back */
    const uint64_t tables[][2] = {{PML4, PDPT | PRESENT_WRITE_USER}, {PDPT, PD | PRESENT_WRITE_USER}, {PD, LARGE | PRESENT_WRITE_USER}};

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        memcpy(memory + tables[i][0], &tables[i][1], 8);
    memcpy(memory + CODE, call, sizeof(call));
    memcpy(memory + ENTRY, entry, sizeof(entry));
}

static bool start(int vcpu_fd)
{
    struct {
        struct kvm_msrs header;
        struct kvm_msr_entry entries[2];
    } msrs = {.header.nmsrs = 2,
              .entries = {{.index = MSR_STAR, .data = UINT64_C(0x0013000800000000)}, {.index = MSR_LSTAR, .data = ENTRY}}};
    struct kvm_regs regs = {.rip = CODE, .rsp = STACK, .rflags = 2};
    struct kvm_sregs sregs;

    if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
        return false;
    sregs.cs = (struct kvm_segment){.limit = 0xffffffff, .selector = 0x23, .type = 11, .dpl = 3, .present = 1, .s = 1, .l = 1, .g = 1};
    sregs.ss = (struct kvm_segment){.limit = 0xffffffff, .selector = 0x1b, .type = 3, .dpl = 3, .present = 1, .db = 1, .s = 1, .g = 1};
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss;
    sregs.tr = (struct kvm_segment){.limit = 0x67, .selector = 8, .type = 11, .present = 1};
    sregs.idt.limit = 0;
    sregs.cr0 = 0x80000031; /* PG, NE, ET, PE */
    sregs.cr3 = PML4;
    sregs.cr4 = 0x20; /* PAE */
    sregs.efer = 0x501; /* LMA, LME, SCE */
    return ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) == 0 && ioctl(vcpu_fd, KVM_SET_REGS, &regs) == 0 &&
           ioctl(vcpu_fd, KVM_SET_MSRS, &msrs) == 2;
}

/* The privilege level at LSTAR; -1 when the VM cannot be made or does not get there. */
static int level(int kvm_fd)
{
    int run_size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0), vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0), vcpu_fd = -1;
    uint8_t *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region slot = {.memory_size = MEMORY, .userspace_addr = (uintptr_t)memory};
    struct {
        struct kvm_cpuid2 header;
        struct kvm_cpuid_entry2 entries[256];
    } cpuid = {.header.nent = 256};
    struct kvm_run *state = MAP_FAILED;
    struct kvm_sregs sregs;
    int result = -1;

    if (vm_fd >= 0 && memory != MAP_FAILED && run_size > 0) {
        fill(memory);
        vcpu_fd = ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) == 0 ? ioctl(vm_fd, KVM_CREATE_VCPU, 0UL) : -1;
    }
    if (vcpu_fd >= 0)
        state = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd, 0);
    if (state != MAP_FAILED && ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, &cpuid) == 0 && ioctl(vcpu_fd, KVM_SET_CPUID2, &cpuid) == 0 &&
        start(vcpu_fd) && ioctl(vcpu_fd, KVM_RUN, 0) == 0 && state->exit_reason == KVM_EXIT_IO && ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) == 0)
        result = sregs.ss.dpl;
    if (state != MAP_FAILED)
        munmap(state, (size_t)run_size);
    if (memory != MAP_FAILED)
        munmap(memory, MEMORY);
    if (vcpu_fd >= 0)
        close(vcpu_fd);
    if (vm_fd >= 0)
        close(vm_fd);
    return result;
}

/* With the modules of VT-x and AMD-V, the processor enters system calls, and the milliseconds of a try are saved. */
static bool has_hardware(void)
{
    return access("/sys/module/kvm_intel", F_OK) == 0 || access("/sys/module/kvm_amd", F_OK) == 0;
}

bool insn_syscall_works(int kvm_fd)
{
    static gsize once;

    if (g_once_init_enter(&once))
        g_once_init_leave(&once, !has_hardware() && level(kvm_fd) == 3 ? 1 : 2);
    return once == 2;
}
