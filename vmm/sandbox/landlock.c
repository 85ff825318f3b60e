/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files, by Landlock: a thread may open what is below the directories that are named here and nothing else; what is open already stays so. Called by sandbox.c.
 * The numbers are those of Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h; Debian 12's copy of the latter ends with Linux 5.19.
 */
#include "vmm/sandbox/parts.h"

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

#define ACCESS_TRUNCATE (UINT64_C(1) << 14)
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15)
#define ACCESS_OF_ABI_2 ((LANDLOCK_ACCESS_FS_REFER << 1) - 1)

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define REMOVE (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define MAKE (LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
/* GLib opens what it writes for reading too. */
#define OUTPUT (LANDLOCK_ACCESS_FS_READ_FILE | WRITE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)

#define KIND(name) (1u << SANDBOX_##name)

/* Paths that are the same everywhere. Where one is missing, there is nothing to allow. */
static const struct {
    unsigned kinds;
    const char *path;
    uint64_t access;
} fixed[] = {
    /* A vCPU loads the instruction decoder when it needs it for the first time (insn/decoder.c); messages in other character sets load converters. */
    {KIND(VCPU) | KIND(MAIN), "/usr/lib", READ},
    {KIND(VCPU) | KIND(MAIN), "/usr/lib64", READ},
    {KIND(VCPU) | KIND(MAIN), "/usr/local/lib", READ},
    {KIND(VCPU) | KIND(MAIN), "/lib", READ},
    {KIND(VCPU) | KIND(MAIN), "/lib64", READ},
    {KIND(VCPU) | KIND(MAIN), "/etc/ld.so.cache", LANDLOCK_ACCESS_FS_READ_FILE},
    /* libslirp looks up the name server again when the file has changed; the second is where systemd-resolved has what the first leads to. */
    {KIND(NETWORK), "/etc/resolv.conf", LANDLOCK_ACCESS_FS_READ_FILE},
    {KIND(NETWORK), "/run/systemd/resolve", READ},
};

/* Of SANDBOX_FONTS: what fontconfig reads. */
static const char *const fonts[] = {"/etc/fonts", "/usr/share/fonts", "/usr/share/fontconfig", "/usr/local/share/fonts", "/var/cache/fontconfig"};

static const struct {
    unsigned kinds;
    uint64_t access;
} uses[] = {
    [SANDBOX_OUTPUT] = {KIND(MAIN) | KIND(VFIO_SERVER) | KIND(MAKER), OUTPUT},
    [SANDBOX_SOCKET] = {KIND(MAIN), LANDLOCK_ACCESS_FS_REMOVE_FILE},
    [SANDBOX_LISTEN] = {KIND(MAKER), LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_SOCK},
    [SANDBOX_GROUP] = {KIND(MAIN), LANDLOCK_ACCESS_FS_REMOVE_DIR},
    [SANDBOX_FONTS] = {KIND(MAIN) | KIND(DISPLAY) | KIND(MAKER), READ},
};

struct allowed {
    enum sandbox_use use;
    int fd; /* O_PATH */
};

struct landlock {
    uint64_t handled; /* what this kernel can deny */
    GArray *allowed;
};

static int add_path(const struct landlock *landlock, int ruleset, int fd, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    struct stat st;

    if (fstat(fd, &st) != 0)
        return -1;
    /* Of a file there may be no rights of directories. */
    if (!S_ISDIR(st.st_mode))
        access &= LANDLOCK_ACCESS_FS_READ_FILE | WRITE;
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

struct landlock *landlock_create(const char **reason)
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
    landlock->handled = ACCESS_OF_ABI_2 | (abi >= ABI_TRUNCATE ? ACCESS_TRUNCATE : 0) | (abi >= ABI_IOCTL_DEV ? ACCESS_IOCTL_DEV : 0);
    landlock->allowed = g_array_new(FALSE, FALSE, sizeof(struct allowed));
    return landlock;
}

void landlock_allow(struct landlock *landlock, enum sandbox_use use, const char *path)
{
    if (use == SANDBOX_FONTS) {
        for (unsigned i = 0; i < G_N_ELEMENTS(fonts); i++) {
            const struct allowed allowed = {use, open(fonts[i], O_PATH | O_CLOEXEC)};
            if (allowed.fd >= 0)
                g_array_append_val(landlock->allowed, allowed);
        }
        return;
    }
    const struct allowed allowed = {use, open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (allowed.fd >= 0)
        g_array_append_val(landlock->allowed, allowed);
}

static bool fill(const struct landlock *landlock, int ruleset, const struct sandbox_thread *thread)
{
    unsigned kind = 1u << thread->kind;
    int failed = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(fixed) && !failed; i++)
        if (fixed[i].kinds & kind)
            failed = add_name(landlock, ruleset, fixed[i].path, fixed[i].access);
    for (unsigned i = 0; i < landlock->allowed->len && !failed; i++) {
        const struct allowed *allowed = &g_array_index(landlock->allowed, struct allowed, i);
        if (uses[allowed->use].kinds & kind)
            failed = add_path(landlock, ruleset, allowed->fd, uses[allowed->use].access);
    }
    if (thread->directory && !failed)
        failed = add_name(landlock, ruleset, thread->directory, thread->read_only ? READ : READ | WRITE | MAKE | REMOVE);
    return !failed;
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
