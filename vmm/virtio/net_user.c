/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user-mode network: libslirp (libslirp.h, version 4) as a backend. It lives on the device's worker thread. See net.h. */
#include "vmm/virtio/net.h"

#include "vmm/error.h"

#include <arpa/inet.h>
#include <libslirp.h>

enum { FRAMES = 64 }; /* that wait for the guest; beyond them they are lost, and TCP sends again */

struct user_timer {
    SlirpTimerCb callback;
    void *opaque;
    int64_t due_ms; /* -1: not set */
};

struct net_user {
    struct net_backend backend; /* first */
    Slirp *slirp;
    GPtrArray *timers; /* struct user_timer */
    GQueue frames;     /* GBytes */
    GArray *fds;       /* during prepare: where to add */
    unsigned first;    /* of slirp's descriptors in it */
    const struct pollfd *polled; /* during dispatch */
    unsigned polled_count;
};

static ssize_t from_slirp(const void *data, size_t len, void *opaque)
{
    struct net_user *user = opaque;

    if (user->frames.length < FRAMES)
        g_queue_push_tail(&user->frames, g_bytes_new(data, len));
    return (ssize_t)len;
}

static void guest_error(const char *text, void *opaque)
{
}

static int64_t now_ns(void *opaque)
{
    return g_get_monotonic_time() * 1000;
}

static void *timer_new(SlirpTimerCb callback, void *cb_opaque, void *opaque)
{
    struct net_user *user = opaque;
    struct user_timer *timer = g_new(struct user_timer, 1);

    *timer = (struct user_timer){callback, cb_opaque, -1};
    g_ptr_array_add(user->timers, timer);
    return timer;
}

static void timer_free(void *timer, void *opaque)
{
    g_ptr_array_remove(((struct net_user *)opaque)->timers, timer);
}

static void timer_mod(void *timer, int64_t due_ms, void *opaque)
{
    ((struct user_timer *)timer)->due_ms = due_ms;
}

static void ignore_fd(int fd, void *opaque)
{
}

static void ignore_notify(void *opaque)
{
}

static int add_poll(int fd, int events, void *opaque)
{
    struct net_user *user = opaque;
    struct pollfd one = {.fd = fd,
                         .events = (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                                           (events & SLIRP_POLL_PRI ? POLLPRI : 0))};

    g_array_append_val(user->fds, one);
    return (int)(user->fds->len - 1 - user->first);
}

static int get_revents(int index, void *opaque)
{
    struct net_user *user = opaque;

    if (index < 0 || (unsigned)index >= user->polled_count)
        return 0;
    int events = user->polled[index].revents;
    return (events & POLLIN ? SLIRP_POLL_IN : 0) | (events & POLLOUT ? SLIRP_POLL_OUT : 0) | (events & POLLPRI ? SLIRP_POLL_PRI : 0) |
           (events & POLLERR ? SLIRP_POLL_ERR : 0) | (events & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void prepare(struct net_backend *backend, GArray *fds, int *timeout_ms, bool wanted)
{
    struct net_user *user = (struct net_user *)backend;
    uint32_t timeout = *timeout_ms < 0 ? UINT32_MAX : (uint32_t)*timeout_ms;
    int64_t now = g_get_monotonic_time() / 1000;

    user->fds = fds;
    user->first = fds->len;
    slirp_pollfds_fill(user->slirp, &timeout, add_poll, user);
    for (unsigned i = 0; i < user->timers->len; i++) {
        int64_t due = ((struct user_timer *)g_ptr_array_index(user->timers, i))->due_ms;
        if (due >= 0)
            timeout = (uint32_t)CLAMP(due - now, 0, (int64_t)timeout);
    }
    *timeout_ms = timeout > INT32_MAX ? -1 : (int)timeout;
}

static void dispatch(struct net_backend *backend, const struct pollfd *fds, unsigned count)
{
    struct net_user *user = (struct net_user *)backend;
    int64_t now = g_get_monotonic_time() / 1000;

    user->polled = fds;
    user->polled_count = count;
    slirp_pollfds_poll(user->slirp, 0, get_revents, user);
    for (unsigned i = 0; i < user->timers->len; i++) {
        struct user_timer *timer = g_ptr_array_index(user->timers, i);
        if (timer->due_ms < 0 || timer->due_ms > now)
            continue;
        timer->due_ms = -1;
        timer->callback(timer->opaque);
    }
}

static size_t receive(struct net_backend *backend, uint8_t *frame, size_t size)
{
    struct net_user *user = (struct net_user *)backend;
    g_autoptr(GBytes) bytes = g_queue_pop_head(&user->frames);
    gsize len = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    if (!data || len > size)
        return 0;
    memcpy(frame, data, len);
    return len;
}

static void send_frame(struct net_backend *backend, const uint8_t *frame, size_t len)
{
    slirp_input(((struct net_user *)backend)->slirp, frame, (int)len);
}

static void destroy(struct net_backend *backend)
{
    struct net_user *user = (struct net_user *)backend;
    GBytes *bytes;

    if (user->slirp)
        slirp_cleanup(user->slirp);
    while ((bytes = g_queue_pop_head(&user->frames)))
        g_bytes_unref(bytes);
    g_ptr_array_unref(user->timers);
    g_free(user);
}

static struct in_addr address(const char *text)
{
    struct in_addr address;

    inet_aton(text, &address);
    return address;
}

struct net_backend *net_user_create(const struct net_user_config *config, GError **error)
{
    static const struct net_backend_ops ops = {prepare, dispatch, receive, send_frame, destroy};
    static const SlirpCb callbacks = {.send_packet = from_slirp,
                                      .guest_error = guest_error,
                                      .clock_get_ns = now_ns,
                                      .timer_new = timer_new,
                                      .timer_free = timer_free,
                                      .timer_mod = timer_mod,
                                      .register_poll_fd = ignore_fd,
                                      .unregister_poll_fd = ignore_fd,
                                      .notify = ignore_notify};
    unsigned mtu = config->mtu ? config->mtu : VIRTIO_NET_MTU;
    const SlirpConfig slirp = {.version = 1,
                               .restricted = config->isolated,
                               .in_enabled = true,
                               .vnetwork = address("10.0.2.0"),
                               .vnetmask = address("255.255.255.0"),
                               .vhost = address("10.0.2.2"),
                               .vdhcp_start = address("10.0.2.15"),
                               .vnameserver = address("10.0.2.3"),
                               .vhostname = config->hostname,
                               .if_mtu = mtu,
                               .if_mru = mtu};
    struct net_user *user = g_new0(struct net_user, 1);

    user->backend.ops = &ops;
    user->backend.sandbox.kind = SANDBOX_NETWORK;
    user->timers = g_ptr_array_new_with_free_func(g_free);
    g_queue_init(&user->frames);
    user->slirp = slirp_new(&slirp, &callbacks, user);
    if (!user->slirp)
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "libslirp %s gives no network", slirp_version_string());
    for (unsigned i = 0; user->slirp && i < config->forward_count; i++) {
        const struct net_user_forward *forward = &config->forwards[i];
        if (slirp_add_hostfwd(user->slirp, forward->udp, address("127.0.0.1"), forward->host_port, address("10.0.2.15"),
                              forward->guest_port) == 0)
            continue;
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG,
                    "%s port %u of the host cannot be forwarded: it is taken, or not ours (try another)", forward->udp ? "UDP" : "TCP",
                    forward->host_port);
        g_clear_pointer(&user->slirp, slirp_cleanup);
    }
    if (!user->slirp) {
        destroy(&user->backend);
        return NULL;
    }
    return &user->backend;
}
