// SPDX-License-Identifier: GPL-2.0-or-later
// The interrupt tree: mask, latch, enable, level and message rules, as i915's handler depends on them.
#include "gpu/blocks/irq_tree.h"

#include "gpu/gpu.h"

#include <gtest/gtest.h>

namespace {

constexpr uint32_t MASTER = 0x44200, ENABLE = 1u << 31;
constexpr uint32_t ISR = 0, IMR = 4, IIR = 8, IER = 12;

class IrqTree : public testing::Test {
  protected:
    irq_tree tree;
    void SetUp() override { irq_tree_reset(&tree); }
    uint32_t read(uint32_t offset)
    {
        uint32_t value = 0xdeadbeef;
        EXPECT_TRUE(irq_tree_read(&tree, offset, &value)) << std::hex << offset;
        return value;
    }
    void write(uint32_t offset, uint32_t value) { EXPECT_TRUE(irq_tree_write(&tree, offset, value)) << std::hex << offset; }
    void open(uint32_t bank, uint32_t bits)
    {
        write(bank + IMR, ~bits);
        write(bank + IER, bits);
    }
    bool message() { return irq_tree_take_message(&tree); }
};

constexpr struct {
    irq_bank bank;
    uint32_t offset;
    uint32_t low, high;
} BANKS[] = {
    {IRQ_GT0, 0x44300, 0, 1},      {IRQ_GT1, 0x44310, 2, 3},      {IRQ_GT2, 0x44320, 4, 5},      {IRQ_GT3, 0x44330, 6, 6},
    {IRQ_PIPE_A, 0x44400, 16, 16}, {IRQ_PIPE_B, 0x44410, 17, 17}, {IRQ_PIPE_C, 0x44420, 18, 18}, {IRQ_PORT, 0x44440, 20, 20},
    {IRQ_MISC, 0x44460, 22, 22},   {IRQ_PCU, 0x444e0, 30, 30},    {IRQ_SDE, 0xc4000, 23, 23},
};

TEST_F(IrqTree, EveryBankShowsInItsMasterBits)
{
    for (auto &b : BANKS) {
        irq_tree_reset(&tree);
        open(b.offset, 0x80000001);
        write(MASTER, ENABLE);
        irq_tree_set(&tree, b.bank, 1);
        EXPECT_EQ(read(MASTER), ENABLE | 1u << b.low) << std::hex << b.offset;
        irq_tree_set(&tree, b.bank, 0x80000000);
        EXPECT_EQ(read(MASTER), ENABLE | 1u << b.low | 1u << b.high) << std::hex << b.offset;
        EXPECT_EQ(read(b.offset + IIR), 0x80000001u);
        write(b.offset + IIR, 1);
        EXPECT_EQ(read(MASTER), ENABLE | 1u << b.high);
    }
}

TEST_F(IrqTree, MaskedEventsAreLostAndUnmaskingDoesNotBringThemBack)
{
    write(0x44300 + IER, 0xffffffff);
    write(MASTER, ENABLE);
    irq_tree_set(&tree, IRQ_GT0, 1);
    EXPECT_EQ(read(0x44300 + IIR), 0u);
    write(0x44300 + IMR, 0);
    EXPECT_EQ(read(0x44300 + IIR), 0u);
    EXPECT_FALSE(message());
}

TEST_F(IrqTree, MaskingDoesNotClearWhatIsLatched)
{
    open(0x44300, 1);
    irq_tree_set(&tree, IRQ_GT0, 1);
    write(0x44300 + IMR, 0xffffffff);
    EXPECT_EQ(read(0x44300 + IIR), 1u);
}

TEST_F(IrqTree, IerGatesTheLineButNotTheLatch)
{
    write(0x44300 + IMR, 0);
    write(MASTER, ENABLE);
    irq_tree_set(&tree, IRQ_GT0, 1);
    EXPECT_EQ(read(0x44300 + IIR), 1u);
    EXPECT_EQ(read(MASTER), ENABLE);
    EXPECT_FALSE(message());
    write(0x44300 + IER, 1);
    EXPECT_EQ(read(MASTER), ENABLE | 1u);
    EXPECT_TRUE(message());
}

TEST_F(IrqTree, IirHoldsTwoEventsAndNoMore)
{
    open(0x44310, 1);
    irq_tree_set(&tree, IRQ_GT1, 1);
    irq_tree_set(&tree, IRQ_GT1, 1);
    irq_tree_set(&tree, IRQ_GT1, 1);
    write(0x44310 + IIR, 1);
    EXPECT_EQ(read(0x44310 + IIR), 1u) << "the second event comes up again";
    write(0x44310 + IIR, 1);
    EXPECT_EQ(read(0x44310 + IIR), 0u) << "the third was merged";
}

TEST_F(IrqTree, WritingIirClearsOnlyTheBitsWritten)
{
    open(0x44310, 3);
    irq_tree_set(&tree, IRQ_GT1, 3);
    irq_tree_set(&tree, IRQ_GT1, 2);
    write(0x44310 + IIR, 1);
    EXPECT_EQ(read(0x44310 + IIR), 2u);
    write(0x44310 + IIR, 2);
    EXPECT_EQ(read(0x44310 + IIR), 2u);
}

TEST_F(IrqTree, IsrFollowsLevelsAndOnlyRisesLatch)
{
    open(0xc4000, IRQ_SDE_PORT_B_HOTPLUG);
    irq_tree_level(&tree, IRQ_SDE, IRQ_SDE_PORT_B_HOTPLUG, true);
    EXPECT_EQ(read(0xc4000 + ISR), uint32_t{IRQ_SDE_PORT_B_HOTPLUG});
    EXPECT_EQ(read(0xc4000 + IIR), uint32_t{IRQ_SDE_PORT_B_HOTPLUG});
    write(0xc4000 + IIR, 0xffffffff);
    irq_tree_level(&tree, IRQ_SDE, IRQ_SDE_PORT_B_HOTPLUG, true);
    EXPECT_EQ(read(0xc4000 + IIR), 0u) << "a level that stays is no event";
    irq_tree_level(&tree, IRQ_SDE, IRQ_SDE_PORT_B_HOTPLUG, false);
    EXPECT_EQ(read(0xc4000 + ISR), 0u);
    EXPECT_EQ(read(0xc4000 + IIR), 0u);
    irq_tree_level(&tree, IRQ_SDE, IRQ_SDE_PORT_B_HOTPLUG, true);
    EXPECT_EQ(read(0xc4000 + IIR), uint32_t{IRQ_SDE_PORT_B_HOTPLUG});
    write(0xc4000 + ISR, 0xffffffff);
    EXPECT_EQ(read(0xc4000 + ISR), uint32_t{IRQ_SDE_PORT_B_HOTPLUG}) << "ISR is read-only";
}

TEST_F(IrqTree, OneMessageForEachRiseOfTheLine)
{
    open(0x44300, 1);
    open(0x44400, 1);
    irq_tree_set(&tree, IRQ_GT0, 1);
    EXPECT_FALSE(message()) << "master disabled";
    write(MASTER, ENABLE);
    EXPECT_TRUE(message());
    EXPECT_FALSE(message()) << "taken once";
    irq_tree_set(&tree, IRQ_PIPE_A, 1);
    EXPECT_FALSE(message()) << "the line was up already";
    EXPECT_TRUE(irq_tree_line(&tree));
}

// gen8_irq_handler: disable, read, handle and clear, enable. An event in a bank that the handler has read past must send again.
TEST_F(IrqTree, EnablingTheMasterAgainWithSomethingLeftSendsAgain)
{
    open(0x44300, 1);
    open(0x44400, 1);
    write(MASTER, ENABLE);
    irq_tree_set(&tree, IRQ_GT0, 1);
    EXPECT_TRUE(message());
    write(MASTER, 0);
    EXPECT_EQ(read(MASTER), 1u);
    irq_tree_set(&tree, IRQ_PIPE_A, 1);
    write(0x44300 + IIR, 1);
    EXPECT_FALSE(message());
    write(MASTER, ENABLE);
    EXPECT_TRUE(message());
    write(MASTER, 0);
    write(0x44400 + IIR, 1);
    write(MASTER, ENABLE);
    EXPECT_FALSE(message());
    EXPECT_FALSE(irq_tree_line(&tree));
}

// A handler that only clears IIR relies on the bit going low before the second event raises it.
TEST_F(IrqTree, AWaitingSecondEventSendsWhenTheFirstIsCleared)
{
    open(0x44300, 1);
    write(MASTER, ENABLE);
    irq_tree_set(&tree, IRQ_GT0, 1);
    EXPECT_TRUE(message());
    irq_tree_set(&tree, IRQ_GT0, 1);
    EXPECT_FALSE(message());
    write(0x44300 + IIR, 1);
    EXPECT_TRUE(message());
}

TEST_F(IrqTree, OffsetsOutsideAreRefused)
{
    uint32_t value = 7;
    for (uint32_t offset : {0x441fcu, 0x44204u, 0x44340u, 0x44430u, 0x44450u, 0x44470u, 0x444dcu, 0x444f0u, 0xc3ffcu, 0xc4010u}) {
        EXPECT_FALSE(irq_tree_read(&tree, offset, &value)) << std::hex << offset;
        EXPECT_FALSE(irq_tree_write(&tree, offset, 0xffffffff)) << std::hex << offset;
    }
    EXPECT_EQ(value, 7u);
}

TEST_F(IrqTree, EnginesHaveTheirHalfBanks)
{
    unsigned shift;
    EXPECT_EQ(irq_tree_engine_bank(ENGINE_RCS0, &shift), IRQ_GT0);
    EXPECT_EQ(shift, 0u);
    EXPECT_EQ(irq_tree_engine_bank(ENGINE_BCS0, &shift), IRQ_GT0);
    EXPECT_EQ(shift, 16u);
    EXPECT_EQ(irq_tree_engine_bank(ENGINE_VCS0, &shift), IRQ_GT1);
    EXPECT_EQ(shift, 0u);
    EXPECT_EQ(irq_tree_engine_bank(ENGINE_VECS0, &shift), IRQ_GT3);
    EXPECT_EQ(shift, 0u);
}

} // namespace
