// SPDX-License-Identifier: GPL-2.0-or-later
// Every command of the command streamer by its effect on memory and registers: MI commands, MATH and ATOMIC against references,
// PIPE_CONTROL and MI_FLUSH_DW.
#include "engine_harness.h"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <random>

using namespace harness;

namespace {

class EngineCommands : public testing::Test {
  protected:
    Machine m;
    Context rcs{m, ENGINE_RCS0, 1}, bcs{m, ENGINE_BCS0, 2};
    uint64_t data = m.alloc(1);
    uint32_t gpr(unsigned n) { return 0x2600 + 8 * n; }
    Words lri64(uint32_t offset, uint64_t value)
    {
        return {MI_LOAD_REGISTER_IMM | 3, offset, static_cast<uint32_t>(value), offset + 4, static_cast<uint32_t>(value >> 32)};
    }
    Words srm64(uint32_t offset, uint64_t to) { return srm(offset, to) + srm(offset + 4, to + 4); }
};

TEST_F(EngineCommands, StoreDataImm)
{
    rcs.run(sdi(data, 0x11111111) + sdi_ggtt(data + 4, 0x22222222) +
            Words{MI_STORE_QWORD_IMM, m.ppa(data + 8), 0, 0x33333333, 0x44444444} +
            Words{MI_STORE_QWORD_IMM | GGTT, m.gma(data + 16), 0, 0x55555555, 0x66666666});
    EXPECT_EQ(m.word(data), 0x11111111u);
    EXPECT_EQ(m.word(data + 4), 0x22222222u);
    EXPECT_EQ(m.qword(data + 8), 0x4444444433333333u);
    EXPECT_EQ(m.qword(data + 16), 0x6666666655555555u);
}

// As i915 writes page tables: a command is up to 1025 dwords long, over a page's end too. Half a quadword is left out.
TEST_F(EngineCommands, StoreDataImmTakesLists)
{
    Words list = {(MI_STORE_QWORD_IMM & ~0xffu) | 0x3ff, m.ppa(data + 0x800), 0};
    for (uint32_t i = 0; i < 1022; i++)
        list.push_back(0x1000 + i);
    rcs.run(list + Words{MI_STORE_DATA_IMM + 2, m.ppa(data), 0, 1, 2, 3} + Words{MI_STORE_QWORD_IMM + 1, m.ppa(data + 16), 0, 4, 5, 6});
    for (uint32_t i = 0; i < 1022; i++)
        ASSERT_EQ(m.word(data + 0x800 + 4 * i), 0x1000 + i) << i;
    EXPECT_EQ(m.word(data + 0x800 + 4 * 1022), 0u);
    EXPECT_EQ(m.qword(data), 2ull << 32 | 1);
    EXPECT_EQ(m.qword(data + 8), 3u);
    EXPECT_EQ(m.qword(data + 16), 5ull << 32 | 4);
    EXPECT_EQ(m.qword(data + 24), 0u);
}

TEST_F(EngineCommands, StoreDataIndexGoesToEitherStatusPage)
{
    rcs.run({MI_STORE_DATA_INDEX, 0x300, 7, MI_STORE_DATA_INDEX | 1 << 21, 0x304, 8, (MI_STORE_DATA_INDEX + 1) | 1 << 21, 0x308, 9, 10, MI_NOOP});
    EXPECT_EQ(m.word(m.status_page[ENGINE_RCS0] + 0x300), 7u);
    EXPECT_EQ(m.word(rcs.image + 0x304), 8u);
    EXPECT_EQ(m.qword(rcs.image + 0x308), 10ull << 32 | 9);
}

TEST_F(EngineCommands, NoopWithIdentificationAndReportHead)
{
    rcs.run(Words{0x00400000 | 0x12345, MI_REPORT_HEAD} + srm(0x2094, data));
    EXPECT_EQ(m.word(data), 0x12345u);
    EXPECT_EQ(m.word(rcs.image + 16), 8u) << "behind MI_REPORT_HEAD";
}

// Over the ends of pages and of the ring, with an identification in between, which is a command.
TEST_F(EngineCommands, StepsOverRunsOfNoops)
{
    for (unsigned length : {1u, 2u, 1021u, 1022u, 1023u, 1024u, 1025u, 4000u}) {
        Words words(length, MI_NOOP);
        words[length / 2] = 0x00000123; // no identification: bit 22 is clear
        rcs.run_batch(words + sdi(data, length) + Words{1 << 22 | length} + words + sdi(data + 8, length), true);
        EXPECT_EQ(load32(m.at(data)), length);
        EXPECT_EQ(load32(m.at(data + 8)), length);
        EXPECT_EQ(m.read(ENGINE_RCS0, 0x94), length) << "NOPID";
    }
    for (unsigned i = 0; i < 20; i++) { // the ring has 4096 dwords
        rcs.run(Words(1000 + 137 * i, MI_NOOP) + sdi(data, i));
        EXPECT_EQ(load32(m.at(data)), i);
    }
}

TEST_F(EngineCommands, RegisterMoves)
{
    store32(m.at(data), 0xfeedf00d);
    rcs.run(Words{MI_LOAD_REGISTER_IMM | 5, gpr(0), 1, gpr(1), 2, gpr(2), 3} + srm(gpr(1), data + 4) +
            Words{MI_LOAD_REGISTER_MEM, gpr(3), m.ppa(data), 0, MI_LOAD_REGISTER_MEM | 1 << 21 | GGTT, gpr(4), m.gma(data), 0,
                  MI_LOAD_REGISTER_REG, gpr(3), gpr(5)} +
            srm(gpr(5), data + 8) + srm(gpr(4), data + 12) +
            Words{MI_STORE_REGISTER_MEM | GGTT, gpr(2), m.gma(data + 16), 0});
    EXPECT_EQ(m.word(data + 4), 2u);
    EXPECT_EQ(m.word(data + 8), 0xfeedf00du);
    EXPECT_EQ(m.word(data + 12), 0xfeedf00du);
    EXPECT_EQ(m.word(data + 16), 3u);
    EXPECT_EQ(m.read(ENGINE_RCS0, 0x600), 1u) << "the CPU sees it too";
}

TEST_F(EngineCommands, ByteDisablesAndMaskedRegisters)
{
    rcs.run(lri(gpr(0), 0xaabbccdd) + Words{MI_LOAD_REGISTER_IMM | 5 << 8 | 1, gpr(0), 0x11223344} + srm(gpr(0), data) +
            lri(0x20c0, 0x00ff0055) + lri(0x20c0, 0x000f0000) + srm(0x20c0, data + 4));
    EXPECT_EQ(m.word(data), 0x11bb33ddu);
    EXPECT_EQ(m.word(data + 4), 0x50u);
}

TEST_F(EngineCommands, RegistersOfOtherBlocksAndTimestamps)
{
    rcs.run(srm(0x2358, data) + srm(0x235c, data + 4) + Words{MI_STORE_REGISTER_MEM, 0x2358, m.ppa(data + 8), 0} +
            lri(0x7034, 0x60000060) + srm(0x7034, data + 12));
    EXPECT_NE(m.qword(data), 0u);
    EXPECT_GE(m.word(data + 8), m.word(data));
    EXPECT_EQ(m.word(data + 12), 0x60000060u);
}

TEST_F(EngineCommands, OtherRenderRegistersTravelWithTheContext)
{
    Context other(m, ENGINE_RCS0, 5);
    rcs.run(lri(0x7034, 0x60000060) + lri(0x7004, 0x00100010));
    other.run(srm(0x7034, data) + lri(0x7034, 0x11));
    rcs.run(srm(0x7034, data + 4) + srm(0x7004, data + 8));
    EXPECT_EQ(m.word(data + 4), 0x60000060u);
    EXPECT_EQ(m.word(data + 8), 0x10u);
    other.run(srm(0x7034, data + 12));
    EXPECT_EQ(m.word(data + 12), 0x11u);
}

TEST_F(EngineCommands, CopyMemMem)
{
    store32(m.at(data), 0xcafe);
    rcs.run({MI_COPY_MEM_MEM, m.ppa(data + 4), 0, m.ppa(data), 0, MI_COPY_MEM_MEM | 1 << 21, m.gma(data + 8), 0, m.ppa(data + 4), 0,
             MI_COPY_MEM_MEM | 1 << 22, m.ppa(data + 12), 0, m.gma(data + 8), 0, MI_NOOP});
    EXPECT_EQ(m.word(data + 4), 0xcafeu);
    EXPECT_EQ(m.word(data + 8), 0xcafeu);
    EXPECT_EQ(m.word(data + 12), 0xcafeu);
}

TEST_F(EngineCommands, InterruptsReachTheSink)
{
    std::atomic<int> irqs{0};
    m.gpu->ops->set_irq(m.gpu, [](void *p) { ++*static_cast<std::atomic<int> *>(p); }, &irqs);
    m.write(ENGINE_RCS0, 0xa8, 0);
    gpu_write32(m.gpu, 0x44304, 0);
    gpu_write32(m.gpu, 0x4430c, ~0u);
    gpu_write32(m.gpu, 0x44200, 0x80000000);
    // The interrupts since the last look; the next ones send a message again.
    auto take = [&] {
        EXPECT_TRUE(wait_for([&] { return irqs > 0; }));
        gpu_write32(m.gpu, 0x44200, 0);
        uint32_t iir = gpu_read32(m.gpu, 0x44308);
        gpu_write32(m.gpu, 0x44308, iir);
        gpu_write32(m.gpu, 0x44308, iir);
        irqs = 0;
        gpu_write32(m.gpu, 0x44200, 0x80000000);
        return iir;
    };
    auto settled = [&] { return wait_for([&] { return m.read(ENGINE_RCS0, 0x9c) & 1 << 9; }); };
    rcs.run({MI_NOOP, MI_NOOP});
    EXPECT_TRUE(settled());
    EXPECT_EQ(take(), 1u << 8) << "context switch";
    rcs.run({MI_USER_INTERRUPT, MI_NOOP});
    EXPECT_TRUE(settled());
    EXPECT_EQ(take(), 1u << 8 | 1u << 0);
    rcs.run({PIPE_CONTROL, 1 << 8 | 1 << 20, 0, 0, 0, 0});
    EXPECT_TRUE(settled());
    EXPECT_EQ(take(), 1u << 8 | 1u << 4);
    rcs.emit(semaphore(data, 4, 1));
    rcs.submit();
    EXPECT_TRUE(wait_for([&] { return gpu_read32(m.gpu, 0x44308) & 1u << 11; })) << "waits for a semaphore";
    store32(m.at(data), 1);
    EXPECT_EQ(m.events(ENGINE_RCS0, 2).size(), 2u);
    EXPECT_TRUE(settled());
    EXPECT_EQ(take(), 1u << 8 | 1u << 11);
    rcs.emit({0x1f800000, MI_NOOP});
    rcs.submit();
    EXPECT_TRUE(wait_for([&] { return gpu_read32(m.gpu, 0x44308) & 1u << 3; })) << "error";
    m.gpu->ops->set_irq(m.gpu, nullptr, nullptr);
}

TEST_F(EngineCommands, DisplayFlipSetsThePlane)
{
    // Plane 1 of pipe B, X-tiled, stride 16 tiles.
    rcs.run({0x14u << 23 | 1 << 8 | 1, 16 << 6 | 1, 0x00345000, MI_NOOP});
    EXPECT_EQ(gpu_read32(m.gpu, 0x7119c) & 0xfffff000, 0x345000u) << "PLANE_SURF_1_B";
    EXPECT_EQ(gpu_read32(m.gpu, 0x71188), 16u) << "PLANE_STRIDE_1_B";
    EXPECT_EQ(gpu_read32(m.gpu, 0x71180) >> 10 & 7, 1u) << "PLANE_CTL_1_B tiling";
}

TEST_F(EngineCommands, PacketsOfThePipelinesAreParsedByLength)
{
    // 3DSTATE_BLEND_STATE_POINTERS, 3DPRIMITIVE (7 dwords), STATE_BASE_ADDRESS (19), GPGPU_WALKER (15): no dword is taken for a command.
    Words words = {0x78240000, 0x1f800000, 0x7b000005};
    words.resize(words.size() + 6, 0x1f800000);
    words.push_back(0x61010011);
    words.resize(words.size() + 18, 0x1f800000);
    words.push_back(0x7105000d);
    words.resize(words.size() + 14, 0x1f800000);
    rcs.run(words + sdi(data, 1));
    EXPECT_EQ(m.word(data), 1u);
}

// MI_MATH

uint32_t alu(unsigned op, unsigned a = 0, unsigned b = 0)
{
    return op << 20 | a << 10 | b;
}
enum { A = 0x20, B = 0x21, ACCU = 0x31, ZF = 0x32, CF = 0x33 };

TEST_F(EngineCommands, MathAgainstAReference)
{
    std::mt19937_64 random(1);
    const uint64_t special[] = {0, 1, UINT64_MAX, INT64_MAX, 1ull << 63, 0xffffffff, 0x100000000};
    auto value = [&] { return random() % 3 ? random() : special[random() % 7]; };
    for (unsigned round = 0; round < 40; round++) {
        unsigned op = 0x100 + round % 5;
        uint64_t a = value(), b = round % 7 ? value() : a, expect = 0;
        bool carry = false;
        switch (op) {
        case 0x100:
            expect = a + b;
            carry = static_cast<unsigned __int128>(a) + b > UINT64_MAX;
            break;
        case 0x101:
            expect = a - b;
            carry = b > a;
            break;
        case 0x102:
            expect = a & b;
            break;
        case 0x103:
            expect = a | b;
            break;
        case 0x104:
            expect = a ^ b;
            break;
        }
        bool invert = round & 8;
        rcs.run(lri64(gpr(0), a) + lri64(gpr(15), invert ? ~b : b) +
                Words{MI_MATH | 5, alu(0x080, A, 0), alu(invert ? 0x480 : 0x080, B, 15), alu(op), alu(0x180, 1, ACCU), alu(0x180, 2, ZF),
                      alu(0x580, 3, CF)} +
                srm64(gpr(1), data) + srm64(gpr(2), data + 8) + srm64(gpr(3), data + 16));
        EXPECT_EQ(m.qword(data), expect) << std::hex << op << " " << a << " " << b;
        EXPECT_EQ(m.qword(data + 8), expect == 0 ? UINT64_MAX : 0);
        EXPECT_EQ(m.qword(data + 16), carry ? 0 : UINT64_MAX) << std::hex << op << " " << a << " " << b;
    }
}

TEST_F(EngineCommands, MathConstantsAndInvertedStore)
{
    rcs.run(lri64(gpr(9), 5) + Words{MI_MATH | 7, alu(0), alu(0x081, A), alu(0x481, B), alu(0x101), alu(0x180, 4, ACCU), alu(0x580, 5, 9),
                                     alu(0x180, 6, A), alu(0x180, 7, B)} +
            srm64(gpr(4), data) + srm64(gpr(5), data + 8) + srm64(gpr(6), data + 16) + srm64(gpr(7), data + 24));
    EXPECT_EQ(m.qword(data), 1u);
    EXPECT_EQ(m.qword(data + 8), ~5ull);
    EXPECT_EQ(m.qword(data + 16), 0u);
    EXPECT_EQ(m.qword(data + 24), UINT64_MAX);
}

// MI_ATOMIC

template <typename U, typename S> U reference(unsigned op, U old, U a, U b)
{
    switch (op) {
    case 1:
        return old & a;
    case 2:
        return old | a;
    case 3:
        return old ^ a;
    case 4:
        return a;
    case 5:
        return old + 1;
    case 6:
    case 15:
        return old - 1;
    case 7:
        return old + a;
    case 8:
        return old - a;
    case 9:
        return a - old;
    case 10:
        return static_cast<U>(std::max(static_cast<S>(old), static_cast<S>(a)));
    case 11:
        return static_cast<U>(std::min(static_cast<S>(old), static_cast<S>(a)));
    case 12:
        return std::max(old, a);
    case 13:
        return std::min(old, a);
    default:
        return old == a ? b : old;
    }
}

TEST_F(EngineCommands, AtomicsAgainstAReference)
{
    std::mt19937_64 random(2);
    for (unsigned op = 1; op <= 15; op++) {
        for (unsigned round = 0; round < 8; round++) {
            bool qword = round & 1, inlined = round & 2;
            uint64_t old = random(), a = round & 4 ? random() : old, b = random();
            if (!qword)
                old = static_cast<uint32_t>(old);
            m.put(data, {static_cast<uint32_t>(old), static_cast<uint32_t>(old >> 32)});
            uint32_t header = MI_ATOMIC | (op | (qword ? 0x20 : 0)) << 8 | 1 << 16 | (qword ? 1 << 19 : 0);
            Words words = lri64(gpr(4), 0);
            if (inlined)
                words = words + Words{header | 1 << 18 | 9, m.ppa(data), 0, static_cast<uint32_t>(a), static_cast<uint32_t>(b),
                                      static_cast<uint32_t>(a >> 32), static_cast<uint32_t>(b >> 32), 0, 0, 0, 0};
            else
                words = words + lri64(gpr(0), a) + lri64(gpr(1), b) + Words{header | 1, m.ppa(data), 0};
            rcs.run(words + srm64(gpr(4), data + 8));
            uint64_t expect = qword ? reference<uint64_t, int64_t>(op, old, a, b)
                                    : reference<uint32_t, int32_t>(op, static_cast<uint32_t>(old), static_cast<uint32_t>(a),
                                                                   static_cast<uint32_t>(b));
            EXPECT_EQ(m.qword(data), expect) << op << " " << qword;
            uint64_t returned = op == 15 ? expect : old; // pre-decrement returns what it wrote
            EXPECT_EQ(m.qword(data + 8), returned) << op << " " << qword;
        }
    }
}

TEST_F(EngineCommands, CompareAndWriteOf16Bytes)
{
    Words old = {1, 2, 3, 4};
    for (bool match : {false, true}) {
        m.put(data, old);
        uint32_t first = match ? 1 : 9;
        rcs.run(Words{MI_ATOMIC | 0x4e << 8 | 1 << 16 | 1 << 18 | 2 << 19 | GGTT | 9, m.gma(data), 0, first, 11, 2, 12, 3, 13, 4, 14, MI_NOOP} +
                srm64(gpr(4), data + 16) + srm64(gpr(5), data + 24));
        EXPECT_EQ(m.word(data), match ? 11u : 1u);
        EXPECT_EQ(m.word(data + 4), match ? 12u : 2u);
        EXPECT_EQ(m.word(data + 8), match ? 13u : 3u);
        EXPECT_EQ(m.word(data + 12), match ? 14u : 4u);
        EXPECT_EQ(m.qword(data + 16), 2ull << 32 | 1);
        EXPECT_EQ(m.qword(data + 24), 4ull << 32 | 3);
    }
}

TEST_F(EngineCommands, AtomicsOfEnginesAndCpuDoNotLoseCounts)
{
    constexpr unsigned N = 2000;
    uint64_t a = m.alloc(8), b = m.alloc(8);
    Words words;
    for (unsigned i = 0; i < N; i++)
        words.insert(words.end(), {MI_ATOMIC | 5 << 8 | 1, m.ppa(data), 0});
    words.push_back(MI_BATCH_BUFFER_END);
    m.put(a, words);
    m.put(b, words);
    rcs.emit(rcs.start(a, true));
    bcs.emit(bcs.start(b, true));
    rcs.submit();
    bcs.submit();
    for (unsigned i = 0; i < N; i++)
        __atomic_fetch_add(m.at(data), 1, __ATOMIC_RELAXED);
    EXPECT_EQ(m.events(ENGINE_RCS0, 2).size(), 2u);
    EXPECT_EQ(m.events(ENGINE_BCS0, 2).size(), 2u);
    EXPECT_EQ(m.word(data), 3 * N);
}

// Predication

TEST_F(EngineCommands, PredicateCompareCombineAndLoad)
{
    struct {
        uint64_t src0, src1, delta;
        unsigned compare;
        bool expect;
    } compares[] = {{1, 2, 0, 0, true},  {1, 1, 0, 1, false},          {7, 7, 0, 2, true}, {7, 7ull << 32, 0, 2, false},
                    {9, 4, 5, 3, true}, {9, 4, 6, 3, false}};
    for (auto &c : compares) {
        Words sources = lri64(0x2400, c.src0) + lri64(0x2408, c.src1) + lri64(0x2410, c.delta);
        for (unsigned combine = 0; combine < 4; combine++) {
            for (bool before : {false, true}) {
                bool expect = combine == 0   ? c.expect
                              : combine == 1 ? before && c.expect
                              : combine == 2 ? before || c.expect
                                             : before != c.expect;
                rcs.run(sources + lri(0x2418, before) + Words{MI_PREDICATE | 2 << 6 | combine << 3 | c.compare} + srm(0x2418, data) +
                        lri(0x2418, before) + Words{MI_PREDICATE | 3 << 6 | combine << 3 | c.compare} + srm(0x2418, data + 4) +
                        lri(0x2418, before) + Words{MI_PREDICATE | combine << 3 | c.compare} + srm(0x2418, data + 8));
                EXPECT_EQ(m.word(data), expect);
                EXPECT_EQ(m.word(data + 4), !expect);
                EXPECT_EQ(m.word(data + 8), before) << "keep";
            }
        }
    }
}

TEST_F(EngineCommands, PredicatedStoreAndBatchStart)
{
    uint64_t batch = m.alloc(1);
    m.put(batch, sdi(data + 8, 1) + Words{MI_BATCH_BUFFER_END});
    for (uint32_t on : {0u, 1u}) {
        store32(m.at(data + 4), 0);
        store32(m.at(data + 8), 0);
        rcs.run(lri(0x2418, on) + lri(0x241c, on) + lri(gpr(0), 5) +
                Words{MI_STORE_REGISTER_MEM | 1 << 21, gpr(0), m.ppa(data + 4), 0, MI_BATCH_BUFFER_START | BB_PPGTT | 1 << 15, m.ppa(batch), 0});
        EXPECT_EQ(m.word(data + 4), on ? 5u : 0u);
        EXPECT_EQ(m.word(data + 8), on);
    }
}

TEST_F(EngineCommands, SetPredicateSkipsCommands)
{
    rcs.run(lri(0x2418, 0) + Words{MI_SET_PREDICATE | 3} + sdi(data, 1) + Words{MI_SET_PREDICATE} + sdi(data + 4, 2) +
            Words{MI_SET_PREDICATE | 4} + sdi(data + 8, 3) + Words{MI_SET_PREDICATE | 15} + sdi(data + 12, 4) + Words{MI_SET_PREDICATE});
    EXPECT_EQ(m.word(data), 0u);
    EXPECT_EQ(m.word(data + 4), 2u);
    EXPECT_EQ(m.word(data + 8), 3u);
    EXPECT_EQ(m.word(data + 12), 0u);
}

// Batches

TEST_F(EngineCommands, BatchesCallJumpAndReturn)
{
    uint64_t first = m.alloc(1), second = m.alloc(1), third = m.alloc(1), chained = m.alloc(1);
    m.put(first, sdi(data, 1) + Words{MI_BATCH_BUFFER_START | BB_SECOND | BB_PPGTT, m.ppa(second), 0} + sdi(data + 4, 2) +
                     Words{MI_BATCH_BUFFER_START | BB_PPGTT, m.ppa(chained), 0} + sdi(data + 8, 99));
    // A second-level start in a second-level batch jumps, and its end returns to the first level.
    m.put(second, sdi(data + 12, 3) + Words{MI_BATCH_BUFFER_START | BB_SECOND | BB_PPGTT, m.ppa(third), 0} + sdi(data + 16, 99));
    m.put(third, sdi(data + 20, 4) + Words{MI_BATCH_BUFFER_END});
    m.put(chained, sdi(data + 24, 5) + Words{MI_BATCH_BUFFER_END});
    rcs.run(rcs.start(first, true) + sdi(data + 28, 6));
    for (auto [at, value] : {std::pair(0, 1u), {4, 2}, {8, 0}, {12, 3}, {16, 0}, {20, 4}, {24, 5}, {28, 6}})
        EXPECT_EQ(m.word(data + at), value) << at;
}

TEST_F(EngineCommands, CommandsMayStraddlePages)
{
    uint64_t batch = m.alloc(2);
    for (unsigned before = 1; before < 4; before++) {
        store32(m.at(data), 0);
        m.put(batch + 4096 - 4 * before, sdi(data, before) + Words{MI_BATCH_BUFFER_END});
        rcs.run(rcs.start(batch + 4096 - 4 * before, true));
        EXPECT_EQ(m.word(data), before);
    }
}

TEST_F(EngineCommands, ConditionalBatchBufferEnd)
{
    uint64_t batch = m.alloc(1);
    auto test = [&](uint32_t flags, uint32_t value, uint32_t mask, uint32_t compare) {
        m.put(data, {value, mask, 0});
        m.put(batch, {MI_CONDITIONAL_BATCH_BUFFER_END | flags, compare, m.ppa(data), 0, MI_STORE_DATA_IMM, m.ppa(data + 8), 0, 1,
                      MI_BATCH_BUFFER_END});
        rcs.run(rcs.start(batch, true));
        return m.word(data + 8) == 1;
    };
    EXPECT_TRUE(test(1 << 21, 5, 0, 4));
    EXPECT_FALSE(test(1 << 21, 5, 0, 5));
    EXPECT_FALSE(test(1 << 21, 4, 0, 5));
    EXPECT_TRUE(test(1 << 21, 0xffffffff, 0, 5)) << "unsigned";
    EXPECT_FALSE(test(1 << 21 | 1 << 19, 0xff05, 0xff, 5)) << "under the mask";
    EXPECT_TRUE(test(0, 4, 0, 5)) << "no comparison asked for";
}

// Waits

TEST_F(EngineCommands, SemaphoreComparisons)
{
    const uint32_t values[] = {0, 4, 5, 6, 0xffffffff};
    for (unsigned op = 0; op < 6; op++) {
        for (uint32_t value : values) {
            bool now = op == 0 ? value > 5 : op == 1 ? value >= 5 : op == 2 ? value < 5 : op == 3 ? value <= 5 : op == 4 ? value == 5 : value != 5;
            uint32_t after = op < 2 ? 6 : op < 4 ? 4 : op == 4 ? 5 : 7;
            m.put(data, {value, 0, 0});
            rcs.emit(semaphore(data, op, 5) + sdi(data + 4, 1));
            rcs.submit();
            if (!now) {
                EXPECT_EQ(m.events(ENGINE_RCS0, 1).size(), 1u);
                ASSERT_TRUE(wait_for([&] { return m.read(ENGINE_RCS0, 0x3c) & 1 << 10; })) << "RING_WAIT_SEMAPHORE";
                EXPECT_EQ(m.word(data + 4), 0u);
                store32(m.at(data), after);
            }
            EXPECT_EQ(m.events(ENGINE_RCS0, now ? 2 : 1).size(), now ? 2u : 1u) << op << " " << value;
            EXPECT_EQ(m.word(data + 4), 1u);
        }
    }
}

TEST_F(EngineCommands, SemaphoreSignalWakesAnotherEngine)
{
    rcs.emit(semaphore(data, 4, 1, false) + sdi(data + 4, 1));
    rcs.submit();
    ASSERT_TRUE(wait_for([&] { return m.read(ENGINE_RCS0, 0x3c) & 1 << 10; }));
    bcs.run(sdi(data, 1) + Words{MI_SEMAPHORE_SIGNAL | 0 << 15, rcs.id});
    EXPECT_EQ(m.events(ENGINE_RCS0, 2).size(), 2u);
    EXPECT_EQ(m.word(data + 4), 1u);
}

TEST_F(EngineCommands, SemaphoreOnARegister)
{
    rcs.emit(Words{MI_SEMAPHORE_WAIT | 4 << 12 | 1 << 15 | 1 << 16, 0x55, 0x2600, 0} + sdi(data, 1));
    rcs.submit();
    ASSERT_TRUE(wait_for([&] { return m.read(ENGINE_RCS0, 0x3c) & 1 << 10; }));
    m.write(ENGINE_RCS0, 0x600, 0x55);
    EXPECT_EQ(m.events(ENGINE_RCS0, 2).size(), 2u);
    EXPECT_EQ(m.word(data), 1u);
}

TEST_F(EngineCommands, WaitingForEventsOfPipesThatAreOffDoesNotWait)
{
    rcs.run(Words{MI_WAIT_FOR_EVENT | 1 | 1 << 1 | 1 << 3 | 1 << 8 | 1 << 11 | 1 << 21, 0x12u << 23, 0x00010002} + sdi(data, 1));
    EXPECT_EQ(m.word(data), 1u);
}

// PIPE_CONTROL and MI_FLUSH_DW

Words pipe_control(uint32_t flags, uint32_t address, uint64_t value = 0)
{
    return {PIPE_CONTROL, flags, address, 0, static_cast<uint32_t>(value), static_cast<uint32_t>(value >> 32)};
}

TEST_F(EngineCommands, PipeControlPostSyncOperations)
{
    uint32_t cs_stall = 1 << 20;
    rcs.run(pipe_control(cs_stall | 1 << 14, m.ppa(data), 0x1122334455667788) + pipe_control(cs_stall | 1 << 14 | 1 << 24, m.gma(data + 8), 5) +
            lri(0x2350, 77) + lri(0x2354, 1) + pipe_control(1 << 13 | 2 << 14, m.ppa(data + 16)) + srm(0x2358, data + 32) +
            srm(0x235c, data + 36) + pipe_control(cs_stall | 3 << 14, m.ppa(data + 24)) + pipe_control(cs_stall | 1 << 23, gpr(3), 0x99) +
            srm(gpr(3), data + 40) + pipe_control(cs_stall | 1 << 14 | 1 << 21, 0x340, 6) +
            pipe_control(cs_stall | 1 << 14 | 1 << 21 | 1 << 24, 0x348, 7) + pipe_control(1 << 18 | cs_stall, 0));
    EXPECT_EQ(m.qword(data), 0x1122334455667788u);
    EXPECT_EQ(m.qword(data + 8), 5u);
    EXPECT_EQ(m.qword(data + 16), 1ull << 32 | 77);
    EXPECT_GE(m.qword(data + 24), m.qword(data + 32));
    EXPECT_LT(m.qword(data + 24), m.qword(data + 32) + 12000000 * 10ull);
    EXPECT_EQ(m.word(data + 40), 0x99u);
    EXPECT_EQ(m.qword(rcs.image + 0x340), 6u);
    EXPECT_EQ(m.qword(m.status_page[ENGINE_RCS0] + 0x348), 7u);
}

TEST_F(EngineCommands, FlushPostSyncOperations)
{
    bcs.run({MI_FLUSH_DW | 1 << 14,           m.ppa(data), 0, 0x11, MI_FLUSH_DW | 1 | 1 << 14, m.gma(data + 8) | 4, 0, 0x22, 0x33,
             MI_FLUSH_DW | 3 << 14,           m.ppa(data + 16), 0, 0, MI_FLUSH_DW | 1 << 14 | 1 << 21, 0x340, 0, 0x44,
             MI_FLUSH_DW | 1 << 14 | 1 << 21, 0x348 | 4, 0, 0x55, MI_FLUSH_DW | 1 << 18, 0, 0, 0});
    EXPECT_EQ(m.qword(data), 0x11u);
    EXPECT_EQ(m.qword(data + 8), 0x3300000022u);
    EXPECT_NE(m.qword(data + 16), 0u);
    EXPECT_EQ(m.word(bcs.image + 0x340), 0x44u);
    EXPECT_EQ(m.word(m.status_page[ENGINE_BCS0] + 0x348), 0x55u);
}

TEST_F(EngineCommands, TlbInvalidationMakesNewEntriesVisible)
{
    uint64_t other = m.alloc(1);
    uint32_t gma = Machine::gma(data);
    rcs.emit(Words{MI_STORE_DATA_IMM | GGTT, gma, 0, 1} + semaphore(data + 8, 4, 1) + pipe_control(1 << 18 | 1 << 20, 0) +
             Words{MI_STORE_DATA_IMM | GGTT, gma, 0, 2});
    rcs.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(data) == 1; }));
    m.gpu->ops->pte_write(m.gpu, gma / 4096, (m.iova + other) | PTE_PRESENT | PTE_WRITE);
    store32(m.at(data + 8), 1);
    EXPECT_EQ(m.events(ENGINE_RCS0, 2).size(), 2u);
    EXPECT_EQ(m.word(other), 2u);
    EXPECT_EQ(m.word(data), 1u);
}

