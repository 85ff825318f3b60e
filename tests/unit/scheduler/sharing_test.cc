/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several guests on one engine of the model: shares, preemption, hangs, errors and resets, and that nobody else notices. */
#include "gpu_fixture.h"

#include "scheduler/audit.h"
#include "scheduler/commands.h"
#include "scheduler/policy.h"

#include <chrono>
#include <future>
#include <gio/gio.h>
#include <random>

/* C, which adds constants of different enums. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-enum-enum-conversion"
extern "C" {
#include "scheduler/scheduler_internal.h"
}
#pragma GCC diagnostic pop

using namespace sched_test;

namespace {

TEST(Sharing, GivesTimeByWeight)
{
    Machine machine(nullptr, 0, 2 * MS);
    std::vector<std::unique_ptr<Guest>> guests;
    std::vector<std::unique_ptr<Context>> contexts;
    const unsigned weights[] = {1, 2, 4};
    for (unsigned i = 0; i < 3; i++) {
        guests.push_back(std::make_unique<Guest>(machine, i + 1, weights[i]));
        contexts.push_back(std::make_unique<Context>(*guests[i], ENGINE_BCS0));
    }
    for (auto &context : contexts)
        context->submit(context->spin(true));
    /* Long enough for many slices: by time on the engine, not by the clock. */
    auto total = [&] {
        uint64_t sum = 0;
        for (auto &guest : guests)
            sum += guest->usage().busy_ns[ENGINE_BCS0];
        return sum;
    };
    ASSERT_TRUE(guests[0]->wait_for([&] { return total() > 400 * MS; }));
    std::vector<double> used;
    for (auto &guest : guests)
        used.push_back(double(guest->usage().busy_ns[ENGINE_BCS0]));
    double sum = used[0] + used[1] + used[2];
    for (unsigned i = 0; i < 3; i++)
        EXPECT_NEAR(used[i] / sum, weights[i] / 7.0, 0.05) << "weight " << weights[i];
    for (auto &guest : guests) {
        EXPECT_GT(guest->usage().preemptions, 5u);
        EXPECT_EQ(guest->usage().hangs, 0u);
    }
    for (auto &guest : guests)
        stop(*guest, 1 << ENGINE_BCS0);
}

TEST(Sharing, FollowsAPolicyThatIsChangedWhileGuestsRun)
{
    Machine machine("round-robin", 0, 2 * MS);
    std::vector<std::unique_ptr<Guest>> guests;
    std::vector<std::unique_ptr<Context>> contexts;
    for (unsigned i = 0; i < 2; i++) {
        guests.push_back(std::make_unique<Guest>(machine, i + 1, i ? 4 : 1));
        contexts.push_back(std::make_unique<Context>(*guests[i], ENGINE_BCS0));
        contexts[i]->submit(contexts[i]->spin(true));
    }
    auto used = [&](unsigned i) { return double(guests[i]->usage().busy_ns[ENGINE_BCS0]); };
    auto ratio_of_next = [&] {
        double a = used(0), b = used(1);
        EXPECT_TRUE(guests[0]->wait_for([&] { return used(0) + used(1) - a - b > 400.0 * MS; }));
        return (used(1) - b) / (used(0) - a);
    };
    EXPECT_STREQ(scheduler_policy(machine.scheduler), "round-robin");
    /* Far from each other, as the host's own scheduling has its part. */
    EXPECT_LT(ratio_of_next(), 2.0);
    ASSERT_TRUE(scheduler_set_policy(machine.scheduler, "fair", nullptr));
    EXPECT_STREQ(scheduler_policy(machine.scheduler), "fair");
    EXPECT_GT(ratio_of_next(), 2.5);
    GError *error = nullptr;
    EXPECT_FALSE(scheduler_set_policy(machine.scheduler, "nonsense", &error));
    ASSERT_NE(error, nullptr);
    EXPECT_NE(strstr(error->message, "round-robin"), nullptr) << error->message;
    g_error_free(error);
    EXPECT_STREQ(scheduler_policy(machine.scheduler), "fair");
    for (auto &guest : guests)
        stop(*guest, 1 << ENGINE_BCS0);
}

