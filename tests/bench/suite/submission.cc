// SPDX-License-Identifier: GPL-2.0-or-later
// What one guest's submissions cost: by size, by trap, by part of the way, and with page tables that change.
#include "plan.h"

namespace bench {

namespace {

constexpr unsigned DEPTH = 8; // requests that a driver lets wait
constexpr uint64_t KIB = 1024;

const Batch batches[] = {{"noop", 0, 0},           {"16 KiB", 1, 16 * KIB},   {"128 KiB", 1, 128 * KIB},
                         {"1 MiB", 1, 1024 * KIB}, {"16 MiB", 16, 1024 * KIB}, {"200 MiB", 200, 1024 * KIB}};

Metrics sweep(way how, const Batch &batch, Length length)
{
    World world(how);
    Guest &guest = world.guest();
    guest.set_batch(batch.fills, batch.bytes);
    guest.run(trace_now_ns() + length.ns(0.05), 0, DEPTH); // warm
    uint64_t start = trace_now_ns(), count = guest.run(start + length.ns(0.4), 0, DEPTH), end = trace_now_ns();
    uint64_t alone = 0, rounds = 0;
    for (uint64_t until = end + length.ns(0.3); trace_now_ns() < until || !rounds; rounds++)
        alone += guest.one();
    return {{"us_each", double(end - start) / double(count) / 1e3}, {"us_round_trip", double(alone) / double(rounds) / 1e3}};
}

Metrics census(way how, const Batch &batch, Length length)
{
    World world(how);
    Guest &guest = world.guest();
    guest.set_batch(batch.fills, batch.bytes);
    guest.run(0, 16, DEPTH);
    auto count = guest.access_count;
    guest.timed = true;
    uint64_t done = guest.run(trace_now_ns() + length.ns(0.3), 0, DEPTH);
    Metrics metrics;
    for (unsigned kind = 0; kind < ACCESSES; kind++) {
        uint64_t accesses = guest.access_count[kind] - count[kind];
        if (!accesses)
            continue;
        std::string name = access_names[kind];
        metrics[name + "_each"] = double(accesses) / double(done);
        metrics[name + "_ns"] = double(guest.access_ns[kind]) / double(accesses);
    }
    return metrics;
}

Metrics cost(const Batch &batch, unsigned depth, Length length)
{
    World world(MEDIATED);
    Guest &guest = world.guest();
    guest.set_batch(batch.fills, batch.bytes);
    guest.run(0, 16, depth);
    struct vgpu_stats before = world.stats();
    uint64_t cpu = scheduler_cpu_ns(world.sched);
    guest.run(trace_now_ns() + length.ns(0.4), 0, depth);
    struct vgpu_stats after = world.stats();
    double count = double(after.usage.workloads[ENGINE_BCS0] - before.usage.workloads[ENGINE_BCS0]);
    Metrics metrics;
    for (unsigned i = 0; i < SCHED_COSTS; i++)
        metrics[std::string(sched_cost_names[i]) + "_us"] = double(after.usage.cost_ns[i] - before.usage.cost_ns[i]) / count / 1e3;
    metrics["schedule_us"] = double(scheduler_cpu_ns(world.sched) - cpu) / count / 1e3; // dispatch and completion
    return metrics;
}

struct Tables {
    const char *label;
    unsigned tables, changed, fills;
};
const Tables tables[] = {{"1 table", 1, 0, 0},
                         {"256 tables", 256, 0, 0},
                         {"256 tables, 64 entries change", 256, 64, 0},
                         {"256 tables, 2048 entries change", 256, 2048, 0},
                         {"64 tables, 2048 entries change, 8 MiB", 64, 2048, 8}}; // as a media pipeline: buffers come and go with each frame

Metrics table_stress(way how, const Tables &what, Length length)
{
    World world(how);
    Guest &guest = world.guest();
    guest.set_batch(what.fills, Guest::FILL);
    guest.make_tables(what.tables);
    guest.prepare = [&] { guest.change_entries(what.changed); };
    guest.run(0, 4, 2);
    uint64_t start = trace_now_ns(), count = guest.run(start + length.ns(0.4), 0, 2), end = trace_now_ns();
    return {{"us_each", double(end - start) / double(count) / 1e3}};
}

} // namespace

void plan_submission(std::vector<Item> &plan, Length length)
{
    for (const Batch &batch : batches)
        for (way how : {PASSTHROUGH, MEDIATED})
            plan.push_back({"submission", batch.label, how, 0.9, [=, &batch] { return sweep(how, batch, length); }});
    for (way how : {PASSTHROUGH, MEDIATED})
        plan.push_back({"census", batches[0].label, how, 0.4, [=] { return census(how, batches[0], length); }});
    for (way how : {PASSTHROUGH, MEDIATED})
        plan.push_back({"census", batches[3].label, how, 0.4, [=] { return census(how, batches[3], length); }});
    plan.push_back({"cost", "noop, one by one", MEDIATED, 0.5, [=] { return cost(batches[0], 1, length); }});
    plan.push_back({"cost", "noop, back to back", MEDIATED, 0.5, [=] { return cost(batches[0], DEPTH, length); }});
    plan.push_back({"cost", "1 MiB, back to back", MEDIATED, 0.5, [=] { return cost(batches[3], DEPTH, length); }});
    for (const Tables &what : tables)
        for (way how : {PASSTHROUGH, MEDIATED})
            plan.push_back({"tables", what.label, how, 0.5, [=, &what] { return table_stress(how, what, length); }});
}

} // namespace bench
