// SPDX-License-Identifier: GPL-2.0-or-later
// Many guests on one GPU: what they get together, what idle ones cost, what each takes of memory.
#include "plan.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <thread>

namespace bench {

namespace {

constexpr unsigned DEPTH = 8;

// Requests a second of all guests together, each on a thread.
Metrics together(unsigned guests, const Batch &batch, Length length)
{
    World world(MEDIATED, std::vector<Client>(guests));
    for (unsigned i = 0; i < guests; i++)
        world.guest(i).set_batch(batch.fills, batch.bytes);
    std::vector<uint64_t> counts(guests);
    std::vector<std::thread> threads;
    uint64_t start = trace_now_ns(), until = start + length.ns(0.6);
    for (unsigned i = 0; i < guests; i++)
        threads.emplace_back([&, i] { counts[i] = world.guest(i).run(until, 0, DEPTH); });
    for (std::thread &thread : threads)
        thread.join();
    double sum = 0, least = 1e18, most = 0, seconds = double(trace_now_ns() - start) / 1e9;
    for (uint64_t count : counts) {
        sum += double(count);
        least = std::min(least, double(count));
        most = std::max(most, double(count));
    }
    return {{"requests_per_s", sum / seconds}, {"least_over_most", least / most}};
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// The guest works for a moment with the others' displays on, then with all off, so that nothing of them wakes up, and so on: the machine's ups and downs are longer.
Metrics beside_idle(unsigned idle, const Batch &batch, Length length)
{
    constexpr unsigned PAIRS = 16;
    World world(MEDIATED, std::vector<Client>(1 + idle));
    Guest &guest = world.guest();
    std::vector<double> quiet, beside, relation;
    double vblanks_per_s = 0;
    for (unsigned i = 1; i <= idle; i++)
        world.guest(i).run(0, 1, 1); // it has been there
    guest.set_batch(batch.fills, batch.bytes);
    guest.run(0, 16, DEPTH);
    auto measure = [&] {
        uint64_t start = trace_now_ns(), count = guest.run(start + length.ns(0.05), 0, DEPTH);
        return double(trace_now_ns() - start) / double(count) / 1e3;
    };
    for (unsigned half = 0; half < 2 * PAIRS; half++) {
        const bool on = half % 4 == 1 || half % 4 == 2; // each is the first of a pair as often as the other
        if (!on) {
            quiet.push_back(measure());
        } else {
            for (unsigned i = 1; i <= idle; i++)
                world.guest(i).display_on();
            uint64_t frames = idle ? world.stats(idle).vblanks : 0, start = trace_now_ns();
            beside.push_back(measure());
            if (idle)
                vblanks_per_s += double(world.stats(idle).vblanks - frames) / double(trace_now_ns() - start) * 1e9 / PAIRS;
            for (unsigned i = 1; i <= idle; i++)
                world.guest(i).display_off();
        }
        if (half % 2)
            relation.push_back(quiet.back() / beside.back());
    }
    Metrics metrics = {{"us_each", median(beside)}, {"quiet_us_each", median(quiet)}, {"of_quiet", median(relation)}};
    if (idle)
        metrics["idle_vblanks_per_s"] = vblanks_per_s;
    return metrics;
}

double anonymous_kib()
{
    char line[128];
    double kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = atof(line + 8);
    if (file)
        fclose(file);
    return kib;
}

// In a process of its own: in this one, what earlier worlds have freed would be used again.
Metrics memory()
{
    FILE *child = popen("\"$(readlink -f /proc/$PPID/exe)\" --memory", "r");
    double kib = 0;
    if (!child || fscanf(child, "%lf", &kib) != 1 || pclose(child) != 0)
        Guest::fail("the measurement of memory did not work");
    return {{"kib_each", kib}};
}

const Batch small = {"noop", 0, 0}, middle = {"128 KiB", 1, 128 << 10}, large = {"1 MiB", 1, 1 << 20};

} // namespace

// Guest memory is shared memory and not counted.
double memory_of_a_vgpu()
{
    constexpr unsigned FIRST = 4, MORE = 16;
    World world(MEDIATED, std::vector<Client>(FIRST));
    for (unsigned i = 0; i < FIRST; i++)
        world.guest(i).run(0, 50, DEPTH);
    double before = anonymous_kib();
    for (unsigned i = 0; i < MORE; i++) {
        world.add(Client{});
        world.guest(FIRST + i).run(0, 50, DEPTH);
    }
    return (anonymous_kib() - before) / MORE;
}

void plan_sharing(std::vector<Item> &plan, Length length)
{
    for (const Batch *batch : {&small, &middle, &large})
        for (unsigned guests : {1u, 2u, 4u, 8u, 16u, 32u, 64u})
            plan.push_back({"guests", std::string(batch->label) + ", " + std::to_string(guests), MEDIATED, 0.8,
                            [=] { return together(guests, *batch, length); }});
    for (const Batch *batch : {&small, &large})
        for (unsigned idle : {0u, 1u, 3u, 7u, 15u})
            plan.push_back({"idle", std::string(batch->label) + ", " + std::to_string(idle), MEDIATED, 1.7,
                            [=] { return beside_idle(idle, *batch, length); }});
    plan.push_back({"memory", "each vGPU", MEDIATED, 0.3, memory});
}

} // namespace bench
