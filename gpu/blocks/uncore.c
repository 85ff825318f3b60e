/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forcewake, GT reset, power, clocks and frequency. Called for registers of class REG_UNCORE by the model and by each vGPU. */
#include "gpu/blocks/uncore.h"

#include <string.h>

#include "gpu/blocks/regfile.h"
#include "gpu/trace.h"

enum {
    GDRST_ALL = GDRST_FULL | GDRST_RENDER | GDRST_MEDIA | GDRST_BLITTER | GDRST_VECS | GDRST_GUC | GDRST_MEDIA2,

    /* Power wells: a request bit and a state bit for each of 16 wells, in every one of the four requesters' registers. */
    PWR_WELL_REQUESTS = 0xaaaaaaaau,
    PWR_WELL_REQUESTERS = 4,

    DBUF_POWER_REQUEST = 1u << 31,
    DBUF_POWER_STATE = 1 << 30,
    DPLL_ENABLE = 1u << 31, /* LCPLL1/2_CTL, WRPLL_CTL */
    LCPLL_LOCK = 1 << 30,

    FREQUENCY_SHIFT = 23, /* RPNSWREQ and RPSTAT1, 9 bits in units of 50/3 MHz (i915 GEN9_FREQUENCY, GEN9_CAGF_SHIFT) */
    FREQUENCY_MASK = 0x1ff,
    FREQUENCY_SCALER = 3, /* RP_STATE_CAP is in units of 50 MHz */

    RC_HW_ENABLE = 1u << 31,
    RC_RC6_ENABLE = 1 << 18,
    RC6_COUNTER_NS = 1280, /* i915 intel_rc6_residency_ns */
};

static uint32_t get(const struct uncore *uncore, uint32_t offset)
{
    return regfile_get(uncore->regs, offset);
}

static void set(struct uncore *uncore, uint32_t offset, uint32_t value)
{
    regfile_set(uncore->regs, offset, value);
}

void uncore_init(struct uncore *uncore, uint32_t *regs)
{
    memset(uncore, 0, sizeof(*uncore));
    uncore->regs = regs;
    uncore->start_ns = trace_now_ns();
}

/* The GT runs at what was asked for, within what the part can do. */
static void update_frequency(struct uncore *uncore)
{
    uint32_t cap = get(uncore, R_GEN6_RP_STATE_CAP);
    uint32_t request = get(uncore, R_GEN6_RPNSWREQ) >> FREQUENCY_SHIFT & FREQUENCY_MASK;
    uint32_t lowest = (cap >> 16 & 0xff) * FREQUENCY_SCALER, highest = (cap & 0xff) * FREQUENCY_SCALER;

    set(uncore, R_GEN6_RPSTAT1, MAX(lowest, MIN(request, highest)) << FREQUENCY_SHIFT);
}

/* The GT can be in RC6 while software allows it and nobody keeps a part of it awake. */
static bool may_sleep(const struct uncore *uncore)
{
    uint32_t control = get(uncore, R_GEN6_RC_CONTROL);

    return (control & (RC_HW_ENABLE | RC_RC6_ENABLE)) && !get(uncore, R_FORCEWAKE_ACK_HSW) &&
           !get(uncore, R_FORCEWAKE_ACK_RENDER_GEN9) && !get(uncore, R_FORCEWAKE_ACK_MEDIA_GEN9);
}

static void update_rc6(struct uncore *uncore)
{
    uint64_t now = trace_now_ns();

    if (uncore->rc6_since_ns)
        uncore->rc6_ns += now - uncore->rc6_since_ns;
    uncore->rc6_since_ns = may_sleep(uncore) ? now : 0;
}

void uncore_reset(struct uncore *uncore)
{
    memset(&uncore->pcode, 0, sizeof(uncore->pcode));
    uncore->rc6_ns = 0;
    uncore->rc6_since_ns = 0;
    update_frequency(uncore);
}

uint64_t uncore_timestamp(const struct uncore *uncore)
{
    unsigned __int128 ns = trace_now_ns() - uncore->start_ns;

    return (uint64_t)(ns * UNCORE_TIMESTAMP_HZ / 1000000000) & UINT64_C(0xfffffffff);
}

uint32_t uncore_read(struct uncore *uncore, uint32_t offset)
{
    switch (offset) {
    case R_GEN6_GT_GFX_RC6:
        update_rc6(uncore);
        return uncore->rc6_ns / RC6_COUNTER_NS;
    default:
        return regfile_read(uncore->regs, reg_find(offset, NULL), offset);
    }
}

static void write_forcewake(struct uncore *uncore, uint32_t offset, uint32_t ack, uint32_t value)
{
    set(uncore, ack, regfile_change(uncore->regs, offset, value >> 16, value));
    update_rc6(uncore);
}

