/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which paths threads need after set-up, once for Landlock (landlock.c) and for the file tree that is left in sight (namespaces.c). */
#include "vmm/sandbox/paths.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <unistd.h>

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define REMOVE (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define MAKE (LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | PATHS_ACCESS_TRUNCATE)
/* GLib opens what it writes for reading too. */
#define OUTPUT (LANDLOCK_ACCESS_FS_READ_FILE | WRITE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)

#define KIND(name) (1u << SANDBOX_##name)
#define NOBODY 0 /* nobody by this list: the thread's own directory (struct sandbox_thread) */

const uint64_t paths_access_file = LANDLOCK_ACCESS_FS_READ_FILE | WRITE;
const uint64_t paths_access_share = READ | WRITE | MAKE | REMOVE;
const uint64_t paths_access_read = READ;

/* Paths that are the same everywhere. Where one is missing, there is nothing to allow. */
static const struct {
    unsigned kinds;
    const char *path;
    uint64_t access;
    bool code;
} fixed[] = {
    /* A vCPU loads the instruction decoder when it needs it for the first time (insn/decoder.c); messages in other character sets load converters. */
    {KIND(VCPU) | KIND(MAIN), "/usr/lib", READ, true},
    {KIND(VCPU) | KIND(MAIN), "/usr/lib64", READ, true},
    {KIND(VCPU) | KIND(MAIN), "/usr/local/lib", READ, true},
    {KIND(VCPU) | KIND(MAIN), "/lib", READ, true},
    {KIND(VCPU) | KIND(MAIN), "/lib64", READ, true},
    {KIND(VCPU) | KIND(MAIN), "/etc/ld.so.cache", LANDLOCK_ACCESS_FS_READ_FILE, false},
    /* libslirp looks up the name server again when the file has changed; the second is where systemd-resolved has what the first leads to. */
    {KIND(NETWORK), "/etc/resolv.conf", LANDLOCK_ACCESS_FS_READ_FILE, false},
    {KIND(NETWORK), "/run/systemd/resolve", READ, false},
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
    [SANDBOX_SHARE] = {NOBODY, READ | WRITE | MAKE | REMOVE},
    [SANDBOX_SHARE_READ_ONLY] = {NOBODY, READ},
};

struct allowed {
    enum sandbox_use use;
    char *path, *way;
    int fd; /* O_PATH */
};

struct paths {
    GArray *allowed;
};

struct paths *paths_create(void)
{
    struct paths *paths = g_new0(struct paths, 1);

    paths->allowed = g_array_new(FALSE, FALSE, sizeof(struct allowed));
    return paths;
}

static void add(struct paths *paths, enum sandbox_use use, const char *path, int fd)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *here = g_get_current_dir();
    g_autofree char *way = g_path_is_absolute(path) ? g_strdup(path) : g_build_filename(here, path, NULL);
    const struct allowed allowed = {use, absolute, way, fd};

    if (fd < 0)
        return;
    g_steal_pointer(&absolute);
    g_steal_pointer(&way);
    g_array_append_val(paths->allowed, allowed);
}

void paths_allow(struct paths *paths, enum sandbox_use use, const char *path, int fd)
{
    if (use == SANDBOX_FONTS)
        for (unsigned i = 0; i < G_N_ELEMENTS(fonts); i++)
            add(paths, use, fonts[i], open(fonts[i], O_PATH | O_CLOEXEC));
    else
        add(paths, use, path, fd >= 0 ? fd : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

bool paths_each(const struct paths *paths, unsigned kinds, bool (*each)(void *opaque, const struct path *path), void *opaque)
{
    bool ok = true;

    for (unsigned i = 0; i < G_N_ELEMENTS(fixed) && ok; i++)
        if (kinds == PATHS_ALL || fixed[i].kinds & kinds)
            ok = each(opaque, &(struct path){fixed[i].path, -1, fixed[i].access, fixed[i].code, NULL});
    for (unsigned i = 0; i < paths->allowed->len && ok; i++) {
        const struct allowed *allowed = &g_array_index(paths->allowed, struct allowed, i);
        if (kinds == PATHS_ALL || uses[allowed->use].kinds & kinds)
            ok = each(opaque, &(struct path){allowed->path, allowed->fd, uses[allowed->use].access, false, allowed->way});
    }
    return ok;
}

void paths_reopen(struct paths *paths)
{
    for (unsigned i = 0; i < paths->allowed->len; i++) {
        const struct allowed *allowed = &g_array_index(paths->allowed, struct allowed, i);
        int fd = open(allowed->path, O_PATH | O_CLOEXEC);
        if (fd < 0)
            continue;
        dup3(fd, allowed->fd, O_CLOEXEC);
        close(fd);
    }
}
