/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The AUX channels of ports A-D: DDI_AUX_CTL and its five data registers. A transaction is over when the write that starts
 * it returns; without a monitor it times out. Called by display.c.
 */
#include <string.h>

#include "gpu/blocks/display_internal.h"

/* DDI_AUX_CTL (PRM SKL vol. 2c; i915_reg.h DP_AUX_CH_CTL_*). */
enum {
    AUX_SEND_BUSY = 1u << 31,
    AUX_DONE = 1 << 30,
    AUX_INTERRUPT = 1 << 29,
    AUX_TIME_OUT_ERROR = 1 << 28,
    AUX_RECEIVE_ERROR = 1 << 25,
    AUX_STICKY = AUX_DONE | AUX_TIME_OUT_ERROR | AUX_RECEIVE_ERROR, /* writing ones clears */
    AUX_SIZE_SHIFT = 20,
    AUX_SIZE_MASK = 0x1f << AUX_SIZE_SHIFT,
    AUX_CHANNELS = 4,
    AUX_MESSAGE_MAX = 20, /* five data registers */
    AUX_HEADER = 4,       /* command and address, length */
    AUX_ADDRESS_ONLY = 3,
    AUX_PAYLOAD_MAX = 16,
};

/* Commands and replies (DisplayPort 1.2 section 2.7; drm_dp.h DP_AUX_*). */
enum {
    REQUEST_I2C_WRITE = 0x0,
    REQUEST_I2C_READ = 0x1,
    REQUEST_I2C_WRITE_STATUS = 0x2,
    REQUEST_I2C_MOT = 0x4, /* the I2C transaction goes on */
    REQUEST_NATIVE_WRITE = 0x8,
    REQUEST_NATIVE_READ = 0x9,
    REPLY_ACK = 0x00,
    REPLY_NATIVE_NACK = 0x10,
    REPLY_I2C_NACK = 0x40,
};

/* Bytes lie in the data registers from the most significant byte of the first on. */
static void unload(const struct display *display, uint32_t data, uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(display_reg(display, data + i / 4 * 4) >> (24 - i % 4 * 8));
}

static void load(struct display *display, uint32_t data, const uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size; i += 4) {
        uint32_t value = 0;
        for (unsigned j = i; j < i + 4 && j < size; j++)
            value |= (uint32_t)bytes[j] << (24 - j % 4 * 8);
        display_reg_set(display, data + i, value);
    }
}

/* An I2C request. The slave is addressed anew when the transaction starts, or its direction or address changes. */
static unsigned i2c_request(struct monitor *monitor, const uint8_t *message, unsigned size, uint8_t *reply)
{
    unsigned request = message[0] >> 4;
    uint8_t slave = message[2] & 0x7f;
    bool read = (request & 3) == REQUEST_I2C_READ;
    unsigned length = size > AUX_ADDRESS_ONLY ? message[3] + 1u : 0;
    unsigned reply_size = 1;
    bool ack = true;

    if ((request & 3) == REQUEST_I2C_WRITE_STATUS) {
        /* Asks how far the last write got: writes are never deferred here, so all of it is on the bus. */
        reply[0] = monitor->slave == slave ? REPLY_ACK : REPLY_I2C_NACK;
        return 1;
    }
    if (length > AUX_PAYLOAD_MAX || (!read && size < AUX_HEADER + length && length))
        ack = false;
    if (ack && (monitor->slave != slave || monitor->read != read || !length)) {
        bool closing = !length && !(request & REQUEST_I2C_MOT) && monitor->slave == slave;
        ack = closing || monitor_i2c_start(monitor, slave, read);
    }
    if (ack && read) {
        for (unsigned i = 0; i < length; i++)
            reply[reply_size++] = monitor_i2c_read(monitor);
    }
    if (!read) {
        for (unsigned i = 0; ack && i < length; i++) {
            ack = monitor_i2c_write(monitor, message[AUX_HEADER + i]);
            if (!ack)
                reply[reply_size++] = (uint8_t)i; /* how many were taken */
        }
    }
    reply[0] = ack ? REPLY_ACK : REPLY_I2C_NACK;
    if (!ack || !(request & REQUEST_I2C_MOT))
        monitor_i2c_stop(monitor);
    return reply_size;
}

