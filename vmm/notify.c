/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One datagram for the service manager; see notify.h. */
#include "vmm/notify.h"

#include <errno.h>
#include <glib.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool send_to(const char *name, const char *message)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);

    if (length < 2 || length >= sizeof(address.sun_path) || (*name != '/' && *name != '@')) {
        errno = EINVAL;
        return false;
    }
    memcpy(address.sun_path, name, length);
    if (*name == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) >= 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return sent;
}

void notify_ready(void)
{
    const char *name = g_getenv("NOTIFY_SOCKET");

    if (name && *name && !send_to(name, "READY=1"))
        fprintf(stderr, "vmm: NOTIFY_SOCKET=%s: the service manager cannot be told that all is ready: %s\n", name, g_strerror(errno));
}
