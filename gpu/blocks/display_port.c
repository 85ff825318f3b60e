/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports: DDI buffers and transport (idle bits), what is plugged in (live state, hotplug status and interrupt), panel power.
 * Everything answers at once. Called by display.c.
 */
#include "gpu/blocks/display_internal.h"

/* PRM SKL vol. 2c; i915_reg.h. */
enum {
    DDI_BUF_CTL_ENABLE = 1u << 31,
    DDI_BUF_IS_IDLE = 1 << 7,
    DDI_A_4_LANES = 1 << 4,
    DDI_INIT_DISPLAY_DETECTED = 1 << 0,
    DP_TP_CTL_ENABLE = 1u << 31,
    DP_TP_CTL_FORCE_ACT = 1 << 25,
    DP_TP_CTL_TRAIN_MASK = 7 << 8,
    DP_TP_CTL_TRAIN_IDLE = 2 << 8,
    DP_TP_STATUS_IDLE_DONE = 1 << 25,
    DP_TP_STATUS_ACT_SENT = 1 << 24,
    DP_TP_STATUS_STICKY = DP_TP_STATUS_IDLE_DONE | DP_TP_STATUS_ACT_SENT,
    PP_CONTROL_POWER_ON = 1 << 0,
    PP_STATUS_ON = 1u << 31,
    PP_STATUS_STATE_ON_IDLE = 8,
    HOTPLUG2_ENABLE_E = 1 << 4,
    HOTPLUG_LONG = 2,
    IRQ_SDE_PORT_E_HOTPLUG = 1 << 25,
};

const struct display_wiring display_board = {
    .dp = 1 << DISPLAY_PORT_B | 1 << DISPLAY_PORT_C | 1 << DISPLAY_PORT_D,
    .hdmi = 1 << DISPLAY_PORT_B | 1 << DISPLAY_PORT_C | 1 << DISPLAY_PORT_D,
};

/* Bits of SFUSE_STRAP; ports A and E have none. */
static const uint8_t sfuse[DISPLAY_PORTS] = {[DISPLAY_PORT_B] = 1 << 2, [DISPLAY_PORT_C] = 1 << 1, [DISPLAY_PORT_D] = 1 << 0};

/* Hotplug of the Sunrise Point PCH: enable bit and two status bits of a port, and its interrupt. */
static const struct {
    uint32_t offset;
    uint32_t enable;
    uint8_t status_shift;
    uint32_t irq;
} hotplug[DISPLAY_PORTS] = {
    [DISPLAY_PORT_A] = {R_PCH_PORT_HOTPLUG, 1 << 28, 24, IRQ_SDE_PORT_A_HOTPLUG},
    [DISPLAY_PORT_B] = {R_PCH_PORT_HOTPLUG, 1 << 4, 0, IRQ_SDE_PORT_B_HOTPLUG},
    [DISPLAY_PORT_C] = {R_PCH_PORT_HOTPLUG, 1 << 12, 8, IRQ_SDE_PORT_B_HOTPLUG << 1},
    [DISPLAY_PORT_D] = {R_PCH_PORT_HOTPLUG, 1 << 20, 16, IRQ_SDE_PORT_B_HOTPLUG << 2},
    [DISPLAY_PORT_E] = {R_PCH_PORT_HOTPLUG2, HOTPLUG2_ENABLE_E, 0, IRQ_SDE_PORT_E_HOTPLUG},
};

static uint32_t hotplug_status_mask(uint32_t offset)
{
    uint32_t mask = 0;

    for (unsigned i = 0; i < DISPLAY_PORTS; i++) {
        if (hotplug[i].offset == offset)
            mask |= 3u << hotplug[i].status_shift;
    }
    return mask;
}

/* Port and register of port A. */
static bool ddi_decode(uint32_t offset, unsigned *port, uint32_t *offset_a)
{
    if (offset < R_DDI_BUF_CTL || offset >= R_DDI_BUF_CTL + DISPLAY_PORTS * PORT_STRIDE)
        return false;
    *port = (offset - R_DDI_BUF_CTL) / PORT_STRIDE;
    *offset_a = offset - *port * PORT_STRIDE;
    return true;
}

