/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that change what names a directory has. */
#include "vmm/p9/operations.h"
#include "vmm/p9/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A name in a directory that a fid means. */
struct place {
    const char *directory; /* path; not owned */
    char name[NAME_MAX + 1];
    int hold; /* of the directory */
};

static void place_clear(struct place *place)
{
    p9_close_fd(&place->hold);
}

#define auto_place __attribute__((cleanup(place_clear))) struct place

static int find_place(struct p9_server *server, uint32_t number, const struct p9_string *name, struct place *place)
{
    const struct p9_fid *fid = p9_fids_find(server->fids, number);

    if (!fid)
        return EBADF;
    place->directory = fid->path;
    int failed = p9_name(name, place->name);
    return failed ? failed : !fid->path ? ESTALE : p9_tree_find(&server->tree, fid->path, &place->hold);
}

/* Where a fid itself is. Not for the top of the tree (EBUSY). */
static int find_own_place(struct p9_server *server, const struct p9_fid *fid, char **directory, struct place *place)
{
    const char *slash = fid->path ? strrchr(fid->path, '/') : NULL;

    if (!fid->path)
        return ESTALE;
    if (!*fid->path)
        return EBUSY;
    g_strlcpy(place->name, slash ? slash + 1 : fid->path, sizeof(place->name));
    place->directory = *directory = slash ? g_strndup(fid->path, (size_t)(slash - fid->path)) : g_strdup("");
    return p9_tree_find(&server->tree, *directory, &place->hold);
}

int p9_mkdir(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    uint32_t number = p9_get_u32(in);
    struct p9_string name = p9_get_string(in);
    uint32_t mode = p9_get_u32(in);
    p9_get_u32(in); /* gid */
    auto_place place = {.hold = -1};
    p9_autofd made = -1;
    struct stat st;

    if (!p9_all_read(in))
        return EBADMSG;
    int failed = find_place(server, number, &name, &place);
    if (failed || mkdirat(place.hold, place.name, mode & 01777) != 0)
        return failed ? failed : errno;
    failed = p9_tree_step(place.hold, place.name, &made);
    if (failed || fstat(made, &st) != 0)
        return failed ? failed : errno;
    /* Its own umask is the guest's business; what was put in its place by somebody else is theirs. */
    if (S_ISDIR(st.st_mode))
        failed = p9_tree_set_mode(&server->tree, made, mode);
    return failed ? failed : p9_put_qid_of(out, &server->tree, made);
}

int p9_symlink(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    uint32_t number = p9_get_u32(in);
    struct p9_string name = p9_get_string(in), text = p9_get_string(in);
    p9_get_u32(in); /* gid */
    auto_place place = {.hold = -1};
    p9_autofd made = -1;

    if (!p9_all_read(in))
        return EBADMSG;
    if (text.len >= PATH_MAX)
        return ENAMETOOLONG;
    g_autofree char *target = g_strndup(text.text, text.len);
    if (strlen(target) != text.len)
        return EINVAL;
    int failed = find_place(server, number, &name, &place);
    if (failed || symlinkat(target, place.hold, place.name) != 0)
        return failed ? failed : errno;
    failed = p9_tree_step(place.hold, place.name, &made);
    return failed ? failed : p9_put_qid_of(out, &server->tree, made);
}

int p9_link(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    uint32_t number = p9_get_u32(in);
    const struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    struct p9_string name = p9_get_string(in);
    auto_place place = {.hold = -1};
    p9_autofd hold = -1;

    if (!p9_all_read(in))
        return EBADMSG;
    int failed = find_place(server, number, &name, &place);
    if (!failed)
        failed = p9_hold(server, fid, &hold);
    return failed ? failed : p9_tree_link(&server->tree, hold, place.hold, place.name);
}

/* A hold of what is about to lose its name, for the fids that mean it; -1 when nothing is there, or a directory, which is of no use then. */
static int hold_before(const struct place *place)
{
    struct stat st;
    int hold;

    if (p9_tree_step(place->hold, place->name, &hold) == 0 && (fstat(hold, &st) != 0 || S_ISDIR(st.st_mode)))
        p9_close_fd(&hold);
    return hold;
}

static int move(struct p9_server *server, const struct place *from, const struct place *to)
{
    g_autofree char *before = p9_path_join(from->directory, from->name), *after = p9_path_join(to->directory, to->name);
    p9_autofd replaced = hold_before(to);

    if (renameat(from->hold, from->name, to->hold, to->name) != 0)
        return errno;
    if (strcmp(before, after) != 0) {
        p9_fids_removed(server->fids, after, replaced);
        p9_fids_renamed(server->fids, before, after);
    }
    return 0;
}

static int take_away(struct p9_server *server, const struct place *place, int flags)
{
    g_autofree char *path = p9_path_join(place->directory, place->name);
    p9_autofd removed = hold_before(place);

    if (unlinkat(place->hold, place->name, flags) != 0)
        return errno;
    p9_fids_removed(server->fids, path, removed);
    return 0;
}

int p9_rename(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    const struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));
    uint32_t number = p9_get_u32(in);
    struct p9_string name = p9_get_string(in);
    g_autofree char *directory = NULL;
    auto_place from = {.hold = -1}, to = {.hold = -1};

    if (!p9_all_read(in))
        return EBADMSG;
    if (!fid)
        return EBADF;
    int failed = find_own_place(server, fid, &directory, &from);
    if (!failed)
        failed = find_place(server, number, &name, &to);
    return failed ? failed : move(server, &from, &to);
}

int p9_renameat(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    uint32_t from_number = p9_get_u32(in);
    struct p9_string from_name = p9_get_string(in);
    uint32_t to_number = p9_get_u32(in);
    struct p9_string to_name = p9_get_string(in);
    auto_place from = {.hold = -1}, to = {.hold = -1};

    if (!p9_all_read(in))
        return EBADMSG;
    int failed = find_place(server, from_number, &from_name, &from);
    if (!failed)
        failed = find_place(server, to_number, &to_name, &to);
    return failed ? failed : move(server, &from, &to);
}

int p9_unlinkat(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    uint32_t number = p9_get_u32(in);
    struct p9_string name = p9_get_string(in);
    uint32_t flags = p9_get_u32(in);
    auto_place place = {.hold = -1};

    if (!p9_all_read(in))
        return EBADMSG;
    if (flags & ~(uint32_t)P9_UNLINK_DIRECTORY)
        return EINVAL;
    int failed = find_place(server, number, &name, &place);
    return failed ? failed : take_away(server, &place, flags ? AT_REMOVEDIR : 0);
}

static int remove_own(struct p9_server *server, const struct p9_fid *fid)
{
    g_autofree char *directory = NULL;
    auto_place place = {.hold = -1};

    if (server->tree.read_only)
        return EROFS;
    int failed = find_own_place(server, fid, &directory, &place);
    if (!failed)
        failed = take_away(server, &place, 0);
    return failed == EISDIR ? take_away(server, &place, AT_REMOVEDIR) : failed;
}

/* The fid ends also when nothing could be removed (remove(5) of Plan 9). */
int p9_remove(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    struct p9_fid *fid = p9_fids_find(server->fids, p9_get_u32(in));

    if (!p9_all_read(in))
        return EBADMSG;
    if (!fid)
        return EBADF;
    int failed = remove_own(server, fid);
    p9_fids_remove(server->fids, fid);
    return failed;
}
