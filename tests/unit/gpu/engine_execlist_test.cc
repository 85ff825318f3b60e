// SPDX-License-Identifier: GPL-2.0-or-later
// The model's engines as their driver sees them: submission, context status, preemption, context images, resets.
#include "engine_harness.h"

#include <ctime>

using namespace harness;

namespace {

constexpr uint32_t COMPLETE_IDLE = CSB_ACTIVE_IDLE | CSB_CONTEXT_COMPLETE;
constexpr uint32_t COMPLETE_SWITCH = CSB_ELEMENT_SWITCH | CSB_CONTEXT_COMPLETE;

class EngineExeclist : public testing::TestWithParam<unsigned> {
  protected:
    Machine m;
    unsigned engine = GetParam();
};
INSTANTIATE_TEST_SUITE_P(All, EngineExeclist, testing::Range(0u, static_cast<unsigned>(ENGINE_COUNT)),
                         [](const auto &info) { return std::string(gpu_engine_name(info.param)); });

// A batch in the PPGTT that stores 1 at flag, then spins at MI_ARB_CHECK until the first dword is made an end.
uint64_t spinner(Machine &m, uint64_t flag, bool arbitrate)
{
    uint64_t batch = m.alloc(1);
    m.put(batch, Words{arbitrate ? MI_ARB_CHECK : MI_NOOP} + sdi(flag, 1) +
                     Words{MI_NOOP, MI_BATCH_BUFFER_START | BB_PPGTT, m.ppa(batch), 0});
    return batch;
}

TEST_P(EngineExeclist, RunsARingAndReportsIt)
{
    Context c(m, engine, 7);
    uint64_t data = m.alloc(1);
    c.run(sdi_ggtt(data, 0x1234) + sdi(data + 4, 0x5678));
    EXPECT_EQ(m.word(data), 0x1234u);
    EXPECT_EQ(m.word(data + 4), 0x5678u);
    EXPECT_EQ(c.saved(CTX_RING_HEAD), c.tail);
    EXPECT_EQ(m.read(engine, 0x34), c.tail);
    EXPECT_TRUE(wait_for([&] { return m.read(engine, 0x9c) & 1 << 9; })) << "MODE_IDLE";
    // The second run continues in the same ring.
    c.run(sdi(data + 8, 9));
    EXPECT_EQ(m.word(data + 8), 9u);
    EXPECT_TRUE(m.quiet(engine));
}

TEST_P(EngineExeclist, RegistersShowTheStatusToo)
{
    Context c(m, engine, 7);
    c.run({MI_NOOP, MI_NOOP});
    EXPECT_EQ(m.read(engine, 0x370), static_cast<uint32_t>(CSB_IDLE_ACTIVE));
    EXPECT_EQ(m.read(engine, 0x378), COMPLETE_IDLE);
    EXPECT_EQ(m.read(engine, 0x37c), 7u);
    EXPECT_EQ(m.read(engine, 0x3a0) & 7, 1u);
    m.write(engine, 0x3a0, 0x07000100);
    EXPECT_EQ(m.read(engine, 0x3a0), 0x101u);
}

TEST_P(EngineExeclist, TwoElementsRunInOrder)
{
    Context a(m, engine, 1), b(m, engine, 2);
    uint64_t data = m.alloc(1);
    a.emit(sdi(data, 1));
    b.emit({MI_COPY_MEM_MEM, m.ppa(data + 4), 0, m.ppa(data), 0});
    a.publish();
    b.publish();
    m.elsp(engine, a.desc(), b.desc());
    EXPECT_EQ(m.events(engine, 3), (Events{{CSB_IDLE_ACTIVE, 0}, {COMPLETE_SWITCH, 1}, {COMPLETE_IDLE, 2}}));
    EXPECT_EQ(m.word(data + 4), 1u);
}

TEST_P(EngineExeclist, ManyRunsWrapTheRingAndTheStatusBuffer)
{
    Context c(m, engine, 3);
    uint64_t data = m.alloc(1);
    for (uint32_t i = 1; i <= 100; i++) {
        Words words = sdi(data, i);
        words.resize(251); // odd sizes make commands straddle the end of the ring
        c.run(words + sdi(data + 4, i));
        ASSERT_EQ(m.word(data), i);
        ASSERT_EQ(m.word(data + 4), i);
    }
    EXPECT_EQ(c.saved(CTX_RING_HEAD) >> 21, 100u * 256 * 4 / Context::RING) << "wrap count";
}

TEST_P(EngineExeclist, LiteRestoreContinuesWithTheNewTail)
{
    Context c(m, engine, 4);
    uint64_t flag = m.alloc(1);
    c.emit(sdi(flag, 1) + semaphore(flag + 4, 4, 1) + sdi(flag, 2));
    c.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    c.emit(sdi(flag + 8, 3));
    c.submit();
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED | CSB_LITE_RESTORE, 4}}));
    store32(m.at(flag + 4), 1);
    EXPECT_EQ(m.events(engine, 1), (Events{{COMPLETE_IDLE, 4}}));
    EXPECT_EQ(m.word(flag), 2u);
    EXPECT_EQ(m.word(flag + 8), 3u);
}

