// SPDX-License-Identifier: GPL-2.0-or-later
// A little driver for tests of the model's engines: memory with a GGTT and a PPGTT, contexts, submission by ELSP, context status.
// Written from the hardware's side, without gpu/driver.
#ifndef MEDIANT_TESTS_ENGINE_HARNESS_H
#define MEDIANT_TESTS_ENGINE_HARNESS_H

#include "gpu/defs/commands.h"
#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"
#include "gpu/model/model.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

namespace harness {

using Words = std::vector<uint32_t>;

// Command encodings, written out again so that a mistake in the tables shows.
enum : uint32_t {
    MI_NOOP = 0,
    MI_SET_PREDICATE = 0x01 << 23,
    MI_USER_INTERRUPT = 0x02 << 23,
    MI_WAIT_FOR_EVENT = 0x03 << 23,
    MI_ARB_CHECK = 0x05 << 23,
    MI_REPORT_HEAD = 0x07 << 23,
    MI_ARB_ON_OFF = 0x08 << 23,
    MI_BATCH_BUFFER_END = 0x0a << 23,
    MI_PREDICATE = 0x0c << 23,
    MI_MATH = 0x1a << 23,
    MI_SEMAPHORE_SIGNAL = 0x1b << 23,
    MI_SEMAPHORE_WAIT = 0x1c << 23 | 2,
    MI_STORE_DATA_IMM = 0x20 << 23 | 2,
    MI_STORE_QWORD_IMM = 0x20 << 23 | 1 << 21 | 3,
    MI_STORE_DATA_INDEX = 0x21 << 23 | 1,
    MI_LOAD_REGISTER_IMM = 0x22 << 23,
    MI_UPDATE_GTT = 0x23 << 23 | 2,
    MI_STORE_REGISTER_MEM = 0x24 << 23 | 2,
    MI_FLUSH_DW = 0x26 << 23 | 2,
    MI_LOAD_REGISTER_MEM = 0x29 << 23 | 2,
    MI_LOAD_REGISTER_REG = 0x2a << 23 | 1,
    MI_COPY_MEM_MEM = 0x2e << 23 | 3,
    MI_ATOMIC = 0x2fu << 23,
    MI_BATCH_BUFFER_START = 0x31 << 23 | 1,
    MI_CONDITIONAL_BATCH_BUFFER_END = 0x36 << 23 | 2,
    PIPE_CONTROL = 0x7a000004,
    GGTT = 1 << 22,
    BB_PPGTT = 1 << 8,
    BB_SECOND = 1 << 22,
};

inline uint32_t load32(const void *p)
{
    return __atomic_load_n(static_cast<const uint32_t *>(p), __ATOMIC_ACQUIRE);
}
inline void store32(void *p, uint32_t value)
{
    __atomic_store_n(static_cast<uint32_t *>(p), value, __ATOMIC_RELEASE);
}

// Waits for a condition, at most ten seconds.
inline bool wait_for(const std::function<bool()> &condition)
{
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    return true;
}

struct Event {
    uint32_t status, id;
    bool operator==(const Event &) const = default;
};
inline std::ostream &operator<<(std::ostream &os, const Event &e)
{
    return os << "{0x" << std::hex << e.status << ", " << e.id << "}" << std::dec;
}
using Events = std::vector<Event>;

// Memory is known by its offset in one block, which the GGTT shows from GMA on and the PPGTT from PPA on.
class Machine {
  public:
    static constexpr uint64_t SIZE = 16 << 20, GMA = 0x1000000, PPA = 0x40000000;
    struct model *model = nullptr;
    struct gpu *gpu = nullptr;
    struct trace *trace = nullptr;
    uint8_t *memory = nullptr;
    uint64_t iova = 0, next = 0, pml4 = 0;

