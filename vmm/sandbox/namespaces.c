/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces of the process's own: which, when, and what happens where they are refused. The file tree that is left is made by tree.c. Called by sandbox.c.
 *
 * Everything that can be refused is first done by a child process that ends at once: what a thread has taken of a namespace cannot be given back. See
 * user_namespaces(7), mount_namespaces(7), pivot_root(2).
 */
#include "vmm/sandbox/parts.h"

#include "vmm/sandbox/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_BYTES = 64 << 10 }; /* of the child, which shares our memory */

struct namespaces {
    bool user; /* we are in a user namespace of our own */
    pid_t trial; /* the child, to be waited for */

    GMutex lock;     /* of the rest */
    GThread *making; /* the network namespace, which takes a while; NULL when it is there */
    int network;     /* the network namespace, which threads enter; -1: none */
};

static bool refuse(struct refusal *refusal, const char *step)
{
    *refusal = (struct refusal){step, errno};
    return false;
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int saved = errno;
    close(fd);
    errno = saved;
    return ok;
}

/* The calling process, which has just got a user namespace, is in it who it was. */
static bool map_ids(uid_t uid, gid_t gid, struct refusal *refusal)
{
    char map[64];

    if (!write_file("/proc/self/setgroups", "deny"))
        return refuse(refusal, "/proc/self/setgroups");
    snprintf(map, sizeof(map), "%u %u 1", gid, gid);
    if (!write_file("/proc/self/gid_map", map))
        return refuse(refusal, "/proc/self/gid_map");
    snprintf(map, sizeof(map), "%u %u 1", uid, uid);
    return write_file("/proc/self/uid_map", map) || refuse(refusal, "/proc/self/uid_map");
}

/* What the host mounts and unmounts still comes to our copy, which so keeps no file system busy; what we do does not go to the host. */
static bool follow_mounts(struct refusal *refusal)
{
    return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 || refuse(refusal, "mount propagation (below chroot?)");
}

struct trial {
    bool user;
    uid_t uid;
    gid_t gid;
    bool done; /* else it was killed, as filters of system calls may do */
    struct refusal refusal;
};

/* In the child: all steps once, with a small tree. */
static int try(void *opaque)
{
    struct trial *trial = opaque;
    struct refusal *refusal = &trial->refusal;

    if ((!trial->user || map_ids(trial->uid, trial->gid, refusal)) && follow_mounts(refusal))
        tree_try(refusal);
    trial->done = true;
    _exit(0);
}

/* The child's number, 0 when a part is refused. It has done its part and may not have ended, which takes as long. */
static pid_t try_all(bool user, struct refusal *refusal)
{
    struct trial trial = {.user = user, .uid = geteuid(), .gid = getegid()};
    char *stack = g_malloc(STACK_BYTES);
    int flags = CLONE_VM | CLONE_VFORK | CLONE_NEWNS | SIGCHLD | (user ? CLONE_NEWUSER : 0);
    pid_t pid = clone(try, stack + STACK_BYTES, flags, &trial);

    if (pid < 0)
        refuse(&trial.refusal, user ? "a user namespace" : "a mount namespace");
    else if (!trial.done)
        trial.refusal.step = "a process that tries them is killed";
    g_free(stack);
    *refusal = trial.refusal;
    if (refusal->step && pid > 0)
        waitpid(pid, NULL, 0);
    return refusal->step ? 0 : pid;
}

/* On a thread of its own, as the one that makes a network namespace is in it. */
static void *make_network(void *opaque)
{
    struct namespaces *namespaces = opaque;
    int fd = unshare(CLONE_NEWNET) == 0 ? open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0 && setns(fd, CLONE_NEWNET) == 0) /* as others will */
        namespaces->network = fd;
    else
        fprintf(stderr, "vmm: sandbox: no network namespace: %s; the host's networks stay in sight\n", g_strerror(errno));
    return NULL;
}

struct namespaces *namespaces_create(bool shares, struct refusal *refusal)
{
    bool user = !capabilities_have(CAP_SYS_ADMIN);

    *refusal = (struct refusal){0};
    if (user && capabilities_have_any())
        refusal->step = "some capabilities, but not CAP_SYS_ADMIN (root in a container?), which a user namespace would take away";
    else if (user && shares)
        refusal->step = "a user namespace would hide whose the files of a share are (root needs none)";
    pid_t trial = refusal->step ? 0 : try_all(user, refusal);
    if (!trial)
        return NULL;
    uid_t uid = geteuid();
    gid_t gid = getegid();
    /* One call: all or nothing. */
    if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | (user ? CLONE_NEWUSER : 0)) != 0) {
        refuse(refusal, "unshare");
        waitpid(trial, NULL, 0);
        return NULL;
    }
    if ((user && !map_ids(uid, gid, refusal)) || !follow_mounts(refusal))
        return NULL; /* it could a moment ago: as before, with our own copy of the mounts */
    struct namespaces *namespaces = g_new0(struct namespaces, 1);
    *namespaces = (struct namespaces){.user = user, .trial = trial, .network = -1};
    g_mutex_init(&namespaces->lock);
    namespaces->making = g_thread_new("network", make_network, namespaces);
    return namespaces;
}

bool namespaces_have_user(const struct namespaces *namespaces)
{
    return namespaces->user;
}

bool namespaces_enter(struct namespaces *namespaces, enum sandbox_kind kind)
{
    /* A thread that was started by the maker, which is confined, is where that is. */
    if (kind == SANDBOX_NETWORK || kind == SANDBOX_MAKER || !capabilities_have(CAP_SYS_ADMIN))
        return true;
    g_mutex_lock(&namespaces->lock);
    if (namespaces->making)
        g_thread_join(g_steal_pointer(&namespaces->making));
    g_mutex_unlock(&namespaces->lock);
    return namespaces->network < 0 || setns(namespaces->network, CLONE_NEWNET) == 0;
}

bool namespaces_close(struct namespaces *namespaces, struct paths *paths, struct refusal *refusal)
{
    waitpid(namespaces->trial, NULL, 0);
    *refusal = (struct refusal){0};
    return tree_close(paths, refusal);
}
