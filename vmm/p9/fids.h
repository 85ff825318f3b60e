/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers by which a client calls things in the tree. A fid is a path, and a descriptor once it is opened: a Linux client keeps one for
 * each name in its cache, and these would be too many descriptors. Used by the operations of this folder; one thread at a time.
 */
#ifndef MEDIANT_VMM_P9_FIDS_H
#define MEDIANT_VMM_P9_FIDS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    P9_FIDS_MAX = 1 << 16,
    P9_OPEN_MAX = 1024,          /* of them opened, or held */
    P9_PATH_MAX = 4095,          /* bytes of one path, as the kernel has it */
    P9_PATHS_MAX_BYTES = 16 << 20, /* of all paths together */
};

struct p9_fid {
    uint32_t number;
    char *path;     /* see tree.h; NULL: it has none any more (it was removed, or a rename made its path too long) */
    int hold;       /* without a path: of what it was, or -1 */
    int fd;         /* -1: not opened */
    int access;     /* O_RDONLY, O_WRONLY, O_RDWR of fd */
    bool directory; /* fd is one */
};

struct p9_fids;

struct p9_fids *p9_fids_create(void);
void p9_fids_destroy(struct p9_fids *fids);

struct p9_fid *p9_fids_find(struct p9_fids *fids, uint32_t number); /* NULL when there is none */
/* A fid that is not opened. EBADF when the number is taken or P9_NO_FID, ENAMETOOLONG, ENOMEM when a limit is reached. */
int p9_fids_add(struct p9_fids *fids, uint32_t number, const char *path);
/* Fails likewise, and then leaves the path as it was. */
int p9_fids_set_path(struct p9_fids *fids, struct p9_fid *fid, const char *path);
void p9_fids_remove(struct p9_fids *fids, struct p9_fid *fid); /* closes it */
void p9_fids_clear(struct p9_fids *fids);

/* True while one more may be opened. */
bool p9_fids_may_open(const struct p9_fids *fids);
/* Gives an open descriptor to a fid that has none. */
void p9_fids_opened(struct p9_fids *fids, struct p9_fid *fid, int fd, int access, bool directory);

/*
 * What was at a path was removed by the client, who may still have it open: the fids of that path mean it on, by copies of the hold (-1, or
 * when there are too many: they mean nothing any more).
 */
void p9_fids_removed(struct p9_fids *fids, const char *path, int hold);
/* What was at one path is at another now, with all that is below it. */
void p9_fids_renamed(struct p9_fids *fids, const char *from, const char *to);

/* "directory/name", or the name alone in "". Caller frees with g_free. */
char *p9_path_join(const char *directory, const char *name);

#ifdef __cplusplus
}
#endif
#endif
