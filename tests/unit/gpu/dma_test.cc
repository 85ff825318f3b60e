// SPDX-License-Identifier: GPL-2.0-or-later
// DMA views: mapping rules, lookups at every edge, copies across regions, listeners.
#include "gpu/pci/dma.h"

#include <gtest/gtest.h>

#include <atomic>
#include <gio/gio.h>
#include <thread>
#include <vector>

namespace {

class DmaSpace : public testing::Test {
  protected:
    dma_space *space = dma_space_create("test");
    alignas(4096) uint8_t low[0x2000] = {}, high[0x1000] = {};
    ~DmaSpace() override { dma_space_unref(space); }
    int map_error(uint64_t addr, uint64_t size)
    {
        GError *error = nullptr;
        if (dma_space_map(space, addr, size, low, DMA_RW, &error))
            return -1;
        int code = error->code;
        g_error_free(error);
        return code;
    }
};

TEST_F(DmaSpace, RejectsBadRanges)
{
    EXPECT_EQ(map_error(0x1000, 0), G_IO_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(map_error(0x1001, 0x1000), G_IO_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(map_error(0x1000, 0x800), G_IO_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(map_error(0xfffffffffffff000, 0x2000), G_IO_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(map_error(0x4000, 0x2000), -1);
    EXPECT_EQ(map_error(0x3000, 0x2000), G_IO_ERROR_EXISTS);
    EXPECT_EQ(map_error(0x5000, 0x1000), G_IO_ERROR_EXISTS);
    EXPECT_EQ(map_error(0x3000, 0x4000), G_IO_ERROR_EXISTS);
    EXPECT_EQ(map_error(0x6000, 0x1000), -1);
    EXPECT_EQ(map_error(0x3000, 0x1000), -1);
    EXPECT_EQ(map_error(0xfffffffffffff000, 0x1000), -1);
}

TEST_F(DmaSpace, FindsExactlyWhatIsMapped)
{
    ASSERT_TRUE(dma_space_map(space, 0x10000, 0x2000, low, DMA_RW, nullptr));
    ASSERT_TRUE(dma_space_map(space, 0x12000, 0x1000, high, DMA_READ, nullptr));
    dma_space_enter(space);
    EXPECT_EQ(dma_space_ptr(space, 0xffff, 1, DMA_READ), nullptr);
    EXPECT_EQ(dma_space_ptr(space, 0x10000, 0x2000, DMA_RW), low);
    EXPECT_EQ(dma_space_ptr(space, 0x11fff, 1, DMA_RW), low + 0x1fff);
    EXPECT_EQ(dma_space_ptr(space, 0x11fff, 2, DMA_READ), nullptr) << "a pointer never spans regions";
    EXPECT_EQ(dma_space_ptr(space, 0x12000, 0x1000, DMA_READ), high);
    EXPECT_EQ(dma_space_ptr(space, 0x12000, 1, DMA_WRITE), nullptr);
    EXPECT_EQ(dma_space_ptr(space, 0x13000, 1, DMA_READ), nullptr);
    dma_space_leave(space);
}

TEST_F(DmaSpace, CopiesAcrossRegionsAndStopsAtHoles)
{
    ASSERT_TRUE(dma_space_map(space, 0x10000, 0x2000, low, DMA_RW, nullptr));
    ASSERT_TRUE(dma_space_map(space, 0x12000, 0x1000, high, DMA_READ, nullptr));
    low[0x1fff] = 1;
    high[0] = 2;
    uint8_t buf[2];
    EXPECT_TRUE(dma_space_read(space, 0x11fff, buf, 2));
    EXPECT_EQ(buf[0], 1);
    EXPECT_EQ(buf[1], 2);
    EXPECT_FALSE(dma_space_write(space, 0x11fff, buf, 2));
    EXPECT_FALSE(dma_space_read(space, 0x12fff, buf, 2));
}

TEST_F(DmaSpace, UnmapNeedsTheExactRegionAndChangesTheGeneration)
{
    ASSERT_TRUE(dma_space_map(space, 0x10000, 0x2000, low, DMA_RW, nullptr));
    uint64_t before = dma_space_generation(space);
    EXPECT_FALSE(dma_space_unmap(space, 0x10000, 0x1000, nullptr));
    EXPECT_EQ(dma_space_generation(space), before);
    EXPECT_TRUE(dma_space_unmap(space, 0x10000, 0x2000, nullptr));
    EXPECT_NE(dma_space_generation(space), before);
    uint8_t byte;
    EXPECT_FALSE(dma_space_read(space, 0x10000, &byte, 1));
}

TEST_F(DmaSpace, ListenersSeeExistingAndLaterRegions)
{
    std::vector<std::pair<char, uint64_t>> seen;
    dma_listener listener = {
        [](void *p, const dma_region *r) { static_cast<decltype(seen) *>(p)->push_back({'+', r->addr}); },
        [](void *p, const dma_region *r) { static_cast<decltype(seen) *>(p)->push_back({'-', r->addr}); }, &seen};
    ASSERT_TRUE(dma_space_map(space, 0x1000, 0x1000, low, DMA_RW, nullptr));
    unsigned id = dma_space_listen(space, &listener);
    ASSERT_TRUE(dma_space_map(space, 0x4000, 0x1000, low, DMA_RW, nullptr));
    ASSERT_TRUE(dma_space_unmap(space, 0x1000, 0x1000, nullptr));
    dma_space_unlisten(space, id);
    ASSERT_TRUE(dma_space_unmap(space, 0x4000, 0x1000, nullptr));
    decltype(seen) expected = {{'+', 0x1000}, {'+', 0x4000}, {'-', 0x1000}};
    EXPECT_EQ(seen, expected);
}

TEST_F(DmaSpace, RegionsMaySayWhichFileTheyAre)
{
    std::vector<dma_region> seen;
    dma_listener listener = {[](void *p, const dma_region *r) { static_cast<decltype(seen) *>(p)->push_back(*r); },
                             [](void *p, const dma_region *r) { static_cast<decltype(seen) *>(p)->push_back(*r); }, &seen};
    dma_space_listen(space, &listener);
    ASSERT_TRUE(dma_space_map_file(space, 0x4000, 0x1000, low, DMA_READ, 7, 0x9000, nullptr));
    ASSERT_TRUE(dma_space_map(space, 0x1000, 0x1000, low, DMA_RW, nullptr));
    EXPECT_FALSE(dma_space_map_file(space, 0x4000, 0x1000, low, DMA_READ, 7, 0, nullptr));
    ASSERT_TRUE(dma_space_unmap(space, 0x4000, 0x1000, nullptr));
    ASSERT_EQ(seen.size(), 3u);
    EXPECT_EQ(seen[0].fd, 7);
    EXPECT_EQ(seen[0].fd_offset, 0x9000u);
    EXPECT_EQ(seen[0].prot, unsigned{DMA_READ});
    EXPECT_EQ(seen[1].fd, -1);
    EXPECT_EQ(seen[2].fd, 7);
}

// Engines that run commands without a pause enter section after section; somebody is always in one.
TEST_F(DmaSpace, AChangeDoesNotWaitForEndlessSections)
{
    ASSERT_TRUE(dma_space_map(space, 0x1000, 0x1000, low, DMA_RW, nullptr));
    std::atomic<bool> stop{false};
    std::atomic<unsigned> running{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 4; i++)
        readers.emplace_back([&] {
            running++;
            while (!stop) {
                dma_space_enter(space);
                for (auto end = g_get_monotonic_time() + 200; g_get_monotonic_time() < end;)
                    EXPECT_NE(dma_space_ptr(space, 0x1000, 1, DMA_READ), nullptr);
                dma_space_leave(space);
            }
        });
    while (running < readers.size())
        std::this_thread::yield();
    std::thread watchdog([&] { // so that a failure ends
        for (auto end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC; !stop && g_get_monotonic_time() < end;)
            std::this_thread::yield();
        stop = true;
    });
    int changes = 0;
    for (; changes < 20 && !stop; changes++) {
        EXPECT_TRUE(dma_space_map(space, 0x10000, 0x1000, high, DMA_RW, nullptr));
        EXPECT_TRUE(dma_space_unmap(space, 0x10000, 0x1000, nullptr));
    }
    EXPECT_FALSE(stop) << "only " << changes << " changes in 10 s";
    stop = true;
    watchdog.join();
    for (auto &reader : readers)
        reader.join();
}

} // namespace
