/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The picture that viewers are shown: watch.c changes it, each viewer copies from it what changed since it last did. */
#ifndef MEDIANT_VMM_DISPLAY_PICTURE_H
#define MEDIANT_VMM_DISPLAY_PICTURE_H

#include "gpu/blocks/image.h"

#include <glib.h>

struct picture {
    GMutex lock; /* of the image, and of what the viewers have not taken of it; what scan-out takes comes after it */
    struct image *image; /* NULL before the first look */
};

#endif