TEST_P(EngineExeclist, PreemptsABatchAndResumesIt)
{
    Context a(m, engine, 1), b(m, engine, 2);
    uint64_t flag = m.alloc(1), batch = spinner(m, flag, true);
    a.emit(a.start(batch, true) + sdi(flag + 8, 8));
    a.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    b.emit(sdi(flag + 4, 2));
    b.submit();
    EXPECT_EQ(m.events(engine, 3), (Events{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED, 1}, {COMPLETE_IDLE, 2}}));
    EXPECT_EQ(m.word(flag + 4), 2u);
    EXPECT_EQ(a.saved(CTX_BB_ADDR), m.ppa(batch + 4) | 1);
    EXPECT_EQ(a.saved(CTX_BB_STATE), 1u << 5);
    EXPECT_EQ(a.saved(CTX_RING_HEAD), 12u);
    // Back again: it spins on, until the batch ends.
    store32(m.at(flag), 0);
    m.elsp(engine, a.desc());
    ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    store32(m.at(batch), MI_BATCH_BUFFER_END);
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {COMPLETE_IDLE, 1}}));
    EXPECT_EQ(m.word(flag + 8), 8u);
    EXPECT_EQ(a.saved(CTX_BB_ADDR) & 1, 0u);
}

// A loop that does nothing is looked at now and then, by whom it is to be preempted and by whom it is to be ended; one batch or two that jump to each other.
TEST_P(EngineExeclist, ALoopThatDoesNothingCostsTheHostLittle)
{
    for (bool arbitrate : {false, true}) {
        for (bool two : {false, true}) {
            Context a(m, engine, 1), b(m, engine, 2);
            uint64_t flag = m.alloc(1), first = m.alloc(1), loop = m.alloc(1), back = two ? m.alloc(1) : loop;
            m.put(first, sdi(flag, 1) + Words{MI_BATCH_BUFFER_START | BB_PPGTT, m.ppa(loop), 0});
            m.put(loop, Words{arbitrate ? MI_ARB_CHECK : MI_NOOP, MI_NOOP, MI_BATCH_BUFFER_START | BB_PPGTT, m.ppa(back), 0});
            if (two)
                m.put(back, Words{MI_NOOP, MI_BATCH_BUFFER_START | BB_PPGTT, m.ppa(loop), 0});
            a.emit(a.start(first, true) + sdi(flag + 4, 4));
            a.submit();
            ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
            clock_t began = clock();
            g_usleep(100000);
            EXPECT_LT(static_cast<double>(clock() - began) / CLOCKS_PER_SEC, 0.05);
            b.emit(sdi(flag + 8, 8));
            b.submit();
            if (!arbitrate) { // the end of the batch is the first place where another context may come
                g_usleep(20000);
                EXPECT_EQ(m.word(flag + 8), 0u);
                store32(m.at(loop), MI_BATCH_BUFFER_END);
            }
            EXPECT_EQ(m.events(engine, 3), (Events{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED, 1}, {COMPLETE_IDLE, 2}}));
            EXPECT_EQ(m.word(flag + 8), 8u);
            EXPECT_EQ(m.word(flag + 4), 0u);
            store32(m.at(loop), MI_BATCH_BUFFER_END);
            m.elsp(engine, a.desc());
            EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {COMPLETE_IDLE, 1}}));
            EXPECT_EQ(m.word(flag + 4), 4u);
        }
    }
}

