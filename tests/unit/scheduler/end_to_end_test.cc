/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests' work through audit, shadow contexts, dispatch and completion on the model: what ends up in memory and images. */
#include "gpu_between.h"
#include "gpu_fixture.h"

#include <atomic>
#include <thread>

using namespace sched_test;

namespace {

class EveryEngine : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Engines, EveryEngine, testing::Range(0u, unsigned(ENGINE_COUNT)),
                         [](const auto &info) { return gpu_engine_name(info.param); });

TEST_P(EveryEngine, RunsASegmentAndWritesTheContextBack)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, GetParam());
    uint64_t at = guest.alloc(1);
    uint32_t gpr = engine_mmio_base(GetParam()) + RING_GPR;
    context.run(store(guest, at, 0x1234) + store(guest, at + 4, 0x5678, true) + Words{op(CMD_MI_LOAD_REGISTER_IMM, 3), gpr, 0xabcd} +
                Words{op(CMD_MI_USER_INTERRUPT, 1)});
    EXPECT_EQ(guest.word(at), 0x1234u);
    EXPECT_EQ(guest.word(at + 4), 0x5678u);
    EXPECT_EQ(context.state()[0x69], 0xabcdu); // GPR 0 of the layout
    EXPECT_EQ(context.state()[CTX_RING_START], guest.gma(context.ring)); // the guest's own, not ours
    EXPECT_EQ(context.state()[CTX_RING_TAIL], context.tail);
    EXPECT_EQ(sched_client_interrupts(guest.client, GetParam()), uint32_t(WORKLOAD_IRQ_USER));
    EXPECT_EQ(sched_client_interrupts(guest.client, GetParam()), 0u);
    sched_usage usage = guest.usage();
    EXPECT_EQ(usage.workloads[GetParam()], 1u);
    EXPECT_EQ(usage.queued, 0u);
    EXPECT_EQ(trace_count(machine.trace, 1, TRACE_DISPATCH), 1u);
    EXPECT_EQ(trace_count(machine.trace, 1, TRACE_COMPLETE), 1u);
}

/* The scheduler reads interrupts before context status and breadcrumbs: here the engine's work waits until they have been read, and ends then. */
TEST_P(EveryEngine, InterruptsAreThereWhenTheirWorkHasEnded)
{
    GpuBetween between;
    std::atomic<uint8_t *> gate{nullptr};
    between.on_read = [&](uint32_t offset) {
        uint32_t value = gpu_read32(between.inner, offset);
        if (gate && offset >= R_GEN8_GT_IIR && offset < R_GEN8_GT_IIR + 64 && offset % 16 == R_GEN8_GT_IIR % 16) {
            store32(gate, 1);
            std::this_thread::sleep_for(std::chrono::milliseconds(3));
        }
        return value;
    };
    Machine machine(nullptr, 0, 0, [&between](gpu *model) { return between.around(model); });
    Guest guest(machine, 1, 1), other(machine, 2, 1);
    Context first(guest, GetParam()), second(guest, GetParam()), quiet(other, GetParam());
    uint64_t at = guest.alloc(1), at_other = other.alloc(1);
    Words raise = semaphore(guest, at, 1) + Words{op(CMD_MI_USER_INTERRUPT, 1), op(CMD_MI_NOOP, 1)};
    gate = guest.memory + at;
    for (int i = 0; i < 10; i++) {
        store32(gate, 0);
        first.run(raise);
        EXPECT_EQ(sched_client_interrupts(guest.client, GetParam()), uint32_t(WORKLOAD_IRQ_USER));
        // Two of one context: the first may end by its breadcrumb alone.
        store32(gate, 0);
        second.submit(raise);
        second.submit(raise);
        quiet.run(store(other, at_other, 1));
        guest.finish();
        EXPECT_EQ(sched_client_interrupts(guest.client, GetParam()), uint32_t(WORKLOAD_IRQ_USER));
        guest.finish();
        sched_client_interrupts(guest.client, GetParam());
    }
    gate = nullptr;
    EXPECT_EQ(sched_client_interrupts(other.client, GetParam()), 0u); // it raises none
}