/*
 * The scheduler's thread may see "A was preempted" when A is back and has ended a workload: then the time stamp of the image that it reads is
 * older than the breadcrumb's. Played here with the lock held, as a late entry while A still runs.
 */
TEST(Sharing, ChargesNoTimeForALateStatusEntry)
{
    uint64_t start = now_ns();
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_BCS0);
    uint64_t at = guest.alloc(1);
    sched_engine *engine = &machine.scheduler->engines[ENGINE_BCS0];
    context.submit(semaphore(guest, at, 1));
    context.submit(semaphore(guest, at + 4, 1));
    // From when the engine has it: on a busy machine that is long after the dispatch.
    ASSERT_TRUE(guest.wait_for([&] { return trace_count(machine.trace, TRACE_HOST, TRACE_MODEL_CONTEXT_IN) > 0; }));
    uint64_t began = now_ns();
    ASSERT_TRUE(guest.wait_for([&] { return now_ns() - began > 2 * MS; })); // time to be charged for
    ASSERT_TRUE(guest.wait_for([&] { // and the scheduler has heard of it
        g_mutex_lock(&machine.scheduler->lock);
        bool there = engine->active[0].context != nullptr;
        g_mutex_unlock(&machine.scheduler->lock);
        return there;
    }));

    g_mutex_lock(&machine.scheduler->lock);
    shadow_context *shadow = engine->active[0].context;
    EXPECT_NE(shadow, nullptr);
    store32(guest.at(at), 1);
    EXPECT_TRUE(guest.wait_for([&] { return load32(shadow->crumb.host + offsetof(breadcrumb, seqno)) == 1; }));
    sched_port active[2] = {engine->active[0], engine->active[1]};
    engine->waiting = true;
    engine->pending[0].hw = &engine->pulse;
    engine_context_status(engine, machine.scheduler, CSB_PREEMPTED, now_ns());
    uint64_t busy = guest.client->usage.busy_ns[ENGINE_BCS0];
    engine->active[0] = active[0];
    engine->active[1] = active[1];
    g_mutex_unlock(&machine.scheduler->lock);

    EXPECT_GT(busy, MS);
    EXPECT_LT(busy, now_ns() - start);
    store32(guest.at(at + 4), 1);
    guest.finish();
    guest.finish();
    EXPECT_LT(guest.usage().busy_ns[ENGINE_BCS0], now_ns() - start);
}

/*
 * A context may complete while the submission that puts it behind another is on its way. Its end is told at once, not when the other lets go. Played
 * here by a breadcrumb of a workload that stands behind one that spins, under a policy that never switches.
 */
TEST(Sharing, EndsWhatWasCompleteWhenItWasQueuedBehindAnother)
{
    Machine machine("fifo");
    Guest hog(machine, 1, 1), guest(machine, 2, 1);
    Context spins(hog, ENGINE_BCS0), context(guest, ENGINE_BCS0);
    uint64_t at = guest.alloc(1);
    sched_engine *engine = &machine.scheduler->engines[ENGINE_BCS0];
    spins.submit(spins.spin(true));
    workload *behind = context.submit(store(guest, at, 1));
    auto stands_behind = [&] {
        g_mutex_lock(&machine.scheduler->lock);
        bool stands = !engine->waiting && engine->active[1].context && engine->active[1].context->client == guest.client;
        if (stands)
            store32(behind->context->crumb.host + offsetof(breadcrumb, seqno), behind->seqno);
        g_mutex_unlock(&machine.scheduler->lock);
        return stands;
    };
    ASSERT_TRUE(guest.wait_for(stands_behind));
    driver_wake(machine.driver);
    guest.finish();
    EXPECT_EQ(hog.usage().hangs, 0u);
    stop(hog, 1 << ENGINE_BCS0);
}

TEST(Sharing, SharesEachEngineByItself)
{
    Machine machine;
    Guest a(machine, 1, 1), b(machine, 2, 1);
    Context spins(a, ENGINE_RCS0), other(b, ENGINE_BCS0);
    uint64_t at = b.alloc(1);
    spins.submit(spins.spin(false)); // holds its engine, and that one alone
    other.run(store(b, at, 3));
    EXPECT_EQ(b.word(at), 3u);
    stop(a, 1 << ENGINE_RCS0);
}

