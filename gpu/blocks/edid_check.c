/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EDIDs that people bring along: whether a driver will take them. Called for the configuration. Offsets: E-EDID A2, sections 3 and 3.10.2. */
#include <string.h>

#include "gpu/blocks/edid.h"

enum {
    OFFSET_VERSION = 18,
    OFFSET_INPUT = 20,
    OFFSET_FIRST_DESCRIPTOR = 54,
    OFFSET_EXTENSIONS = 126,
    INPUT_DIGITAL = 0x80,
};

static bool sums_to_zero(const uint8_t *block)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < EDID_SIZE; i++)
        sum = (uint8_t)(sum + block[i]);
    return sum == 0;
}

static void take_timing(const uint8_t *d, struct edid_timing *t)
{
    t->clock_khz = (uint32_t)(d[0] | d[1] << 8) * 10;
    t->hactive = (uint16_t)(d[2] | (d[4] >> 4) << 8);
    t->htotal = (uint16_t)(t->hactive + (d[3] | (d[4] & 0xf) << 8));
    t->vactive = (uint16_t)(d[5] | (d[7] >> 4) << 8);
    t->vtotal = (uint16_t)(t->vactive + (d[6] | (d[7] & 0xf) << 8));
    t->hsync_start = (uint16_t)(t->hactive + (d[8] | (d[11] >> 6) << 8));
    t->hsync_end = (uint16_t)(t->hsync_start + (d[9] | (d[11] >> 4 & 3) << 8));
    t->vsync_start = (uint16_t)(t->vactive + (d[10] >> 4 | (d[11] >> 2 & 3) << 4));
    t->vsync_end = (uint16_t)(t->vsync_start + ((d[10] & 0xf) | (d[11] & 3) << 4));
    t->vsync_positive = d[17] & 4;
    t->hsync_positive = d[17] & 2;
}

const char *edid_check(const uint8_t *edid, size_t size, struct edid_timing *best)
{
    static const uint8_t header[8] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};

    if (size != EDID_SIZE && size != EDID_MAX_SIZE)
        return "it has neither 128 nor 256 bytes (one block, or one and an extension)";
    if (memcmp(edid, header, sizeof(header)) != 0)
        return "it does not begin as an EDID (00 ff ff ff ff ff ff 00): is it binary?";
    for (size_t at = 0; at < size; at += EDID_SIZE)
        if (!sums_to_zero(edid + at))
            return at ? "the checksum of its extension is wrong" : "its checksum is wrong";
    if (edid[OFFSET_VERSION] != 1)
        return "its version is not 1";
    if (edid[OFFSET_EXTENSIONS] != size / EDID_SIZE - 1)
        return "it announces another number of extensions than it has";
    if (!(edid[OFFSET_INPUT] & INPUT_DIGITAL))
        return "it is of an analog monitor, and the virtual one is digital";
    take_timing(edid + OFFSET_FIRST_DESCRIPTOR, best);
    if (!best->clock_khz || !best->hactive || !best->vactive || best->hsync_end > best->htotal || best->vsync_end > best->vtotal)
        return "its first descriptor is not a timing";
    return NULL;
}
