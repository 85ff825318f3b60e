// SPDX-License-Identifier: GPL-2.0-or-later
// How fast the blitter moves memory, against memcpy() and memset() of the same 64 MiB in the same run. Memory is translated for
// each 4 KiB page, as through a page table. Prints one line of JSON for each figure: medians of interleaved rounds.
//   bench_blit [ROUNDS]
#include "gpu/model/blit.h"

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
    std::vector<Figure> figures = {
        {"memcpy", false, [&] { memcpy(m.host + SIZE, m.host, SIZE); }, {}},
        {"memset", true, [&] { memset(m.host + SIZE, 0x5a, SIZE); }, {}},
        {"xy_src_copy linear", false, [&] { m.run(src_copy(0xcc, 3)); }, {}},
        {"xy_fast_copy linear", false, [&] { m.run(fast_copy(0, 0)); }, {}},
        {"xy_color", true,
         [&] { m.run({0x54000005 | 3u << 20, 3u << 24 | 0xf0u << 16 | 16384, 0, 4096u << 16 | 4096, uint32_t(DST), DST >> 32, 0x12345678}); },
         {}},
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
