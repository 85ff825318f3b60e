/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each guest did with the GPU, in words and numbers, at the end of a run. Used by outputs.c. */
#ifndef MEDIANT_VMM_REPORT_H
#define MEDIANT_VMM_REPORT_H

#include "vmm/observe/figures.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Frames, GPU time share against weight, submissions; quotas; then traps and exits by class. Users without a GPU are left out. */
void report_print(FILE *file, const struct figures *figures);

#ifdef __cplusplus
}
#endif
#endif
