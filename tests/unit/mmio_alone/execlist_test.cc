// SPDX-License-Identifier: GPL-2.0-or-later
// Virtual execlists: what a guest's submissions become, and the context status, memory and interrupts that it sees, for every order in which
// the scheduler may answer.
#include "fixture.h"

namespace {

constexpr uint32_t kComplete = CSB_CONTEXT_COMPLETE, kSwitch = CSB_ELEMENT_SWITCH, kIdle = CSB_ACTIVE_IDLE;
using Entries = std::vector<std::pair<uint32_t, uint32_t>>; // status, context id

class Execlists : public VgpuAlone {
  protected:
    const uint32_t base = 0x22000; // the blitter
    const uint64_t hwsp = 0x300000;
    unsigned last = CSB_ENTRIES - 1; // index of the last entry that was looked at

    void SetUp() override
    {
        VgpuAlone::SetUp();
        bind(low, hwsp, kPage);
        write32(base + RING_HWS_PGA, low);
        write32(base + RING_IMR, ~uint32_t((ENGINE_IRQ_CONTEXT_SWITCH | ENGINE_IRQ_USER) << 16)); // as in the bank
        write32(0x44304, 0);
        write32(0x4430c, 0xffffffff);
        enable_msi();
        write32(0x44200, 1u << 31);
    }
    // A context number n: image in guest memory and bound, page tables with one page mapped at 0.
    uint64_t context(unsigned n, uint32_t tail = 64)
    {
        uint64_t gma = low + 0x100000 + n * 0x10000, gpa = 0x400000 + n * 0x10000, tables = 0x800000 + n * 0x10000;
        bind(gma, gpa, 2 * kPage);
        mem32(gpa + kPage + CTX_RING_TAIL * 4) = tail;
        mem32(gpa + kPage + CTX_RING_START * 4) = uint32_t(gma + 0x8000);
        mem32(gpa + kPage + CTX_RING_CTL * 4) = 1;
        mem32(gpa + kPage + CTX_PDP0_LDW * 4) = uint32_t(tables);
        for (unsigned level = 0; level < 3; level++)
            *reinterpret_cast<uint64_t *>(memory + tables + level * kPage) = (tables + (level + 1) * kPage) | 3;
        *reinterpret_cast<uint64_t *>(memory + tables + 3 * kPage) = (0x1000000 + n * kPage) | 3;
        return uint64_t(0x100 + n) << 32 | gma | DESC_PRIVILEGE | DESC_ADDRESSING_64 | DESC_VALID;
    }
    void submit(uint64_t first, uint64_t second = 0)
    {
        write32(base + RING_ELSP, uint32_t(second >> 32));
        write32(base + RING_ELSP, uint32_t(second));
        write32(base + RING_ELSP, uint32_t(first >> 32));
        write32(base + RING_ELSP, uint32_t(first));
    }
    // New entries in the status page since the last call, compared with those in the registers. Waits for at least n.
    Entries entries(unsigned n)
    {
        Entries all;
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (all.size() < n && std::chrono::steady_clock::now() < deadline) {
            while (last != guest32(hwsp + HWSP_CSB_WRITE_DWORD * 4) && guest32(hwsp + HWSP_CSB_WRITE_DWORD * 4) < CSB_ENTRIES) {
                if (all.empty() && last == CSB_ENTRIES - 1 && read32(base + RING_CONTEXT_STATUS_PTR) % 8 == 7)
                    break; // nothing yet
                last = (last + 1) % CSB_ENTRIES;
                uint64_t at = hwsp + (HWSP_CSB_DWORD + 2 * last) * 4;
                all.push_back({guest32(at), guest32(at + 4)});
                EXPECT_EQ(read32(base + RING_CONTEXT_STATUS_BUF + 8 * last), all.back().first);
                EXPECT_EQ(read32(base + RING_CONTEXT_STATUS_BUF + 8 * last + 4), all.back().second);
            }
            sched_yield();
        }
        return all;
    }
    size_t queued() { return world.count(ENGINE_BCS0); }
    uint64_t desc(size_t n)
    {
        workload *w = world.queued(ENGINE_BCS0, n);
        return w ? w->desc : 0;
    }
    void end(enum workload_status status, uint32_t head = 64) { world.end(ENGINE_BCS0, status, head); }
};

TEST_F(Execlists, OneContext)
{
    uint64_t a = context(0);
    submit(a);
    EXPECT_EQ(entries(1), (Entries{{CSB_IDLE_ACTIVE, 0}}));
    ASSERT_TRUE(wait_messages(1)) << "the submission itself interrupts";
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), a);
    EXPECT_EQ(read32(base + RING_MI_MODE) & 0x200, 0u) << "busy";
    EXPECT_EQ(read32(base + RING_EXECLIST_STATUS_HI), 0x100u);
    EXPECT_EQ(read32(base + RING_TAIL), 64u);
    write32(0x44200, 0);
    write32(0x44308, 0xffffffff);
    write32(0x44200, 1u << 31);
    size_t before = messages();
    end(WORKLOAD_DONE, 64);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kIdle, 0x100}}));
    EXPECT_EQ(guest32(0x400000 + kPage + CTX_RING_HEAD * 4), 64u) << "the image is written back";
    ASSERT_TRUE(wait_messages(before + 1));
    EXPECT_EQ(read32(0x44308), uint32_t(ENGINE_IRQ_CONTEXT_SWITCH) << 16);
    EXPECT_EQ(read32(base + RING_MI_MODE) & 0x200, 0x200u);
    EXPECT_EQ(read32(base + RING_HEAD), 64u);
    EXPECT_EQ(count(TRACE_TRAP_ELSP), 4u);
    EXPECT_EQ(count(TRACE_SHADOW_SYNC), 1u);
}

