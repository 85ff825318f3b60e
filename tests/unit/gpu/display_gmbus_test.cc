// SPDX-License-Identifier: GPL-2.0-or-later
// GMBUS sequences as i915 makes them, with an HDMI monitor on port B (pin 5) or elsewhere.
#include "display_fixture.h"
#include "gpu/blocks/edid.h"

namespace {

constexpr uint32_t kClear = 1u << 31, kReady = 1 << 30, kWait = 1 << 25, kIndex = 1 << 26, kStop = 1 << 27;
constexpr uint32_t kInUse = 1 << 15, kWaitPhase = 1 << 14, kHwReady = 1 << 11, kNak = 1 << 10, kActive = 1 << 9;

class DisplayGmbus : public DisplayFixture {
protected:
    void SetUp() override { Create(DISPLAY_PORT_B, DISPLAY_MONITOR_HDMI, 1024, 768); }

    uint32_t Status() { return Read(R_PCH_GMBUS2); }

    // gmbus_xfer_read() behind the given bits of GMBUS1. Empty on NAK.
    std::vector<uint8_t> ReadBytes(uint8_t slave, unsigned count, uint32_t bits)
    {
        std::vector<uint8_t> bytes;
        Write(R_PCH_GMBUS1, bits | kWait | count << 16 | uint32_t(slave) << 1 | 1 | kReady);
        while (bytes.size() < count) {
            uint32_t status = Status();
            if (status & kNak)
                return {};
            EXPECT_NE(0u, status & kHwReady);
            EXPECT_NE(0u, status & kActive);
            uint32_t value = Read(R_PCH_GMBUS3);
            for (unsigned i = 0; i < 4 && bytes.size() < count; i++, value >>= 8)
                bytes.push_back(uint8_t(value));
        }
        EXPECT_NE(0u, Status() & kWaitPhase);
        return bytes;
    }
    void Stop()
    {
        Write(R_PCH_GMBUS1, kStop | kReady);
        EXPECT_EQ(0u, Status() & kActive);
        Write(R_PCH_GMBUS0, 0);
    }
    void ClearNak()
    {
        EXPECT_EQ(0u, Status() & kActive) << "idle after the NAK";
        Write(R_PCH_GMBUS1, kClear);
        Write(R_PCH_GMBUS1, 0);
        EXPECT_EQ(0u, Status() & kNak);
        Write(R_PCH_GMBUS0, 0);
    }
    std::vector<uint8_t> Expected(unsigned width, unsigned height)
    {
        std::vector<uint8_t> edid(EDID_SIZE);
        EXPECT_TRUE(edid_build(edid.data(), width, height, 60, EDID_INTERFACE_HDMI));
        return edid;
    }
};

TEST_F(DisplayGmbus, ReadsTheEdidWithAnIndexCycle)
{
    Write(R_PCH_GMBUS0, 5);
    EXPECT_EQ(Expected(1024, 768), ReadBytes(0x50, 128, kIndex | 0 << 8));
    Stop();
    Write(R_PCH_GMBUS0, 5);
    auto vendor = ReadBytes(0x50, 2, kIndex | 8 << 8);
    EXPECT_EQ(Expected(1024, 768)[8], vendor.at(0));
    EXPECT_EQ(Expected(1024, 768)[9], vendor.at(1));
    Stop();
}

TEST_F(DisplayGmbus, WriteThenReadWithoutIndex)
{
    Write(R_PCH_GMBUS0, 5);
    Write(R_PCH_GMBUS3, 0x36); // offset 54
    Write(R_PCH_GMBUS1, kWait | 1 << 16 | 0x50 << 1 | kReady);
    EXPECT_EQ(kWaitPhase, Status() & (kWaitPhase | kNak));
    auto bytes = ReadBytes(0x50, 18, 0);
    EXPECT_EQ(0x64, bytes.at(0)) << "65 MHz";
    EXPECT_EQ(0x19, bytes.at(1));
    Stop();
}

TEST_F(DisplayGmbus, LongWritesMoveFourBytesAtATime)
{
    Write(R_PCH_GMBUS0, 5);
    // The segment pointer takes any number of bytes: the last one counts.
    Write(R_PCH_GMBUS3, 0x00030201);
    Write(R_PCH_GMBUS1, kWait | 6 << 16 | 0x30 << 1 | kReady);
    EXPECT_EQ(kHwReady, Status() & (kHwReady | kWaitPhase | kNak)) << "wants more";
    Write(R_PCH_GMBUS3, 0x0100);
    EXPECT_EQ(kWaitPhase, Status() & (kWaitPhase | kNak));
    EXPECT_EQ(std::vector<uint8_t>(4, 0), ReadBytes(0x50, 4, kIndex)) << "an empty segment";
    Stop();
    Write(R_PCH_GMBUS0, 5);
    EXPECT_EQ((std::vector<uint8_t>{0x00, 0xff}), ReadBytes(0x50, 2, kIndex)) << "segment 0 after the stop";
    Stop();
}

TEST_F(DisplayGmbus, AbsentDevicesAndPinsAreNaks)
{
    for (uint32_t pin : {0u, 1u, 2u, 3u, 4u, 6u, 7u}) {
        Write(R_PCH_GMBUS0, pin);
        EXPECT_TRUE(ReadBytes(0x50, 4, kIndex).empty()) << pin;
        Write(R_PCH_GMBUS1, kIndex | kWait | 4 << 16 | 0x50 << 1 | 1 | kReady);
        EXPECT_NE(0u, Status() & kNak) << "stays until it is cleared";
        ClearNak();
    }
    Write(R_PCH_GMBUS0, 5);
    EXPECT_TRUE(ReadBytes(0x54, 1, kIndex).empty()) << "no SCDC";
    ClearNak();
    Write(R_PCH_GMBUS0, 5);
    EXPECT_EQ(Expected(1024, 768), ReadBytes(0x50, 128, kIndex));
    Stop();
}

TEST_F(DisplayGmbus, PinsAreThoseOfTheirPorts)
{
    static const struct {
        display_port port;
        uint32_t pin;
    } pins[] = {{DISPLAY_PORT_B, 5}, {DISPLAY_PORT_C, 4}, {DISPLAY_PORT_D, 6}};
    for (const auto &p : pins) {
        Create(p.port, DISPLAY_MONITOR_HDMI, 1920, 1080);
        Write(R_PCH_GMBUS0, p.pin);
        EXPECT_EQ(Expected(1920, 1080), ReadBytes(0x50, 128, kIndex)) << p.pin;
        Stop();
    }
    Create(DISPLAY_PORT_D, DISPLAY_MONITOR_DP, 1920, 1080);
    Write(R_PCH_GMBUS0, 6);
    EXPECT_TRUE(ReadBytes(0x50, 4, kIndex).empty()) << "DisplayPort has its DDC on AUX";
    ClearNak();
}

TEST_F(DisplayGmbus, TwoByteIndex)
{
    Write(R_PCH_GMBUS0, 5);
    Write(R_PCH_GMBUS5, 1u << 31 | 0x0008);
    EXPECT_TRUE(ReadBytes(0x50, 2, 0).empty()) << "the second byte would be a write to the EDID";
    Write(R_PCH_GMBUS5, 0);
    ClearNak();
}

TEST_F(DisplayGmbus, InUseIsASemaphore)
{
    EXPECT_EQ(0u, Status() & kInUse);
    EXPECT_NE(0u, Status() & kInUse);
    Write(R_PCH_GMBUS2, kInUse);
    EXPECT_EQ(0u, Status() & kInUse);
}

TEST_F(DisplayGmbus, Interrupts)
{
    Unmask(IRQ_SDE, 1 << 17);
    Write(R_PCH_GMBUS0, 5);
    Write(R_PCH_GMBUS4, 1 << 3);
    TakeIrq(IRQ_SDE);
    EXPECT_TRUE(ReadBytes(0x21, 4, 0).empty());
    EXPECT_EQ(1u << 17, TakeIrq(IRQ_SDE)) << "NAK";
    ClearNak();
    Write(R_PCH_GMBUS4, 0);
    TakeIrq(IRQ_SDE);
    Write(R_PCH_GMBUS0, 5);
    ReadBytes(0x50, 4, kIndex);
    Stop();
    EXPECT_EQ(0u, TakeIrq(IRQ_SDE)) << "none asked for";
    Write(R_PCH_GMBUS4, 1 << 2);
    EXPECT_EQ(1u << 17, TakeIrq(IRQ_SDE)) << "idle";
}

TEST_F(DisplayGmbus, IdleLines)
{
    EXPECT_EQ(uint32_t(1 << 4 | 1 << 12), Read(R_PCH_GPIO + 16) & (1 << 4 | 1 << 12));
}

TEST_F(DisplayGmbus, HostileSequences)
{
    uint32_t seed = 1;
    for (unsigned i = 0; i < 20000; i++) {
        static const uint32_t where[] = {R_PCH_GMBUS0, R_PCH_GMBUS1, R_PCH_GMBUS2, R_PCH_GMBUS3, R_PCH_GMBUS4, R_PCH_GMBUS5};
        seed = seed * 1664525 + 1013904223;
        if (seed >> 31)
            Read(where[seed >> 8 & 3]);
        else
            Write(where[(seed >> 8) % 6], (seed >> 3 & 1) ? seed * 2654435761u : (seed & ~0xfeu) | 0xa0);
    }
    Write(R_PCH_GMBUS1, kClear);
    Write(R_PCH_GMBUS1, 0);
    Write(R_PCH_GMBUS5, 0);
    Write(R_PCH_GMBUS0, 5);
    EXPECT_EQ(Expected(1024, 768), ReadBytes(0x50, 128, kIndex));
    Stop();
}

}  // namespace
