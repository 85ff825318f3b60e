/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modes and EDIDs of monitors, from the configuration. See mode.h. */
#include "vmm/display/mode.h"

#include "mmio/vgpu.h"
#include "vmm/error.h"
#include "vmm/units.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_WIDTH = 1920, /* of the whole GPU's monitor; as the model has it */
    DEFAULT_HEIGHT = 1200,
    HDMI_MAX_KHZ = 300000, /* HDMI 1.4 on Skylake: Linux 6.1 intel_hdmi.c, intel_hdmi_source_max_tmds_clock() */
};

bool mode_parse(const char *text, unsigned *width, unsigned *height, unsigned *refresh_hz)
{
    g_auto(GStrv) sides = g_strsplit(text, "x", 2);
    uint64_t values[3] = {0, 0, EDID_REFRESH};

    if (g_strv_length(sides) != 2)
        return false;
    char *at = strchr(sides[1], '@');
    if (at)
        *at = '\0';
    if (!parse_number(sides[0], &values[0]) || !parse_number(sides[1], &values[1]) || (at && !parse_number(at + 1, &values[2])))
        return false;
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++)
        if (values[i] > UINT16_MAX)
            return false;
    *width = (unsigned)values[0];
    *height = (unsigned)values[1];
    *refresh_hz = (unsigned)values[2];
    return true;
}

/* At most one byte more than an EDID can have: then it is too long. False with *reason (static or of errno). */
static bool read_edid(const char *path, struct monitor_settings *settings, const char **reason)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t bytes[EDID_MAX_SIZE + 1];
    size_t size = 0;
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && size < sizeof(bytes)) {
        got = read(fd, bytes + size, sizeof(bytes) - size);
        size += got > 0 ? (size_t)got : 0;
    }
    *reason = got < 0 ? g_strerror(errno) : NULL;
    if (fd >= 0)
        close(fd);
    if (*reason)
        return false;
    settings->edid_size = size;
    memcpy(settings->edid, bytes, MIN(size, EDID_MAX_SIZE));
    return true;
}

static bool load_edid(const struct config *config, const struct gpu_user *user, struct monitor_settings *settings, struct edid_timing *best, GError **error)
{
    const char *reason = NULL;

    if (user->mode)
        return fail_user(config, user, "edid", error, "there is a mode already (remove one)");
    if (settings->edid_size == 0 && !read_edid(user->edid, settings, &reason))
        return fail_user(config, user, "edid", error, "%s: %s", user->edid, reason);
    reason = edid_check(settings->edid, settings->edid_size, best);
    if (reason)
        return fail_user(config, user, "edid", error, "%s: %s", user->edid, reason);
    settings->width = best->hactive;
    settings->height = best->vactive;
    return true;
}

bool mode_load(const struct config *config, const struct gpu_user *user, struct monitor_settings *settings, GError **error)
{
    const struct vgpu_type *type = vgpu_type_find(user->type);
    unsigned max_width = type ? type->width : EDID_MAX_SIDE, max_height = type ? type->height : EDID_MAX_SIDE;
    const char *key = user->edid ? "edid" : "mode";
    struct edid_timing best;

    settings->width = type ? type->width : DEFAULT_WIDTH;
    settings->height = type ? type->height : DEFAULT_HEIGHT;
    settings->refresh_hz = EDID_REFRESH;
    if (user->edid && !load_edid(config, user, settings, &best, error))
        return false;
    if (user->mode && !mode_parse(user->mode, &settings->width, &settings->height, &settings->refresh_hz))
        return fail_user(config, user, key, error, "\"%s\" is not a mode (try 1920x1080 or 1920x1080@60)", user->mode);
    if (type && (settings->width > max_width || settings->height > max_height))
        return fail_user(config, user, key, error, "%ux%u is more than the %ux%u of %s (try mode = %ux%u, or another type)", settings->width, settings->height,
                    max_width, max_height, type->name, max_width, max_height);
    if (!user->edid && !edid_timing_for(settings->width, settings->height, settings->refresh_hz, &best))
        return fail_user(config, user, key, error, "no monitor can have it: %dx%d to %dx%d, %d to %d Hz, 655 MHz (try 1920x1080@60)", EDID_MIN_WIDTH,
                    EDID_MIN_HEIGHT, EDID_MAX_SIDE, EDID_MAX_SIDE, EDID_MIN_REFRESH, EDID_MAX_REFRESH);
    if (strcmp(user->monitor, "hdmi") == 0 && best.clock_khz > HDMI_MAX_KHZ)
        return fail_user(config, user, key, error, "its pixel clock, %u MHz, is more than the 300 MHz of this GPU's HDMI (try monitor = dp)",
                    best.clock_khz / 1000);
    return true;
}