TEST_P(EngineExeclist, PreemptsASecondLevelBatchAndResumesIt)
{
    Context a(m, engine, 1), b(m, engine, 2);
    uint64_t flag = m.alloc(1), first = m.alloc(1), second = m.alloc(1);
    // GPR 0 counts in both levels, so that a command executed twice or not at all would show.
    uint32_t gpr = m.base(engine) + 0x600;
    m.put(first, lri(gpr, 5) + Words{MI_BATCH_BUFFER_START | BB_SECOND | BB_PPGTT, m.ppa(second), 0} + srm(gpr, flag + 8) +
                     Words{MI_BATCH_BUFFER_END});
    m.put(second, sdi(flag, 1) + semaphore(flag + 4, 4, 1) + Words{MI_MATH | 3, 0x08008000 | 0u, 0x48108400 | 0u, 0x10000000, 0x18000031} +
                      Words{MI_BATCH_BUFFER_END});
    // LOAD srca, r0; LOAD1 srcb (all ones); SUB: r0 - (-1) = r0 + 1; STORE r0, accu
    m.put(second + 4 * 8, {MI_MATH | 3, 0x080u << 20 | 0x20 << 10 | 0, 0x481u << 20 | 0x21 << 10, 0x101u << 20, 0x180u << 20 | 0x31});
    a.emit(a.start(first, true) + sdi(flag + 12, 3));
    a.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    b.emit(sdi(flag + 16, 1) + lri(gpr, 99));
    b.submit();
    EXPECT_EQ(m.events(engine, 3), (Events{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED, 1}, {COMPLETE_IDLE, 2}}));
    EXPECT_EQ(a.saved(CTX_SBB_ADDR), m.ppa(second + 16) | 1) << "the wait is executed again";
    EXPECT_EQ(a.saved(CTX_BB_ADDR), m.ppa(first + 24) | 1);
    store32(m.at(flag + 4), 1);
    m.elsp(engine, a.desc());
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {COMPLETE_IDLE, 1}}));
    EXPECT_EQ(m.word(flag + 8), 6u) << "registers are the context's own";
    EXPECT_EQ(m.word(flag + 12), 3u);
}

TEST_P(EngineExeclist, ArbitrationOffHoldsPreemptionBack)
{
    Context a(m, engine, 1), b(m, engine, 2);
    uint64_t flag = m.alloc(1);
    a.emit(Words{MI_ARB_ON_OFF} + sdi(flag, 1) + semaphore(flag + 4, 4, 1) + Words{MI_ARB_CHECK} + sdi(flag + 8, 1) +
           Words{MI_ARB_ON_OFF | 1, MI_ARB_CHECK} + sdi(flag + 12, 1));
    a.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    b.emit({MI_NOOP, MI_NOOP});
    b.submit();
    EXPECT_EQ(m.events(engine, 1), (Events{{CSB_IDLE_ACTIVE, 0}}));
    store32(m.at(flag + 4), 1);
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_PREEMPTED, 1}, {COMPLETE_IDLE, 2}}));
    EXPECT_EQ(m.word(flag + 8), 1u);
    EXPECT_EQ(m.word(flag + 12), 0u);
    m.elsp(engine, a.desc());
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {COMPLETE_IDLE, 1}}));
    EXPECT_EQ(m.word(flag + 12), 1u);
}