static unsigned native_request(struct monitor *monitor, const uint8_t *message, unsigned size, uint8_t *reply)
{
    uint32_t address = (uint32_t)(message[0] & 0xf) << 16 | (uint32_t)message[1] << 8 | message[2];
    unsigned length = size > AUX_ADDRESS_ONLY ? message[3] + 1u : 0;
    bool read = message[0] >> 4 == REQUEST_NATIVE_READ;

    if (length > AUX_PAYLOAD_MAX || (!read && size < AUX_HEADER + length && length)) {
        reply[0] = REPLY_NATIVE_NACK;
        return 1;
    }
    reply[0] = REPLY_ACK;
    for (unsigned i = 0; i < length; i++) {
        if (read)
            reply[1 + i] = monitor_dpcd_read(monitor, address + i);
        else
            monitor_dpcd_write(monitor, address + i, message[AUX_HEADER + i]);
    }
    return read ? 1 + length : 1;
}

static void transact(struct display *display, unsigned channel, uint32_t control, uint32_t data)
{
    uint32_t offset = R_DP_AUX_CH_CTL + channel * PORT_STRIDE;
    unsigned size = (control & AUX_SIZE_MASK) >> AUX_SIZE_SHIFT;
    uint8_t message[AUX_MESSAGE_MAX] = {0}, reply[1 + AUX_PAYLOAD_MAX];
    unsigned reply_size;

    control &= ~(uint32_t)(AUX_SEND_BUSY | AUX_STICKY | AUX_SIZE_MASK);
    if (!display_monitor_on(display, channel, DISPLAY_MONITOR_DP)) {
        control |= AUX_DONE | AUX_TIME_OUT_ERROR;
    } else if (size < AUX_ADDRESS_ONLY || size > AUX_MESSAGE_MAX) {
        control |= AUX_DONE | AUX_RECEIVE_ERROR; /* no message that a sink would answer */
    } else {
        unload(display, data, message, size);
        switch (message[0] >> 4) {
        case REQUEST_NATIVE_WRITE:
        case REQUEST_NATIVE_READ:
            reply_size = native_request(&display->s.monitor, message, size, reply);
            break;
        case REQUEST_I2C_WRITE:
        case REQUEST_I2C_READ:
        case REQUEST_I2C_WRITE_STATUS:
        case REQUEST_I2C_WRITE | REQUEST_I2C_MOT:
        case REQUEST_I2C_READ | REQUEST_I2C_MOT:
        case REQUEST_I2C_WRITE_STATUS | REQUEST_I2C_MOT:
            reply_size = i2c_request(&display->s.monitor, message, size, reply);
            break;
        default:
            reply[0] = REPLY_NATIVE_NACK;
            reply_size = 1;
            break;
        }
        load(display, data, reply, reply_size);
        control |= AUX_DONE | reply_size << AUX_SIZE_SHIFT;
    }
    display_reg_set(display, offset, control);
    if (control & AUX_INTERRUPT)
        irq_tree_set(display->irq, IRQ_PORT, channel ? (uint32_t)IRQ_PORT_AUX_B << (channel - 1) : IRQ_PORT_AUX_A);
}

bool aux_mmio_write(struct display *display, uint32_t offset, uint32_t value)
{
    unsigned channel = (offset - R_DP_AUX_CH_CTL) / PORT_STRIDE;
    uint32_t old;

    if (offset < R_DP_AUX_CH_CTL || channel >= AUX_CHANNELS || offset != R_DP_AUX_CH_CTL + channel * PORT_STRIDE)
        return false;
    if (value & AUX_SEND_BUSY) {
        transact(display, channel, value, R_DP_AUX_CH_DATA_1 + channel * PORT_STRIDE);
        return true;
    }
    old = display_reg(display, offset);
    display_reg_set(display, offset, (value & ~(uint32_t)AUX_STICKY) | (old & ~value & AUX_STICKY));
    return true;
}
