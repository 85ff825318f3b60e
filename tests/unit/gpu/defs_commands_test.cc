// SPDX-License-Identifier: GPL-2.0-or-later
// The command table: rows, lookup and lengths.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "gpu/defs/commands.h"

namespace {

TEST(CommandTable, NoTwoRowsMatchOneDword)
{
    std::set<std::string> names;
    for (unsigned a = 0; a < CMD_COUNT; a++) {
        const cmd_desc &x = cmd_descs[a];
        EXPECT_TRUE(names.insert(x.name).second) << x.name;
        EXPECT_EQ(x.match & ~x.mask, 0u) << x.name;
        EXPECT_NE(x.engines & 0xf, 0u) << x.name;
        for (unsigned b = a + 1; b < CMD_COUNT; b++) {
            const cmd_desc &y = cmd_descs[b];
            if (x.engines & y.engines) {
                EXPECT_NE(x.match & x.mask & y.mask, y.match & x.mask & y.mask) << x.name << " " << y.name;
            }
        }
    }
}

TEST(CommandTable, EveryRowIsFoundOnItsEnginesOnly)
{
    for (unsigned id = 0; id < CMD_COUNT; id++) {
        for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
            enum cmd_id found = cmd_find(engine, cmd_descs[id].match);
            EXPECT_EQ(found == (enum cmd_id)id, (cmd_descs[id].engines >> engine & 1) != 0) << cmd_descs[id].name;
            found = cmd_find(engine, cmd_descs[id].match | ~cmd_descs[id].mask);
            EXPECT_EQ(found == (enum cmd_id)id, (cmd_descs[id].engines >> engine & 1) != 0) << cmd_descs[id].name;
        }
    }
}

TEST(CommandTable, UnknownCommands)
{
    EXPECT_EQ(cmd_find(ENGINE_RCS0, 0x20000000), CMD_COUNT); // type 1
    EXPECT_EQ(cmd_find(ENGINE_RCS0, 0xffffffff), CMD_COUNT);
    EXPECT_EQ(cmd_find(ENGINE_RCS0, 0x53u << 22 | 2u << 29), CMD_COUNT); // a blit on the render engine
}

TEST(CommandTable, KnownLengths)
{
    auto length = [](unsigned engine, uint32_t dword0) { return cmd_length(cmd_find(engine, dword0), dword0); };
    EXPECT_EQ(length(ENGINE_RCS0, 0x00000000), 1u);                 // MI_NOOP
    EXPECT_EQ(length(ENGINE_RCS0, 0x05000000), 1u);                 // MI_BATCH_BUFFER_END
    EXPECT_EQ(length(ENGINE_RCS0, 0x10400002), 4u);                 // MI_STORE_DATA_IMM to the global GTT
    EXPECT_EQ(length(ENGINE_RCS0, 0x11000000 | (2 * 62 - 1)), 125u);// MI_LOAD_REGISTER_IMM of 62 registers
    EXPECT_EQ(length(ENGINE_BCS0, 0x13004002), 4u);                 // MI_FLUSH_DW
    EXPECT_EQ(length(ENGINE_BCS0, 0x13004003), 5u);
    EXPECT_EQ(length(ENGINE_RCS0, 0x18800101), 3u);                 // MI_BATCH_BUFFER_START in the PPGTT
    EXPECT_EQ(length(ENGINE_RCS0, 0x7a000004), 6u);                 // PIPE_CONTROL
    EXPECT_EQ(length(ENGINE_BCS0, 0x54f00008), 10u);                // XY_SRC_COPY_BLT
    EXPECT_EQ(length(ENGINE_BCS0, 0x54300005), 7u);                 // XY_COLOR_BLT
}

} // namespace
