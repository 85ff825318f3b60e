/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Caps and the latency class, under every policy; and random arrivals against a second implementation of what fair shares are: a fluid that
 * is divided by weight at every instant, which knows nothing of slices, virtual time or buckets.
 */
#include "policy_engine.h"

#include "scheduler/scheduler.h"

#include <cmath>
#include <deque>
#include <gtest/gtest.h>
#include <random>
#include <string>

using namespace policy_test;

namespace {

constexpr uint64_t SLICE = 4 * MS;

class EveryPolicy : public testing::TestWithParam<const char *> {};
INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicy, testing::Values("fair", "round-robin", "fifo", "fixed"), [](const auto &info) {
    std::string name = info.param;
    name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
    return name;
});

/* The most that one used in any window of this length, for a log of (time, used so far). */
uint64_t most_in_window(const std::vector<std::pair<uint64_t, uint64_t>> &log, uint64_t window)
{
    uint64_t most = 0;
    for (size_t from = 0, to = 0; from < log.size(); from++) {
        while (to + 1 < log.size() && log[to + 1].first <= log[from].first + window)
            to++;
        most = std::max(most, log[to].second - log[from].second);
    }
    return most;
}

TEST_P(EveryPolicy, KeepsCapsInEveryWindow)
{
    for (unsigned cap : {1u, 10u, 25u, 60u, 99u}) {
        Engine engine(GetParam(), SLICE, {capped(hog(8), cap), interactive(1, 3 * MS, 40 * MS)});
        engine.preempt_ns = 50 * US;
        std::vector<std::pair<uint64_t, uint64_t>> log;
        engine.step = [&] { log.emplace_back(engine.now, engine.clients[0].used_ns); };
        engine.run(3000 * MS);
        for (uint64_t window : {20 * MS, 100 * MS, 1000 * MS})
            EXPECT_LE(most_in_window(log, window), window * cap / 100 + SLICE + engine.preempt_ns + 1) << cap << " % in " << window / MS << " ms";
        double share = double(engine.clients[0].used_ns) / 3e9;
        if (std::string(GetParam()) == "fair") { /* and what it may have it gets, as the other one wants less */
            EXPECT_GE(share, std::min(cap / 100.0, 0.9) - 0.01) << cap;
        }
        EXPECT_EQ(engine.spins, 0u) << cap;
    }
}

TEST_P(EveryPolicy, LeavesTheEngineIdleRatherThanBreakACap)
{
    Engine engine(GetParam(), SLICE, {capped(hog(1), 30)});
    engine.run(1000 * MS);
    EXPECT_NEAR(double(engine.clients[0].used_ns), 300.0 * MS, double(SLICE));
}

TEST_P(EveryPolicy, TakesBackWhatIsBeyondACap)
{
    Engine engine(GetParam(), SLICE, {capped(hog(1), 50)});
    engine.run(2 * MS);
    policy_charge(&engine.policy, &engine.clients[0].entity, 200 * MS, engine.now); // it did not let go for long
    uint64_t before = engine.clients[0].used_ns;
    engine.run(380 * MS);
    EXPECT_LT(engine.clients[0].used_ns - before, 3 * MS);
    engine.run(220 * MS);
    EXPECT_GT(engine.clients[0].used_ns - before, 80 * MS);
}

TEST_P(EveryPolicy, FollowsAChangedCap)
{
    Engine engine(GetParam(), SLICE, {capped(hog(1), 10)});
    engine.run(1000 * MS);
    uint64_t before = engine.clients[0].used_ns;
    policy_limits none = {};
    policy_set_limits(&engine.policy, &engine.clients[0].entity, &none);
    policy_ready(&engine.policy, &engine.clients[0].entity, engine.now); // as the scheduler's next round says
    engine.run(1000 * MS);
    EXPECT_EQ(engine.clients[0].used_ns - before, 1000 * MS);
    EXPECT_EQ(engine.policy.capped, 0u);
}

TEST_P(EveryPolicy, PutsTheLatencyClassFirst)
{
    Engine engine(GetParam(), SLICE, {hog(1), hog(1), latency(interactive(1, 1 * MS, 15 * MS))});
    engine.preempt_ns = 100 * US;
    engine.run(2000 * MS);
    const Client &client = engine.clients[2];
    EXPECT_LE(client.worst_first_ns, engine.preempt_ns);
    EXPECT_GE(client.jobs, 120u);
    EXPECT_EQ(engine.spins, 0u);
}

TEST_P(EveryPolicy, LetsNoLatencyClientStarveOthers)
{
    if (std::string(GetParam()) == "fifo")
        return; // there whoever has the engine starves all others, class or not
    Engine engine(GetParam(), SLICE, {hog(1), latency(hog(1)), latency(interactive(2, 5 * MS, 100 * US))});
    engine.preempt_ns = 20 * US;
    uint64_t last = 0, gap = 0, since = engine.now;
    engine.step = [&] {
        if (engine.clients[0].used_ns != last)
            since = engine.now;
        gap = std::max(gap, engine.now - since);
        last = engine.clients[0].used_ns;
    };
    engine.run(2000 * MS);
    EXPECT_GE(double(engine.clients[0].used_ns), 0.24 * 2000 * MS);
    EXPECT_LE(gap, 8 * SLICE);
    EXPECT_EQ(engine.spins, 0u);
}

