/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways into the shared directory; see tree.h. */
#include "vmm/p9/tree.h"

#include "vmm/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN_SAFELY = O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK }; /* O_NONBLOCK: nothing that we open may wait */

/* The C library has no function for it. */
static int open_beneath(int directory, const char *path, int flags, mode_t mode)
{
    struct open_how how = {.flags = (unsigned)flags,
                           .mode = mode,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

void p9_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

bool p9_tree_open(struct p9_tree *tree, const char *path, bool read_only, GError **error)
{
    p9_autofd probe = -1;
    struct stat st;

    *tree = (struct p9_tree){.root = -1, .proc = -1, .read_only = read_only};
    tree->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (tree->root < 0 || fstat(tree->root, &st) != 0) {
        fail_config(error, path, "%s%s", g_strerror(errno), errno == ENOTDIR ? " (a share is a directory)" : "");
        p9_tree_close(tree);
        return false;
    }
    tree->device = st.st_dev;
    tree->proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    probe = open_beneath(tree->root, ".", O_PATH | O_CLOEXEC, 0);
    if (tree->proc >= 0 && probe >= 0)
        return true;
    if (probe < 0)
        fail_config(error, path, "cannot be shared: %s%s", g_strerror(errno), errno == ENOSYS ? " (openat2 came with Linux 5.6)" : "");
    else
        fail_config(error, path, "cannot be shared without /proc (mount it)");
    p9_tree_close(tree);
    return false;
}

void p9_tree_close(struct p9_tree *tree)
{
    p9_close_fd(&tree->root);
    p9_close_fd(&tree->proc);
}

int p9_name(const struct p9_string *string, char name[NAME_MAX + 1])
{
    if (string->len > NAME_MAX)
        return ENAMETOOLONG;
    memcpy(name, string->text, string->len);
    name[string->len] = '\0';
    if (*name == '\0' || strlen(name) != string->len || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return EINVAL;
    return 0;
}

int p9_tree_find(const struct p9_tree *tree, const char *path, int *hold)
{
    *hold = open_beneath(tree->root, *path ? path : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    return *hold < 0 ? errno : 0;
}

int p9_tree_step(int directory, const char *name, int *hold)
{
    *hold = open_beneath(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    return *hold < 0 ? errno : 0;
}

/* The name of a descriptor in /proc/self/fd. */
struct fd_name {
    char text[16];
};

static struct fd_name fd_name(int fd)
{
    struct fd_name name;

    g_snprintf(name.text, sizeof(name.text), "%d", fd);
    return name;
}

int p9_tree_reopen(const struct p9_tree *tree, int hold, int flags, int *fd)
{
    struct stat st;

    if (fstat(hold, &st) != 0)
        return errno;
    if (S_ISLNK(st.st_mode))
        return ELOOP;
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return EPERM;
    *fd = openat(tree->proc, fd_name(hold).text, (flags | OPEN_SAFELY) & ~O_NOFOLLOW);
    return *fd < 0 ? errno : 0;
}

int p9_tree_create(const struct p9_tree *tree, int directory, const char *name, int flags, mode_t mode, int *fd)
{
    *fd = open_beneath(directory, name, flags | O_CREAT | O_EXCL | OPEN_SAFELY, mode & 0777);
    if (*fd < 0)
        return errno;
    int failed = p9_tree_set_mode(tree, *fd, mode); /* the guest has applied its own umask; ours is not asked */
    if (failed)
        p9_close_fd(fd);
    return failed;
}

int p9_tree_set_mode(const struct p9_tree *tree, int hold, mode_t mode)
{
    struct stat st;

    if (fstat(hold, &st) != 0)
        return errno;
    if (S_ISLNK(st.st_mode))
        return EOPNOTSUPP;
    mode_t kept = st.st_mode & (S_ISUID | S_ISGID), given = S_ISDIR(st.st_mode) ? S_ISGID : 0; /* a directory's is about groups only */
    mode_t wanted = mode & (01777 | kept | given);
    if (wanted == (st.st_mode & 07777))
        return 0;
    return fchmodat(tree->proc, fd_name(hold).text, wanted, 0) != 0 ? errno : 0;
}

int p9_tree_set_times(const struct p9_tree *tree, int hold, const struct timespec times[2])
{
    return utimensat(tree->proc, fd_name(hold).text, times, 0) != 0 ? errno : 0;
}

int p9_tree_link(const struct p9_tree *tree, int hold, int directory, const char *name)
{
    return linkat(tree->proc, fd_name(hold).text, directory, name, AT_SYMLINK_FOLLOW) != 0 ? errno : 0;
}
