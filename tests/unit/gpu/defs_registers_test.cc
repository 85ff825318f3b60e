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

// What the probe of a guest's i915 touches (Linux 6.1 with vgpu active), by offset, so that a slip in the table shows.
TEST(RegisterTable, ProbeOfStockGuestHasRows)
{
    static const uint32_t offsets[] = {
        0x42300, 0x51000, 0xc6204,                               // device information
        0xa26c, 0x9120, 0x9134, 0x9138, 0x913c, 0x4094,          // fuses, clock, fault
        0x941c, 0x120010, 0x40e0, 0x40e4, 0x101008,              // reset, eDRAM, PPAT, GTT flush
        0x100000, 0x1000fc, 0x145000, 0x14500c, 0x145010,        // fences, DRAM
        0x45504, 0x46408, 0x42000, 0x45400, 0x45404, 0x4f060,    // power
        0x46010, 0x6c058, 0x6c05c, 0x6c060, 0x46000, 0x45008,    // clocks
        0x138124, 0x138128, 0x13812c,                            // pcode
        0x44200, 0x44300, 0x4433c, 0x44400, 0x4442c, 0x44440, 0x44460, 0x444e0, 0xc4000, 0x64834, 0x64838, 0xc4030, 0xc403c,
        0x42080, 0x46430, 0x45000, 0x41000, 0xc5100, 0x64000, 0x64400, 0x64010, 0x64310, 0xc2014, 0x60000, 0x6002c, 0x70008, 0x72008,
        0x70140, 0x7215c, 0x70240, 0x80000, 0x82ffc, 0x4a000, 0x4b3fc, // display
        0xfdc, 0x4090, 0x4ddc, 0x940c, 0x4ab0, 0x24d0, 0x24fc, 0x1a4d0, // workarounds, whitelist
        0xc800, 0xc8fc, 0xccfc, 0xb020, 0xb09c, 0x145998, 0xa008, 0xa0b8, // MOCS, RPS
        0x20a8, 0x229c, 0x209c, 0x2080, 0x20b4, 0x20b0, 0x20b8, 0x23a0, 0x2230, 0x22230, 0x12230, 0x1a230, // engines
        0xc050, 0xc340, 0x78000, 0x78008, 0x78010, 0x78818, 0x78838, 0x78854, // GuC, PVINFO
        0xa278, 0xa188, 0xa270, 0xd84, 0x130044, 0xd88,          // wake requests
    };
    for (uint32_t offset : offsets) {
        EXPECT_NE(reg_find(offset, nullptr), nullptr) << std::hex << offset;
    }
}

// A register that a guest's commands may write must not carry the value to another guest.
TEST(RegisterTable, CommandRegistersHaveAnOwner)
{
    unsigned rows;
    const reg_desc *table = reg_table(&rows);
    for (unsigned i = 0; i < rows; i++) {
        unsigned flags = table[i].flags;
        if (flags & REG_CMD) {
            EXPECT_TRUE(flags & (REG_CONTEXT | REG_PER_VGPU | REG_NONPRIV)) << table[i].name;
            EXPECT_NE(table[i].access, REG_RO) << table[i].name;
        }
        if (flags & REG_NONPRIV) {
            EXPECT_TRUE(flags & REG_NONPRIV_READ) << table[i].name;
        }
        EXPECT_FALSE((flags & REG_PER_VGPU) && (flags & REG_CONTEXT)) << table[i].name;
    }
}

TEST(RegisterTable, UnprivilegedBatchesSeeWhatMesaNeeds)
{
    auto flags = [](uint32_t offset) {
        const reg_desc *row = reg_find(offset, nullptr);
        return row ? (unsigned)row->flags : 0u;
    };
    static const uint32_t writable[] = {0x20d8, 0x2400, 0x2418, 0x2430, 0x2440, 0x2500, 0x2508, 0x2600, 0x267c,
                                        0x7004, 0x7008, 0x7034, 0x22600, 0x1267c, 0x22200, 0x5280};
    static const uint32_t readable[] = {0x2290, 0x2294, 0x2310, 0x2348, 0x2358, 0x235c, 0x22358, 0x5200, 0x525c};
    static const uint32_t privileged[] = {0x2030, 0x2230, 0x229c, 0x2080, 0x24d0, 0x2248, 0x2580, 0x7014, 0x7304, 0xb118,
                                          0x40e0, 0x44200, 0x100000, 0xc800, 0x941c, 0x22230};
    for (uint32_t offset : writable) {
        EXPECT_TRUE(flags(offset) & REG_NONPRIV) << std::hex << offset;
    }
    for (uint32_t offset : readable) {
        EXPECT_TRUE(flags(offset) & REG_NONPRIV_READ) << std::hex << offset;
    }
    for (uint32_t offset : privileged) {
        EXPECT_FALSE(flags(offset) & REG_NONPRIV) << std::hex << offset;
    }
}

// Linux 6.1 gen9_ctx_workarounds_init loads these in every new context, from the ring.
TEST(RegisterTable, ContextWorkaroundsOfGuestsPassTheAudit)
{
    static const uint32_t offsets[] = {R_CACHE_MODE_1, R_GEN7_COMMON_SLICE_CHICKEN2, R_GEN7_GT_MODE, R_GEN8_CS_CHICKEN1,
                                       R_GEN8_ROW_CHICKEN, R_GEN9_HALF_SLICE_CHICKEN5, R_GEN9_HALF_SLICE_CHICKEN7,
                                       R_GEN9_WM_CHICKEN3, R_HALF_SLICE_CHICKEN2, R_HALF_SLICE_CHICKEN3, R_HDC_CHICKEN0};
    for (uint32_t offset : offsets) {
        const reg_desc *row = reg_find(offset, nullptr);
        ASSERT_NE(row, nullptr);
        EXPECT_TRUE(row->flags & REG_CMD) << row->name;
        EXPECT_TRUE(row->flags & REG_CONTEXT) << row->name;
        EXPECT_TRUE(row->flags & REG_MASKED) << row->name;
    }
    // What controls the engine itself must not.
    for (uint32_t offset : {0x209cu, 0x229cu, 0x2030u, 0x2080u, 0x2230u, 0x20d0u, 0x2270u}) {
        EXPECT_FALSE(reg_find(offset, nullptr)->flags & REG_CMD) << std::hex << offset;
    }
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
