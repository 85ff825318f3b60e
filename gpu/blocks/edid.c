/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The EDID of the virtual monitor. Called by monitor.c; edid_check.c looks at others. */
#include "gpu/blocks/edid.h"

#include <glib.h>
#include <string.h>

/* Offsets in the base block (E-EDID A2, section 3). */
enum {
    EDID_VENDOR = 8,
    EDID_PRODUCT = 10,
    EDID_SERIAL = 12,
    EDID_WEEK = 16,
    EDID_YEAR = 17,
    EDID_VERSION = 18,
    EDID_INPUT = 20,
    EDID_SIZE_CM = 21,
    EDID_GAMMA = 23,
    EDID_FEATURES = 24,
    EDID_CHROMATICITY = 25,
    EDID_ESTABLISHED = 35,
    EDID_STANDARD = 38,
    EDID_DESCRIPTORS = 54,
    EDID_EXTENSIONS = 126,
    EDID_CHECKSUM = 127,
    STANDARD_TIMINGS = 8,
    DESCRIPTOR_SIZE = 18,
};

enum descriptor_tag {
    DESCRIPTOR_SERIAL = 0xff,
    DESCRIPTOR_RANGE = 0xfd,
    DESCRIPTOR_NAME = 0xfc,
};

/* DMT timings at 60 Hz whose blanking is not the reduced one. Others of our sizes are CVT-RB in DMT too. */
static const struct edid_timing dmt[] = {
    {25175, 640, 656, 752, 800, 480, 490, 492, 525, false, false},
    {40000, 800, 840, 968, 1056, 600, 601, 605, 628, true, true},
    {65000, 1024, 1048, 1184, 1344, 768, 771, 777, 806, false, false},
    {74250, 1280, 1390, 1430, 1650, 720, 725, 730, 750, true, true},
    {108000, 1280, 1328, 1440, 1688, 1024, 1025, 1028, 1066, true, true},
    {85500, 1366, 1436, 1579, 1792, 768, 771, 774, 798, true, true},
    {162000, 1600, 1664, 1856, 2160, 1200, 1201, 1204, 1250, true, true},
    {148500, 1920, 2008, 2052, 2200, 1080, 1084, 1089, 1125, true, true},
};

/* CVT with reduced blanking, version 1: constants of the standard's section 3. */
enum {
    CVT_RB_HBLANK = 160,
    CVT_RB_HFRONT = 48,
    CVT_RB_HSYNC = 32,
    CVT_RB_VFRONT = 3,
    CVT_RB_MIN_VBACK = 6,
    CVT_RB_MIN_VBLANK_US = 460,
    CVT_CLOCK_STEP_KHZ = 250,
    FINE_CLOCK_STEP_KHZ = 10, /* what a detailed timing can tell: for rates that the standard does not reduce the blanking of */
};

/* The width of the vertical sync tells the aspect ratio (CVT table 2). */
static unsigned cvt_vsync(unsigned width, unsigned height)
{
    static const struct {
        uint8_t x, y, lines;
    } aspects[] = {{4, 3, 4}, {16, 9, 5}, {16, 10, 6}, {5, 4, 7}, {15, 9, 7}};

    for (unsigned i = 0; i < G_N_ELEMENTS(aspects); i++) {
        if (width == height * aspects[i].x / aspects[i].y / 8 * 8)
            return aspects[i].lines;
    }
    return 10;
}

static void cvt_reduced(unsigned width, unsigned height, unsigned refresh_hz, struct edid_timing *timing)
{
    unsigned vsync = cvt_vsync(width, height), step_khz = refresh_hz == EDID_REFRESH ? CVT_CLOCK_STEP_KHZ : FINE_CLOCK_STEP_KHZ;
    /* Time for one line if the blanking were exactly its minimum, in nanoseconds; then how many lines make up that minimum. */
    uint64_t line_ns = (1000000000ull / refresh_hz - CVT_RB_MIN_VBLANK_US * 1000ull) / height;
    unsigned vblank = (unsigned)(CVT_RB_MIN_VBLANK_US * 1000ull / line_ns) + 1;
    uint64_t clock_khz;

    vblank = MAX(vblank, CVT_RB_VFRONT + vsync + CVT_RB_MIN_VBACK);
    timing->hactive = (uint16_t)width;
    timing->hsync_start = (uint16_t)(width + CVT_RB_HFRONT);
    timing->hsync_end = (uint16_t)(width + CVT_RB_HFRONT + CVT_RB_HSYNC);
    timing->htotal = (uint16_t)(width + CVT_RB_HBLANK);
    timing->vactive = (uint16_t)height;
    timing->vsync_start = (uint16_t)(height + CVT_RB_VFRONT);
    timing->vsync_end = (uint16_t)(height + CVT_RB_VFRONT + vsync);
    timing->vtotal = (uint16_t)(height + vblank);
    clock_khz = (uint64_t)timing->htotal * timing->vtotal * refresh_hz / 1000;
    timing->clock_khz = (uint32_t)(clock_khz / step_khz * step_khz);
    timing->hsync_positive = true;
    timing->vsync_positive = false;
}