TEST_P(EveryPolicy, ServesTwoOfTheLatencyClassAfterOneAnother)
{
    Engine engine(GetParam(), SLICE, {hog(4), latency(interactive(4, 1 * MS, 16 * MS)), latency(interactive(4, 2 * MS, 13 * MS))});
    engine.preempt_ns = 100 * US;
    engine.run(3000 * MS);
    EXPECT_LE(engine.clients[1].worst_first_ns, 2 * MS + engine.preempt_ns);
    EXPECT_LE(engine.clients[2].worst_first_ns, 1 * MS + engine.preempt_ns);
}

/* The fluid: at each instant clients with work get time in proportion to their weights. One with a cap has up to a slice saved, and then its cap. */
class Fluid {
public:
    explicit Fluid(const std::vector<Client> &list) : clients(list), left(list.size()), used(list.size()), saved(list.size(), double(SLICE)), next(list.size()) {}

    void advance(double to)
    {
        while (now < to) {
            double until = to;
            for (size_t i = 0; i < clients.size(); i++) {
                const auto &arrivals = clients[i].arrivals;
                for (; next[i] < arrivals.size() && double(arrivals[next[i]].first) <= now; next[i]++)
                    left[i] += double(arrivals[next[i]].second);
                if (next[i] < arrivals.size())
                    until = std::min(until, double(arrivals[next[i]].first));
            }
            std::vector<double> rate = rates();
            for (size_t i = 0; i < clients.size(); i++) {
                if (rate[i] > 0)
                    until = std::min(until, now + std::max(left[i] / rate[i], 0.5));
                if (rate[i] > cap(i))
                    until = std::min(until, now + std::max(saved[i] / (rate[i] - cap(i)), 0.5));
            }
            for (size_t i = 0; i < clients.size(); i++) {
                double amount = std::min(left[i], rate[i] * (until - now));
                left[i] -= amount;
                used[i] += amount;
                saved[i] = std::clamp(saved[i] + cap(i) * (until - now) - amount, 0.0, double(SLICE));
            }
            now = until;
        }
    }

    std::vector<Client> clients;
    std::vector<double> left, used, saved;
    double now = 0;

private:
    std::vector<size_t> next;

    double cap(size_t i) const { return clients[i].entity.limits.cap ? clients[i].entity.limits.cap / 100.0 : 1; }
    std::vector<double> rates() const
    {
        std::vector<double> rate(clients.size(), 0);
        std::vector<bool> open(clients.size());
        for (size_t i = 0; i < clients.size(); i++)
            open[i] = left[i] > 1e-6;
        double rest = 1;
        for (bool again = true; again;) {
            again = false;
            double weights = 0;
            for (size_t i = 0; i < clients.size(); i++)
                weights += open[i] ? clients[i].entity.weight : 0;
            for (size_t i = 0; i < clients.size() && !again; i++) {
                double most = saved[i] > 1 ? 1 : cap(i);
                if (!open[i] || rest * clients[i].entity.weight / weights <= most)
                    continue;
                rate[i] = most;
                rest -= most;
                open[i] = false;
                again = true;
            }
            for (size_t i = 0; i < clients.size() && !again; i++)
                if (open[i])
                    rate[i] = rest * clients[i].entity.weight / weights;
        }
        return rate;
    }
};

struct World {
    std::vector<Client> clients;
    double load;
};

/* Clients with random weights, caps and classes, and arrivals for a second, from a trickle to far too much. */
World random_world(std::mt19937 &random, bool caps, bool classes)
{
    auto number = [&](uint64_t low, uint64_t high) { return std::uniform_int_distribution<uint64_t>(low, high)(random); };
    World world{{}, double(number(20, 250)) / 100};
    size_t count = number(2, 8);
    for (size_t i = 0; i < count; i++) {
        Client client;
        const unsigned weights[] = {1, 2, 4, 8};
        client.entity.weight = weights[number(0, 3)];
        if (caps && number(0, 2) == 0)
            client = capped(client, static_cast<unsigned>(number(2, 95)));
        if (classes && number(0, 2) == 0)
            client = latency(client);
        uint64_t mean_job = number(50 * US, 12 * MS);
        double mean_gap = double(mean_job) * double(count) / world.load;
        std::exponential_distribution<double> gap(1 / mean_gap), job(1 / double(mean_job));
        for (double at = 1000 + gap(random); at < 1e9; at += gap(random))
            client.arrivals.emplace_back(uint64_t(at), 1000 + uint64_t(job(random)));
        if (client.arrivals.empty())
            client.arrivals.emplace_back(5000, MS);
        world.clients.push_back(client);
    }
    return world;
}

class RandomArrivals : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomArrivals, testing::Range(0u, 48u));