TEST_F(Execlists, TwoContextsAreQueuedAtOnceAndEndOneByOne)
{
    uint64_t a = context(0), b = context(1);
    submit(a, b);
    EXPECT_EQ(entries(1), (Entries{{CSB_IDLE_ACTIVE, 0}}));
    ASSERT_EQ(queued(), 2u);
    EXPECT_EQ(desc(0), a);
    EXPECT_EQ(desc(1), b);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kSwitch, 0x100}}));
    EXPECT_EQ(queued(), 1u) << "the second is not queued twice";
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kIdle, 0x101}}));
}

TEST_F(Execlists, ALaterTailIsALiteRestore)
{
    uint64_t a = context(0);
    submit(a);
    context(0, 128);
    submit(a);
    EXPECT_EQ(entries(2), (Entries{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED | CSB_LITE_RESTORE, 0x100}}));
    EXPECT_EQ(queued(), 2u);
    EXPECT_EQ(world.preempts(ENGINE_BCS0), 0u) << "nothing has to stop";
    end(WORKLOAD_DONE, 64);
    EXPECT_EQ(read32(base + RING_CONTEXT_STATUS_PTR) & 7, 1u) << "the element has not ended";
    end(WORKLOAD_DONE, 128);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kIdle, 0x100}}));
}

TEST_F(Execlists, LiteRestoreWithASecondElement)
{
    uint64_t a = context(0), c = context(2);
    submit(a);
    submit(a, c);
    EXPECT_EQ(entries(2), (Entries{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED | CSB_LITE_RESTORE, 0x100}}));
    ASSERT_EQ(queued(), 3u);
    EXPECT_EQ(desc(2), c);
    end(WORKLOAD_DONE);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kSwitch, 0x100}}));
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kIdle, 0x102}}));
}

TEST_F(Execlists, AnotherContextPreempts)
{
    uint64_t a = context(0), c = context(2);
    submit(a);
    EXPECT_EQ(entries(1).size(), 1u);
    submit(c);
    EXPECT_EQ(world.preempts(ENGINE_BCS0), 1u);
    EXPECT_EQ(queued(), 1u) << "the new list waits";
    EXPECT_EQ(read32(base + RING_EXECLIST_STATUS_LO) & 4, 4u);
    end(WORKLOAD_PREEMPTED, 16);
    EXPECT_EQ(entries(1), (Entries{{CSB_PREEMPTED, 0x100}}));
    EXPECT_EQ(guest32(0x400000 + kPage + CTX_RING_HEAD * 4), 16u);
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), c);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kIdle, 0x102}}));
}

TEST_F(Execlists, PreemptionThatComesTooLate)
{
    uint64_t a = context(0), c = context(2);
    submit(a);
    submit(c);
    EXPECT_EQ(entries(1).size(), 1u);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(2), (Entries{{kComplete | kIdle, 0x100}, {CSB_IDLE_ACTIVE, 0}}));
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), c);
    // And the machine takes a preemption again.
    submit(a);
    EXPECT_EQ(world.preempts(ENGINE_BCS0), 2u);
    end(WORKLOAD_PREEMPTED);
    EXPECT_EQ(entries(1), (Entries{{CSB_PREEMPTED, 0x102}}));
    EXPECT_EQ(desc(0), a);
    end(WORKLOAD_DONE);
}