TEST_P(EveryEngine, KeepsRegistersInTheGuestsImage)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, GetParam());
    uint64_t at = guest.alloc(1);
    uint32_t gpr = engine_mmio_base(GetParam()) + RING_GPR;
    context.state()[0x69] = 77; // the guest's driver prepared the image
    context.run({op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), gpr, guest.gma(at), 0});
    EXPECT_EQ(guest.word(at), 77u);
    if (GetParam() == ENGINE_RCS0)
        return; // the model's render context keeps these registers in its engine state too, which comes later
    context.state()[0x69] = 78; // ... and again between two runs
    context.run({op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), gpr, guest.gma(at), 0});
    EXPECT_EQ(guest.word(at), 78u);
    context.state()[CTX_CONTEXT_CONTROL] = 0x00090009; // restore inhibited
    context.state()[0x69] = 79;
    context.run({op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), gpr, guest.gma(at), 0});
    EXPECT_NE(guest.word(at), 79u);
}

TEST_P(EveryEngine, RunsBatchesOfBothKinds)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, GetParam());
    uint64_t at = guest.alloc(1);
    context.run(context.batch(store(guest, at, 1, true), true) + context.batch(store(guest, at + 4, 2), false));
    EXPECT_EQ(guest.word(at), 1u);
    EXPECT_EQ(guest.word(at + 4), 2u);
}

TEST_P(EveryEngine, GivesUnscannedBatchesNoWayToOthers)
{
    Machine machine;
    Guest guest(machine, 1, 1), other(machine, 2, 1);
    Context context(guest, GetParam());
    uint64_t at = other.alloc(1);
    context.submit(context.batch(store(other, at, 3), true)); // selects the global GTT, but has no privilege
    workload *w = guest.reap();
    ASSERT_NE(w, nullptr); // hardware may fault on it or leave it out
    workload_free(w);
    EXPECT_EQ(other.word(at), 0u);
}

TEST_P(EveryEngine, WritesStatusPagesWhereHardwareWould)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, GetParam());
    Words flush = GetParam() == ENGINE_RCS0
                      ? Words{op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_STORE_INDEX | PIPE_CONTROL_CS_STALL | 1u << PIPE_CONTROL_POST_SYNC_SHIFT, 0xd0, 0, 41, 0}
                      : Words{op(CMD_MI_FLUSH_DW, 4, FLUSH_DW_STORE_INDEX | 1u << FLUSH_DW_POST_SYNC_SHIFT), 0xd0, 0, 41};
    Words in_batch = flush;
    in_batch[GetParam() == ENGINE_RCS0 ? 2 : 1] = 0xd8;
    in_batch[GetParam() == ENGINE_RCS0 ? 4 : 3] = 42;
    context.run(flush + context.batch(in_batch, true) + Words{op(CMD_MI_STORE_DATA_INDEX, 3), 0x100, 43} +
                Words{op(CMD_MI_STORE_DATA_INDEX, 3, STORE_INDEX_PER_PROCESS), 0x104, 44});
    EXPECT_EQ(guest.word(context.image + 0xd0), 41u);
    EXPECT_EQ(guest.word(context.image + 0xd8), 0u) << "an unscanned batch has no privilege for it";
    EXPECT_EQ(guest.word(context.image + 0x104), 44u);
    EXPECT_EQ(*guest.dwords(guest.hws + 0x100), 43u);
}

TEST(EndToEnd, AppendsToARunningContext)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_RCS0);
    uint64_t at = guest.alloc(1);
    context.submit(store(guest, at + 12, 3) + semaphore(guest, at, 1) + store(guest, at + 4, 1));
    ASSERT_TRUE(guest.wait_for([&] { return guest.word(at + 12) == 3; })); // dispatched is not yet running
    context.submit(store(guest, at + 8, 2));
    EXPECT_EQ(guest.word(at + 8), 0u);
    store32(guest.at(at), 1);
    guest.finish();
    guest.finish();
    EXPECT_EQ(guest.word(at + 4), 1u);
    EXPECT_EQ(guest.word(at + 8), 2u);
    EXPECT_EQ(context.state()[CTX_RING_HEAD], context.tail);
    EXPECT_EQ(guest.usage().preemptions, 0u); // no switch: a lite restore
}

