// SPDX-License-Identifier: GPL-2.0-or-later
// Who gets the engine when all want it: shares by weight over windows of time, and how long a guest with little work waits beside one with much. Times on
// the engine are those that the scheduler's events tell.
#include "plan.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

namespace bench {

namespace {

struct Interval {
    uint64_t begin, end;
    unsigned guest;
};

// From the events of the blitter: each workload has the engine from its dispatch, or from when the one before it left, to its end.
std::vector<Interval> intervals(trace *events, uint64_t &lost)
{
    std::vector<Interval> result;
    std::map<uint64_t, uint64_t> dispatched;
    std::vector<trace_record> records(4096);
    uint64_t cursor = 0, free_at = 0;
    while (size_t count = trace_read(events, &cursor, records.data(), records.size(), &lost))
        for (size_t i = 0; i < count; i++) {
            const trace_record &record = records[i];
            if (record.engine != ENGINE_BCS0 || !record.vgpu)
                continue;
            if (record.event == TRACE_DISPATCH)
                dispatched[record.a] = record.time_ns;
            if ((record.event != TRACE_COMPLETE && record.event != TRACE_PREEMPT) || !dispatched.count(record.a))
                continue;
            result.push_back({std::max(dispatched[record.a], free_at), record.time_ns, record.vgpu - 1u});
            free_at = record.time_ns;
            dispatched.erase(record.a);
        }
    return result;
}

Metrics shares(const std::vector<unsigned> &weights, uint64_t slice_ns, Length length)
{
    std::vector<Client> clients;
    unsigned all = 0;
    for (unsigned weight : weights) {
        clients.push_back({weight, false});
        all += weight;
    }
    World world(MEDIATED, clients, 1 << 20, slice_ns);
    uint64_t start = trace_now_ns(), until = start + length.ns(3.2);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < weights.size(); i++)
        threads.emplace_back([&, i] {
            world.guest(i).set_batch(8, Guest::FILL); // in flight: several slices' worth, so that the guest's own thread decides nothing
            world.guest(i).run(until, 0, 32);
        });
    for (std::thread &thread : threads)
        thread.join();
    uint64_t lost = 0;
    auto list = intervals(world.events, lost);
    uint64_t from = start + length.ns(0.1), to = until;
    Metrics metrics;
    double gap = 0;
    std::vector<double> used(weights.size());
    std::vector<uint64_t> last(weights.size(), from);
    for (const Interval &interval : list) {
        if (interval.begin < from || interval.end > to)
            continue;
        used[interval.guest] += double(interval.end - interval.begin);
        gap = std::max(gap, double(interval.begin) - double(last[interval.guest]));
        last[interval.guest] = interval.end;
    }
    double sum = 0, squares = 0, total = 0;
    for (unsigned i = 0; i < weights.size(); i++) {
        double x = used[i] / weights[i];
        sum += x;
        squares += x * x;
        total += used[i];
    }
    metrics["jain"] = squares > 0 ? sum * sum / (double(weights.size()) * squares) : 0;
    metrics["gap_ms"] = gap / 1e6;
    metrics["busy"] = total / double(to - from);
    for (uint64_t window : {10 * MS, 100 * MS, 1000 * MS}) {
        std::vector<double> errors;
        for (uint64_t at = from; at + window <= to; at += window) {
            std::vector<double> part(weights.size());
            double busy = 0;
            for (const Interval &interval : list) {
                uint64_t begin = std::max(interval.begin, at), end = std::min(interval.end, at + window);
                if (begin < end) {
                    part[interval.guest] += double(end - begin);
                    busy += double(end - begin);
                }
            }
            double worst = 0;
            for (unsigned i = 0; i < weights.size(); i++)
                worst = std::max(worst, std::abs(part[i] / std::max(busy, 1.0) - double(weights[i]) / all));
            errors.push_back(worst);
        }
        if (errors.empty())
            continue;
        std::string name = "error_" + std::to_string(window / MS) + "ms";
        double mean = 0;
        for (double error : errors)
            mean += error / double(errors.size());
        metrics[name + "_mean"] = mean;
        metrics[name + "_max"] = *std::max_element(errors.begin(), errors.end());
    }
    if (lost)
        Guest::fail("events were lost: the ring of events is too small");
    return metrics;
}

// A guest that draws a little 60 times a second beside one that keeps the engine busy with 64 MiB batches: from submission to completion.
Metrics frames(bool beside, bool latency, Length length)
{
    World world(MEDIATED, {{4, latency}, {4, false}});
    std::atomic<bool> stop{false};
    std::thread hog;
    world.guest(0).set_batch(2, Guest::FILL);
    if (beside) {
        world.guest(1).set_batch(64, Guest::FILL);
        hog = std::thread([&] {
            while (!stop)
                world.guest(1).run(0, 4, 2);
        });
    }
    std::vector<double> took;
    uint64_t next = trace_now_ns() + 20 * MS, until = next + length.ns(4.0);
    while (next < until) {
        uint64_t now = trace_now_ns();
        if (now < next)
            std::this_thread::sleep_for(std::chrono::nanoseconds(next - now));
        took.push_back(double(world.guest(0).one()) / 1e6);
        next = std::max(next + 16666667, trace_now_ns());
    }
    stop = true;
    if (beside)
        hog.join();
    std::sort(took.begin(), took.end());
    auto at = [&](double part) { return took[std::min(size_t(double(took.size()) * part), took.size() - 1)]; };
    return {{"p50_ms", at(0.50)}, {"p95_ms", at(0.95)}, {"p99_ms", at(0.99)}, {"max_ms", took.back()}};
}

} // namespace

void plan_fairness(std::vector<Item> &plan, Length length)
{
    plan.push_back({"weights", "1:2:4:8", MEDIATED, 3.4, [=] { return shares({1, 2, 4, 8}, 0, length); }});
    plan.push_back({"weights", "1:2:4:8, slice 1 ms", MEDIATED, 3.4, [=] { return shares({1, 2, 4, 8}, MS, length); }});
    plan.push_back({"weights", "1:1:1:1", MEDIATED, 3.4, [=] { return shares({1, 1, 1, 1}, 0, length); }});
    plan.push_back({"weights", "1:1", MEDIATED, 3.4, [=] { return shares({1, 1}, 0, length); }});
    plan.push_back({"latency", "alone", MEDIATED, 4.2, [=] { return frames(false, false, length); }});
    plan.push_back({"latency", "beside a batch guest", MEDIATED, 4.2, [=] { return frames(true, false, length); }});
    plan.push_back({"latency", "beside it, class latency", MEDIATED, 4.2, [=] { return frames(true, true, length); }});
}

} // namespace bench
