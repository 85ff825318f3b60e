// SPDX-License-Identifier: GPL-2.0-or-later
// A vGPU on a model of its own, for benchmarks; ends the program with a message where something cannot be made.
#ifndef MEDIANT_TESTS_BENCH_BENCH_VGPU_H
#define MEDIANT_TESTS_BENCH_BENCH_VGPU_H

#include "gpu/driver/driver.h"
#include "gpu/model/model.h"
#include "mmio/vgpu.h"
#include "scheduler/scheduler.h"

#include <cstdio>
#include <cstdlib>

template <typename T> T *check(T *result, GError *error)
{
    if (!result) {
        fprintf(stderr, "%s: %s\n", g_get_prgname() ? g_get_prgname() : "bench", error->message);
        exit(1);
    }
    return result;
}

struct BenchVgpu {
    driver *drv = nullptr;
    scheduler *sched = nullptr;
    vgpu *v = nullptr; // destroyed by whoever takes its function, or by finish()

    // events outlives it.
    explicit BenchVgpu(trace *events)
    {
        GError *error = nullptr;
        model_config config = {};
        config.trace = events;
        model *shared = check(model_create(&config, &error), error);
        drv = check(driver_create(model_gpu(shared), events, &error), error);
        scheduler_config scheduling = {};
        scheduling.policy = "fair";
        scheduling.trace = events;
        sched = check(scheduler_create(drv, &scheduling, &error), error);
        vgpu_config virt = {};
        virt.id = 1;
        virt.name = "bench";
        virt.type = vgpu_type_find("i915-GVTg_V5_4");
        virt.trace = events;
        v = check(vgpu_create(sched, drv, &virt, &error), error);
    }
    void finish()
    {
        vgpu_destroy(v);
        scheduler_destroy(sched);
        driver_destroy(drv);
    }
};

#endif
