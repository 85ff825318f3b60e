// SPDX-License-Identifier: GPL-2.0-or-later
// The layout of the register state page against the constants that driver and mediator use.
#include <gtest/gtest.h>

#include <map>

#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"

namespace {

// Value dword -> register, relative to the engine's base.
std::map<unsigned, uint32_t> values(unsigned engine)
{
    unsigned count;
    const context_dword *rows = context_layout(engine, &count);
    std::map<unsigned, uint32_t> map;
    for (unsigned i = 0; i < count; i++) {
        if (!rows[i].header) {
            map[rows[i].index + 1] = rows[i].offset - engine_mmio_base(engine);
        }
    }
    return map;
}

TEST(ContextLayout, ConstantsNameTheRightRegisters)
{
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        auto at = values(engine);
        EXPECT_EQ(at[CTX_CONTEXT_CONTROL], RING_CONTEXT_CONTROL);
        EXPECT_EQ(at[CTX_RING_HEAD], RING_HEAD);
        EXPECT_EQ(at[CTX_RING_TAIL], RING_TAIL);
        EXPECT_EQ(at[CTX_RING_START], RING_START);
        EXPECT_EQ(at[CTX_RING_CTL], RING_CTL);
        EXPECT_EQ(at[CTX_BB_ADDR_UDW], RING_BBADDR_UDW);
        EXPECT_EQ(at[CTX_BB_ADDR], RING_BBADDR);
        EXPECT_EQ(at[CTX_BB_STATE], RING_BBSTATE);
        EXPECT_EQ(at[CTX_SBB_ADDR_UDW], RING_SBBADDR_UDW);
        EXPECT_EQ(at[CTX_SBB_ADDR], RING_SBBADDR);
        EXPECT_EQ(at[CTX_SBB_STATE], RING_SBBSTATE);
        EXPECT_EQ(at[CTX_BB_PER_CTX_PTR], RING_BB_PER_CTX_PTR);
        EXPECT_EQ(at[CTX_INDIRECT_CTX], RING_INDIRECT_CTX);
        EXPECT_EQ(at[CTX_INDIRECT_CTX_OFFSET], RING_INDIRECT_CTX_OFFSET);
        EXPECT_EQ(at[CTX_TIMESTAMP], RING_CTX_TIMESTAMP);
        EXPECT_EQ(at[CTX_PDP3_UDW], RING_PDP_UDW + 3u * 8);
        EXPECT_EQ(at[CTX_PDP0_UDW], RING_PDP_UDW);
        EXPECT_EQ(at[CTX_PDP0_LDW], RING_PDP_LDW);
        EXPECT_EQ(at[CTX_R_PWR_CLK_STATE], engine == ENGINE_RCS0 ? 0xc8u : 0x200u);
        EXPECT_EQ(at[0x55], RING_MI_MODE); // where Linux clears STOP_RING
        EXPECT_EQ(at[0x69], RING_GPR);
    }
}

TEST(ContextLayout, HeadersCountTheRegistersThatFollow)
{
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        unsigned count;
        const context_dword *rows = context_layout(engine, &count);
        unsigned expected = 0, next = 0, registers = 0;
        for (unsigned i = 0; i < count; i++) {
            if (rows[i].header) {
                EXPECT_EQ(expected, 0u) << "block before " << rows[i].index << " is short";
                EXPECT_GE(rows[i].index, next);
                expected = rows[i].header;
                next = rows[i].index + 1u;
                EXPECT_EQ(rows[i].posted, !(engine == ENGINE_RCS0 && rows[i].index == 0x41));
            } else {
                ASSERT_GT(expected, 0u);
                EXPECT_EQ(rows[i].index, next);
                next += 2;
                expected--;
                registers++;
            }
        }
        EXPECT_EQ(expected, 0u);
        EXPECT_EQ(registers, 68u);
        EXPECT_EQ(next, 0xaau); // where the hardware puts MI_BATCH_BUFFER_END
    }
}

TEST(ContextLayout, EveryRegisterHasARowThatSaysSo)
{
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        unsigned count, index;
        const context_dword *rows = context_layout(engine, &count);
        for (unsigned i = 0; i < count; i++) {
            if (rows[i].header) {
                continue;
            }
            const reg_desc *reg = reg_find(rows[i].offset, &index);
            ASSERT_NE(reg, nullptr) << std::hex << rows[i].offset;
            EXPECT_EQ(reg->engine, engine) << reg->name;
            EXPECT_TRUE(reg->flags & REG_CONTEXT) << reg->name;
        }
    }
}

TEST(ContextLayout, OtherEngines)
{
    unsigned count = 7;
    EXPECT_EQ(context_layout(ENGINE_COUNT, &count), nullptr);
    EXPECT_EQ(count, 0u);
}

} // namespace