TEST(Sharing, LetsOthersInWhileOneSpins)
{
    Machine machine;
    Guest hog(machine, 1, 8), other(machine, 2, 1);
    Context spins(hog, ENGINE_RCS0), context(other, ENGINE_RCS0);
    uint64_t at = other.alloc(1);
    spins.submit(spins.spin(true));
    for (uint32_t i = 1; i <= 20; i++) {
        context.run(store(other, at, i));
        EXPECT_EQ(other.word(at), i);
    }
    EXPECT_EQ(hog.usage().hangs, 0u);
    stop(hog, 1 << ENGINE_RCS0);
}

TEST(Sharing, DoesNotMistakeWaitingForAHang)
{
    Machine machine(nullptr, 40 * MS);
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_VCS0);
    uint64_t at = guest.alloc(1);
    context.submit(semaphore(guest, at, 1) + store(guest, at + 4, 1));
    uint64_t start = now_ns();
    ASSERT_TRUE(guest.wait_for([&] { return now_ns() - start > 300 * MS; }));
    EXPECT_EQ(sched_client_reap(guest.client), nullptr);
    store32(guest.at(at), 1);
    guest.finish();
    EXPECT_EQ(guest.word(at + 4), 1u);
    EXPECT_EQ(trace_count(machine.trace, 1, TRACE_ENGINE_RESET), 0u);
}

class EitherBatch : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Batches, EitherBatch, testing::Bool(), [](const auto &info) { return info.param ? "Ppgtt" : "Privileged"; });

TEST_P(EitherBatch, GoesOnWhereItWasPreempted)
{
    Machine machine;
    Guest guest(machine, 1, 1), other(machine, 2, 1);
    Context context(guest, ENGINE_RCS0), behind(guest, ENGINE_RCS0);
    uint64_t at = guest.alloc(1);
    bool ppgtt = GetParam();
    Words count = {op(CMD_MI_ATOMIC, 3, (ppgtt ? 0 : uint32_t(MI_GLOBAL_GTT)) | 0x05u << 8), ppgtt ? guest.ppa(at) : guest.gma(at), 0}; // increment
    Words batch = context.batch(count + semaphore(guest, at + 4, 1, ppgtt) + store(guest, at + 8, 7, ppgtt), ppgtt);
    context.submit(store(guest, at + 12, 1) + batch + store(guest, at + 16, 9));
    behind.submit(store(guest, at + 20, 1));
    ASSERT_TRUE(guest.wait_for([&] { return guest.word(at) == 1; }));
    sched_client_preempt(guest.client, ENGINE_RCS0);
    guest.finish(WORKLOAD_PREEMPTED);
    guest.finish(WORKLOAD_PREEMPTED);
    EXPECT_EQ(guest.word(at + 20), 0u);
    uint32_t head = context.state()[CTX_RING_HEAD];
    EXPECT_GE(head, 16u + 12); // behind the batch start
    EXPECT_LE(head, context.tail);
    EXPECT_TRUE(context.state()[CTX_BB_ADDR] & 1);
    /* Something else uses the engine meanwhile. */
    behind.run({});
    EXPECT_EQ(guest.word(at + 20), 1u);
    workload *again = context.create();
    ASSERT_NE(again, nullptr) << context.reason;
    workload_submit(again);
    store32(guest.at(at + 4), 1);
    guest.finish();
    EXPECT_EQ(guest.word(at), 1u); // begun once
    EXPECT_EQ(guest.word(at + 8), 7u);
    EXPECT_EQ(guest.word(at + 16), 9u);
}

TEST(Sharing, HandsBackWhatIsCompleteAsDone)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_RCS0);
    uint64_t at = guest.alloc(1);
    context.submit(store(guest, at, 1));
    context.submit(semaphore(guest, at + 4, 1));
    ASSERT_TRUE(guest.wait_for([&] { return guest.word(at) == 1; }));
    sched_client_preempt(guest.client, ENGINE_RCS0);
    guest.finish(WORKLOAD_DONE);
    guest.finish(WORKLOAD_PREEMPTED);
    uint32_t head = context.state()[CTX_RING_HEAD];
    EXPECT_GE(head, 16u);
    EXPECT_LT(head, context.tail);
}

