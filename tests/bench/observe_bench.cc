// SPDX-License-Identifier: GPL-2.0-or-later
// The single costs of watching: an event that is counted, and one that is recorded too; taking a recorded one into the recorder; a scrape of two vGPUs, from the
// counters to the text. Medians of interleaved rounds.
#include "vmm/observe/chrome_trace.h"
#include "vmm/observe/figures.h"
#include "vmm/observe/recorder.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned ROUNDS = 21, EVENTS = 40000, SCRAPES = 50;

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

double emit_ns(struct trace *trace, trace_event event)
{
    uint64_t start = trace_now_ns();
    for (unsigned i = 0; i < EVENTS; i++)
        trace_emit(trace, event, 1, ENGINE_BCS0, i, i);
    return double(trace_now_ns() - start) / EVENTS;
}

} // namespace

int main()
{
    std::string path = "/tmp/bench-observe-" + std::to_string(getpid());
    std::ofstream(path) << "[vgpu alpha]\ntype = i915-GVTg_V5_8\n[vgpu beta]\ntype = i915-GVTg_V5_8\n";
    struct config *config = config_load(path.c_str(), nullptr, nullptr);
    struct trace *trace = trace_create(0);
    gpu_setup_config setup = {config, trace, [](void *, unsigned, const char *) {}, nullptr};
    struct gpu_setup *gpu = gpu_setup_create(&setup, nullptr);
    figures_source source = {};
    source.gpu = gpu;
    source.trace = trace;
    source.policy = "fair";
    struct recorder *recorder = recorder_create([](void *, unsigned) { return "a"; }, nullptr);
    if (!gpu || !recorder_start(recorder, (path + ".json").c_str(), trace, nullptr))
        return 1;
    std::vector<double> counted, recorded, taken, scraped;
    for (unsigned round = 0; round < ROUNDS; round++) {
        trace_keep(trace, 1 << 16, 0);
        counted.push_back(emit_ns(trace, TRACE_SUBMIT));
        trace_keep(trace, 1 << 16, chrome_trace_events);
        recorded.push_back(emit_ns(trace, TRACE_SUBMIT));
        uint64_t start = trace_now_ns();
        recorder_poll(recorder, trace);
        taken.push_back(double(trace_now_ns() - start) / EVENTS);
        start = trace_now_ns();
        for (unsigned i = 0; i < SCRAPES; i++) {
            struct figures *figures = figures_take(&source);
            g_free(figures_to_metrics(figures));
            figures_free(figures);
        }
        scraped.push_back(double(trace_now_ns() - start) / SCRAPES);
    }
    printf("{\"figure\": \"event_ns\", \"counted\": %.1f, \"recorded\": %.1f, \"taken\": %.1f}\n", median(counted), median(recorded), median(taken));
    printf("{\"figure\": \"scrape_us\", \"value\": %.1f, \"vgpus\": 2}\n", median(scraped) / 1000);
    recorder_destroy(recorder);
    gpu_setup_destroy(gpu);
    trace_destroy(trace);
    config_free(config);
    unlink(path.c_str());
    unlink((path + ".json").c_str());
    return 0;
}
