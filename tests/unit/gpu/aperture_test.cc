// SPDX-License-Identifier: GPL-2.0-or-later
// The aperture: linear, X and Y fences against the tile formulas of the PRM written out here, every alignment, scattered pages.
#include "bare_model.h"

#include <random>
#include <vector>

namespace {

constexpr uint64_t K4 = 4096;

/* PRM SKL vol. 5: X tiles are 8 rows of 512 bytes; Y tiles are 8 columns of 16 bytes by 32 rows. */
uint64_t tiled(bool y_tiled, uint64_t pitch, uint64_t linear)
{
    uint64_t x = linear % pitch, y = linear / pitch;
    if (y_tiled)
        return (y / 32 * (pitch / 128) + x / 128) * K4 + x % 128 / 16 * 512 + y % 32 * 16 + x % 16;
    return (y / 8 * (pitch / 512) + x / 512) * K4 + y % 8 * 512 + x % 512;
}

class Aperture : public testing::Test {
  protected:
    static constexpr uint64_t GMA = 0x100000;
    static constexpr unsigned PAGES = 64;
    BareModel bare{2 << 20};
    std::vector<unsigned> order; // page i of the surface lies in page order[i] of the memory

    void SetUp() override
    {
        std::mt19937 random(3);
        for (unsigned i = 0; i < PAGES; i++)
            order.push_back(i);
        std::shuffle(order.begin(), order.end(), random);
        for (unsigned i = 0; i < PAGES; i++)
            bare.bind(GMA + i * K4, BareModel::BASE + order[i] * K4);
    }
    void fence(unsigned n, uint64_t start, uint64_t size, unsigned pitch, bool y_tiled, bool valid = true)
    {
        model_reg_set(&bare.m, R_FENCE_REG_HI + 8 * n, static_cast<uint32_t>(start + size - K4) | (pitch / 128 - 1));
        model_reg_set(&bare.m, R_FENCE_REG + 8 * n, static_cast<uint32_t>(start) | (y_tiled ? 2 : 0) | (valid ? 1 : 0));
    }
    uint8_t &byte(uint64_t surface_offset) { return bare.memory[order[surface_offset / K4] * K4 + surface_offset % K4]; }
};

TEST_F(Aperture, LinearAccessesOfEveryAlignment)
{
    std::mt19937 random(4);
    std::vector<uint8_t> shadow(PAGES * K4), buf(3 * K4);
    for (int i = 0; i < 2000; i++) {
        uint64_t offset = random() % (shadow.size() - buf.size());
        size_t len = 1 + (i % 10 ? random() % 64 : random() % buf.size());
        for (size_t k = 0; k < len; k++)
            buf[k] = random();
        model_aperture_write(&bare.m, GMA + offset, buf.data(), len);
        memcpy(&shadow[offset], buf.data(), len);
    }
    for (uint64_t k = 0; k < shadow.size(); k++)
        ASSERT_EQ(byte(k), shadow[k]) << k;
    std::vector<uint8_t> back(shadow.size());
    model_aperture_read(&bare.m, GMA, back.data(), back.size());
    EXPECT_EQ(back, shadow);
}

TEST_F(Aperture, FencesDetileAsThePrmSays)
{
    std::mt19937 random(5);
    for (bool y_tiled : {false, true}) {
        for (unsigned pitch : {512u, 1024u, 2048u, 4096u, 1536u}) {
            // Whole rows of tiles that fit into the 64 pages.
            uint64_t row = uint64_t{pitch} * (y_tiled ? 32 : 8), size = PAGES * K4 / row * row;
            SCOPED_TRACE(testing::Message() << (y_tiled ? "Y" : "X") << " pitch " << pitch);
            memset(bare.memory, 0, bare.size);
            fence(7, GMA, size, pitch, y_tiled);
            std::vector<uint8_t> shadow(size), buf(2 * K4 + 17);
            for (int i = 0; i < 300; i++) {
                size_t len = 1 + random() % buf.size();
                uint64_t offset = random() % (size - len);
                for (size_t k = 0; k < len; k++)
                    buf[k] = random();
                model_aperture_write(&bare.m, GMA + offset, buf.data(), len);
                memcpy(&shadow[offset], buf.data(), len);
            }
            for (uint64_t k = 0; k < size; k++)
                ASSERT_EQ(byte(tiled(y_tiled, pitch, k)), shadow[k]) << k;
            std::vector<uint8_t> back(size);
            model_aperture_read(&bare.m, GMA, back.data(), size);
            EXPECT_EQ(back, shadow);
        }
    }
}

TEST_F(Aperture, AnAccessMayEnterAndLeaveAFence)
{
    fence(0, GMA + 8 * K4, 8 * K4, 1024, true);
    std::vector<uint8_t> data(24 * K4);
    for (size_t k = 0; k < data.size(); k++)
        data[k] = k * 7 + k / 4096;
    model_aperture_write(&bare.m, GMA, data.data(), data.size());
    for (uint64_t k = 0; k < data.size(); k++) {
        bool inside = k >= 8 * K4 && k < 16 * K4;
        ASSERT_EQ(byte(inside ? 8 * K4 + tiled(true, 1024, k - 8 * K4) : k), data[k]) << k;
    }
}

TEST_F(Aperture, InvalidFencesDoNothing)
{
    fence(0, GMA, 8 * K4, 1024, true, false);
    fence(1, GMA + 4 * K4, 0, 1024, true); // its end lies before its start
    uint8_t value = 0x5a;
    model_aperture_write(&bare.m, GMA + 1024, &value, 1);
    EXPECT_EQ(byte(1024), 0x5a);
}

TEST_F(Aperture, UnmappedPagesReadOnesAndDropWrites)
{
    std::vector<uint8_t> buf(2 * K4, 0x11);
    bare.m.ggtt[GMA / K4 + 1] = 0;
    model_aperture_write(&bare.m, GMA, buf.data(), buf.size());
    EXPECT_EQ(byte(0xfff), 0x11);
    EXPECT_EQ(byte(0x1000), 0);
    model_aperture_read(&bare.m, GMA, buf.data(), buf.size());
    EXPECT_EQ(buf[0xfff], 0x11);
    EXPECT_EQ(buf[0x1000], 0xff);
}

} // namespace
