// SPDX-License-Identifier: GPL-2.0-or-later
// What a guest's driver reads of an engine that runs or stands in its context, and how it is told of an error: as on hardware, in the guest's addresses.
#include "gpu/blocks/uncore.h"
#include "mediated_fixture.h"

namespace {

constexpr uint32_t kBase = 0x2000 /* of the render engine */, kInvalid = 0xdeadbeef;
constexpr uint32_t kBatch = 0x100000; // where a context's address space has its batches

uint64_t read64(Guest &g, uint32_t low, uint32_t high) { return uint64_t(g.read32(kBase + high)) << 32 | g.read32(kBase + low); }

// Whether the engine is in a batch. ACTHD alone does not say so: while the engine still stands in the ring it has the ring's address, which may be above the batch's.
bool in_batch(Guest &g) { return g.read32(kBase + RING_BBADDR) & 1; }

TEST_F(Mediated, AnInvalidCommandIsAnErrorInterruptAtOnce)
{
    Guest &g = guest();
    auto a = g.context(ENGINE_RCS0, 0), behind = g.context(ENGINE_RCS0, 1);
    g.write32(kBase + RING_EMR, ~1u); // instruction errors, as i915 does it
    g.write32(kBase + RING_IMR, ~uint32_t(ENGINE_IRQ_ERROR));
    auto commands = store(0x400, 5);
    append(commands, {kInvalid, kBatchEnd});
    g.put(Guest::batches(a), commands);
    g.emit(a, {kNoop, kNoop});
    g.emit(a, batch(kBatch));
    g.emit(behind, store(0x404, 6));
    g.submit(a, &behind);
    unsigned shift;
    const uint32_t iir = 0x44308 + 0x10 * irq_tree_engine_bank(ENGINE_RCS0, &shift);
    ASSERT_TRUE(g.wait([&] { return g.read32(iir) & uint32_t(ENGINE_IRQ_ERROR) << shift; }));
    EXPECT_EQ(g.peek(Guest::data(a) + 0x400), 5u) << "what is in front of it is executed";
    EXPECT_EQ(g.read32(kBase + RING_ESR) & 0xffff, 1u);
    EXPECT_EQ(g.read32(kBase + RING_EIR), 1u);
    EXPECT_EQ(g.read32(kBase + RING_IPEHR), kInvalid);
    EXPECT_EQ(read64(g, RING_ACTHD, RING_ACTHD_UDW), kBatch + 16u);
    EXPECT_EQ(read64(g, RING_BBADDR, RING_BBADDR_UDW), kBatch + 16u + 1);
    EXPECT_EQ(g.read32(kBase + RING_BBSTATE) & 1u << 5, 1u << 5) << "in the PPGTT";
    EXPECT_EQ(g.read32(kBase + RING_START), a.ring_gma) << "not of the context that is queued behind it";
    EXPECT_EQ(g.read32(kBase + RING_CCID) & ~0xfffu, uint32_t(a.gma));
    EXPECT_EQ(g.read32(kBase + RING_HEAD), 8 + 12u) << "behind the command that started the batch";
    EXPECT_EQ(g.peek(Guest::data(behind) + 0x404), 0u) << "nothing runs until the engine is reset";

    // Writing a one clears EIR; the cause is still there, and a mask that opens shows it again.
    g.write32(kBase + RING_EIR, 1);
    EXPECT_EQ(g.read32(kBase + RING_EIR), 0u);
    g.write32(iir, ~0u);
    g.write32(kBase + RING_EMR, ~0u);
    g.write32(kBase + RING_EMR, ~1u);
    EXPECT_EQ(g.read32(kBase + RING_EIR), 1u);
    EXPECT_TRUE(g.read32(iir) & uint32_t(ENGINE_IRQ_ERROR) << shift);

    recover(g, 2);
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

TEST_F(Mediated, AnErrorIsToldOnEveryEngine)
{
    Guest &g = guest();
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        SCOPED_TRACE(gpu_engine_name(engine));
        const uint32_t base = engine_mmio_base(engine);
        auto a = g.context(engine, 0), endless = g.context((engine + 1) % ENGINE_COUNT, 1);
        g.put(Guest::batches(endless), {kNoop, kNoop, kBatchStart, kBatch, 0});
        g.emit(endless, batch(kBatch));
        g.submit(endless); // what the other engines do has nothing to do with it
        unsigned shift;
        const uint32_t iir = 0x44308 + 0x10 * irq_tree_engine_bank(engine, &shift);
        g.write32(base + RING_EMR, ~1u);
        g.write32(base + RING_IMR, ~(uint32_t(ENGINE_IRQ_ERROR) << shift));
        g.put(Guest::batches(a), {kInvalid, kBatchEnd});
        g.emit(a, batch(kBatch));
        g.submit(a);
        EXPECT_TRUE(g.wait([&] { return g.read32(iir) >> shift & ENGINE_IRQ_ERROR; }));
        EXPECT_EQ(g.read32(base + RING_EIR), 1u);
        g.poke(Guest::batches(endless), kBatchEnd);
        g.wait_complete(endless);
        g.write32(R_GEN6_GDRST, engine == ENGINE_RCS0 ? GDRST_RENDER : engine == ENGINE_VCS0 ? GDRST_MEDIA : engine == ENGINE_BCS0 ? GDRST_BLITTER : GDRST_VECS);
        g.start_engine(engine);
    }
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

TEST_F(Mediated, AMaskedErrorStaysQuiet)
{
    Guest &g = guest();
    auto a = g.context(ENGINE_RCS0, 0);
    g.put(Guest::batches(a), {kInvalid, kBatchEnd});
    g.emit(a, batch(kBatch));
    g.submit(a);
    ASSERT_TRUE(g.wait([&] { return g.read32(kBase + RING_ESR) & 1; }));
    EXPECT_EQ(g.read32(kBase + RING_EIR), 0u);
    EXPECT_EQ(g.read32(kBase + RING_IPEHR), kInvalid);
}

TEST_F(Mediated, ARunningBatchIsSeenWhereItIs)
{
    Guest &g = guest();
    auto a = g.context(ENGINE_RCS0, 0), b = g.context(ENGINE_RCS0, 1);
    for (auto *c : {&a, &b}) {
        g.put(Guest::batches(*c), {kNoop, kArbCheck, kBatchStart, kBatch, 0});
        g.emit(*c, batch(kBatch));
    }
    g.submit(a, &b);
    ASSERT_TRUE(g.wait([&] { return in_batch(g); }));
    for (unsigned i = 0; i < 100; i++) {
        uint64_t head = read64(g, RING_ACTHD, RING_ACTHD_UDW);
        ASSERT_GE(head, kBatch);
        ASSERT_LT(head, kBatch + 20u);
    }
    EXPECT_EQ(g.read32(kBase + RING_START), a.ring_gma);
    EXPECT_EQ(g.read32(kBase + RING_TAIL), a.tail);
    EXPECT_EQ(g.read32(kBase + RING_HEAD), 12u);
    EXPECT_EQ(read64(g, RING_BBADDR, RING_BBADDR_UDW) & 1, 1u);
    // The second element comes to run: now its ring is the engine's.
    g.poke(Guest::batches(a), kBatchEnd);
    ASSERT_TRUE(g.wait([&] { return g.read32(kBase + RING_START) == b.ring_gma; }));
    EXPECT_EQ(g.read32(kBase + RING_CCID) & ~0xfffu, uint32_t(b.gma));
    g.poke(Guest::batches(b), kBatchEnd);
    g.wait_complete(b);
    EXPECT_EQ(g.read32(kBase + RING_HEAD), b.tail);
    EXPECT_EQ(read64(g, RING_ACTHD, RING_ACTHD_UDW), b.ring_gma + b.tail);
    EXPECT_EQ(g.read32(kBase + RING_BBADDR), 0u) << "no batch";
}

TEST_F(Mediated, APrivilegedBatchIsSeenAtTheGuestsAddress)
{
    Guest &g = guest();
    auto a = g.context(ENGINE_RCS0, 0);
    const uint32_t gma = a.ring_gma + 0x8000; // in the global GTT, where the mediator executes a copy of it
    g.bind(gma, Guest::batches(a), kPage);
    g.put(Guest::batches(a), {kNoop, kNoop, kArbCheck, kBatchStart & ~(1u << 8), gma + 4, 0});
    g.emit(a, {kBatchStart & ~(1u << 8), gma, 0});
    g.submit(a);
    ASSERT_TRUE(g.wait([&] { return in_batch(g); }));
    for (unsigned i = 0; i < 100; i++) {
        uint64_t head = read64(g, RING_ACTHD, RING_ACTHD_UDW), batch = read64(g, RING_BBADDR, RING_BBADDR_UDW);
        ASSERT_GE(head, gma);
        ASSERT_LT(head, gma + 24u);
        ASSERT_GE(batch, gma);
        ASSERT_LE(batch, gma + 25u);
    }
    EXPECT_EQ(g.read32(kBase + RING_HEAD), 12u);
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

TEST_F(Mediated, AnotherGuestsBatchIsNotSeen)
{
    Guest &one = guest(), &other = guest();
    auto a = one.context(ENGINE_RCS0, 0);
    one.put(Guest::batches(a), {kNoop, kArbCheck, kBatchStart, kBatch, 0});
    one.emit(a, batch(kBatch));
    one.submit(a);
    ASSERT_TRUE(one.wait([&] { return in_batch(one); }));
    for (uint32_t offset : {RING_ACTHD, RING_HEAD, RING_START, RING_BBADDR, RING_IPEHR, RING_CCID})
        EXPECT_EQ(other.read32(kBase + offset), 0u) << std::hex << offset;
    one.poke(Guest::batches(a), kBatchEnd);
    one.wait_complete(a);
}

} // namespace
