/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One simulated engine under a policy, with a clock of its own: for tests of policies. */
#pragma once

#include "scheduler/policy.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace policy_test {

constexpr uint64_t US = 1000, MS = 1000000;

struct Client {
    policy_entity entity{};
    uint64_t job_ns = 0;      // length of each job
    uint64_t think_ns = 0;    // idle time between jobs; 0: always more work
    std::vector<std::pair<uint64_t, uint64_t>> arrivals; // or: work that comes whatever became of the work before: when, and how much
    size_t arrived = 0;
    uint64_t left_ns = 0;     // of the current job, or of what has arrived
    uint64_t wakes_at = 0;    // when idle
    uint64_t used_ns = 0, worst_wait_ns = 0, ready_since = 0, jobs = 0;
    bool fresh = false;       // has come since it was idle, and has not run yet
    uint64_t worst_first_ns = 0; // longest wait of such
};

/* Runs what the policy picks and switches when keep() says so, with a delay of preempt_ns during which the old one still runs. */
class Engine {
public:
    Engine(const char *name, uint64_t slice, std::vector<Client> list) : clients(std::move(list))
    {
        policy_init(&policy, policy_find(name), slice);
        for (Client &client : clients)
            policy_join(&policy, &client.entity);
    }
    ~Engine() { policy_finish(&policy); }

    void run(uint64_t duration)
    {
        uint64_t end = now + duration;
        while (now < end) {
            for (Client &client : clients)
                arrive(client);
            if (running && !policy_keep(&policy, &running->entity, ran, now)) {
                if (preempt_ns)
                    spend(preempt_ns);
                stop();
                continue;
            }
            if (!running)
                start(policy_pick(&policy, nullptr, now));
            uint64_t next = std::min(end, policy_until(&policy, running ? &running->entity : nullptr, ran, now));
            for (Client &client : clients)
                next = std::min(next, next_arrival(client));
            if (running)
                next = std::min(next, now + running->left_ns);
            spins += next <= now;
            next = std::max(next, now + 1); // a policy that wants to be asked at once is asked again, but time goes on
            spend(next - now);
            if (running && running->left_ns == 0)
                finish();
            if (step)
                step();
        }
    }

    struct policy policy;
    std::vector<Client> clients;
    uint64_t now = 1000, busy = 0, ran = 0, preempt_ns = 0;
    uint64_t spins = 0;         // rounds in which the policy wanted to be asked again at once
    std::function<void()> step; // after each advance of time
    Client *running = nullptr;

private:
    void arrive(Client &client)
    {
        bool had = client.entity.work;
        if (!client.arrivals.empty()) {
            for (; client.arrived < client.arrivals.size() && client.arrivals[client.arrived].first <= now; client.arrived++)
                client.left_ns += client.arrivals[client.arrived].second;
        } else if (!had && client.wakes_at <= now) {
            client.left_ns = client.job_ns;
        }
        if (had || !client.left_ns)
            return;
        client.ready_since = now;
        client.fresh = true;
        policy_ready(&policy, &client.entity, now);
    }
    uint64_t next_arrival(const Client &client) const
    {
        if (!client.arrivals.empty())
            return client.arrived < client.arrivals.size() ? client.arrivals[client.arrived].first : UINT64_MAX;
        return client.entity.work ? UINT64_MAX : client.wakes_at;
    }
    void start(policy_entity *next)
    {
        for (Client &client : clients)
            if (&client.entity == next)
                running = &client;
        if (!running)
            return;
        running->entity.running = true;
        running->entity.woken = false;
        running->entity.running_ns = 0;
        running->worst_wait_ns = std::max(running->worst_wait_ns, now - running->ready_since);
        if (running->fresh)
            running->worst_first_ns = std::max(running->worst_first_ns, now - running->ready_since);
        running->fresh = false;
        ran = 0;
    }
    void spend(uint64_t ns)
    {
        now += ns;
        if (!running)
            return;
        uint64_t used = std::min(ns, running->left_ns);
        running->left_ns -= used;
        running->used_ns += used;
        running->entity.running_ns += used;
        ran += ns;
        busy += used;
    }
    void finish()
    {
        Client *client = running;
        client->jobs++;
        if (client->arrivals.empty() && !client->think_ns) {
            client->left_ns = client->job_ns;
            return;
        }
        policy_idle(&policy, &client->entity);
        client->wakes_at = now + client->think_ns;
        stop();
    }
    void stop()
    {
        running->entity.running = false;
        policy_charge(&policy, &running->entity, running->entity.running_ns, now);
        running->entity.running_ns = 0;
        running->ready_since = now;
        if (running->entity.work && !running->left_ns)
            policy_idle(&policy, &running->entity);
        running = nullptr;
    }
};

inline Client hog(unsigned weight, uint64_t job = 1000 * MS)
{
    Client client;
    client.entity.weight = weight;
    client.job_ns = job;
    return client;
}

inline Client interactive(unsigned weight, uint64_t job, uint64_t think)
{
    Client client = hog(weight, job);
    client.think_ns = think;
    return client;
}

inline Client capped(Client client, unsigned percent)
{
    client.entity.limits.cap = percent;
    return client;
}

inline Client latency(Client client)
{
    client.entity.limits.latency = true;
    return client;
}

} // namespace policy_test
