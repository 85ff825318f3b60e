// SPDX-License-Identifier: GPL-2.0-or-later
// The blitter against the naive reference: random commands of every kind over scattered pages, guard bytes compared too;
// then faults, stopping, malformed and hostile commands.
#include "gpu/blit_reference.h"
#include "gpu/model/blit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>

namespace {

using blit_reference::Memory;
using blit_reference::Tile;

// What blit_run() sees of a Memory. Pages are separate allocations, so host addresses are scattered.
struct View {
    Memory *memory;
    std::set<uint64_t> read_only; // page numbers
    long pauses = 0, stop_after = -1;
    long maps = 0, most_maps = 0;

    static void *map(void *opaque, uint64_t addr, size_t *len, bool write)
    {
        View *view = static_cast<View *>(opaque);
        view->most_maps = std::max(view->most_maps, ++view->maps);
        auto page = view->memory->pages.find(addr >> 12);
        if (page == view->memory->pages.end() || (write && view->read_only.count(addr >> 12)))
            return nullptr;
        *len = std::min<size_t>(*len, 4096 - (addr & 0xfff));
        return page->second.data() + (addr & 0xfff);
    }
    static bool pause(void *opaque)
    {
        View *view = static_cast<View *>(opaque);
        view->maps = 0;
        return ++view->pauses != view->stop_after;
    }
    blit_memory access() { return {map, pause, this}; }
};

struct Random {
    std::mt19937 engine;
    uint32_t operator()() { return engine(); }
    int range(int low, int high) { return low + int(engine() % uint32_t(high - low + 1)); }
    bool one_in(int n) { return engine() % uint32_t(n) == 0; }
};

enum : uint64_t { DST = UINT64_C(0x812340010000), SRC = UINT64_C(0x0abc00000000), EXTRA = UINT64_C(0x7ffffffff000) };
enum { REGION_PAGES = 96, REGION = REGION_PAGES * 4096 };

// A surface inside a region, and the coordinates for which it is.
struct Area {
    uint64_t addr;
    int pitch; // bytes
    char kind;
    int x_min, x_max, y_min, y_max;
};

Area make_area(Random &random, uint64_t region, char kind, unsigned cpp)
{
    Area area{region, 0, kind, 0, 0, 0, 0};
    if (kind == 'L') {
        int width = random.range(1, 300) * int(cpp), offset = random.range(0, 4000);
        area.pitch = random.one_in(3) ? width : width + random.range(0, 70);
        int rows = std::min((REGION - offset - 64) / area.pitch, 120);
        bool negative = random.one_in(4);
        int sx = random.range(-20, 20), sy = random.range(-20, 20); // coordinates of the region's start
        area.addr = region + uint64_t(offset + (negative ? (rows - 1) * area.pitch : 0));
        if (negative)
            area.pitch = -area.pitch;
        area.addr -= uint64_t(int64_t(sy) * area.pitch + int64_t(sx) * int(cpp));
        area.x_min = sx;
        area.x_max = sx + width / int(cpp);
        area.y_min = sy;
        area.y_max = sy + rows;
        return area;
    }
    Tile tile(kind, cpp);
    int tiles = random.range(1, kind == 'S' ? 2 : 4), size = int(tile.width * tile.height);
    int tile_rows = REGION / (tiles * size);
    int sx = random.range(-1, 1), sy = random.range(-1, 1);
    area.pitch = tiles * int(tile.width);
    area.addr -= uint64_t(int64_t(sy * tiles + sx) * size);
    area.x_min = sx * int(tile.width) / int(cpp);
    area.x_max = area.x_min + area.pitch / int(cpp);
    area.y_min = sy * int(tile.height);
    area.y_max = area.y_min + tile_rows * int(tile.height);
    return area;
}

uint32_t corner(int x, int y)
{
    return uint32_t(x & 0xffff) | uint32_t(y) << 16;
}

struct Command {
    std::vector<uint32_t> dwords;
    void address(uint64_t addr)
    {
        dwords.push_back(uint32_t(addr));
        dwords.push_back(uint32_t(addr >> 32));
    }
    void add(uint32_t dword) { dwords.push_back(dword); }
};

class BlitProperty : public testing::TestWithParam<int> {
  protected:
    Random random{std::mt19937(uint32_t(GetParam()) * 7919u + 1)};
    Memory memory;
    blit_reference::Blitter reference;
    blit_setup setup = {};
    int changed = 0; // commands that changed memory

