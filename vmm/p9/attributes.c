/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations on what is known of things: attributes, file system, the text of a symbolic link. */
#include "vmm/p9/operations.h"
#include "vmm/p9/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statfs.h>
#include <unistd.h>

int p9_statfs(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    const struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    p9_autofd hold = -1;
    struct statfs fs;

    if (!p9_all_read(in))
        return EBADMSG;
    int failed = p9_hold(server, fid, &hold);
    if (failed || fstatfs(hold, &fs) != 0)
        return failed ? failed : errno;
    p9_put_u32(out, (uint32_t)fs.f_type);
    p9_put_u32(out, (uint32_t)fs.f_bsize);
    p9_put_u64(out, fs.f_blocks);
    p9_put_u64(out, fs.f_bfree);
    p9_put_u64(out, fs.f_bavail);
    p9_put_u64(out, fs.f_files);
    p9_put_u64(out, fs.f_ffree);
    p9_put_u64(out, 0); /* fsid: the host's own business */
    p9_put_u32(out, (uint32_t)fs.f_namelen);
    return 0;
}

static void put_time(struct p9_writer *out, const struct timespec *time)
{
    p9_put_u64(out, (uint64_t)time->tv_sec);
    p9_put_u64(out, (uint64_t)time->tv_nsec);
}

int p9_getattr(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    const struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    p9_get_u64(in); /* what it wants to know; it gets all that we know */
    p9_autofd hold = -1;
    struct stat st;

    if (!p9_all_read(in))
        return EBADMSG;
    int failed = p9_hold(server, fid, &hold);
    if (failed || fstat(hold, &st) != 0)
        return failed ? failed : errno;
    p9_put_u64(out, P9_GETATTR_BASIC);
    p9_put_qid(out, &server->tree, &st);
    p9_put_u32(out, st.st_mode);
    p9_put_u32(out, st.st_uid);
    p9_put_u32(out, st.st_gid);
    p9_put_u64(out, st.st_nlink);
    p9_put_u64(out, st.st_rdev);
    p9_put_u64(out, (uint64_t)st.st_size);
    p9_put_u64(out, (uint64_t)st.st_blksize);
    p9_put_u64(out, (uint64_t)st.st_blocks);
    put_time(out, &st.st_atim);
    put_time(out, &st.st_mtim);
    put_time(out, &st.st_ctim);
    for (unsigned i = 0; i < 4; i++) /* birth time, generation, data version: not valid */
        p9_put_u64(out, 0);
    return 0;
}

struct changes {
    uint32_t valid, mode, uid, gid;
    uint64_t size, atime[2], mtime[2]; /* seconds, nanoseconds */
};

static int set_size(struct p9_server *server, const struct p9_fid *fid, int hold, uint64_t size)
{
    bool writable = fid->fd >= 0 && !fid->directory && fid->access != O_RDONLY;
    p9_autofd fd = -1;

    if (size > INT64_MAX)
        return EINVAL;
    if (!writable) {
        int failed = p9_tree_reopen(&server->tree, hold, O_WRONLY, &fd);
        if (failed)
            return failed;
    }
    return ftruncate(writable ? hold : fd, (off_t)size) != 0 ? errno : 0;
}

static struct timespec new_time(const struct changes *changes, uint32_t bit, uint32_t set, const uint64_t time[2])
{
    if (!(changes->valid & bit))
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    return changes->valid & set ? (struct timespec){.tv_sec = (time_t)time[0], .tv_nsec = (long)time[1]} : (struct timespec){.tv_nsec = UTIME_NOW};
}

static int set_times(struct p9_server *server, int hold, const struct changes *changes)
{
    const struct timespec times[2] = {new_time(changes, P9_SETATTR_ATIME, P9_SETATTR_ATIME_SET, changes->atime),
                                      new_time(changes, P9_SETATTR_MTIME, P9_SETATTR_MTIME_SET, changes->mtime)};

    return p9_tree_set_times(&server->tree, hold, times);
}

/* What can be refused without trying is, before anything is changed. The size comes before the times, as it changes one. */
static int change(struct p9_server *server, const struct p9_fid *fid, int hold, const struct changes *changes)
{
    enum { SECOND_NS = 1000000000 };
    int failed = 0;
    struct stat st;

    if (fstat(hold, &st) != 0)
        return errno;
    if (((changes->valid & P9_SETATTR_UID) && changes->uid != st.st_uid) || ((changes->valid & P9_SETATTR_GID) && changes->gid != st.st_gid))
        return EPERM;
    if (changes->atime[1] >= SECOND_NS || changes->mtime[1] >= SECOND_NS)
        return EINVAL;
    if (changes->valid & P9_SETATTR_SIZE)
        failed = set_size(server, fid, hold, changes->size);
    if (!failed && (changes->valid & P9_SETATTR_MODE))
        failed = p9_tree_set_mode(&server->tree, hold, changes->mode);
    if (!failed && (changes->valid & (P9_SETATTR_ATIME | P9_SETATTR_MTIME)))
        failed = set_times(server, hold, changes);
    return failed;
}

int p9_setattr(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    const struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    struct changes changes = {.valid = p9_get_u32(in)};
    p9_autofd hold = -1;

    changes.mode = p9_get_u32(in);
    changes.uid = p9_get_u32(in);
    changes.gid = p9_get_u32(in);
    changes.size = p9_get_u64(in);
    changes.atime[0] = p9_get_u64(in);
    changes.atime[1] = p9_get_u64(in);
    changes.mtime[0] = p9_get_u64(in);
    changes.mtime[1] = p9_get_u64(in);
    if (!p9_all_read(in))
        return EBADMSG;
    int failed = p9_hold(server, fid, &hold);
    return failed ? failed : change(server, fid, hold, &changes);
}

int p9_readlink(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    const struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    p9_autofd hold = -1;
    char target[PATH_MAX];
    struct stat st;

    if (!p9_all_read(in))
        return EBADMSG;
    int failed = p9_hold(server, fid, &hold);
    if (failed || fstat(hold, &st) != 0)
        return failed ? failed : errno;
    if (!S_ISLNK(st.st_mode))
        return EINVAL;
    ssize_t len = readlinkat(hold, "", target, sizeof(target));
    if (len < 0)
        return errno;
    p9_put_string(out, target, (size_t)len);
    return 0;
}