TEST_F(Execlists, PreemptionOfAListOfTwo)
{
    uint64_t a = context(0), b = context(1), c = context(2);
    // The first ends, the second is taken off before it began.
    submit(a, b);
    submit(c);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(2), (Entries{{CSB_IDLE_ACTIVE, 0}, {kComplete | kSwitch, 0x100}}));
    EXPECT_EQ(queued(), 1u);
    end(WORKLOAD_PREEMPTED, 0);
    EXPECT_EQ(entries(1), (Entries{{CSB_PREEMPTED, 0x101}}));
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), c);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(1).size(), 1u);
    // Both are taken off: the new list starts when both have come back.
    submit(a, b);
    submit(c);
    end(WORKLOAD_PREEMPTED, 8);
    EXPECT_EQ(entries(1), (Entries{{CSB_IDLE_ACTIVE, 0}}));
    EXPECT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), b);
    end(WORKLOAD_PREEMPTED, 0);
    EXPECT_EQ(entries(1), (Entries{{CSB_PREEMPTED, 0x100}}));
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), c);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kIdle, 0x102}}));
    // Both end in spite of it.
    submit(a, b);
    submit(c);
    end(WORKLOAD_DONE);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(4),
              (Entries{{CSB_IDLE_ACTIVE, 0}, {kComplete | kSwitch, 0x100}, {kComplete | kIdle, 0x101}, {CSB_IDLE_ACTIVE, 0}}));
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), c);
    end(WORKLOAD_DONE);
}

TEST_F(Execlists, SameFirstContextButTheSecondIsQueuedAlready)
{
    uint64_t a = context(0), b = context(1), c = context(2);
    submit(a, b);
    submit(a, c);
    EXPECT_EQ(world.preempts(ENGINE_BCS0), 1u) << "b must not run any more";
    EXPECT_EQ(queued(), 2u);
    end(WORKLOAD_PREEMPTED, 8);
    end(WORKLOAD_PREEMPTED, 0);
    EXPECT_EQ(entries(2), (Entries{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED | CSB_LITE_RESTORE, 0x100}}));
    ASSERT_EQ(queued(), 2u);
    EXPECT_EQ(desc(0), a);
    EXPECT_EQ(desc(1), c);
    end(WORKLOAD_DONE);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(2), (Entries{{kComplete | kSwitch, 0x100}, {kComplete | kIdle, 0x102}}));
}

TEST_F(Execlists, ANewerListReplacesTheWaitingOne)
{
    uint64_t a = context(0), b = context(1), c = context(2);
    submit(a);
    submit(b);
    submit(c);
    EXPECT_EQ(world.preempts(ENGINE_BCS0), 1u);
    end(WORKLOAD_PREEMPTED);
    EXPECT_EQ(entries(2), (Entries{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED, 0x100}}));
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), c);
    end(WORKLOAD_DONE);
}

TEST_F(Execlists, AHungEngineSaysNothingUntilItIsReset)
{
    uint64_t a = context(0), b = context(1);
    submit(a);
    EXPECT_EQ(entries(1).size(), 1u);
    end(WORKLOAD_HUNG);
    EXPECT_EQ(read32(base + RING_CONTEXT_STATUS_PTR) & 7, 0u) << "no entry";
    EXPECT_EQ(read32(base + RING_MI_MODE) & 0x200, 0u) << "still busy";
    EXPECT_EQ(vgpu_failure(v), nullptr);
    submit(b);
    EXPECT_EQ(queued(), 0u);
    // The guest's heartbeat: stop, request, reset, resume.
    write32(base + RING_MI_MODE, 1 << 24 | 1 << 8);
    EXPECT_EQ(read32(base + RING_MI_MODE) & 0x200, 0x200u);
    write32(base + RING_RESET_CTL, 0x10001);
    EXPECT_EQ(read32(base + RING_RESET_CTL) & 2, 2u);
    write32(R_GEN6_GDRST, 1 << 3);
    EXPECT_EQ(read32(R_GEN6_GDRST), 0u);
    EXPECT_EQ(read32(base + RING_CONTEXT_STATUS_PTR) & 7, 7u);
    write32(base + RING_HWS_PGA, low);
    mem32(hwsp + HWSP_CSB_WRITE_DWORD * 4) = last = CSB_ENTRIES - 1;
    submit(b);
    EXPECT_EQ(entries(1), (Entries{{CSB_IDLE_ACTIVE, 0}}));
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), b);
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kIdle, 0x101}}));
}

