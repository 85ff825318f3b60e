/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that open files, and those on opened ones. */
#include "vmm/p9/operations.h"
#include "vmm/p9/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* O_APPEND is left out: each write says where it goes. So is O_DIRECT: it asks for an alignment that the client does not know. */
static int host_flags(uint32_t flags)
{
    return (int)(flags & P9_OPEN_ACCESS) | (flags & P9_OPEN_TRUNC ? O_TRUNC : 0) |
           ((flags & P9_OPEN_SYNC) == P9_OPEN_SYNC ? O_SYNC : flags & P9_OPEN_DSYNC ? O_DSYNC : 0);
}

static int check_flags(const struct p9_server *server, uint32_t flags)
{
    bool writes = (flags & P9_OPEN_ACCESS) != O_RDONLY || (flags & P9_OPEN_TRUNC);

    if ((flags & P9_OPEN_ACCESS) == P9_OPEN_ACCESS)
        return EINVAL;
    if (writes && server->tree.read_only)
        return EROFS;
    return p9_fids_may_open(server->fids) ? 0 : EMFILE;
}

static int open_held(struct p9_server *server, int hold, uint32_t flags, int *fd, struct stat *st)
{
    if (fstat(hold, st) != 0)
        return errno;
    if (S_ISDIR(st->st_mode) && ((flags & P9_OPEN_ACCESS) != O_RDONLY || (flags & P9_OPEN_TRUNC)))
        return EISDIR;
    if (!S_ISDIR(st->st_mode) && (flags & P9_OPEN_DIRECTORY))
        return ENOTDIR;
    int failed = p9_tree_reopen(&server->tree, hold, host_flags(flags), fd);
    return failed ? failed : fstat(*fd, st) != 0 ? errno : 0;
}

static void put_opened(struct p9_server *server, struct p9_writer *out, const struct stat *st)
{
    p9_put_qid(out, &server->tree, st);
    p9_put_u32(out, 0); /* iounit: as much as a message takes */
}

int p9_lopen(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    uint32_t flags = p9_get_u32(in);
    p9_autofd hold = -1;
    p9_autofd fd = -1;
    struct stat st;

    if (!p9_all_read(in))
        return EBADMSG;
    if (!fid || fid->fd >= 0)
        return EBADF;
    int failed = check_flags(server, flags);
    if (!failed)
        failed = p9_hold(server, fid, &hold);
    if (!failed)
        failed = open_held(server, hold, flags, &fd, &st);
    if (failed)
        return failed;
    put_opened(server, out, &st);
    p9_fids_opened(server->fids, fid, fd, (int)(flags & P9_OPEN_ACCESS), S_ISDIR(st.st_mode));
    fd = -1; /* the fid's */
    return 0;
}

int p9_lcreate(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    struct p9_string string = p9_get_string(in);
    uint32_t flags = p9_get_u32(in), mode = p9_get_u32(in);
    p9_get_u32(in); /* gid */
    p9_autofd directory = -1;
    p9_autofd hold = -1;
    p9_autofd fd = -1;
    char name[NAME_MAX + 1];
    struct stat st;

    if (!p9_all_read(in))
        return EBADMSG;
    if (!fid || fid->fd >= 0)
        return EBADF;
    int failed = p9_name(&string, name);
    if (!failed)
        failed = check_flags(server, flags);
    if (!failed)
        failed = p9_hold(server, fid, &directory);
    if (failed)
        return failed;
    g_autofree char *parent = g_strdup(fid->path), *path = p9_path_join(parent, name);
    failed = p9_fids_set_path(server->fids, fid, path); /* first, as there may be no room for it */
    if (failed)
        return failed;
    failed = p9_tree_create(&server->tree, directory, name, host_flags(flags), mode, &fd);
    if (failed == EEXIST && !(flags & P9_OPEN_EXCL)) {
        failed = p9_tree_step(directory, name, &hold);
        if (!failed)
            failed = open_held(server, hold, flags, &fd, &st);
        if (!failed && S_ISDIR(st.st_mode))
            failed = EISDIR;
    }
    if (!failed && fstat(fd, &st) != 0)
        failed = errno;
    if (failed) {
        p9_fids_set_path(server->fids, fid, parent);
        return failed;
    }
    put_opened(server, out, &st);
    p9_fids_opened(server->fids, fid, fd, (int)(flags & P9_OPEN_ACCESS), false);
    fd = -1;
    return 0;
}

/* An opened file that may be read or written, as access says. */
static int find_opened(struct p9_server *server, uint32_t number, int access, struct p9_fid **fid)
{
    *fid = p9_fids_find(server->fids, number);
    if (!*fid || (*fid)->fd < 0 || ((*fid)->access != access && (*fid)->access != O_RDWR))
        return EBADF;
    return (*fid)->directory ? EISDIR : 0;
}

int p9_read(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    uint32_t number = p9_get_u32(in);
    uint64_t offset = p9_get_u64(in);
    uint32_t count = p9_get_u32(in);
    struct p9_fid *fid;

    if (!p9_all_read(in))
        return EBADMSG;
    int failed = find_opened(server, number, O_RDONLY, &fid);
    if (failed)
        return failed;
    if (offset > INT64_MAX)
        return EINVAL;
    if (p9_room(out) < 4)
        return EMSGSIZE;
    size_t room = MIN(p9_room(out) - 4, count);
    ssize_t got = pread(fid->fd, out->data + out->at + 4, room, (off_t)offset);
    if (got < 0)
        return errno;
    p9_put_u32(out, (uint32_t)got);
    p9_put_space(out, (size_t)got);
    return 0;
}

