/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Caps, the latency class and a guest's own order on one engine of the model. */
#include "gpu_fixture.h"

using namespace sched_test;

namespace {

/* A guest's driver preempts its own batch for something more urgent: that comes first, in the guest's own time, beside another guest. */
TEST(SharingLimits, HonoursAGuestsOwnOrder)
{
    Machine machine(nullptr, 0, 2 * MS);
    Guest guest(machine, 1, 1), other(machine, 2, 1);
    Context batch(guest, ENGINE_BCS0), urgent(guest, ENGINE_BCS0), spins(other, ENGINE_BCS0);
    uint64_t at = guest.alloc(1);
    spins.submit(spins.spin(true));
    batch.submit(store(guest, at, 1) + semaphore(guest, at + 4, 1) + store(guest, at + 8, 2));
    ASSERT_TRUE(guest.wait_for([&] { return guest.word(at) == 1; }));
    for (uint32_t i = 1; i <= 5; i++) {
        sched_client_preempt(guest.client, ENGINE_BCS0);
        guest.finish(WORKLOAD_PREEMPTED);
        urgent.submit(store(guest, at + 12, i));
        workload *again = batch.create();
        ASSERT_NE(again, nullptr) << batch.reason;
        workload_submit(again);
        guest.finish(); // the urgent one
        EXPECT_EQ(guest.word(at + 12), i);
        EXPECT_EQ(guest.word(at + 8), 0u);
    }
    store32(guest.at(at + 4), 1);
    guest.finish();
    EXPECT_EQ(guest.word(at + 8), 2u);
    EXPECT_EQ(other.usage().hangs, 0u);
    stop(other, 1 << ENGINE_BCS0);
}

TEST(SharingLimits, CapsAGuestThatIsAlone)
{
    Machine machine(nullptr, 0, 2 * MS);
    Guest guest(machine, 1, 1), other(machine, 2, 1);
    Context spins(guest, ENGINE_BCS0);
    sched_client_set_limits(guest.client, 25, false);
    uint64_t start = now_ns();
    spins.submit(spins.spin(true));
    ASSERT_TRUE(guest.wait_for([&] { return now_ns() - start > 1000 * MS; }));
    uint64_t used = guest.usage().busy_ns[ENGINE_BCS0], elapsed = now_ns() - start;
    EXPECT_LE(used, elapsed / 4 + 150 * MS); // a slice, and what a busy machine takes to stop it
    EXPECT_GE(used, 20 * MS);
    EXPECT_EQ(guest.usage().hangs, 0u);
    sched_client_set_limits(guest.client, 0, false); // and at once it has all of it
    uint64_t preemptions = guest.usage().preemptions;
    ASSERT_TRUE(guest.wait_for([&] { return guest.usage().busy_ns[ENGINE_BCS0] > used || now_ns() - start > 5000 * MS; }));
    EXPECT_LE(guest.usage().preemptions, preemptions + 1);
    stop(guest, 1 << ENGINE_BCS0);
}

/* Nothing but the class is between a guest that waits for a slice of a hog and one that does not. */
TEST(SharingLimits, LetsTheLatencyClassInAtOnce)
{
    constexpr uint64_t slice = 200 * MS;
    Machine machine("round-robin", 0, slice);
    Guest hog(machine, 1, 1), guest(machine, 2, 1);
    Context spins(hog, ENGINE_BCS0), context(guest, ENGINE_BCS0);
    uint64_t at = guest.alloc(1);
    spins.submit(spins.spin(true));
    ASSERT_TRUE(guest.wait_for([&] { return trace_count(machine.trace, TRACE_HOST, TRACE_MODEL_CONTEXT_IN) > 0; }));
    sched_client_set_limits(guest.client, 0, true);
    uint64_t best = UINT64_MAX;
    for (uint32_t i = 1; i <= 10; i++) {
        uint64_t start = now_ns();
        context.run(store(guest, at, i));
        best = std::min(best, now_ns() - start);
        EXPECT_EQ(guest.word(at), i);
    }
    EXPECT_LT(best, slice / 4);
    EXPECT_EQ(hog.usage().hangs, 0u);
    stop(hog, 1 << ENGINE_BCS0);
}

} // namespace
