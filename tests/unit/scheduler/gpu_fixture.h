/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole chain below the vGPU: model, driver, scheduler, and guests with memory, contexts and rings of their own. A guest's PPGTT shows
 * its block of memory at PPA, its part of the global GTT at base.
 */
#pragma once

#include "fake_guest.h"

#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"
#include "gpu/model/model.h"
#include "scheduler/commands.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <sys/mman.h>

namespace sched_test {

constexpr uint64_t MS = 1000000; // nanoseconds

using Words = std::vector<uint32_t>;

inline uint32_t low(uint64_t v) { return static_cast<uint32_t>(v); }
inline uint32_t op(cmd_id id, unsigned length, uint32_t bits = 0) { return command_header(id, length, bits); }
inline uint32_t load32(const void *p) { return __atomic_load_n(static_cast<const uint32_t *>(p), __ATOMIC_ACQUIRE); }
inline void store32(void *p, uint32_t v) { __atomic_store_n(static_cast<uint32_t *>(p), v, __ATOMIC_RELEASE); }
inline Words operator+(Words a, const Words &b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

class Machine {
public:
    struct trace *trace = trace_create(0);
    struct driver *driver = nullptr;
    struct scheduler *scheduler = nullptr;

    explicit Machine(const char *policy = nullptr, uint64_t hang_ns = 0, uint64_t slice_ns = 0, const std::function<gpu *(gpu *)> &around = {})
    {
        model_config config = {};
        config.trace = trace;
        GError *error = nullptr;
        model *model = model_create(&config, &error);
        EXPECT_NE(model, nullptr) << (error ? error->message : "");
        driver = driver_create(around ? around(model_gpu(model)) : model_gpu(model), trace, &error);
        EXPECT_NE(driver, nullptr) << (error ? error->message : "");
        scheduler_config sched = {policy, slice_ns, hang_ns, trace};
        scheduler = scheduler_create(driver, &sched, &error);
        EXPECT_NE(scheduler, nullptr) << (error ? error->message : "");
    }
    ~Machine()
    {
        scheduler_destroy(scheduler);
        driver_destroy(driver);
        trace_destroy(trace);
    }
};

class Guest : public FakeGuest {
public:
    static constexpr uint64_t SIZE = 8 << 20, PPA = 0x40000000;
    Machine &machine;
    sched_client *client = nullptr;
    unsigned id;
    uint64_t pdp[4] = {};

    Guest(Machine &m, unsigned number, unsigned weight) : FakeGuest(0, SIZE, nullptr), machine(m), id(number)
    {
        memory = static_cast<uint8_t *>(mmap(nullptr, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        gpu *gpu = driver_gpu(m.driver);
        EXPECT_TRUE(gpu->ops->dma_map(gpu, memory, SIZE, DMA_RW, &iova, nullptr));
        EXPECT_TRUE(driver_ggtt_alloc(m.driver, GGTT_HIGH, SIZE, 4096, &base, nullptr));
        for (uint64_t at = 0; at < SIZE; at += 4096)
            driver_ggtt_set(m.driver, base + at, (iova + at) | PTE_PRESENT | PTE_WRITE);
        driver_ggtt_flush(m.driver);
        build_ppgtt();
        hws = base + alloc(1);
        sched_client_config config = {};
        config.id = number;
        config.name = "test";
        config.weight = weight;
        config.ops = FakeGuest::ops();
        config.guest = this;
        GError *error = nullptr;
        client = sched_client_create(m.scheduler, &config, &error);
        EXPECT_NE(client, nullptr) << (error ? error->message : "");
    }
    ~Guest() override
    {
        sched_client_destroy(client);
        driver_ggtt_free(machine.driver, base, SIZE);
        gpu *gpu = driver_gpu(machine.driver);
        gpu->ops->dma_unmap(gpu, iova, SIZE);
        munmap(memory, SIZE);
    }

    /* Pages of zeros; the offset in the guest's memory. */
    uint64_t alloc(unsigned pages)
    {
        uint64_t at = next;
        next += pages * 4096ull;
        EXPECT_LE(next, SIZE);
        return at;
    }
    uint32_t *at(uint64_t offset) { return reinterpret_cast<uint32_t *>(memory + offset); }
    uint32_t word(uint64_t offset) { return load32(at(offset)); }
    void put_at(uint64_t offset, const Words &words) { memcpy(at(offset), words.data(), words.size() * 4); }
    uint32_t gma(uint64_t offset) const { return low(base + offset); }
    static uint32_t ppa(uint64_t offset) { return low(PPA + offset); }

    void on_notify() override
    {
        std::lock_guard lock(mutex);
        notified++;
        condition.notify_all();
    }
    /* Waits until the condition holds, which may change with a notification; at most ten seconds. */
    bool wait_for(const std::function<bool()> &holds)
    {
        auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!holds()) {
            if (std::chrono::steady_clock::now() > end)
                return false;
            std::unique_lock lock(mutex);
            condition.wait_for(lock, std::chrono::milliseconds(1));
        }
        return true;
    }
    /* The next result, or NULL after ten seconds. */
    workload *reap()
    {
        workload *result = nullptr;
        wait_for([&] { return (result = sched_client_reap(client)) != nullptr; });
        return result;
    }
    /* Reaps one, expects this status, writes back and frees. */
    void finish(enum workload_status status = WORKLOAD_DONE)
    {
        workload *result = reap();
        ASSERT_NE(result, nullptr);
        EXPECT_EQ(workload_status(result), status) << (workload_reason(result) ? workload_reason(result) : "");
        EXPECT_TRUE(workload_write_back(result));
        workload_free(result);
    }
    sched_usage usage()
    {
        sched_usage u;
        sched_client_usage(client, &u);
        return u;
    }

private:
    uint64_t iova = 0, next = 0;
    std::mutex mutex;
    std::condition_variable condition;

    void build_ppgtt()
    {
        auto entry = [&](uint64_t table, unsigned index, uint64_t offset) {
            uint64_t pte = (iova + offset) | PTE_PRESENT | PTE_WRITE;
            memcpy(memory + table + 8 * index, &pte, 8);
        };
        uint64_t pml4 = alloc(1), directory_pointers = alloc(1), directory = alloc(1);
        pdp[0] = iova + pml4;
        entry(pml4, 0, directory_pointers);
        entry(directory_pointers, PPA >> 30, directory);
        for (uint64_t at = 0; at < SIZE; at += 2 << 20) {
            uint64_t table = alloc(1);
            entry(directory, static_cast<unsigned>(at >> 21), table);
            for (unsigned i = 0; i < 512; i++)
                entry(table, i, at + i * 4096ull);
        }
    }
};

/* A guest's context with its ring. */
class Context {
public:
    Guest &guest;
    unsigned engine;
    uint32_t ring_size;
    uint64_t image, ring;
    uint32_t tail = 0;
    std::string reason;

    Context(Guest &g, unsigned on, uint32_t size = 16384) : guest(g), engine(on), ring_size(size)
    {
        image = guest.alloc(context_pages(engine));
        ring = guest.alloc(size / 4096);
        unsigned count;
        const context_dword *rows = context_layout(engine, &count);
        for (unsigned i = 0; i < count; i++)
            if (!rows[i].header)
                state()[rows[i].index] = rows[i].offset;
        state()[CTX_CONTEXT_CONTROL] = 0x00090008; // switches at semaphores inhibited, engine state restored
        state()[CTX_RING_START] = guest.gma(ring);
        state()[CTX_RING_CTL] = (size - 4096) | 1;
    }
    uint32_t *state() { return guest.at(image + 4096); }
    uint64_t desc() const { return guest.gma(image) | DESC_VALID | DESC_PRIVILEGE | DESC_ADDRESSING_64 | 7ull << 32; }
    void emit(const Words &words)
    {
        for (uint32_t word : words) {
            *guest.at(ring + tail) = word;
            tail = (tail + 4) % ring_size;
        }
    }
    workload *create()
    {
        if (tail & 4)
            emit({0});
        state()[CTX_RING_TAIL] = tail;
        GError *error = nullptr;
        workload *w = workload_create(guest.client, engine, desc(), true, guest.pdp, &error);
        reason = error ? error->message : "";
        g_clear_error(&error);
        return w;
    }
    workload *submit(const Words &words)
    {
        emit(words);
        workload *w = create();
        EXPECT_NE(w, nullptr) << reason;
        if (w)
            workload_submit(w);
        return w;
    }
    void run(const Words &words)
    {
        submit(words);
        guest.finish();
        EXPECT_EQ(state()[CTX_RING_HEAD], tail);
    }
    /* A batch with these commands, and the command that starts it. */
    Words batch(Words words, bool ppgtt)
    {
        uint64_t at = guest.alloc(1 + static_cast<unsigned>(words.size() / 1000));
        words.push_back(op(CMD_MI_BATCH_BUFFER_END, 1));
        guest.put_at(at, words);
        return start(at, ppgtt);
    }
    Words start(uint64_t at, bool ppgtt) const
    {
        return {op(CMD_MI_BATCH_BUFFER_START, 3, ppgtt ? uint32_t(BATCH_START_PPGTT) : 0), ppgtt ? guest.ppa(at) : guest.gma(at), 0, 0};
    }
    /* A batch that never ends: with or without arbitration points. */
    Words spin(bool lets_go)
    {
        uint64_t at = guest.alloc(1);
        guest.put_at(at, Words{lets_go ? op(CMD_MI_ARB_CHECK, 1) : 0} + Words{op(CMD_MI_BATCH_BUFFER_START, 3, BATCH_START_PPGTT), guest.ppa(at), 0});
        return (lets_go ? Words{} : Words{op(CMD_MI_ARB_ON_OFF, 1)}) + start(at, true);
    }
};

inline Words store(const Guest &guest, uint64_t offset, uint32_t value, bool ppgtt = false)
{
    return {op(CMD_MI_STORE_DATA_IMM, 4, ppgtt ? 0 : uint32_t(MI_GLOBAL_GTT)), ppgtt ? guest.ppa(offset) : guest.gma(offset), 0, value};
}
/* Waits until the dword at offset equals value. */
inline Words semaphore(const Guest &guest, uint64_t offset, uint32_t value, bool ppgtt = false)
{
    return {op(CMD_MI_SEMAPHORE_WAIT, 4, SEMAPHORE_POLL | 4u << 12 | (ppgtt ? 0 : uint32_t(MI_GLOBAL_GTT))), value,
            ppgtt ? guest.ppa(offset) : guest.gma(offset), 0};
}

inline uint64_t now_ns() { return trace_now_ns(); }

/* Ends a spinning guest's work. */
inline void stop(Guest &guest, uint32_t engines)
{
    sched_client_reset(guest.client, engines, false);
    while (workload *w = sched_client_reap(guest.client)) {
        EXPECT_NE(workload_status(w), WORKLOAD_HUNG);
        workload_free(w);
    }
}

} // namespace sched_test
