// SPDX-License-Identifier: GPL-2.0-or-later
// One GPU with guests, made anew for each measurement: the model passed through to one guest, or mediated for several.
#ifndef MEDIANT_TESTS_BENCH_SUITE_WORLD_H
#define MEDIANT_TESTS_BENCH_SUITE_WORLD_H

#include "guest.h"

#include "gpu/driver/driver.h"
#include "gpu/model/model.h"
#include "mmio/vgpu.h"
#include "scheduler/scheduler.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bench {

enum way { PASSTHROUGH, MEDIATED };
extern const char *const way_names[2];

struct Client {
    unsigned weight = 4;
    bool latency = false;
};

class World {
  public:
    // records: events that are kept, for those that look at them.
    World(way how, const std::vector<Client> &clients = {Client{}}, size_t records = 0, uint64_t slice_ns = 0);
    ~World();

    Guest &guest(unsigned i = 0) { return *guests[i]; }
    unsigned count() const { return unsigned(guests.size()); }
    struct vgpu_stats stats(unsigned i = 0) const;
    uint64_t traps(trace_event event, unsigned i = 0) const { return trace_count(events, i + 1, event); }
    void add(const Client &client); // one vGPU more

    trace *events;
    scheduler *sched = nullptr;

  private:
    model *physical = nullptr;
    driver *drv = nullptr;
    std::vector<vgpu *> vgpus;
    std::vector<std::unique_ptr<Guest>> guests;
};

using Metrics = std::map<std::string, double>;

} // namespace bench

#endif
