// SPDX-License-Identifier: GPL-2.0-or-later
// Address dispatch: windows, overlaps, accesses across edges, moves while others access.
#include "vmm/address_map.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace {

struct Window {
    uint8_t fill = 0;
    std::vector<std::pair<uint64_t, size_t>> reads, writes;
};

const address_ops ops = {[](void *p, uint64_t offset, void *data, size_t len) {
                             auto *w = static_cast<Window *>(p);
                             w->reads.push_back({offset, len});
                             memset(data, w->fill, len);
                         },
                         [](void *p, uint64_t offset, const void *, size_t len) {
                             static_cast<Window *>(p)->writes.push_back({offset, len});
                         }};

class AddressMap : public testing::Test {
  protected:
    address_map *map = address_map_create();
    ~AddressMap() override { address_map_destroy(map); }
    std::string read(uint64_t addr, size_t len)
    {
        std::string out;
        std::vector<uint8_t> data(len, 0x55);
        address_map_read(map, addr, data.data(), len);
        for (uint8_t b : data)
            out += b == 0xff ? '-' : static_cast<char>('0' + b);
        return out;
    }
};

TEST_F(AddressMap, NobodyAnswersWithOnes)
{
    EXPECT_EQ(read(0, 8), "--------");
    address_map_write(map, 0x1234, "x", 1);
    EXPECT_EQ(read(UINT64_MAX, 1), "-");
}

TEST_F(AddressMap, WindowsAnswerWithOffsets)
{
    Window a{1, {}, {}}, b{2, {}, {}};
    address_map_add(map, 0x1000, 0x100, &ops, &a);
    address_map_add(map, 0x1100, 0x10, &ops, &b);
    EXPECT_EQ(read(0x1004, 4), "1111");
    EXPECT_EQ(a.reads.back(), std::make_pair(uint64_t{4}, size_t{4}));
    EXPECT_EQ(read(0x10fe, 4), "1122") << "split at the edge";
    EXPECT_EQ(a.reads.back(), std::make_pair(uint64_t{0xfe}, size_t{2}));
    EXPECT_EQ(b.reads.back(), std::make_pair(uint64_t{0}, size_t{2}));
    EXPECT_EQ(read(0xffe, 4), "--11");
    EXPECT_EQ(read(0x110e, 4), "22--");
    address_map_write(map, 0x10ff, "abc", 3);
    EXPECT_EQ(a.writes.back(), std::make_pair(uint64_t{0xff}, size_t{1}));
    EXPECT_EQ(b.writes.back(), std::make_pair(uint64_t{0}, size_t{2}));
}

TEST_F(AddressMap, TheFirstOfOverlappingWindowsWins)
{
    Window big{1, {}, {}}, small{2, {}, {}}, other{3, {}, {}};
    unsigned id = address_map_add(map, 0x2000, 4, &ops, &small);
    address_map_add(map, 0x1000, 0x2000, &ops, &big);
    address_map_add(map, 0x2ffe, 4, &ops, &other);
    EXPECT_EQ(read(0x1ffe, 8), "11222211");
    EXPECT_EQ(big.reads.back(), std::make_pair(uint64_t{0x1004}, size_t{2})) << "offsets in the whole window";
    EXPECT_EQ(read(0x2ffc, 8), "111133--");
    address_map_move(map, id, ADDRESS_NOWHERE);
    EXPECT_EQ(read(0x1ffe, 8), "11111111");
}

TEST_F(AddressMap, TheTopOfTheAddressSpace)
{
    Window a{1, {}, {}}, b{2, {}, {}};
    address_map_add(map, UINT64_MAX - 0xfff, 0x1000, &ops, &a);
    address_map_add(map, UINT64_MAX - 0xf, 0x100, &ops, &b); // wraps: never visible
    EXPECT_EQ(read(UINT64_MAX - 1, 1), "1");
    EXPECT_TRUE(b.reads.empty());
}

TEST_F(AddressMap, WindowsThatBeginTogetherAtZero)
{
    Window a{1, {}, {}}, b{2, {}, {}};
    address_map_add(map, 0, 2, &ops, &a);
    address_map_add(map, 0, 6, &ops, &b);
    EXPECT_EQ(read(0, 8), "112222--");
}

TEST_F(AddressMap, MovesApply)
{
    Window a{1, {}, {}};
    unsigned id = address_map_add(map, ADDRESS_NOWHERE, 0x10, &ops, &a);
    EXPECT_EQ(read(0x1000, 1), "-");
    address_map_move(map, id, 0x1000);
    EXPECT_EQ(read(0x1000, 1), "1");
    address_map_move(map, id, 0x8000);
    EXPECT_EQ(read(0x1000, 1), "-");
    EXPECT_EQ(read(0x800f, 1), "1");
}

// A window may move itself from within its own access, and others may access meanwhile.
TEST_F(AddressMap, MovesAndAccessesRunTogether)
{
    struct Mover {
        address_map *map;
        unsigned id;
        std::atomic<uint64_t> accesses{0};
    } mover;
    const address_ops moving = {
        [](void *p, uint64_t, void *data, size_t len) {
            static_cast<Mover *>(p)->accesses++;
            memset(data, 1, len);
        },
        [](void *p, uint64_t, const void *data, size_t) {
            auto *m = static_cast<Mover *>(p);
            address_map_move(m->map, m->id, *static_cast<const uint8_t *>(data) ? 0x2000 : 0x1000);
        }};
    mover.map = map;
    mover.id = address_map_add(map, 0x1000, 0x10, &moving, &mover);
    std::atomic<bool> stop{false};
    std::thread reader([&] {
        uint8_t byte;
        while (!stop) {
            address_map_read(map, 0x1000, &byte, 1);
            EXPECT_TRUE(byte == 1 || byte == 0xff);
            address_map_read(map, 0x2000, &byte, 1);
            EXPECT_TRUE(byte == 1 || byte == 0xff);
        }
    });
    const uint8_t away = 1, back = 0;
    for (int i = 0; i < 2000 || mover.accesses == 0; i++) {
        address_map_write(map, 0x1000, &away, 1);
        address_map_write(map, 0x2000, &back, 1);
    }
    stop = true;
    reader.join();
    EXPECT_EQ(read(0x1000, 1), "1");
}

// Its id is given to the next one, which takes its place where windows overlap too.
TEST_F(AddressMap, WhatIsRemovedAnswersNoMore)
{
    Window a{1, {}, {}}, b{2, {}, {}}, c{3, {}, {}};
    const unsigned id = address_map_add(map, 0x1000, 0x100, &ops, &a);
    const unsigned other = address_map_add(map, 0x1000, 0x200, &ops, &b);
    EXPECT_EQ(read(0x10ff, 2), "12");
    address_map_remove(map, id);
    EXPECT_EQ(read(0x10ff, 2), "22") << "what was covered is seen";
    EXPECT_EQ(address_map_add(map, 0x1080, 0x10, &ops, &c), id);
    EXPECT_EQ(read(0x107f, 2), "23");
    EXPECT_NE(address_map_add(map, 0x3000, 0x10, &ops, &a), id);
    address_map_remove(map, id);
    address_map_remove(map, other);
    EXPECT_EQ(read(0x1080, 1), "-");
    EXPECT_EQ(a.reads.size(), 1u);
}

} // namespace
