// SPDX-License-Identifier: GPL-2.0-or-later
// The command table: rows, lookup and lengths.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

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
    EXPECT_EQ(length(ENGINE_BCS0, 0x50800008), 10u);                // XY_FAST_COPY_BLT
    EXPECT_EQ(length(ENGINE_RCS0, 0x0e408002), 4u);                 // MI_SEMAPHORE_WAIT
    EXPECT_EQ(length(ENGINE_RCS0, 0x0d000003), 5u);                 // MI_MATH of four instructions
    EXPECT_EQ(length(ENGINE_RCS0, 0x17000003), 5u);                 // MI_COPY_MEM_MEM
    EXPECT_EQ(length(ENGINE_RCS0, 0x17840009), 11u);                // MI_ATOMIC with inline data
    EXPECT_EQ(length(ENGINE_RCS0, 0x61010011), 19u);                // STATE_BASE_ADDRESS
    EXPECT_EQ(length(ENGINE_RCS0, 0x69040300), 1u);                 // PIPELINE_SELECT
    EXPECT_EQ(length(ENGINE_RCS0, 0x7b000005), 7u);                 // 3DPRIMITIVE
    EXPECT_EQ(length(ENGINE_RCS0, 0x7917017f), 0x181u);             // 3DSTATE_SO_DECL_LIST: nine bits
    EXPECT_EQ(length(ENGINE_RCS0, 0x7105000d), 15u);                // GPGPU_WALKER
    EXPECT_EQ(length(ENGINE_RCS0, 0x70010002), 4u);                 // MEDIA_CURBE_LOAD
    EXPECT_EQ(length(ENGINE_VCS0, 0x70010004), 6u);                 // MFX_SURFACE_STATE: the same opcode on another engine
    EXPECT_EQ(length(ENGINE_VCS0, 0x68000100), 1u);                 // MFX_WAIT
    EXPECT_EQ(length(ENGINE_VCS0, 0x73800002), 4u);                 // HCP_PIPE_MODE_SELECT
    EXPECT_EQ(length(ENGINE_VECS0, 0x7402000e), 16u);               // VEBOX_STATE
}

TEST(CommandTable, OneOpcodeMeansDifferentThingsOnDifferentEngines)
{
    EXPECT_EQ(cmd_find(ENGINE_RCS0, 0x70010000), CMD_MEDIA_CURBE_LOAD);
    EXPECT_EQ(cmd_find(ENGINE_VCS0, 0x70010000), CMD_MFX_SURFACE_STATE);
    EXPECT_EQ(cmd_find(ENGINE_BCS0, 0x70010000), CMD_COUNT);
    EXPECT_EQ(cmd_find(ENGINE_VCS0, 0x7a000004), CMD_COUNT); // PIPE_CONTROL is the render engine's
    EXPECT_EQ(cmd_find(ENGINE_RCS0, 0x13000002), CMD_COUNT); // MI_FLUSH_DW is not
}

std::vector<cmd_reach> reaches(unsigned engine, std::vector<uint32_t> dwords)
{
    std::vector<cmd_reach> list;
    unsigned cursor = 0;
    cmd_reach reach;
    enum cmd_id id = cmd_find(engine, dwords[0]);
    while (cmd_reach_next(id, dwords.data(), dwords.size(), &cursor, &reach)) {
        list.push_back(reach);
    }
    return list;
}

void expect_memory(const cmd_reach &reach, bool ggtt, bool write, uint64_t address, uint32_t bytes)
{
    EXPECT_EQ(reach.kind, FIELD_ADDRESS);
    EXPECT_EQ(reach.ggtt, ggtt);
    EXPECT_EQ(reach.write, write);
    EXPECT_EQ(reach.address, address);
    EXPECT_EQ(reach.bytes, bytes);
}