TEST_P(EngineExeclist, APreemptionContextOfNoCommandsEmptiesTheEngine)
{
    Context a(m, engine, 1), idle(m, engine, 9);
    uint64_t flag = m.alloc(1);
    a.emit(a.start(spinner(m, flag, true), true));
    a.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    m.elsp(engine, idle.desc());
    EXPECT_EQ(m.events(engine, 3), (Events{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED, 1}, {COMPLETE_IDLE, 9}}));
    EXPECT_TRUE(wait_for([&] { return m.read(engine, 0x9c) & 1 << 9; }));
}

TEST_P(EngineExeclist, ForceRestoreReloadsTheRunningContext)
{
    Context a(m, engine, 1);
    uint64_t flag = m.alloc(1);
    a.emit(sdi(flag, 1) + semaphore(flag + 4, 4, 1) + sdi(flag + 8, 1));
    a.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    m.elsp(engine, a.desc(DESC_FORCE_RESTORE));
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED, 1}}));
    store32(m.at(flag + 4), 1);
    EXPECT_EQ(m.events(engine, 1), (Events{{COMPLETE_IDLE, 1}}));
    EXPECT_EQ(m.word(flag + 8), 1u);
}

TEST_P(EngineExeclist, AWaitYieldsWhenTheImageLetsIt)
{
    Context a(m, engine, 1), b(m, engine, 2);
    uint64_t flag = m.alloc(1);
    a.state(CTX_CONTEXT_CONTROL, 0x00090000); // switches at waits are not inhibited
    a.emit(semaphore(flag, 4, 1) + sdi(flag + 4, 1));
    b.emit(sdi(flag + 8, 2));
    a.publish();
    b.publish();
    m.elsp(engine, a.desc(), b.desc());
    EXPECT_EQ(m.events(engine, 3), (Events{{CSB_IDLE_ACTIVE, 0}, {CSB_ELEMENT_SWITCH | 1 << 7, 1}, {COMPLETE_IDLE, 2}}));
    EXPECT_EQ(m.word(flag + 8), 2u);
    EXPECT_EQ(m.word(flag + 4), 0u);
    store32(m.at(flag), 1);
    m.elsp(engine, a.desc());
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {COMPLETE_IDLE, 1}}));
    EXPECT_EQ(m.word(flag + 4), 1u);
}

TEST_P(EngineExeclist, AListThatWaitsPreemptsTheSecondElementBeforeItsFirstCommand)
{
    Context a(m, engine, 1), b(m, engine, 2), c(m, engine, 3);
    uint64_t data = m.alloc(1);
    a.emit(Words{MI_ARB_ON_OFF} + sdi(data, 1) + semaphore(data + 4, 4, 1));
    b.emit(sdi(data + 8, 2));
    c.emit(sdi(data + 12, 3));
    a.publish();
    b.publish();
    c.publish();
    m.elsp(engine, a.desc(), b.desc());
    ASSERT_TRUE(wait_for([&] { return m.word(data) == 1; }));
    m.elsp(engine, c.desc());
    store32(m.at(data + 4), 1);
    EXPECT_EQ(m.events(engine, 4),
              (Events{{CSB_IDLE_ACTIVE, 0}, {COMPLETE_SWITCH, 1}, {CSB_PREEMPTED, 2}, {COMPLETE_IDLE, 3}}));
    EXPECT_EQ(m.word(data + 8), 0u);
    EXPECT_EQ(m.word(data + 12), 3u);
    b.submit();
    EXPECT_EQ(m.events(engine, 2).size(), 2u);
    EXPECT_EQ(m.word(data + 8), 2u);
}

