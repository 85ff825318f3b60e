// SPDX-License-Identifier: GPL-2.0-or-later
// EDIDs read by a parser of their own, and timings against the published ones.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gpu/blocks/edid.h"

namespace {

struct Mode {
    unsigned clock_khz = 0, width = 0, height = 0, htotal = 0, vtotal = 0, hfront = 0, hsync = 0, vfront = 0, vsync = 0;
    unsigned width_mm = 0, height_mm = 0;
    double Refresh() const { return clock_khz * 1000.0 / htotal / vtotal; }
};

// What a driver makes of a base block. Throws away nothing: every descriptor must be one that it knows.
struct Parsed {
    std::string vendor, name, serial;
    unsigned bits = 0, interface = 0, extensions = 0;
    bool digital = false, preferred_native = false;
    std::vector<Mode> detailed;
    std::set<std::pair<unsigned, unsigned>> standard, established;
    unsigned vmin = 0, vmax = 0, hmin_khz = 0, hmax_khz = 0, clock_max_mhz = 0;
    bool range = false;

    static std::string Text(const uint8_t *d)
    {
        std::string text(reinterpret_cast<const char *>(d + 5), 13);
        return text.substr(0, text.find('\n'));
    }

    explicit Parsed(const uint8_t *e)
    {
        static const uint8_t header[8] = {0, 255, 255, 255, 255, 255, 255, 0};
        unsigned sum = 0;

        EXPECT_EQ(0, memcmp(e, header, 8));
        for (unsigned i = 0; i < 128; i++)
            sum += e[i];
        EXPECT_EQ(0u, sum % 256);
        unsigned id = e[8] << 8 | e[9];
        for (int shift = 10; shift >= 0; shift -= 5)
            vendor += static_cast<char>('@' + ((id >> shift) & 31));
        EXPECT_EQ(1, e[18]);
        EXPECT_EQ(4, e[19]);
        digital = e[20] & 0x80;
        static const unsigned depth[8] = {0, 6, 8, 10, 12, 14, 16, 0};
        bits = depth[e[20] >> 4 & 7];
        interface = e[20] & 15;
        preferred_native = e[24] & 2;
        extensions = e[126];
        if (e[35] & 0x20)
            established.insert({640, 480});
        if (e[35] & 0x01)
            established.insert({800, 600});
        if (e[36] & 0x08)
            established.insert({1024, 768});
        EXPECT_EQ(0, (e[35] & ~0x21) | (e[36] & ~0x08) | e[37]) << "no established timing but those at 60 Hz";
        for (unsigned i = 38; i < 54; i += 2) {
            if (e[i] == 1 && e[i + 1] == 1)
                continue;
            unsigned width = (e[i] + 31) * 8;
            static const unsigned num[4] = {10, 3, 4, 9}, den[4] = {16, 4, 5, 16};
            EXPECT_EQ(0, e[i + 1] & 63) << "60 Hz";
            standard.insert({width, width * num[e[i + 1] >> 6] / den[e[i + 1] >> 6]});
        }
        for (const uint8_t *d = e + 54; d < e + 126; d += 18) {
            if (d[0] || d[1]) {
                Mode m;
                m.clock_khz = (d[0] | d[1] << 8) * 10;
                m.width = d[2] | (d[4] & 0xf0) << 4;
                m.htotal = m.width + (d[3] | (d[4] & 15) << 8);
                m.height = d[5] | (d[7] & 0xf0) << 4;
                m.vtotal = m.height + (d[6] | (d[7] & 15) << 8);
                m.hfront = d[8] | (d[11] & 0xc0) << 2;
                m.hsync = d[9] | (d[11] & 0x30) << 4;
                m.vfront = d[10] >> 4 | (d[11] & 0x0c) << 2;
                m.vsync = (d[10] & 15) | (d[11] & 3) << 4;
                m.width_mm = d[12] | (d[14] & 0xf0) << 4;
                m.height_mm = d[13] | (d[14] & 15) << 8;
                EXPECT_EQ(0, d[15] | d[16]);
                EXPECT_EQ(0x18, d[17] & 0x99) << "progressive, digital separate syncs";
                EXPECT_LE(m.hfront + m.hsync, m.htotal - m.width);
                EXPECT_LE(m.vfront + m.vsync, m.vtotal - m.height);
                detailed.push_back(m);
                continue;
            }
            switch (d[3]) {
            case 0xfc:
                name = Text(d);
                break;
            case 0xff:
                serial = Text(d);
                break;
            case 0xfd:
                range = true;
                EXPECT_EQ(0, d[4] & ~0x0a);
                vmin = d[5], vmax = d[6], hmin_khz = d[7];
                hmax_khz = d[8] + (d[4] & 0x08 ? 255 : 0);
                clock_max_mhz = d[9] * 10;
                break;
            default:
                ADD_FAILURE() << "descriptor tag " << unsigned(d[3]);
            }
        }
    }
};

class Edid : public ::testing::TestWithParam<std::pair<unsigned, unsigned>> {};

TEST_P(Edid, DescribesTheMonitor)
{
    auto [width, height] = GetParam();
    uint8_t bytes[EDID_SIZE];
    ASSERT_TRUE(edid_build(bytes, width, height, 60, EDID_INTERFACE_DP));
    Parsed e(bytes);

    EXPECT_EQ("MDN", e.vendor);
    EXPECT_EQ("Mediant", e.name);
    EXPECT_EQ("1", e.serial);
    EXPECT_TRUE(e.digital);
    EXPECT_EQ(8u, e.bits);
    EXPECT_EQ(5u, e.interface);
    EXPECT_TRUE(e.preferred_native);
    EXPECT_EQ(0u, e.extensions);
    ASSERT_EQ(1u, e.detailed.size());
    const Mode &m = e.detailed[0];
    EXPECT_EQ(width, m.width);
    EXPECT_EQ(height, m.height);
    EXPECT_NEAR(60.0, m.Refresh(), 0.35); // 800x600 is 60.32 in DMT
    EXPECT_NEAR(width * 25.4 / 96, m.width_mm, 1.0);

    // The limits admit every mode that is offered.
    ASSERT_TRUE(e.range);
    EXPECT_LE(e.vmin, 59u);
    EXPECT_GE(e.vmax, 61u);
    EXPECT_GE(e.hmax_khz, m.clock_khz / m.htotal);
    EXPECT_LE(e.hmin_khz, 31u);
    EXPECT_GE(e.clock_max_mhz * 1000, m.clock_khz);

    for (const auto &size : e.standard) {
        EXPECT_LE(size.first, width);
        EXPECT_LE(size.second, height);
        EXPECT_NE(size, std::make_pair(width, height)) << "the best mode is the detailed one";
    }
    EXPECT_EQ(1u, e.established.count({640, 480}));
    EXPECT_EQ(width >= 1024 && height >= 768, e.established.count({1024, 768}) == 1);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Edid,
                         ::testing::Values(std::make_pair(640u, 480u), std::make_pair(800u, 600u), std::make_pair(1024u, 768u),
                                           std::make_pair(1280u, 720u), std::make_pair(1280u, 1024u), std::make_pair(1366u, 768u),
                                           std::make_pair(1600u, 1200u), std::make_pair(1920u, 1080u), std::make_pair(1920u, 1200u),
                                           std::make_pair(2560u, 1440u), std::make_pair(2560u, 1600u), std::make_pair(3440u, 1440u),
                                           std::make_pair(3840u, 2160u)));

TEST(EdidTimings, AreThePublishedOnes)
{
    // VESA DMT: clock, totals, start of syncs.
    static const struct {
        unsigned width, height, clock_khz, htotal, vtotal, hsync, vsync;
    } published[] = {
        {1024, 768, 65000, 1344, 806, 1048, 771},   {1280, 1024, 108000, 1688, 1066, 1328, 1025},
        {1920, 1080, 148500, 2200, 1125, 2008, 1084}, {1920, 1200, 154000, 2080, 1235, 1968, 1203},
        {1680, 1050, 119000, 1840, 1080, 1728, 1053}, {2560, 1600, 268500, 2720, 1646, 2608, 1603},
        {3840, 2160, 533250, 4000, 2222, 3888, 2163}, // CVT-RB
    };
    for (const auto &p : published) {
        edid_timing timing;
        ASSERT_TRUE(edid_timing_for(p.width, p.height, 60, &timing));
        EXPECT_EQ(p.clock_khz, timing.clock_khz) << p.width << "x" << p.height;
        EXPECT_EQ(p.htotal, timing.htotal) << p.width;
        EXPECT_EQ(p.vtotal, timing.vtotal) << p.width << "x" << p.height;
        EXPECT_EQ(p.hsync, timing.hsync_start) << p.width;
        EXPECT_EQ(p.vsync, timing.vsync_start) << p.width << "x" << p.height;
    }
}

TEST(EdidTimings, RefuseWhatDoesNotFit)
{
    edid_timing timing;
    EXPECT_FALSE(edid_timing_for(320, 200, 60, &timing));
    EXPECT_FALSE(edid_timing_for(4096, 2160, 60, &timing)) << "13 bits";
    EXPECT_FALSE(edid_timing_for(4095, 4095, 60, &timing)) << "the clock exceeds 655.35 MHz";
    EXPECT_FALSE(edid_timing_for(0, 0, 60, &timing));
    EXPECT_TRUE(edid_timing_for(4095, 2160, 60, &timing));
}

TEST(EdidStandardTimings, OfferTheSmallerSizes)
{
    uint8_t bytes[EDID_SIZE];
    ASSERT_TRUE(edid_build(bytes, 1920, 1200, 60, EDID_INTERFACE_HDMI));
    Parsed e(bytes);
    std::set<std::pair<unsigned, unsigned>> expected = {{1280, 720},  {1280, 800},  {1280, 1024}, {1440, 900},
                                                        {1600, 900}, {1600, 1200}, {1680, 1050}, {1920, 1080}};
    EXPECT_EQ(expected, e.standard);
    EXPECT_EQ(2u, e.interface);
}

TEST(EdidRefresh, OtherRatesThanSixty)
{
    static const struct {
        unsigned width, height, hz;
    } modes[] = {{640, 480, 24}, {800, 600, 75}, {1024, 768, 75}, {1280, 720, 120}, {1920, 1080, 30}, {1920, 1080, 50}, {1920, 1200, 75}, {1920, 1080, 144}, {1024, 768, 240}};
    for (const auto &m : modes) {
        SCOPED_TRACE(std::to_string(m.width) + "x" + std::to_string(m.height) + "@" + std::to_string(m.hz));
        uint8_t bytes[EDID_SIZE];
        ASSERT_TRUE(edid_build(bytes, m.width, m.height, m.hz, EDID_INTERFACE_DP));
        Parsed e(bytes);
        ASSERT_EQ(1u, e.detailed.size());
        EXPECT_NEAR(m.hz, e.detailed[0].Refresh(), 0.3);
        EXPECT_EQ(m.width, e.detailed[0].width);
        EXPECT_LT(e.vmin, m.hz);
        EXPECT_GT(e.vmax, m.hz);
        EXPECT_LE(e.hmin_khz, e.detailed[0].clock_khz / e.detailed[0].htotal);
        EXPECT_GE(e.hmax_khz, e.detailed[0].clock_khz / e.detailed[0].htotal);
    }
    edid_timing timing;
    EXPECT_FALSE(edid_timing_for(1024, 768, 23, &timing));
    EXPECT_FALSE(edid_timing_for(1024, 768, 241, &timing));
    EXPECT_FALSE(edid_timing_for(1024, 768, 0, &timing));
    EXPECT_FALSE(edid_timing_for(3840, 2160, 120, &timing)) << "the clock exceeds 655.35 MHz";
}

// Debian's edid-decode knows the standards by heart.
TEST(EdidRefresh, SatisfiesEdidDecode)
{
    if (system("command -v edid-decode >/dev/null") != 0)
        GTEST_SKIP() << "edid-decode is not installed (apt-get install edid-decode)";
    static const unsigned modes[][3] = {{1920, 1200, 60}, {1024, 768, 60}, {1920, 1080, 75}, {1280, 720, 120}};
    for (const auto &m : modes) {
        uint8_t bytes[EDID_SIZE];
        ASSERT_TRUE(edid_build(bytes, m[0], m[1], m[2], EDID_INTERFACE_DP));
        char name[] = "/tmp/edidXXXXXX", output[16384];
        int fd = mkstemp(name);
        ASSERT_GE(fd, 0);
        FILE *file = fdopen(fd, "wb");
        ASSERT_EQ(sizeof(bytes), fwrite(bytes, 1, sizeof(bytes), file));
        fclose(file);
        FILE *decode = popen((std::string("edid-decode --check ") + name + " 2>&1").c_str(), "r");
        ASSERT_NE(nullptr, decode);
        std::string text(output, fread(output, 1, sizeof(output), decode));
        EXPECT_EQ(0, pclose(decode)) << text;
        EXPECT_NE(std::string::npos, text.find("EDID conformity: PASS")) << text;
        char wanted[64];
        snprintf(wanted, sizeof(wanted), " %ux%u ", m[0], m[1]);
        EXPECT_NE(std::string::npos, text.find(wanted)) << text;
        remove(name);
    }
}

class EdidCheck : public ::testing::Test {
  public:
    uint8_t bytes[EDID_MAX_SIZE] = {};
    edid_timing best = {};
    EdidCheck() { EXPECT_TRUE(edid_build(bytes, 1280, 720, 75, EDID_INTERFACE_HDMI)); }
    void Sum(unsigned block = 0)
    {
        uint8_t *b = bytes + 128 * block, sum = 0;
        for (unsigned i = 0; i < 127; i++)
            sum = static_cast<uint8_t>(sum + b[i]);
        b[127] = static_cast<uint8_t>(-sum);
    }
    std::string Check(size_t size)
    {
        const char *wrong = edid_check(bytes, size, &best);
        return wrong ? wrong : "";
    }
};

TEST_F(EdidCheck, TakesOursAndReadsTheTimingBack)
{
    edid_timing wanted;
    ASSERT_TRUE(edid_timing_for(1280, 720, 75, &wanted));
    EXPECT_EQ("", Check(128));
    EXPECT_EQ(wanted.clock_khz / 10, best.clock_khz / 10);
    EXPECT_EQ(wanted.hactive, best.hactive);
    EXPECT_EQ(wanted.hsync_start, best.hsync_start);
    EXPECT_EQ(wanted.hsync_end, best.hsync_end);
    EXPECT_EQ(wanted.htotal, best.htotal);
    EXPECT_EQ(wanted.vactive, best.vactive);
    EXPECT_EQ(wanted.vsync_start, best.vsync_start);
    EXPECT_EQ(wanted.vsync_end, best.vsync_end);
    EXPECT_EQ(wanted.vtotal, best.vtotal);
    EXPECT_EQ(wanted.hsync_positive, best.hsync_positive);
    EXPECT_EQ(wanted.vsync_positive, best.vsync_positive);
}

TEST_F(EdidCheck, OneExtension)
{
    EXPECT_NE("", Check(256)) << "not announced";
    bytes[126] = 1;
    Sum();
    EXPECT_NE("", Check(128)) << "announced and not there";
    bytes[128] = 2;
    bytes[129] = 3;
    EXPECT_NE(std::string::npos, Check(256).find("extension"));
    Sum(1);
    EXPECT_EQ("", Check(256));
}

TEST_F(EdidCheck, RefusesWhatADriverWould)
{
    for (size_t size : {0u, 1u, 127u, 129u, 255u})
        EXPECT_NE("", Check(size)) << size;
    for (unsigned at = 0; at < 128; at++) {
        bytes[at] ^= 0x10;
        EXPECT_NE("", Check(128)) << "byte " << at;
        bytes[at] ^= 0x10;
    }
    bytes[20] = 0x0e;
    Sum();
    EXPECT_NE(std::string::npos, Check(128).find("analog"));
    bytes[20] = 0x80;
    bytes[54] = bytes[55] = 0;
    Sum();
    EXPECT_NE(std::string::npos, Check(128).find("not a timing"));
    bytes[54] = 1;
    bytes[18] = 2;
    Sum();
    EXPECT_NE(std::string::npos, Check(128).find("version"));
}

}  // namespace
