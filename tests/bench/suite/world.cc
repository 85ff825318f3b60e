// SPDX-License-Identifier: GPL-2.0-or-later
#include "world.h"

#include <cstdio>

namespace bench {

const char *const way_names[2] = {"passthrough", "mediated"};

namespace {

const char *const TYPE = "i915-GVTg_V5_64"; // the smallest, so that many fit

template <typename T> T *made(T *result, GError *error)
{
    if (!result)
        Guest::fail(error->message);
    return result;
}

} // namespace

World::World(way how, const std::vector<Client> &clients, size_t records, uint64_t slice_ns) : events(trace_create(records))
{
    GError *error = nullptr;
    model_config config = {};
    config.aperture_size = UINT64_C(1) << 30;
    config.trace = events;
    physical = made(model_create(&config, &error), error);
    if (how == PASSTHROUGH) {
        guests.push_back(std::make_unique<Guest>(model_pci(physical), false));
        return;
    }
    drv = made(driver_create(model_gpu(physical), events, &error), error);
    scheduler_config scheduling = {};
    scheduling.policy = "fair";
    scheduling.slice_ns = slice_ns;
    scheduling.trace = events;
    sched = made(scheduler_create(drv, &scheduling, &error), error);
    for (const Client &client : clients)
        add(client);
}

void World::add(const Client &client)
{
    GError *error = nullptr;
    vgpu_config config = {};
    config.id = unsigned(vgpus.size()) + 1;
    config.name = "bench";
    config.type = vgpu_type_find(TYPE);
    config.weight = client.weight;
    config.latency = client.latency;
    config.trace = events;
    config.failed = [](void *, const char *reason) { Guest::fail(reason); };
    vgpus.push_back(made(vgpu_create(sched, drv, &config, &error), error));
    guests.push_back(std::make_unique<Guest>(vgpu_pci(vgpus.back()), true));
}

World::~World()
{
    for (vgpu *v : vgpus)
        vgpu_destroy(v);
    if (sched) {
        scheduler_destroy(sched);
        driver_destroy(drv);
    } else {
        model_destroy(physical);
    }
    guests.clear();
    trace_destroy(events);
}

struct vgpu_stats World::stats(unsigned i) const
{
    struct vgpu_stats result = {};
    if (i < vgpus.size())
        ::vgpu_stats(vgpus[i], &result);
    return result;
}

} // namespace bench