TEST(Sharing, ResetsEachEngineInItsTime)
{
    Machine machine;
    Guest guest(machine, 1, 1), other(machine, 2, 1);
    Context holds(guest, ENGINE_BCS0), holds_too(other, ENGINE_RCS0);
    uint64_t at = guest.alloc(1), at_other = other.alloc(1);
    holds.submit(store(guest, at, 1) + holds.spin(false));
    holds_too.submit(store(other, at_other, 1) + holds_too.spin(false));
    ASSERT_TRUE(guest.wait_for([&] { return guest.word(at) == 1 && other.word(at_other) == 1; }));
    // One engine's time comes while the other one, which is looked at before it, still has some. Nobody else wakes the scheduler.
    auto first = std::async(std::launch::async, [&] { sched_client_reset(guest.client, 1 << ENGINE_BCS0, false); });
    g_usleep(8000);
    auto second = std::async(std::launch::async, [&] { sched_client_reset(other.client, 1 << ENGINE_RCS0, false); });
    first.wait();
    if (second.wait_for(std::chrono::seconds(10)) != std::future_status::ready) {
        ADD_FAILURE() << "the second reset does not end";
        Context(guest, ENGINE_VCS0).run(store(guest, at, 2));
    }
    second.wait();
    guest.finish(WORKLOAD_CANCELLED);
    other.finish(WORKLOAD_CANCELLED);
}

TEST(Sharing, ResetsAnEngineThatIsHeld)
{
    Machine machine(nullptr, 100 * MS);
    Guest bad(machine, 1, 1), good(machine, 2, 1);
    Context holds(bad, ENGINE_BCS0), context(good, ENGINE_BCS0), again(bad, ENGINE_BCS0), queued(bad, ENGINE_BCS0), late(bad, ENGINE_BCS0);
    uint64_t at = good.alloc(1), at_bad = bad.alloc(1);
    holds.submit(store(bad, at_bad, 1) + holds.spin(false));
    ASSERT_TRUE(bad.wait_for([&] { return bad.word(at_bad) == 1; }));
    queued.submit(store(bad, at_bad + 4, 7));
    context.run(store(good, at, 4));
    EXPECT_EQ(good.word(at), 4u);
    // A driver appends to a context that it believes to run: no fault of its, nothing to disable the vGPU for.
    ASSERT_TRUE(bad.wait_for([&] { return bad.usage().hangs == 1; }));
    holds.emit(store(bad, at_bad, 9));
    GError *busy = nullptr;
    EXPECT_EQ(workload_create(bad.client, ENGINE_BCS0, holds.desc(), true, bad.pdp, &busy), nullptr);
    EXPECT_TRUE(g_error_matches(busy, G_IO_ERROR, G_IO_ERROR_BUSY));
    g_clear_error(&busy);
    workload *hung = bad.reap();
    ASSERT_NE(hung, nullptr);
    EXPECT_EQ(workload_status(hung), WORKLOAD_HUNG);
    EXPECT_NE(std::string(workload_reason(hung)).find("arbitration point"), std::string::npos) << workload_reason(hung);
    EXPECT_GT(workload_busy_ns(hung) + bad.usage().busy_ns[ENGINE_BCS0], 50 * MS);
    workload_free(hung);
    EXPECT_EQ(bad.usage().hangs, 1u);
    EXPECT_EQ(good.usage().hangs, 0u);
    EXPECT_GE(bad.usage().longest_hold_ns, 50 * MS);
    EXPECT_LT(good.usage().longest_hold_ns, 50 * MS);
    // For its own client the engine stands still: what it had queued there does not run, nor what comes before the client resets the engine.
    bad.finish(WORKLOAD_CANCELLED);
    late.submit(store(bad, at_bad + 4, 8));
    context.run(store(good, at, 5));
    EXPECT_EQ(good.word(at), 5u);
    EXPECT_EQ(sched_client_reap(bad.client), nullptr);
    EXPECT_EQ(bad.word(at_bad + 4), 0u);
    sched_client_reset(bad.client, 1 << ENGINE_BCS0, false);
    bad.finish(WORKLOAD_CANCELLED);
    EXPECT_EQ(bad.word(at_bad + 4), 0u);
    again.run(store(bad, at_bad, 2));
    EXPECT_EQ(bad.word(at_bad), 2u);
}

