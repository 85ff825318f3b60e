/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DDC slave and DPCD of the virtual monitor. Called by the AUX channels and by GMBUS. */
#include "gpu/blocks/monitor.h"

#include <glib.h>
#include <string.h>

/* 7-bit addresses (E-DDC). */
enum {
    DDC_SEGMENT = 0x30,
    DDC_EDID = 0x50,
};

/* DPCD addresses and values (DisplayPort 1.2 table 2-75; drm_dp.h DP_*). */
enum {
    DPCD_REV = 0x000,
    DPCD_MAX_LINK_RATE = 0x001,
    DPCD_MAX_LANE_COUNT = 0x002,
    DPCD_MAX_DOWNSPREAD = 0x003,
    DPCD_CODING = 0x006,
    DPCD_DOWNSTREAM_COUNT = 0x007,
    DPCD_RECEIVE_PORT0_CAP = 0x008,
    DPCD_LINK_BW_SET = 0x100,
    DPCD_LANE_COUNT_SET = 0x101,
    DPCD_TRAINING_PATTERN_SET = 0x102,
    DPCD_LINK_CONFIG_END = 0x1ff,
    DPCD_SINK_COUNT = 0x200,
    DPCD_IRQ_VECTOR = 0x201,
    DPCD_LANE0_1_STATUS = 0x202,
    DPCD_LANE2_3_STATUS = 0x203,
    DPCD_LANE_ALIGN = 0x204,
    DPCD_SINK_STATUS = 0x205,
    DPCD_SOURCE = 0x300,
    DPCD_SOURCE_END = 0x3ff,
    DPCD_SINK_OUI = 0x400,
    DPCD_SET_POWER = 0x600,
    DPCD_ESI = 0x2002, /* the copies of 0x200 .. 0x205 in the event status block: 0x2002, 0x2003, 0x200c .. 0x200f */

    LINK_BW_1_62 = 0x06,
    LINK_BW_2_7 = 0x0a,
    LINK_BW_5_4 = 0x14,
    LANE_COUNT_MASK = 0x1f,
    LANES = 4,
    CAP_ENHANCED_FRAME = 1 << 7,
    CAP_TPS3 = 1 << 6,
    PATTERN_MASK = 0x3,
    LANE_CR_DONE = 1 << 0,
    LANE_EQ_DONE = 1 << 1,
    LANE_SYMBOL_LOCKED = 1 << 2,
    ALIGN_DONE = 1 << 0,
    LINK_STATUS_UPDATED = 1 << 7,
    SINK_IN_SYNC = 1 << 0,
    SINK_COUNT_CP_READY = 1 << 6,
    POWER_D0 = 1,
    POWER_MASK = 0x7,
};

static void dpcd_defaults(struct monitor *monitor)
{
    uint8_t *dpcd = monitor->dpcd;

    memset(dpcd, 0, sizeof(monitor->dpcd));
    dpcd[DPCD_REV] = 0x12;
    dpcd[DPCD_MAX_LINK_RATE] = LINK_BW_5_4;
    dpcd[DPCD_MAX_LANE_COUNT] = LANES | CAP_TPS3 | CAP_ENHANCED_FRAME;
    dpcd[DPCD_MAX_DOWNSPREAD] = 0x01; /* up to 0.5 % */
    dpcd[DPCD_CODING] = 0x01; /* ANSI 8B/10B */
    dpcd[DPCD_RECEIVE_PORT0_CAP] = 0x02; /* it has an EDID */
    dpcd[DPCD_LINK_BW_SET] = LINK_BW_1_62;
    dpcd[DPCD_LANE_COUNT_SET] = 1;
    dpcd[DPCD_SINK_COUNT] = 1 | SINK_COUNT_CP_READY;
    memcpy(dpcd + DPCD_SINK_OUI + 3, (const char[4]){'M', 'e', 'd', 'i'}, 4); /* device identification, after the OUI */
    dpcd[DPCD_SET_POWER] = POWER_D0;
}

bool monitor_init(struct monitor *monitor, const struct monitor_settings *settings, enum edid_interface interface)
{
    unsigned refresh_hz = settings->refresh_hz ? settings->refresh_hz : EDID_REFRESH;
    struct edid_timing best;

    memset(monitor, 0, sizeof(*monitor));
    monitor->edid_size = settings->edid_size ? settings->edid_size : EDID_SIZE;
    if (settings->edid_size && edid_check(settings->edid, settings->edid_size, &best))
        return false;
    if (settings->edid_size)
        memcpy(monitor->edid, settings->edid, settings->edid_size);
    else if (!edid_build(monitor->edid, settings->width, settings->height, refresh_hz, interface))
        return false;
    monitor->connected = true;
    monitor_reset(monitor);
    return true;
}

void monitor_reset(struct monitor *monitor)
{
    monitor->segment = monitor->offset = monitor->slave = 0;
    monitor->read = monitor->addressed = false;
    dpcd_defaults(monitor);
}

