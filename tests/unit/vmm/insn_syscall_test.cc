// SPDX-License-Identifier: GPL-2.0-or-later
// System calls finished for a KVM that leaves them at level 3: which page fault is one, the registers after it, and a VM in which user code
// calls, with the KVM of this machine.
#include "vmm/insn.h"
#include "vmm/insn_syscall.h"
#include "vmm/kvm.h"

#include <gtest/gtest.h>

#include <cstring>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr uint64_t FMASK = 0x47700; // TF, IF, DF, IOPL, NT, AC
constexpr uint64_t STAR = 0x0013000800000000;

insn_fault_frame call_frame() { return {0x14, SYSCALL_TRAP, 0x33, 0x10002, 0x7ffc00001000, 0x2b}; }

TEST(InsnSyscall, AFaultOfAProgramAtTheTrapWithMaskedFlagsIsACall)
{
    insn_fault_frame frame = call_frame();
    EXPECT_TRUE(insn_syscall_is_call(&frame, SYSCALL_TRAP, FMASK));
}

TEST(InsnSyscall, OtherFaultsAreNone)
{
    insn_fault_frame frame = call_frame();
    EXPECT_FALSE(insn_syscall_is_call(&frame, 0x1000, FMASK)) << "another address";
    frame.rip = 0x401000; // data at the trap's address
    EXPECT_FALSE(insn_syscall_is_call(&frame, SYSCALL_TRAP, FMASK));
    frame = call_frame();
    frame.cs = 0x10; // the kernel
    EXPECT_FALSE(insn_syscall_is_call(&frame, SYSCALL_TRAP, FMASK));
    frame = call_frame();
    frame.rflags |= 0x200; // a jump: interrupts are enabled, which a program cannot change
    EXPECT_FALSE(insn_syscall_is_call(&frame, SYSCALL_TRAP, FMASK));
}

// Intel SDM volume 2, SYSCALL: segments by STAR[47:32], flags by FMASK, the program's stack.
TEST(InsnSyscall, EntersAsTheProcessorDoes)
{
    insn_fault_frame frame = call_frame();
    kvm_regs regs = {};
    kvm_sregs sregs = {};
    regs.rcx = 0x401014;
    regs.r11 = 0x246;
    regs.rsp = 0xffff888000001000;
    insn_syscall_enter(&regs, &sregs, &frame, 0xffffffff81600040, STAR, FMASK);
    EXPECT_EQ(regs.rip, 0xffffffff81600040);
    EXPECT_EQ(regs.rsp, frame.rsp);
    EXPECT_EQ(regs.rflags, 2u);
    EXPECT_EQ(regs.rcx, 0x401014u);
    EXPECT_EQ(regs.r11, 0x246u);
    EXPECT_EQ(sregs.cs.selector, 8);
    EXPECT_EQ(sregs.ss.selector, 16);
    EXPECT_TRUE(sregs.cs.l == 1 && sregs.cs.dpl == 0 && sregs.cs.db == 0);
    EXPECT_EQ(sregs.ss.dpl, 0);
}

// The kernel's headers give structures that end in an array of any length another size in C++, which would change these numbers.
constexpr unsigned long GET_SUPPORTED_CPUID = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x05, 8);
constexpr unsigned long SET_CPUID2 = _IOC(_IOC_WRITE, KVMIO, 0x90, 8), GET_MSRS = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x88, 8);

// LSTAR's writes in a guest, as KVM reports them: the guest reads back what it wrote, KVM has the trap's address.
class LstarOfAVm : public testing::Test {
  protected:
    int kvm = kvm_open("/dev/kvm", nullptr), vm = -1, vcpu = -1;
    uint8_t *memory = nullptr;
    kvm_run run = {};
    insn_env env = {};

    void SetUp() override
    {
        if (kvm < 0)
            GTEST_SKIP() << "no /dev/kvm";
        vm = ioctl(kvm, KVM_CREATE_VM, 0);
        memory = static_cast<uint8_t *>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        kvm_userspace_memory_region slot = {};
        slot.memory_size = 8192;
        slot.userspace_addr = reinterpret_cast<uint64_t>(memory);
        ASSERT_EQ(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), 0);
        vcpu = ioctl(vm, KVM_CREATE_VCPU, 0ul);
        ASSERT_GE(vcpu, 0);
        static struct {
            uint32_t count, pad;
            kvm_cpuid_entry2 entries[256];
        } cpuid;
        cpuid.count = 256;
        ASSERT_EQ(ioctl(kvm, GET_SUPPORTED_CPUID, &cpuid), 0);
        ASSERT_EQ(ioctl(vcpu, SET_CPUID2, &cpuid), 0);
        env.vcpu_fd = vcpu;
        env.run = &run;
        env.opaque = memory;
        env.memory_read = [](void *opaque, uint64_t gpa, void *buf, size_t len) {
            if (gpa > 8192 - len)
                return false;
            memcpy(buf, static_cast<uint8_t *>(opaque) + gpa, len);
            return true;
        };
        run.msr.index = 0xc0000082;
    }
    void TearDown() override
    {
        for (int fd : {vcpu, vm, kvm})
            if (fd >= 0)
                close(fd);
        if (memory)
            munmap(memory, 8192);
    }
    uint64_t lstar() const
    {
        struct {
            uint32_t count, pad;
            kvm_msr_entry entry;
        } msr = {1, 0, {0xc0000082, 0, 0}};
        return ioctl(vcpu, GET_MSRS, &msr) == 1 ? msr.entry.data : ~0ull;
    }
};

TEST_F(LstarOfAVm, IsTheTrapForKvmAndTheGuestsValueForTheGuest)
{
    // An IDT at 0x1000 whose gate 14 leads to 0xffffffff81600af0; paging is off, so linear is physical.
    const uint64_t gate[2] = {0x81608e0000100af0, 0xffffffff};
    memcpy(memory + 0x1000 + 14 * 16, gate, sizeof(gate));
    kvm_sregs sregs;
    ASSERT_EQ(ioctl(vcpu, KVM_GET_SREGS, &sregs), 0);
    sregs.idt.base = 0x1000;
    sregs.idt.limit = 0xfff;
    ASSERT_EQ(ioctl(vcpu, KVM_SET_SREGS, &sregs), 0);

    insn_syscall state = {};
    run.msr.data = 0xffffffff81600040;
    insn_syscall_msr(&state, &env, true);
    EXPECT_EQ(run.msr.error, 0);
    EXPECT_EQ(lstar(), SYSCALL_TRAP);
    EXPECT_EQ(state.handler, 0xffffffff81600af0);
    run.msr.data = 0;
    insn_syscall_msr(&state, &env, false);
    EXPECT_EQ(run.msr.data, 0xffffffff81600040);
    // Without a handler for page faults nothing would finish a call: the guest's value goes to KVM.
    memset(memory + 0x1000 + 14 * 16, 0, 16);
    insn_syscall_msr(&state, &env, true);
    EXPECT_EQ(lstar(), 0xffffffff81600040);
}

TEST_F(LstarOfAVm, OtherRegistersAreRefused)
{
    insn_syscall state = {};
    run.msr.index = 0xc0000081;
    insn_syscall_msr(&state, &env, true);
    EXPECT_EQ(run.msr.error, 1);
    EXPECT_EQ(state.handler, 0u);
}

TEST_F(LstarOfAVm, TheProbeGivesOneAnswer) { EXPECT_EQ(insn_syscall_works(kvm), insn_syscall_works(kvm)); }

} // namespace
