// SPDX-License-Identifier: GPL-2.0-or-later
// AUX channels driven as i915 and the DRM helpers drive them: DDC over I2C-over-AUX, DPCD, link training, absent ports.
#include <functional>

#include "display_fixture.h"
#include "gpu/blocks/edid.h"

namespace {

constexpr uint32_t kBusy = 1u << 31, kDone = 1 << 30, kInterrupt = 1 << 29, kTimeout = 1 << 28, kReceiveError = 1 << 25;
enum { kI2cWrite = 0, kI2cRead = 1, kI2cStatus = 2, kMot = 4, kNativeWrite = 8, kNativeRead = 9 };
enum { kAck = 0x00, kNativeNack = 0x10, kI2cNack = 0x40 };

class DisplayAux : public DisplayFixture {
protected:
    struct Reply {
        uint32_t status = 0;
        std::vector<uint8_t> bytes;  // the reply byte first
    };

    Reply Transfer(const std::vector<uint8_t> &message, unsigned port = 3)
    {
        uint32_t control = R_DP_AUX_CH_CTL + port * 0x100, data = R_DP_AUX_CH_DATA_1 + port * 0x100;

        EXPECT_EQ(0u, Read(control) & kBusy);
        for (size_t i = 0; i < message.size(); i += 4) {
            uint32_t value = 0;
            for (size_t j = 0; j < 4; j++)
                value |= uint32_t(i + j < message.size() ? message[i + j] : 0) << (24 - 8 * j);
            Write(data + uint32_t(i), value);
        }
        Write(control, kBusy | kDone | kInterrupt | kTimeout | 3 << 26 | kReceiveError | uint32_t(message.size()) << 20 | 7 << 5 | 31);
        Reply reply;
        reply.status = Read(control);
        EXPECT_EQ(0u, reply.status & kBusy);
        EXPECT_EQ(uint32_t(7 << 5 | 31), reply.status & 0x3ff) << "pulse lengths are kept";
        Write(control, reply.status | kDone | kTimeout | kReceiveError);
        EXPECT_EQ(0u, Read(control) & (kDone | kTimeout | kReceiveError));
        if (!(reply.status & (kTimeout | kReceiveError))) {
            unsigned size = reply.status >> 20 & 31;
            for (unsigned i = 0; i < size; i++)
                reply.bytes.push_back(uint8_t(Read(data + i / 4 * 4) >> (24 - i % 4 * 8)));
        }
        return reply;
    }

    static std::vector<uint8_t> Header(unsigned request, unsigned address, unsigned size)
    {
        std::vector<uint8_t> m = {uint8_t(request << 4 | (address >> 16 & 15)), uint8_t(address >> 8), uint8_t(address)};
        if (size)
            m.push_back(uint8_t(size - 1));
        return m;
    }
    std::vector<uint8_t> ReadDpcd(unsigned address, unsigned size)
    {
        Reply r = Transfer(Header(kNativeRead, address, size));
        EXPECT_EQ(size + 1, r.bytes.size());
        EXPECT_EQ(kAck, r.bytes.at(0));
        return {r.bytes.begin() + 1, r.bytes.end()};
    }
    void WriteDpcd(unsigned address, const std::vector<uint8_t> &bytes)
    {
        auto message = Header(kNativeWrite, address, unsigned(bytes.size()));
        message.insert(message.end(), bytes.begin(), bytes.end());
        Reply r = Transfer(message);
        ASSERT_EQ(1u, r.bytes.size());
        ASSERT_EQ(kAck, r.bytes[0]);
    }