TEST(Sharing, HasLessPatienceWithWhoHangsAgain)
{
    const uint64_t hang = 400 * MS;
    Machine machine(nullptr, hang);
    Guest bad(machine, 1, 1), good(machine, 2, 1);
    Context context(good, ENGINE_BCS0);
    uint64_t at = good.alloc(1), at_bad = bad.alloc(1), took[5];
    for (uint32_t i = 0; i < 5; i++) {
        Context holds(bad, ENGINE_BCS0);
        holds.submit(store(bad, at_bad, i + 1) + holds.spin(false));
        ASSERT_TRUE(bad.wait_for([&] { return bad.word(at_bad) == i + 1; }));
        uint64_t start = now_ns();
        context.run(store(good, at, i));
        took[i] = now_ns() - start;
        workload *hung = bad.reap();
        ASSERT_NE(hung, nullptr);
        EXPECT_EQ(workload_status(hung), WORKLOAD_HUNG);
        workload_free(hung);
        sched_client_reset(bad.client, 1 << ENGINE_BCS0, false);
    }
    EXPECT_GE(took[0], hang);
    EXPECT_LT(took[4], hang / 2); // 25 ms and what a loaded machine adds
    EXPECT_EQ(bad.usage().hangs, 5u);
    EXPECT_EQ(good.usage().hangs, 0u);
}

TEST(Sharing, LetsAGuestHoldAnEngineThatNobodyElseWants)
{
    Machine machine(nullptr, 60 * MS);
    Guest guest(machine, 1, 1), other(machine, 2, 1);
    Context context(guest, ENGINE_RCS0), more(guest, ENGINE_RCS0), elsewhere(other, ENGINE_BCS0), wants(other, ENGINE_RCS0);
    /* One instruction over and over with arbitration off: active head, ring head and breadcrumb stand still. */
    uint64_t at = guest.alloc(1), at_other = other.alloc(1);
    context.submit(store(guest, at + 4, 1) + Words{op(CMD_MI_ARB_ON_OFF, 1)} + semaphore(guest, at, 1));
    ASSERT_TRUE(guest.wait_for([&] { return guest.word(at + 4) == 1; }));
    more.submit(store(guest, at + 8, 2)); // its own context behind it waits as well: the guest's driver judges that
    for (unsigned i = 0; i < 6; i++) {
        g_usleep(50000);
        elsewhere.run(store(other, at_other, i));
    }
    EXPECT_EQ(guest.usage().hangs, 0u);
    EXPECT_EQ(sched_client_reap(guest.client), nullptr);
    // What another one waits for is due within the hang time, from when it began to wait.
    wants.run(store(other, at_other + 4, 6));
    EXPECT_EQ(other.word(at_other + 4), 6u);
    guest.finish(WORKLOAD_HUNG);
    guest.finish(WORKLOAD_CANCELLED);
    EXPECT_EQ(trace_count(machine.trace, 1, TRACE_HANG), 1u);
    sched_client_reset(guest.client, 1 << ENGINE_RCS0, false);
    Context next(guest, ENGINE_RCS0);
    next.run(store(guest, at, 6));
    EXPECT_EQ(guest.word(at), 6u);
}