    void SetUp() override
    {
        memory.add(DST, REGION_PAGES);
        memory.add(SRC, REGION_PAGES);
        memory.add(EXTRA, 8);
        for (auto &[number, page] : memory.pages) {
            for (auto &byte : page)
                byte = uint8_t(random());
        }
    }

    uint32_t color() { return random.one_in(4) ? 0x01010101u * (random() & 0xff) : random(); }

    void random_setup(bool mono, const Area &dst, uint32_t br13)
    {
        Command c;
        c.add(2u << 29 | (mono ? 0x11u : 0x01u) << 22 | (random() & 3) << 20 | 8);
        c.add(br13);
        random_clip(c, dst);
        c.address(dst.addr);
        c.add(color());
        c.add(color());
        if (mono) {
            c.add(random());
            c.add(random());
        } else {
            c.address(EXTRA + random.range(0, 6000) / 64 * 64);
        }
        execute(c.dwords, false);
    }

    void random_clip(Command &c, const Area &dst)
    {
        int x = std::max(0, random.range(dst.x_min, dst.x_max)), y = std::max(0, random.range(dst.y_min, dst.y_max));
        c.add(corner(x, y));
        c.add(corner(x + random.range(0, 90), y + random.range(0, 40)));
    }

    // Runs a command on the blitter and on the reference and compares all memory.
    void execute(const std::vector<uint32_t> &dwords, bool draws)
    {
        Memory expected = memory;
        reference.run(memory, expected, dwords);
        changed += expected.pages != memory.pages;
        View view{&memory, {}};
        blit_memory access = view.access();
        struct blit blit;
        enum blit_decoded decoded = blit_decode(&setup, cmd_find(ENGINE_BCS0, dwords[0]), dwords.data(), unsigned(dwords.size()),
                                                reference.swctrl, &blit);
        ASSERT_NE(decoded, BLIT_MALFORMED);
        if (decoded == BLIT_DRAW) {
            ASSERT_TRUE(draws);
            ASSERT_EQ(blit_run(&blit, &access), BLIT_DONE);
        }
        for (auto &[number, page] : memory.pages) {
            const auto &want = expected.pages.at(number);
            if (page == want)
                continue;
            size_t at = size_t(std::mismatch(page.begin(), page.end(), want.begin()).first - page.begin());
            std::string text;
            for (uint32_t dword : dwords)
                text += " " + testing::PrintToString(dword);
            FAIL() << "first difference at " << std::hex << (number << 12 | at) << " got " << int(page[at]) << " want "
                   << int(want[at]) << " dwords" << text;
        }
    }

