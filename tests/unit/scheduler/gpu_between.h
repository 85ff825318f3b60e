/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A GPU between the driver and the model: it passes everything on, and a test may put itself in the way of register accesses. */
#pragma once

#include "gpu/gpu.h"

#include <functional>

namespace sched_test {

struct GpuBetween {
    gpu base = {}; // first: the ops get its address
    gpu *inner = nullptr;
    std::function<uint32_t(uint32_t offset)> on_read = [this](uint32_t offset) { return gpu_read32(inner, offset); };
    std::function<void(uint32_t offset, uint32_t value)> on_write = [this](uint32_t offset, uint32_t value) { gpu_write32(inner, offset, value); };

    GpuBetween() = default;
    GpuBetween(const GpuBetween &) = delete;

    /* Before the driver is created on it. */
    gpu *around(gpu *model)
    {
        static const gpu_ops ops = {read32, write32, pte_read, pte_write, dma_map, dma_unmap, set_irq, reset, destroy};
        base = *model;
        base.ops = &ops;
        inner = model;
        return &base;
    }

private:
    static GpuBetween *of(gpu *gpu) { return reinterpret_cast<GpuBetween *>(gpu); }
    static uint32_t read32(gpu *gpu, uint32_t offset) { return of(gpu)->on_read(offset); }
    static void write32(gpu *gpu, uint32_t offset, uint32_t value) { of(gpu)->on_write(offset, value); }
    static uint64_t pte_read(gpu *gpu, uint32_t index) { return of(gpu)->inner->ops->pte_read(of(gpu)->inner, index); }
    static void pte_write(gpu *gpu, uint32_t index, uint64_t pte) { of(gpu)->inner->ops->pte_write(of(gpu)->inner, index, pte); }
    static bool dma_map(gpu *gpu, void *host, uint64_t size, unsigned prot, uint64_t *iova, GError **error)
    {
        return of(gpu)->inner->ops->dma_map(of(gpu)->inner, host, size, prot, iova, error);
    }
    static void dma_unmap(gpu *gpu, uint64_t iova, uint64_t size) { of(gpu)->inner->ops->dma_unmap(of(gpu)->inner, iova, size); }
    static void set_irq(gpu *gpu, void (*fn)(void *), void *opaque) { of(gpu)->inner->ops->set_irq(of(gpu)->inner, fn, opaque); }
    static bool reset(gpu *gpu, GError **error) { return of(gpu)->inner->ops->reset(of(gpu)->inner, error); }
    static void destroy(gpu *gpu) { gpu_destroy(of(gpu)->inner); }
};

} // namespace sched_test