/* A reset of the engine clears registers of its block: whoever runs there next finds its own values, the guilty one and the others. */
TEST(Sharing, LoadsRegistersAgainAfterAReset)
{
    Machine machine(nullptr, 60 * MS);
    Guest guest(machine, 1, 1), other(machine, 2, 1);
    Context context(guest, ENGINE_RCS0), next(guest, ENGINE_RCS0), others(other, ENGINE_RCS0);
    uint64_t at = guest.alloc(1), at_other = other.alloc(1);
    auto read = [](Guest &of, uint64_t to) {
        return Words{op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN7_FF_SLICE_CS_CHICKEN1, of.gma(to), 0};
    };
    sched_client_set_register(guest.client, R_GEN7_FF_SLICE_CS_CHICKEN1, 0x4000);
    sched_client_set_register(other.client, R_GEN7_FF_SLICE_CS_CHICKEN1, 0x4000);
    next.run(read(guest, at));
    ASSERT_EQ(guest.word(at), 0x4000u);
    context.submit(store(guest, at + 4, 1) + Words{op(CMD_MI_ARB_ON_OFF, 1)} + semaphore(guest, at + 8, 1));
    ASSERT_TRUE(guest.wait_for([&] { return guest.word(at + 4) == 1; }));
    sched_client_reset(guest.client, 1 << ENGINE_RCS0, false);
    guest.finish(WORKLOAD_CANCELLED);
    /* A virtual reset clears the guest's own too, and its driver writes them again. */
    sched_client_set_register(guest.client, R_GEN7_FF_SLICE_CS_CHICKEN1, 0);
    sched_client_set_register(guest.client, R_GEN7_FF_SLICE_CS_CHICKEN1, 0x4000);
    others.run(read(other, at_other));
    EXPECT_EQ(other.word(at_other), 0x4000u);
    next.run(read(guest, at + 12));
    EXPECT_EQ(guest.word(at + 12), 0x4000u);
}

/* A lone guest's engine is held for long, and then let go: nothing of it is lost, and nothing is a hang. */
TEST(Sharing, RunsALongBatchToItsEnd)
{
    Machine machine(nullptr, 40 * MS);
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_RCS0);
    uint64_t at = guest.alloc(1);
    context.submit(Words{op(CMD_MI_ARB_ON_OFF, 1)} + semaphore(guest, at, 1) + store(guest, at + 4, 2));
    context.submit(store(guest, at + 8, 3));
    g_usleep(200000);
    EXPECT_EQ(guest.word(at + 4), 0u);
    store32(guest.at(at), 1);
    guest.finish();
    guest.finish();
    EXPECT_EQ(guest.word(at + 8), 3u);
    EXPECT_EQ(guest.usage().hangs, 0u);
    EXPECT_GT(guest.usage().busy_ns[ENGINE_RCS0], 150 * MS);
}

TEST(Sharing, EndsAContextWithABadAddress)
{
    Machine machine;
    Guest bad(machine, 1, 1), good(machine, 2, 1);
    Context faults(bad, ENGINE_BCS0), context(good, ENGINE_BCS0);
    uint64_t at = good.alloc(1);
    faults.submit({op(CMD_MI_STORE_DATA_IMM, 4), 0x1000, 0, 1}); // nothing is mapped there
    context.submit(store(good, at, 5));
    good.finish();
    EXPECT_EQ(good.word(at), 5u);
    workload *hung = bad.reap();
    ASSERT_NE(hung, nullptr);
    EXPECT_EQ(workload_status(hung), WORKLOAD_HUNG);
    EXPECT_NE(std::string(workload_reason(hung)).find("error"), std::string::npos) << workload_reason(hung);
    workload_free(hung);
}

/* A driver may reset the GPU as soon as it sees the end of its request, before the result has been taken. */
TEST(Sharing, GivesBackWhatEndedBeforeAFullReset)
{
    Machine machine;
    Guest guest(machine, 1, 1);
    Context context(guest, ENGINE_BCS0);
    uint64_t at = guest.alloc(1);
    context.submit(store(guest, at, 5));
    ASSERT_TRUE(guest.wait_for([&] { return guest.usage().workloads[ENGINE_BCS0] == 1; }));
    sched_client_reset(guest.client, 1 << ENGINE_BCS0, true);
    guest.finish(); // which writes it back
    EXPECT_EQ(context.state()[CTX_RING_HEAD], context.tail);
    EXPECT_EQ(guest.word(at), 5u);
    context.run(store(guest, at + 4, 6)); // another context in the same place
    EXPECT_EQ(guest.word(at + 4), 6u);
}

