/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files, by Landlock: a thread may open what is below the directories that are named here and nothing else; what is open already stays so. Called by sandbox.c.
 * The numbers are those of Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h; Debian 12's copy of the latter ends with Linux 5.19.
 */
#include "vmm/sandbox/parts.h"
#include "vmm/sandbox/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    ABI_NEEDED = 2, /* Linux 5.19; the one before let nobody move a file to another directory, which guests do in shares */
    ABI_TRUNCATE = 3,
    ABI_IOCTL_DEV = 5,
};

#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15)
#define ACCESS_OF_ABI_2 ((LANDLOCK_ACCESS_FS_REFER << 1) - 1)

struct landlock {
    uint64_t handled; /* what this kernel can deny */
    const struct paths *paths;
};

static int add_path(const struct landlock *landlock, int ruleset, int fd, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    struct stat st;

    if (fstat(fd, &st) != 0)
        return -1;
    /* Of a file there may be no rights of directories. */
    if (!S_ISDIR(st.st_mode))
        access &= paths_access_file;
    rule.allowed_access = access & landlock->handled;
    return rule.allowed_access ? (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) : 0;
}

static int add_name(const struct landlock *landlock, int ruleset, const char *path, uint64_t access)
{
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return 0;
    int failed = add_path(landlock, ruleset, fd, access);
    int saved = errno;
    close(fd);
    errno = saved;
    return failed;
}

struct landlock *landlock_create(const struct paths *paths, const char **reason)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (abi < ABI_NEEDED) {
        *reason = abi >= 0              ? "this kernel's is too old (Linux 5.19 has what is needed)"
                  : errno == EOPNOTSUPP ? "it is switched off in this kernel (boot with lsm=landlock,...)"
                  : errno == ENOSYS     ? "this kernel has none (CONFIG_SECURITY_LANDLOCK)"
                                        : "it is not allowed here (by a container?)";
        return NULL;
    }
    struct landlock *landlock = g_new0(struct landlock, 1);
    landlock->handled = ACCESS_OF_ABI_2 | (abi >= ABI_TRUNCATE ? PATHS_ACCESS_TRUNCATE : 0) | (abi >= ABI_IOCTL_DEV ? ACCESS_IOCTL_DEV : 0);
    landlock->paths = paths;
    return landlock;
}

struct filling {
    const struct landlock *landlock;
    int ruleset;
};

static bool fill_path(void *opaque, const struct path *path)
{
    const struct filling *filling = opaque;

    return (path->fd >= 0 ? add_path(filling->landlock, filling->ruleset, path->fd, path->access)
                          : add_name(filling->landlock, filling->ruleset, path->name, path->access)) == 0;
}

static bool fill(const struct landlock *landlock, int ruleset, const struct sandbox_thread *thread)
{
    struct filling filling = {landlock, ruleset};

    return paths_each(landlock->paths, 1u << thread->kind, fill_path, &filling) &&
           (!thread->directory || add_name(landlock, ruleset, thread->directory, thread->read_only ? paths_access_read : paths_access_share) == 0);
}

bool landlock_enter(struct landlock *landlock, const struct sandbox_thread *thread)
{
    /* As long as in Linux 5.13; the fields after it are about sockets and signals, which seccomp cares for. */
    const struct {
        uint64_t handled_access_fs;
    } attributes = {landlock->handled};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);

    if (ruleset < 0)
        return false;
    bool ok = fill(landlock, ruleset, thread) && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    int saved = errno;
    close(ruleset);
    errno = saved;
    return ok;
}
