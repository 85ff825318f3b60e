// SPDX-License-Identifier: GPL-2.0-or-later
// A model of registers, GTT and memory only, without engines, display and threads: what walk.c, memory.c and aperture.c need.
// Host memory lies at bus addresses from BASE on.
#ifndef MEDIANT_TESTS_BARE_MODEL_H
#define MEDIANT_TESTS_BARE_MODEL_H

#include "gpu/defs/formats.h"
#include "gpu/model/model_internal.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

class BareModel {
  public:
    static constexpr uint64_t BASE = 0x40000000;
    static constexpr uint64_t HUGE = 2 << 20;

    model m = {};
    uint64_t size;
    uint8_t *memory;

    explicit BareModel(uint64_t bytes) : size(bytes)
    {
        memory = static_cast<uint8_t *>(aligned_alloc(HUGE, bytes));
        memset(memory, 0, bytes);
        m.regs = g_new0(uint32_t, MMIO_SIZE / 4);
        m.ggtt = g_new0(uint64_t, GGTT_ENTRIES);
        m.dma = dma_space_create("test");
        g_mutex_init(&m.fault_lock);
        EXPECT_TRUE(dma_space_map(m.dma, BASE, bytes, memory, DMA_RW, nullptr));
    }
    ~BareModel()
    {
        dma_space_unref(m.dma);
        g_mutex_clear(&m.fault_lock);
        g_free(m.regs);
        g_free(m.ggtt);
        free(memory);
    }
    BareModel(const BareModel &) = delete;
    BareModel &operator=(const BareModel &) = delete;

    uint8_t *host(uint64_t dma) { return memory + (dma - BASE); }
    uint64_t *table(uint64_t dma) { return reinterpret_cast<uint64_t *>(host(dma)); }
    void bind(uint64_t gma, uint64_t dma, unsigned pages = 1)
    {
        for (unsigned i = 0; i < pages; i++)
            m.ggtt[gma / 4096 + i] = (dma + i * UINT64_C(4096)) | PTE_PRESENT;
    }
};

#endif