/* Any of the four requesters keeps a well on, and all see its state. */
static void update_power_wells(struct uncore *uncore)
{
    uint32_t requests = 0;

    for (unsigned i = 0; i < PWR_WELL_REQUESTERS; i++)
        requests |= get(uncore, R_HSW_PWR_WELL_CTL1 + 4 * i) & PWR_WELL_REQUESTS;
    for (unsigned i = 0; i < PWR_WELL_REQUESTERS; i++)
        regfile_change(uncore->regs, R_HSW_PWR_WELL_CTL1 + 4 * i, ~(uint32_t)PWR_WELL_REQUESTS, requests >> 1);
}

static void write_dpll(struct uncore *uncore, uint32_t offset, uint32_t value, unsigned id)
{
    bool on = value & DPLL_ENABLE;

    if (offset == R_LCPLL1_CTL)
        value = (value & ~(uint32_t)LCPLL_LOCK) | (on ? LCPLL_LOCK : 0);
    set(uncore, offset, value);
    regfile_change(uncore->regs, R_DPLL_STATUS, 1u << (8 * id), on ? 1u << (8 * id) : 0);
}

static void write_mailbox(struct uncore *uncore, uint32_t value)
{
    if (value & PCODE_READY) {
        uint32_t data = get(uncore, R_GEN6_PCODE_DATA), data1 = get(uncore, R_GEN6_PCODE_DATA1);
        value = pcode_execute(&uncore->pcode, value, &data, &data1);
        set(uncore, R_GEN6_PCODE_DATA, data);
        set(uncore, R_GEN6_PCODE_DATA1, data1);
    }
    set(uncore, R_GEN6_PCODE_MAILBOX, value);
}

uint32_t uncore_write(struct uncore *uncore, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case R_FORCEWAKE_RENDER_GEN9:
        write_forcewake(uncore, offset, R_FORCEWAKE_ACK_RENDER_GEN9, value);
        return 0;
    case R_FORCEWAKE_MEDIA_GEN9:
        write_forcewake(uncore, offset, R_FORCEWAKE_ACK_MEDIA_GEN9, value);
        return 0;
    case R_FORCEWAKE_MT: /* the GT, or blitter, domain on Gen9 */
        write_forcewake(uncore, offset, R_FORCEWAKE_ACK_HSW, value);
        return 0;
    case R_GEN6_GDRST: {
        uint32_t busy = get(uncore, offset), bits = value & GDRST_ALL & ~busy;
        set(uncore, offset, busy | bits);
        return bits;
    }
    case R_GEN6_PCODE_MAILBOX:
        write_mailbox(uncore, value);
        return 0;
    case R_HSW_PWR_WELL_CTL1:
    case R_HSW_PWR_WELL_CTL2:
    case R_HSW_PWR_WELL_CTL3:
    case R_HSW_PWR_WELL_CTL4:
        regfile_change(uncore->regs, offset, PWR_WELL_REQUESTS, value);
        update_power_wells(uncore);
        return 0;
    case R_DBUF_CTL:
        value &= ~(uint32_t)DBUF_POWER_STATE;
        set(uncore, offset, value | (value & DBUF_POWER_REQUEST ? DBUF_POWER_STATE : 0));
        return 0;
    case R_LCPLL1_CTL:
        write_dpll(uncore, offset, value, 0);
        return 0;
    case R_LCPLL2_CTL:
        write_dpll(uncore, offset, value, 1);
        return 0;
    case R_WRPLL_CTL:
        write_dpll(uncore, offset, value, 2);
        return 0;
    case R_WRPLL_CTL + 0x20: /* the second of the row */
        write_dpll(uncore, offset, value, 3);
        return 0;
    case R_GEN6_RPNSWREQ:
        set(uncore, offset, value);
        update_frequency(uncore);
        return 0;
    case R_GEN6_RC_CONTROL:
        set(uncore, offset, value);
        update_rc6(uncore);
        return 0;
    default:
        regfile_write(uncore->regs, reg_find(offset, NULL), offset, value);
        return 0;
    }
}

void uncore_reset_done(struct uncore *uncore, uint32_t gdrst)
{
    regfile_change(uncore->regs, R_GEN6_GDRST, gdrst, 0);
}

unsigned uncore_reset_engines(uint32_t gdrst)
{
    static const struct {
        uint32_t bit;
        unsigned engines;
    } domains[] = {
        {GDRST_FULL, (1 << ENGINE_COUNT) - 1}, {GDRST_RENDER, 1 << ENGINE_RCS0}, {GDRST_MEDIA, 1 << ENGINE_VCS0},
        {GDRST_BLITTER, 1 << ENGINE_BCS0},     {GDRST_VECS, 1 << ENGINE_VECS0},
    };
    unsigned engines = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(domains); i++)
        if (gdrst & domains[i].bit)
            engines |= domains[i].engines;
    return engines;
}
