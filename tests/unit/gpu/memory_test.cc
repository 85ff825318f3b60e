// SPDX-License-Identifier: GPL-2.0-or-later
// Translation as the engines see it: page walks against a second walker written from the PRM's pictures, what the TLB keeps and what
// makes it forget, faults.
#include "bare_model.h"

#include <map>
#include <random>
#include <vector>

namespace {

constexpr uint64_t K4 = 4096, K64 = 65536, M2 = 2 << 20, G1 = 1 << 30;
constexpr uint64_t BASE = BareModel::BASE;

class Memory : public testing::Test {
  protected:
    BareModel bare{64 << 20};
    engine_memory *memory = engine_memory_create(&bare.m, ENGINE_BCS0);
    uint64_t next_table = BASE; // tables come from the first part of the memory
    uint64_t pml4;
    uint64_t roots[4] = {};

    void SetUp() override
    {
        pml4 = new_table();
        roots[0] = pml4;
        engine_memory_set_roots(memory, true, roots);
        enable_64k(true);
    }
    ~Memory() override { engine_memory_destroy(memory); }

    uint64_t new_table()
    {
        uint64_t table = next_table;
        next_table += K4;
        return table;
    }
    void enable_64k(bool on) { model_reg_set(&bare.m, R_GEN8_GAMW_ECO_DEV_RW_IA, on ? 0xf : 0); }
    uint64_t *entry(uint64_t table, unsigned index) { return bare.table(table) + index; }
    /* The table below an entry, made when it is not there. */
    uint64_t below(uint64_t table, unsigned index, uint64_t flags = PTE_PRESENT | PTE_WRITE)
    {
        uint64_t *e = entry(table, index);
        if (!(*e & PTE_PRESENT))
            *e = new_table() | flags;
        return *e & PTE_ADDRESS;
    }
    uint64_t directory(uint64_t addr) { return below(below(pml4, addr >> 39 & 511), addr >> 30 & 511); }
    uint64_t *pde(uint64_t addr) { return entry(directory(addr), addr >> 21 & 511); }
    uint64_t *pte(uint64_t addr, uint64_t pde_flags = 0)
    {
        return entry(below(directory(addr), addr >> 21 & 511, PTE_PRESENT | PTE_WRITE | pde_flags), addr >> 12 & 511);
    }
    void map(uint64_t addr, uint64_t dma) { *pte(addr) = dma | PTE_PRESENT | PTE_WRITE; }

    /* Host offset from BASE that an access reaches, or the negated fault. */
    int64_t reach(vm_kind vm, uint64_t addr, bool write = false, size_t *len = nullptr)
    {
        mem_fault fault = MEM_OK;
        size_t one = 1;
        engine_memory_enter(memory);
        auto *ptr = static_cast<uint8_t *>(engine_map(memory, vm, addr, len ? len : &one, write, &fault));
        engine_memory_leave(memory);
        if (!ptr) {
            EXPECT_NE(fault, MEM_OK);
            return -static_cast<int64_t>(fault);
        }
        EXPECT_EQ(fault, MEM_OK);
        if (ptr < bare.memory || ptr >= bare.memory + bare.size)
            return -MEM_READ_ONLY; // a place where writes are lost
        return ptr - bare.memory;
    }
    int64_t at(uint64_t dma) { return static_cast<int64_t>(dma - BASE); }
};

/* The second walker: recursive, by table of level properties, nothing shared with walk.c. */
struct Reference {
    BareModel &bare;
    bool ips;

