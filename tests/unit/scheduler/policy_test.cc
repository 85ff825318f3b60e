/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies on a simulated engine and clock: shares against weights, delays, bursts. */
#include "policy_engine.h"

#include "scheduler/scheduler.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

using namespace policy_test;

namespace {

/* Jain's index of time by weight: 1 is perfectly fair. */
double jain(const std::vector<Client> &clients)
{
    double sum = 0, squares = 0;
    for (const Client &client : clients) {
        double x = double(client.used_ns) / client.entity.weight;
        sum += x;
        squares += x * x;
    }
    return sum * sum / (clients.size() * squares);
}

TEST(Policy, NamesFindPolicies)
{
    unsigned count = 0;
    for (const char *const *name = policy_names(); *name; name++, count++) {
        ASSERT_NE(policy_find(*name), nullptr) << *name;
        EXPECT_STREQ(policy_find(*name)->name, *name);
    }
    EXPECT_EQ(count, 4u);
    EXPECT_EQ(policy_find("nonsense"), nullptr);
}

TEST(PolicyFair, SharesTimeByWeight)
{
    Engine engine("fair", 4 * MS, {hog(1), hog(2), hog(4), hog(8)});
    engine.run(100 * MS);
    engine.run(900 * MS);
    uint64_t total = 0;
    for (Client &client : engine.clients)
        total += client.used_ns;
    for (Client &client : engine.clients) {
        double share = double(client.used_ns) / total, due = client.entity.weight / 15.0;
        EXPECT_NEAR(share, due, 0.01) << "weight " << client.entity.weight;
    }
    EXPECT_GT(jain(engine.clients), 0.995);
    EXPECT_EQ(engine.busy, engine.now - 1000);
}

TEST(PolicyFair, SharesInShortWindowsToo)
{
    Engine engine("fair", 4 * MS, {hog(4), hog(4)});
    engine.run(20 * MS);
    for (int window = 0; window < 20; window++) {
        uint64_t before = engine.clients[0].used_ns;
        engine.run(100 * MS);
        EXPECT_NEAR(double(engine.clients[0].used_ns - before), 50.0 * MS, 5.0 * MS) << window;
    }
}

TEST(PolicyFair, SharesWhenJobsDifferInLength)
{
    Engine engine("fair", 4 * MS, {hog(1, 50 * US), hog(1, 700 * MS), hog(2, 3 * MS)});
    engine.preempt_ns = 20 * US;
    engine.run(1000 * MS);
    EXPECT_GT(jain(engine.clients), 0.99);
}

TEST(PolicyFair, GivesIdleTimeToWhoeverHasWork)
{
    Engine engine("fair", 4 * MS, {hog(1), interactive(8, 1 * MS, 99 * MS)});
    engine.run(1000 * MS);
    EXPECT_GT(engine.clients[0].used_ns, 980 * MS);
    EXPECT_EQ(engine.busy, engine.now - 1000);
}

TEST(PolicyFair, AnswersAnInteractiveClientSoon)
{
    Engine engine("fair", 4 * MS, {hog(1), interactive(1, 500 * US, 15 * MS)});
    engine.run(2000 * MS);
    EXPECT_LE(engine.clients[1].worst_wait_ns, 1 * MS); // a fraction of a slice
    EXPECT_GT(engine.clients[1].jobs, 120u);
}

TEST(PolicyFair, AllowsNoCatchingUpAfterIdleness)
{
    Engine engine("fair", 4 * MS, {hog(1), hog(1)});
    engine.clients[1].wakes_at = 500 * MS; // away for half a second
    engine.run(500 * MS);
    uint64_t before = engine.clients[0].used_ns;
    engine.run(200 * MS);
    EXPECT_NEAR(double(engine.clients[0].used_ns - before), 100.0 * MS, 10.0 * MS);
}

TEST(PolicyFair, FollowsAChangedWeight)
{
    Engine engine("fair", 4 * MS, {hog(1), hog(1)});
    engine.run(200 * MS);
    engine.clients[0].entity.weight = 3;
    uint64_t before = engine.clients[0].used_ns;
    engine.run(400 * MS);
    EXPECT_NEAR(double(engine.clients[0].used_ns - before), 300.0 * MS, 15.0 * MS);
}

TEST(Policy, IsSwitchedUnderClientsThatRun)
{
    // Each policy is followed by each other, with one client that never stops and one that comes and goes.
    for (const char *const *from = policy_names(); *from; from++)
        for (const char *const *to = policy_names(); *to; to++) {
            SCOPED_TRACE(std::string(*from) + " to " + *to);
            Engine engine(*from, 4 * MS, {hog(1), hog(3), interactive(2, 1 * MS, 9 * MS)});
            engine.run(123 * MS);
            policy_switch(&engine.policy, policy_find(*to), engine.now);
            EXPECT_STREQ(engine.policy.ops->name, *to);
            engine.run(1000 * MS); // who ran when it was switched pays for that yet
            uint64_t first = engine.clients[0].used_ns, second = engine.clients[1].used_ns, busy = engine.busy;
            engine.run(1000 * MS);
            double a = double(engine.clients[0].used_ns - first), b = double(engine.clients[1].used_ns - second);
            if (strcmp(*to, "fifo") != 0) {
                EXPECT_NEAR(b / a, strcmp(*to, "round-robin") == 0 ? 1.0 : 3.0, 0.3);
            }
            EXPECT_GT(engine.busy - busy, !strcmp(*to, "fixed") ? 600 * MS : 990 * MS);
        }
}

TEST(PolicyRoundRobin, IgnoresWeights)
{
    Engine engine("round-robin", 4 * MS, {hog(1), hog(8), hog(3)});
    engine.run(1200 * MS);
    for (Client &client : engine.clients)
        EXPECT_NEAR(double(client.used_ns), 400.0 * MS, 8.0 * MS);
}

TEST(PolicyFifo, RunsToTheEnd)
{
    Engine engine("fifo", 4 * MS, {interactive(1, 100 * MS, 1000 * MS), interactive(8, 10 * MS, 1000 * MS)});
    engine.run(105 * MS);
    EXPECT_EQ(engine.clients[0].used_ns, 100 * MS);
    EXPECT_EQ(engine.clients[1].used_ns, 5 * MS);
}

TEST(PolicyFixed, GivesNoMoreThanTheShare)
{
    Engine engine("fixed", 4 * MS, {hog(1), interactive(3, 1 * MS, 10000 * MS)});
    engine.run(1000 * MS);
    EXPECT_NEAR(double(engine.clients[0].used_ns), 250.0 * MS, 17.0 * MS); // although the other is idle
    Engine both("fixed", 4 * MS, {hog(1), hog(3)});
    both.run(1000 * MS);
    EXPECT_NEAR(double(both.clients[0].used_ns), 250.0 * MS, 17.0 * MS);
    EXPECT_NEAR(double(both.clients[1].used_ns), 750.0 * MS, 17.0 * MS);
}

TEST(PolicyFixed, TakesBackWhatWasOverdrawn)
{
    Engine engine("fixed", 4 * MS, {hog(1), hog(1)});
    engine.run(2 * MS);
    engine.policy.ops->charge(&engine.policy, &engine.clients[0].entity, 300 * MS); // it did not stop for long
    uint64_t before = engine.clients[0].used_ns;
    engine.run(320 * MS);
    EXPECT_LT(engine.clients[0].used_ns - before, 40 * MS);
}

} // namespace
