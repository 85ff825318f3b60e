/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file tree of a few paths: a tmpfs, with clones of mounts where the paths are, becomes the root, and the host's is let go. See tree.h. The calls are those of
 * Linux 5.12 and before (fsopen, open_tree, mount_setattr, move_mount: their manual pages), which work by descriptors, so nothing has to exist to mount upon.
 */
#include "vmm/sandbox/tree.h"

#include "vmm/sandbox/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A path as it is to be seen. */
struct view {
    char *path;
    bool writable, code;
    bool link; /* the last name is a symbolic link */
};

struct tree {
    int root; /* of the new tree */
    GPtrArray *views;
    struct refusal *refusal;
};

static void view_free(void *opaque)
{
    struct view *view = opaque;

    g_free(view->path);
    g_free(view);
}

static bool refuse(const struct tree *tree, const char *step)
{
    *tree->refusal = (struct refusal){step, errno};
    return false;
}

/* A path of two uses has the rights of both. */
static bool add_view(void *opaque, const struct path *path)
{
    struct tree *tree = opaque;
    bool writable = (path->access & ~paths_access_read) != 0;
    struct stat st;

    for (unsigned i = 0; i < tree->views->len; i++) {
        struct view *view = g_ptr_array_index(tree->views, i);
        if (strcmp(view->path, path->name) == 0) {
            view->writable |= writable;
            view->code |= path->code;
            return true;
        }
    }
    if (lstat(path->name, &st) != 0)
        return true; /* what is not there is not to be seen */
    struct view *view = g_new(struct view, 1);
    *view = (struct view){g_strdup(path->name), writable, path->code, S_ISLNK(st.st_mode)};
    g_ptr_array_add(tree->views, view);
    return true;
}

/* Links last, as they may lead to what is there then; else directories before what is in them. */
static int compare(const void *a, const void *b)
{
    const struct view *left = *(struct view *const *)a, *right = *(struct view *const *)b;

    return left->link != right->link ? left->link - right->link : strcmp(left->path, right->path);
}

static int find(const struct tree *tree, const char *path)
{
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};

    return (int)syscall(SYS_openat2, tree->root, path, &how, sizeof(how));
}

/* Makes the directories on the way, and what is to be covered at its end; what exists stays. */
static int make_place(const struct tree *tree, const char *path, bool directory)
{
    g_autofree char *part = g_strdup(path + 1);

    for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdirat(tree->root, part, 0755);
        *slash = '/';
    }
    int place = find(tree, path);
    if (place >= 0)
        return place;
    if (directory) {
        mkdirat(tree->root, part, 0755);
    } else {
        int fd = openat(tree->root, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
    }
    return find(tree, path);
}

/* True when the path leads to the same file in both trees. */
static bool is_seen(const struct tree *tree, const char *path)
{
    struct stat outside, inside;
    int fd = find(tree, path);
    bool seen = fd >= 0 && fstat(fd, &inside) == 0 && stat(path, &outside) == 0 && inside.st_dev == outside.st_dev && inside.st_ino == outside.st_ino;

    if (fd >= 0)
        close(fd);
    return seen;
}

static bool copy_link(const struct tree *tree, const char *path)
{
    g_autofree char *target = g_file_read_link(path, NULL);
    g_autofree char *directory = g_path_get_dirname(path);
    int place = strcmp(directory, "/") == 0 ? -1 : make_place(tree, directory, true);

    if (place >= 0)
        close(place);
    if (!target || symlinkat(target, tree->root, path + 1) != 0)
        return false;
    if (is_seen(tree, path))
        return true;
    unlinkat(tree->root, path + 1, 0);
    return false;
}

static bool attach(const struct tree *tree, const struct view *view, int mounts)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (view->writable ? 0 : MOUNT_ATTR_RDONLY) |
                                                (view->code ? 0 : MOUNT_ATTR_NOEXEC)};
    struct stat st;

    if (mount_setattr(mounts, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof(attributes)) != 0 || fstat(mounts, &st) != 0)
        return refuse(tree, "attributes of mounts");
    int place = make_place(tree, view->path, S_ISDIR(st.st_mode));
    bool ok = place >= 0 && move_mount(mounts, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0;
    if (!ok)
        refuse(tree, "a path in the new file tree");
    if (place >= 0)
        close(place);
    if (ok && !is_seen(tree, view->path)) {
        errno = ELOOP;
        ok = refuse(tree, "a path by way of links in the new file tree");
    }
    return ok;
}

