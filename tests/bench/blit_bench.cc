// SPDX-License-Identifier: GPL-2.0-or-later
// How fast the blitter moves memory, against memcpy() and memset() of the same 64 MiB in the same run. Twice: alone, with memory
// translated for each 4 KiB page by an array; and "engine": a whole submission to the model by the driver, from the write of
// ELSP to the context's completion, through a 48-bit PPGTT of 4 KiB pages. Prints one line of JSON for each figure: medians of
// interleaved rounds.
//   bench_blit [ROUNDS]
#include "gpu/defs/formats.h"
#include "gpu/driver/driver.h"
#include "gpu/model/blit.h"
#include "gpu/model/model.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <sys/mman.h>
#include <vector>

namespace {

constexpr size_t SIZE = 64 << 20;
constexpr uint64_t SRC = UINT64_C(0x100000000), DST = UINT64_C(0x200000000);

// Pages of both surfaces in host memory; each translation is two dependent loads and a check, like a page table and a TLB.
struct Machine {
    std::vector<uint64_t> entries;
    uint8_t *host;

    Machine()
    {
        host = static_cast<uint8_t *>(mmap(nullptr, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (host == MAP_FAILED)
            abort();
        for (size_t i = 0; i < 2 * SIZE; i++)
            host[i] = uint8_t(i * 2654435761u >> 13);
        for (size_t i = 0; i < 2 * SIZE / 4096; i++)
            entries.push_back(i << 12 | 3);
    }
    static void *map(void *opaque, uint64_t addr, size_t *len, bool write)
    {
        Machine *machine = static_cast<Machine *>(opaque);
        uint64_t page = addr >= DST ? (addr - DST + SIZE) >> 12 : (addr - SRC) >> 12;
        if (page >= machine->entries.size())
            return nullptr;
        uint64_t entry = machine->entries[page];
        if (!(entry & 1) || (write && !(entry & 2)))
            return nullptr;
        *len = std::min<size_t>(*len, 4096 - addr % 4096);
        return machine->host + (entry & ~UINT64_C(0xfff)) + addr % 4096;
    }
    static bool pause(void *) { return true; }

    void run(const std::vector<uint32_t> &dwords, uint32_t swctrl = 0)
    {
        blit_setup setup = {};
        struct blit blit;
        blit_memory memory = {map, pause, this};
        if (blit_decode(&setup, cmd_find(ENGINE_BCS0, dwords[0]), dwords.data(), unsigned(dwords.size()), swctrl, &blit) != BLIT_DRAW ||
            blit_run(&blit, &memory) != BLIT_DONE)
            abort();
    }
};

// 4096 x 4096 pixels of 32 bits.
std::vector<uint32_t> fast_copy(unsigned src, unsigned dst, bool yf = false)
{
    uint32_t linear = 16384, tiled = 4096;
    return {0x50800008 | src << 20 | dst << 13,
            (yf ? 3u << 30 : 0) | 3u << 24 | (dst ? tiled : linear),
            0, 4096u << 16 | 4096, uint32_t(DST), DST >> 32, 0, src ? tiled : linear, uint32_t(SRC), SRC >> 32};
}

std::vector<uint32_t> src_copy(unsigned rop, unsigned mask)
{
    return {0x54c00008 | mask << 20, 3u << 24 | rop << 16 | 16384, 0, 4096u << 16 | 4096, uint32_t(DST), DST >> 32, 0, 16384,
            uint32_t(SRC), SRC >> 32};
}

// The model behind the driver, with one context of the copy engine.
class Engine {
  public:
    Engine()
    {
        model_config config = {};
        struct model *model = model_create(&config, nullptr);
        driver = model ? driver_create(model_gpu(model), nullptr, nullptr) : nullptr;
        if (!driver || !hw_context_init(driver, &context, ENGINE_BCS0, 65536, nullptr) ||
            !driver_buffer_init(driver, &data, 2 * SIZE, false, nullptr) ||
            !driver_buffer_init(driver, &tables, (4 + 2 * SIZE / TABLE_REACH) * 4096, false, nullptr))
            abort();
        memset(data.host, 0x33, 2 * SIZE);
        // One level after the other; a directory reaches from SRC to the end of DST.
        static_assert(DST - SRC < UINT64_C(512) << 30);
        entry(0, SRC >> 39, 1);
        map(SRC, 0, 2, 3);
        map(DST, SIZE, 2 + 1, 3 + SIZE / TABLE_REACH);
        uint32_t *state = reinterpret_cast<uint32_t *>(context.image.host + CONTEXT_STATE_PAGE * 4096);
        state[CTX_PDP0_UDW] = uint32_t(tables.iova >> 32);
        state[CTX_PDP0_LDW] = uint32_t(tables.iova);
    }
    ~Engine()
    {
        hw_context_finish(driver, &context);
        driver_buffer_finish(driver, &data);
        driver_buffer_finish(driver, &tables);
        driver_destroy(driver);
    }
    void run(std::vector<uint32_t> dwords)
    {
        if (dwords.size() % 2)
            dwords.push_back(0);
        for (uint32_t dword : dwords) {
            __atomic_store_n(reinterpret_cast<uint32_t *>(context.ring.host + tail), dword, __ATOMIC_RELEASE);
            tail = (tail + 4) % uint32_t(context.ring.size);
        }
        uint32_t *state = reinterpret_cast<uint32_t *>(context.image.host + CONTEXT_STATE_PAGE * 4096);
        __atomic_store_n(&state[CTX_RING_TAIL], tail, __ATOMIC_RELEASE);
        driver_submit(driver, ENGINE_BCS0, &context, DESC_ADDRESSING_64, nullptr, 0);
        for (;;) {
            driver_event events[DRIVER_MAX_EVENTS];
            unsigned count = driver_wait_events(driver, events, DRIVER_MAX_EVENTS, 0);
            for (unsigned i = 0; i < count; i++) {
                if (events[i].kind == DRIVER_ENGINE_ERROR)
                    abort();
                if (events[i].kind == DRIVER_CONTEXT_STATUS && events[i].status & CSB_CONTEXT_COMPLETE)
                    return;
            }
        }
    }

  private:
    static constexpr size_t TABLE_REACH = 2 << 20;
    struct driver *driver;
    hw_context context = {};
    gpu_buffer data = {}, tables = {}; // tables: PML4, PDP, two PDs, page tables
    uint32_t tail = 0;

    void entry(size_t table, uint64_t index, size_t next) { put(table, index, tables.iova + next * 4096); }
    void put(size_t table, uint64_t index, uint64_t iova)
    {
        uint64_t pte = iova | PTE_PRESENT | PTE_WRITE;
        memcpy(tables.host + table * 4096 + index % 512 * 8, &pte, 8);
    }
    void map(uint64_t addr, size_t from, size_t directory, size_t first_table)
    {
        first_table++; // behind both directories
        entry(1, addr >> 30, directory);
        for (size_t at = 0; at < SIZE; at += 4096) {
            size_t table = first_table + at / TABLE_REACH;
            if (at % TABLE_REACH == 0)
                entry(directory, (addr + at) >> 21, table);
            put(table, (addr + at) >> 12, data.iova + from + at);
        }
    }
};

struct Figure {
    std::string name;
    bool fill; // compare with memset
    std::function<void()> run;
    std::vector<double> seconds;
};

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

} // namespace

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    Machine m;
    Engine engine;
    std::vector<Figure> figures = {
        {"memcpy", false, [&] { memcpy(m.host + SIZE, m.host, SIZE); }, {}},
        {"memset", true, [&] { memset(m.host + SIZE, 0x5a, SIZE); }, {}},
        {"xy_src_copy linear", false, [&] { m.run(src_copy(0xcc, 3)); }, {}},
        {"xy_fast_copy linear", false, [&] { m.run(fast_copy(0, 0)); }, {}},
        {"xy_color", true,
         [&] { m.run({0x54000005 | 3u << 20, 3u << 24 | 0xf0u << 16 | 16384, 0, 4096u << 16 | 4096, uint32_t(DST), DST >> 32, 0x12345678}); },
         {}},
        {"engine: xy_src_copy linear", false, [&] { engine.run(src_copy(0xcc, 3)); }, {}},
        {"engine: xy_fast_copy linear", false, [&] { engine.run(fast_copy(0, 0)); }, {}},
        {"engine: xy_color", true,
         [&] { engine.run({0x54000005 | 3u << 20, 3u << 24 | 0xf0u << 16 | 16384, 0, 4096u << 16 | 4096, uint32_t(DST), DST >> 32, 7}); },
         {}},
        {"engine: xy_fast_copy linear to y", false, [&] { engine.run(fast_copy(0, 2)); }, {}},
        {"xy_color x-tiled", true,
         [&] {
             m.run({0x54000005 | 3u << 20 | 1u << 11, 3u << 24 | 0xf0u << 16 | 4096, 0, 4096u << 16 | 4096, uint32_t(DST), DST >> 32,
                    0x12345678});
         },
         {}},
        {"xy_fast_copy linear to x", false, [&] { m.run(fast_copy(0, 1)); }, {}},
        {"xy_fast_copy x to linear", false, [&] { m.run(fast_copy(1, 0)); }, {}},
        {"xy_fast_copy linear to y", false, [&] { m.run(fast_copy(0, 2)); }, {}},
        {"xy_fast_copy y to linear", false, [&] { m.run(fast_copy(2, 0)); }, {}},
        {"xy_fast_copy x to y", false, [&] { m.run(fast_copy(1, 2)); }, {}},
        {"xy_fast_copy y to y", false, [&] { m.run(fast_copy(2, 2)); }, {}},
        {"xy_fast_copy linear to yf", false, [&] { m.run(fast_copy(0, 2, true)); }, {}},
        {"xy_src_copy xor", false, [&] { m.run(src_copy(0x66, 3)); }, {}},
        {"xy_src_copy rgb only", false, [&] { m.run(src_copy(0xcc, 1)); }, {}},
    };
    for (int round = 0; round <= rounds; round++) {
        for (Figure &figure : figures) {
            auto start = std::chrono::steady_clock::now();
            figure.run();
            std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
            if (round) // the first one warms up
                figure.seconds.push_back(took.count());
        }
    }
    for (Figure &figure : figures) {
        double own = SIZE / median(figure.seconds) / 1e9, base = SIZE / median(figures[figure.fill].seconds) / 1e9;
        printf("{\"bench\": \"blit\", \"figure\": \"%s\", \"gbytes_per_second\": %.2f, \"%s\": %.2f, \"ratio\": %.3f}\n",
               figure.name.c_str(), own, figure.fill ? "memset" : "memcpy", base, own / base);
    }
    return 0;
}
