// SPDX-License-Identifier: GPL-2.0-or-later
// Tilings against address patterns written as strings, one letter for each address bit, and block copies against them.
#include "gpu/blocks/tiling.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace {

struct Case {
    enum tiling tiling;
    unsigned bpp;
    const char *bits; // from the highest address bit within a tile to bit 0
};

// As gmmlib's CpuSwizzleBlt.c lists them for Gen9.
const Case cases[] = {
    {TILING_X, 8, "YYYXXXXXXXXX"},       {TILING_X, 32, "YYYXXXXXXXXX"},
    {TILING_Y, 16, "XXXYYYYYXXXX"},      {TILING_Y, 128, "XXXYYYYYXXXX"},
    {TILING_YF, 8, "XYXYYYYYXXXX"},      {TILING_YF, 16, "XYXYXYYYXXXX"},
    {TILING_YF, 32, "XYXYXYYYXXXX"},     {TILING_YF, 64, "XYXYXXYYXXXX"},
    {TILING_YF, 128, "XYXYXXYYXXXX"},    {TILING_YS, 8, "XYXYXYXYYYYYXXXX"},
    {TILING_YS, 16, "XYXYXYXYXYYYXXXX"}, {TILING_YS, 32, "XYXYXYXYXYYYXXXX"},
    {TILING_YS, 64, "XYXYXYXYXXYYXXXX"}, {TILING_YS, 128, "XYXYXYXYXXYYXXXX"},
};

struct Extent {
    int64_t width = 1, height = 1, size = 1;
};

Extent extent(const Case &c)
{
    Extent e;
    for (char bit : std::string(c.bits)) {
        (bit == 'X' ? e.width : e.height) *= 2;
        e.size *= 2;
    }
    return e;
}

// Reads the pattern from its right end: each letter takes the next bit of its coordinate.
int64_t expected(const Case &c, int64_t pitch, int64_t x, int64_t y)
{
    Extent e = extent(c);
    std::string bits = c.bits;
    int64_t tile = (y / e.height) * (pitch / e.width) + x / e.width, inside = 0;
    int64_t xs = x % e.width, ys = y % e.height;
    for (size_t i = 0; i < bits.size(); i++) {
        int64_t &from = bits[bits.size() - 1 - i] == 'X' ? xs : ys;
        inside |= (from & 1) << i;
        from >>= 1;
    }
    return tile * e.size + inside;
}

TEST(Tiling, OffsetsFollowTheBitPatterns)
{
    std::mt19937 random(1);
    for (const Case &c : cases) {
        Extent e = extent(c);
        EXPECT_EQ(tile_pitch_unit(c.tiling, c.bpp), e.width);
        for (int i = 0; i < 20000; i++) {
            int64_t pitch = e.width * (1 + random() % 9);
            int64_t x = random() % pitch, y = random() % 1000;
            ASSERT_EQ(tile_offset(c.tiling, pitch, x, y, c.bpp), expected(c, pitch, x, y))
                << "tiling " << c.tiling << " bpp " << c.bpp << " x " << x << " y " << y;
        }
    }
}

TEST(Tiling, EveryByteOfASurfaceHasItsOwnPlace)
{
    for (const Case &c : cases) {
        Extent e = extent(c);
        int64_t pitch = 3 * e.width, rows = 2 * e.height;
        std::vector<bool> seen(pitch * rows);
        for (int64_t y = 0; y < rows; y++) {
            for (int64_t x = 0; x < pitch; x++) {
                int64_t at = tile_offset(c.tiling, pitch, x, y, c.bpp);
                ASSERT_GE(at, 0);
                ASSERT_LT(at, pitch * rows);
                ASSERT_FALSE(seen[at]);
                seen[at] = true;
            }
        }
    }
}

TEST(Tiling, NegativeCoordinatesContinueThePattern)
{
    for (const Case &c : cases) {
        Extent e = extent(c);
        int64_t pitch = 4 * e.width;
        for (int64_t x : {int64_t(-1), -e.width, -e.width - 5})
            EXPECT_EQ(tile_offset(c.tiling, pitch, x, 3, c.bpp), expected(c, pitch, x + 2 * e.width, 3) - 2 * e.size);
        for (int64_t y : {int64_t(-1), -e.height, -e.height - 1})
            EXPECT_EQ(tile_offset(c.tiling, pitch, 7, y, c.bpp), expected(c, pitch, 7, y + 2 * e.height) - 8 * e.size);
    }
    EXPECT_EQ(tile_offset(TILING_LINEAR, -100, 8, 3, 32), -292);
}

TEST(Tiling, SpansAreContiguous)
{
    for (const Case &c : cases) {
        Extent e = extent(c);
        for (uint32_t x = 0; x < e.width; x++) {
            int64_t at = tile_offset(c.tiling, e.width, x, 1, c.bpp);
            size_t span = tile_span(c.tiling, x);
            ASSERT_GT(span, 0u);
            for (size_t i = 1; i < span; i++)
                ASSERT_EQ(tile_offset(c.tiling, e.width, x + i, 1, c.bpp), at + int64_t(i));
        }
    }
    EXPECT_EQ(tile_span(TILING_LINEAR, 17), SIZE_MAX);
}

TEST(Tiling, BlocksCopyBothWaysAndTouchNothingElse)
{
    std::mt19937 random(2);
    for (const Case &c : cases) {
        struct tile_shape shape = tile_shape(c.tiling, c.bpp);
        ASSERT_EQ(shape.width * shape.height, TILE_BLOCK_SIZE);
        for (int i = 0; i < 500; i++) {
            unsigned x = random() % shape.width, y = random() % shape.height;
            unsigned bytes = 1 + random() % (shape.width - x), rows = 1 + random() % (shape.height - y);
            bool flip = random() % 2;
            int pitch = int(bytes + random() % 7) * (flip ? -1 : 1);
            std::vector<uint8_t> tile(TILE_BLOCK_SIZE), linear(abs(pitch) * rows + 1, 0xaa);
            for (auto &b : tile)
                b = random();
            uint8_t *first = linear.data() + (flip ? abs(pitch) * (rows - 1) : 0);
            auto want_linear = linear;
            for (unsigned r = 0; r < rows; r++) {
                for (unsigned b = 0; b < bytes; b++)
                    want_linear[first - linear.data() + int(r) * pitch + int(b)] =
                        tile[expected(c, extent(c).width, x + b, y + r) % TILE_BLOCK_SIZE];
            }
            tile_read(c.tiling, c.bpp, tile.data(), x, y, bytes, rows, first, pitch);
            ASSERT_EQ(linear, want_linear);

            for (auto &b : linear)
                b = random();
            auto want_tile = tile;
            for (unsigned r = 0; r < rows; r++) {
                for (unsigned b = 0; b < bytes; b++)
                    want_tile[expected(c, extent(c).width, x + b, y + r) % TILE_BLOCK_SIZE] = first[int(r) * pitch + int(b)];
            }
            tile_write(c.tiling, c.bpp, tile.data(), x, y, bytes, rows, first, pitch);
            ASSERT_EQ(tile, want_tile);
        }
    }
}

} // namespace
