/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a viewer sees while the guest shows nothing: whose screen it is and why, in words. Used by screen.c. */
#ifndef MEDIANT_VMM_DISPLAY_CARD_H
#define MEDIANT_VMM_DISPLAY_CARD_H

#include "gpu/blocks/image.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A picture of 1024x768: the guest's name, and either that its driver is waited for, or that its vGPU failed with a reason, of which as much is shown
 * as there is room for. NULL without memory. Any thread; reads the system's fonts.
 */
struct image *card_create(const char *guest, bool failed, const char *reason);

#ifdef __cplusplus
}
#endif
#endif