    int64_t walk(uint64_t table, int level, uint64_t addr, bool write, bool allowed, bool k64)
    {
        static const int shifts[] = {12, 21, 30, 39};
        unsigned index = (addr / (UINT64_C(1) << shifts[level])) % 512;
        if (level == 0 && k64)
            index = index / 16 * 16;
        if (table < BASE || table + K4 > BASE + bare.size)
            return -MEM_BAD_DMA;
        uint64_t e;
        memcpy(&e, bare.host(table) + index * 8, 8);
        if (e % 2 == 0)
            return -MEM_NOT_PRESENT;
        allowed = allowed && (e & 2);
        bool leaf = level == 0 || ((level == 1 || level == 2) && (e >> 7 & 1));
        uint64_t next = e & 0x7ffffff000;
        if (!leaf)
            return walk(next, level - 1, addr, write, allowed, level == 1 && (e >> 11 & 1) && ips);
        uint64_t size = level == 2 ? G1 : level == 1 ? M2 : k64 ? K64 : K4;
        uint64_t dma = next / size * size + addr % size;
        if (dma < BASE || dma >= BASE + bare.size)
            return -MEM_BAD_DMA;
        if (write && !allowed)
            return -MEM_READ_ONLY;
        return static_cast<int64_t>(dma - BASE);
    }
};

TEST_F(Memory, RandomTablesAgreeWithTheReference)
{
    std::mt19937_64 random(20260101);
    for (int round = 0; round < 30; round++) {
        memset(bare.memory, 0, 8 << 20);
        next_table = BASE;
        pml4 = new_table();
        enable_64k(round % 2);
        std::vector<uint64_t> places;
        for (int i = 0; i < 60; i++) {
            // Few top-level tables, so that the lower ones are shared and the first 8 MiB suffice.
            uint64_t addr = (random() % 3) << 46 | (random() % 2) << 38 | (random() % 3) << 30 | (random() % 4) << 21 |
                            (random() & 0x1ff000);
            uint64_t dma = BASE + (random() % (bare.size + (8 << 20))); // some lie outside of the DMA view
            uint64_t flags = PTE_PRESENT | (random() % 4 ? PTE_WRITE : 0);
            uint64_t *pdpe = entry(below(pml4, addr >> 39 & 511), addr >> 30 & 511);
            places.push_back(addr);
            if (*pdpe & PDE_PAGE_2M)
                continue; // nothing below
            uint64_t *e = pde(addr);
            bool no_table = (*e & PDE_PAGE_2M) || (*e & PTE_ADDRESS) >= BASE + bare.size;
            switch (random() % 8) {
            case 0:
                if (!*e)
                    *e = (dma & PTE_ADDRESS) | flags | PDE_PAGE_2M; // low address bits are ignored
                break;
            case 1:
                if (random() % 4 == 0)
                    *pdpe = (dma & PTE_ADDRESS) | flags | PDE_PAGE_2M;
                break;
            case 2:
                if (random() % 4 == 0 && !*e)
                    *e = (BASE + bare.size + K4 * (random() % 8)) | flags; // a table that is nowhere
                break;
            default:
                if (no_table)
                    break;
                *pte(addr, random() % 2 ? PDE_IPS_64K : 0) = (dma & PTE_ADDRESS) | (random() % 8 ? flags : 0);
                if (random() % 4 == 0)
                    *pde(addr) &= ~PTE_WRITE;
            }
        }
        roots[0] = pml4;
        engine_memory_set_roots(memory, true, roots);
        Reference reference{bare, round % 2 == 1};
        unsigned found = 0;
        for (int i = 0; i < 4000; i++) {
            uint64_t addr = places[random() % places.size()];
            switch (random() % 5) {
            case 0:
                addr = random() & 0xffffffffffff;
                break;
            case 1:
                addr = (addr & ~(M2 - 1)) + random() % M2;
                break;
            case 2:
                addr = (addr & ~(K64 - 1)) + random() % K64;
                break;
            default:
                addr += random() % K4;
            }
            bool write = random() % 2;
            int64_t expected = reference.walk(pml4, 3, addr, write, true, false);
            uint64_t in_command = addr >> 47 ? addr | 0xffff000000000000 : addr; // canonical
            ASSERT_EQ(reach(VM_PPGTT, in_command, write), expected)
                << "round " << round << " address " << std::hex << addr << (write ? " write" : " read");
            found += expected >= 0;
        }
        EXPECT_GT(found, 100u) << "the tables map something";
    }
}

TEST_F(Memory, ThirtyTwoBitTablesUseFourDirectories)
{
    for (unsigned i = 0; i < 4; i++) {
        roots[i] = new_table();
        uint64_t table = below(roots[i], 5);
        *entry(table, 7) = (BASE + (16 << 20) + i * K4) | PTE_PRESENT | PTE_WRITE;
    }
    engine_memory_set_roots(memory, false, roots);
    for (uint64_t i = 0; i < 4; i++)
        EXPECT_EQ(reach(VM_PPGTT, i << 30 | 5 << 21 | 7 << 12 | 0x123, true), at(BASE + (16 << 20) + i * K4 + 0x123));
    EXPECT_EQ(reach(VM_PPGTT, UINT64_C(1) << 32 | 5 << 21 | 7 << 12), -MEM_NOT_PRESENT);
}

TEST_F(Memory, AddressesThatAreNotCanonicalFault)
{
    map(0x1000, BASE + (16 << 20));
    EXPECT_GE(reach(VM_PPGTT, 0x1000), 0);
    EXPECT_EQ(reach(VM_PPGTT, 0x1000 | UINT64_C(1) << 48), -MEM_NOT_PRESENT);
    EXPECT_EQ(reach(VM_PPGTT, 0x1000 | UINT64_C(0xffff) << 48), -MEM_NOT_PRESENT);
    EXPECT_EQ(reach(VM_PPGTT, 0x1000 | UINT64_C(1) << 63), -MEM_NOT_PRESENT);
}

TEST_F(Memory, TlbKeepsOldTranslationsUntilInvalidated)
{
    uint64_t a = BASE + (16 << 20), b = a + K4;
    map(0x5000, a);
    EXPECT_EQ(reach(VM_PPGTT, 0x5000), at(a));
    map(0x5000, b);
    EXPECT_EQ(reach(VM_PPGTT, 0x5000), at(a)) << "stale, as on hardware";
    engine_memory_invalidate(memory);
    EXPECT_EQ(reach(VM_PPGTT, 0x5000), at(b));
    *pte(0x5000) = 0;
    EXPECT_EQ(reach(VM_PPGTT, 0x5000), at(b)) << "stale even when gone";
    engine_memory_set_roots(memory, true, roots);
    EXPECT_EQ(reach(VM_PPGTT, 0x5000), -MEM_NOT_PRESENT);
    map(0x5000, a);
    EXPECT_EQ(reach(VM_PPGTT, 0x5000), at(a)) << "a missing page is not remembered";
}

TEST_F(Memory, HugePagesGoStaleToo)
{
    uint64_t a = BASE + (32 << 20), b = BASE + (34 << 20);
    *pde(0x600000) = a | PTE_PRESENT | PTE_WRITE | PDE_PAGE_2M;
    EXPECT_EQ(reach(VM_PPGTT, 0x600000 + 5), at(a + 5));
    *pde(0x600000) = b | PTE_PRESENT | PTE_WRITE | PDE_PAGE_2M;
    EXPECT_EQ(reach(VM_PPGTT, 0x700000 + 5), at(a + (1 << 20) + 5));
    engine_memory_invalidate(memory);
    EXPECT_EQ(reach(VM_PPGTT, 0x700000 + 5), at(b + (1 << 20) + 5));
}

TEST_F(Memory, GgttEntriesGoStaleUntilTheFlush)
{
    uint64_t a = BASE + (16 << 20), b = a + K4;
    bare.bind(0x10000, a);
    EXPECT_EQ(reach(VM_GGTT, 0x10000, true), at(a)) << "global entries have no write bit";
    bare.bind(0x10000, b);
    EXPECT_EQ(reach(VM_GGTT, 0x10000), at(a));
    engine_memory_set_roots(memory, true, roots);
    EXPECT_EQ(reach(VM_GGTT, 0x10000), at(a)) << "a context switch does not touch global translations";
    __atomic_add_fetch(&bare.m.ggtt_flushes, 1, __ATOMIC_RELEASE);
    EXPECT_EQ(reach(VM_GGTT, 0x10000), at(b));
    bare.bind(0x10000, a);
    engine_memory_invalidate(memory);
    EXPECT_EQ(reach(VM_GGTT, 0x10000), at(a));
}

TEST_F(Memory, GgttEndsAtFourGigabytes)
{
    uint64_t a = BASE + (16 << 20);
    bare.bind(0xfffff000, a);
    EXPECT_EQ(reach(VM_GGTT, 0xffffffff), at(a + 0xfff));
    EXPECT_EQ(reach(VM_GGTT, UINT64_C(0x100000000)), -MEM_NOT_PRESENT);
    EXPECT_EQ(reach(VM_GGTT, UINT64_C(0x1fffff000)), -MEM_NOT_PRESENT);
    EXPECT_EQ(reach(VM_GGTT, UINT64_MAX), -MEM_NOT_PRESENT);
}

TEST_F(Memory, NothingOutlivesTheDmaMapping)
{
    std::vector<uint8_t> other(3 * K4);
    auto *page = reinterpret_cast<uint8_t *>((reinterpret_cast<uintptr_t>(other.data()) + K4 - 1) & ~(K4 - 1));
    uint64_t dma = 0x1000000;
    uint8_t byte;
    mem_fault fault;

    ASSERT_TRUE(dma_space_map(bare.m.dma, dma, K4, page, DMA_RW, nullptr));
    map(0x5000, dma);
    bare.bind(0x5000, dma);
    *page = 7;
    EXPECT_TRUE(engine_read(memory, VM_PPGTT, 0x5000, &byte, 1, &fault));
    EXPECT_EQ(byte, 7);
    EXPECT_TRUE(engine_read(memory, VM_GGTT, 0x5000, &byte, 1, &fault));
    ASSERT_TRUE(dma_space_unmap(bare.m.dma, dma, K4, nullptr));
    EXPECT_FALSE(engine_read(memory, VM_PPGTT, 0x5000, &byte, 1, &fault));
    EXPECT_EQ(fault, MEM_BAD_DMA);
    EXPECT_FALSE(engine_read(memory, VM_GGTT, 0x5000, &byte, 1, &fault));
    ASSERT_TRUE(dma_space_map(bare.m.dma, dma, K4, page + K4, DMA_RW, nullptr));
    page[K4] = 9;
    EXPECT_TRUE(engine_read(memory, VM_PPGTT, 0x5000, &byte, 1, &fault));
    EXPECT_EQ(byte, 9);
}

TEST_F(Memory, RightsOfTheDmaViewCount)
{
    std::vector<uint8_t> other(2 * K4);
    auto *page = reinterpret_cast<uint8_t *>((reinterpret_cast<uintptr_t>(other.data()) + K4 - 1) & ~(K4 - 1));
    ASSERT_TRUE(dma_space_map(bare.m.dma, 0x1000000, K4, page, DMA_READ, nullptr));
    map(0x5000, 0x1000000);
    mem_fault fault;
    uint8_t byte = 0;
    EXPECT_FALSE(engine_write(memory, VM_PPGTT, 0x5000, &byte, 1, &fault));
    EXPECT_EQ(fault, MEM_BAD_DMA);
    EXPECT_TRUE(engine_read(memory, VM_PPGTT, 0x5000, &byte, 1, &fault));
    EXPECT_FALSE(engine_write(memory, VM_PPGTT, 0x5000, &byte, 1, &fault)) << "with the page in the TLB";
}

TEST_F(Memory, ReadOnlyPagesLoseWritesBeforeAndAfterARead)
{
    uint64_t a = BASE + (16 << 20);
    *pte(0x5000) = a | PTE_PRESENT;
    uint32_t value = 0x1234, back = 1;
    mem_fault fault;
    memset(bare.host(a), 0x5a, K4);
    EXPECT_TRUE(engine_write(memory, VM_PPGTT, 0x5010, &value, 4, &fault)) << "no fault: the engine goes on";
    EXPECT_TRUE(engine_read(memory, VM_PPGTT, 0x5010, &back, 4, &fault));
    EXPECT_EQ(back, 0x5a5a5a5au);
    EXPECT_TRUE(engine_write(memory, VM_PPGTT, 0x5010, &value, 4, &fault));
    EXPECT_TRUE(engine_read(memory, VM_PPGTT, 0x5010, &back, 4, &fault));
    EXPECT_EQ(back, 0x5a5a5a5au);
    EXPECT_EQ(reach(VM_PPGTT, 0x5000, true), -MEM_READ_ONLY);
    EXPECT_EQ(reach(VM_PPGTT, 0x5000), at(a));
    EXPECT_EQ(reach(VM_PPGTT, 0x5000, true), -MEM_READ_ONLY);
}

TEST_F(Memory, SpansReachToTheEndOfThePage)
{
    uint64_t a = BASE + (32 << 20);
    size_t len = 1 << 30;
    map(0x5000, a);
    reach(VM_PPGTT, 0x5123, false, &len);
    EXPECT_EQ(len, K4 - 0x123);
    *pde(0x600000) = a | PTE_PRESENT | PTE_WRITE | PDE_PAGE_2M;
    for (int again = 0; again < 2; again++) {
        len = 1 << 30;
        reach(VM_PPGTT, 0x612345, false, &len);
        EXPECT_EQ(len, M2 - 0x12345);
    }
    *pde(0x800000) = 0;
    *pte(0x800000, PDE_IPS_64K) = a | PTE_PRESENT | PTE_WRITE;
    len = 1 << 30;
    EXPECT_EQ(reach(VM_PPGTT, 0x803100, false, &len), at(a + 0x3100));
    EXPECT_EQ(len, K64 - 0x3100);
    len = 16;
    reach(VM_PPGTT, 0x803100, false, &len);
    EXPECT_EQ(len, 16u);
}

TEST_F(Memory, HugePageThatTheDmaViewHoldsInPartIsUsedByPages)
{
    // The last 2 MiB of the view, then nothing: a block that begins 1 MiB before the end.
    uint64_t a = BASE + bare.size - M2;
    ASSERT_TRUE(dma_space_unmap(bare.m.dma, BASE, bare.size, nullptr));
    ASSERT_TRUE(dma_space_map(bare.m.dma, BASE, bare.size - (1 << 20), bare.memory, DMA_RW, nullptr));
    *pde(0x600000) = a | PTE_PRESENT | PTE_WRITE | PDE_PAGE_2M;
    size_t len = 1 << 30;
    EXPECT_EQ(reach(VM_PPGTT, 0x600010, true, &len), at(a + 0x10));
    EXPECT_EQ(len, (1u << 20) - 0x10);
    EXPECT_EQ(reach(VM_PPGTT, 0x600000 + (1 << 20), true), -MEM_BAD_DMA);
}

TEST_F(Memory, CopiesCrossScatteredPagesAndStopAtFaults)
{
    uint64_t a = BASE + (16 << 20);
    map(0x5000, a + 3 * K4);
    map(0x6000, a);
    std::vector<uint8_t> data(2 * K4), back(2 * K4);
    for (size_t i = 0; i < data.size(); i++)
        data[i] = i * 31 + 7;
    mem_fault fault;
    ASSERT_TRUE(engine_write(memory, VM_PPGTT, 0x5801, data.data(), K4, &fault));
    EXPECT_EQ(memcmp(bare.host(a + 3 * K4 + 0x801), data.data(), K4 - 0x801), 0);
    EXPECT_EQ(memcmp(bare.host(a), data.data() + K4 - 0x801, 0x801), 0);
    ASSERT_TRUE(engine_read(memory, VM_PPGTT, 0x5801, back.data(), K4, &fault));
    EXPECT_EQ(memcmp(back.data(), data.data(), K4), 0);
    EXPECT_FALSE(engine_read(memory, VM_PPGTT, 0x6800, back.data(), K4, &fault));
    EXPECT_EQ(fault, MEM_NOT_PRESENT);
    EXPECT_EQ(bare.host(a + K4)[0], 0);
}

TEST_F(Memory, FaultRegistersKeepTheFirstFault)
{
    uint64_t addr = UINT64_C(0x7f1234567000);
    reach(VM_PPGTT, addr + 0x10);
    uint32_t fault = model_reg(&bare.m, R_GEN8_RING_FAULT);
    EXPECT_EQ(fault & 1, 1u);
    EXPECT_EQ(fault >> 1 & 3, 3u) << "no PML4 entry";
    EXPECT_EQ(fault >> 11 & 1, 0u);
    EXPECT_EQ(fault >> 12 & 7, 4u) << "the blitter";
    EXPECT_EQ(model_reg(&bare.m, R_GEN8_FAULT_TLB_DATA0), static_cast<uint32_t>(addr >> 12));
    EXPECT_EQ(model_reg(&bare.m, R_GEN8_FAULT_TLB_DATA1), addr >> 44);
    reach(VM_GGTT, 0x3000);
    EXPECT_EQ(model_reg(&bare.m, R_GEN8_RING_FAULT), fault);
    model_reg_set(&bare.m, R_GEN8_RING_FAULT, fault & ~1u);
    reach(VM_GGTT, 0x3000);
    EXPECT_EQ(model_reg(&bare.m, R_GEN8_RING_FAULT), 1u | 1u << 11 | 4u << 12);
    EXPECT_EQ(model_reg(&bare.m, R_GEN8_FAULT_TLB_DATA0), 3u);
    EXPECT_EQ(model_reg(&bare.m, R_GEN8_FAULT_TLB_DATA1), 1u << 4);
}

TEST_F(Memory, ManyInvalidationsWrapTheEpochSafely)
{
    uint64_t a = BASE + (16 << 20);
    map(0x5000, a);
    EXPECT_EQ(reach(VM_PPGTT, 0x5000), at(a));
    *pte(0x5000) = 0;
    for (unsigned i = 0; i < (1u << 24) - 1; i++) // back to the epoch in which the entry was made
        engine_memory_set_roots(memory, true, roots);
    EXPECT_EQ(reach(VM_PPGTT, 0x5000), -MEM_NOT_PRESENT);
}

TEST_F(Memory, GgttCopiesOfOtherUnitsHaveNoTlb)
{
    uint64_t a = BASE + (16 << 20);
    bare.bind(0x10000, a);
    bare.bind(0x11000, a + 5 * K4);
    uint32_t value = 0x12345678, back = 0;
    ASSERT_TRUE(model_ggtt_write(&bare.m, 0x10ffe, &value, 4));
    EXPECT_EQ(bare.host(a)[0xfff], 0x56);
    EXPECT_EQ(bare.host(a + 5 * K4)[0], 0x34);
    ASSERT_TRUE(model_ggtt_read(&bare.m, 0x10ffe, &back, 4));
    EXPECT_EQ(back, value);
    bare.bind(0x11000, a + 6 * K4);
    ASSERT_TRUE(model_ggtt_read(&bare.m, 0x10ffe, &back, 4));
    EXPECT_EQ(back, 0x00005678u);
    EXPECT_FALSE(model_ggtt_read(&bare.m, 0x11ffe, &back, 4));
    EXPECT_FALSE(model_ggtt_read(&bare.m, UINT64_C(0xfffffffff000), &back, 4));
}

} // namespace