TEST_P(EngineExeclist, A32BitAddressSpaceHasFourPageDirectories)
{
    Context c(m, engine, 1);
    uint64_t data = m.alloc(1), pdp, pd;
    memcpy(&pdp, m.memory + m.pml4, 8);
    memcpy(&pd, m.memory + ((pdp & PTE_ADDRESS) - m.iova) + 8 * (Machine::PPA >> 30), 8);
    c.state(CTX_PDP0_UDW, 0);
    c.state(CTX_PDP0_LDW, 0);
    c.state(CTX_PDP0_UDW - 4, static_cast<uint32_t>(pd >> 32)); // PDP1: the second GiB
    c.state(CTX_PDP0_LDW - 4, static_cast<uint32_t>(pd & PTE_ADDRESS));
    c.emit(sdi(data, 1));
    c.publish();
    m.elsp(engine, (c.desc() & ~static_cast<uint64_t>(DESC_ADDRESSING_MASK)) | DESC_ADDRESSING_32);
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {COMPLETE_IDLE, 1}}));
    EXPECT_EQ(m.word(data), 1u);
}

TEST_P(EngineExeclist, PartOfACommandWaitsForItsRest)
{
    Context a(m, engine, 1);
    uint64_t data = m.alloc(1);
    a.emit(Words{MI_NOOP, MI_NOOP, MI_STORE_DATA_IMM, m.ppa(data)});
    a.submit();
    EXPECT_EQ(m.events(engine, 1), (Events{{CSB_IDLE_ACTIVE, 0}}));
    EXPECT_TRUE(wait_for([&] { return m.read(engine, 0x34) == 8; })) << "the head stays at the command";
    a.emit({0, 77});
    a.submit();
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_PREEMPTED | CSB_LITE_RESTORE, 1}, {COMPLETE_IDLE, 1}}));
    EXPECT_EQ(m.word(data), 77u);
}

TEST_P(EngineExeclist, TheImageHasTheLayoutOfTheTable)
{
    Context c(m, engine, 1);
    c.run({MI_NOOP, MI_NOOP});
    unsigned count;
    const context_dword *row = context_layout(engine, &count);
    ASSERT_GT(count, 60u);
    for (; count > 0; count--, row++) {
        uint32_t expected = row->header ? 0x22u << 23 | (row->posted ? 1u << 12 : 0) | (2 * row->header - 1) : row->offset;
        EXPECT_EQ(c.saved(row->index), expected) << "dword " << row->index;
    }
    EXPECT_EQ(c.saved(CTX_RING_START), m.gma(c.ring));
    EXPECT_EQ(c.saved(CTX_PDP0_LDW), static_cast<uint32_t>(m.iova + m.pml4));
    EXPECT_EQ(c.saved(CTX_CONTEXT_CONTROL), 0xffff0008u);
}

TEST_P(EngineExeclist, RestoreInhibitKeepsTheEngineState)
{
    Context a(m, engine, 1), b(m, engine, 2), c(m, engine, 3);
    uint64_t data = m.alloc(1);
    uint32_t gpr = m.base(engine) + 0x600 + 8 * 3;
    a.run(lri(gpr, 0xabcd));
    b.state(CTX_CONTEXT_CONTROL, 0x00090009);
    b.run(srm(gpr, data));
    EXPECT_EQ(m.word(data), 0xabcdu) << "what the last context left";
    EXPECT_EQ(b.saved(CTX_CONTEXT_CONTROL), 0xffff0008u) << "good for one restore";
    c.run(srm(gpr, data + 4));
    EXPECT_EQ(m.word(data + 4), 0u);
    b.run(srm(gpr, data + 8));
    EXPECT_EQ(m.word(data + 8), 0xabcdu) << "saved with b";
    a.run(srm(gpr, data + 12));
    EXPECT_EQ(m.word(data + 12), 0xabcdu);
}

