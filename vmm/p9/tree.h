/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host directory that is shared: every way into it. A path is relative to it, of names with single slashes between them, "" for the
 * directory itself; each is looked up from the top, anew for each request, and the kernel refuses what would leave it (openat2 with
 * RESOLVE_BENEATH and no symbolic links). So what another process moves or swaps meanwhile cannot lead outside either.
 *
 * Things are taken hold of without being opened (O_PATH), looked at, and only then opened or changed through that hold, by /proc/self/fd:
 * what was looked at is what is changed. Functions return 0 or an errno. Threads: any, as each call is one of the kernel.
 */
#ifndef MEDIANT_VMM_P9_TREE_H
#define MEDIANT_VMM_P9_TREE_H

#include "vmm/p9/wire.h"

#include <glib.h>
#include <limits.h>
#include <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

struct p9_tree {
    int root, proc; /* O_PATH; the second of /proc/self/fd */
    bool read_only;
    uint64_t device; /* of the file system that root is on */
};

/* A descriptor that is closed at the end of the block. */
#define p9_autofd __attribute__((cleanup(p9_close_fd))) int
void p9_close_fd(int *fd); /* negative: none */

/* Fails with VMM_ERROR_CONFIG, naming path, when that is no directory, or the kernel is older than Linux 5.6. */
bool p9_tree_open(struct p9_tree *tree, const char *path, bool read_only, GError **error);
void p9_tree_close(struct p9_tree *tree);

/* Copies a name that may stand in a directory: not empty, "." or "..", and without slash and zero (EINVAL, ENAMETOOLONG). */
int p9_name(const struct p9_string *string, char name[NAME_MAX + 1]);

/* Takes hold of what is at a path; of a symbolic link itself. */
int p9_tree_find(const struct p9_tree *tree, const char *path, int *hold);
/* The same for a name in a directory of which there is a hold. */
int p9_tree_step(int directory, const char *name, int *hold);

/* Opens a regular file or a directory that is held; flags are access, O_TRUNC, O_SYNC and O_DSYNC. Other things are never opened (EPERM, ELOOP). */
int p9_tree_reopen(const struct p9_tree *tree, int hold, int flags, int *fd);
/* Makes a regular file (EEXIST when something is there) and opens it. */
int p9_tree_create(const struct p9_tree *tree, int directory, const char *name, int flags, mode_t mode, int *fd);
/*
 * Permissions. Set-user-id and set-group-id of a file can be dropped but not given: a guest makes no program that lends the VMM's rights to
 * others.
 */
int p9_tree_set_mode(const struct p9_tree *tree, int hold, mode_t mode);
int p9_tree_set_times(const struct p9_tree *tree, int hold, const struct timespec times[2]);
int p9_tree_link(const struct p9_tree *tree, int hold, int directory, const char *name);

#ifdef __cplusplus
}
#endif
#endif
