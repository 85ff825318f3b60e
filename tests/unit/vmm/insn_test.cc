// SPDX-License-Identifier: GPL-2.0-or-later
// Instruction completion against the real processor: each instruction runs natively and through insn_execute() on the same random
// registers and memory, and everything must be equal afterwards. Faults, paging and device memory are tested by hand.
#include "vmm/insn/cpu.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <sys/mman.h>
#include <vector>

namespace {

struct Native {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, flags;
    void *code;
    alignas(64) uint8_t xsave[XSAVE_BYTES];
};
static_assert(offsetof(Native, xsave) == 64);

extern "C" void native_run(Native *state);
asm(R"(
    .text
    .globl native_run
native_run:
    push %rbx
    push %r15
    mov %rdi, %r15
    mov $0xe7, %eax # x87, SSE, AVX, AVX-512: what the area has room for, and not AMX' tiles
    xor %edx, %edx
    xrstor64 64(%r15)
    pushq 48(%r15)
    popfq
    mov 0(%r15), %rax
    mov 8(%r15), %rbx
    mov 16(%r15), %rcx
    mov 24(%r15), %rdx
    mov 32(%r15), %rsi
    mov 40(%r15), %rdi
    call *56(%r15)
    pushfq
    popq 48(%r15)
    mov %rax, 0(%r15)
    mov %rbx, 8(%r15)
    mov %rcx, 16(%r15)
    mov %rdx, 24(%r15)
    mov %rsi, 32(%r15)
    mov %rdi, 40(%r15)
    mov $0xe7, %eax
    xor %edx, %edx
    xsave64 64(%r15)
    vzeroupper
    pop %r15
    pop %rbx
    ret
)");

// Each entry: a byte with the length, then the instruction. RDI and RSI point into the data, RCX is a small index.
#define E(text) ".byte 2f - 1f\n1: " text "\n2:\n"
#define TABLE(name, entries)                                                                                                       \
    extern "C" const uint8_t name[];                                                                                               \
    asm(".pushsection .rodata\n.globl " #name "\n" #name ":\n" entries ".byte 0\n.popsection\n");

TABLE(table_base,
      E("movups (%rdi), %xmm3") E("movups %xmm3, 5(%rdi)") E("movaps (%rsi), %xmm9") E("movaps %xmm9, 32(%rsi)")
      E("movdqu 3(%rdi,%rcx,4), %xmm0") E("movdqu %xmm1, 3(%rdi,%rcx,8)") E("movdqa %xmm7, (%rsi)") E("movupd (%rdi), %xmm4")
      E("movapd (%rsi), %xmm5") E("lddqu (%rdi), %xmm6") E("movntdq %xmm2, (%rsi)") E("movntps %xmm2, 16(%rsi)")
      E("movntdqa (%rsi), %xmm2") E("movss (%rdi), %xmm1") E("movss %xmm1, (%rdi)") E("movsd (%rdi), %xmm1") E("movsd %xmm1, 8(%rdi)")
      E("movd (%rdi), %xmm8") E("movd %xmm8, (%rdi)") E("movq (%rdi), %xmm8") E("movq %xmm8, (%rdi)") E("movlps (%rdi), %xmm2")
      E("movlps %xmm2, (%rdi)") E("movhps (%rdi), %xmm2") E("movhps %xmm2, (%rdi)") E("movlpd (%rdi), %xmm2") E("movhpd %xmm2, (%rdi)")
      E("mov (%rdi), %rax") E("mov %ebx, (%rdi)") E("mov %bh, 1(%rdi)") E("movb $0x5a, (%rdi)") E("movq $-5, (%rdi)")
      E("mov (%rdi), %eax") E("mov (%rdi), %ax") E("mov (%rdi), %ah") E("movzbl (%rdi), %eax") E("movzwl (%rdi), %eax")
      E("movsbq (%rdi), %rax") E("movswl (%rdi), %eax") E("movslq (%rdi), %rax") E("movnti %eax, (%rdi)") E("movnti %rax, (%rdi)")
      E("cmpxchg16b (%rsi)") E("lock cmpxchg16b 16(%rsi)") E("stmxcsr (%rdi)") E("stmxcsr 8(%rdi,%rcx,4)")
      E("pxor %xmm1, %xmm2") E("pxor (%rsi), %xmm9") E("xorps %xmm3, %xmm4") E("xorps 16(%rsi), %xmm4") E("xorpd %xmm10, %xmm4")
      E("pand (%rsi), %xmm1") E("andps %xmm1, %xmm15") E("andpd 32(%rsi), %xmm0") E("pandn (%rsi), %xmm1") E("andnps %xmm5, %xmm6")
      E("andnpd (%rsi), %xmm6") E("por %xmm7, %xmm8") E("orps (%rsi), %xmm8") E("orpd %xmm8, %xmm8") E("pxor %xmm5, %xmm5"))
TABLE(table_popcnt, E("popcnt %rbx, %rax") E("popcnt (%rdi), %eax") E("popcnt (%rdi), %ax") E("popcnt %ecx, %ebx"))
TABLE(table_bits, E("lzcnt (%rdi), %rax") E("lzcnt %ebx, %eax") E("tzcnt (%rdi), %eax") E("tzcnt %rbx, %rax"))
TABLE(table_movbe, E("movbe (%rdi), %rax") E("movbe (%rdi), %ax") E("movbe %ebx, (%rdi)"))
TABLE(table_avx,
      E("vmovups (%rdi), %xmm3") E("vmovups (%rdi), %ymm3") E("vmovups %ymm3, 7(%rdi)") E("vmovdqu (%rdi), %ymm12")
      E("vmovdqu %ymm12, (%rdi)") E("vmovdqa (%rsi), %ymm1") E("vmovdqa %ymm1, 64(%rsi)") E("vmovaps %xmm1, (%rsi)")
      E("vmovntdq %ymm2, (%rsi)") E("vmovss (%rdi), %xmm4") E("vmovss %xmm4, (%rdi)") E("vmovsd (%rdi), %xmm4") E("vmovq (%rdi), %xmm4")
      E("vmovd %xmm4, (%rdi)") E("vmovlps (%rdi), %xmm5, %xmm6") E("vmovhps (%rdi), %xmm5, %xmm6") E("vmovhps %xmm6, (%rdi)")
      E("vlddqu (%rdi), %ymm7") E("vmovupd 64(%rdi,%rcx,2), %ymm15") E("vstmxcsr (%rdi)") E("vpxor %ymm1, %ymm2, %ymm3")
      E("vpxor 3(%rdi), %ymm2, %ymm3") E("vpxor %xmm1, %xmm2, %xmm3") E("vxorps 5(%rdi), %ymm9, %ymm12") E("vxorpd %xmm1, %xmm1, %xmm1")
      E("vpand (%rdi), %xmm2, %xmm3") E("vandps %ymm3, %ymm4, %ymm5") E("vpandn (%rdi), %ymm4, %ymm5") E("vandnps %xmm3, %xmm4, %xmm5")
      E("vpor (%rdi), %ymm4, %ymm4") E("vorps %ymm0, %ymm1, %ymm2"))
TABLE(table_avx512,
      E("vmovdqu64 (%rdi), %zmm1") E("vmovdqu64 %zmm17, (%rdi)") E("vmovdqu32 64(%rdi), %zmm2{%k1}")
      E("vmovdqu32 128(%rdi), %zmm2{%k2}{z}") E("vmovdqu8 (%rdi), %ymm3{%k3}") E("vmovdqu16 %xmm20, (%rdi){%k1}")
      E("vpxorq %zmm1, %zmm17, %zmm3") E("vpxord (%rdi), %zmm2, %zmm31") E("vporq 64(%rdi), %ymm2, %ymm18")
      E("vpandd %xmm1, %xmm2, %xmm16") E("vpandnq (%rdi), %zmm2, %zmm3") E("vmovups %zmm5, 192(%rdi){%k2}") E("vmovapd (%rsi), %zmm30") E("vmovdqa64 %zmm30, 64(%rsi)") E("vmovntdq %zmm9, (%rsi)"))

class Insn : public testing::Test {
  protected:
    static constexpr size_t DATA = 16384;
    uint8_t *code, *data;
    insn_env env = {};
    std::mt19937_64 random{7};
    uint64_t defined_flags = 0x8d5;

    Insn()
    {
        code = static_cast<uint8_t *>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        data = static_cast<uint8_t *>(mmap(nullptr, DATA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        // Linear addresses are pointers of this process: paging is off.
        env.memory_read = [](void *, uint64_t at, void *buf, size_t len) {
            memcpy(buf, reinterpret_cast<void *>(at), len);
            return true;
        };
        env.memory_write = [](void *, uint64_t at, const void *buf, size_t len) {
            memcpy(reinterpret_cast<void *>(at), buf, len);
            return true;
        };
        env.memory_ptr = [](void *, uint64_t at, size_t) { return reinterpret_cast<void *>(at); };
    }
    ~Insn() override
    {
        munmap(code, 4096);
        munmap(data, DATA);
    }

    static uint64_t xcr0()
    {
        uint32_t low, high;
        asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return (static_cast<uint64_t>(high) << 32 | low) & 0xe7; // x87, SSE, AVX, AVX-512
    }

    insn_cpu make_cpu()
    {
        insn_cpu cpu = {};
        cpu.env = &env;
        cpu.sregs.cr0 = 1;
        cpu.sregs.cr4 = CR4_OSFXSR | CR4_OSXSAVE;
        cpu.sregs.efer = EFER_LMA;
        cpu.sregs.cs.l = 1;
        cpu.xcr0 = xcr0();
        return cpu;
    }

    void fill(void *memory, size_t bytes)
    {
        for (size_t i = 0; i < bytes; i++)
            static_cast<uint8_t *>(memory)[i] = static_cast<uint8_t>(random());
    }

    void run_one(const uint8_t *bytes, unsigned length)
    {
        static Native native;
        insn_cpu cpu = make_cpu();
        std::vector<uint8_t> before(DATA);

        fill(data, DATA);
        memcpy(code, bytes, length);
        code[length] = 0xc3;
        native.rax = random();
        native.rbx = random();
        native.rcx = random() % 7;
        native.rdx = random();
        native.rdi = reinterpret_cast<uint64_t>(data) + random() % 4096;
        native.rsi = reinterpret_cast<uint64_t>(data) + 8192 + 64 * (random() % 16);
        if (random() % 2) { // let the compare of cmpxchg16b succeed at times
            memcpy(data + (native.rsi - reinterpret_cast<uint64_t>(data)), &native.rax, 8);
            memcpy(data + (native.rsi - reinterpret_cast<uint64_t>(data)) + 8, &native.rdx, 8);
        }
        native.flags = 0x202 | (random() & 0x8d5);
        native.code = code;
        fill(native.xsave, sizeof(native.xsave));
        memset(native.xsave, 0, 160);
        native.xsave[0] = 0x7f;
        native.xsave[1] = 3;
        native.xsave[24] = 0x80;
        native.xsave[25] = 0x1f;
        memset(native.xsave + 512, 0, 64);
        uint64_t bv = xcr0();
        memcpy(native.xsave + 512, &bv, 8);

        memcpy(before.data(), data, DATA);
        memcpy(cpu.xsave, native.xsave, sizeof(cpu.xsave));
        cpu.regs.rax = native.rax;
        cpu.regs.rbx = native.rbx;
        cpu.regs.rcx = native.rcx;
        cpu.regs.rdx = native.rdx;
        cpu.regs.rsi = native.rsi;
        cpu.regs.rdi = native.rdi;
        cpu.regs.rflags = native.flags;
        cpu.regs.rip = reinterpret_cast<uint64_t>(code);

        native_run(&native);
        std::vector<uint8_t> expected(data, data + DATA);
        memcpy(data, before.data(), DATA);
        ASSERT_EQ(insn_execute(&cpu, code, 15), EXEC_DONE);

        EXPECT_EQ(cpu.regs.rip, reinterpret_cast<uint64_t>(code) + length);
        EXPECT_EQ(cpu.regs.rax, native.rax);
        EXPECT_EQ(cpu.regs.rbx, native.rbx);
        EXPECT_EQ(cpu.regs.rcx, native.rcx);
        EXPECT_EQ(cpu.regs.rdx, native.rdx);
        EXPECT_EQ(cpu.regs.rflags & defined_flags, native.flags & defined_flags);
        for (size_t i = 0; i < DATA; i++)
            ASSERT_EQ(data[i], expected[i]) << "memory at " << i << " (rsi is " << native.rsi - reinterpret_cast<uint64_t>(data) << ")";
        insn_cpu after = make_cpu();
        memcpy(after.xsave, native.xsave, sizeof(after.xsave));
        for (unsigned reg = 0; reg < 32; reg++) {
            uint8_t is[VECTOR_BYTES], must[VECTOR_BYTES];
            cpu_vector_read(&cpu, reg, is);
            cpu_vector_read(&after, reg, must);
            ASSERT_EQ(memcmp(is, must, VECTOR_BYTES), 0) << "vector register " << reg;
        }
    }

    void run_table(const uint8_t *table)
    {
        for (unsigned entry = 0; *table; table += 1 + *table, entry++) {
            SCOPED_TRACE("entry " + std::to_string(entry));
            for (unsigned round = 0; round < 50 && !HasFailure(); round++)
                run_one(table + 1, *table);
            ASSERT_FALSE(HasFailure());
        }
    }
};

TEST_F(Insn, BaseMatchesTheProcessor) { run_table(table_base); }
TEST_F(Insn, AvxMatchesTheProcessor)
{
    if (!__builtin_cpu_supports("avx2"))
        GTEST_SKIP() << "this processor has no AVX";
    run_table(table_avx);
}
TEST_F(Insn, Avx512MatchesTheProcessor)
{
    if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl"))
        GTEST_SKIP() << "this processor has no AVX-512 (BW, VL)";
    run_table(table_avx512);
}
TEST_F(Insn, PopcntMatchesTheProcessor)
{
    if (!__builtin_cpu_supports("popcnt"))
        GTEST_SKIP() << "this processor has no POPCNT";
    run_table(table_popcnt);
}
TEST_F(Insn, BitCountsMatchTheProcessor)
{
    if (!__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("lzcnt"))
        GTEST_SKIP() << "this processor has no BMI1 or LZCNT";
    defined_flags = RFLAGS_CF | RFLAGS_ZF; // the others are undefined
    run_table(table_bits);
}
TEST_F(Insn, MovbeMatchesTheProcessor)
{
    if (!__builtin_cpu_supports("movbe"))
        GTEST_SKIP() << "this processor has no MOVBE";
    run_table(table_movbe);
}

// What XSAVE stores, XRSTOR brings back, in both formats; the processor reads what we store.
TEST_F(Insn, XsaveAndXrstorAreInverse)
{
    static const uint8_t xsave64[] = {0x48, 0x0f, 0xae, 0x26}, xsavec64[] = {0x48, 0x0f, 0xc7, 0x26}, xrstor64[] = {0x48, 0x0f, 0xae, 0x2e};
    for (const uint8_t *save : {xsave64, xsavec64}) {
        insn_cpu cpu = make_cpu();
        uint8_t *area = data + 4096;
        fill(cpu.xsave, sizeof(cpu.xsave));
        memset(cpu.xsave, 0, 160);
        cpu.xsave[24] = 0x80;
        cpu.xsave[25] = 0x1f;
        memset(cpu.xsave + 512, 0, 64);
        uint64_t bv = cpu.xcr0;
        memcpy(cpu.xsave + 512, &bv, 8);
        memset(area, 0, 8192);
        cpu.regs.rax = cpu.regs.rdx = ~UINT64_C(0);
        cpu.regs.rsi = reinterpret_cast<uint64_t>(area);
        ASSERT_EQ(insn_execute(&cpu, save, 4), EXEC_DONE);
        insn_cpu other = make_cpu();
        other.regs = cpu.regs;
        ASSERT_EQ(insn_execute(&other, xrstor64, 4), EXEC_DONE);
        for (unsigned reg = 0; reg < 32; reg++) {
            uint8_t is[VECTOR_BYTES], must[VECTOR_BYTES];
            cpu_vector_read(&other, reg, is);
            cpu_vector_read(&cpu, reg, must);
            ASSERT_EQ(memcmp(is, must, VECTOR_BYTES), 0) << "vector register " << reg;
        }
        asm volatile("xrstor64 (%0)" ::"r"(area), "a"(-1), "d"(-1) : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
    }
}

TEST_F(Insn, MxcsrIsLoadedAndChecked)
{
    const uint8_t ldmxcsr[] = {0x0f, 0xae, 0x16}, stmxcsr[] = {0x0f, 0xae, 0x5e, 0x04};
    insn_cpu cpu = make_cpu();
    const auto words = reinterpret_cast<uint32_t *>(data);
    cpu.regs.rsi = reinterpret_cast<uint64_t>(data);
    memset(cpu.xsave, 0xee, sizeof(cpu.xsave));
    memset(cpu.xsave + 512, 0, 64); // everything in its initial state
    memcpy(cpu.xsave + 28, "\xff\xff\0", 4);
    ASSERT_EQ(insn_execute(&cpu, stmxcsr, 4), EXEC_DONE);
    EXPECT_EQ(words[1], 0x1f80u);
    words[0] = 0x9fc0;
    ASSERT_EQ(insn_execute(&cpu, ldmxcsr, 3), EXEC_DONE);
    ASSERT_EQ(insn_execute(&cpu, stmxcsr, 4), EXEC_DONE);
    EXPECT_EQ(words[1], 0x9fc0u);
    uint8_t value[VECTOR_BYTES] = {}, zero[VECTOR_BYTES] = {};
    cpu_vector_read(&cpu, 5, value);
    EXPECT_EQ(memcmp(value, zero, 16), 0) << "the registers keep their initial state";
    words[0] = 0x10000;
    EXPECT_EQ(insn_execute(&cpu, ldmxcsr, 3), EXEC_FAULT);
    EXPECT_EQ(cpu.fault.vector, VECTOR_GP);
    words[0] = 0x1fc0;
    memset(cpu.xsave + 28, 0, 4);
    EXPECT_EQ(insn_execute(&cpu, ldmxcsr, 3), EXEC_FAULT) << "a mask of 0 stands for a processor without denormals-are-zeros";
}

TEST_F(Insn, BreakpointIsATrap)
{
    insn_cpu cpu = make_cpu();
    cpu.regs.rip = 0x1000;
    uint8_t bytes[] = {0xcc};
    EXPECT_EQ(insn_execute(&cpu, bytes, 1), EXEC_FAULT);
    EXPECT_EQ(cpu.fault.vector, VECTOR_BP);
    EXPECT_EQ(cpu.regs.rip, 0x1001u);
}

TEST_F(Insn, AcFlagNeedsRingZero)
{
    uint8_t stac[] = {0x0f, 0x01, 0xcb}, clac[] = {0x0f, 0x01, 0xca};
    insn_cpu cpu = make_cpu();
    EXPECT_EQ(insn_execute(&cpu, stac, 3), EXEC_DONE);
    EXPECT_TRUE(cpu.regs.rflags & RFLAGS_AC);
    EXPECT_EQ(insn_execute(&cpu, clac, 3), EXEC_DONE);
    EXPECT_FALSE(cpu.regs.rflags & RFLAGS_AC);
    cpu.sregs.ss.dpl = 3;
    EXPECT_EQ(insn_execute(&cpu, stac, 3), EXEC_FAULT);
    EXPECT_EQ(cpu.fault.vector, VECTOR_UD);
}

TEST_F(Insn, FaultsOfTheEnvironment)
{
    uint8_t movaps[] = {0x0f, 0x28, 0x07}, wait[] = {0x9b};
    insn_cpu cpu = make_cpu();
    cpu.regs.rdi = reinterpret_cast<uint64_t>(data) + 8;
    EXPECT_EQ(insn_execute(&cpu, movaps, 3), EXEC_FAULT) << "not aligned";
    EXPECT_EQ(cpu.fault.vector, VECTOR_GP);
    cpu.sregs.cr0 |= CR0_TS;
    cpu.regs.rdi = reinterpret_cast<uint64_t>(data);
    EXPECT_EQ(insn_execute(&cpu, movaps, 3), EXEC_FAULT);
    EXPECT_EQ(cpu.fault.vector, VECTOR_NM);
    EXPECT_EQ(insn_execute(&cpu, wait, 1), EXEC_DONE) << "TS without MP";
    cpu.sregs.cr0 |= CR0_MP;
    EXPECT_EQ(insn_execute(&cpu, wait, 1), EXEC_FAULT);
    EXPECT_EQ(cpu.fault.vector, VECTOR_NM);
    cpu = make_cpu();
    cpu.regs.rdi = UINT64_C(0x8000000000000000);
    EXPECT_EQ(insn_execute(&cpu, movaps, 3), EXEC_FAULT) << "not canonical";
    EXPECT_EQ(cpu.fault.vector, VECTOR_GP);
    cpu.sregs.cr4 = 0;
    EXPECT_EQ(insn_execute(&cpu, movaps, 3), EXEC_FAULT);
    EXPECT_EQ(cpu.fault.vector, VECTOR_UD);
}

TEST_F(Insn, WhatItDoesNotKnowChangesNothing)
{
    uint8_t vaddps[] = {0xc5, 0xf8, 0x58, 0x07}, garbage[] = {0x0f, 0xff, 0xff, 0xff};
    insn_cpu cpu = make_cpu();
    cpu.regs.rdi = reinterpret_cast<uint64_t>(data);
    cpu.regs.rip = 0x1234;
    EXPECT_EQ(insn_execute(&cpu, vaddps, 4), EXEC_UNSUPPORTED);
    EXPECT_EQ(insn_execute(&cpu, garbage, 4), EXEC_UNSUPPORTED);
    EXPECT_EQ(insn_execute(&cpu, garbage, 1), EXEC_UNSUPPORTED);
    EXPECT_EQ(cpu.regs.rip, 0x1234u);
}

// A small physical memory with page tables in it, a device above, and the four permission rules.
class Paged : public Insn {
  protected:
    static constexpr uint64_t RAM = 65536, DEVICE = 0x10000000;
    std::vector<uint8_t> ram = std::vector<uint8_t>(RAM);
    std::vector<std::pair<uint64_t, size_t>> reads, writes;
    insn_cpu cpu;

    Paged()
    {
        env.opaque = this;
        env.memory_read = [](void *o, uint64_t at, void *buf, size_t len) {
            auto *t = static_cast<Paged *>(o);
            if (at >= RAM || len > RAM - at)
                return false;
            memcpy(buf, &t->ram[at], len);
            return true;
        };
        env.memory_write = [](void *o, uint64_t at, const void *buf, size_t len) {
            auto *t = static_cast<Paged *>(o);
            if (at >= RAM || len > RAM - at)
                return false;
            memcpy(&t->ram[at], buf, len);
            return true;
        };
        env.memory_ptr = [](void *o, uint64_t at, size_t len) -> void * {
            return at < RAM && len <= RAM - at ? &static_cast<Paged *>(o)->ram[at] : nullptr;
        };
        env.mmio_read = [](void *o, uint64_t at, void *buf, size_t len) {
            static_cast<Paged *>(o)->reads.push_back({at, len});
            memset(buf, 0x77, len);
        };
        env.mmio_write = [](void *o, uint64_t at, const void *, size_t len) { static_cast<Paged *>(o)->writes.push_back({at, len}); };
        cpu = make_cpu();
        cpu.sregs.cr0 |= CR0_PG;
        cpu.sregs.cr3 = 0x1000;
        entry(0x1000, 0, 0x2000 | 7);
        entry(0x2000, 0, 0x3000 | 7);
        entry(0x3000, 0, 0x4000 | 7);
        entry(0x3000, 1, DEVICE | 0x87); // 2 MiB at 0x200000
        entry(0x4000, 5, 0x8000 | 7);
        entry(0x4000, 6, 0x9000 | 5); // read only
        entry(0x4000, 7, 0xa000 | 3); // supervisor
    }
    void entry(uint64_t table, unsigned index, uint64_t value) { memcpy(&ram[table + 8 * index], &value, 8); }
    uint64_t entry(uint64_t table, unsigned index)
    {
        uint64_t value;
        memcpy(&value, &ram[table + 8 * index], 8);
        return value;
    }
};

TEST_F(Paged, VectorMovesReachDevices)
{
    uint8_t load[] = {0x0f, 0x10, 0x07}, store[] = {0x0f, 0x11, 0x07};
    cpu.regs.rdi = 0x200040;
    ASSERT_EQ(insn_execute(&cpu, load, 3), EXEC_DONE);
    ASSERT_EQ(insn_execute(&cpu, store, 3), EXEC_DONE);
    ASSERT_EQ(reads.size(), 1u);
    EXPECT_EQ(reads[0], std::make_pair(DEVICE + 0x40, size_t{16}));
    ASSERT_EQ(writes.size(), 1u);
    EXPECT_EQ(writes[0], std::make_pair(DEVICE + 0x40, size_t{16}));
    uint8_t bytes[VECTOR_BYTES];
    cpu_vector_read(&cpu, 0, bytes);
    EXPECT_EQ(bytes[0], 0x77);
    EXPECT_EQ(bytes[15], 0x77);
}

TEST_F(Paged, AccessesAcrossPagesAndTheirFaults)
{
    uint8_t store[] = {0x0f, 0x11, 0x07};
    cpu.regs.rdi = 0x5ff8;
    EXPECT_EQ(insn_execute(&cpu, store, 3), EXEC_DONE) << "ring 0 without WP may write the read-only page";
    cpu.sregs.cr0 |= CR0_WP;
    memset(&ram[0x8ff8], 0x11, 8);
    EXPECT_EQ(insn_execute(&cpu, store, 3), EXEC_FAULT);
    EXPECT_EQ(cpu.fault.vector, VECTOR_PF);
    EXPECT_EQ(cpu.fault.cr2, 0x6000u);
    EXPECT_EQ(cpu.fault.error, 3u);
    EXPECT_EQ(ram[0x8ff8], 0x11) << "nothing is written when a part faults";
    cpu.regs.rdi = 0x4000;
    EXPECT_EQ(insn_execute(&cpu, store, 3), EXEC_FAULT);
    EXPECT_EQ(cpu.fault.error, 2u) << "not present, write, supervisor";
    cpu.sregs.ss.dpl = 3;
    cpu.regs.rdi = 0x7000;
    EXPECT_EQ(insn_execute(&cpu, store, 3), EXEC_FAULT);
    EXPECT_EQ(cpu.fault.error, 7u) << "user writes a supervisor page";
}

TEST_F(Paged, SmapAndAccessedBits)
{
    uint8_t load[] = {0x0f, 0x10, 0x07}, store[] = {0x0f, 0x11, 0x07};
    cpu.sregs.cr4 |= CR4_SMAP;
    cpu.regs.rdi = 0x5000;
    EXPECT_EQ(insn_execute(&cpu, load, 3), EXEC_FAULT) << "supervisor reads a user page without AC";
    EXPECT_EQ(cpu.fault.error, 1u);
    cpu.regs.rflags |= RFLAGS_AC;
    EXPECT_EQ(insn_execute(&cpu, load, 3), EXEC_DONE);
    EXPECT_EQ(entry(0x4000, 5) & 0x60, 0x20u);
    EXPECT_EQ(insn_execute(&cpu, store, 3), EXEC_DONE);
    EXPECT_EQ(entry(0x4000, 5) & 0x60, 0x60u);
}

TEST_F(Paged, LockedAccessToADeviceIsNotCompleted)
{
    uint8_t cmpxchg16b[] = {0x48, 0x0f, 0xc7, 0x0f};
    cpu.regs.rdi = 0x200000;
    EXPECT_EQ(insn_execute(&cpu, cmpxchg16b, 4), EXEC_UNSUPPORTED);
    EXPECT_TRUE(reads.empty());
}

} // namespace