TEST(CommandReach, StoreDataImm)
{
    auto list = reaches(ENGINE_RCS0, {0x10400002, 0x00012344, 0, 7});
    ASSERT_EQ(list.size(), 1u);
    expect_memory(list[0], true, true, 0x12344, 4);
    list = reaches(ENGINE_RCS0, {0x10200003, 0x00012340, 0x1234, 7, 8});
    ASSERT_EQ(list.size(), 1u);
    expect_memory(list[0], false, true, 0x123400012340, 8);
}

TEST(CommandReach, FlushDwInAllForms)
{
    EXPECT_TRUE(reaches(ENGINE_BCS0, {0x13000002, 0x1004, 0, 0}).empty()) << "no post-sync operation";
    auto list = reaches(ENGINE_BCS0, {0x13004002, 0x1004, 0, 5});
    ASSERT_EQ(list.size(), 1u);
    expect_memory(list[0], true, true, 0x1000, 4);
    list = reaches(ENGINE_BCS0, {0x13004003, 0x2000, 0x10, 5, 6});
    ASSERT_EQ(list.size(), 1u);
    expect_memory(list[0], false, true, 0x1000002000, 8);
    list = reaches(ENGINE_VCS0, {0x1300c003, 0x2004, 0, 0, 0});
    ASSERT_EQ(list.size(), 1u);
    expect_memory(list[0], true, true, 0x2000, 8);
    list = reaches(ENGINE_VECS0, {0x13204002, 0x104, 0, 5});
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].kind, FIELD_STATUS_INDEX);
    EXPECT_EQ(list[0].address, 0x100u);
}

TEST(CommandReach, PipeControlPostSync)
{
    EXPECT_TRUE(reaches(ENGINE_RCS0, {0x7a000004, 0x01100000, 0x1000, 0, 1, 2}).empty()) << "no post-sync operation";
    for (uint32_t operation : {1u, 2u, 3u}) {
        auto list = reaches(ENGINE_RCS0, {0x7a000004, 0x01000000 | operation << 14, 0x1000, 0, 1, 2});
        ASSERT_EQ(list.size(), 1u);
        expect_memory(list[0], true, true, 0x1000, 8);
        list = reaches(ENGINE_RCS0, {0x7a000004, operation << 14, 0x1000, 0x7, 1, 2});
        ASSERT_EQ(list.size(), 1u);
        expect_memory(list[0], false, true, 0x700001000, 8);
    }
    auto list = reaches(ENGINE_RCS0, {0x7a000004, 0x00800000, 0x24d0, 0, 1, 0});
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].kind, FIELD_REGISTER);
    EXPECT_EQ(list[0].address, 0x24d0u);
    EXPECT_TRUE(list[0].write);
}

TEST(CommandReach, CopyMemMemHasTwoSelectors)
{
    auto list = reaches(ENGINE_RCS0, {0x17200003, 0x1000, 0, 0x2000, 0}); // destination in the global GTT
    ASSERT_EQ(list.size(), 2u);
    expect_memory(list[0], true, true, 0x1000, 4);
    expect_memory(list[1], false, false, 0x2000, 4);
    list = reaches(ENGINE_RCS0, {0x17400003, 0x1000, 0, 0x2000, 0}); // source
    ASSERT_EQ(list.size(), 2u);
    expect_memory(list[0], false, true, 0x1000, 4);
    expect_memory(list[1], true, false, 0x2000, 4);
}