static bool show(const struct tree *tree, const struct view *view)
{
    if (strcmp(view->path, "/") == 0) {
        errno = 0;
        return refuse(tree, "a socket or an output is directly in / (give it a directory)");
    }
    if (view->link && !view->writable && copy_link(tree, view->path))
        return true;
    int mounts = open_tree(AT_FDCWD, view->path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (mounts < 0) /* what this user does not reach is not to be seen */
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR || refuse(tree, "copies of mounts");
    bool ok = attach(tree, view, mounts);
    close(mounts);
    return ok;
}

/* Our descriptors, by which a served vGPU looks what a client has sent (vfio_user/interrupts.c). */
static bool show_descriptors(const struct tree *tree)
{
    struct view view = {.path = (char *)"/proc/self/fd"};

    return show(tree, &view);
}

/* "/a/b/../c" needs a directory b though nothing in it is in sight. What then does not lead where it did, by a link before "..", is no tree to use. */
static bool keep_way(void *opaque, const struct path *path)
{
    struct tree *tree = opaque;

    if (!path->way)
        return true;
    for (const char *up = strstr(path->way, "/.."); up; up = strstr(up + 1, "/..")) {
        g_autofree char *prefix = g_strndup(path->way, (gsize)(up - path->way));
        g_autofree char *directory = g_canonicalize_filename(prefix, "/");
        int place = directory[1] ? make_place(tree, directory, true) : -1;
        if (place >= 0)
            close(place);
    }
    if (access(path->way, F_OK) != 0 || is_seen(tree, path->way))
        return true;
    errno = ELOOP;
    return refuse(tree, "a path by way of links and \"..\" in the new file tree");
}

static bool fill(struct tree *tree, const struct paths *paths)
{
    bool ok = show_descriptors(tree);

    paths_each(paths, PATHS_ALL, add_view, tree);
    g_ptr_array_sort(tree->views, compare);
    for (unsigned i = 0; i < tree->views->len && ok; i++)
        ok = show(tree, g_ptr_array_index(tree->views, i));
    return ok && paths_each(paths, PATHS_ALL, keep_way, tree);
}

/* Over the root, where nobody sees it: whoever has a root looks below it. */
static bool make_root(struct tree *tree)
{
    int context = fsopen("tmpfs", FSOPEN_CLOEXEC);

    if (context < 0)
        return refuse(tree, "tmpfs");
    if (fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        tree->root = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    bool ok = tree->root >= 0 && move_mount(tree->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0;
    if (!ok)
        refuse(tree, "a new root");
    close(context);
    return ok;
}

/* The host's tree is put upon the new one. */
static bool change_root(const struct tree *tree)
{
    if (fchdir(tree->root) != 0)
        return refuse(tree, "the new root");
    return syscall(SYS_pivot_root, ".", ".") == 0 || refuse(tree, "pivot_root (in an initramfs?)");
}

bool tree_try(struct refusal *refusal)
{
    struct tree tree = {.root = -1, .refusal = refusal};

    return make_root(&tree) && change_root(&tree);
}

static void take_back(const struct tree *tree, int old)
{
    if (fchdir(tree->root) == 0)
        umount2(".", MNT_DETACH);
    fchdir(old);
}

bool tree_close(struct paths *paths, struct refusal *refusal)
{
    struct tree tree = {.root = -1, .views = g_ptr_array_new_with_free_func(view_free), .refusal = refusal};
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    g_autofree char *directory = g_get_current_dir();
    int old = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool made = make_root(&tree), ok = made && fill(&tree, paths);

    if (ok && *directory == '/' && directory[1]) {
        int place = make_place(&tree, directory, true);
        if (place >= 0)
            close(place);
    }
    ok = ok && change_root(&tree);
    if (ok) {
        umount2(".", MNT_DETACH); /* of ours, by no name: it does not fail */
        if (chdir(directory) != 0)
            chdir("/");
        mount_setattr(tree.root, "", AT_EMPTY_PATH, &read_only, sizeof(read_only));
        paths_reopen(paths);
    } else if (made) {
        take_back(&tree, old);
    }
    if (tree.root >= 0)
        close(tree.root);
    if (old >= 0)
        close(old);
    g_ptr_array_unref(tree.views);
    return ok;
}