    Machine()
    {
        trace = trace_create(0);
        model_config config = {};
        config.trace = trace;
        model = model_create(&config, nullptr);
        gpu = model_gpu(model);
        memory = static_cast<uint8_t *>(mmap(nullptr, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        EXPECT_TRUE(gpu->ops->dma_map(gpu, memory, SIZE, DMA_RW, &iova, nullptr));
        for (uint64_t at = 0; at < SIZE; at += 4096)
            gpu->ops->pte_write(gpu, (GMA + at) / 4096, (iova + at) | PTE_PRESENT | PTE_WRITE);
        build_ppgtt();
        for (unsigned e = 0; e < ENGINE_COUNT; e++) {
            status_page[e] = alloc(1);
            setup(e);
        }
    }
    ~Machine()
    {
        gpu_destroy(gpu);
        munmap(memory, SIZE);
        trace_destroy(trace);
    }

    // Pages of zeros; returns the offset.
    uint64_t alloc(unsigned pages)
    {
        uint64_t at = next;
        next += pages * 4096ull;
        EXPECT_LE(next, SIZE);
        return at;
    }
    uint32_t *at(uint64_t offset) { return reinterpret_cast<uint32_t *>(memory + offset); }
    uint32_t word(uint64_t offset) { return load32(at(offset)); }
    uint64_t qword(uint64_t offset) { return word(offset) | static_cast<uint64_t>(word(offset + 4)) << 32; }
    void put(uint64_t offset, const Words &words)
    {
        for (size_t i = 0; i < words.size(); i++)
            store32(at(offset) + i, words[i]);
    }
    static uint32_t gma(uint64_t offset) { return static_cast<uint32_t>(GMA + offset); }
    static uint32_t ppa(uint64_t offset) { return static_cast<uint32_t>(PPA + offset); }

    uint32_t base(unsigned engine) { return engine_mmio_base(engine); }
    uint32_t read(unsigned engine, uint32_t offset) { return gpu_read32(gpu, base(engine) + offset); }
    void write(unsigned engine, uint32_t offset, uint32_t value) { gpu_write32(gpu, base(engine) + offset, value); }

    // What a driver does after a reset: status page, execlists on.
    void setup(unsigned engine)
    {
        write(engine, 0x80, gma(status_page[engine]));
        write(engine, 0x29c, 0x80008000);
        write(engine, 0x3a0, 0xffff0505);
        write(engine, 0xb4, ~1u & ~0x10u);
        store32(at(status_page[engine]) + HWSP_CSB_WRITE_DWORD, 5);
        head[engine] = 5;
    }
    void elsp(unsigned engine, uint64_t first, uint64_t second = 0)
    {
        for (uint32_t dword : {second >> 32, second & 0xffffffff, first >> 32, first & 0xffffffff})
            write(engine, 0x230, dword);
    }
    // The next count status entries, or fewer when they do not come.
    Events events(unsigned engine, unsigned count)
    {
        Events list;
        uint32_t *page = at(status_page[engine]);
        while (list.size() < count && wait_for([&] { return load32(page + HWSP_CSB_WRITE_DWORD) != head[engine]; })) {
            head[engine] = (head[engine] + 1) % CSB_ENTRIES;
            list.push_back({load32(page + HWSP_CSB_DWORD + 2 * head[engine]), load32(page + HWSP_CSB_DWORD + 2 * head[engine] + 1)});
        }
        return list;
    }
    bool quiet(unsigned engine) { return load32(at(status_page[engine]) + HWSP_CSB_WRITE_DWORD) == head[engine]; }
    void reset(unsigned engine)
    {
        static const uint32_t bits[ENGINE_COUNT] = {1 << 1, 1 << 3, 1 << 2, 1 << 4};
        gpu_write32(gpu, 0x941c, bits[engine]);
        setup(engine);
    }
    uint64_t status_page[ENGINE_COUNT] = {};
    unsigned head[ENGINE_COUNT] = {};

  private:
    void build_ppgtt()
    {
        auto entry = [&](uint64_t table, unsigned index, uint64_t offset) {
            uint64_t pte = (iova + offset) | PTE_PRESENT | PTE_WRITE;
            memcpy(memory + table + 8 * index, &pte, 8);
        };
        pml4 = alloc(1);
        uint64_t pdp = alloc(1), pd = alloc(1);
        entry(pml4, 0, pdp);
        entry(pdp, PPA >> 30, pd);
        for (uint64_t at = 0; at < SIZE; at += 2 << 20) {
            uint64_t pt = alloc(1);
            entry(pd, at >> 21, pt);
            for (unsigned i = 0; i < 512; i++)
                entry(pt, i, at + i * 4096ull);
        }
    }
};

// A context with its ring. Commands are added with emit() and made visible with submit().
class Context {
  public:
    static constexpr uint32_t RING = 16384;
    Machine &m;
    unsigned engine;
    uint32_t id;
    uint64_t image, ring;
    uint32_t tail = 0;

    Context(Machine &machine, unsigned on, uint32_t context_id) : m(machine), engine(on), id(context_id)
    {
        image = m.alloc(context_pages(engine));
        ring = m.alloc(RING / 4096);
        uint64_t root = m.iova + m.pml4;
        state(CTX_CONTEXT_CONTROL, 0x00090008);
        state(CTX_RING_START, m.gma(ring));
        state(CTX_RING_CTL, (RING - 4096) | 1);
        state(CTX_PDP0_UDW, static_cast<uint32_t>(root >> 32));
        state(CTX_PDP0_LDW, static_cast<uint32_t>(root));
    }
    uint32_t *state() { return m.at(image + 4096); }
    void state(unsigned dword, uint32_t value) { store32(state() + dword, value); }
    uint32_t saved(unsigned dword) { return load32(state() + dword); }
    uint64_t desc(uint64_t flags = 0) const
    {
        return static_cast<uint64_t>(id) << 32 | m.gma(image) | DESC_VALID | DESC_PRIVILEGE | DESC_ADDRESSING_64 | flags;
    }
    void emit(const Words &words)
    {
        for (uint32_t word : words) {
            store32(m.at(ring + tail), word);
            tail = (tail + 4) % RING;
        }
    }
    // Writes the tail to the image, as a driver does before ELSP.
    void publish()
    {
        if (tail & 4)
            emit({MI_NOOP});
        state(CTX_RING_TAIL, tail);
    }
    void submit()
    {
        publish();
        m.elsp(engine, desc());
    }
    // Runs commands in the ring to the end.
    void run(const Words &words)
    {
        emit(words);
        submit();
        EXPECT_EQ(m.events(engine, 2), (Events{{CSB_IDLE_ACTIVE, 0}, {CSB_ACTIVE_IDLE | CSB_CONTEXT_COMPLETE, id}}));
    }
    // Runs commands in a batch of the PPGTT (not privileged) or the GGTT.
    void run_batch(const Words &words, bool ppgtt)
    {
        uint64_t batch = m.alloc(1 + words.size() / 1024);
        m.put(batch, words);
        store32(m.at(batch) + words.size(), MI_BATCH_BUFFER_END);
        run(start(batch, ppgtt));
    }
    Words start(uint64_t batch, bool ppgtt)
    {
        return {MI_BATCH_BUFFER_START | (ppgtt ? BB_PPGTT : 0u), ppgtt ? m.ppa(batch) : m.gma(batch), 0, MI_NOOP};
    }
};

// MI_STORE_DATA_IMM to the context's address space or the GGTT.
inline Words sdi(uint64_t offset, uint32_t value)
{
    return {MI_STORE_DATA_IMM, Machine::ppa(offset), 0, value};
}
inline Words sdi_ggtt(uint64_t offset, uint32_t value)
{
    return {MI_STORE_DATA_IMM | GGTT, Machine::gma(offset), 0, value};
}
inline Words operator+(Words a, const Words &b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
inline Words lri(uint32_t offset, uint32_t value)
{
    return {MI_LOAD_REGISTER_IMM | 1, offset, value};
}
inline Words srm(uint32_t offset, uint64_t to)
{
    return {MI_STORE_REGISTER_MEM, offset, Machine::ppa(to), 0};
}
inline Words semaphore(uint64_t offset, unsigned operation, uint32_t value, bool poll = true)
{
    return {MI_SEMAPHORE_WAIT | operation << 12 | (poll ? 1u << 15 : 0u), value, Machine::ppa(offset), 0};
}

} // namespace harness

#endif
