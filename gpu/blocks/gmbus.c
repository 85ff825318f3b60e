/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GMBUS, the PCH's I2C controller, with an HDMI monitor at its port's pin. Cycles run as fast as software moves bytes
 * through GMBUS3; an absent device is a NAK. The GPIO pins read as an idle bus (bit-banging finds nobody). Called by
 * display.c.
 */
#include <string.h>

#include "gpu/blocks/display_internal.h"

/* PRM SKL vol. 12 "GMBUS"; i915 display/intel_gmbus_regs.h. */
enum {
    GMBUS0_PIN_MASK = 0x7,

    GMBUS1_SW_CLR_INT = 1u << 31,
    GMBUS1_SW_RDY = 1 << 30,
    GMBUS1_CYCLE_WAIT = 1 << 25,
    GMBUS1_CYCLE_INDEX = 1 << 26,
    GMBUS1_CYCLE_STOP = 1 << 27,
    GMBUS1_CYCLE_MASK = 7 << 25,
    GMBUS1_COUNT_SHIFT = 16,
    GMBUS1_COUNT_MASK = 0x1ff,
    GMBUS1_INDEX_SHIFT = 8,
    GMBUS1_SLAVE_SHIFT = 1,
    GMBUS1_READ = 1 << 0,

    GMBUS2_INUSE = 1 << 15, /* reading takes it, writing one gives it back */
    GMBUS2_HW_WAIT_PHASE = 1 << 14,
    GMBUS2_HW_RDY = 1 << 11,
    GMBUS2_SATOER = 1 << 10,
    GMBUS2_ACTIVE = 1 << 9,

    GMBUS4_NAK_EN = 1 << 3,
    GMBUS4_IDLE_EN = 1 << 2,
    GMBUS4_HW_WAIT_EN = 1 << 1,
    GMBUS4_HW_RDY_EN = 1 << 0,

    GMBUS5_2BYTE_INDEX_EN = 1u << 31,

    GPIO_CLOCK_IN = 1 << 4,
    GPIO_DATA_IN = 1 << 12,
    GPIO_PINS = 6,
};

static int pin_port(unsigned pin)
{
    switch (pin) {
    case DISPLAY_GMBUS_PIN_C:
        return DISPLAY_PORT_C;
    case DISPLAY_GMBUS_PIN_B:
        return DISPLAY_PORT_B;
    case DISPLAY_GMBUS_PIN_D:
        return DISPLAY_PORT_D;
    default:
        return -1;
    }
}

static struct monitor *slave_bus(struct display *display)
{
    int port = pin_port(display->s.gmbus.pin);

    return port >= 0 && display_monitor_on(display, (unsigned)port, DISPLAY_MONITOR_HDMI) ? &display->s.monitor : NULL;
}

static uint32_t status(const struct display *display)
{
    const struct gmbus_state *gmbus = &display->s.gmbus;
    uint32_t value = display_reg(display, R_PCH_GMBUS2) & GMBUS2_INUSE;

    if (gmbus->nak)
        return value | GMBUS2_SATOER;
    if (gmbus->active)
        value |= GMBUS2_ACTIVE;
    /* With bytes left the controller waits for software to move them; without, for the next cycle. */
    if (gmbus->left || !gmbus->active)
        value |= GMBUS2_HW_RDY;
    else
        value |= GMBUS2_HW_WAIT_PHASE | GMBUS2_HW_RDY;
    return value;
}

/* Interrupts are for the conditions that GMBUS4 asks for, when they hold. */
static void notify(struct display *display)
{
    uint32_t want = display_reg(display, R_PCH_GMBUS4), now = status(display);

    if (((want & GMBUS4_NAK_EN) && (now & GMBUS2_SATOER)) || ((want & GMBUS4_IDLE_EN) && !(now & GMBUS2_ACTIVE)) ||
        ((want & GMBUS4_HW_WAIT_EN) && (now & GMBUS2_HW_WAIT_PHASE)) || ((want & GMBUS4_HW_RDY_EN) && (now & GMBUS2_HW_RDY)))
        irq_tree_set(display->irq, IRQ_SDE, IRQ_SDE_GMBUS);
}

/* The slave did not acknowledge: the controller lets go of the bus and keeps the error until software clears it. */
static void nak(struct display *display, struct monitor *monitor)
{
    struct gmbus_state *gmbus = &display->s.gmbus;

    if (monitor)
        monitor_i2c_stop(monitor);
    gmbus->active = false;
    gmbus->left = 0;
    gmbus->nak = true;
}

static void stop(struct display *display)
{
    struct gmbus_state *gmbus = &display->s.gmbus;
    struct monitor *monitor = slave_bus(display);

    if (monitor)
        monitor_i2c_stop(monitor);
    gmbus->active = false;
    gmbus->left = 0;
}

/* Moves up to four bytes of a write from GMBUS3 to the slave. */
static void push(struct display *display)
{
    struct gmbus_state *gmbus = &display->s.gmbus;
    struct monitor *monitor = slave_bus(display);
    uint32_t data = display_reg(display, R_PCH_GMBUS3);

    for (unsigned i = 0; i < 4 && gmbus->left; i++, gmbus->left--) {
        if (!monitor || !monitor_i2c_write(monitor, (uint8_t)(data >> (8 * i)))) {
            nak(display, monitor);
            return;
        }
    }
}