TEST_P(EngineExeclist, IndirectAndPerContextBatchesRunAtEachRestore)
{
    Context c(m, engine, 1);
    uint64_t data = m.alloc(1), wa = m.alloc(2);
    uint32_t gpr = m.base(engine) + 0x600;
    // Both count with inline atomics; the indirect batch has no end but its size.
    auto count = [&](uint64_t to) { return Words{MI_ATOMIC | 1 | 7 << 8 | 1 << 18 | 8 | GGTT, m.gma(to), 0, 1, 0, 0, 0, 0, 0, 0, 0}; };
    m.put(wa, count(data) + Words(5, MI_NOOP) + count(data + 8));
    m.put(wa + 4096, count(data + 4) + lri(gpr, 0x77) + Words{MI_BATCH_BUFFER_END} + count(data + 12));
    c.state(CTX_INDIRECT_CTX, m.gma(wa) | 1);
    c.state(CTX_INDIRECT_CTX_OFFSET, 0x26 << 6);
    c.state(CTX_BB_PER_CTX_PTR, m.gma(wa + 4096) | 1);
    c.run(srm(gpr, data + 16));
    EXPECT_EQ(m.word(data), 1u);
    EXPECT_EQ(m.word(data + 4), 1u);
    EXPECT_EQ(m.word(data + 8), 0u) << "beyond the size of the indirect batch";
    EXPECT_EQ(m.word(data + 12), 0u) << "beyond the end of the per-context batch";
    EXPECT_EQ(m.word(data + 16), 0x77u) << "after the restore of registers";
    c.run({MI_NOOP, MI_NOOP});
    EXPECT_EQ(m.word(data), 2u);
    EXPECT_EQ(m.word(data + 4), 2u);
}

TEST_P(EngineExeclist, ContextTimestampCountsOnlyWhileItRuns)
{
    Context a(m, engine, 1);
    uint64_t data = m.alloc(1);
    a.state(CTX_TIMESTAMP, 1000);
    a.run(srm(m.base(engine) + 0x3a8, data) + srm(m.base(engine) + 0x358, data + 4));
    uint32_t saved = a.saved(CTX_TIMESTAMP);
    EXPECT_GE(m.word(data), 1000u);
    EXPECT_GE(saved, m.word(data));
    EXPECT_LT(saved, 1000u + 12000000 * 10);
    a.run(srm(m.base(engine) + 0x3a8, data));
    EXPECT_GE(m.word(data), saved);
}

TEST_P(EngineExeclist, TimestampIs12MHz)
{
    auto t0 = std::chrono::steady_clock::now();
    uint32_t ticks0 = m.read(engine, 0x358);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    uint32_t ticks1 = m.read(engine, 0x358);
    auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - t0).count();
    EXPECT_LE((ticks1 - ticks0) / 12e6 * 1e9, ns + 200.0);
    EXPECT_GE((ticks1 - ticks0) / 12e6 * 1e9, 20e6 - 200.0);
}

TEST_P(EngineExeclist, StopRingHaltsAndContinues)
{
    Context a(m, engine, 1);
    uint64_t flag = m.alloc(1), batch = spinner(m, flag, false);
    a.emit(a.start(batch, true));
    a.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    EXPECT_FALSE(m.read(engine, 0x9c) & 1 << 9) << "MODE_IDLE";
    m.write(engine, 0x9c, 0x01000100);
    EXPECT_TRUE(wait_for([&] { return m.read(engine, 0x9c) & 1 << 9; }));
    store32(m.at(flag), 0);
    m.write(engine, 0x9c, 0x01000000);
    EXPECT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    store32(m.at(batch), MI_BATCH_BUFFER_END);
    EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {COMPLETE_IDLE, 1}}));
}

