/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From registers to frequencies: which transcoder and port a pipe feeds, the PLL behind the port, the pixel clock, the
 * duration of a frame. Called by display_pipe.c. All values are a guest's; results are bounded.
 */
#include "gpu/blocks/display_internal.h"

/* TRANS_DDI_FUNC_CTL, TRANS_CONF, DPLL_* (PRM SKL vol. 2c and 12; i915_reg.h). */
enum {
    TRANSCODER_EDP = 3,
    TRANS_CONF_ENABLE = 1u << 31,
    FUNC_ENABLE = 1u << 31,
    FUNC_PORT_SHIFT = 28,
    FUNC_PORT_MASK = 7,
    FUNC_MODE_SHIFT = 24,
    FUNC_MODE_MASK = 7,
    FUNC_MODE_HDMI = 0,
    FUNC_MODE_DVI = 1,
    FUNC_MODE_DP_SST = 2,
    FUNC_EDP_INPUT_SHIFT = 12,
    FUNC_EDP_INPUT_MASK = 7,
    FUNC_EDP_INPUT_A_ON = 0,
    FUNC_EDP_INPUT_A = 4,
    FUNC_EDP_INPUT_B = 5,
    FUNC_EDP_INPUT_C = 6,
    DPLL0 = 0, /* the others are 1 .. 3 */
    TOTAL_MASK = 0x1fff,
    LINK_MN_MASK = 0xffffff,
};

enum {
    FRAME_DEFAULT_NS = 16666667, /* 60 Hz */
    FRAME_MIN_NS = 2000000,      /* bounds what a guest's timings can cost */
    FRAME_MAX_NS = 1000000000,
};

uint32_t display_transcoder_reg(unsigned transcoder, uint32_t offset_a)
{
    return transcoder == TRANSCODER_EDP ? offset_a + 0xf000 : offset_a + transcoder * PIPE_STRIDE;
}

static int edp_input(const struct display *display)
{
    switch ((display_reg(display, R_TRANS_DDI_FUNC_CTL_EDP) >> FUNC_EDP_INPUT_SHIFT) & FUNC_EDP_INPUT_MASK) {
    case FUNC_EDP_INPUT_A_ON:
    case FUNC_EDP_INPUT_A:
        return 0;
    case FUNC_EDP_INPUT_B:
        return 1;
    case FUNC_EDP_INPUT_C:
        return 2;
    default:
        return -1;
    }
}

int display_pipe_transcoder(const struct display *display, unsigned pipe)
{
    if ((display_reg(display, R_PIPECONF_EDP) & TRANS_CONF_ENABLE) &&
        (display_reg(display, R_TRANS_DDI_FUNC_CTL_EDP) & FUNC_ENABLE) && edp_input(display) == (int)pipe)
        return TRANSCODER_EDP;
    if (display_reg(display, R_PIPECONF + pipe * PIPE_STRIDE) & TRANS_CONF_ENABLE)
        return (int)pipe;
    return -1;
}

int display_transcoder_port(const struct display *display, unsigned transcoder)
{
    uint32_t func = display_reg(display, display_transcoder_reg(transcoder, R_TRANS_DDI_FUNC_CTL));
    unsigned port = (func >> FUNC_PORT_SHIFT) & FUNC_PORT_MASK;

    if (!(func & FUNC_ENABLE))
        return -1;
    if (transcoder == TRANSCODER_EDP)
        return DISPLAY_PORT_A;
    return port >= DISPLAY_PORT_B && port < DISPLAY_PORTS ? (int)port : -1;
}

/* The PLL that the port's clock comes from, -1 when it is off. */
static int port_pll(const struct display *display, unsigned port)
{
    uint32_t ctrl2 = display_reg(display, R_DPLL_CTRL2);

    if (ctrl2 & (1u << (port + 15))) /* clock off */
        return -1;
    if (!(ctrl2 & (1u << (port * 3)))) /* no override: DPLL0 */
        return DPLL0;
    return (int)((ctrl2 >> (port * 3 + 1)) & 3);
}

/* DisplayPort: the PLL runs at half of the link's bit rate; link symbols are ten bits. */
static uint64_t link_symbol_hz(const struct display *display, int pll)
{
    static const uint32_t rate_khz[8] = {270000, 135000, 81000, 162000, 108000, 216000};

    return rate_khz[(display_reg(display, R_DPLL_CTRL1) >> (pll * 6 + 1)) & 7] * 2 * 1000ull;
}

/* HDMI: DCO frequency over five times the three dividers. DPLL1 to DPLL3 can do it. */
static uint64_t tmds_hz(const struct display *display, int pll)
{
    static const uint8_t pdiv[8] = {1, 2, 3, 0, 7, 7}, kdiv[4] = {5, 2, 3, 1};
    uint32_t cfgcr1, cfgcr2;
    unsigned p, q, k;
    uint64_t dco_hz;

    if (pll == DPLL0)
        return 0;
    cfgcr1 = display_reg(display, R_DPLL_CFGCR1 + (unsigned)(pll - 1) * 8);
    cfgcr2 = display_reg(display, R_DPLL_CFGCR2 + (unsigned)(pll - 1) * 8);
    p = pdiv[(cfgcr2 >> 2) & 7];
    k = kdiv[(cfgcr2 >> 5) & 3];
    q = cfgcr2 & (1 << 7) ? (cfgcr2 >> 8) & 0xff : 1;
    dco_hz = (cfgcr1 & 0x1ff) * 24000000ull + ((cfgcr1 >> 9) & 0x7fff) * 24000000ull / 0x8000;
    return p && q ? dco_hz / (5ull * p * q * k) : 0;
}

uint64_t display_pixel_hz(const struct display *display, unsigned transcoder)
{
    uint32_t func = display_reg(display, display_transcoder_reg(transcoder, R_TRANS_DDI_FUNC_CTL));
    int port = display_transcoder_port(display, transcoder);
    int pll = port < 0 ? -1 : port_pll(display, (unsigned)port);
    uint64_t m, n;

    if (pll < 0)
        return 0;
    switch ((func >> FUNC_MODE_SHIFT) & FUNC_MODE_MASK) {
    case FUNC_MODE_HDMI:
    case FUNC_MODE_DVI:
        return tmds_hz(display, pll);
    case FUNC_MODE_DP_SST:
        m = display_reg(display, display_transcoder_reg(transcoder, R_PIPE_LINK_M1)) & LINK_MN_MASK;
        n = display_reg(display, display_transcoder_reg(transcoder, R_PIPE_LINK_N1)) & LINK_MN_MASK;
        return n ? link_symbol_hz(display, pll) * m / n : 0;
    default:
        return 0;
    }
}

uint64_t display_transcoder_frame_ns(const struct display *display, unsigned transcoder)
{
    uint64_t htotal = ((display_reg(display, display_transcoder_reg(transcoder, R_TRANS_HTOTAL)) >> 16) & TOTAL_MASK) + 1;
    uint64_t vtotal = ((display_reg(display, display_transcoder_reg(transcoder, R_TRANS_VTOTAL)) >> 16) & TOTAL_MASK) + 1;
    uint64_t hz = display_pixel_hz(display, transcoder), frame_ns;

    if (!hz || htotal == 1 || vtotal == 1)
        return FRAME_DEFAULT_NS;
    frame_ns = (htotal * vtotal * 1000000000ull + hz / 2) / hz;
    return CLAMP(frame_ns, FRAME_MIN_NS, FRAME_MAX_NS);
}
