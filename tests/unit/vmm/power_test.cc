// SPDX-License-Identifier: GPL-2.0-or-later
// ACPI's fixed hardware, and the alarm that its timer and the RTC use.
#include "eventually.h"
#include "vmm/alarm.h"
#include "vmm/power.h"

#include <gtest/gtest.h>

#include <atomic>

namespace {

struct Board {
    int64_t now = 5000;
    bool sci = false;
    int off = 0;
};

class Power : public testing::Test {
protected:
    Board board;
    power *dev = nullptr;

    void SetUp() override
    {
        power_config config = {};
        config.irq = [](void *opaque, bool level) { static_cast<Board *>(opaque)->sci = level; };
        config.shut_down = [](void *opaque) { static_cast<Board *>(opaque)->off++; };
        config.now = [](void *opaque) { return static_cast<Board *>(opaque)->now; };
        config.opaque = &board;
        dev = power_create(&config);
    }
    void TearDown() override { power_destroy(dev); }
    template <typename T> T in(unsigned offset)
    {
        T value;
        power_ops.read(dev, offset, &value, sizeof(value));
        return value;
    }
    template <typename T> void out(unsigned offset, T value) { power_ops.write(dev, offset, &value, sizeof(value)); }
};

TEST_F(Power, TimerCountsAt3579545Hz)
{
    EXPECT_EQ(in<uint32_t>(8), 0u);
    board.now += 1000000;
    EXPECT_EQ(in<uint32_t>(8), 3579545u);
    board.now += int64_t(1199) * 1000000; // 1200 s: beyond 2^32
    EXPECT_EQ(in<uint32_t>(8), uint32_t(uint64_t(3579545) * 1200));
    out<uint32_t>(8, 0);
    EXPECT_NE(in<uint32_t>(8), 0u) << "read only";
}

TEST_F(Power, ResetKeepsTheTimerOnly)
{
    board.now += 700 * INT64_C(1000000); // its highest bit has changed
    out<uint16_t>(2, 0x101);
    power_press_button(dev);
    out<uint16_t>(4, 0x1c00);
    EXPECT_TRUE(board.sci);
    uint32_t timer = in<uint32_t>(8);
    power_reset(dev);
    EXPECT_FALSE(board.sci);
    EXPECT_EQ(in<uint16_t>(0), 0);
    EXPECT_EQ(in<uint16_t>(2), 0);
    EXPECT_EQ(in<uint16_t>(4), 1) << "always in ACPI mode";
    EXPECT_EQ(in<uint32_t>(8), timer);
    EXPECT_EQ(board.off, 0);
}

TEST_F(Power, TimerStatusFollowsTheHighestBit)
{
    const int64_t half = 599932016; // microseconds to 2^31 ticks, rounded up
    board.now += half - 2;
    EXPECT_EQ(in<uint16_t>(0), 0);
    board.now += 2;
    EXPECT_EQ(in<uint16_t>(0), 1);
    EXPECT_FALSE(board.sci);
    out<uint16_t>(2, 1);
    EXPECT_TRUE(board.sci);
    out<uint16_t>(0, 0);
    EXPECT_TRUE(board.sci) << "zeroes clear nothing";
    out<uint8_t>(0, 1);
    EXPECT_FALSE(board.sci);
    EXPECT_EQ(in<uint16_t>(0), 0);
    board.now += half;
    EXPECT_EQ(in<uint32_t>(0), 0x00010001u);
}

TEST_F(Power, EventsStayUntilTheyAreCleared)
{
    power_raise(dev, POWER_GPE_PLUG);
    EXPECT_EQ(in<uint16_t>(12), 2) << "its status";
    EXPECT_FALSE(board.sci) << "nobody asked for an interrupt";
    out<uint8_t>(14, 0xff);
    EXPECT_EQ(in<uint16_t>(14), 2) << "there is one event that can be enabled";
    EXPECT_TRUE(board.sci);
    out<uint16_t>(12, 1);
    EXPECT_TRUE(board.sci) << "another one's";
    out<uint32_t>(12, 0x00020002);
    EXPECT_FALSE(board.sci);
    EXPECT_EQ(in<uint32_t>(12), 0x00020000u);
    power_raise(dev, POWER_GPE_PLUG);
    EXPECT_TRUE(board.sci);
    power_press_button(dev);
    out<uint16_t>(2, 0x100);
    out<uint8_t>(12, 2);
    EXPECT_TRUE(board.sci) << "the button's";
    power_raise(dev, POWER_GPE_PLUG);
    power_reset(dev);
    EXPECT_FALSE(board.sci);
    EXPECT_EQ(in<uint32_t>(12), 0u);
}

TEST_F(Power, SwitchesOffAndIsAlwaysInAcpiMode)
{
    EXPECT_EQ(in<uint16_t>(4), 1) << "SCI_EN";
    out<uint16_t>(4, 0x1c00);
    EXPECT_EQ(in<uint16_t>(4), 0x1c01) << "the type reads back";
    EXPECT_EQ(board.off, 0);
    out<uint16_t>(4, 0x2001);
    EXPECT_EQ(board.off, 1);
    EXPECT_EQ(in<uint16_t>(4), 1) << "SLP_EN reads 0";
    out<uint8_t>(5, 0x20);
    EXPECT_EQ(board.off, 2) << "a byte write reaches it too";
    EXPECT_EQ(in<uint16_t>(6), 0);
}

TEST_F(Power, ButtonInterruptsUntilItIsCleared)
{
    power_press_button(dev);
    EXPECT_EQ(in<uint16_t>(0), 0x100) << "PWRBTN_STS";
    EXPECT_FALSE(board.sci) << "not enabled yet";
    out<uint16_t>(2, 0x100);
    EXPECT_TRUE(board.sci);
    out<uint16_t>(0, 1);
    EXPECT_TRUE(board.sci) << "another bit was cleared";
    out<uint8_t>(1, 1); // the upper half of the status
    EXPECT_FALSE(board.sci);
    EXPECT_EQ(in<uint16_t>(0), 0);
    EXPECT_EQ(in<uint16_t>(2), 0x100);
    power_press_button(dev);
    EXPECT_TRUE(board.sci);
    EXPECT_EQ(board.off, 0) << "the guest decides what it does";
}

TEST_F(Power, TimerStandsStillWhenStopped)
{
    board.now += 1000000;
    power_stop_timer(dev, true);
    power_stop_timer(dev, true);
    board.now += 5000000;
    EXPECT_EQ(in<uint32_t>(8), 3579545u);
    power_stop_timer(dev, false);
    EXPECT_EQ(in<uint32_t>(8), 3579545u);
    board.now += 1000000;
    EXPECT_EQ(in<uint32_t>(8), 2 * 3579545u);
}

TEST(Alarm, RingsInTimeAndNotAfterItIsGone)
{
    static std::atomic<int> rung;
    rung = 0;
    struct alarm *a = alarm_create("test", [](void *) { rung++; }, nullptr);
    alarm_set(a, ALARM_NEVER);
    alarm_set(a, g_get_monotonic_time() + int64_t(3600) * G_USEC_PER_SEC);
    alarm_set(a, g_get_monotonic_time() + 2000); // an earlier one replaces it
    EXPECT_TRUE(eventually([&] { return rung == 1; }));
    alarm_set(a, 0);
    EXPECT_TRUE(eventually([&] { return rung == 2; }));
    alarm_set(a, g_get_monotonic_time() + int64_t(3600) * G_USEC_PER_SEC);
    alarm_destroy(a);
    EXPECT_EQ(rung, 2);
}

} // namespace
