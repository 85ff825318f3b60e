/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys `mode` and `edid`: what a guest's monitor says about itself. Used by gpu_setup.c, and by screens.c to check a configuration. */
#ifndef MEDIANT_VMM_DISPLAY_MODE_H
#define MEDIANT_VMM_DISPLAY_MODE_H

#include "gpu/blocks/edid.h"
#include "vmm/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Fills settings, which are zeroed or from an earlier call, for a user that has a GPU: from the file of `edid`, which is not read again, from `mode`, or the best mode of its type. Errors name file, group and key. A vGPU's
 * monitor is at most as large as its type says; HDMI has at most 300 MHz, what this GPU's port can do.
 */
bool mode_load(const struct config *config, const struct gpu_user *user, struct monitor_settings *settings, GError **error);

/* "1920x1080" or "1920x1080@75": false when text is anything else. *refresh_hz is EDID_REFRESH without a rate. */
bool mode_parse(const char *text, unsigned *width, unsigned *height, unsigned *refresh_hz);

#ifdef __cplusplus
}
#endif
#endif
