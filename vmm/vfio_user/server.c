/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listening side of vfio-user: the socket, the threads, and what outlives a client. See server.h; session.c talks to a client. */
#include "vmm/vfio_user/server.h"

#include "vmm/error.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/unix_listener.h"
#include "vmm/vfio_user/session.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    COMPLAINTS_BURST = 100, /* and one more each second: clients that come again and again could fill a disk */
    UNBLOCK_MS = 20,
};

/* What is added to the eventfd. */
#define SESSION_OVER UINT64_C(1)
#define STOP (UINT64_C(1) << 32)

struct vfio_user_server {
    struct pci_host host; /* first: callbacks get it */
    struct vfio_user_server_config config;
    char *name;
    struct unix_listener listener;
    int events; /* eventfd that wakes the listening thread: SESSION_OVER or STOP */
    GThread *thread;
    GMutex gate; /* held by create until the device is attached */
    struct client_interrupts interrupts;
    struct client_memory memory;

    GMutex complaints_lock; /* guards the next three */
    int64_t complaints_second;
    unsigned complaints_left, complaints_lost;

    /* The listening thread's. */
    GThread *session;
    int client;        /* socket, -1 while there is none */
    bool leaving;      /* the client has hung up; its thread may not be done */
    bool session_over; /* atomic: its thread can be joined */

    bool greeted; /* the session thread's */
};

static struct vfio_user_server *of(struct pci_host *host)
{
    return (struct vfio_user_server *)host;
}

static void host_msi(struct pci_host *host, uint64_t addr, uint32_t data)
{
    /* One vector; where it goes in the guest is the client's business, which keeps its own copy of the capability. */
    client_interrupts_msi(&of(host)->interrupts);
}

static void host_intx(struct pci_host *host, bool level)
{
    client_interrupts_intx(&of(host)->interrupts, level);
}

/* The device's BARs are where the client's guest has them. */
static void host_decode_changed(struct pci_host *host)
{
}

/* Takes one complaint from what may still be said; *lost is how many were left out before it. */
static bool may_complain(struct vfio_user_server *server, unsigned *lost)
{
    int64_t now = g_get_monotonic_time() / G_USEC_PER_SEC;

    g_mutex_lock(&server->complaints_lock);
    server->complaints_left = (unsigned)MIN(server->complaints_left + (now - server->complaints_second), COMPLAINTS_BURST);
    server->complaints_second = now;
    bool may = server->complaints_left > 0;
    *lost = may ? server->complaints_lost : 0;
    server->complaints_lost = may ? 0 : server->complaints_lost + 1;
    server->complaints_left -= may;
    g_mutex_unlock(&server->complaints_lock);
    return may;
}

static void complain(void *opaque, const char *text)
{
    struct vfio_user_server *server = opaque;
    unsigned lost;

    if (!server->config.complain || !may_complain(server, &lost))
        return;
    g_autofree char *more = lost ? g_strdup_printf("%s (before it, %u complaints were left out)", text, lost) : NULL;
    server->config.complain(server->config.opaque, more ? more : text);
}

static void greeted(void *opaque)
{
    struct vfio_user_server *server = opaque;

    server->greeted = true;
    if (server->config.connected)
        server->config.connected(server->config.opaque);
}

static void wake(struct vfio_user_server *server, uint64_t what)
{
    ssize_t ignored = write(server->events, &what, sizeof(what));

    (void)ignored;
}

static void *run_session(void *opaque)
{
    struct vfio_user_server *server = opaque;
    const struct session_context context = {.socket = server->client,
                                            .dev = server->config.dev,
                                            .memory = &server->memory,
                                            .interrupts = &server->interrupts,
                                            .greeted = greeted,
                                            .complain = complain,
                                            .opaque = server};

    server->greeted = false;
    client_interrupts_drop(&server->interrupts); /* of what the device sent while nobody was there */
    vfio_user_session_run(&context);
    if (server->greeted && server->config.leaving)
        server->config.leaving(server->config.opaque);
    server->config.dev->ops->reset(server->config.dev);
    client_interrupts_drop(&server->interrupts); /* now, as the device sends no more */
    client_memory_finish(&server->memory);
    shutdown(server->client, SHUT_RDWR);
    __atomic_store_n(&server->session_over, true, __ATOMIC_RELEASE);
    wake(server, SESSION_OVER);
    return NULL;
}

static void end_session(struct vfio_user_server *server)
{
    if (!server->session)
        return;
    g_thread_join(g_steal_pointer(&server->session));
    close(server->client);
    server->client = -1;
    server->leaving = false;
}

static bool hung_up(const struct vfio_user_server *server)
{
    struct pollfd fd = {.fd = server->client, .events = POLLRDHUP};

    return poll(&fd, 1, 0) > 0;
}