    // drm_dp_i2c_xfer(): address-only start, chunks with MOT, address-only stop. False on NACK.
    bool I2c(uint8_t slave, bool read, std::vector<uint8_t> &bytes, unsigned chunk, bool stop)
    {
        unsigned request = read ? kI2cRead : kI2cWrite;
        Reply r = Transfer(Header(request | kMot, slave, 0));
        if (r.bytes.at(0) != kAck)
            return false;
        for (size_t at = 0; at < bytes.size();) {
            unsigned size = unsigned(std::min<size_t>(chunk, bytes.size() - at));
            auto message = Header(request | kMot, slave, size);
            if (!read)
                message.insert(message.end(), bytes.begin() + long(at), bytes.begin() + long(at + size));
            r = Transfer(message);
            if (r.bytes.at(0) != kAck)
                return false;
            if (read) {
                EXPECT_EQ(size + 1, r.bytes.size());
                std::copy(r.bytes.begin() + 1, r.bytes.end(), bytes.begin() + long(at));
            }
            at += size;
        }
        if (stop)
            Transfer(Header(request, slave, 0));
        return true;
    }
    // drm_do_probe_ddc_edid(): segment (ignored when it is not acknowledged), offset, then the block.
    bool ReadBlock(unsigned block, std::vector<uint8_t> &out, unsigned chunk)
    {
        std::vector<uint8_t> segment = {uint8_t(block / 2)}, offset = {uint8_t(block % 2 * 128)};
        if (block / 2 && !I2c(0x30, false, segment, 16, false))
            return false;
        out.assign(128, 0xee);
        return I2c(0x50, false, offset, 16, false) && I2c(0x50, true, out, chunk, true);
    }
};

TEST_F(DisplayAux, ReadsTheEdidInAnyChunks)
{
    uint8_t expected[EDID_SIZE];
    ASSERT_TRUE(edid_build(expected, 1920, 1200, 60, EDID_INTERFACE_DP));
    for (unsigned chunk : {1u, 3u, 7u, 15u, 16u}) {
        std::vector<uint8_t> edid;
        ASSERT_TRUE(ReadBlock(0, edid, chunk));
        EXPECT_EQ(std::vector<uint8_t>(expected, expected + 128), edid) << chunk;
    }
}

TEST_F(DisplayAux, SegmentPointerSelectsAndComesBack)
{
    std::vector<uint8_t> edid;
    ASSERT_TRUE(ReadBlock(2, edid, 16));
    EXPECT_EQ(std::vector<uint8_t>(128, 0), edid) << "segment 1 is empty";
    ASSERT_TRUE(ReadBlock(0, edid, 16));
    EXPECT_EQ(0xff, edid[1]) << "a stop goes back to segment 0";
}

TEST_F(DisplayAux, OffsetSurvivesAndWraps)
{
    std::vector<uint8_t> offset = {8}, two(2), first(8);
    ASSERT_TRUE(I2c(0x50, false, offset, 16, false));
    ASSERT_TRUE(I2c(0x50, true, two, 16, true));
    EXPECT_EQ('M' - '@', two[0] >> 2) << "vendor, where the offset said";
    offset = {255};
    std::vector<uint8_t> wrap(3);
    ASSERT_TRUE(I2c(0x50, false, offset, 16, false));
    ASSERT_TRUE(I2c(0x50, true, wrap, 16, true));
    EXPECT_EQ((std::vector<uint8_t>{0, 0x00, 0xff}), wrap) << "255, 0, 1";
}

TEST_F(DisplayAux, WriteStatusUpdateAndForeignSlaves)
{
    auto r = Transfer({kI2cWrite << 4 | kMot << 4, 0, 0x50, 0, 0});
    EXPECT_EQ(kAck, r.bytes.at(0));
    EXPECT_EQ(kAck, Transfer(Header((kI2cStatus | kMot), 0x50, 1)).bytes.at(0));
    EXPECT_EQ(kI2cNack, Transfer(Header(kI2cStatus, 0x37, 1)).bytes.at(0));
    EXPECT_EQ(kI2cNack, Transfer(Header(kI2cRead | kMot, 0x37, 0)).bytes.at(0)) << "no DDC/CI";
    EXPECT_EQ(kI2cNack, Transfer(Header(kI2cRead | kMot, 0x37, 4)).bytes.at(0));
    EXPECT_EQ(kI2cNack, Transfer({0x40, 0, 0x50, 2, 0, 1, 2}).bytes.at(0)) << "the EDID is not writable";
}

TEST_F(DisplayAux, CapabilitiesOfADisplayPort12Sink)
{
    auto caps = ReadDpcd(0, 15);
    EXPECT_EQ(0x12, caps[0]);
    EXPECT_EQ(0x14, caps[1]) << "5.4 Gb/s";
    EXPECT_EQ(4 | 0xc0, caps[2]) << "four lanes, TPS3, enhanced framing";
    EXPECT_EQ(0, caps[5] & 1) << "no downstream port";
    EXPECT_EQ(1, caps[6] & 1) << "8B/10B";
    EXPECT_EQ(1, ReadDpcd(0x200, 1)[0] & 0x3f) << "one sink";
    EXPECT_EQ(1, ReadDpcd(0x2002, 1)[0] & 0x3f) << "also in the event status block";
    WriteDpcd(0, {0x55});
    EXPECT_EQ(0x12, ReadDpcd(0, 1)[0]) << "capabilities are read-only";
    WriteDpcd(0x300, {0x00, 0xaa, 0x01});
    EXPECT_EQ((std::vector<uint8_t>{0x00, 0xaa, 0x01}), ReadDpcd(0x300, 3)) << "source OUI";
    EXPECT_EQ(0, ReadDpcd(0xfffff, 1)[0]);
}

// intel_dp_start_link_train(): rate and lanes; pattern 1 until clock recovery; pattern 3 until equalisation; off.
TEST_F(DisplayAux, LinkTraining)
{
    for (uint8_t bw : {0x06, 0x0a, 0x14}) {
        for (uint8_t lanes : {1, 2, 4}) {
            WriteDpcd(0x600, {1});
            WriteDpcd(0x107, {0x00, 0x01});
            WriteDpcd(0x100, {bw, uint8_t(lanes | 0x80)});
            auto status = ReadDpcd(0x202, 6);
            EXPECT_EQ(0, status[0] | status[1] | (status[2] & 1)) << "a new configuration has no link";

            std::vector<uint8_t> set(1u + lanes, 0);
            set[0] = 0x21;
            WriteDpcd(0x102, set);
            status = ReadDpcd(0x202, 6);
            for (unsigned lane = 0; lane < 4; lane++)
                EXPECT_EQ(lane < lanes ? 1 : 0, status[lane / 2] >> (lane % 2 * 4) & 15) << "clock recovery of lane " << lane;
            EXPECT_EQ(0, status[2] & 1);

            set[0] = 0x23;
            WriteDpcd(0x102, set);
            status = ReadDpcd(0x202, 6);
            for (unsigned lane = 0; lane < 4; lane++)
                EXPECT_EQ(lane < lanes ? 7 : 0, status[lane / 2] >> (lane % 2 * 4) & 15) << "lane " << lane;
            EXPECT_EQ(1, status[2] & 1) << "aligned";
            EXPECT_EQ(1, status[3] & 1) << "in sync";

            WriteDpcd(0x102, {0x00});
            EXPECT_EQ(status, ReadDpcd(0x202, 6)) << "the link stays";
        }
    }
    WriteDpcd(0x600, {2});
    EXPECT_EQ(2, ReadDpcd(0x600, 1)[0]);
    EXPECT_EQ((std::vector<uint8_t>{0, 0}), ReadDpcd(0x202, 2)) << "asleep";
    WriteDpcd(0x600, {1});
    WriteDpcd(0x100, {0x1e, 4, 0x21});
    EXPECT_EQ((std::vector<uint8_t>{0, 0}), ReadDpcd(0x202, 2)) << "a rate that the sink has not does not lock";
}

TEST_F(DisplayAux, AbsentPortsTimeOut)
{
    for (unsigned port : {0u, 1u, 2u}) {
        auto r = Transfer(Header(kNativeRead, 0, 1), port);
        EXPECT_NE(0u, r.status & kTimeout) << port;
    }
    display_hotplug(display_, false);
    EXPECT_NE(0u, Transfer(Header(kNativeRead, 0, 1)).status & kTimeout) << "plugged out";
    display_hotplug(display_, true);
    EXPECT_EQ(0x12, ReadDpcd(0, 1)[0]);
}

TEST_F(DisplayAux, RaisesItsInterruptWhenAsked)
{
    static const uint32_t bits[4] = {1, 1 << 25, 1 << 26, 1 << 27};
    Unmask(IRQ_PORT, 0xffffffff);
    for (unsigned port = 0; port < 4; port++) {
        Transfer(Header(kNativeRead, 0, 1), port);
        EXPECT_EQ(bits[port], TakeIrq(IRQ_PORT)) << port;
    }
    Write(R_DP_AUX_CH_CTL + 0x300, kBusy | 4 << 20);
    EXPECT_EQ(0u, TakeIrq(IRQ_PORT)) << "not asked for";
}

TEST_F(DisplayAux, HostileMessages)
{
    for (unsigned size = 0; size < 32; size++) {
        for (unsigned request = 0; request < 16; request++) {
            for (unsigned length : {0u, 15u, 16u, 255u}) {
                Write(R_DP_AUX_CH_DATA_1 + 0x300, request << 28 | 0x5000 << 8 | 0x50 << 8 | length);
                Write(R_DP_AUX_CH_CTL + 0x300, kBusy | size << 20);
                uint32_t status = Read(R_DP_AUX_CH_CTL + 0x300);
                EXPECT_EQ(kDone, status & (kDone | kBusy));
                if (size < 3 || size > 20)
                    EXPECT_NE(0u, status & kReceiveError);
                else
                    EXPECT_TRUE((status >> 20 & 31) >= 1 && (status >> 20 & 31) <= 17);
            }
        }
    }
    EXPECT_EQ(kNativeNack, Transfer({0x90, 0, 0, 16}).bytes.at(0)) << "17 bytes";
    EXPECT_EQ(0x12, ReadDpcd(0, 1)[0]) << "still alive";
}

}  // namespace