TEST(CommandReach, RegistersOfLoadsAndStores)
{
    auto list = reaches(ENGINE_RCS0, {0x11000005, 0x2580, 1, 0x7004, 2, 0x24d0, 3});
    ASSERT_EQ(list.size(), 3u);
    EXPECT_EQ(list[0].address, 0x2580u);
    EXPECT_EQ(list[2].address, 0x24d0u);
    EXPECT_EQ(list[2].dword, 5u);
    EXPECT_TRUE(list[2].write);
    list = reaches(ENGINE_RCS0, {0x12400002, 0x2358, 0x3000, 0});
    ASSERT_EQ(list.size(), 2u);
    EXPECT_FALSE(list[0].write);
    expect_memory(list[1], true, true, 0x3000, 4);
    list = reaches(ENGINE_RCS0, {0x14800002, 0x2600, 0x3000, 0});
    ASSERT_EQ(list.size(), 2u);
    EXPECT_TRUE(list[0].write);
    expect_memory(list[1], false, false, 0x3000, 4);
    list = reaches(ENGINE_RCS0, {0x15000001, 0x2358, 0x2600});
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0].address, 0x2358u);
    EXPECT_FALSE(list[0].write);
    EXPECT_EQ(list[1].address, 0x2600u);
    EXPECT_TRUE(list[1].write);
}

TEST(CommandReach, OtherGlobalForms)
{
    auto list = reaches(ENGINE_RCS0, {0x17c80001, 0x1008, 0}); // MI_ATOMIC, 8 bytes
    ASSERT_EQ(list.size(), 1u);
    expect_memory(list[0], true, true, 0x1008, 8);
    list = reaches(ENGINE_RCS0, {0x0e408002, 3, 0x1010, 0}); // MI_SEMAPHORE_WAIT
    ASSERT_EQ(list.size(), 1u);
    expect_memory(list[0], true, false, 0x1010, 4);
    list = reaches(ENGINE_RCS0, {0x14000002, 0x1041, 0, 9}); // MI_REPORT_PERF_COUNT
    ASSERT_EQ(list.size(), 1u);
    expect_memory(list[0], true, true, 0x1040, 256);
    list = reaches(ENGINE_RCS0, {0x1b400002, 3, 0x1010, 0}); // MI_CONDITIONAL_BATCH_BUFFER_END
    ASSERT_EQ(list.size(), 1u);
    expect_memory(list[0], true, false, 0x1010, 8);
    list = reaches(ENGINE_RCS0, {0x18800001, 0x5000, 0}); // MI_BATCH_BUFFER_START: bit 8 clear is the global GTT
    ASSERT_EQ(list.size(), 1u);
    EXPECT_TRUE(list[0].ggtt);
    list = reaches(ENGINE_RCS0, {0x18800101, 0x5000, 0});
    ASSERT_EQ(list.size(), 1u);
    EXPECT_FALSE(list[0].ggtt);
    list = reaches(ENGINE_BCS0, {0x54f00008, 0x03cc0000, 0, 0, 0x1000, 0, 0, 0, 0x2000, 0}); // blits use the PPGTT
    ASSERT_EQ(list.size(), 2u);
    EXPECT_FALSE(list[0].ggtt);
    EXPECT_FALSE(list[1].ggtt);
}

TEST(CommandReach, TruncatedCommandsReachOnlyWhatIsThere)
{
    EXPECT_TRUE(reaches(ENGINE_RCS0, {0x10400002, 0x1000}).empty());
    EXPECT_EQ(reaches(ENGINE_RCS0, {0x11000005, 0x2580, 1, 0x7004}).size(), 1u);
    EXPECT_EQ(reaches(ENGINE_RCS0, {0x12400002, 0x2358, 0x3000}).size(), 1u);
}

TEST(CommandTable, PrivilegedCommands)
{
    for (enum cmd_id id : {CMD_MI_UPDATE_GTT, CMD_MI_ARB_ON_OFF, CMD_MI_DISPLAY_FLIP, CMD_MI_STORE_DATA_INDEX}) {
        EXPECT_EQ(cmd_descs[id].privilege, CMD_PRIVILEGED) << cmd_descs[id].name;
    }
    for (enum cmd_id id : {CMD_MI_STORE_DATA_IMM, CMD_MI_BATCH_BUFFER_START, CMD_PIPE_CONTROL, CMD_MI_MATH, CMD_3DPRIMITIVE}) {
        EXPECT_EQ(cmd_descs[id].privilege, CMD_USER) << cmd_descs[id].name;
    }
}

} // namespace
