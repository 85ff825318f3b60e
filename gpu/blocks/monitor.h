/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual monitor at the end of a cable: a DDC slave with an EDID (E-DDC, segment pointer) that both GMBUS and AUX
 * reach, and the DPCD of a DisplayPort 1.2 sink with its training. Used by aux_channel.c and gmbus.c.
 *
 * Sources: VESA E-DDC 1.2, VESA DisplayPort 1.2 (DPCD, link training, I2C over AUX); Linux include/drm/display/drm_dp.h.
 *
 * Plain data. No locking: the owner's lock guards it.
 */
#ifndef MEDIANT_GPU_BLOCKS_MONITOR_H
#define MEDIANT_GPU_BLOCKS_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpu/blocks/edid.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MONITOR_DPCD_SIZE = 0x700 }; /* what lies above reads as 0 */

struct monitor {
    bool connected;
    uint8_t edid[EDID_MAX_SIZE];
    size_t edid_size;
    /* I2C. */
    uint8_t segment; /* of 256 bytes; back to 0 after a stop */
    uint8_t offset;  /* in the segment */
    uint8_t slave;   /* that the transaction under way addresses, 0 for none */
    bool read;       /* direction of the transaction under way */
    bool addressed;  /* the offset was given: the first byte of a write is it */
    /* DisplayPort. */
    uint8_t dpcd[MONITOR_DPCD_SIZE];
};

/* Power-on; width and height are given. False when no EDID can describe the mode, or the one that is given is not good. */
bool monitor_init(struct monitor *monitor, const struct monitor_settings *settings, enum edid_interface interface);
/* What plugging out and in, or the loss of power, leaves: DPCD at its defaults, no transaction. */
void monitor_reset(struct monitor *monitor);

/* I2C, byte by byte. Starting (again) returns whether the slave (7 bits) acknowledges; so does a written byte. */
bool monitor_i2c_start(struct monitor *monitor, uint8_t slave, bool read);
bool monitor_i2c_write(struct monitor *monitor, uint8_t value);
uint8_t monitor_i2c_read(struct monitor *monitor);
void monitor_i2c_stop(struct monitor *monitor);

/* DPCD accesses, with the side effects of training and power. Any address: 20 bits count. */
uint8_t monitor_dpcd_read(const struct monitor *monitor, uint32_t address);
void monitor_dpcd_write(struct monitor *monitor, uint32_t address, uint8_t value);

#ifdef __cplusplus
}
#endif
#endif