TEST(EndToEnd, TellsOfInterruptsWhenTheyHappen)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_BCS0);
    uint64_t at = guest.alloc(1);
    /* Two requests in one segment: the second waits for what the guest does after the first. */
    context.submit(store(guest, at, 1) + Words{op(CMD_MI_USER_INTERRUPT, 1)} + semaphore(guest, at + 4, 1) + Words{op(CMD_MI_USER_INTERRUPT, 1)});
    uint32_t seen = 0;
    ASSERT_TRUE(guest.wait_for([&] { return (seen |= sched_client_interrupts(guest.client, ENGINE_BCS0)) != 0; }));
    EXPECT_EQ(guest.word(at), 1u);
    EXPECT_EQ(sched_client_reap(guest.client), nullptr);
    store32(guest.at(at + 4), 1);
    guest.finish();
    EXPECT_EQ(sched_client_interrupts(guest.client, ENGINE_BCS0), uint32_t(WORKLOAD_IRQ_USER));
}

TEST(EndToEnd, RunsContextsOfAClientInOrder)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context a(guest, ENGINE_BCS0), b(guest, ENGINE_BCS0), c(guest, ENGINE_BCS0);
    uint64_t at = guest.alloc(1);
    /* Each copies what the one before has left, plus its own mark. */
    auto step = [&](unsigned n) {
        return Words{op(CMD_MI_ATOMIC, 11, MI_GLOBAL_GTT | ATOMIC_INLINE | 0x07u << 8), guest.gma(at), 0, 1, 0, 0, 0, 0, 0, 0, 0} +
               Words{op(CMD_MI_COPY_MEM_MEM, 5, 1 << 21 | 1 << 22), guest.gma(at + 4 * n), 0, guest.gma(at), 0};
    };
    workload *first = a.submit(step(1)), *second = b.submit(step(2)), *third = c.submit(step(3)), *fourth = a.submit(step(4));
    for (workload *expected : {first, second, third, fourth}) {
        workload *got = guest.reap();
        EXPECT_EQ(got, expected);
        EXPECT_EQ(workload_status(got), WORKLOAD_DONE);
        EXPECT_TRUE(workload_write_back(got));
        workload_free(got);
    }
    for (unsigned n = 1; n <= 4; n++)
        EXPECT_EQ(guest.word(at + 4 * n), n);
}

TEST(EndToEnd, GoesRoundSmallRingsManyTimes)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_VECS0, 4096);
    uint64_t at = guest.alloc(1);
    for (uint32_t i = 1; i <= 600; i++) {
        Words words = store(guest, at, i);
        for (uint32_t k = 0; k < i % 37; k++)
            words.push_back(0);
        context.run(words);
        ASSERT_EQ(guest.word(at), i);
    }
}

TEST(EndToEnd, KeepsManySubmissionsInFlight)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_VCS0, 65536);
    uint64_t at = guest.alloc(1);
    context.submit(semaphore(guest, at, 1));
    for (uint32_t i = 1; i <= 1000; i++)
        context.submit(store(guest, at + 4, i)); // more than our ring holds at once
    store32(guest.at(at), 1);
    for (uint32_t i = 0; i <= 1000; i++)
        guest.finish();
    EXPECT_EQ(guest.word(at + 4), 1000u);
    EXPECT_EQ(guest.usage().workloads[ENGINE_VCS0], 1001u);
}