bool monitor_i2c_start(struct monitor *monitor, uint8_t slave, bool read)
{
    bool known = slave == DDC_EDID || (slave == DDC_SEGMENT && !read);

    monitor->slave = known ? slave : 0;
    monitor->read = read;
    monitor->addressed = false;
    return known;
}

bool monitor_i2c_write(struct monitor *monitor, uint8_t value)
{
    if (monitor->slave == DDC_SEGMENT) {
        monitor->segment = value & 0x7f;
        return true;
    }
    if (monitor->slave != DDC_EDID || monitor->read)
        return false;
    if (monitor->addressed)
        return false; /* the EDID cannot be written */
    monitor->offset = value;
    monitor->addressed = true;
    return true;
}

uint8_t monitor_i2c_read(struct monitor *monitor)
{
    unsigned at = monitor->segment * 256u + monitor->offset;

    if (monitor->slave != DDC_EDID || !monitor->read)
        return 0xff; /* nobody pulls the line down */
    monitor->offset++;
    return at < monitor->edid_size ? monitor->edid[at] : 0;
}

void monitor_i2c_stop(struct monitor *monitor)
{
    monitor->slave = 0;
    monitor->segment = 0; /* E-DDC: back to the first segment at a stop */
}

/* The link status that a training pattern achieves: every lane in use locks at once to any legal rate. */
static void update_training(struct monitor *monitor)
{
    uint8_t *dpcd = monitor->dpcd;
    unsigned lanes = dpcd[DPCD_LANE_COUNT_SET] & LANE_COUNT_MASK;
    uint8_t bw = dpcd[DPCD_LINK_BW_SET];
    bool legal = (bw == LINK_BW_1_62 || bw == LINK_BW_2_7 || bw == LINK_BW_5_4) && (lanes == 1 || lanes == 2 || lanes == 4);
    uint8_t lane;

    switch (dpcd[DPCD_TRAINING_PATTERN_SET] & PATTERN_MASK) {
    case 0: /* training is over: the link stays as it is */
        return;
    case 1:
        lane = LANE_CR_DONE;
        break;
    default:
        lane = LANE_CR_DONE | LANE_EQ_DONE | LANE_SYMBOL_LOCKED;
        break;
    }
    if (!legal)
        lane = 0;
    dpcd[DPCD_LANE0_1_STATUS] = (uint8_t)(lane | (lanes > 1 ? lane << 4 : 0));
    dpcd[DPCD_LANE2_3_STATUS] = (uint8_t)(lanes > 2 ? lane | lane << 4 : 0);
    dpcd[DPCD_LANE_ALIGN] = (uint8_t)(LINK_STATUS_UPDATED | (lane & LANE_EQ_DONE ? ALIGN_DONE : 0));
    dpcd[DPCD_SINK_STATUS] = lane & LANE_EQ_DONE ? SINK_IN_SYNC : 0;
}

static void lose_link(struct monitor *monitor)
{
    memset(monitor->dpcd + DPCD_LANE0_1_STATUS, 0, DPCD_SINK_STATUS - DPCD_LANE0_1_STATUS + 1);
}

uint8_t monitor_dpcd_read(const struct monitor *monitor, uint32_t address)
{
    address &= 0xfffff;
    if (address == DPCD_ESI || address == DPCD_ESI + 1)
        address = address - DPCD_ESI + DPCD_SINK_COUNT;
    else if (address >= DPCD_ESI + 0xa && address <= DPCD_ESI + 0xd)
        address = address - (DPCD_ESI + 0xa) + DPCD_LANE0_1_STATUS;
    return address < MONITOR_DPCD_SIZE ? monitor->dpcd[address] : 0;
}

void monitor_dpcd_write(struct monitor *monitor, uint32_t address, uint8_t value)
{
    uint8_t *dpcd = monitor->dpcd;

    address &= 0xfffff;
    if (address == DPCD_IRQ_VECTOR || address == DPCD_ESI + 1) { /* writing ones clears */
        dpcd[DPCD_IRQ_VECTOR] &= (uint8_t)~value;
        return;
    }
    if (address == DPCD_SET_POWER) {
        dpcd[address] = value & POWER_MASK;
        if ((value & POWER_MASK) != POWER_D0)
            lose_link(monitor);
        return;
    }
    if (address >= DPCD_LINK_BW_SET && address <= DPCD_LINK_CONFIG_END) {
        bool changed = dpcd[address] != value;

        dpcd[address] = value;
        if (changed && address <= DPCD_LANE_COUNT_SET)
            lose_link(monitor);
        if (address == DPCD_TRAINING_PATTERN_SET)
            update_training(monitor);
        return;
    }
    /* The source's own fields are memory; capabilities, status and the rest are read-only. */
    if (address >= DPCD_SOURCE && address <= DPCD_SOURCE_END)
        dpcd[address] = value;
}
