// SPDX-License-Identifier: GPL-2.0-or-later
// The uncore block: what i915 writes at probe and the answers that it polls for.
#include "gpu/blocks/uncore.h"

#include "gpu/blocks/regfile.h"

#include <gtest/gtest.h>

#include <vector>

namespace {

class Uncore : public testing::Test {
  protected:
    std::vector<uint32_t> regs = std::vector<uint32_t>(MMIO_SIZE / 4);
    uncore u;

    void SetUp() override
    {
        unsigned rows;
        const reg_desc *table = reg_table(&rows);
        for (unsigned i = 0; i < rows; i++)
            for (unsigned n = 0; n < table[i].count; n++)
                regs[(table[i].offset + n * table[i].stride) / 4] = table[i].reset;
        uncore_init(&u, regs.data());
        uncore_reset(&u);
    }
    uint32_t read(uint32_t offset) { return uncore_read(&u, offset); }
    void write(uint32_t offset, uint32_t value) { EXPECT_EQ(uncore_write(&u, offset, value), 0u); }
    /* As __snb_pcode_rw: returns the error byte. */
    unsigned pcode(uint32_t command, uint32_t *data, uint32_t *data1 = nullptr)
    {
        write(R_GEN6_PCODE_DATA, *data);
        write(R_GEN6_PCODE_DATA1, data1 ? *data1 : 0);
        write(R_GEN6_PCODE_MAILBOX, 1u << 31 | command);
        uint32_t mailbox = read(R_GEN6_PCODE_MAILBOX);
        EXPECT_FALSE(mailbox >> 31);
        *data = read(R_GEN6_PCODE_DATA);
        if (data1)
            *data1 = read(R_GEN6_PCODE_DATA1);
        return mailbox & 0xff;
    }
};

TEST_F(Uncore, ForcewakeAcksFollowTheMaskedRequests)
{
    const uint32_t pairs[][2] = {{R_FORCEWAKE_RENDER_GEN9, R_FORCEWAKE_ACK_RENDER_GEN9},
                                 {R_FORCEWAKE_MEDIA_GEN9, R_FORCEWAKE_ACK_MEDIA_GEN9},
                                 {R_FORCEWAKE_MT, R_FORCEWAKE_ACK_HSW}};
    for (auto &p : pairs) {
        write(p[0], 0x00010001);
        EXPECT_EQ(read(p[1]), 1u);
        write(p[0], 0x80008000); // the fallback bit of i915, beside the kernel's
        EXPECT_EQ(read(p[1]), 0x8001u);
        write(p[0], 0x00000000); // nothing selected
        EXPECT_EQ(read(p[1]), 0x8001u);
        write(p[0], 0x00010000);
        EXPECT_EQ(read(p[1]), 0x8000u);
        write(p[0], 0xffff0000);
        EXPECT_EQ(read(p[1]), 0u);
        write(p[1], 1);
        EXPECT_EQ(read(p[1]), 0u) << "acks are read-only";
    }
}

TEST_F(Uncore, GraphicsResetIsBusyUntilDone)
{
    EXPECT_EQ(uncore_write(&u, R_GEN6_GDRST, GDRST_BLITTER | GDRST_RENDER), uint32_t{GDRST_BLITTER | GDRST_RENDER});
    EXPECT_EQ(read(R_GEN6_GDRST), uint32_t{GDRST_BLITTER | GDRST_RENDER});
    EXPECT_EQ(uncore_write(&u, R_GEN6_GDRST, GDRST_BLITTER | GDRST_VECS), uint32_t{GDRST_VECS}) << "one reset for each request";
    uncore_reset_done(&u, GDRST_BLITTER | GDRST_RENDER);
    EXPECT_EQ(read(R_GEN6_GDRST), uint32_t{GDRST_VECS});
    uncore_reset_done(&u, GDRST_VECS);
    EXPECT_EQ(read(R_GEN6_GDRST), 0u);
    EXPECT_EQ(uncore_write(&u, R_GEN6_GDRST, 0xffff0000), 0u) << "bits that do not exist";
}

TEST_F(Uncore, GraphicsResetDomains)
{
    EXPECT_EQ(uncore_reset_engines(GDRST_FULL), 0xfu);
    EXPECT_EQ(uncore_reset_engines(GDRST_RENDER), 1u << ENGINE_RCS0);
    EXPECT_EQ(uncore_reset_engines(GDRST_MEDIA), 1u << ENGINE_VCS0);
    EXPECT_EQ(uncore_reset_engines(GDRST_BLITTER), 1u << ENGINE_BCS0);
    EXPECT_EQ(uncore_reset_engines(GDRST_VECS | GDRST_GUC), 1u << ENGINE_VECS0);
}

TEST_F(Uncore, PcodeMemoryLatencyGrowsWithTheLevel)
{
    unsigned last = 0;
    for (uint32_t set = 0; set < 2; set++) {
        uint32_t data = set;
        EXPECT_EQ(pcode(0x06, &data), 0u);
        for (int level = 0; level < 4; level++) {
            EXPECT_GT(data >> 8 * level & 0xff, last);
            last = data >> 8 * level & 0xff;
        }
    }
    uint32_t data = 2;
    EXPECT_EQ(pcode(0x06, &data), 3u) << "illegal data";
}

TEST_F(Uncore, PcodeClockAndSagvHandshakes)
{
    uint32_t data = 3;
    EXPECT_EQ(pcode(0x07, &data), 0u);
    EXPECT_EQ(data & 1, 1u) << "ready for the CDCLK change";
    data = 2;
    EXPECT_EQ(pcode(0x07, &data), 0u) << "voltage level";
    data = 0;
    EXPECT_EQ(pcode(0x21, &data), 0u);
    EXPECT_EQ(data & 1, 1u) << "SAGV is disabled";
    data = 3;
    EXPECT_EQ(pcode(0x21, &data), 0u);
}

TEST_F(Uncore, PcodeFrequencyTableReadsBack)
{
    uint32_t data = 9 | 12 << 8 | 20 << 16;
    EXPECT_EQ(pcode(0x08, &data), 0u);
    data = 9;
    EXPECT_EQ(pcode(0x09, &data), 0u);
    EXPECT_EQ(data, 9u | 12 << 8 | 20 << 16);
    data = 10;
    EXPECT_EQ(pcode(0x09, &data), 0u);
    EXPECT_EQ(data, 10u);
    data = 0;
    EXPECT_EQ(pcode(0x1a, &data), 0u);
    EXPECT_NE(data >> 8 & 0xff, 0u) << "the efficient frequency";
}

TEST_F(Uncore, PcodeRefusesUnknownCommands)
{
    uint32_t data = 5;
    EXPECT_EQ(pcode(0x7e, &data), 1u);
    EXPECT_EQ(data, 5u);
    write(R_GEN6_PCODE_MAILBOX, 0x06);
    EXPECT_EQ(read(R_GEN6_PCODE_MAILBOX), 0x06u) << "without the ready bit nothing runs";
    EXPECT_EQ(read(R_GEN6_PCODE_DATA), 5u);
}

TEST_F(Uncore, PowerWellsFollowAnyRequester)
{
    write(R_HSW_PWR_WELL_CTL2, 2u << 28); // PW1 is index 14
    EXPECT_EQ(read(R_HSW_PWR_WELL_CTL2), 3u << 28);
    EXPECT_EQ(read(R_HSW_PWR_WELL_CTL1), 1u << 28) << "state without a request of its own";
    write(R_HSW_PWR_WELL_CTL1, 2u << 28);
    write(R_HSW_PWR_WELL_CTL2, 1u << 28);
    EXPECT_EQ(read(R_HSW_PWR_WELL_CTL2), 1u << 28) << "firmware still asks";
    write(R_HSW_PWR_WELL_CTL1, 0);
    EXPECT_EQ(read(R_HSW_PWR_WELL_CTL1), 0u);
    EXPECT_EQ(read(R_HSW_PWR_WELL_CTL2), 0u);
    EXPECT_EQ(read(R_SKL_FUSE_STATUS) & 0x8e000000, 0x8e000000u) << "power gates 0 to 2 are distributed";
}

TEST_F(Uncore, PllsLockWhenEnabled)
{
    const struct {
        uint32_t offset;
        unsigned lock;
    } plls[] = {{R_LCPLL1_CTL, 0}, {R_LCPLL2_CTL, 8}, {R_WRPLL_CTL, 16}, {R_WRPLL_CTL + 0x20, 24}};
    for (auto &p : plls)
        write(p.offset, 0);
    EXPECT_EQ(read(R_DPLL_STATUS), 0u);
    for (auto &p : plls) {
        write(p.offset, 1u << 31);
        EXPECT_EQ(read(R_DPLL_STATUS), 1u << p.lock);
        EXPECT_EQ(read(p.offset), p.lock ? 1u << 31 : 3u << 30) << "DPLL0 also shows its lock itself";
        write(p.offset, 1u << 30);
        EXPECT_EQ(read(R_DPLL_STATUS), 0u) << "without the enable bit";
    }
    EXPECT_EQ(read(R_LCPLL1_CTL), 0u) << "the lock bit is the hardware's";
    write(R_DBUF_CTL, 1u << 31);
    EXPECT_EQ(read(R_DBUF_CTL), 3u << 30);
    write(R_DBUF_CTL, 1u << 30);
    EXPECT_EQ(read(R_DBUF_CTL), 0u);
}

TEST_F(Uncore, FrequencyFollowsTheRequestWithinThePart)
{
    uint32_t cap = read(R_GEN6_RP_STATE_CAP);
    unsigned lowest = (cap >> 16 & 0xff) * 3, highest = (cap & 0xff) * 3;
    ASSERT_LT(lowest, highest);
    EXPECT_EQ(read(R_GEN6_RPSTAT1) >> 23, lowest);
    write(R_GEN6_RPNSWREQ, (lowest + 4) << 23);
    EXPECT_EQ(read(R_GEN6_RPSTAT1) >> 23, lowest + 4);
    write(R_GEN6_RPNSWREQ, 0x1ffu << 23);
    EXPECT_EQ(read(R_GEN6_RPSTAT1) >> 23, highest);
}

TEST_F(Uncore, Rc6CountsOnlyWhileAllowedAndNobodyIsAwake)
{
    auto grows = [&] {
        uint32_t before = read(R_GEN6_GT_GFX_RC6);
        for (uint64_t start = uncore_timestamp(&u); uncore_timestamp(&u) - start < UNCORE_TIMESTAMP_HZ / 1000;) {
        }
        return read(R_GEN6_GT_GFX_RC6) != before;
    };
    EXPECT_FALSE(grows());
    write(R_GEN6_RC_CONTROL, 1u << 31 | 1u << 18);
    EXPECT_TRUE(grows());
    write(R_FORCEWAKE_RENDER_GEN9, 0x00010001);
    EXPECT_FALSE(grows());
    write(R_FORCEWAKE_RENDER_GEN9, 0x00010000);
    EXPECT_TRUE(grows());
    write(R_GEN6_RC_CONTROL, 0);
    EXPECT_FALSE(grows());
}

TEST_F(Uncore, ConstantsThatProbeReads)
{
    EXPECT_EQ(read(R_CTC_MODE), 4u) << "24 MHz >> (3 - 2) = 12 MHz";
    EXPECT_EQ(read(R_GEN8_FUSE2) >> 25 & 7, 1u) << "one slice";
    EXPECT_EQ(read(R_GEN8_FUSE2) >> 20 & 15, 8u) << "three of four subslices";
    EXPECT_EQ(read(R_GUC_WOPCM_SIZE) & 1, 0u);
    EXPECT_EQ(read(R_DMA_GUC_WOPCM_OFFSET) & 1, 0u);
    write(R_CTC_MODE, 0);
    EXPECT_EQ(read(R_CTC_MODE), 4u);
}

TEST_F(Uncore, TimestampRunsAtTwelveMegahertz)
{
    int64_t a = g_get_monotonic_time(); // microseconds, cut
    uint64_t first = uncore_timestamp(&u);
    int64_t b = g_get_monotonic_time(), c;
    while ((c = g_get_monotonic_time()) - b < 5000) {
    }
    uint64_t ticks = uncore_timestamp(&u) - first;
    int64_t d = g_get_monotonic_time();
    EXPECT_GE(ticks, static_cast<uint64_t>(c - b - 1) * 12);
    EXPECT_LE(ticks, static_cast<uint64_t>(d - a + 1) * 12 + 1);
}

} // namespace
