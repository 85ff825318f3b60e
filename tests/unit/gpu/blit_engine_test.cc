// SPDX-License-Identifier: GPL-2.0-or-later
// The blitter inside the copy engine: addresses in either space, BCS_SWCTRL, setup state of contexts, errors, reset.
#include "engine_harness.h"

#include "gpu/blocks/tiling.h"

using namespace harness;

namespace {

enum : uint32_t {
    XY_COLOR = 0x54000005 | 3 << 20,
    XY_SRC_COPY = 0x54c00008 | 3 << 20,
    XY_FAST_COPY = 0x50800008,
    XY_SETUP_MONO_PATTERN = 0x44400008 | 3 << 20,
    XY_SCANLINES = 0x49400001,
    BCS_SWCTRL = 0x22200,
};

Words color(uint32_t gpu_address, unsigned width, unsigned height, unsigned pitch, uint32_t value)
{
    return {XY_COLOR, 3u << 24 | 0xf0u << 16 | pitch, 0, height << 16 | width, gpu_address, 0, value};
}

class BlitEngine : public testing::Test {
  protected:
    Machine m;
};

TEST_F(BlitEngine, FillsAndCopiesInTheContextsAddressSpace)
{
    Context c(m, ENGINE_BCS0, 7);
    uint64_t a = m.alloc(32), b = m.alloc(32);
    c.run_batch(color(m.ppa(a), 1000, 30, 4096, 0xdeadbeef) +
                    Words{XY_FAST_COPY, 3u << 24 | 4096, 1, 20u << 16 | 501, m.ppa(b), 0, 5 << 16 | 10, 4096, m.ppa(a), 0},
                true);
    EXPECT_EQ(m.word(a), 0xdeadbeefu);
    EXPECT_EQ(m.word(a + 29 * 4096 + 999 * 4), 0xdeadbeefu);
    EXPECT_EQ(m.word(a + 29 * 4096 + 1000 * 4), 0u);
    EXPECT_EQ(m.word(a + 30 * 4096), 0u);
    EXPECT_EQ(m.word(b), 0u);
    EXPECT_EQ(m.word(b + 4), 0xdeadbeefu);
    EXPECT_EQ(m.word(b + 19 * 4096 + 500 * 4), 0xdeadbeefu);
    EXPECT_EQ(m.word(b + 19 * 4096 + 501 * 4), 0u);
    EXPECT_EQ(m.word(b + 20 * 4096 + 4), 0u);
}

TEST_F(BlitEngine, TilingComesFromTheControlRegister)
{
    Context c(m, ENGINE_BCS0, 7);
    uint64_t linear = m.alloc(32), tiled = m.alloc(32);
    for (unsigned i = 0; i < 32 * 1024; i++)
        store32(m.at(linear) + i, i * 2654435761u);
    for (auto tiling : {TILING_X, TILING_Y}) {
        // 512 x 64 pixels, pitch 2048 bytes, which is 512 dwords.
        c.run(lri(BCS_SWCTRL, 3u << 16 | (tiling == TILING_Y ? 2u : 0u)) +
              Words{XY_SRC_COPY | 1 << 11, 3u << 24 | 0xccu << 16 | 512, 0, 64u << 16 | 512, m.ppa(tiled), 0, 0, 2048, m.ppa(linear), 0});
        for (unsigned y = 0; y < 64; y++) {
            for (unsigned x = 0; x < 512; x++)
                ASSERT_EQ(m.word(tiled + tile_offset(tiling, 2048, x * 4, y, 32)), (y * 512 + x) * 2654435761u) << x << ", " << y;
        }
    }
    c.run(lri(BCS_SWCTRL, 3u << 16));
}

TEST_F(BlitEngine, SetupStateBelongsToTheContext)
{
    Context a(m, ENGINE_BCS0, 1), b(m, ENGINE_BCS0, 2);
    uint64_t to_a = m.alloc(1), to_b = m.alloc(1);
    auto setup = [&](uint64_t to, uint32_t value) {
        return Words{XY_SETUP_MONO_PATTERN, 1u << 31 | 3u << 24 | 0xf0u << 16 | 256, 0, 0, m.ppa(to), 0, value, value, 0, 0};
    };
    Words scanlines = {XY_SCANLINES, 2 << 16 | 3, 4 << 16 | 7};
    a.run(setup(to_a, 0xaaaaaaaa));
    b.run(setup(to_b, 0xbbbbbbbb));
    a.run(scanlines);
    EXPECT_EQ(m.word(to_a + 2 * 256 + 12), 0xaaaaaaaau);
    EXPECT_EQ(m.word(to_a + 3 * 256 + 24), 0xaaaaaaaau);
    EXPECT_EQ(m.word(to_a + 3 * 256 + 28), 0u);
    EXPECT_EQ(m.word(to_b + 2 * 256 + 12), 0u);
    b.run(scanlines);
    EXPECT_EQ(m.word(to_b + 2 * 256 + 12), 0xbbbbbbbbu);
}

// The engine stands still on the command until it is reset; nothing behind it runs.
void expect_error(Machine &m, const Words &words)
{
    Context c(m, ENGINE_BCS0, 9);
    uint64_t after = m.alloc(1);
    c.emit(words);
    c.emit(sdi(after, 1));
    c.submit();
    EXPECT_EQ(m.events(ENGINE_BCS0, 1), (Events{{CSB_IDLE_ACTIVE, 0}}));
    EXPECT_TRUE(wait_for([&] { return m.read(ENGINE_BCS0, 0xb0) != 0; })) << "EIR";
    EXPECT_EQ(m.word(after), 0u);
    m.reset(ENGINE_BCS0);
    Context next(m, ENGINE_BCS0, 10);
    next.run(sdi(after, 2));
    EXPECT_EQ(m.word(after), 2u);
}

TEST_F(BlitEngine, FaultsAndMalformedCommandsStopTheEngine)
{
    expect_error(m, color(0x10000000, 4, 4, 4096, 1)); // not mapped
    expect_error(m, {XY_FAST_COPY, 7u << 24 | 4096, 0, 4u << 16 | 4, m.ppa(0), 0, 0, 4096, m.ppa(0), 0});
    // The last page of the address space of the test: the blit runs out of it.
    uint64_t data = Machine::SIZE - 4096;
    expect_error(m, color(m.ppa(data), 1024, 2, 4096, 0x77));
    EXPECT_EQ(m.word(data), 0x77u);
    EXPECT_EQ(m.word(data + 4092), 0x77u);
}

TEST_F(BlitEngine, ResetEndsALongBlit)
{
    Context c(m, ENGINE_BCS0, 9);
    uint64_t data = m.alloc(64), after = m.alloc(1);
    // 65535 x 65535 pixels without a pitch: 16 GiB of work, many times over.
    std::vector<uint32_t> huge = {XY_COLOR, 3u << 24 | 0x5au << 16, 0x80008000, 0x7fff7fff, m.ppa(data) + 131072, 0, 0x01010101};
    for (int i = 0; i < 50; i++)
        c.emit(huge);
    c.emit(sdi(after, 1));
    c.submit();
    EXPECT_TRUE(wait_for([&] { return m.word(data) != 0 || m.word(data + 65536) != 0; }));
    m.reset(ENGINE_BCS0);
    EXPECT_EQ(m.word(after), 0u);
    Context next(m, ENGINE_BCS0, 10);
    next.run(sdi(after, 2));
    EXPECT_EQ(m.word(after), 2u);
}

} // namespace