TEST(EndToEnd, RunsWorkaroundBatches)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_RCS0);
    uint64_t at = guest.alloc(1), wa = guest.alloc(2);
    Words indirect = store(guest, at, 5);
    indirect.resize(16);
    guest.put_at(wa, indirect);
    guest.put_at(wa + 4096, store(guest, at + 4, 6) + Words{op(CMD_MI_BATCH_BUFFER_END, 1)});
    context.state()[CTX_BB_PER_CTX_PTR] = guest.gma(wa + 4096) | 1;
    context.run(store(guest, at + 8, 1)); // no indirect batch: the per-context one runs all the same
    EXPECT_EQ(guest.word(at), 0u);
    EXPECT_EQ(guest.word(at + 4), 6u);
    store32(guest.at(at + 4), 0);
    context.state()[CTX_INDIRECT_CTX] = guest.gma(wa) | 1;
    context.state()[CTX_INDIRECT_CTX_OFFSET] = 0x26 << 6;
    context.run(store(guest, at + 8, 2));
    EXPECT_EQ(guest.word(at), 5u);
    EXPECT_EQ(guest.word(at + 4), 6u);
    EXPECT_EQ(context.state()[CTX_INDIRECT_CTX], guest.gma(wa) | 1); // the guest's own word, not ours

    guest.at(wa)[1] = 0x1000; // another's memory
    context.emit(store(guest, at, 1));
    EXPECT_EQ(context.create(), nullptr);
    EXPECT_NE(context.reason.find("indirect context batch"), std::string::npos) << context.reason;
    context.state()[CTX_INDIRECT_CTX] = 0;
    guest.at(wa + 4096)[1] = 0x1000;
    EXPECT_EQ(context.create(), nullptr);
    EXPECT_NE(context.reason.find("MI_STORE_DATA_IMM"), std::string::npos) << context.reason;
}

// Who records sees what the guest has: workaround batches, the ring, and batches in the global GTT, also those that are refused.
TEST(EndToEnd, ShowsWhatIsSubmitted)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_RCS0);
    uint64_t at = guest.alloc(1), wa = guest.alloc(1), per_context = guest.alloc(1), batch = guest.alloc(1);
    const Words end{op(CMD_MI_BATCH_BUFFER_END, 1)}, good = store(guest, at, 7) + end;
    Words indirect = store(guest, at + 4, 5);
    indirect.resize(16);
    guest.put_at(wa, indirect);
    guest.put_at(per_context, end);
    guest.put_at(batch, good);
    context.state()[CTX_INDIRECT_CTX] = guest.gma(wa) | 1;
    context.state()[CTX_BB_PER_CTX_PTR] = guest.gma(per_context) | 1;
    const Words ring{op(CMD_MI_BATCH_BUFFER_START, 3), guest.gma(batch), 0, 0};
    context.run(ring);
    EXPECT_EQ(guest.word(at), 7u);
    ASSERT_EQ(guest.submitted.size(), 4u);
    auto expect = [&](unsigned i, bool is_batch, uint64_t gma, const Words &words) {
        EXPECT_EQ(guest.submitted[i].batch, is_batch) << i;
        EXPECT_EQ(guest.submitted[i].gma, gma) << i;
        EXPECT_EQ(guest.submitted[i].dwords, words) << i;
    };
    expect(0, true, guest.gma(wa), indirect);
    expect(1, true, guest.gma(per_context), end);
    expect(2, false, guest.gma(context.ring), ring);
    expect(3, true, guest.gma(batch), good);

    guest.submitted.clear();
    guest.at(batch)[1] = 0x1000; // another's memory
    context.emit(ring);
    EXPECT_EQ(context.create(), nullptr);
    ASSERT_EQ(guest.submitted.size(), 4u);
    expect(2, false, guest.gma(context.ring) + 16, ring);
    ASSERT_GE(guest.submitted[3].dwords.size(), good.size());
    EXPECT_EQ(guest.submitted[3].dwords[1], 0x1000u);
}

