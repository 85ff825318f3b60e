// SPDX-License-Identifier: GPL-2.0-or-later
// Whole submissions: guests on vGPUs above the real scheduler, driver and software model. What a guest's batches write, what its status
// pages, images and interrupts say, and that guests do not meet.
#include "mediated_fixture.h"

namespace {

TEST_F(Mediated, ABatchOnEveryEngine)
{
    Guest &g = guest();
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        SCOPED_TRACE(gpu_engine_name(engine));
        auto c = g.context(engine, 0);
        std::vector<uint32_t> commands = store(0x1010, 0xcafe0000 + engine);
        commands.push_back(kBatchEnd);
        g.put(Guest::batches(c), commands);
        g.emit(c, {kBatchStart, 0x100000, 0, kUserInterrupt});
        unsigned before = g.message_count;
        g.submit(c);
        EXPECT_EQ(g.status(engine), (std::pair<uint32_t, uint32_t>(CSB_IDLE_ACTIVE, 0)));
        EXPECT_EQ(g.status(engine), (std::pair<uint32_t, uint32_t>(CSB_CONTEXT_COMPLETE | CSB_ACTIVE_IDLE, uint32_t(c.desc >> 32))));
        EXPECT_EQ(g.peek(Guest::data(c) + 0x1010), 0xcafe0000 + engine);
        EXPECT_EQ(g.peek(c.image + kPage + CTX_RING_HEAD * 4), c.tail);
        EXPECT_EQ(g.peek(c.image + kPage + CTX_RING_START * 4), c.ring_gma) << "the guest's own values come back";
        EXPECT_EQ(g.peek(c.image + kPage + CTX_PDP0_LDW * 4), uint32_t(c.tables));
        ASSERT_TRUE(g.wait_messages(before + 1));
        unsigned shift;
        uint32_t iir = 0x44308 + 0x10 * irq_tree_engine_bank(engine, &shift);
        EXPECT_TRUE(g.wait([&] { return (g.read32(iir) >> shift & 0x101) == 0x101; })) << "user interrupt and context switch";
        g.write32(0x44200, 0);
        g.write32(iir, 0xffffffff);
        g.write32(iir, 0xffffffff);
        g.write32(0x44200, 1u << 31);
    }
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

// The ring as the guest wrote it, and the batches of its address space, wherever they go on: each once, up to its end or to what is not there.
TEST_F(Mediated, WhatIsSubmittedIsRecordedWhenItIsWanted)
{
    Guest &g = guest();
    auto c = g.context(ENGINE_RCS0, 0);
    constexpr uint32_t kSecondLevel = 1 << 22, kLast = 0x10fff8; // the last two dwords that are mapped
    auto put = [&](uint32_t address, const std::vector<uint32_t> &commands) {
        for (size_t i = 0; i < commands.size(); i++)
            g.poke(Guest::batches(c) + (address - 0x100000) + 4 * i, commands[i]);
    };
    put(0x100000, {kBatchStart | kSecondLevel, 0x101000, 0, kArbCheck, kBatchStart, 0x102000, 0});
    put(0x101000, {kArbCheck, kArbCheck, kBatchEnd});
    put(0x102000, {kUserInterrupt, kBatchEnd, 0x12345678});
    put(kLast, {kNoop, kBatchEnd});
    g.emit(c, {kBatchStart, 0x100000, 0, kBatchStart, kLast, 0, kBatchStart, 0x100000, 0, kNoop});
    g.submit(c);
    g.wait_complete(c);
    EXPECT_TRUE(g.recorded.empty());

    g.records = true;
    g.emit(c, {kBatchStart, 0x100000, 0, kBatchStart, kLast, 0, kBatchStart, 0x100000, 0, kNoop});
    g.submit(c);
    g.wait_complete(c);
    char title[100], ring[100];
    snprintf(title, sizeof(title), "submission rcs0 0x%x guest\n", uint32_t(c.gma));
    snprintf(ring, sizeof(ring), "ring 0x%x\n", c.ring_gma + 40);
    ASSERT_EQ(g.recorded.size(), 1u);
    EXPECT_EQ(g.recorded[0], std::string(title) + ring +
                                 "18800101 00100000 00000000 18800101 0010fff8 00000000 18800101 00100000\n00000000 00000000\n"
                                 "user-batch 0x100000\n18c00101 00101000 00000000 02800000 18800101 00102000 00000000\n"
                                 "user-batch 0x10fff8\n00000000 05000000\n"
                                 "user-batch 0x101000\n02800000 02800000 05000000\n"
                                 "user-batch 0x102000\n01000000 05000000\n");

    // A batch that never ends: what a submission holds of it.
    for (unsigned i = 0; i < 16 * kPage / 4; i++)
        g.poke(Guest::batches(c) + 4 * i, kNoop);
    g.emit(c, {kBatchStart, 0x100000, 0, kNoop});
    g.submit(c);
    ASSERT_TRUE(g.wait([&] { return g.recorded.size() == 2; }));
    EXPECT_EQ(g.recorded[1].find("user-batch 0x100000\n"), g.recorded[1].find("user-batch"));
    EXPECT_EQ(std::count(g.recorded[1].begin(), g.recorded[1].end(), '\n'), 3 + 1 + 16 * kPage / 4 / 8) << "up to where nothing is mapped";
}

// What the audit refuses is the most interesting.
TEST_F(Mediated, WhatIsRefusedIsRecordedToo)
{
    Guest &g = guest(), &other = guest();
    auto c = g.context(ENGINE_BCS0, 0);
    g.records = true;
    g.emit(c, {kStoreImm | 1 << 22, uint32_t(other.low + 0x1000), 0, 0x777});
    g.submit(c);
    ASSERT_TRUE(g.wait_failure());
    ASSERT_EQ(g.recorded.size(), 1u);
    EXPECT_NE(g.recorded[0].find(" 00000000 00000777\n"), std::string::npos);
}

TEST_F(Mediated, PageTablesMayChangeBetweenSubmissions)
{
    Guest &g = guest();
    auto c = g.context(ENGINE_BCS0, 0);
    uint64_t pt = c.tables + 3 * kPage;
    for (unsigned i = 0; i < 20; i++) {
        g.poke64(pt, (Guest::data(c) + (i % 8) * kPage) | 3);
        g.emit(c, store(0x20 + 4 * i, i + 1));
        g.submit(c);
        g.wait_complete(c);
        ASSERT_EQ(g.peek(Guest::data(c) + (i % 8) * kPage + 0x20 + 4 * i), i + 1);
    }
    // A 2 MiB page over everything, then nothing.
    uint64_t pd = c.tables + 2 * kPage;
    g.poke64(pd, 0x83);
    g.emit(c, store(0x1800000 & 0x1fffff, 0)); // somewhere harmless
    g.emit(c, store(0x9000, 0x5a5a));
    g.submit(c);
    g.wait_complete(c);
    EXPECT_EQ(g.peek(0x9000), 0x5a5au);
    g.poke64(pd, 0);
    g.emit(c, store(0x9000, 0x1111));
    g.submit(c);
    g.wait_complete(c);
    EXPECT_EQ(g.peek(0x9000), 0x5a5au) << "the scratch page took it";
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

// A guest that frees memory invalidates TLBs by register and then relies on it: what runs may not reach the old page any more.
TEST_F(Mediated, TlbInvalidationReachesWhatRuns)
{
    Guest &g = guest();
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        SCOPED_TRACE(gpu_engine_name(engine));
        auto c = g.context(engine, 0);
        uint64_t pt = c.tables + 3 * kPage, before = Guest::data(c) + kPage + 0x10, after = Guest::data(c) + 9 * kPage + 0x10;
        std::vector<uint32_t> loop = store(0x1010, 0x77);
        append(loop, {kNoop, kBatchStart, 0x100000, 0});
        for (size_t i = 0; i < loop.size(); i++)
            g.poke(Guest::batches(c) + 4 * i, loop[i]);
        g.emit(c, {kBatchStart, 0x100000, 0});
        g.submit(c);
        ASSERT_TRUE(g.wait([&] { return g.peek(before) == 0x77; }));
        EXPECT_EQ(g.peek(after), 0u);
        g.poke64(pt + 8, (Guest::data(c) + 9 * kPage) | 3);
        g.write32(engine_tlb_register(engine), 1);
        EXPECT_EQ(g.read32(engine_tlb_register(engine)), 0u) << "done";
        EXPECT_TRUE(g.wait([&] { return g.peek(after) == 0x77; }));
        g.poke(before, 0);
        g.poke(after, 0);
        EXPECT_TRUE(g.wait([&] { return g.peek(after) == 0x77; }));
        EXPECT_EQ(g.peek(before), 0u);
        g.poke(Guest::batches(c), kBatchEnd);
        g.wait_complete(c);
    }
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

TEST_F(Mediated, ListsOfTwoAndLiteRestoresKeepTheirOrder)
{
    Guest &g = guest();
    auto a = g.context(ENGINE_RCS0, 0), b = g.context(ENGINE_RCS0, 1);
    for (unsigned round = 1; round <= 30; round++) {
        g.emit(a, store(0x100, 2 * round));
        g.emit(b, store(0x100, 3 * round));
        g.submit(a, &b);
        g.wait_complete(a);
        g.wait_complete(b);
        ASSERT_EQ(g.peek(Guest::data(a) + 0x100), 2 * round);
        ASSERT_EQ(g.peek(Guest::data(b) + 0x100), 3 * round);
    }
    // More and more of one context, without waiting. Each submission is answered by an entry: a lite restore, or an end.
    for (unsigned round = 1; round <= 200; round++) {
        g.emit(a, store(0x200, round));
        g.submit(a);
        while (g.status(ENGINE_RCS0).first & CSB_CONTEXT_COMPLETE)
            ;
        if (vgpu_failure(g.v))
            FAIL() << vgpu_failure(g.v);
    }
    EXPECT_TRUE(g.wait([&] { return g.peek(Guest::data(a) + 0x200) == 200; }));
    EXPECT_TRUE(g.wait([&] { return g.read32(0x2000 + RING_MI_MODE) >> 9 & 1; })) << "idle";
    EXPECT_EQ(g.peek(a.image + kPage + CTX_RING_HEAD * 4), a.tail);
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

TEST_F(Mediated, AnEndlessBatchIsPreemptedByAnotherListAndGoesOn)
{
    Guest &g = guest();
    auto a = g.context(ENGINE_BCS0, 0), c = g.context(ENGINE_BCS0, 1);
    // a: says that it runs, then goes round until somebody changes its jump to a batch end.
    std::vector<uint32_t> commands = store(0x40, 1);
    append(commands, {kArbCheck, kBatchStart, 0x100000 + 16, 0});
    g.put(Guest::batches(a), commands);
    g.emit(a, batch(0x100000));
    g.emit(a, store(0x44, 2));
    g.submit(a);
    EXPECT_EQ(g.status(ENGINE_BCS0).first, uint32_t(CSB_IDLE_ACTIVE));
    ASSERT_TRUE(g.wait([&] { return g.peek(Guest::data(a) + 0x40) == 1; }));
    g.emit(c, store(0x48, 3));
    g.submit(c);
    EXPECT_EQ(g.status(ENGINE_BCS0), (std::pair<uint32_t, uint32_t>(CSB_PREEMPTED, uint32_t(a.desc >> 32))));
    EXPECT_EQ(g.status(ENGINE_BCS0), (std::pair<uint32_t, uint32_t>(CSB_CONTEXT_COMPLETE | CSB_ACTIVE_IDLE, uint32_t(c.desc >> 32))));
    EXPECT_EQ(g.peek(Guest::data(c) + 0x48), 3u);
    EXPECT_EQ(g.peek(Guest::data(a) + 0x44), 0u);
    // It goes on where it was when it is submitted again.
    g.poke(Guest::batches(a) + 5 * 4, kBatchEnd);
    g.submit(a);
    g.wait_complete(a);
    EXPECT_EQ(g.peek(Guest::data(a) + 0x44), 2u);
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

TEST_F(Mediated, GuestsDoNotMeet)
{
    Guest &one = guest(), &two = guest();
    std::vector<std::thread> threads;
    std::atomic<unsigned> wrong = 0;
    for (Guest *g : {&one, &two}) {
        threads.emplace_back([&, g] {
            uint32_t mark = g == &one ? 0x11110000 : 0x22220000;
            std::vector<Guest::Context> contexts;
            for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
                contexts.push_back(g->context(engine, 0));
            for (unsigned round = 1; round <= 40; round++) {
                for (auto &c : contexts) {
                    g->emit(c, store(0x300, mark + round)); // the same addresses in both guests
                    g->submit(c);
                }
                for (auto &c : contexts) {
                    g->wait_complete(c);
                    wrong += g->peek(Guest::data(c) + 0x300) != mark + round;
                }
            }
        });
    }
    for (auto &thread : threads)
        thread.join();
    EXPECT_EQ(wrong, 0u);
    for (Guest *g : {&one, &two}) {
        EXPECT_EQ(vgpu_failure(g->v), nullptr);
        struct vgpu_stats stats;
        vgpu_stats(g->v, &stats);
        EXPECT_EQ(stats.usage.workloads[ENGINE_VECS0], 40u);
        EXPECT_GT(stats.usage.busy_ns[ENGINE_VECS0], 0u);
    }
}

TEST_F(Mediated, AHungGuestRecoversByItsOwnResetAndTheOtherRunsOn)
{
    Guest &bad = guest(), &good = guest();
    auto a = bad.context(ENGINE_RCS0, 0), b = good.context(ENGINE_RCS0, 0);
    // An endless loop without an arbitration point: nothing preempts it, the hang check ends it.
    std::vector<uint32_t> commands = {0x08 << 23 | 0, kBatchStart, 0x100000, 0}; // MI_ARB_ON_OFF: off
    bad.put(Guest::batches(a), commands);
    bad.emit(a, batch(0x100000));
    bad.submit(a);
    EXPECT_EQ(bad.status(ENGINE_RCS0).first, uint32_t(CSB_IDLE_ACTIVE));
    for (unsigned round = 1; round <= 20; round++) {
        good.emit(b, store(0x400, round));
        good.submit(b);
        good.wait_complete(b);
        ASSERT_EQ(good.peek(Guest::data(b) + 0x400), round);
    }
    struct vgpu_stats stats;
    ASSERT_TRUE(bad.wait([&] {
        vgpu_stats(bad.v, &stats);
        return stats.usage.hangs > 0;
    }));
    // What is told of it: where it stood, and the batch out of its own address space.
    ASSERT_TRUE(bad.wait([&] {
        std::lock_guard lock(bad.mutex);
        return !bad.hangs.empty();
    }));
    struct error_state *told = error_state_parse(bad.hangs[0].c_str(), nullptr);
    ASSERT_NE(told, nullptr) << bad.hangs[0];
    EXPECT_EQ(told->engine, unsigned(ENGINE_RCS0));
    EXPECT_EQ(told->context, a.gma);
    EXPECT_STREQ(told->guest, "guest");
    EXPECT_NE(std::string(told->reason).find("arbitration point"), std::string::npos);
    EXPECT_GE(error_state_active_head(told), 0x100000u);
    EXPECT_LE(error_state_active_head(told), 0x100000 + 4 * commands.size());
    EXPECT_EQ(told->ring.dwords[0], kBatchStart);
    EXPECT_EQ(told->batch.gma, 0x100000u);
    ASSERT_GE(told->batch.count, commands.size());
    EXPECT_TRUE(std::equal(commands.begin(), commands.end(), told->batch.dwords));
    error_state_free(told);
    EXPECT_TRUE(good.hangs.empty());
    EXPECT_EQ(bad.peek(bad.hwsp(ENGINE_RCS0) + HWSP_CSB_WRITE_DWORD * 4), 0u) << "no entry after the first";
    EXPECT_EQ(vgpu_failure(bad.v), nullptr);
    recover(bad, 1);
}

TEST_F(Mediated, PrivilegedNonsenseFailsOneGuestOnly)
{
    Guest &bad = guest(), &good = guest();
    auto a = bad.context(ENGINE_BCS0, 0), b = good.context(ENGINE_BCS0, 0);
    good.emit(b, store(0x10, 1));
    bad.emit(a, {kStoreImm | 1 << 22, uint32_t(good.low + 0x1000), 0, 0x666}); // the global GTT, in the other's partition
    bad.submit(a);
    good.submit(b);
    ASSERT_TRUE(bad.wait_failure());
    EXPECT_NE(bad.failure.find("bcs0"), std::string::npos) << bad.failure;
    good.wait_complete(b);
    EXPECT_EQ(good.peek(Guest::data(b) + 0x10), 1u);
    EXPECT_EQ(vgpu_failure(good.v), nullptr);
}

TEST_F(Mediated, GlobalStoresAndStatusPagesAreTheGuestsOwn)
{
    Guest &g = guest();
    auto c = g.context(ENGINE_RCS0, 0);
    g.bind(g.low + 0x40000, 0x80000, kPage);
    g.emit(c, {kStoreImm | 1 << 22, uint32_t(g.low + 0x40010), 0, 0x7777});
    g.submit(c);
    g.wait_complete(c);
    EXPECT_EQ(g.peek(0x80010), 0x7777u);
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

TEST_F(Mediated, ResetInTheMiddleOfWork)
{
    Guest &g = guest();
    for (unsigned round = 0; round < 10; round++) {
        auto a = g.context(ENGINE_VCS0, 0);
        a.tail = 0;
        g.poke(a.image + kPage + CTX_RING_HEAD * 4, 0);
        std::vector<uint32_t> commands = {kArbCheck, kBatchStart, 0x100000, 0};
        for (size_t i = 0; i < commands.size(); i++)
            g.poke(Guest::batches(a) + 4 * i, commands[i]);
        g.emit(a, batch(0x100000));
        g.submit(a);
        EXPECT_EQ(g.status(ENGINE_VCS0).first, uint32_t(CSB_IDLE_ACTIVE));
        g.write32(R_GEN6_GDRST, round % 2 ? 1 : 1 << 2);
        EXPECT_EQ(g.read32(R_GEN6_GDRST), 0u);
        for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
            g.start_engine(engine);
        auto b = g.context(ENGINE_VCS0, 1);
        b.tail = 0;
        g.poke(b.image + kPage + CTX_RING_HEAD * 4, 0);
        g.emit(b, store(0x500, round + 1));
        g.submit(b);
        g.wait_complete(b);
        ASSERT_EQ(g.peek(Guest::data(b) + 0x500), round + 1);
    }
    EXPECT_EQ(vgpu_failure(g.v), nullptr);
}

} // namespace
