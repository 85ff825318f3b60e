// SPDX-License-Identifier: GPL-2.0-or-later
// The 16550: registers, FIFO, interrupt priorities, loop mode; and where its output goes.
#include "vmm/serial.h"
#include "vmm/error.h"
#include "vmm/sink.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

class Serial : public testing::Test {
  protected:
    std::string output;
    std::vector<bool> levels;
    serial *s;

    Serial()
    {
        serial_config config = {};
        config.output = [](void *p, uint8_t byte) { static_cast<Serial *>(p)->output += static_cast<char>(byte); };
        config.irq = [](void *p, bool level) { static_cast<Serial *>(p)->levels.push_back(level); };
        config.opaque = this;
        s = serial_create(&config);
    }
    ~Serial() override { serial_destroy(s); }
    uint8_t rd(unsigned reg)
    {
        uint8_t v;
        serial_ops.read(s, reg, &v, 1);
        return v;
    }
    void wr(unsigned reg, uint8_t v) { serial_ops.write(s, reg, &v, 1); }
    size_t receive(const std::string &text) { return serial_receive(s, reinterpret_cast<const uint8_t *>(text.data()), text.size()); }
    bool level() const { return !levels.empty() && levels.back(); }
};

TEST_F(Serial, StateAtPowerOn)
{
    EXPECT_EQ(rd(IER), 0);
    EXPECT_EQ(rd(IIR), 0x01);
    EXPECT_EQ(rd(LSR), 0x60);
    EXPECT_EQ(rd(MSR), 0xb0) << "a line is connected";
    EXPECT_TRUE(levels.empty());
}

TEST_F(Serial, ResetLeavesNothing)
{
    wr(FCR, 0xc1);
    wr(MCR, 0x0b);
    wr(IER, 0x03);
    receive("abc");
    EXPECT_TRUE(level());
    wr(LCR, 0x80);
    wr(DATA, 1);
    wr(SCR, 0x5a);
    serial_reset(s);
    EXPECT_FALSE(level());
    EXPECT_EQ(rd(IER), 0);
    EXPECT_EQ(rd(IIR), 0x01);
    EXPECT_EQ(rd(LSR), 0x60);
    EXPECT_EQ(rd(LCR), 0);
    EXPECT_EQ(rd(MCR), 0);
    EXPECT_EQ(rd(MSR), 0xb0);
    EXPECT_EQ(rd(SCR), 0);
    wr(LCR, 0x80);
    EXPECT_EQ(rd(DATA), 12) << "the divisor";
}

TEST_F(Serial, BytesGoOut)
{
    for (char c : std::string("hello\n"))
        wr(DATA, static_cast<uint8_t>(c));
    EXPECT_EQ(output, "hello\n");
    EXPECT_EQ(rd(LSR), 0x60);
}

TEST_F(Serial, DivisorLatchHidesDataAndIer)
{
    wr(IER, 0x0f);
    EXPECT_EQ(rd(IER), 0x0f);
    wr(LCR, 0x83);
    wr(DATA, 0x34);
    wr(IER, 0x12);
    EXPECT_EQ(rd(DATA), 0x34);
    EXPECT_EQ(rd(IER), 0x12);
    wr(LCR, 0x03);
    EXPECT_EQ(rd(IER), 0x0f);
    EXPECT_EQ(rd(LCR), 0x03);
    EXPECT_EQ(output, "");
}

TEST_F(Serial, ReceiveFifoHoldsSixteen)
{
    EXPECT_EQ(receive("ab"), 1u) << "no FIFO: one byte";
    EXPECT_EQ(rd(LSR), 0x61);
    EXPECT_EQ(rd(DATA), 'a');
    EXPECT_EQ(rd(LSR), 0x60);
    wr(FCR, 0x01);
    EXPECT_EQ(rd(IIR), 0xc1) << "FIFOs enabled";
    EXPECT_EQ(receive("0123456789abcdefgh"), 16u);
    std::string got;
    while (rd(LSR) & 1)
        got += static_cast<char>(rd(DATA));
    EXPECT_EQ(got, "0123456789abcdef");
    receive("xyz");
    wr(FCR, 0x03);
    EXPECT_EQ(rd(LSR), 0x60) << "cleared";
    receive("x");
    wr(FCR, 0x00);
    EXPECT_EQ(rd(LSR), 0x60) << "switching FIFOs off clears them";
}

TEST_F(Serial, ReceiveInterruptFollowsTheTriggerLevel)
{
    wr(MCR, 0x08);
    wr(FCR, 0x41); // trigger at 4
    wr(IER, 0x01);
    EXPECT_FALSE(level());
    receive("a");
    EXPECT_TRUE(level());
    EXPECT_EQ(rd(IIR), 0xcc) << "below the trigger: time-out";
    receive("bcd");
    EXPECT_EQ(rd(IIR), 0xc4);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(rd(DATA), "abcd"[i]);
    EXPECT_FALSE(level());
    EXPECT_EQ(rd(IIR), 0xc1);
}

