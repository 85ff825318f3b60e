// SPDX-License-Identifier: GPL-2.0-or-later
// The register table: order, uniqueness, lookup and names.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "gpu/defs/registers.h"

namespace {

TEST(RegisterTable, SortedAndEachDwordInOneRow)
{
    unsigned rows;
    const reg_desc *table = reg_table(&rows);
    std::map<uint32_t, std::string> owner;

    ASSERT_GT(rows, 300u);
    for (unsigned i = 0; i < rows; i++) {
        const reg_desc &row = table[i];
        if (i) {
            EXPECT_LE(table[i - 1].offset, row.offset) << row.name;
        }
        EXPECT_GE(row.count, 1) << row.name;
        EXPECT_EQ(row.offset % 4, 0u) << row.name;
        EXPECT_EQ(row.stride % 4, 0u) << row.name;
        EXPECT_GE(row.stride, 4u) << row.name;
        EXPECT_LT(row.cls, REG_CLASS_COUNT) << row.name;
        EXPECT_LE(row.offset + (row.count - 1) * row.stride, MMIO_SIZE - 4u) << row.name;
        for (unsigned k = 0; k < row.count; k++) {
            auto [it, fresh] = owner.emplace(row.offset + k * row.stride, row.name);
            EXPECT_TRUE(fresh) << row.name << " and " << it->second << " share an offset";
        }
    }
}

TEST(RegisterTable, NamesAreUnique)
{
    unsigned rows;
    const reg_desc *table = reg_table(&rows);
    std::set<std::pair<std::string, unsigned>> names;

    for (unsigned i = 0; i < rows; i++)
        EXPECT_TRUE(names.emplace(table[i].name, table[i].engine).second) << table[i].name;
}

TEST(RegisterTable, FindsEveryInstanceOfEveryRow)
{
    unsigned rows, index;
    const reg_desc *table = reg_table(&rows);

    for (unsigned i = 0; i < rows; i++) {
        for (unsigned k = 0; k < table[i].count; k++) {
            const reg_desc *row = reg_find(table[i].offset + k * table[i].stride, &index);
            ASSERT_EQ(row, &table[i]) << table[i].name;
            EXPECT_EQ(index, k) << table[i].name;
        }
    }
}

TEST(RegisterTable, RejectsOtherOffsets)
{
    unsigned index;
    EXPECT_EQ(reg_find(R_GEN8_MASTER_IRQ + 1, &index), nullptr);
    EXPECT_EQ(reg_find(MMIO_SIZE, &index), nullptr);
    EXPECT_EQ(reg_find(0xfffffffc, &index), nullptr);
    EXPECT_EQ(reg_find(0x1ffffc, nullptr), nullptr);
}

TEST(RegisterTable, EngineRowsAreRelativeToTheirBases)
{
    unsigned index;
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        const reg_desc *row = reg_find(engine_mmio_base(engine) + RING_GPR + 4 * 31, &index);
        ASSERT_NE(row, nullptr);
        EXPECT_STREQ(row->name, "RING_GPR");
        EXPECT_EQ(row->engine, engine);
        EXPECT_EQ(row->cls, REG_ENGINE);
        EXPECT_EQ(index, 31u);
    }
    EXPECT_EQ(engine_mmio_base(ENGINE_COUNT), 0u);
}

TEST(RegisterTable, NamesForPeople)
{
    char buf[64];
    EXPECT_STREQ(reg_name(0x22030, buf, sizeof(buf)), "RING_TAIL[bcs0]");
    EXPECT_STREQ(reg_name(0x2604, buf, sizeof(buf)), "RING_GPR[rcs0][1]");
    EXPECT_STREQ(reg_name(0x100018, buf, sizeof(buf)), "FENCE_REG[3]");
    EXPECT_STREQ(reg_name(0x44200, buf, sizeof(buf)), "GEN8_MASTER_IRQ");
    EXPECT_STREQ(reg_name(0x1ffff0, buf, sizeof(buf)), "0x1ffff0");
    char tiny[6];
    EXPECT_STREQ(reg_name(0x22030, tiny, sizeof(tiny)), "RING_");
}

} // namespace
