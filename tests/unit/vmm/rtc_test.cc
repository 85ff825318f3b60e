// SPDX-License-Identifier: GPL-2.0-or-later
// The real-time clock: what a driver reads and sets, with a clock of ours; and its interrupts, with the host's.
#include "vmm/rtc.h"
#include "eventually.h"

#include <gtest/gtest.h>

#include <atomic>
#include <ctime>

namespace {

constexpr int64_t SECOND = 1000000;

struct Clock {
    int64_t now = 0;
    int irq_changes = 0;
    bool level = false;
};

int64_t clock_now(void *opaque) { return static_cast<Clock *>(opaque)->now; }
void clock_irq(void *opaque, bool level)
{
    static_cast<Clock *>(opaque)->level = level;
    static_cast<Clock *>(opaque)->irq_changes++;
}

class Rtc : public testing::Test {
protected:
    Clock clock;
    rtc *dev = nullptr;

    void start(int64_t seconds, int64_t us = 0)
    {
        clock.now = seconds * SECOND + us;
        rtc_config config = {};
        config.irq = clock_irq;
        config.now = clock_now;
        config.opaque = &clock;
        config.memory_low = 0x80000000;
        config.memory_high = 0x40000000;
        dev = rtc_create(&config);
    }
    void TearDown() override { rtc_destroy(dev); }
    uint8_t get(uint8_t index)
    {
        rtc_ops.write(dev, 0, &index, 1);
        uint8_t value;
        rtc_ops.read(dev, 1, &value, 1);
        return value;
    }
    void set(uint8_t index, uint8_t value)
    {
        rtc_ops.write(dev, 0, &index, 1);
        rtc_ops.write(dev, 1, &value, 1);
    }
    static unsigned bcd(uint8_t value) { return (value >> 4) * 10 + (value & 15); }
    // As a driver reads the time, in the mode that it starts with: BCD, 24 hours.
    time_t read_time()
    {
        tm t = {};
        t.tm_sec = bcd(get(0));
        t.tm_min = bcd(get(2));
        t.tm_hour = bcd(get(4));
        t.tm_mday = bcd(get(7));
        t.tm_mon = bcd(get(8)) - 1;
        t.tm_year = bcd(get(9)) + bcd(get(0x32)) * 100 - 1900;
        return timegm(&t);
    }
};

TEST_F(Rtc, TellsTheTime)
{
    for (int64_t seconds : {0ll, 951782399ll, 951782400ll, 951868800ll, 1795744800ll, 4102444799ll, 7258118400ll}) {
        start(seconds);
        EXPECT_EQ(read_time(), seconds);
        tm expected;
        time_t t = seconds;
        gmtime_r(&t, &expected);
        EXPECT_EQ(get(6), expected.tm_wday + 1);
        clock.now += 86400 * SECOND + 999999;
        EXPECT_EQ(read_time(), seconds + 86400);
        rtc_destroy(dev);
    }
    dev = nullptr;
}

TEST_F(Rtc, TwelveHoursAndBinary)
{
    const struct { int hour; uint8_t bcd, binary; } cases[] = {{0, 0x12, 12}, {1, 0x01, 1}, {11, 0x11, 11}, {12, 0x92, 0x8c}, {13, 0x81, 0x81}, {23, 0x91, 0x8b}};
    for (const auto &c : cases) {
        start(c.hour * 3600);
        set(11, 0);
        EXPECT_EQ(get(4), c.bcd) << c.hour;
        set(11, 4);
        EXPECT_EQ(get(4), c.binary) << c.hour;
        set(11, 6);
        EXPECT_EQ(get(4), c.hour);
        // And set it to the same hour that way round.
        set(11, 0x84);
        set(4, c.binary);
        set(11, 4);
        set(11, 2);
        EXPECT_EQ(bcd(get(4)), unsigned(c.hour));
        rtc_destroy(dev);
    }
    dev = nullptr;
}

TEST_F(Rtc, IsSetAsLinuxDoesIt)
{
    start(1000000000, 300000);
    set(11, 0x82);
    set(10, 0x76); // the divider in reset
    clock.now += 5 * SECOND;
    EXPECT_EQ(read_time(), 1000000000) << "it stands";
    set(9, 0x33), set(0x32, 0x20), set(8, 0x05), set(7, 0x18), set(4, 0x03), set(2, 0x33), set(0, 0x20);
    set(11, 0x02);
    set(10, 0x26);
    EXPECT_EQ(read_time(), 2000000000);
    clock.now += 499999;
    EXPECT_EQ(read_time(), 2000000000);
    clock.now += 1;
    EXPECT_EQ(read_time(), 2000000001) << "half a second after the divider started";
}

TEST_F(Rtc, ResetKeepsTimeAndCmos)
{
    start(1000000000);
    set(0x60, 0x5a);
    set(11, 0x14); // binary, 12 hours, an interrupt at each update
    clock.now += 5 * SECOND;
    get(0); // the flag is set when somebody looks
    EXPECT_TRUE(clock.level);
    rtc_reset(dev);
    EXPECT_FALSE(clock.level);
    EXPECT_EQ(get(11), 0x02);
    EXPECT_EQ(get(10), 0x26);
    EXPECT_EQ(get(12), 0);
    EXPECT_EQ(read_time(), 1000000005);
    EXPECT_EQ(get(0x60), 0x5a);
    // In the middle of its being set, in other digits.
    set(11, 0x86);
    set(9, 33), set(0x32, 20), set(8, 5), set(7, 18), set(4, 3), set(2, 33), set(0, 20);
    rtc_reset(dev);
    EXPECT_EQ(read_time(), 2000000000);
    clock.now += 10 * SECOND;
    EXPECT_EQ(read_time(), 2000000010) << "it goes on";
}

TEST_F(Rtc, SetKeepsThePhaseOfTheSecond)
{
    start(1000000000, 300000);
    set(11, 0x82);
    set(0, 0x10);
    clock.now += 200000;
    set(11, 0x02);
    EXPECT_EQ(get(0), 0x10);
    clock.now += 499999;
    EXPECT_EQ(get(0), 0x10);
    clock.now += 1;
    EXPECT_EQ(get(0), 0x11);
    set(0, 0x50); // without SET
    EXPECT_EQ(get(0), 0x50);
    clock.now += SECOND;
    EXPECT_EQ(get(0), 0x51);
}

TEST_F(Rtc, NonsenseBecomesADate)
{
    start(0);
    set(11, 0x82);
    set(9, 0xff), set(0x32, 0x20), set(8, 0x00), set(7, 0xff), set(4, 0x99), set(2, 0xff), set(0, 0x7f);
    set(11, 0x02);
    EXPECT_LE(bcd(get(8)), 12u);
    EXPECT_GE(bcd(get(8)), 1u);
    EXPECT_EQ(get(7), 0x31);
    EXPECT_EQ(get(4), 0x23);
    set(8, 0x02);
    EXPECT_LE(bcd(get(7)), 29u);
}

TEST_F(Rtc, SaysThatAnUpdateIsNear)
{
    start(1000, 999755);
    EXPECT_EQ(get(10), 0x26);
    clock.now++;
    EXPECT_EQ(get(10), 0xa6);
    set(11, 0x82);
    EXPECT_EQ(get(10), 0x26) << "none while SET";
    EXPECT_EQ(get(13), 0x80);
}

TEST_F(Rtc, FlagsAndInterrupts)
{
    start(1000);
    clock.now += SECOND - 1;
    EXPECT_EQ(get(12) & 0x10, 0);
    clock.now++;
    EXPECT_EQ(get(12) & 0x90, 0x10) << "updated, and no interrupt for it";
    EXPECT_EQ(get(12) & 0x10, 0) << "reading clears";
    set(11, 0x12);
    EXPECT_FALSE(clock.level);
    clock.now += SECOND;
    EXPECT_EQ(get(11), 0x12);
    EXPECT_TRUE(clock.level);
    EXPECT_EQ(get(12) & 0x90, 0x90);
    EXPECT_FALSE(clock.level);
    EXPECT_EQ(clock.irq_changes, 2);
    set(11, 0x92);
    EXPECT_EQ(get(11), 0x82) << "SET clears the update interrupt";
}

TEST_F(Rtc, PeriodicRates)
{
    const struct { uint8_t rate; int64_t us; } cases[] = {{1, 3907}, {2, 7813}, {3, 123}, {6, 977}, {15, 500000}};
    for (const auto &c : cases) {
        start(1000);
        set(10, 0x20 | c.rate);
        clock.now += c.us - 2;
        EXPECT_EQ(get(12) & 0x40, 0) << int(c.rate);
        clock.now += 2;
        EXPECT_EQ(get(12) & 0x40, 0x40) << int(c.rate);
        EXPECT_EQ(get(12) & 0x40, 0) << int(c.rate);
        rtc_destroy(dev);
    }
    start(1000);
    set(10, 0x20);
    clock.now += 10 * SECOND;
    EXPECT_EQ(get(12) & 0x40, 0) << "rate 0 is none";
}

// The reference counts all seconds of a day and compares their digits.
TEST_F(Rtc, AlarmsMatchAsDigitsDo)
{
    const uint8_t fields[][3] = {{0x05, 0x00, 0x00}, {0xff, 0xff, 0xff}, {0x23, 0x59, 0x59}, {0xc0, 0x30, 0x15}, {0x07, 0xff, 0x00}, {0xff, 0xff, 0x42},
                                 {0x12, 0x34, 0xff}, {0x24, 0x00, 0x00}, {0x01, 0x60, 0xff}};
    for (const auto &f : fields) {
        const int64_t first = 86400 * 20000 + 3600 * 7 + 1799;
        start(first);
        set(5, f[0]), set(3, f[1]), set(1, f[2]);
        int64_t expected = -1;
        for (int64_t t = first + 1; t <= first + 86400 && expected < 0; t++) {
            const unsigned hms[3] = {unsigned(t / 3600 % 24), unsigned(t / 60 % 60), unsigned(t % 60)};
            bool match = true;
            for (int i = 0; i < 3; i++)
                match &= f[i] >= 0xc0 || bcd(f[i]) == hms[i];
            if (match)
                expected = t;
        }
        if (expected < 0) {
            clock.now = (first + 3 * 86400) * SECOND;
            EXPECT_EQ(get(12) & 0x20, 0) << int(f[0]) << ":" << int(f[1]);
        } else {
            clock.now = expected * SECOND - 1;
            EXPECT_EQ(get(12) & 0x20, 0) << expected - first;
            clock.now++;
            EXPECT_EQ(get(12) & 0x20, 0x20) << expected - first;
        }
        rtc_destroy(dev);
    }
    dev = nullptr;
}

TEST_F(Rtc, CmosMemoryTellsTheSizes)
{
    start(0);
    EXPECT_EQ(get(0x15) | get(0x16) << 8, 640);
    EXPECT_EQ(get(0x17) | get(0x18) << 8, 0xffff);
    EXPECT_EQ(get(0x34) | get(0x35) << 8, 0x7f00) << "2 GiB less 16 MiB, in 64 KiB";
    EXPECT_EQ(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16, 0x4000) << "1 GiB in 64 KiB";
    set(0x40, 0x5a);
    EXPECT_EQ(get(0x40), 0x5a);
    EXPECT_EQ(get(0xc0), 0x5a) << "bit 7 of the index is the NMI mask";
    uint16_t both = 0x7740;
    rtc_ops.write(dev, 0, &both, 2);
    EXPECT_EQ(get(0x40), 0x77) << "one word writes index and data";
}

TEST(RtcInterrupts, ComeByThemselves)
{
    static std::atomic<int> raised;
    raised = 0;
    rtc_config config = {};
    config.irq = [](void *, bool level) { raised += level; };
    rtc *dev = rtc_create(&config);
    auto set = [&](uint8_t index, uint8_t value) {
        rtc_ops.write(dev, 0, &index, 1);
        rtc_ops.write(dev, 1, &value, 1);
    };
    set(11, 0x42); // periodic, 1024 Hz
    for (int i = 1; i <= 3; i++) {
        ASSERT_TRUE(eventually([&] { return raised == i; }));
        uint8_t c;
        set(12, 0);
        rtc_ops.read(dev, 1, &c, 1);
        EXPECT_EQ(c & 0xc0, 0xc0);
    }
    set(11, 0x02);
    rtc_destroy(dev);
}

} // namespace
