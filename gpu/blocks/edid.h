/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EDID 1.4: what the virtual monitor says about itself, for a given best mode; and a look at EDIDs of others. Called by the monitor; the timings
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
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    EDID_SIZE = 128,
    EDID_MAX_SIZE = 256, /* with one extension: all that a monitor of ours can have */
    EDID_MIN_WIDTH = 640, EDID_MIN_HEIGHT = 480,
    EDID_MAX_SIDE = 4095, /* 12 bits in a detailed timing */
    EDID_REFRESH = 60,    /* Hz, where nothing else is asked for */
    EDID_MIN_REFRESH = 24, EDID_MAX_REFRESH = 240,
};

/* All in pixels or lines from the start of the active part. */
struct edid_timing {
    uint32_t clock_khz;
    uint16_t hactive, hsync_start, hsync_end, htotal;
    uint16_t vactive, vsync_start, vsync_end, vtotal;
    bool hsync_positive, vsync_positive;
};

/*
 * Timing of width x height at refresh_hz: at 60 Hz the one of DMT for the common sizes that have it, else CVT with reduced blanking.
 * False when size or rate is outside of the limits above or the clock does not fit a detailed timing (655.35 MHz).
 */
bool edid_timing_for(unsigned width, unsigned height, unsigned refresh_hz, struct edid_timing *timing);

/* The digital interface that the EDID names. */
enum edid_interface {
    EDID_INTERFACE_DVI = 1,
    EDID_INTERFACE_HDMI = 2,
    EDID_INTERFACE_DP = 5,
};

/* Writes the EDID of a monitor whose best mode is width x height at refresh_hz. False as edid_timing_for(). */
bool edid_build(uint8_t edid[EDID_SIZE], unsigned width, unsigned height, unsigned refresh_hz, enum edid_interface interface);

/*
 * Looks at an EDID of unknown origin: one or two blocks, each with its checksum, of a digital monitor with a best mode in its first descriptor, which
 * is written to *best. NULL when it is good, else what is wrong with it (static).
 */
const char *edid_check(const uint8_t *edid, size_t size, struct edid_timing *best);

/* What a virtual monitor is asked to be: {0} for its owner's default. */
struct monitor_settings {
    unsigned width, height; /* of the best mode; 0: the default */
    unsigned refresh_hz;    /* 0: EDID_REFRESH */
    size_t edid_size;       /* 0: an EDID is made of the mode; else edid_check() finds edid good, and it is what the monitor says */
    uint8_t edid[EDID_MAX_SIZE];
};

#ifdef __cplusplus
}
#endif
#endif