// A driver appends to a context that has hung, before the vGPU has heard of the hang: that is no reason to disable it.
TEST_F(Execlists, AnAppendThatMeetsAHangIsDropped)
{
    uint64_t a = context(0), b = context(1);
    submit(a);
    EXPECT_EQ(entries(1).size(), 1u);
    world.fail_next_workload = "busy";
    submit(a);
    EXPECT_EQ(vgpu_failure(v), nullptr);
    EXPECT_EQ(queued(), 1u);
    end(WORKLOAD_HUNG);
    submit(b);
    EXPECT_EQ(queued(), 0u);
    write32(R_GEN6_GDRST, 1 << 3);
    write32(base + RING_HWS_PGA, low);
    mem32(hwsp + HWSP_CSB_WRITE_DWORD * 4) = last = CSB_ENTRIES - 1;
    submit(b);
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), b);
    end(WORKLOAD_DONE);
    EXPECT_EQ(vgpu_failure(v), nullptr);
}

// The scheduler may give up on a context just when the guest's driver does: the reset is behind the hang, and the engine works again.
TEST_F(Execlists, ResetForgetsAHangThatHasNotBeenTaken)
{
    uint64_t a = context(0), b = context(1);
    submit(a);
    EXPECT_EQ(entries(1).size(), 1u);
    world.reset_status = WORKLOAD_HUNG;
    write32(R_GEN6_GDRST, 1 << 3);
    write32(base + RING_HWS_PGA, low);
    mem32(hwsp + HWSP_CSB_WRITE_DWORD * 4) = last = CSB_ENTRIES - 1;
    submit(b);
    ASSERT_EQ(queued(), 1u);
    EXPECT_EQ(desc(0), b);
    EXPECT_EQ(entries(1), (Entries{{CSB_IDLE_ACTIVE, 0}}));
    end(WORKLOAD_DONE);
    EXPECT_EQ(entries(1), (Entries{{kComplete | kIdle, 0x101}}));
}

TEST_F(Execlists, ResetCancelsWhatIsQueued)
{
    uint64_t a = context(0), b = context(1);
    submit(a, b);
    EXPECT_EQ(entries(1).size(), 1u);
    write32(R_GEN6_GDRST, 1);
    EXPECT_EQ(queued(), 0u);
    EXPECT_EQ(world.created, world.freed);
    EXPECT_EQ(guest32(0x400000 + kPage + CTX_RING_HEAD * 4), 0u) << "nothing is written back";
    EXPECT_EQ(guest32(hwsp + HWSP_CSB_WRITE_DWORD * 4), 0u);
}

TEST_F(Execlists, ShadowTablesLeadToGuestMemoryAndFollowChanges)
{
    uint64_t a = context(0);
    std::vector<uint64_t> leaves;
    world.on_create = [&](workload *w) {
        std::lock_guard lock(world.mutex);
        EXPECT_TRUE(w->four_level);
        uint64_t table = w->pdp[0];
        for (unsigned level = 0; level < 4; level++) {
            uint64_t entry = 0;
            for (auto &[at, mapping] : world.device.mappings)
                if (table - at < mapping.size)
                    entry = *reinterpret_cast<uint64_t *>(mapping.host + (table - at));
            table = entry & PTE_ADDRESS;
        }
        leaves.push_back(table);
    };
    submit(a);
    end(WORKLOAD_DONE);
    *reinterpret_cast<uint64_t *>(memory + 0x803000) = 0x1234000 | 3;
    submit(a);
    end(WORKLOAD_DONE);
    ASSERT_EQ(leaves.size(), 2u);
    EXPECT_EQ(leaves[0], iova() + 0x1000000);
    EXPECT_EQ(leaves[1], iova() + 0x1234000);
}

TEST_F(Execlists, BadDescriptorsAndContextsFailTheVgpuWithTheReason)
{
    struct {
        uint64_t desc;
        const char *reason;
    } bad[] = {
        {context(0) & ~uint64_t(DESC_PRIVILEGE), "per-process GTT"},
        {context(0) & ~uint64_t(DESC_ADDRESSING_MASK), "addressing mode"},
        {uint64_t(1) << 32 | DESC_PRIVILEGE | DESC_ADDRESSING_64 | DESC_VALID, "outside of the guest's graphics memory"},
        {(low + (128 << 20) - kPage) | DESC_PRIVILEGE | DESC_ADDRESSING_64 | DESC_VALID, "outside of the guest's graphics memory"},
        {(low + 0x700000) | DESC_PRIVILEGE | DESC_ADDRESSING_64 | DESC_VALID, "not mapped to guest memory"},
    };
    for (auto &b : bad) {
        bind(low + 0x100000, 0x400000, 2 * kPage);
        failures.clear();
        submit(b.desc);
        ASSERT_TRUE(wait_failure());
        EXPECT_NE(failures[0].find(b.reason), std::string::npos) << failures[0];
        EXPECT_NE(failures[0].find("bcs0"), std::string::npos) << failures[0];
        dev->ops->reset(dev);
    }
    uint64_t a = context(0);
    failures.clear();
    world.fail_next_workload = "bcs0: MI_UPDATE_GTT is not allowed"; // the scheduler names the engine
    submit(a);
    ASSERT_TRUE(wait_failure());
    EXPECT_EQ(failures[0], "bcs0: MI_UPDATE_GTT is not allowed");
    EXPECT_EQ(queued(), 0u);
}