TEST_P(EngineExeclist, ResetEndsAnEndlessBatch)
{
    Context a(m, engine, 1), b(m, engine, 2);
    uint64_t flag = m.alloc(1);
    a.emit(a.start(spinner(m, flag, false), true));
    a.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(flag) == 1; }));
    EXPECT_EQ(m.events(engine, 1), (Events{{CSB_IDLE_ACTIVE, 0}}));
    m.write(engine, 0xd0, 0x00010001);
    EXPECT_TRUE(wait_for([&] { return m.read(engine, 0xd0) & 2; })) << "READY_TO_RESET";
    m.reset(engine);
    store32(m.at(flag), 0);
    EXPECT_EQ(m.read(engine, 0x3a0) & 7, 5u);
    b.run(sdi(flag + 4, 2));
    EXPECT_EQ(m.word(flag + 4), 2u);
    EXPECT_EQ(m.word(flag), 0u) << "the old batch is gone";
}

TEST_P(EngineExeclist, AnUnknownCommandStopsTheEngineUntilReset)
{
    Context a(m, engine, 1), b(m, engine, 2);
    uint64_t data = m.alloc(1);
    a.emit(sdi(data, 1) + Words{0x1f800000} + sdi(data + 4, 1));
    a.submit();
    EXPECT_EQ(m.events(engine, 1), (Events{{CSB_IDLE_ACTIVE, 0}}));
    ASSERT_TRUE(wait_for([&] { return m.read(engine, 0xb0) & 1; })) << "EIR";
    EXPECT_EQ(m.read(engine, 0xb8) & 1, 1u) << "ESR";
    EXPECT_EQ(m.read(engine, 0x68), 0x1f800000u) << "IPEHR";
    EXPECT_EQ(m.read(engine, 0x74), m.gma(a.ring + 16)) << "ACTHD";
    EXPECT_EQ(m.word(data), 1u);
    EXPECT_EQ(m.word(data + 4), 0u);
    b.publish();
    m.elsp(engine, b.desc());
    EXPECT_TRUE(m.quiet(engine)) << "nothing preempts a hung engine";
    EXPECT_EQ(trace_count(m.trace, 0, TRACE_MODEL_ERROR), 1u);
    m.reset(engine);
    EXPECT_EQ(m.read(engine, 0xb8), 0u);
    b.run(sdi(data + 8, 3));
    EXPECT_EQ(m.word(data + 8), 3u);
}

TEST_P(EngineExeclist, AFaultStopsTheEngineUntilReset)
{
    Context a(m, engine, 1), b(m, engine, 2);
    uint64_t data = m.alloc(1);
    a.emit(Words{MI_STORE_DATA_IMM, 0x1000, 0, 5} + sdi(data, 1));
    a.submit();
    ASSERT_TRUE(wait_for([&] { return m.read(engine, 0xb0) & 0x10; }));
    EXPECT_EQ(m.word(data), 0u);
    m.reset(engine);
    b.run(sdi(data + 8, 3));
    EXPECT_EQ(m.word(data + 8), 3u);
    m.reset(engine);
    // An image, a ring and a batch that are not there.
    Context c(m, engine, 3);
    m.elsp(engine, DESC_VALID | DESC_PRIVILEGE | DESC_ADDRESSING_64 | 0xf0000000);
    ASSERT_TRUE(wait_for([&] { return m.read(engine, 0xb0) & 0x10; }));
    m.reset(engine);
    c.emit({MI_BATCH_BUFFER_START | BB_PPGTT, 0, 0, 0});
    c.submit();
    ASSERT_TRUE(wait_for([&] { return m.read(engine, 0xb0) & 0x10; }));
    m.reset(engine);
    b.run(sdi(data + 12, 4));
    EXPECT_EQ(m.word(data + 12), 4u);
}

TEST_P(EngineExeclist, NothingRunsWhileExeclistsAreOff)
{
    Context a(m, engine, 1);
    uint64_t data = m.alloc(1);
    m.write(engine, 0x29c, 0x80000000);
    a.emit(sdi(data, 1));
    a.submit();
    m.write(engine, 0x29c, 0x80008000);
    EXPECT_TRUE(m.quiet(engine));
    a.submit();
    EXPECT_EQ(m.events(engine, 2).size(), 2u);
    EXPECT_EQ(m.word(data), 1u);
}

} // namespace
