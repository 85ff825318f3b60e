/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and removes sockets of servers. See unix_listener.h. */
#include "vmm/unix_listener.h"

#include "vmm/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool fail(GError **error, enum vmm_error code, const char *path, const char *format, ...) G_GNUC_PRINTF(4, 5);

static bool fail(GError **error, enum vmm_error code, const char *path, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, VMM_ERROR, code, "socket %s: %s", path, text);
    return false;
}

/* Whether the socket's server is gone; one that is too busy to answer is not. */
static bool is_left_over(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED;

    if (probe >= 0)
        close(probe);
    return refused;
}

bool unix_listener_open(struct unix_listener *listener, const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st = {0};

    *listener = (struct unix_listener){.fd = -1, .path = g_strdup(path)};
    if (*path == '\0') /* would be a name that is no file's */
        return fail(error, VMM_ERROR_CONFIG, path, "the path is empty");
    if (strlen(path) >= sizeof(address.sun_path))
        return fail(error, VMM_ERROR_CONFIG, path, "the path has more than %zu bytes (try a shorter one)", sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, path);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return fail(error, VMM_ERROR_FAILED, path, "%s", g_strerror(errno));
    /* The mode is that of the descriptor, so that there is no moment with another one. */
    if (fchmod(listener->fd, 0600) != 0)
        return fail(error, VMM_ERROR_FAILED, path, "%s", g_strerror(errno));
    if (bind(listener->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int reason = errno;
        if (reason != EADDRINUSE)
            return fail(error, VMM_ERROR_CONFIG, path, "%s", g_strerror(reason));
        if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
            return fail(error, VMM_ERROR_CONFIG, path, "a file is there already, which is no socket (try another path)");
        return is_left_over(&address) ? fail(error, VMM_ERROR_CONFIG, path, "is left over from a server that is gone (rm %s)", path)
                                      : fail(error, VMM_ERROR_CONFIG, path, "another server listens there (try another path)");
    }
    listener->bound = lstat(path, &st) == 0;
    listener->device = st.st_dev;
    listener->inode = st.st_ino;
    if (listen(listener->fd, 4) != 0)
        return fail(error, VMM_ERROR_FAILED, path, "%s", g_strerror(errno));
    return true;
}

void unix_listener_close(struct unix_listener *listener)
{
    struct stat st;

    if (listener->bound && lstat(listener->path, &st) == 0 && st.st_dev == listener->device && st.st_ino == listener->inode)
        unlink(listener->path);
    if (listener->fd >= 0)
        close(listener->fd);
    g_free(listener->path);
    *listener = (struct unix_listener){.fd = -1};
}
