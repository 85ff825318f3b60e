/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of each group; each table is in the file of the group's name and ends with an empty row. Used by main.c. */
#ifndef GEMCHECK_CHECKS_H
#define GEMCHECK_CHECKS_H

#include "run.h"

#include <stdio.h>

extern const struct check device_checks[], softpin_checks[], reloc_checks[], aperture_checks[], fence_checks[], context_checks[],
    priority_checks[], blit_checks[], userptr_checks[], large_checks[], many_checks[], parallel_checks[], kms_checks[], hang_checks[];

#endif
