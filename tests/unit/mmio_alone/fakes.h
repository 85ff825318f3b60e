// SPDX-License-Identifier: GPL-2.0-or-later
// Stand-ins for what is below the vGPU, linked in place of the scheduler and the driver: workloads end when and how the test says, and
// physical page table entries are a map. So the vGPU's own logic is tested alone, in every order of events.
#ifndef MEDIANT_TESTS_MMIO_ALONE_FAKES_H
#define MEDIANT_TESTS_MMIO_ALONE_FAKES_H

#include "gpu/defs/formats.h"
#include "mmio/vgpu.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

struct workload {
    sched_client *client;
    unsigned engine;
    uint64_t desc;
    bool four_level;
    uint64_t pdp[4];
    enum workload_status status;
    uint32_t head;
    bool written_back;
};

struct sched_client {
    sched_client_config config;
    std::vector<workload *> queued[ENGINE_COUNT]; // in order of submission
    std::deque<workload *> ended;
    uint32_t interrupts[ENGINE_COUNT] = {};
    unsigned preempts[ENGINE_COUNT] = {};
    std::map<uint32_t, uint32_t> registers;
};

struct driver {
    gpu device = {};
    std::map<uint64_t, uint64_t> entries; // by page address; absent: scratch
    unsigned flushes = 0;
    uint64_t next_low = 0x8000000, next_high = 0x18000000, low_end = 0x10000000, high_end = 0x100000000;
    struct Mapping {
        uint8_t *host;
        uint64_t size;
        unsigned prot;
    };
    std::map<uint64_t, Mapping> mappings; // by iova
    uint64_t next_iova = 0x1000000000;
    driver();
};

// One world at a time; everything in it is under its mutex.
struct World {
    std::mutex mutex;
    std::condition_variable changed;
    driver device;
    sched_client *client = nullptr;
    unsigned created = 0, freed = 0;
    std::string fail_next_workload; // the next workload_create() fails with this
    std::function<void(workload *)> on_create; // runs inside workload_create()
    enum workload_status reset_status = WORKLOAD_CANCELLED; // how a reset finds what is queued
    uint32_t timestamp = 0x1234;

    World();
    ~World();
    scheduler *sched() { return reinterpret_cast<scheduler *>(this); }
    workload *queued(unsigned engine, size_t n); // the nth queued workload, nullptr when there are fewer
    size_t count(unsigned engine);
    unsigned preempts(unsigned engine);
    // Ends the oldest queued workload of the engine and tells the vGPU; then waits until the vGPU has taken and freed it.
    void end(unsigned engine, enum workload_status status, uint32_t head = 0);
    // Raises interrupts as the scheduler reports them.
    void interrupt(unsigned engine, uint32_t bits);
};

#endif