TEST(EndToEnd, RefusesRingsThatAreNone)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_RCS0);
    uint32_t *state = context.state();
    const struct {
        unsigned dword;
        uint32_t value;
        const char *reason;
    } cases[] = {
        {CTX_RING_CTL, 16384 - 4096, "not enabled"},
        {CTX_RING_CTL, 0x2000 | 1, "power of two"},
        {CTX_RING_HEAD, 16384, "RING_HEAD is beyond"},
        {CTX_RING_TAIL, 16384 + 8, "RING_TAIL is beyond"},
        {CTX_RING_START, 0x1000, "outside of the guest's"},
        {CTX_RING_START, low(guest.base + Guest::SIZE) - 4096, "outside of the guest's"},
        {CTX_RING_START, guest.gma(context.ring) + 8, "begin at a page"},
        {CTX_BB_ADDR, 0x10000 | 1, "privileged batch where it was not preempted"},
    };
    for (const auto &c : cases) {
        uint32_t before = state[c.dword];
        state[c.dword] = c.value;
        GError *error = nullptr;
        EXPECT_EQ(workload_create(guest.client, ENGINE_RCS0, context.desc(), true, guest.pdp, &error), nullptr) << c.reason;
        ASSERT_NE(error, nullptr) << c.reason;
        EXPECT_NE(std::string(error->message).find(c.reason), std::string::npos) << error->message;
        g_clear_error(&error);
        state[c.dword] = before;
    }
    GError *error = nullptr;
    EXPECT_EQ(workload_create(guest.client, ENGINE_RCS0, 0x1000 | DESC_VALID, true, guest.pdp, &error), nullptr);
    ASSERT_NE(error, nullptr);
    g_clear_error(&error);
    uint64_t at = guest.alloc(1);
    context.run(store(guest, at, 9)); // nothing of it has stayed
    EXPECT_EQ(guest.word(at), 9u);
}

TEST(EndToEnd, RunsAnEmptySegment)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_BCS0);
    context.run({});
    EXPECT_EQ(guest.usage().workloads[ENGINE_BCS0], 1u);
}