static void accept_client(struct vfio_user_server *server)
{
    g_autoptr(GError) error = NULL;

    /* One that comes when the other has gone, as a virtual machine that is started again, waits in the queue until all is cleared away. */
    if (server->session && hung_up(server)) {
        server->leaving = true;
        return;
    }
    int client = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            complain(server, "a client cannot be let in: no file descriptors or memory are left");
            g_usleep(100000); /* it stays in the queue, and poll() would return at once */
        }
        return;
    }
    if (server->session) {
        complain(server, "a second client was turned away");
        close(client);
        return;
    }
    server->client = client;
    __atomic_store_n(&server->session_over, false, __ATOMIC_RELAXED);
    client_memory_init(&server->memory, server->host.dma);
    server->session = g_thread_try_new("vfio-user", run_session, server, &error);
    if (!server->session) {
        complain(server, error->message);
        client_memory_finish(&server->memory);
        close(client);
        server->client = -1;
    }
}

/* Waits for something to do; true when STOP came. While a client leaves, nobody else is let in. */
static bool wait_for_events(struct vfio_user_server *server, bool *knocking)
{
    bool watch = server->session && !server->leaving;
    struct pollfd fds[] = {{.fd = server->events, .events = POLLIN},
                           {.fd = server->leaving ? -1 : server->listener.fd, .events = POLLIN},
                           {.fd = watch ? server->client : -1, .events = POLLRDHUP}};
    uint64_t events = 0;

    bool some = poll(fds, G_N_ELEMENTS(fds), server->leaving ? UNBLOCK_MS : -1) > 0;
    *knocking = some && fds[1].revents;
    if (some && fds[2].revents)
        server->leaving = true;
    if (server->leaving)
        client_interrupts_unblock(&server->interrupts);
    return read(server->events, &events, sizeof(events)) == sizeof(events) && events >= STOP;
}

static void *run(void *opaque)
{
    struct vfio_user_server *server = opaque;
    bool stopping = false, knocking;

    sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_VFIO_SERVER}); /* and so the sessions that it starts */
    g_mutex_lock(&server->gate);
    g_mutex_unlock(&server->gate);
    while (!stopping || server->session) {
        stopping |= wait_for_events(server, &knocking);
        if (__atomic_load_n(&server->session_over, __ATOMIC_ACQUIRE))
            end_session(server);
        if (stopping && server->session) {
            shutdown(server->client, SHUT_RDWR);
            server->leaving = true;
        } else if (!stopping && knocking) {
            accept_client(server);
        }
    }
    return NULL;
}

struct vfio_user_server *vfio_user_server_create(const struct vfio_user_server_config *config, GError **error)
{
    struct vfio_user_server *server = g_new0(struct vfio_user_server, 1);

    server->config = *config;
    server->name = g_strdup(config->name);
    server->config.name = server->name;
    server->config.path = NULL; /* the listener has its own */
    server->listener.fd = server->client = -1;
    server->complaints_left = COMPLAINTS_BURST;
    server->complaints_second = g_get_monotonic_time() / G_USEC_PER_SEC;
    g_mutex_init(&server->complaints_lock);
    g_mutex_init(&server->gate);
    client_interrupts_init(&server->interrupts);
    server->host = (struct pci_host){
        .dma = dma_space_create(server->name), .msi = host_msi, .intx = host_intx, .decode_changed = host_decode_changed};
    server->events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->events < 0)
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "socket %s: %s", config->path, g_strerror(errno));
    if (server->events >= 0 && unix_listener_open(&server->listener, config->path, error)) {
        g_mutex_lock(&server->gate);
        server->thread = g_thread_try_new("vfio-listen", run, server, error);
        if (server->thread) /* the device points into the server from here on */
            config->dev->ops->attach(config->dev, &server->host);
        g_mutex_unlock(&server->gate);
    }
    if (!server->thread) {
        server->config.dev = NULL;
        g_clear_pointer(&server, vfio_user_server_destroy);
    }
    return server;
}

void vfio_user_server_stop(struct vfio_user_server *server)
{
    if (!server->thread)
        return;
    wake(server, STOP);
    g_thread_join(g_steal_pointer(&server->thread));
}

void vfio_user_server_destroy(struct vfio_user_server *server)
{
    if (!server)
        return;
    vfio_user_server_stop(server);
    unix_listener_close(&server->listener);
    if (server->events >= 0)
        close(server->events);
    if (server->config.dev)
        server->config.dev->ops->destroy(server->config.dev);
    client_interrupts_finish(&server->interrupts);
    g_mutex_clear(&server->complaints_lock);
    g_mutex_clear(&server->gate);
    dma_space_unref(server->host.dma);
    g_free(server->name);
    g_free(server);
}
