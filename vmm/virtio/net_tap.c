/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network backend on a descriptor: a TAP interface or a datagram socket. See net.h; TAP: Linux, Documentation/networking/tuntap.rst. */
#include "vmm/virtio/net.h"

#include "vmm/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

struct net_fd {
    struct net_backend backend; /* first */
    int fd;
    bool dead; /* the other end is gone for good */
};

/* While the guest takes nothing, frames wait in the kernel, whose queue has a limit. */
static void prepare(struct net_backend *backend, GArray *fds, int *timeout_ms, bool wanted)
{
    struct net_fd *self = (struct net_fd *)backend;
    struct pollfd fd = {.fd = self->fd, .events = POLLIN};

    if (wanted && !self->dead)
        g_array_append_val(fds, fd);
}

static void dispatch(struct net_backend *backend, const struct pollfd *fds, unsigned count)
{
    struct net_fd *self = (struct net_fd *)backend;

    if (count == 1 && (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) && !(fds[0].revents & POLLIN))
        self->dead = true; /* poll() would return at once for ever */
}

static size_t receive(struct net_backend *backend, uint8_t *frame, size_t size)
{
    struct net_fd *self = (struct net_fd *)backend;
    uint8_t more;
    struct iovec parts[] = {{.iov_base = frame, .iov_len = size}, {.iov_base = &more, .iov_len = 1}};

    if (self->dead)
        return 0;
    ssize_t got = readv(self->fd, parts, 2);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        self->dead = true;
    return got > 0 && (size_t)got <= size ? (size_t)got : 0;
}

static void send_frame(struct net_backend *backend, const uint8_t *frame, size_t len)
{
    ssize_t ignored = write(((struct net_fd *)backend)->fd, frame, len); /* when the other side has no room, it is lost, as on a wire */

    (void)ignored;
}

static void destroy(struct net_backend *backend)
{
    close(((struct net_fd *)backend)->fd);
    g_free(backend);
}

struct net_backend *net_fd_create(int fd)
{
    static const struct net_backend_ops ops = {prepare, dispatch, receive, send_frame, destroy};
    struct net_fd *self = g_new0(struct net_fd, 1);
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    self->backend.ops = &ops;
    self->fd = fd;
    return &self->backend;
}

struct net_backend *net_tap_create(const char *interface, GError **error)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

    if (strlen(interface) >= sizeof(request.ifr_name)) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "interface %s: the name has more than %zu bytes", interface,
                    sizeof(request.ifr_name) - 1);
        return NULL;
    }
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "/dev/net/tun: %s (try modprobe tun, or a user network)", g_strerror(errno));
        return NULL;
    }
    strcpy(request.ifr_name, interface);
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "interface %s: %s (try ip tuntap add mode tap user $USER name %s)", interface,
                    g_strerror(errno), interface);
        close(fd);
        return NULL;
    }
    return net_fd_create(fd);
}