bool edid_timing_for(unsigned width, unsigned height, unsigned refresh_hz, struct edid_timing *timing)
{
    if (width < EDID_MIN_WIDTH || height < EDID_MIN_HEIGHT || width > EDID_MAX_SIDE || height > EDID_MAX_SIDE || refresh_hz < EDID_MIN_REFRESH ||
        refresh_hz > EDID_MAX_REFRESH)
        return false;
    for (unsigned i = 0; i < G_N_ELEMENTS(dmt) && refresh_hz == EDID_REFRESH; i++) {
        if (dmt[i].hactive == width && dmt[i].vactive == height) {
            *timing = dmt[i];
            return true;
        }
    }
    cvt_reduced(width, height, refresh_hz, timing);
    return timing->clock_khz / 10 <= UINT16_MAX;
}

/* 18 bytes: E-EDID A2 section 3.10.2. */
static void put_timing(uint8_t *d, const struct edid_timing *t, unsigned width_mm, unsigned height_mm)
{
    unsigned clock = t->clock_khz / 10;
    unsigned hblank = t->htotal - t->hactive, vblank = t->vtotal - t->vactive;
    unsigned hfront = t->hsync_start - t->hactive, vfront = t->vsync_start - t->vactive;
    unsigned hsync = t->hsync_end - t->hsync_start, vsync = t->vsync_end - t->vsync_start;

    d[0] = clock & 0xff;
    d[1] = (uint8_t)(clock >> 8);
    d[2] = t->hactive & 0xff;
    d[3] = hblank & 0xff;
    d[4] = (uint8_t)((t->hactive >> 8) << 4 | hblank >> 8);
    d[5] = t->vactive & 0xff;
    d[6] = vblank & 0xff;
    d[7] = (uint8_t)((t->vactive >> 8) << 4 | vblank >> 8);
    d[8] = hfront & 0xff;
    d[9] = hsync & 0xff;
    d[10] = (uint8_t)((vfront & 0xf) << 4 | (vsync & 0xf));
    d[11] = (uint8_t)((hfront >> 8) << 6 | (hsync >> 8) << 4 | (vfront >> 4) << 2 | vsync >> 4);
    d[12] = width_mm & 0xff;
    d[13] = height_mm & 0xff;
    d[14] = (uint8_t)((width_mm >> 8) << 4 | height_mm >> 8);
    d[15] = 0; /* no border */
    d[16] = 0;
    d[17] = (uint8_t)(0x18 | (t->vsync_positive ? 0x04 : 0) | (t->hsync_positive ? 0x02 : 0)); /* digital separate sync */
}

static void put_text(uint8_t *d, enum descriptor_tag tag, const char *text)
{
    size_t len = strlen(text);

    memset(d, 0, 5);
    d[3] = (uint8_t)tag;
    memset(d + 5, ' ', 13);
    memcpy(d + 5, text, MIN(len, 13));
    if (len < 13)
        d[5 + len] = '\n';
}

/* Range limits around what the modes here need: 50..61 Hz and the best mode's rate, lines from 640x480 up to the best mode. */
static void put_range(uint8_t *d, const struct edid_timing *best, unsigned refresh_hz)
{
    unsigned hmax_khz = (best->clock_khz + best->htotal - 1) / best->htotal;
    bool over = hmax_khz + 1 > 255;

    memset(d, 0, DESCRIPTOR_SIZE);
    d[3] = DESCRIPTOR_RANGE;
    d[4] = over ? 0x08 : 0; /* the horizontal maximum is offset by 255 */
    d[5] = (uint8_t)MIN(50, refresh_hz - 1);
    d[6] = (uint8_t)MAX(61, refresh_hz + 1);
    d[7] = (uint8_t)MIN(30, best->clock_khz / best->htotal);
    d[8] = (uint8_t)(MAX(hmax_khz + 1, 70) - (over ? 255 : 0));
    d[9] = (uint8_t)MAX((best->clock_khz + 9999) / 10000, 17); /* in units of 10 MHz */
    d[10] = 0x01; /* range limits only */
    d[11] = '\n';
    memset(d + 12, ' ', 6);
}