TEST(EndToEnd, SwitchesRegistersWithTheOwner)
{
    Machine machine;
    Guest a(machine, 1, 1), b(machine, 2, 1);
    Context in_a(a, ENGINE_RCS0), in_b(b, ENGINE_RCS0);
    uint64_t at_a = a.alloc(1), at_b = b.alloc(1);
    sched_client_set_register(a.client, R_GEN9_SCRATCH_LNCF1, 0x11);
    sched_client_set_register(b.client, R_GEN9_SCRATCH_LNCF1, 0x22);
    for (unsigned i = 0; i < 20; i++) {
        in_a.submit({op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN9_SCRATCH_LNCF1, a.gma(at_a + 4 * i), 0});
        in_b.submit({op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN9_SCRATCH_LNCF1, b.gma(at_b + 4 * i), 0});
    }
    for (unsigned i = 0; i < 20; i++) {
        a.finish();
        b.finish();
    }
    for (unsigned i = 0; i < 20; i++) {
        EXPECT_EQ(a.word(at_a + 4 * i), 0x11u);
        EXPECT_EQ(b.word(at_b + 4 * i), 0x22u);
    }
    /* One that loads it from memory: the other still finds its own. */
    a.at(at_a)[0] = 0x99;
    in_a.run({op(CMD_MI_LOAD_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN9_SCRATCH_LNCF1, a.gma(at_a), 0});
    in_b.run({op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN9_SCRATCH_LNCF1, b.gma(at_b), 0});
    EXPECT_EQ(b.word(at_b), 0x22u);
}

/* FORCE_TO_NONPRIV opens a register to batches that nobody audits: what one guest writes there is not seen by another, and is still there when it comes back. */
TEST(EndToEnd, SwitchesRegistersThatBatchesMayWrite)
{
    Machine machine;
    Guest a(machine, 1, 1), b(machine, 2, 1);
    Context in_a(a, ENGINE_RCS0), in_b(b, ENGINE_RCS0);
    uint64_t at_a = a.alloc(1), at_b = b.alloc(1);
    uint32_t initial = 0;
    in_a.run({op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, a.gma(at_a), 0});
    initial = a.word(at_a);
    for (Guest *guest : {&a, &b}) {
        sched_client_set_register(guest->client, engine_mmio_base(ENGINE_RCS0) + RING_FORCE_TO_NONPRIV, R_GEN9_CTX_PREEMPT_REG);
        sched_client_set_register(guest->client, engine_mmio_base(ENGINE_RCS0) + RING_FORCE_TO_NONPRIV + 4, R_GEN8_L3SQCREG4);
    }
    Words load = {op(CMD_MI_LOAD_REGISTER_IMM, 5), R_GEN9_CTX_PREEMPT_REG, 0x1234, R_GEN8_L3SQCREG4, 0x5678};
    auto read = [](Guest &of, uint64_t to) {
        return Words{op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN9_CTX_PREEMPT_REG, of.gma(to), 0,
                     op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, of.gma(to + 4), 0};
    };
    Words batch = in_a.batch(load, true);
    for (unsigned i = 0; i < 8; i++) { // submitted at once: neither follows the other by itself
        in_a.submit(i ? read(a, at_a + 8 * i) : batch + read(a, at_a));
        in_b.submit(read(b, at_b + 8 * i));
    }
    for (unsigned i = 0; i < 8; i++) {
        a.finish();
        b.finish();
    }
    for (unsigned i = 0; i < 8; i++) {
        EXPECT_EQ(a.word(at_a + 8 * i), 0x1234u) << i;
        EXPECT_EQ(a.word(at_a + 8 * i + 4), 0x5678u) << i;
        EXPECT_EQ(b.word(at_b + 8 * i), 0u) << i;
        EXPECT_EQ(b.word(at_b + 8 * i + 4), initial) << i;
    }
    /* A value that is set from outside is the newer one. */
    sched_client_set_register(a.client, R_GEN9_CTX_PREEMPT_REG, 0x77);
    in_a.run(read(a, at_a));
    EXPECT_EQ(a.word(at_a), 0x77u);
    EXPECT_EQ(a.word(at_a + 4), 0x5678u);
}

/* As i915's workaround batches do it: saved, set for a moment, and loaded again. What is kept is what the register held at the end. */
TEST(EndToEnd, KeepsWhatCommandsHaveMadeOfARegister)
{
    Machine machine;
    Guest a(machine, 1, 1), b(machine, 2, 1);
    Context in_a(a, ENGINE_RCS0), in_b(b, ENGINE_RCS0);
    uint64_t at_a = a.alloc(1), at_b = b.alloc(1);
    Words flush = {op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, a.gma(at_a), 0,
                   op(CMD_MI_LOAD_REGISTER_IMM, 3), R_GEN8_L3SQCREG4, 0x40600000,
                   op(CMD_MI_LOAD_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, a.gma(at_a), 0};
    Words read = {op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, a.gma(at_a + 8), 0};
    sched_client_set_register(a.client, R_GEN8_L3SQCREG4, 0x111);
    sched_client_set_register(b.client, R_GEN8_L3SQCREG4, 0x222);
    for (unsigned i = 0; i < 8; i++) {
        in_a.run(flush + read);
        EXPECT_EQ(a.word(at_a + 8), 0x111u);
        in_b.run({op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, b.gma(at_b), 0});
        EXPECT_EQ(b.word(at_b), 0x222u);
    }
}

TEST(EndToEnd, LoadsRegistersOfAnotherEngineNever)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context render(guest, ENGINE_RCS0), blit(guest, ENGINE_BCS0);
    uint64_t at = guest.alloc(1);
    sched_client_set_register(guest.client, R_GEN8_L3SQCREG4, 0x111);
    blit.run({op(CMD_MI_LOAD_REGISTER_IMM, 3), R_GEN8_L3SQCREG4, 0x999, 0});
    render.run({op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, guest.gma(at), 0});
    EXPECT_EQ(guest.word(at), 0x111u);
}

TEST(EndToEnd, DrawsFlipsForTheVirtualDisplay)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_BCS0);
    context.run({op(CMD_MI_DISPLAY_FLIP, 3, 1 << 8), 0x1400, guest.gma(0), 0});
    ASSERT_EQ(guest.flips.size(), 1u);
    EXPECT_EQ(guest.flips[0], (Words{op(CMD_MI_DISPLAY_FLIP, 3, 1 << 8), 0x1400, guest.gma(0)}));
}

} // namespace