TEST_F(EngineCommands, UpdateGttAndUrbAndPerfReport)
{
    uint64_t other = m.alloc(1);
    uint64_t pte = (m.iova + other) | PTE_PRESENT | PTE_WRITE;
    store32(m.at(data), 0x1234);
    rcs.run(Words{MI_UPDATE_GTT, 0x80000000, static_cast<uint32_t>(pte), static_cast<uint32_t>(pte >> 32), MI_STORE_DATA_IMM | GGTT, 0x80000000, 0,
                  42} +
            Words{0x2c << 23 | 2, 0x100, m.ppa(data), 0, 0x2d << 23 | 2, 0x100, m.ppa(data + 64), 0} +
            Words{0x28 << 23 | 2, m.ppa(data + 256), 0, 0xabcd});
    EXPECT_EQ(m.word(other), 42u);
    EXPECT_EQ(m.word(data + 64), 0x1234u);
    EXPECT_EQ(m.word(data + 256), 0xabcdu);
    EXPECT_NE(m.word(data + 260), 0u) << "timestamp";
}

TEST_F(EngineCommands, BlitsReachTheBlitter)
{
    // XY_COLOR_BLT: 32 bpp, 16x1 pixels, pitch 64.
    bcs.run({0x54300005, 0x03f00040, 0, 1 << 16 | 16, m.ppa(data), 0, 0xff00ff00, MI_NOOP});
    EXPECT_EQ(m.word(data), 0xff00ff00u);
    EXPECT_EQ(m.word(data + 60), 0xff00ff00u);
    EXPECT_EQ(m.word(data + 64), 0u);
}

