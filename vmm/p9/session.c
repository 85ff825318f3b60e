/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Version, attach, and how fids come and go. */
#include "vmm/p9/operations.h"
#include "vmm/p9/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char version_name[] = "9P2000.L";

static bool is(const struct p9_string *string, const char *text)
{
    return string->len == strlen(text) && memcmp(string->text, text, string->len) == 0;
}

/* Begins anew: no fid outlives it, whatever comes of it. */
int p9_version(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    uint32_t max = p9_get_u32(in);
    struct p9_string version = p9_get_string(in);

    if (!p9_all_read(in))
        return EBADMSG;
    p9_fids_clear(server->fids);
    server->message_max = 0;
    if (max < P9_MESSAGE_MIN)
        return EINVAL;
    max = MIN(max, P9_MESSAGE_MAX);
    bool known = is(&version, version_name);
    p9_put_u32(out, max);
    p9_put_string(out, known ? version_name : "unknown", strlen(known ? version_name : "unknown"));
    if (known)
        server->message_max = max;
    return 0;
}

int p9_attach(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    uint32_t fid = p9_get_u32(in), auth = p9_get_u32(in);
    p9_get_string(in); /* who it is does not matter: see server.h */
    struct p9_string what = p9_get_string(in);
    p9_get_u32(in);
    p9_autofd root = -1;

    if (!p9_all_read(in))
        return EBADMSG;
    if (auth != P9_NO_FID)
        return EINVAL;
    if (!is(&what, "") && !is(&what, "/"))
        return ENOENT;
    int failed = p9_tree_find(&server->tree, "", &root);
    if (!failed)
        failed = p9_fids_add(server->fids, fid, "");
    return failed ? failed : p9_put_qid_of(out, &server->tree, root);
}

/* A request is answered before the next one is taken: there is nothing to abort. */
int p9_flush(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    p9_get_u16(in);
    return p9_all_read(in) ? 0 : EBADMSG;
}

int p9_clunk(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));

    if (!p9_all_read(in))
        return EBADMSG;
    if (!fid)
        return EBADF;
    p9_fids_remove(server->fids, fid);
    return 0;
}

/* The new fid, which may be the old one. */
static int add_walked(struct p9_server *server, struct p9_fid *from, uint32_t number, const char *path)
{
    if (number != from->number)
        return p9_fids_add(server->fids, number, path);
    if (from->fd >= 0)
        return EBUSY;
    return p9_fids_set_path(server->fids, from, path);
}

/* Walks as far as it goes, and adds the qids; returns how many names that were, and why it was not more. */
static uint16_t step_through(struct p9_server *server, struct p9_reader *in, uint16_t count, char **path, struct p9_writer *out, int *failed)
{
    p9_autofd hold = -1;
    uint16_t done = 0;

    *failed = p9_tree_find(&server->tree, *path, &hold);
    while (!*failed && done < count) {
        struct p9_string string = p9_get_string(in);
        char name[NAME_MAX + 1];
        int next = -1;
        *failed = p9_name(&string, name);
        if (!*failed)
            *failed = p9_tree_step(hold, name, &next);
        if (!*failed)
            *failed = p9_put_qid_of(out, &server->tree, next);
        p9_close_fd(&hold);
        hold = next;
        if (*failed)
            break;
        char *longer = p9_path_join(*path, name);
        g_free(*path);
        *path = longer;
        done++;
    }
    return done;
}

/* The names are looked at twice, which is well as the message is our copy: first whether they are all there. */
int p9_walk(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    struct p9_fid *from = p9_fids_find(server->fids, p9_get_u32(in));
    uint32_t number = p9_get_u32(in);
    uint16_t count = p9_get_u16(in);
    struct p9_reader names = *in;
    uint8_t *count_at = p9_put_space(out, 2);
    int failed = 0;

    for (unsigned i = 0; i < count && !names.bad; i++)
        p9_get_string(&names);
    if (!p9_all_read(&names))
        return EBADMSG;
    if (count > P9_WALK_MAX)
        return EINVAL;
    if (!from)
        return EBADF;
    if (!from->path)
        return ESTALE;
    if (!count_at)
        return EMSGSIZE;
    g_autofree char *path = g_strdup(from->path);
    /* A clone needs nothing to be there: what was removed can still be opened or asked for, and that fails in its turn. */
    uint16_t done = count > 0 ? step_through(server, in, count, &path, out, &failed) : 0;
    if (failed && done == 0)
        return failed;
    if (done == count && (failed = add_walked(server, from, number, path)))
        return failed;
    struct p9_writer counter = {.data = count_at, .size = 2};
    p9_put_u16(&counter, done);
    return 0;
}

int p9_hold(struct p9_server *server, const struct p9_fid *fid, int *hold)
{
    if (!fid)
        return EBADF;
    /* An opened file may have no name any more. A directory is looked up, so that it is still in the tree. */
    if (fid->fd >= 0 && !fid->directory) {
        *hold = fcntl(fid->fd, F_DUPFD_CLOEXEC, 0);
        return *hold < 0 ? errno : 0;
    }
    if (fid->path)
        return p9_tree_find(&server->tree, fid->path, hold);
    *hold = fid->hold >= 0 ? fcntl(fid->hold, F_DUPFD_CLOEXEC, 0) : -1;
    return *hold >= 0 ? 0 : fid->hold >= 0 ? errno : ESTALE;
}

void p9_put_qid(struct p9_writer *out, const struct p9_tree *tree, const struct stat *st)
{
    /* Inode numbers of other file systems, mounted below, are moved away from those of the directory's own. */
    uint64_t elsewhere = st->st_dev == tree->device ? 0 : (st->st_dev * UINT64_C(0x9e3779b97f4a7c15)) << 32;

    p9_put_u8(out, S_ISDIR(st->st_mode) ? P9_QID_DIRECTORY : S_ISLNK(st->st_mode) ? P9_QID_SYMLINK : 0);
    p9_put_u32(out, (uint32_t)((uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec + (uint64_t)st->st_size));
    p9_put_u64(out, st->st_ino ^ elsewhere);
}

int p9_put_qid_of(struct p9_writer *out, const struct p9_tree *tree, int hold)
{
    struct stat st;

    if (fstat(hold, &st) != 0)
        return errno;
    p9_put_qid(out, tree, &st);
    return 0;
}