TEST(Sharing, CancelsOnItsOwnReset)
{
    Machine machine;
    Guest a(machine, 1, 1), b(machine, 2, 1);
    Context spins(a, ENGINE_RCS0), waits(a, ENGINE_RCS0), other(b, ENGINE_RCS0);
    uint64_t at = a.alloc(1), at_b = b.alloc(1);
    for (bool lets_go : {true, false}) {
        spins.submit(spins.spin(lets_go));
        waits.submit(store(a, at, 1));
        other.submit(store(b, at_b, 1));
        ASSERT_TRUE(a.wait_for([&] { return trace_count(machine.trace, 1, TRACE_DISPATCH) > 0; }));
        sched_client_reset(a.client, 1 << ENGINE_RCS0, true);
        for (unsigned i = 0; i < 2; i++) {
            workload *w = sched_client_reap(a.client); // it is there already
            ASSERT_NE(w, nullptr);
            EXPECT_TRUE(workload_status(w) == WORKLOAD_CANCELLED || i == 1);
            workload_free(w);
        }
        b.finish();
        spins.tail = spins.state()[CTX_RING_HEAD] = spins.state()[CTX_RING_TAIL] = 0;
        waits.tail = waits.state()[CTX_RING_HEAD] = waits.state()[CTX_RING_TAIL] = 0;
        waits.run(store(a, at, 2));
        EXPECT_EQ(a.word(at), 2u);
    }
    EXPECT_EQ(b.usage().hangs, 0u);
}

TEST(Sharing, KeepsMemoryRightUnderChurn)
{
    for (const char *const *policy = policy_names(); *policy; policy++) {
        Machine machine(*policy, 0, 300000);
        std::vector<std::unique_ptr<Guest>> guests;
        struct Stream {
            std::unique_ptr<Context> context;
            uint64_t at;
            uint32_t made = 0, done = 0;
        };
        std::vector<std::vector<Stream>> streams(3);
        std::mt19937 random(7);
        for (unsigned g = 0; g < 3; g++) {
            guests.push_back(std::make_unique<Guest>(machine, g + 1, g + 1));
            for (unsigned k = 0; k < 6; k++) {
                Stream stream;
                stream.context = std::make_unique<Context>(*guests[g], k % ENGINE_COUNT, 8192);
                stream.at = guests[g]->alloc(1);
                streams[g].push_back(std::move(stream));
            }
        }
        /* Each workload adds its number to a word by MI_ATOMIC: lost, repeated or foreign work shows. */
        std::map<workload *, Stream *> owner;
        unsigned flight = 0, total = 0;
        while (total < 1500 || flight) {
            unsigned g = random() % 3;
            Guest &guest = *guests[g];
            Stream &stream = streams[g][random() % streams[g].size()];
            if (total < 1500 && stream.made - stream.done < 4) {
                uint32_t n = ++stream.made;
                Words add = {op(CMD_MI_ATOMIC, 11, ATOMIC_INLINE | 0x07u << 8), guest.ppa(stream.at), 0, n, 0, 0, 0, 0, 0, 0, 0};
                Words words = random() % 2 ? add : Words{op(CMD_MI_ATOMIC, 11, MI_GLOBAL_GTT | ATOMIC_INLINE | 0x07u << 8), guest.gma(stream.at), 0, n, 0, 0, 0, 0, 0, 0, 0};
                for (unsigned k = random() % 200; k > 0; k--)
                    words.push_back(k % 50 ? 0 : op(CMD_MI_ARB_CHECK, 1));
                owner[stream.context->submit(words)] = &stream;
                flight++;
                total++;
            }
            for (auto &reaper : guests) {
                while (workload *w = sched_client_reap(reaper->client)) {
                    ASSERT_EQ(workload_status(w), WORKLOAD_DONE) << workload_reason(w);
                    EXPECT_TRUE(workload_write_back(w));
                    owner[w]->done++;
                    owner.erase(w);
                    workload_free(w);
                    flight--;
                }
            }
        }
        for (unsigned g = 0; g < 3; g++) {
            for (Stream &stream : streams[g]) {
                EXPECT_EQ(guests[g]->word(stream.at), stream.made * (stream.made + 1) / 2) << *policy;
                EXPECT_EQ(stream.context->state()[CTX_RING_HEAD], stream.context->state()[CTX_RING_TAIL]);
            }
        }
    }
}

} // namespace