TEST_F(Serial, TransmitterInterrupt)
{
    wr(MCR, 0x08);
    wr(IER, 0x02);
    EXPECT_TRUE(level()) << "at once: it is empty";
    EXPECT_EQ(rd(IIR), 0x02);
    EXPECT_FALSE(level()) << "reading IIR acknowledges";
    EXPECT_EQ(rd(IIR), 0x01);
    wr(DATA, 'x');
    EXPECT_TRUE(level());
    wr(IER, 0x00);
    EXPECT_FALSE(level());
    EXPECT_EQ(levels, (std::vector<bool>{true, false, true, false}));
}

TEST_F(Serial, ReceptionComesBeforeTransmission)
{
    wr(MCR, 0x08);
    wr(IER, 0x03);
    receive("x");
    EXPECT_EQ(rd(IIR), 0x04);
    EXPECT_EQ(rd(IIR), 0x04) << "reading IIR does not acknowledge it";
    rd(DATA);
    EXPECT_EQ(rd(IIR), 0x02);
}

TEST_F(Serial, Out2GatesTheInterrupt)
{
    wr(IER, 0x02);
    EXPECT_FALSE(level());
    wr(MCR, 0x08);
    EXPECT_TRUE(level());
    wr(MCR, 0x00);
    EXPECT_FALSE(level());
}

TEST_F(Serial, LoopMode)
{
    wr(MCR, 0x10);
    EXPECT_EQ(rd(MSR) & 0xf0, 0);
    wr(MCR, 0x1f);
    EXPECT_EQ(rd(MSR) & 0xf0, 0xf0) << "outputs arrive at the inputs";
    wr(DATA, 'q');
    EXPECT_EQ(output, "");
    EXPECT_EQ(rd(LSR), 0x61);
    wr(DATA, 'r');
    EXPECT_EQ(rd(LSR), 0x63) << "overrun";
    EXPECT_EQ(rd(LSR), 0x61) << "cleared by reading";
    EXPECT_EQ(rd(DATA), 'q');
    EXPECT_EQ(receive("x"), 0u) << "the line is cut off";
}

TEST_F(Serial, ModemDeltasInterrupt)
{
    rd(MSR);
    wr(MCR, 0x08);
    wr(IER, 0x08);
    EXPECT_FALSE(level());
    wr(MCR, 0x18); // loop: CTS, DSR go, DCD stays (OUT2)
    EXPECT_EQ(rd(IIR), 0x00);
    EXPECT_EQ(rd(MSR), 0x83);
    EXPECT_EQ(rd(IIR), 0x01);
}

TEST_F(Serial, LineErrorsComeFirst)
{
    wr(MCR, 0x1f);
    wr(IER, 0x05);
    wr(DATA, 'a');
    wr(DATA, 'b');
    EXPECT_EQ(rd(IIR), 0x06);
    rd(LSR);
    EXPECT_EQ(rd(IIR), 0x04);
}

TEST_F(Serial, ScratchAndReadOnlyRegisters)
{
    wr(SCR, 0x5a);
    EXPECT_EQ(rd(SCR), 0x5a);
    wr(LSR, 0xff);
    EXPECT_EQ(rd(LSR), 0x60);
    wr(MCR, 0xff);
    EXPECT_EQ(rd(MCR), 0x1f);
}

class Sink : public testing::Test {
  protected:
    char path[32] = "/tmp/sink-test-XXXXXX";
    void SetUp() override { close(mkstemp(path)); }
    void TearDown() override { unlink(path); }
    static void put(sink *k, const std::string &text)
    {
        for (char c : text)
            sink_put(k, static_cast<uint8_t>(c));
    }
    std::string content() const
    {
        std::stringstream out;
        out << std::ifstream(path).rdbuf();
        return out.str();
    }
};

TEST_F(Sink, PlainBytesGoOutAtOnce)
{
    sink *k = sink_create(path, nullptr, nullptr);
    put(k, "ab");
    EXPECT_EQ(content(), "ab");
    put(k, "c\nd");
    sink_destroy(k);
    EXPECT_EQ(content(), "abc\nd");
}

TEST_F(Sink, PrefixedLinesGoOutWhole)
{
    sink *k = sink_create(path, "[a] ", nullptr);
    put(k, "one");
    EXPECT_EQ(content(), "");
    put(k, "\n\ntwo");
    EXPECT_EQ(content(), "[a] one\n[a] \n");
    sink_destroy(k);
    EXPECT_EQ(content(), "[a] one\n[a] \n[a] two\n");
}

TEST_F(Sink, EndlessLinesAreCut)
{
    sink *k = sink_create(path, "", nullptr);
    put(k, std::string(10000, 'x'));
    EXPECT_GE(content().size(), 8000u) << "the buffer does not grow without end";
    sink_destroy(k);
    EXPECT_EQ(content(), std::string(10000, 'x') + "\n");
}

TEST_F(Sink, BadFile)
{
    GError *error = nullptr;
    EXPECT_EQ(sink_create("/nonexistent/dir/file", nullptr, &error), nullptr);
    EXPECT_STREQ(error->message, "cannot write /nonexistent/dir/file: No such file or directory");
    EXPECT_EQ(error->code, VMM_ERROR_CONFIG);
    g_error_free(error);
    sink *k = sink_create("none", nullptr, nullptr);
    put(k, "dropped");
    sink_destroy(k);
}

} // namespace
