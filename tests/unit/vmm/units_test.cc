// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes, durations and suggestions.
#include "vmm/units.h"

#include <gtest/gtest.h>

namespace {

TEST(Units, SizesTakeBinaryUnits)
{
    uint64_t v = 0;
    EXPECT_TRUE(parse_size("0", &v));
    EXPECT_EQ(v, 0u);
    EXPECT_TRUE(parse_size("4096", &v));
    EXPECT_EQ(v, 4096u);
    EXPECT_TRUE(parse_size("64M", &v));
    EXPECT_EQ(v, 64u << 20);
    EXPECT_TRUE(parse_size("64MiB", &v));
    EXPECT_EQ(v, 64u << 20);
    EXPECT_TRUE(parse_size("3gb", &v) == false) << "only B and iB";
    EXPECT_TRUE(parse_size("3GB", &v));
    EXPECT_EQ(v, uint64_t{3} << 30);
    EXPECT_TRUE(parse_size("1t", &v));
    EXPECT_EQ(v, uint64_t{1} << 40);
}

TEST(Units, BadSizesAreRefused)
{
    uint64_t v;
    for (const char *text : {"", "M", "12X", "-1M", "+1", " 1M", "1M ", "1.5G", "0x10", "1MM", "64Mi", "18446744073709551616",
                             "17179869184G", "16777216T"})
        EXPECT_FALSE(parse_size(text, &v)) << text;
    EXPECT_TRUE(parse_size("18446744073709551615", &v));
    EXPECT_EQ(v, UINT64_MAX);
}

TEST(Units, DurationsNeedAUnit)
{
    uint64_t v;
    EXPECT_TRUE(parse_duration("100ns", &v));
    EXPECT_EQ(v, 100u);
    EXPECT_TRUE(parse_duration("10us", &v));
    EXPECT_EQ(v, 10000u);
    EXPECT_TRUE(parse_duration("5ms", &v));
    EXPECT_EQ(v, 5000000u);
    EXPECT_TRUE(parse_duration("2s", &v));
    EXPECT_EQ(v, 2000000000u);
    EXPECT_TRUE(parse_duration("1min", &v));
    EXPECT_EQ(v, 60000000000u);
    for (const char *text : {"", "5", "ms", "5 ms", "5m", "-5ms", "1e3ms", "18446744073709551615s"})
        EXPECT_FALSE(parse_duration(text, &v)) << text;
}

TEST(Units, SizesPrintInTheLargestUnitThatFits)
{
    const struct { uint64_t bytes; const char *text; } cases[] = {
        {0, "0"}, {1000, "1000"}, {1024, "1K"}, {1536 << 10, "1536K"}, {64 << 20, "64M"}, {uint64_t{4} << 30, "4G"}};
    for (const auto &c : cases) {
        char *text = format_size(c.bytes);
        EXPECT_STREQ(text, c.text);
        g_free(text);
    }
}

TEST(Units, SuggestionsAreNearOrNone)
{
    const char *const words[] = {"memory", "vcpus", "image", "serial", "screenshot", nullptr};
    EXPECT_STREQ(suggest("memry", words), "memory");
    EXPECT_STREQ(suggest("memroy", words), "memory");
    EXPECT_STREQ(suggest("MEMORY", words), "memory");
    EXPECT_STREQ(suggest("mem", words), "memory");
    EXPECT_STREQ(suggest("cpus", words), "vcpus");
    EXPECT_STREQ(suggest("screenshots", words), "screenshot");
    EXPECT_EQ(suggest("xyzzy", words), nullptr);
    EXPECT_EQ(suggest("", words), nullptr);
    std::string longer(1000, 'x');
    EXPECT_EQ(suggest(longer.c_str(), words), nullptr);
}

} // namespace
