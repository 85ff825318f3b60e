// SPDX-License-Identifier: GPL-2.0-or-later
// The decoder on a stream as drivers write it, on context images, error registers, and on garbage.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gpu/defs/commands.h"
#include "gpu/defs/decode.h"
#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"

namespace {

void collect(void *opaque, const char *line)
{
    static_cast<std::vector<std::string> *>(opaque)->push_back(line);
}

std::vector<std::string> decode(unsigned engine, const std::vector<uint32_t> &dwords, unsigned *used = nullptr)
{
    std::vector<std::string> lines;
    unsigned n = decode_commands(engine, dwords.data(), dwords.size(), 0x1000, collect, &lines);
    if (used) {
        *used = n;
    }
    return lines;
}

TEST(Decode, StreamOfCommands)
{
    auto lines = decode(ENGINE_RCS0, {
        0x10400002, 0x00012340, 0, 0x2a,            // MI_STORE_DATA_IMM, global
        0x11000001, 0x229c, 0x80008000,             // MI_LOAD_REGISTER_IMM
        0x7a000004, 0x01104000, 0x5000, 0, 7, 0,    // PIPE_CONTROL
        0x0e40c002, 1, 0x6000, 0,                   // MI_SEMAPHORE_WAIT
        0, 0, 0,                                    // MI_NOOP
        0x12000002, 0x2358, 0x7000, 0x1,            // MI_STORE_REGISTER_MEM
        0x0d000001, 0x08008000, 0x10000000,         // MI_MATH
        0x18800101, 0x8000, 0,                      // MI_BATCH_BUFFER_START
        0x7b000005, 1, 2, 3, 4, 5, 6,               // 3DPRIMITIVE
        0x01000000,                                 // MI_USER_INTERRUPT
    });
    ASSERT_EQ(lines.size(), 10u);
    EXPECT_EQ(lines[0], "0x00001000: MI_STORE_DATA_IMM (4) ggtt:0x12340(w) = 0x0000002a");
    EXPECT_EQ(lines[1], "0x00001010: MI_LOAD_REGISTER_IMM (3) RING_MODE[rcs0]=0x80008000");
    EXPECT_EQ(lines[2], "0x0000101c: PIPE_CONTROL (6) ggtt:0x5000(w) cs-stall write-immediate = 0x0000000000000007");
    EXPECT_EQ(lines[3], "0x00001034: MI_SEMAPHORE_WAIT (4) ggtt:0x6000(r) poll until *address == 0x00000001");
    EXPECT_EQ(lines[4], "0x00001044: MI_NOOP x3");
    EXPECT_EQ(lines[5], "0x00001050: MI_STORE_REGISTER_MEM (4) RING_TIMESTAMP[rcs0](r) ppgtt:0x100007000(w)");
    EXPECT_EQ(lines[6], "0x00001060: MI_MATH (3) LOAD SRCA, R0; ADD");
    EXPECT_EQ(lines[7], "0x0000106c: MI_BATCH_BUFFER_START (3) ppgtt:0x8000(r)");
    EXPECT_EQ(lines[8], "0x00001078: 3DPRIMITIVE (7) 00000001 00000002 00000003 00000004 00000005 00000006");
    EXPECT_EQ(lines[9], "0x00001094: MI_USER_INTERRUPT (1)");
}

TEST(Decode, UnknownAndTruncated)
{
    unsigned used;
    auto lines = decode(ENGINE_BCS0, {0x7a000004, 0x54f00008, 1, 2}, &used);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(used, 4u);
    EXPECT_EQ(lines[0], "0x00001000: unknown command 0x7a000004 on bcs0");
    EXPECT_EQ(lines[1], "0x00001004: XY_SRC_COPY_BLT (10) 00000001 00000002 truncated: 3 of 10 dwords");
}

TEST(Decode, StopsBehindTheEndOfTheBatch)
{
    unsigned used;
    auto lines = decode(ENGINE_VCS0, {0, 0x05000000, 0xffffffff, 0xffffffff}, &used);
    EXPECT_EQ(used, 2u);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[1], "0x00001004: MI_BATCH_BUFFER_END (1)");
}

TEST(Decode, BadEngine)
{
    uint32_t dword = 0;
    std::vector<std::string> lines;
    EXPECT_EQ(decode_commands(ENGINE_COUNT, &dword, 1, 0, collect, &lines), 0u);
    EXPECT_TRUE(lines.empty());
    EXPECT_EQ(decode_command_name(ENGINE_COUNT, 0), nullptr);
    EXPECT_STREQ(decode_command_name(ENGINE_RCS0, 0x7a000004), "PIPE_CONTROL");
}

