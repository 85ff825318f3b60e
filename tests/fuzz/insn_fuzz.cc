// SPDX-License-Identifier: GPL-2.0-or-later
// Completion of instructions: any bytes as an instruction, any registers, and page tables that the guest has filled itself.
//
// The input: modes, 16 bytes of code, eight registers as 16-bit numbers (addresses that are likely to hit something), then what memory begins with.
#include "fuzz.h"

#include "vmm/insn/cpu.h"

namespace {

using namespace fuzz;

constexpr uint64_t RAM = 65536, TABLES = 0x1000;

struct World {
    Walled ram{RAM};
    insn_env env = {};
    World()
    {
        env.vcpu_fd = -1;
        env.opaque = this;
        env.memory_read = [](void *o, uint64_t at, void *buf, size_t len) {
            uint8_t *from = of(o, at, len);
            if (from)
                memcpy(buf, from, len);
            return from != nullptr;
        };
        env.memory_write = [](void *o, uint64_t at, const void *buf, size_t len) {
            uint8_t *to = of(o, at, len);
            if (to)
                memcpy(to, buf, len);
            return to != nullptr;
        };
        env.memory_ptr = [](void *o, uint64_t at, size_t len) -> void * { return of(o, at, len); };
        env.mmio_read = [](void *, uint64_t, void *buf, size_t len) { memset(buf, 0x77, len); };
        env.mmio_write = [](void *, uint64_t, const void *, size_t) {};
    }
    static uint8_t *of(void *o, uint64_t at, size_t len)
    {
        World *w = static_cast<World *>(o);
        return at < RAM && len <= RAM - at ? w->ram.host + at : nullptr;
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static World world;
    static insn_cpu cpu;
    Input in(data, size);
    uint8_t modes = in.u8(), code[16] = {};
    for (uint8_t &byte : code)
        byte = in.u8();

    cpu = {};
    cpu.env = &world.env;
    cpu.sregs.cr0 = 1 | (modes & 1 ? uint64_t{CR0_PG} : 0) | (modes & 2 ? uint64_t{CR0_WP} : 0) | (modes & 64 ? uint64_t{CR0_TS} : 0);
    cpu.sregs.cr3 = TABLES;
    cpu.sregs.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE | (modes & 4 ? unsigned{CR4_SMAP} : 0u) | (modes & 8 ? unsigned{CR4_LA57} : 0u);
    if (!(modes & 16)) {
        cpu.sregs.efer = EFER_LMA;
        cpu.sregs.cs.l = 1;
    }
    cpu.sregs.ss.dpl = modes & 32 ? 3 : 0;
    cpu.xcr0 = 0xe7;
    uint64_t state = 0xe7;
    memcpy(cpu.xsave + XSAVE_LEGACY_BYTES, &state, 8);
    for (auto *reg : {&cpu.regs.rax, &cpu.regs.rbx, &cpu.regs.rcx, &cpu.regs.rdx, &cpu.regs.rsi, &cpu.regs.rdi, &cpu.regs.rsp, &cpu.regs.rbp})
        *reg = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int16_t>(in.u16()))); // the upper half is not canonical without its sign
    cpu.regs.rip = 0xa000;
    cpu.regs.rflags = 2 | (modes & 128 ? unsigned{RFLAGS_TF} : 0u);

    // Identity, then what the input says.
    memset(world.ram.host, 0, RAM);
    auto *entries = reinterpret_cast<uint64_t *>(world.ram.host);
    for (uint64_t table = TABLES; table < TABLES + 4 * 4096; table += 4096)
        for (unsigned i = 0; i < 32; i++)
            entries[table / 8 + i] = table < TABLES + 3 * 4096 ? (table + 4096) | 7 : i * 4096 | 7;
    for (uint64_t at = 0; !in.empty() && at < RAM; at += 8) { // a place and a value each
        at = in.u16() & ~7u;
        uint64_t value = in.u64();
        memcpy(world.ram.host + at, &value, 8);
    }

    kvm_regs before = cpu.regs;
    exec result = insn_execute(&cpu, code, sizeof(code) - 1);
    REQUIRE(result == EXEC_DONE || result == EXEC_FAULT || result == EXEC_UNSUPPORTED, "%d", result);
    REQUIRE(result != EXEC_FAULT || cpu.fault.pending, "a fault has a number");
    if (result == EXEC_FAULT && cpu.fault.vector == VECTOR_BP) // a trap: RIP stands behind it
        before.rip = cpu.regs.rip;
    if (result == EXEC_FAULT)
        REQUIRE(memcmp(&before, &cpu.regs, sizeof(before)) == 0, "a fault changed registers");
    return 0;
}

Bytes fuzz::fuzz_seed(unsigned n)
{
    static const std::string codes[] = {
        {"\x0f\x01\xca"}, {"\x0f\x01\xcb"}, {"\xf3\x0f\xb8\x07"}, {"\x0f\x10\x1f"}, {"\x0f\x29\x5e\x20"}, {"\x66\x0f\x6f\x3e"}, {"\x0f\xc7\x0e"}, {"\x48\x0f\xc7\x0e"},
        {"\xf0\x48\x0f\xc7\x4e\x10"}, {"\x0f\xae\x1f"}, {"\x0f\xae\x17"}, {"\x0f\xae\x27"}, {"\x48\x0f\xae\x2f"}, {"\x48\x0f\xc7\x27"}, {"\x0f\x38\xf0\x07"},
        {"\xc5\xfc\x10\x1f"}, {"\xc5\xf5\xef\x17"}, {"\x62\xf1\xfe\x48\x6f\x0f"}, {"\x62\xf1\x7e\x49\x6f\x57\x01"}, {"\x62\xe1\xfe\x48\x7f\x0f"}, {"\xf3\x0f\xbd\x07"},
        {"\x48\x8b\x07"}, {"\x88\x3f"}, {"\xcc"}, {"\x67\x8b\x07"}, {"\x64\x48\x8b\x04\x25\x00\x10\x00\x00", 9}, {"\x0f\x2b\x07"}, {"\x66\x0f\xe7\x07"}};
    if (n >= 2 * std::size(codes))
        return {};
    std::string code = codes[n / 2];
    code.resize(16, '\x90');
    Output out;
    out.u8(n % 2 ? 3 : 0).text(code);
    for (unsigned i = 0; i < 6; i++)
        out.u16(0x8000 - 0x1000 + (i & 1) * 0xff8);
    out.u16(0x7000).u16(0x7100).u16(0x6000).u64(0x1f80);
    return out.data;
}
