// SPDX-License-Identifier: GPL-2.0-or-later
// What the table dispatch of a trapped register access costs, without the exit itself: BAR accesses of the vGPU and of the passed-through
// model, called as the machine's bus calls them. Prints one line of JSON for each figure: nanoseconds, median of interleaved rounds.
//   bench_mmio [ROUNDS]
#include "gpu/defs/registers.h"
#include "gpu/model/model.h"

#include "bench_vgpu.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr unsigned ACCESSES = 20000;

struct Access {
    const char *name;
    uint64_t offset;
    bool write;
};
const Access accesses[] = {
    {"plain_read", R_SWF_ILK, false},          {"plain_write", R_SWF_ILK, true},
    {"engine_read", 0x2000 + RING_HEAD, false}, {"interrupt_read", R_GEN8_GT_IIR, false},
    {"interrupt_write", R_GEN8_GT_IMR, true},  {"power_read", R_HSW_PWR_WELL_CTL2, false},
    {"display_read", R_PIPECONF, false},       {"unknown_read", 0x1ffffc, false},
    {"pte_write", uint64_t(GTT_OFFSET) + 8 * 4096, true},
};

double once(pci_device *dev, const Access &access)
{
    uint64_t value = 0;
    size_t len = access.offset >= GTT_OFFSET ? 8 : 4;
    auto start = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < ACCESSES; i++) {
        if (access.write)
            dev->ops->bar_write(dev, 0, access.offset, &value, len);
        else
            dev->ops->bar_read(dev, 0, access.offset, &value, len);
    }
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / ACCESSES;
}

} // namespace

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? std::max(1, atoi(argv[1])) : 9;
    GError *error = nullptr;
    trace *events = trace_create(0);
    model_config config = {};
    config.trace = events;
    pci_host host = {};
    host.dma = dma_space_create("bench");
    host.msi = [](pci_host *, uint64_t, uint32_t) {};
    host.intx = [](pci_host *, bool) {};
    host.decode_changed = [](pci_host *) {};

    model *whole = check(model_create(&config, &error), error);
    pci_device *native = model_pci(whole);
    native->ops->attach(native, &host);

    BenchVgpu bench(events);
    pci_device *mediated = vgpu_pci(bench.v);
    mediated->ops->attach(mediated, &host);

    for (const Access &access : accesses) {
        std::vector<double> by_native, by_vgpu;
        for (unsigned i = 0; i < rounds; i++) {
            by_native.push_back(once(native, access));
            by_vgpu.push_back(once(mediated, access));
        }
        std::sort(by_native.begin(), by_native.end());
        std::sort(by_vgpu.begin(), by_vgpu.end());
        printf("{\"figure\": \"dispatch_%s_ns\", \"vgpu\": %.0f, \"passthrough\": %.0f}\n", access.name, by_vgpu[rounds / 2],
               by_native[rounds / 2]);
    }
    bench.finish();
    model_destroy(whole);
    dma_space_unref(host.dma);
    trace_destroy(events);
}
