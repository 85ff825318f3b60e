/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of VNC servers, and listening there. See address.h. */
#include "vmm/display/address.h"

#include "vmm/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOPBACK "127.0.0.1"
#define UNIX_PREFIX "unix:"
enum { BACKLOG = 8 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    struct sockaddr_un path;
};

static bool parse_port(const char *text, unsigned base, uint16_t *port)
{
    uint64_t number;

    if (!parse_number(text, &number) || number > UINT16_MAX - base || base + number == 0)
        return false;
    *port = (uint16_t)(base + number);
    return true;
}

/* "192.168.1.5:5900" and "[::1]:5900". */
static bool parse_host(const char *text, struct vnc_address *address)
{
    const char *colon = strrchr(text, ':');
    uint8_t binary[sizeof(struct in6_addr)];

    if (!colon || !parse_port(colon + 1, 0, &address->port))
        return false;
    bool brackets = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    address->host = brackets ? g_strndup(text + 1, (gsize)(colon - text - 2)) : g_strndup(text, (gsize)(colon - text));
    return inet_pton(brackets ? AF_INET6 : AF_INET, address->host, binary) == 1;
}

bool vnc_address_parse(const char *text, const char *base, struct vnc_address *address, char **reason)
{
    bool ok;

    *address = (struct vnc_address){0};
    if (g_str_has_prefix(text, UNIX_PREFIX)) {
        const char *path = text + strlen(UNIX_PREFIX);
        if (!*path) {
            *reason = g_strdup_printf("\"%s\" lacks the path (try unix:/run/mediant/alpha.vnc)", text);
            return false;
        }
        address->path = g_path_is_absolute(path) || !base ? g_strdup(path) : g_build_filename(base, path, NULL);
        if (strlen(address->path) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
            return true;
        *reason = g_strdup_printf("%s has more bytes than a socket's path can have (try a shorter one)", address->path);
    } else {
        ok = text[0] == ':' ? parse_port(text + 1, VNC_PORT, &address->port) : parse_port(text, 0, &address->port);
        if (ok)
            address->host = g_strdup(LOOPBACK);
        else
            ok = parse_host(text, address);
        if (ok)
            return true;
        *reason = g_strdup_printf("\"%s\" is neither a port, nor a numeric address and a port, nor unix: and a path (try 5900)", text);
    }
    vnc_address_clear(address);
    return false;
}

void vnc_address_clear(struct vnc_address *address)
{
    g_clear_pointer(&address->host, g_free);
    g_clear_pointer(&address->path, g_free);
}

bool vnc_address_is_local(const struct vnc_address *address)
{
    return !address->host || strcmp(address->host, "::1") == 0 || g_str_has_prefix(address->host, "127.");
}

char *vnc_address_text(const struct vnc_address *address)
{
    if (address->path)
        return g_strconcat(UNIX_PREFIX, address->path, NULL);
    return g_strdup_printf(strchr(address->host, ':') ? "[%s]:%u" : "%s:%u", address->host, address->port);
}

static socklen_t fill(const struct vnc_address *address, union socket_address *out)
{
    memset(out, 0, sizeof(*out));
    if (address->path) {
        out->path.sun_family = AF_UNIX;
        g_strlcpy(out->path.sun_path, address->path, sizeof(out->path.sun_path));
        return sizeof(out->path);
    }
    if (strchr(address->host, ':')) {
        out->ip6.sin6_family = AF_INET6;
        out->ip6.sin6_port = htons(address->port);
        inet_pton(AF_INET6, address->host, &out->ip6.sin6_addr);
        return sizeof(out->ip6);
    }
    out->ip4.sin_family = AF_INET;
    out->ip4.sin_port = htons(address->port);
    inet_pton(AF_INET, address->host, &out->ip4.sin_addr);
    return sizeof(out->ip4);
}

/* A socket's file whose server is gone. */
static bool is_left_over(const union socket_address *where, socklen_t len)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = probe >= 0 && connect(probe, &where->any, len) != 0 && errno == ECONNREFUSED;

    if (probe >= 0)
        close(probe);
    return refused;
}

static char *say_why(const struct vnc_address *address, const union socket_address *where, socklen_t len, int reason)
{
    struct stat st;

    if (reason == EADDRINUSE && address->path)
        return lstat(address->path, &st) == 0 && !S_ISSOCK(st.st_mode)
                   ? g_strdup_printf("%s is a file already, which is no socket (try another path)", address->path)
               : is_left_over(where, len) ? g_strdup_printf("%s is left over from a server that is gone (rm %s)", address->path, address->path)
                                          : g_strdup_printf("another server listens at %s (try another path)", address->path);
    if (address->path)
        return g_strdup_printf("%s: %s", address->path, g_strerror(reason));
    if (reason == EADDRINUSE)
        return g_strdup_printf("port %u of %s is in use by another program (try another port; ss -ltnp shows who has it)", address->port, address->host);
    if (reason == EADDRNOTAVAIL)
        return g_strdup_printf("this host has no address %s (ip address lists those that it has)", address->host);
    return g_strdup_printf("port %u of %s: %s", address->port, address->host, g_strerror(reason));
}

bool vnc_listen(const struct vnc_address *address, struct vnc_listener *listener, char **reason)
{
    union socket_address where;
    socklen_t len = fill(address, &where);
    int one = 1, fd = socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *listener = (struct vnc_listener){.fd = -1};
    /* A path's mode is that of the descriptor, so that there is no moment with another one. A port may be taken again at once. */
    bool ok = fd >= 0 && (address->path ? fchmod(fd, 0600) == 0 : setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
    if (ok && where.any.sa_family == AF_INET6)
        ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0;
    ok = ok && bind(fd, &where.any, len) == 0;
    if (ok && address->path && lstat(address->path, &listener->identity) == 0)
        listener->path = g_strdup(address->path);
    ok = ok && listen(fd, BACKLOG) == 0;
    int saved = errno;
    listener->fd = fd;
    if (ok)
        return true;
    *reason = say_why(address, &where, len, saved);
    vnc_listener_close(listener);
    return false;
}

void vnc_listener_close(struct vnc_listener *listener)
{
    struct stat st;

    if (listener->path && lstat(listener->path, &st) == 0 && st.st_dev == listener->identity.st_dev && st.st_ino == listener->identity.st_ino)
        unlink(listener->path);
    g_clear_pointer(&listener->path, g_free);
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
}