// Any dwords: the walk ends, covers what it says, prints no more lines than dwords; a copy on the heap lets ASan see a read beyond it.
TEST(Decode, GarbageIsBounded)
{
    std::mt19937 random(20241);
    for (unsigned round = 0; round < 3000; round++) {
        unsigned count = random() % 48;
        std::unique_ptr<uint32_t[]> dwords(new uint32_t[count]);
        for (unsigned i = 0; i < count; i++) {
            dwords[i] = random();
            if (random() % 2) { // a real command more often than chance would have it
                const cmd_desc &desc = cmd_descs[random() % CMD_COUNT];
                dwords[i] = desc.match | (dwords[i] & ~desc.mask & (random() % 2 ? 0xff00ffffu : 0xff00000fu));
            }
        }
        unsigned engine = random() % ENGINE_COUNT;
        unsigned at = 0;
        while (at < count) {
            std::vector<std::string> lines;
            unsigned used = decode_commands(engine, dwords.get() + at, count - at, UINT64_MAX, collect, &lines);
            ASSERT_GE(used, 1u);
            ASSERT_LE(used, count - at);
            ASSERT_LE(lines.size(), used);
            at += used;
        }
        // Each operand lies within the command and within what is there.
        for (unsigned i = 0; i < count; i++) {
            enum cmd_id id = cmd_find(engine, dwords[i]);
            if (id == CMD_COUNT) {
                continue;
            }
            cmd_reach reach;
            unsigned cursor = 0, steps = 0;
            while (cmd_reach_next(id, dwords.get() + i, count - i, &cursor, &reach)) {
                ASSERT_LT(reach.dword, count - i);
                ASSERT_LT(reach.dword, cmd_length(id, dwords[i]));
                ASSERT_LE(++steps, count - i);
            }
        }
    }
}

TEST(Decode, ContextImage)
{
    unsigned rows;
    const context_dword *layout = context_layout(ENGINE_BCS0, &rows);
    std::vector<uint32_t> state(1024);
    for (unsigned i = 0; i < rows; i++) {
        if (layout[i].header) {
            state[layout[i].index] = 0x11001000 | (2u * layout[i].header - 1);
        } else {
            state[layout[i].index] = layout[i].offset;
        }
    }
    state[CTX_RING_TAIL] = 0x48;
    state[CTX_BB_STATE - 1] = 0x44200;
    state[0x41] = 0;
    std::vector<std::string> lines;
    decode_context(ENGINE_BCS0, state.data(), state.size(), collect, &lines);
    ASSERT_EQ(lines.size(), 69u); // the registers, and the bad header
    EXPECT_EQ(lines[2], "0x007: RING_TAIL[bcs0] = 0x00000048");
    EXPECT_EQ(lines[7], "0x011: RING_BBSTATE[bcs0] = 0x00000000, but the image names GEN8_MASTER_IRQ");
    EXPECT_EQ(lines[23], "0x041: header 0x00000000, expected 0x11001001");

    lines.clear();
    decode_context(ENGINE_BCS0, state.data(), 7, collect, &lines);
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[2], "0x006: the image ends here");
    lines.clear();
    decode_context(ENGINE_COUNT, state.data(), state.size(), collect, &lines);
    EXPECT_TRUE(lines.empty());
}

TEST(Decode, ErrorState)
{
    std::map<uint32_t, uint32_t> regs = {
        {0x2068, 0x7a000004}, {0x2074, 0x5010}, {0x205c, 0x1}, {0x4094, 0x1 | 3 << 3 | 1 << 1}, {0x4b10, 0x12345}, {0x4b14, 0x10},
    };
    auto read = [](void *opaque, uint32_t offset) { return (*static_cast<std::map<uint32_t, uint32_t> *>(opaque))[offset]; };
    std::vector<std::string> lines;
    decode_error_state(ENGINE_RCS0, read, &regs, collect, &lines);
    auto has = [&](const std::string &want) { return std::find(lines.begin(), lines.end(), want) != lines.end(); };
    EXPECT_TRUE(has("RING_ACTHD[rcs0] = 0x000100005010 (active head)"));
    EXPECT_TRUE(has("RING_IPEHR[rcs0] = 0x7a000004 (PIPE_CONTROL)"));
    EXPECT_TRUE(has("page fault: GGTT address 0x000012345000, engine id 0, source 3, type 1"));
}

} // namespace
