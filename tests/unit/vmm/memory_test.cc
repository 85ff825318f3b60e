// SPDX-License-Identifier: GPL-2.0-or-later
// A guest's RAM: where it lies on both sides of the PCI hole, and as which files it is given to other processes.
#include "vmm/memory.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <unistd.h>
#include <vector>

namespace {

std::vector<dma_region> regions_of(memory *memory)
{
    std::vector<dma_region> seen;
    dma_listener listener = {[](void *p, const dma_region *r) { static_cast<decltype(seen) *>(p)->push_back(*r); }, nullptr, &seen};
    dma_space_unlisten(memory->dma, dma_space_listen(memory->dma, &listener));
    return seen;
}

TEST(Memory, LiesAroundTheHole)
{
    memory *memory = memory_create("test", (uint64_t{2} << 30) + 0x5000, nullptr);
    ASSERT_NE(memory, nullptr);
    std::vector<dma_region> regions = regions_of(memory);
    ASSERT_EQ(regions.size(), 2u);
    EXPECT_EQ(regions[0].addr, 0u);
    EXPECT_EQ(regions[0].size, MEMORY_LOW_MAX);
    EXPECT_EQ(regions[1].addr, MEMORY_HIGH_BASE);
    EXPECT_EQ(regions[1].size, 0x5000u);
    EXPECT_EQ(memory_end(memory), MEMORY_HIGH_BASE + 0x5000);
    EXPECT_NE(memory_ptr(memory, MEMORY_HIGH_BASE + 0x4fff, 1), nullptr);
    EXPECT_EQ(memory_ptr(memory, MEMORY_HIGH_BASE + 0x4fff, 2), nullptr);
    EXPECT_EQ(memory_ptr(memory, MEMORY_LOW_MAX, 1), nullptr);
    EXPECT_NE(memory_ptr(memory, MEMORY_LOW_MAX - 4, 4), nullptr);
    memory_destroy(memory);
}

TEST(Memory, CanBeSharedAndNotTakenAway)
{
    memory *memory = memory_create("test", 1 << 20, nullptr);
    ASSERT_NE(memory, nullptr);
    std::vector<dma_region> regions = regions_of(memory);
    ASSERT_EQ(regions.size(), 1u);
    ASSERT_GE(regions[0].fd, 0);
    EXPECT_EQ(regions[0].fd_offset, 0u);
    memcpy(memory_ptr(memory, 0x1234, 6), "shared", 6);
    char text[6];
    EXPECT_EQ(pread(regions[0].fd, text, 6, 0x1234), 6);
    EXPECT_EQ(memcmp(text, "shared", 6), 0);
    for (off_t size : {0, 4096, 2 << 20}) {
        EXPECT_NE(ftruncate(regions[0].fd, size), 0) << "who has the file could end us with it";
        EXPECT_EQ(errno, EPERM);
    }
    memory_destroy(memory);
}

} // namespace