/* Sizes below the best mode that are worth offering as standard timings, and the code of their aspect (section 3.9). */
static const struct {
    uint16_t width, height;
    uint8_t aspect;
} standard[] = {
    {1280, 720, 3}, {1280, 800, 0}, {1280, 1024, 2}, {1440, 900, 0}, {1600, 900, 3}, {1600, 1200, 1}, {1680, 1050, 0},
    {1920, 1080, 3}, {1920, 1200, 0},
};

static void put_standard(uint8_t *edid, unsigned width, unsigned height, unsigned refresh_hz)
{
    unsigned n = 0;

    memset(edid + EDID_STANDARD, 0x01, STANDARD_TIMINGS * 2); /* unused */
    /* The largest first: the small ones are those to leave out. */
    for (unsigned i = G_N_ELEMENTS(standard); i-- && n < STANDARD_TIMINGS;) {
        if (standard[i].width > width || standard[i].height > height)
            continue;
        if (standard[i].width == width && standard[i].height == height && refresh_hz == EDID_REFRESH)
            continue;
        edid[EDID_STANDARD + 2 * n] = (uint8_t)(standard[i].width / 8 - 31);
        edid[EDID_STANDARD + 2 * n + 1] = (uint8_t)(standard[i].aspect << 6); /* + 0: 60 Hz */
        n++;
    }
}

bool edid_build(uint8_t edid[EDID_SIZE], unsigned width, unsigned height, unsigned refresh_hz, enum edid_interface interface)
{
    static const uint8_t header[8] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
    static const uint8_t srgb[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
    struct edid_timing best;
    unsigned width_mm, height_mm;
    uint8_t sum = 0;

    if (!edid_timing_for(width, height, refresh_hz, &best))
        return false;
    memset(edid, 0, EDID_SIZE);
    memcpy(edid, header, sizeof(header));
    /* "MDN", five bits a letter, big-endian. */
    edid[EDID_VENDOR] = ('M' - '@') << 2 | ('D' - '@') >> 3;
    edid[EDID_VENDOR + 1] = (('D' - '@') << 5 | ('N' - '@')) & 0xff;
    edid[EDID_PRODUCT] = 0x01;
    edid[EDID_SERIAL] = 0x01;
    edid[EDID_WEEK] = 0xff; /* the year below is that of the model */
    edid[EDID_YEAR] = 2026 - 1990;
    edid[EDID_VERSION] = 1;
    edid[EDID_VERSION + 1] = 4;
    edid[EDID_INPUT] = (uint8_t)(0x80 | 2 << 4 | interface); /* digital, 8 bits a colour */
    /* 96 pixels an inch. */
    width_mm = width * 254 / 960;
    height_mm = height * 254 / 960;
    edid[EDID_SIZE_CM] = (uint8_t)MIN((width_mm + 5) / 10, 255);
    edid[EDID_SIZE_CM + 1] = (uint8_t)MIN((height_mm + 5) / 10, 255);
    edid[EDID_GAMMA] = 220 - 100;
    edid[EDID_FEATURES] = 0x06; /* RGB 4:4:4, sRGB, the preferred timing is the native one */
    memcpy(edid + EDID_CHROMATICITY, srgb, sizeof(srgb));

    edid[EDID_ESTABLISHED] = 0x20; /* 640x480 */
    if (width >= 800 && height >= 600)
        edid[EDID_ESTABLISHED] |= 0x01;
    if (width >= 1024 && height >= 768)
        edid[EDID_ESTABLISHED + 1] |= 0x08;
    put_standard(edid, width, height, refresh_hz);

    put_timing(edid + EDID_DESCRIPTORS, &best, width_mm, height_mm);
    put_range(edid + EDID_DESCRIPTORS + DESCRIPTOR_SIZE, &best, refresh_hz);
    put_text(edid + EDID_DESCRIPTORS + 2 * DESCRIPTOR_SIZE, DESCRIPTOR_NAME, "Mediant");
    put_text(edid + EDID_DESCRIPTORS + 3 * DESCRIPTOR_SIZE, DESCRIPTOR_SERIAL, "1");

    for (unsigned i = 0; i < EDID_CHECKSUM; i++)
        sum = (uint8_t)(sum + edid[i]);
    edid[EDID_CHECKSUM] = (uint8_t)-sum;
    return true;
}
