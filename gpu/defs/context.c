/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register state page of a Gen9 logical context, as a table: the model saves and restores by it, the driver makes images from it,
 * the decoder prints by it. Source of the layout: PRM SKL vol. 3, "Register/State Context"; Linux 6.1 gt/intel_lrc.c
 * (gen9_rcs_offsets, gen9_xcs_offsets).
 */
#include "gpu/defs/formats.h"

#include "gpu/defs/registers.h"

#define HEADER(index, count, posted) { (index), (count), 0, (posted) }
#define REG(index, offset) { (index), 0, (offset), false }

#define GPR4(index, base, n) \
    REG((index), (base) + RING_GPR + 4 * (n)), REG((index) + 2, (base) + RING_GPR + 4 * (n) + 4), \
    REG((index) + 4, (base) + RING_GPR + 4 * (n) + 8), REG((index) + 6, (base) + RING_GPR + 4 * (n) + 12)

/*
 * All engines have the same layout but for the third block: the render engine keeps its power state there, with a header that is not
 * force posted, the others the register at 0x200.
 */
#define LAYOUT(base, third, third_posted) \
    HEADER(0x01, 14, true), \
    REG(0x02, (base) + RING_CONTEXT_CONTROL), \
    REG(0x04, (base) + RING_HEAD), \
    REG(0x06, (base) + RING_TAIL), \
    REG(0x08, (base) + RING_START), \
    REG(0x0a, (base) + RING_CTL), \
    REG(0x0c, (base) + RING_BBADDR_UDW), \
    REG(0x0e, (base) + RING_BBADDR), \
    REG(0x10, (base) + RING_BBSTATE), \
    REG(0x12, (base) + RING_SBBADDR_UDW), \
    REG(0x14, (base) + RING_SBBADDR), \
    REG(0x16, (base) + RING_SBBSTATE), \
    REG(0x18, (base) + RING_BB_PER_CTX_PTR), \
    REG(0x1a, (base) + RING_INDIRECT_CTX), \
    REG(0x1c, (base) + RING_INDIRECT_CTX_OFFSET), \
    HEADER(0x21, 9, true), \
    REG(0x22, (base) + RING_CTX_TIMESTAMP), \
    REG(0x24, (base) + RING_PDP_UDW + 24), \
    REG(0x26, (base) + RING_PDP_LDW + 24), \
    REG(0x28, (base) + RING_PDP_UDW + 16), \
    REG(0x2a, (base) + RING_PDP_LDW + 16), \
    REG(0x2c, (base) + RING_PDP_UDW + 8), \
    REG(0x2e, (base) + RING_PDP_LDW + 8), \
    REG(0x30, (base) + RING_PDP_UDW), \
    REG(0x32, (base) + RING_PDP_LDW), \
    HEADER(0x41, 1, third_posted), \
    REG(0x42, third), \
    HEADER(0x51, 44, true), \
    REG(0x52, (base) + RING_EXCC), \
    REG(0x54, (base) + RING_MI_MODE), \
    REG(0x56, (base) + RING_INSTPM), \
    REG(0x58, (base) + RING_CNTR), \
    REG(0x5a, (base) + RING_THRESH), \
    REG(0x5c, (base) + RING_TIMESTAMP), \
    REG(0x5e, (base) + RING_BB_START_ADDR_UDW), \
    REG(0x60, (base) + RING_BB_START_ADDR), \
    REG(0x62, (base) + RING_BB_ADDR_DIFF), \
    REG(0x64, (base) + RING_BB_OFFSET), \
    REG(0x66, (base) + RING_PREDICATE_RESULT_1), \
    GPR4(0x68, base, 0), GPR4(0x70, base, 4), GPR4(0x78, base, 8), GPR4(0x80, base, 12), \
    GPR4(0x88, base, 16), GPR4(0x90, base, 20), GPR4(0x98, base, 24), GPR4(0xa0, base, 28), \
    REG(0xa8, (base) + RING_IPEHR)

static const struct context_dword rcs_layout[] = { LAYOUT(0x02000, R_GEN8_R_PWR_CLK_STATE, false) };
static const struct context_dword bcs_layout[] = { LAYOUT(0x22000, R_BCS_SWCTRL, true) };
static const struct context_dword vcs_layout[] = { LAYOUT(0x12000, R_VCS_SWCTRL, true) };
static const struct context_dword vecs_layout[] = { LAYOUT(0x1a000, R_VECS_SWCTRL, true) };

const struct context_dword *context_layout(unsigned engine, unsigned *count)
{
    static const struct context_dword *const layouts[ENGINE_COUNT] = {
        [ENGINE_RCS0] = rcs_layout, [ENGINE_BCS0] = bcs_layout, [ENGINE_VCS0] = vcs_layout, [ENGINE_VECS0] = vecs_layout,
    };

    /* All layouts have the same number of rows. */
    *count = engine < ENGINE_COUNT ? G_N_ELEMENTS(rcs_layout) : 0;
    return engine < ENGINE_COUNT ? layouts[engine] : NULL;
}