// The rates are for people (and for --gtest_output): what is tested is that every command took effect.
TEST_F(EngineCommands, LongStreams)
{
    constexpr unsigned PAGES = 256, SDIS = 4096;
    uint64_t batch = m.alloc(PAGES), sdis = m.alloc(SDIS * 16 / 4096 + 1);
    for (unsigned i = 0; i < SDIS; i++)
        m.put(sdis + 16 * i, sdi(data, i));
    store32(m.at(sdis) + 4 * SDIS, MI_BATCH_BUFFER_END);
    store32(m.at(batch) + PAGES * 1024 - 1, MI_BATCH_BUFFER_END);
    struct {
        const char *name;
        uint64_t batch;
        unsigned count, repeat;
    } streams[] = {{"noop", batch, PAGES * 1024, 20}, {"store_data_imm", sdis, SDIS, 200}};
    for (auto &stream : streams) {
        Words words;
        for (unsigned i = 0; i < stream.repeat; i++)
            words = words + rcs.start(stream.batch, true);
        rcs.run(words); // warm
        clock_t t0 = clock(); // CPU time: tests run beside others
        for (unsigned i = 0; i < 3; i++)
            rcs.run(words);
        double best = static_cast<double>(clock() - t0) / CLOCKS_PER_SEC / 3;
        double rate = static_cast<double>(stream.repeat) * stream.count / best / 1e6;
        printf("%s: %.1f million commands/s\n", stream.name, rate);
        RecordProperty(stream.name, static_cast<int>(rate));
    }
    EXPECT_EQ(m.word(data), SDIS - 1);
}

} // namespace
