// SPDX-License-Identifier: GPL-2.0-or-later
// The memory map and the layout of what is loaded, each against a table of bytes.
#include "vmm/kernel/layout.h"
#include "vmm/kernel/memmap.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace {

constexpr unsigned SPACE = 64;

TEST(Memmap, IsWhatTheUppermostLayerSays)
{
    std::mt19937 random(1);
    for (unsigned round = 0; round < 2000; round++) {
        std::array<unsigned, SPACE> bytes = {};
        memmap_entry layers[MEMMAP_LAYERS_MAX];
        unsigned count = random() % (MEMMAP_LAYERS_MAX + 1);
        for (unsigned i = 0; i < count; i++) {
            uint64_t start = random() % SPACE, size = random() % (SPACE - start + 1) % (1 + random() % SPACE);
            layers[i] = {start, size, static_cast<memmap_type>(1 + random() % 4)};
            std::fill_n(bytes.begin() + static_cast<long>(start), size, layers[i].type);
        }
        memmap map;
        memmap_build(layers, count, &map);
        std::array<unsigned, SPACE> seen = {};
        uint64_t end = 0;
        for (unsigned i = 0; i < map.count; i++) {
            const memmap_entry &entry = map.entries[i];
            ASSERT_GT(entry.size, 0u);
            ASSERT_TRUE(i == 0 || entry.start > end || (entry.start == end && entry.type != map.entries[i - 1].type)) << "sorted and merged";
            end = entry.start + entry.size;
            ASSERT_LE(end, SPACE);
            std::fill_n(seen.begin() + static_cast<long>(entry.start), entry.size, entry.type);
        }
        ASSERT_EQ(seen, bytes) << round;
    }
}

TEST(Layout, PlacesAtTheHighestFreeRange)
{
    std::mt19937 random(2);
    for (unsigned round = 0; round < 2000; round++) {
        std::array<bool, SPACE> used = {};
        layout map = {};
        for (unsigned i = random() % 8; i > 0; i--) {
            uint64_t start = random() % SPACE, size = 1 + random() % 8;
            bool clash = false;
            for (uint64_t at = start; at < start + size && at < SPACE; at++)
                clash |= used[at];
            ASSERT_EQ(layout_add(&map, "x", "y", start, size, nullptr), !clash);
            for (uint64_t at = start; !clash && at < start + size && at < SPACE; at++)
                used[at] = true;
            if (start + size > SPACE)
                break; // what lies above is not in the table
        }
        uint64_t limit = random() % (SPACE + 1), size = 1 + random() % 10, align = 1u << random() % 4, largest = 0, start;
        int64_t expected = -1;
        for (uint64_t at = 0; at + size <= limit; at += align) {
            bool clash = false;
            for (uint64_t k = at; k < at + size; k++)
                clash |= used[k];
            if (!clash)
                expected = static_cast<int64_t>(at);
        }
        for (uint64_t at = 0, now = 0; at < limit; at++)
            largest = std::max(largest, now = used[at] ? 0 : now + 1);
        ASSERT_EQ(layout_place(&map, size, align, limit, &start) ? static_cast<int64_t>(start) : -1, expected) << round;
        ASSERT_EQ(layout_largest(&map, limit), largest) << round;
    }
}

} // namespace
