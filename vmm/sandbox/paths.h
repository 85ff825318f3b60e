/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The paths that threads need after set-up: those that are the same everywhere, and those of sandbox_allow(). Rights are Landlock's numbers
 * (include/uapi/linux/landlock.h). Used by sandbox.c, landlock.c and namespaces.c; paths.c has the tables.
 *
 * Threads: none else here during paths_allow() and paths_reopen().
 */
#ifndef MEDIANT_VMM_SANDBOX_PATHS_H
#define MEDIANT_VMM_SANDBOX_PATHS_H

#include "vmm/sandbox/sandbox.h"

#include <glib.h>
#include <stdint.h>

#define PATHS_ALL UINT32_MAX /* kinds: whoever may */
#define PATHS_ACCESS_TRUNCATE (UINT64_C(1) << 14) /* Debian 12's header ends with Linux 5.19 */

/* Rights that a file can have, rather than a directory; of a share; of one that is only read. */
extern const uint64_t paths_access_file, paths_access_share, paths_access_read;

struct paths;

struct path {
    const char *name; /* absolute */
    int fd;           /* O_PATH; -1: not open */
    uint64_t access;
    bool code; /* libraries are loaded from there */
    const char *way; /* the same as it was given, absolute, where names may lead up again ("/a/b/../c"); NULL: as name */
};

struct paths *paths_create(void);
/* fd: -1, or the caller's, O_PATH, which stays open. A path that does not exist allows nothing. */
void paths_allow(struct paths *paths, enum sandbox_use use, const char *path, int fd);
/* Until it returns false, and then false. kinds: bits by enum sandbox_kind, or PATHS_ALL. */
bool paths_each(const struct paths *paths, unsigned kinds, bool (*each)(void *opaque, const struct path *path), void *opaque);
/* All descriptors of names lead to what these names mean now. */
void paths_reopen(struct paths *paths);

#endif