    void random_command(unsigned op);
};

void BlitProperty::random_command(unsigned op)
{
    bool fast = op == 0x42, plain = op == 0x40 || op == 0x43, with_setup = op >= 0x24 && op <= 0x31;
    static const std::set<unsigned> copies = {0x42, 0x43, 0x53, 0x55, 0x57, 0x73, 0x74};
    static const std::set<unsigned> monos = {0x54, 0x56, 0x58, 0x71, 0x75, 0x26, 0x31};
    bool copy = copies.count(op), mono = monos.count(op);
    const unsigned cpps[] = {1, 2, 2, 4, 8, 16};
    unsigned depth = random() % (fast ? 6 : 4);
    if (fast && depth == 2)
        depth = 0;
    unsigned cpp = cpps[depth];
    reference.swctrl = random() & 3;

    const char *fast_kinds = "LXYFS";
    auto pick = [&](uint32_t y) { return plain ? 'L' : fast ? fast_kinds[random() % 5] : random() % 2 ? 'L' : y ? 'Y' : 'X'; };
    Area dst = make_area(random, DST, pick(reference.swctrl & 2), cpp);
    Area src = make_area(random, SRC, pick(reference.swctrl & 1), cpp);
    bool within = copy && !fast && !plain && random.one_in(3);
    if (within) { // a copy inside one surface
        if (dst.kind != 'L')
            reference.swctrl = dst.kind == 'Y' ? 3 : 0;
        src = dst;
    }

    int width = random.range(0, std::min(dst.x_max - dst.x_min, src.x_max - src.x_min));
    int height = random.range(0, std::min({dst.y_max - dst.y_min, src.y_max - src.y_min, 60}));
    if (random.one_in(3))
        width = std::min(width, 9);
    if ((mono && op != 0x54) && width > 64) // what fits an immediate
        width = 64;
    int x = random.range(dst.x_min, dst.x_max - width), y = random.range(dst.y_min, dst.y_max - height);
    int sx = random.range(src.x_min, src.x_max - width), sy = random.range(src.y_min, src.y_max - height);
    if (within && random.one_in(2)) { // near, so that it overlaps
        sx = std::clamp(x + random.range(-5, 5), src.x_min, src.x_max - width);
        sy = std::clamp(y + random.range(-3, 3), src.y_min, src.y_max - height);
    }

    const uint8_t rops[] = {0xcc, 0xf0, 0x00, 0xff, 0x0f, 0x33, 0xaa, 0x66, 0x5a, 0xce};
    uint32_t rop = random.one_in(2) ? random() & 0xff : rops[random() % 10];
    uint32_t mask = random.one_in(3) ? random() & 3 : 3;
    uint32_t dst_pitch = uint32_t(dst.kind == 'L' ? dst.pitch : dst.pitch / 4) & 0xffff;
    uint32_t src_pitch = uint32_t(src.kind == 'L' ? src.pitch : src.pitch / 4) & 0xffff;
    uint32_t br13 = depth << 24 | rop << 16 | dst_pitch;
    if (!fast && !plain) {
        br13 |= uint32_t(random.one_in(3)) << 30;                                  // clip
        br13 |= (random() & 3) << 28;                                              // transparency
        br13 |= uint32_t(random.one_in(4)) << 31;                                  // solid
    }
    uint32_t br00 = 2u << 29 | op << 22 | mask << 20 | uint32_t(dst.kind != 'L') << 11;
    br00 |= (random() & 7) << 12 | (random() & 7) << 8;
    if (copy) {
        br00 &= ~(7u << 12);
        br00 |= (random() & 7) << 12; // the seed of patterns
        br00 |= uint32_t(src.kind != 'L') << 15;
    }
    if (mono && !with_setup)
        br00 |= (random() & 7) << 17;
    if (op >= 0x73 && op != 0x74 && op != 0x75)
        br00 |= (random() & 7) << 17;
    uint64_t bits_at = EXTRA + uint64_t(random.range(0, 5000));

    if (random.one_in(3)) {
        Command c;
        c.add(2u << 29 | 0x03u << 22 | 1);
        random_clip(c, dst);
        execute(c.dwords, false);
    }

    Command c;
    auto immediate = [&](uint64_t bytes) {
        uint64_t dwords = (bytes + 7) / 8 * 2;
        for (uint64_t i = 0; i < dwords; i++)
            c.add(random());
    };
    if (with_setup) {
        random_setup(random() % 2, dst, br13);
        c.add((2u << 29 | op << 22) | (br00 & 0x7f00) | (random() & 1) << 16);
        c.add(corner(x, y));
        if (op != 0x24)
            c.add(corner(x + width, y + height));
        if (op == 0x24 && (x >= dst.x_max || y >= dst.y_max))
            return;
        if (op == 0x26)
            c.address(bits_at);
        if (op == 0x31)
            immediate(uint64_t((width + 7) / 8 * height));
        execute(c.dwords, true);
        return;
    }
    if (plain) {
        c.add(br00);
        c.add(br13);
        uint64_t dst_addr = dst.addr + uint64_t(int64_t(y) * dst.pitch + int64_t(x) * int(cpp));
        uint64_t src_addr = src.addr + uint64_t(int64_t(sy) * src.pitch + int64_t(sx) * int(cpp));
        c.add(uint32_t(width) * cpp | uint32_t(height) << 16);
        c.address(dst_addr);
        if (op == 0x40) {
            c.add(color());
        } else {
            c.add(src_pitch);
            c.address(src_addr);
        }
        execute(c.dwords, true);
        return;
    }
    if (fast) {
        auto mode = [](char kind) { return kind == 'L' ? 0u : kind == 'X' ? 1u : kind == 'S' ? 3u : 2u; };
        c.add(2u << 29 | op << 22 | mode(src.kind) << 20 | mode(dst.kind) << 13 | 8);
        c.add(uint32_t(src.kind == 'F') << 31 | uint32_t(dst.kind == 'F') << 30 | depth << 24 | dst_pitch);
    } else {
        c.add(br00);
        c.add(br13);
    }
    c.add(corner(x, y));
    c.add(corner(x + width, y + height));
    c.address(dst.addr);
    if (copy) {
        c.add(corner(sx, sy));
        c.add(src_pitch);
        c.address(src.addr);
    }
    if (mono && op != 0x71)
        c.address(bits_at);
    if (mono) {
        c.add(color());
        c.add(color());
    }
    if (op == 0x50)
        c.add(color());
    if (op == 0x51 || op == 0x55 || op == 0x56 || op == 0x76)
        c.address(EXTRA + uint64_t(random.range(0, 6000) / 64 * 64));
    if (op == 0x52 || op == 0x57 || op == 0x58) {
        for (int i = 0; i < 4; i++)
            c.add(i < 2 ? color() : random());
    }
    if (op == 0x73 || op == 0x76 || op == 0x77) {
        uint32_t a = random(), b = random();
        c.add(random.one_in(2) ? a & b : a);
        c.add(random.one_in(2) ? a | b : b | 0x80808080);
    }
    if (op == 0x71)
        immediate((uint64_t(width) + 7 + 15) / 16 * 2 * uint64_t(height));
    if (op == 0x72 || op == 0x74 || op == 0x75 || op == 0x77)
        immediate(64 * cpp);
    execute(c.dwords, true);
}

TEST_P(BlitProperty, MatchesTheReference)
{
    for (int i = 0; i < 400 && !HasFatalFailure(); i++)
        random_command(unsigned(GetParam()));
    EXPECT_GT(changed, 80) << "most commands should draw something";
}

INSTANTIATE_TEST_SUITE_P(Opcode, BlitProperty,
                         testing::Values(0x24, 0x25, 0x26, 0x31, 0x40, 0x42, 0x43, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
                                         0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77),
                         [](const auto &info) { return std::string(cmd_descs[cmd_find(ENGINE_BCS0, 2u << 29 | unsigned(info.param) << 22)].name); });

// A linear 32 bpp surface of 4096 bytes in a row, in pages of one memory.
class Blit : public testing::Test {
  protected:
    Memory memory;
    blit_setup setup = {};
    Random random{std::mt19937(5)};

