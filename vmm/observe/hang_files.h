/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is left of hangs: a file for each in `[observe] directory`, which `vmm decode` prints. Used by gpu_setup.c.
 *
 * Threads: hang_files_add() from any; it copies and does not block. The main loop writes the files. The rest from the main loop's thread.
 */
#ifndef MEDIANT_VMM_OBSERVE_HANG_FILES_H
#define MEDIANT_VMM_OBSERVE_HANG_FILES_H

#include "gpu/defs/error_state.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HANG_FILES_EACH = 8 }; /* of a guest; its later hangs leave none, so that a guest cannot fill the disk */

struct hang_files;

/* NULL for a directory that is NULL: the others take that. The directory is copied. */
struct hang_files *hang_files_create(const char *directory);
/* Writes what waits. Nothing is added any more. */
void hang_files_destroy(struct hang_files *files);
/* DIRECTORY/GUEST-hang-N.txt, N from 1 on; and a line on standard error that names it and the reason. */
void hang_files_add(struct hang_files *files, const struct error_state *state);

#ifdef __cplusplus
}
#endif
#endif