static void cycle(struct display *display, uint32_t value)
{
    struct gmbus_state *gmbus = &display->s.gmbus;
    uint8_t slave = (value >> GMBUS1_SLAVE_SHIFT) & 0x7f;
    struct monitor *monitor;

    if (!(value & GMBUS1_CYCLE_MASK))
        return;
    if ((value & GMBUS1_CYCLE_STOP) && !(value & GMBUS1_CYCLE_WAIT)) {
        stop(display);
        return;
    }
    gmbus->pin = display_reg(display, R_PCH_GMBUS0) & GMBUS0_PIN_MASK;
    gmbus->read = value & GMBUS1_READ;
    gmbus->left = (value >> GMBUS1_COUNT_SHIFT) & GMBUS1_COUNT_MASK;
    monitor = slave_bus(display);
    gmbus->active = true;
    if (value & GMBUS1_CYCLE_INDEX || display_reg(display, R_PCH_GMBUS5) & GMBUS5_2BYTE_INDEX_EN) {
        uint32_t index2 = display_reg(display, R_PCH_GMBUS5);
        bool ack = monitor && monitor_i2c_start(monitor, slave, false);

        if (ack && (index2 & GMBUS5_2BYTE_INDEX_EN))
            ack = monitor_i2c_write(monitor, (uint8_t)(index2 >> 8)) && monitor_i2c_write(monitor, (uint8_t)index2);
        else if (ack)
            ack = monitor_i2c_write(monitor, (uint8_t)(value >> GMBUS1_INDEX_SHIFT));
        if (!ack) {
            nak(display, monitor);
            return;
        }
        /* A write goes on after the index; a read turns the bus around. */
        if (gmbus->read && !monitor_i2c_start(monitor, slave, true)) {
            nak(display, monitor);
            return;
        }
    } else if (!monitor || !monitor_i2c_start(monitor, slave, gmbus->read)) {
        nak(display, monitor);
        return;
    }
    if (!gmbus->read)
        push(display); /* software loads the first bytes before it starts the cycle */
    if ((value & GMBUS1_CYCLE_STOP) && !gmbus->left)
        stop(display);
}

bool gmbus_mmio_read(struct display *display, uint32_t offset, uint32_t *value)
{
    struct gmbus_state *gmbus = &display->s.gmbus;

    if (offset == R_PCH_GMBUS2) {
        *value = status(display);
        display_reg_set(display, offset, *value | GMBUS2_INUSE);
        return true;
    }
    if (offset == R_PCH_GMBUS3) {
        struct monitor *monitor = slave_bus(display);
        uint32_t data = 0;

        if (!gmbus->active || !gmbus->read || !gmbus->left || !monitor) {
            *value = display_reg(display, offset);
            return true;
        }
        for (unsigned i = 0; i < 4 && gmbus->left; i++, gmbus->left--)
            data |= (uint32_t)monitor_i2c_read(monitor) << (8 * i);
        display_reg_set(display, offset, data);
        if (!gmbus->left && (display_reg(display, R_PCH_GMBUS1) & GMBUS1_CYCLE_STOP))
            stop(display);
        *value = data;
        notify(display);
        return true;
    }
    if (offset >= R_PCH_GPIO && offset < R_PCH_GPIO + 4 * GPIO_PINS) {
        *value = display_reg(display, offset) | GPIO_CLOCK_IN | GPIO_DATA_IN;
        return true;
    }
    return false;
}

bool gmbus_mmio_write(struct display *display, uint32_t offset, uint32_t value)
{
    struct gmbus_state *gmbus = &display->s.gmbus;

    switch (offset) {
    case R_PCH_GMBUS1:
        /* The clear bit resets the controller and holds it while it is set. */
        if (value & GMBUS1_SW_CLR_INT) {
            stop(display);
            gmbus->nak = false;
            display_reg_set(display, offset, value & (uint32_t)GMBUS1_SW_CLR_INT);
            return true;
        }
        display_reg_set(display, offset, value & ~(uint32_t)GMBUS1_SW_RDY); /* hardware takes it */
        if (!gmbus->nak && (value & GMBUS1_SW_RDY))
            cycle(display, value);
        notify(display);
        return true;
    case R_PCH_GMBUS2:
        if (value & GMBUS2_INUSE)
            display_reg_set(display, offset, display_reg(display, offset) & ~(uint32_t)GMBUS2_INUSE);
        return true;
    case R_PCH_GMBUS3:
        display_reg_set(display, offset, value);
        if (gmbus->active && !gmbus->read && gmbus->left)
            push(display);
        notify(display);
        return true;
    case R_PCH_GMBUS4:
        display_reg_set(display, offset, value);
        notify(display);
        return true;
    default:
        return false;
    }
}

void gmbus_reset(struct display *display)
{
    memset(&display->s.gmbus, 0, sizeof(display->s.gmbus));
}