    void fill_pages(uint64_t addr, unsigned count)
    {
        memory.add(addr, count);
        for (unsigned i = 0; i < count; i++) {
            for (auto &byte : memory.pages[(addr >> 12) + i])
                byte = uint8_t(random());
        }
    }
    static std::vector<uint32_t> copy(uint64_t src, int sx, int sy, uint64_t dst, int x, int y, int width, int height,
                                      unsigned pitch, unsigned rop = 0xcc)
    {
        return {0x54c00008 | 3u << 20, 3u << 24 | rop << 16 | pitch, corner(x, y), corner(x + width, y + height), uint32_t(dst),
                uint32_t(dst >> 32), corner(sx, sy), pitch, uint32_t(src), uint32_t(src >> 32)};
    }
    static std::vector<uint32_t> color(uint64_t dst, int width, int height, unsigned pitch, uint32_t value)
    {
        return {0x54000005 | 3u << 20, 3u << 24 | 0xf0u << 16 | pitch, 0, corner(width, height), uint32_t(dst), uint32_t(dst >> 32),
                value};
    }
    enum blit_decoded decode(const std::vector<uint32_t> &dwords, struct blit *blit)
    {
        return blit_decode(&setup, cmd_find(ENGINE_BCS0, dwords[0]), dwords.data(), unsigned(dwords.size()), 0, blit);
    }
    enum blit_result run(const std::vector<uint32_t> &dwords, View &view)
    {
        struct blit blit;
        blit_memory access = view.access();
        EXPECT_EQ(decode(dwords, &blit), BLIT_DRAW);
        return blit_run(&blit, &access);
    }
};

TEST_F(Blit, CopiesWithinASurfaceInEveryDirection)
{
    fill_pages(DST, 64);
    blit_reference::Blitter reference;
    for (int pitch : {4096, 1500, 8000}) {
        int width = pitch / 4;
        for (int dx : {-700, -3, 0, 1, 5, 600}) {
            for (int dy : {-2, 0, 1}) {
                for (unsigned rop : {0xccu, 0x33u}) { // by runs, and by spans
                    int w = width - abs(dx), h = 20;
                    if (w <= 0)
                        continue;
                    auto dwords = copy(DST, std::max(0, -dx), std::max(0, -dy), DST, std::max(0, dx), std::max(0, dy), w, h,
                                       unsigned(pitch), rop);
                    Memory expected = memory;
                    reference.run(memory, expected, dwords);
                    View view{&memory, {}};
                    ASSERT_EQ(run(dwords, view), BLIT_DONE);
                    ASSERT_TRUE(memory.pages == expected.pages) << "pitch " << pitch << " by " << dx << ", " << dy;
                }
            }
        }
    }
}

// Larger than what goes through the cache, and rows that join to one run.
TEST_F(Blit, MovesLargeSurfaces)
{
    unsigned pages = 1300;
    fill_pages(DST, pages + 2);
    fill_pages(SRC, pages + 2);
    fill_pages(EXTRA - 4096 * 1400, pages + 2);
    uint64_t third = EXTRA - 4096 * 1400;
    Memory before = memory;
    View view{&memory, {}};
    ASSERT_EQ(run(copy(SRC + 4, 0, 0, DST + 12, 0, 0, 1024, int(pages), 4096), view), BLIT_DONE);
    EXPECT_GE(view.pauses, long(pages * 4096 / BLIT_SLICE));
    ASSERT_EQ(run(color(third + 2, 1024, int(pages), 4096, 0x11223344), view), BLIT_DONE);
    for (uint64_t i = 0; i < (pages + 2) * 4096; i++) {
        bool inside = i >= 12 && i < 12 + pages * 4096;
        ASSERT_EQ(memory.byte(DST + i), inside ? before.byte(SRC + 4 + i - 12) : before.byte(DST + i)) << i;
        inside = i >= 2 && i < 2 + pages * 4096;
        ASSERT_EQ(memory.byte(third + i), inside ? 0x11223344u >> 8 * ((i - 2) % 4) & 0xff : before.byte(third + i)) << i;
        ASSERT_EQ(memory.byte(SRC + i), before.byte(SRC + i));
    }
}

TEST_F(Blit, MovesLargeTiledSurfaces)
{
    // 1024 x 1280 pixels with an odd corner: to a tiled surface and back to a third, through each tiling.
    unsigned pages = 1290;
    uint64_t third = EXTRA - 4096 * 1400;
    for (unsigned mode : {1u, 2u, 3u}) {
        fill_pages(SRC, pages);
        fill_pages(DST, pages + 16 * 8); // whole tiles of 64 KiB
        fill_pages(third, pages);
        Memory before = memory;
        auto fast = [](uint64_t from, unsigned from_mode, uint64_t to, unsigned to_mode) {
            return std::vector<uint32_t>{0x50800008 | from_mode << 20 | to_mode << 13, 3u << 24 | (to_mode ? 1024u : 4096u), corner(3, 1),
                                         corner(1020, 1280), uint32_t(to), uint32_t(to >> 32), corner(3, 1),
                                         from_mode ? 1024u : 4096u, uint32_t(from), uint32_t(from >> 32)};
        };
        View view{&memory, {}};
        ASSERT_EQ(run(fast(SRC, 0, DST, mode), view), BLIT_DONE);
        ASSERT_EQ(run(fast(DST, mode, third, 0), view), BLIT_DONE);
        for (uint64_t i = 0; i < pages * 4096; i++) {
            bool inside = i / 4096 >= 1 && i / 4096 < 1280 && i % 4096 / 4 >= 3 && i % 4096 / 4 < 1020;
            ASSERT_EQ(memory.byte(third + i), inside ? before.byte(SRC + i) : before.byte(third + i)) << i << " mode " << mode;
        }
        for (unsigned y : {1u, 700u, 1279u}) {
            for (unsigned x = 12; x < 4080; x += 5) {
                blit_reference::Surface tiled{DST, 4096, "LXYS"[mode], 4};
                ASSERT_EQ(memory.byte(tiled.at(x / 4, y, x % 4)), before.byte(SRC + y * 4096 + x));
            }
        }
    }
}

TEST_F(Blit, StopsAtFaultsWithoutTouchingMore)
{
    fill_pages(DST, 16);
    fill_pages(SRC, 16);
    for (unsigned rop : {0xccu, 0x66u}) {
        for (int kind = 0; kind < 3; kind++) {
            Memory before = memory, expected = memory;
            auto dwords = copy(SRC, 0, 0, DST, 3, 1, 1000, 12, 4096, rop);
            blit_reference::Blitter().run(before, expected, dwords);
            View view{&memory, {}};
            if (kind == 0)
                memory.pages.erase((SRC >> 12) + 7);
            else if (kind == 1)
                memory.pages.erase((DST >> 12) + 7);
            else
                view.read_only.insert((DST >> 12) + 7);
            EXPECT_EQ(run(dwords, view), BLIT_FAULTED);
            int done = 0;
            for (auto &[number, page] : memory.pages) {
                for (size_t i = 0; i < 4096; i++) {
                    uint8_t old = before.pages[number][i], want = expected.pages[number][i];
                    ASSERT_TRUE(page[i] == old || page[i] == want);
                    if (number > (DST >> 12) + 8 && number < (DST >> 12) + 16) {
                        ASSERT_EQ(page[i], old) << "drew on after the fault";
                    }
                    done += page[i] == want && want != old;
                }
            }
            EXPECT_GT(done, 4096 * 4) << "what lies before the fault is drawn";
            memory = before;
        }
    }
    // The pattern's and the mono source's memory too.
    View view{&memory, {}};
    EXPECT_EQ(run({0x54400006 | 3u << 20, 3u << 24 | 0xf0u << 16 | 4096, 0, corner(9, 9), uint32_t(DST), DST >> 32, 0x1000, 0}, view),
              BLIT_FAULTED);
    EXPECT_EQ(run({0x55000008 | 3u << 20, 3u << 24 | 0xccu << 16 | 4096, 0, corner(9, 9), uint32_t(DST), DST >> 32, 0x1000, 0, 1, 2}, view),
              BLIT_FAULTED);
}

TEST_F(Blit, StopsWhenItIsTold)
{
    fill_pages(DST, 512);
    fill_pages(SRC, 512);
    for (unsigned rop : {0xccu, 0x66u}) {
        Memory before = memory;
        View view{&memory, {}};
        view.stop_after = 3;
        EXPECT_EQ(run(copy(SRC, 0, 0, DST, 0, 0, 1024, 512, 4096, rop), view), BLIT_STOPPED);
        EXPECT_EQ(view.pauses, 3);
        size_t changed = 0;
        for (unsigned i = 0; i < 512; i++)
            changed += memory.pages[(DST >> 12) + i] != before.pages[(DST >> 12) + i];
        EXPECT_GT(changed, 60u);
        EXPECT_LE(changed, 3u * BLIT_SLICE / 4096 + 2);
        memory = before;
    }
}

// Everything is mapped to one page, so nothing but the slices ends such a blit soon.
struct Endless {
    std::vector<uint8_t> page = std::vector<uint8_t>(4096);
    long maps = 0, most = 0, pauses = 0, limit = 4;
    static void *map(void *opaque, uint64_t addr, size_t *len, bool)
    {
        Endless *self = static_cast<Endless *>(opaque);
        self->most = std::max(self->most, ++self->maps);
        *len = std::min<size_t>(*len, 4096 - addr % 4096);
        return self->page.data() + addr % 4096;
    }
    static bool pause(void *opaque)
    {
        Endless *self = static_cast<Endless *>(opaque);
        self->maps = 0;
        return ++self->pauses < self->limit;
    }
};

TEST_F(Blit, HostileExtentsAreCutIntoSlices)
{
    int stopped = 0;
    for (unsigned op = 0; op < 128; op++) {
        enum cmd_id id = cmd_find(ENGINE_BCS0, 2u << 29 | op << 22);
        if (id == CMD_COUNT)
            continue;
        for (int i = 0; i < 200; i++) {
            std::vector<uint32_t> dwords(size_t(random.range(1, 14)) + (random.one_in(2) ? 300 : 0));
            for (auto &dword : dwords)
                dword = random.one_in(8) ? 0 : random();
            if (random.one_in(2) && dwords.size() > 3) { // a rectangle as large as it gets
                dwords[1] &= ~(1u << 30);
                dwords[2] = corner(-32768, -32768);
                dwords[3] = corner(32767, 32767);
            }
            dwords[0] = (dwords[0] & 0x3fffff) | 2u << 29 | op << 22;
            struct blit blit;
            if (blit_decode(&setup, id, dwords.data(), unsigned(dwords.size()), random(), &blit) != BLIT_DRAW)
                continue;
            Endless endless;
            blit_memory access = {Endless::map, Endless::pause, &endless};
            enum blit_result result = blit_run(&blit, &access);
            ASSERT_NE(result, BLIT_FAULTED);
            ASSERT_LE(endless.pauses, endless.limit);
            ASSERT_LT(endless.most, 3 * BLIT_SLICE / 64) << "too much work between two pauses";
            stopped += result == BLIT_STOPPED;
        }
    }
    EXPECT_GT(stopped, 200);
}

TEST_F(Blit, RefusesMalformedCommands)
{
    struct blit blit;
    auto dwords = copy(SRC, 0, 0, DST, 0, 0, 5, 5, 4096);
    EXPECT_EQ(decode(dwords, &blit), BLIT_DRAW);
    for (size_t length = 1; length < dwords.size(); length++)
        EXPECT_EQ(decode(std::vector<uint32_t>(dwords.begin(), dwords.begin() + long(length)), &blit), BLIT_MALFORMED) << length;
    EXPECT_EQ(blit_decode(&setup, CMD_MI_NOOP, dwords.data(), 10, 0, &blit), BLIT_MALFORMED);
    EXPECT_EQ(blit_decode(&setup, CMD_COUNT, dwords.data(), 10, 0, &blit), BLIT_MALFORMED);
    for (unsigned depth : {2u, 6u, 7u})
        EXPECT_EQ(decode({0x50800008, depth << 24 | 4096, 0, corner(4, 4), 0, 1, 0, 4096, 0, 2}, &blit), BLIT_MALFORMED);
    // Immediate bits: 20 x 3 of them take 3 rows of 4 bytes.
    std::vector<uint32_t> mono = {0x5c400009 | 3u << 20, 3u << 24 | 0xccu << 16 | 4096, 0, corner(20, 3), uint32_t(DST), DST >> 32, 1, 2,
                                  0, 0, 0};
    EXPECT_EQ(decode(mono, &blit), BLIT_DRAW);
    mono.pop_back();
    EXPECT_EQ(decode(mono, &blit), BLIT_MALFORMED);
    // A setup that is too short leaves the old state.
    EXPECT_EQ(decode({0x40c00001, corner(1, 2), corner(3, 4)}, &blit), BLIT_NOTHING);
    blit_setup old = setup;
    EXPECT_EQ(decode({0x40400008, 1, 2, 3, 4, 5, 6, 7, 8}, &blit), BLIT_MALFORMED);
    EXPECT_EQ(memcmp(&old, &setup, sizeof(old)), 0);
    EXPECT_EQ(setup.clip_last, corner(3, 4));
}

TEST_F(Blit, DrawsNothingForEmptyRectangles)
{
    struct blit blit;
    for (auto [width, height] : {std::pair(0, 5), {5, 0}, {-3, 5}, {5, -1}})
        EXPECT_EQ(decode(color(DST, width, height, 4096, 1), &blit), BLIT_NOTHING);
    EXPECT_EQ(decode({0x40c00001, corner(10, 10), corner(10, 20)}, &blit), BLIT_NOTHING);
    auto clipped = color(DST, 100, 100, 4096, 1);
    clipped[1] |= 1u << 30;
    EXPECT_EQ(decode(clipped, &blit), BLIT_NOTHING);
    // Neither colour nor alpha may be written.
    fill_pages(DST, 4);
    Memory before = memory;
    auto none = color(DST, 10, 3, 4096, 1);
    none[0] &= ~(3u << 20);
    View view{&memory, {}};
    EXPECT_EQ(run(none, view), BLIT_DONE);
    EXPECT_TRUE(memory.pages == before.pages);
}

TEST(BlitRop, AllCodesByTheirTruthTables)
{
    // 8 bytes of operands hold each combination; odd lengths check the ends.
    Random random{std::mt19937(9)};
    for (unsigned rop = 0; rop < 256; rop++) {
        size_t bytes = size_t(random.range(1, 70));
        std::vector<uint8_t> d(bytes + 1), s(bytes), p(bytes), want;
        for (size_t i = 0; i < bytes; i++) {
            d[i] = uint8_t(random());
            s[i] = uint8_t(random());
            p[i] = uint8_t(random());
        }
        d[bytes] = 0x77;
        want = d;
        unsigned uses = 0;
        for (unsigned index = 0; index < 8; index++) {
            for (unsigned operand : {1u, 2u, 4u}) {
                if ((rop >> index & 1) != (rop >> (index ^ operand) & 1))
                    uses |= operand;
            }
        }
        for (size_t i = 0; i < bytes; i++) {
            want[i] = 0;
            for (int bit = 0; bit < 8; bit++) {
                int index = (p[i] >> bit & 1) * 4 + (s[i] >> bit & 1) * 2 + (d[i] >> bit & 1);
                want[i] |= uint8_t((rop >> index & 1) << bit);
            }
        }
        EXPECT_EQ(blit_rop_operands(uint8_t(rop)), uses) << rop;
        blit_rop(uint8_t(rop), d.data(), uses & BLIT_ROP_SOURCE ? s.data() : nullptr, uses & BLIT_ROP_PATTERN ? p.data() : nullptr, bytes);
        EXPECT_EQ(d, want) << rop;
    }
}

} // namespace
