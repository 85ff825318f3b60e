/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EDID 1.4: what the virtual monitor says about itself, for a given best mode at 60 Hz. Called by the monitor; the timings
 * also serve whoever programs a mode.
 *
 * Sources: VESA E-EDID standard release A rev. 2 (EDID 1.4), VESA DMT 1.0 rev. 13, VESA CVT 1.2 (reduced blanking v1);
 * layout also in Linux include/drm/drm_edid.h.
 *
 * Threads: pure functions.
 */
#ifndef MEDIANT_GPU_BLOCKS_EDID_H
#define MEDIANT_GPU_BLOCKS_EDID_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    EDID_SIZE = 128,
    EDID_MIN_WIDTH = 640, EDID_MIN_HEIGHT = 480,
    EDID_MAX_SIDE = 4095, /* 12 bits in a detailed timing */
};

/* All in pixels or lines from the start of the active part. */
struct edid_timing {
    uint32_t clock_khz;
    uint16_t hactive, hsync_start, hsync_end, htotal;
    uint16_t vactive, vsync_start, vsync_end, vtotal;
    bool hsync_positive, vsync_positive;
};

/*
 * Timing of width x height at 60 Hz: the one of DMT for the common sizes that have it, else CVT with reduced blanking.
 * False when the size is outside of the limits above or its clock does not fit a detailed timing (655.35 MHz).
 */
bool edid_timing_for(unsigned width, unsigned height, struct edid_timing *timing);

/* The digital interface that the EDID names. */
enum edid_interface {
    EDID_INTERFACE_DVI = 1,
    EDID_INTERFACE_HDMI = 2,
    EDID_INTERFACE_DP = 5,
};

/* Writes the EDID of a monitor whose best mode is width x height. False as edid_timing_for(). */
bool edid_build(uint8_t edid[EDID_SIZE], unsigned width, unsigned height, enum edid_interface interface);

#ifdef __cplusplus
}
#endif
#endif