TEST_F(Execlists, FailureTakesQueuedWorkBack)
{
    submit(context(0), context(1));
    EXPECT_EQ(queued(), 2u);
    write32(0x78808, 1);
    ASSERT_TRUE(wait_failure());
    EXPECT_EQ(queued(), 0u);
    EXPECT_EQ(world.created, world.freed);
    submit(context(0));
    EXPECT_EQ(queued(), 0u);
}

TEST_F(Execlists, FlipsHappenWhenTheirWorkloadHasEnded)
{
    const uint32_t flip[3] = {0x14 << 23 | 1, 10 << 6, 0x8100000};
    world.on_create = [&](workload *w) { w->client->config.ops->display_flip(w->client->config.guest, flip, 3); };
    submit(context(0));
    EXPECT_EQ(read32(0x7019c), 0u);
    end(WORKLOAD_DONE);
    while (read32(0x7019c) == 0)
        sched_yield();
    EXPECT_EQ(read32(0x7019c), 0x8100000u);
    EXPECT_EQ(read32(0x70188), 10u);
}

TEST_F(Execlists, WhatTheSchedulerMayAsk)
{
    const guest_ops *ops = world.client->config.ops;
    void *guest = world.client->config.guest;
    EXPECT_TRUE(ops->ggtt_owned(guest, low, 128 << 20));
    EXPECT_FALSE(ops->ggtt_owned(guest, low, (128 << 20) + 1));
    EXPECT_FALSE(ops->ggtt_owned(guest, low + 1, 128 << 20));
    EXPECT_FALSE(ops->ggtt_owned(guest, low - 1, 2));
    EXPECT_FALSE(ops->ggtt_owned(guest, high, UINT64_MAX));
    EXPECT_FALSE(ops->ggtt_owned(guest, UINT64_MAX, 4));
    EXPECT_EQ(ops->status_page(guest, ENGINE_BCS0), low);
    uint32_t value = 0x55667788;
    EXPECT_TRUE(ops->ggtt_write(guest, low + kPage - 4, &value, 4));
    EXPECT_EQ(mem32(hwsp + kPage - 4), 0x55667788u);
    EXPECT_FALSE(ops->ggtt_write(guest, low + kPage - 2, &value, 4)) << "the next page is not mapped";
    EXPECT_FALSE(ops->ggtt_read(guest, 0, &value, 4));
    value = 0x12;
    EXPECT_TRUE(ops->register_write(guest, ENGINE_RCS0, 0xc800, &value));
    EXPECT_EQ(read32(0xc800), 0x12u);
    EXPECT_FALSE(ops->register_write(guest, ENGINE_RCS0, R_GEN6_GDRST, &value));
    EXPECT_FALSE(ops->register_write(guest, ENGINE_RCS0, base + RING_ELSP, &value));
    EXPECT_FALSE(ops->register_write(guest, ENGINE_RCS0, 0x44204, &value) && read32(0x44200) == 0x12);
    EXPECT_FALSE(ops->register_write(guest, ENGINE_RCS0, MMIO_SIZE, &value));
    EXPECT_FALSE(ops->register_write(guest, ENGINE_RCS0, 0xc801, &value));
    EXPECT_TRUE(ops->register_read(guest, ENGINE_RCS0, 0xc800, &value));
    EXPECT_EQ(value, 0x12u);
    EXPECT_TRUE(ops->register_read(guest, ENGINE_RCS0, 0x4430c, &value));
    EXPECT_EQ(value, 0xffffffffu);
    EXPECT_FALSE(ops->register_read(guest, ENGINE_RCS0, 0xfffffffc, &value));
}

TEST_F(Execlists, MemoryCanGoWhileWorkRuns)
{
    submit(context(0));
    ASSERT_EQ(queued(), 1u);
    ASSERT_TRUE(dma_space_unmap(host.dma, 0, kMemory, nullptr)); // no entry may be left: the fake checks
    end(WORKLOAD_DONE);
    ASSERT_TRUE(wait_failure());
    EXPECT_NE(failures[0].find("took the context image"), std::string::npos) << failures[0];
}

} // namespace