/* Without caps and classes: never further from the fluid than a slice for each client and one more, and busy exactly when the fluid is. */
TEST_P(RandomArrivals, StayNearTheFluid)
{
    std::mt19937 random(GetParam());
    World world = random_world(random, false, false);
    Engine engine("fair", SLICE, world.clients);
    Fluid fluid(world.clients);
    double worst = 0, idle = 0;
    engine.step = [&] {
        fluid.advance(double(engine.now));
        double all = 0, due = 0;
        for (size_t i = 0; i < world.clients.size(); i++) {
            worst = std::max(worst, std::abs(double(engine.clients[i].used_ns) - fluid.used[i]));
            all += double(engine.clients[i].used_ns);
            due += fluid.used[i];
        }
        idle = std::max(idle, std::abs(all - due));
    };
    engine.run(1000 * MS);
    EXPECT_LE(worst, (1.0 + world.clients.size()) * SLICE) << world.clients.size() << " clients, load " << world.load;
    EXPECT_LE(idle, 1000.0 + double(world.clients.size())); // work-conserving
    EXPECT_EQ(engine.spins, 0u);
    RecordProperty("worst_us", int(worst / 1000));
}

TEST_P(RandomArrivals, StayNearTheFluidWithCapsAndClasses)
{
    std::mt19937 random(GetParam());
    World world = random_world(random, true, true);
    Engine engine("fair", SLICE, world.clients);
    Fluid fluid(world.clients);
    double worst = 0;
    uint64_t wasted = 0, last_busy = 0, last_now = engine.now;
    std::vector<std::vector<std::pair<uint64_t, uint64_t>>> logs(world.clients.size());
    engine.step = [&] {
        fluid.advance(double(engine.now));
        bool work = false;
        for (size_t i = 0; i < world.clients.size(); i++) {
            worst = std::max(worst, std::abs(double(engine.clients[i].used_ns) - fluid.used[i]));
            logs[i].emplace_back(engine.now, engine.clients[i].used_ns);
            work |= engine.clients[i].left_ns && engine.clients[i].entity.work && !engine.clients[i].entity.limits.cap;
        }
        if (work) /* somebody without a cap has had work all the time since */
            wasted += (engine.now - last_now) - std::min(engine.busy - last_busy, engine.now - last_now);
        last_busy = engine.busy;
        last_now = engine.now;
    };
    engine.run(1000 * MS);
    for (size_t i = 0; i < world.clients.size(); i++) {
        unsigned cap = world.clients[i].entity.limits.cap;
        for (uint64_t window : {10 * MS, 100 * MS, 500 * MS})
            EXPECT_LE(most_in_window(logs[i], window), window * (cap ? cap : 100) / 100 + SLICE + 1) << "client " << i << ", " << cap << " %";
    }
    EXPECT_LE(worst, (1.0 + world.clients.size()) * SLICE) << world.clients.size() << " clients, load " << world.load;
    EXPECT_EQ(wasted, 0u);
    EXPECT_EQ(engine.spins, 0u);
    RecordProperty("worst_us", int(worst / 1000));
}

/* A latency client that stays within its share waits for one preemption, whatever the others do. */
TEST_P(RandomArrivals, DoNotDelayTheLatencyClass)
{
    std::mt19937 random(GetParam());
    for (const char *name : {"fair", "round-robin", "fifo"}) {
        World world = random_world(random, true, false);
        unsigned weights = 0;
        for (Client &client : world.clients)
            weights += client.entity.weight;
        Client client = latency(interactive(weights, 500 * US, 16 * MS)); // half of all weights
        world.clients.push_back(client);
        Engine engine(name, SLICE, world.clients);
        engine.preempt_ns = 30 * US;
        engine.run(500 * MS);
        EXPECT_LE(engine.clients.back().worst_first_ns, 30 * US) << name;
        EXPECT_GE(engine.clients.back().jobs, 28u) << name;
    }
}

/* Equal hogs beside random others: each of them gets the same, and none waits for long. */
TEST_P(RandomArrivals, StarveNobody)
{
    std::mt19937 random(GetParam());
    World world = random_world(random, true, true);
    world.clients.push_back(hog(2));
    world.clients.push_back(hog(2));
    Engine engine("fair", SLICE, world.clients);
    engine.preempt_ns = 20 * US;
    size_t count = world.clients.size();
    unsigned weights = 0;
    for (Client &client : world.clients)
        weights += client.entity.weight;
    uint64_t since[2] = {engine.now, engine.now}, last[2] = {}, gap = 0;
    engine.step = [&] {
        for (size_t i = 0; i < 2; i++) {
            uint64_t used = engine.clients[count - 2 + i].used_ns;
            if (used != last[i])
                since[i] = engine.now;
            last[i] = used;
            gap = std::max(gap, engine.now - since[i]);
        }
    };
    engine.run(1000 * MS);
    EXPECT_NEAR(double(last[0]), double(last[1]), 2.0 * SLICE);
    EXPECT_GE(double(last[0]), 0.95 * 1000 * MS * 2 / weights - 2.0 * SLICE);
    EXPECT_LE(gap, SLICE * (weights + 2 * count)); // each of the others its share, and a slice
}

} // namespace