static bool ddi_write(struct display *display, unsigned port, uint32_t offset_a, uint32_t offset, uint32_t value)
{
    uint32_t status = R_DP_TP_STATUS + port * PORT_STRIDE;

    switch (offset_a) {
    case R_DDI_BUF_CTL: {
        /* Straps, and whether it idles, are not software's to write. */
        uint32_t fixed = display_reg(display, offset) & (DDI_INIT_DISPLAY_DETECTED | (port ? 0 : DDI_A_4_LANES));
        uint32_t own = DDI_BUF_IS_IDLE | DDI_INIT_DISPLAY_DETECTED | (port ? 0 : DDI_A_4_LANES);

        value = (value & ~own) | fixed;
        if (!(value & DDI_BUF_CTL_ENABLE))
            value |= DDI_BUF_IS_IDLE;
        display_reg_set(display, offset, value);
        return true;
    }
    case R_DP_TP_CTL:
        display_reg_set(display, offset, value);
        if ((value & DP_TP_CTL_ENABLE) && (value & DP_TP_CTL_TRAIN_MASK) == DP_TP_CTL_TRAIN_IDLE)
            display_reg_set(display, status, display_reg(display, status) | DP_TP_STATUS_IDLE_DONE);
        if ((value & DP_TP_CTL_ENABLE) && (value & DP_TP_CTL_FORCE_ACT))
            display_reg_set(display, status, display_reg(display, status) | DP_TP_STATUS_ACT_SENT);
        return true;
    case R_DP_TP_STATUS: /* writing ones clears; the rest is read-only */
        display_reg_set(display, status, display_reg(display, status) & ~(value & DP_TP_STATUS_STICKY));
        return true;
    default:
        return false;
    }
}

bool port_mmio_write(struct display *display, uint32_t offset, uint32_t value)
{
    uint32_t offset_a, status;
    unsigned port;

    if (ddi_decode(offset, &port, &offset_a))
        return ddi_write(display, port, offset_a, offset, value);
    switch (offset) {
    case R_PCH_PORT_HOTPLUG:
    case R_PCH_PORT_HOTPLUG2:
        /* Enables are memory; status is cleared by ones. */
        status = hotplug_status_mask(offset);
        display_reg_set(display, offset, (value & ~status) | (display_reg(display, offset) & ~value & status));
        return true;
    case R_PCH_PP_CONTROL:
        display_reg_set(display, offset, value);
        display_reg_set(display, R_PCH_PP_STATUS, value & PP_CONTROL_POWER_ON ? PP_STATUS_ON | PP_STATUS_STATE_ON_IDLE : 0);
        return true;
    default:
        return false;
    }
}

void port_set_connected(struct display *display, bool connected, bool notify)
{
    unsigned port = display->port;
    uint32_t offset = hotplug[port].offset;
    bool changed = display->s.monitor.connected != connected;

    display->s.monitor.connected = connected;
    if (changed)
        monitor_reset(&display->s.monitor);
    /* The live state. Its edge would be an event, but the events are those below: long pulses on ports that watch. */
    if (connected)
        display->irq->bank[IRQ_SDE].isr |= hotplug[port].irq;
    else
        display->irq->bank[IRQ_SDE].isr &= ~hotplug[port].irq;
    if (port == DISPLAY_PORT_A) {
        if (connected)
            display->irq->bank[IRQ_PORT].isr |= IRQ_PORT_DP_A_HOTPLUG;
        else
            display->irq->bank[IRQ_PORT].isr &= ~(uint32_t)IRQ_PORT_DP_A_HOTPLUG;
    }
    if (notify && changed && (display_reg(display, offset) & hotplug[port].enable)) {
        display_reg_set(display, offset, display_reg(display, offset) | HOTPLUG_LONG << hotplug[port].status_shift);
        irq_tree_set(display->irq, IRQ_SDE, hotplug[port].irq);
    }
}

void port_reset(struct display *display)
{
    uint32_t strap = display_reg(display, R_SFUSE_STRAP);

    for (unsigned port = 0; port < DISPLAY_PORTS; port++) {
        uint32_t value = DDI_BUF_IS_IDLE;

        if (port == DISPLAY_PORT_A) {
            value |= DDI_A_4_LANES;
            if (display->kind != DISPLAY_MONITOR_NONE && display->port == port)
                value |= DDI_INIT_DISPLAY_DETECTED;
        }
        display_reg_set(display, R_DDI_BUF_CTL + port * PORT_STRIDE, value);
        strap &= ~(uint32_t)sfuse[port];
        if ((display_board.dp | display_board.hdmi) & 1u << port)
            strap |= sfuse[port];
    }
    display_reg_set(display, R_SFUSE_STRAP, strap);
    port_set_connected(display, display->s.monitor.connected, false);
}