int p9_write(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    uint32_t number = p9_get_u32(in);
    uint64_t offset = p9_get_u64(in);
    uint32_t count = p9_get_u32(in);
    const uint8_t *data = p9_get_bytes(in, count);
    struct p9_fid *fid;

    if (!p9_all_read(in))
        return EBADMSG;
    int failed = find_opened(server, number, O_WRONLY, &fid);
    if (failed)
        return failed;
    if (offset > INT64_MAX)
        return EINVAL;
    ssize_t done = pwrite(fid->fd, data, count, (off_t)offset);
    if (done < 0)
        return errno;
    p9_put_u32(out, (uint32_t)done);
    return 0;
}

/* One entry as readdir has it; false when there is no room for it. */
static bool put_entry(struct p9_writer *out, const struct p9_fid *fid, const struct stat *self, const struct dirent64 *entry)
{
    size_t len = strlen(entry->d_name);
    bool outside = !*fid->path && strcmp(entry->d_name, "..") == 0; /* of the top there is nothing above */

    if (p9_room(out) < P9_QID_BYTES + 8 + 1 + 2 + len)
        return false;
    p9_put_u8(out, entry->d_type == DT_DIR ? P9_QID_DIRECTORY : entry->d_type == DT_LNK ? P9_QID_SYMLINK : 0);
    p9_put_u32(out, 0);
    p9_put_u64(out, outside ? self->st_ino : entry->d_ino);
    p9_put_u64(out, (uint64_t)entry->d_off);
    p9_put_u8(out, entry->d_type);
    p9_put_string(out, entry->d_name, len);
    return true;
}

/* Fills entries from offset on; what the kernel gave and did not fit is asked for again next time. */
static int put_entries(struct p9_writer *out, const struct p9_fid *fid, uint64_t offset)
{
    enum { BATCH_BYTES = 16 << 10 };
    _Alignas(struct dirent64) char batch[BATCH_BYTES];
    struct stat self;

    if (fstat(fid->fd, &self) != 0 || lseek(fid->fd, (off_t)offset, SEEK_SET) < 0)
        return errno;
    for (size_t begin = out->at;;) {
        long got = syscall(SYS_getdents64, fid->fd, batch, sizeof(batch));
        if (got <= 0)
            return got < 0 && out->at == begin ? errno : 0;
        for (long at = 0; at < got;) {
            const struct dirent64 *entry = (const void *)(batch + at);
            if (!put_entry(out, fid, &self, entry))
                return out->at == begin ? EINVAL : 0; /* EINVAL as getdents(2): not even one */
            at += entry->d_reclen;
        }
    }
}

int p9_readdir(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    uint64_t offset = p9_get_u64(in);
    uint32_t count = p9_get_u32(in);
    struct p9_writer length = {.data = p9_put_space(out, 4), .size = 4};

    if (!p9_all_read(in))
        return EBADMSG;
    if (!fid || fid->fd < 0)
        return EBADF;
    if (!fid->directory)
        return ENOTDIR;
    if (!fid->path)
        return ESTALE;
    if (!length.data)
        return EMSGSIZE;
    struct p9_writer entries = {.data = out->data + out->at, .size = MIN(p9_room(out), count)};
    int failed = put_entries(&entries, fid, offset);
    p9_put_u32(&length, (uint32_t)entries.at);
    p9_put_space(out, entries.at);
    return failed;
}

/* datasync came later; who does not send it wants all. */
int p9_fsync(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    const struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    uint32_t data_only = in->left > 0 ? p9_get_u32(in) : 0;

    if (!p9_all_read(in))
        return EBADMSG;
    if (!fid || fid->fd < 0)
        return EBADF;
    return (data_only ? fdatasync(fid->fd) : fsync(fid->fd)) != 0 ? errno : 0;
}

int p9_lock(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    const struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    uint8_t type = p9_get_u8(in);
    p9_get_bytes(in, 4 + 8 + 8 + 4); /* flags, start, length, process */
    p9_get_string(in);

    if (!p9_all_read(in))
        return EBADMSG;
    if (!fid || fid->fd < 0)
        return EBADF;
    if (type > P9_LOCK_UNLOCKED)
        return EINVAL;
    p9_put_u8(out, P9_LOCK_SUCCESS);
    return 0;
}

/* Nobody else has a lock. */
int p9_getlock(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    const struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    p9_get_u8(in);
    uint64_t start = p9_get_u64(in), length = p9_get_u64(in);
    uint32_t process = p9_get_u32(in);
    struct p9_string client = p9_get_string(in);

    if (!p9_all_read(in))
        return EBADMSG;
    if (!fid || fid->fd < 0)
        return EBADF;
    p9_put_u8(out, P9_LOCK_UNLOCKED);
    p9_put_u64(out, start);
    p9_put_u64(out, length);
    p9_put_u32(out, process);
    p9_put_string(out, client.text, client.len);
    return 0;
}
