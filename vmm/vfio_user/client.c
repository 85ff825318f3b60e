/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's side of the vfio-user protocol, as a PCI function. See client.h; what it must agree with is session.c. */
#include "vmm/vfio_user/client.h"

#include "vmm/error.h"
#include "vmm/vfio_user/capabilities.h"
#include "vmm/vfio_user/wire.h"

#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONFIG_BYTES = 256,         /* what a function without PCI Express has */
    CAPABILITIES_START = 0x40,
    CAPABILITIES_MAX = 48,      /* more do not fit */
    PCI_CAP_ID_MSIX = 0x11,
    PCI_CACHE_LINE = 0x0c,
    MSI_BYTES = 14,             /* the longest that is adopted */
    HEADER_TYPE_MASK = 0x7f,    /* bit 7: several functions */
    TRANSFER_MIN = CONFIG_BYTES, /* a server that takes less is not worth the messages */
    TRANSFER_MAX = 1 << 16,
    REGIONS_MIN = VFIO_PCI_CONFIG_REGION_INDEX + 1,
    REGIONS_MAX = 100, /* QEMU's limits */
    IRQS_MAX = 50,
};
#define BAR_SIZE_MAX (UINT64_C(1) << 40)

enum intx_state {
    INTX_BUSY = 1 << 0,  /* a thread is telling the host */
    INTX_DIRTY = 1 << 1, /* ... and has to look again */
};

/*
 * Locks, in the order in which they are taken: config_write, wire, config. None is held when the host or failed() is called.
 */
struct vfio_user_client {
    struct pci_device pci; /* first; pci.config and pci.host are guarded by config */
    char *path;
    void (*failed)(void *opaque, const char *reason);
    void *opaque;
    unsigned timeout_ms;

    int socket;
    GMutex wire;               /* one message and its answer at a time; guards the next four */
    struct wire_message reply;
    uint16_t id;
    char *reason;              /* why the function is dead; written once, before gone */
    bool gone;                 /* atomic to readers */

    /* Constant after create. */
    uint32_t max_transfer;
    bool can_reset, has_intx;
    unsigned config_size;
    bool own[PCI_CONFIG_SIZE]; /* bytes of the configuration space that are ours and not the server's */

    GMutex config_write; /* one write at a time, with all that follows from it; guards msi_on */
    bool msi_on;         /* MSI goes to msi_event, and INTx nowhere */
    GMutex config;

    int stop_event, msi_event, intx_event;
    GThread *thread;
    unsigned listener;

    bool intx_pending;   /* atomic: told by the server, and not yet looked after by the guest */
    bool intx_level;     /* what the host knows; atomic */
    unsigned intx_state; /* atomic: enum intx_state */
};

static struct vfio_user_client *of(struct pci_device *dev)
{
    return (struct vfio_user_client *)dev;
}

/* Messages */

static bool is_gone(struct vfio_user_client *client)
{
    return __atomic_load_n(&client->gone, __ATOMIC_ACQUIRE);
}

/* With wire held. The client's own thread sees the socket end and tells. */
static void G_GNUC_PRINTF(2, 3) lose(struct vfio_user_client *client, const char *format, ...)
{
    va_list args;

    if (client->gone)
        return;
    va_start(args, format);
    client->reason = g_strdup_vprintf(format, args);
    va_end(args);
    __atomic_store_n(&client->gone, true, __ATOMIC_RELEASE);
    shutdown(client->socket, SHUT_RDWR);
}

enum answer {
    ANSWERED, /* the reply is in client->reply */
    REFUSED,  /* with the error in its header */
    NOTHING,  /* the server is gone */
};

/* What follows the header, and a descriptor beside it (-1: none). */
struct request {
    uint16_t command;
    uint32_t flags;
    const void *data, *more;
    size_t len, more_len;
    int fd;
};

static bool send_request(struct vfio_user_client *client, const struct request *request)
{
    struct vfio_user_header header = {.id = ++client->id, .command = request->command, .flags = request->flags};
    const struct iovec parts[] = {{.iov_base = (void *)request->data, .iov_len = request->len},
                                  {.iov_base = (void *)request->more, .iov_len = request->more_len}};

    if (is_gone(client))
        return false;
    if (!wire_send(client->socket, &header, parts, request->more_len ? 2 : request->len ? 1 : 0, &request->fd, request->fd >= 0))
        lose(client, errno == EAGAIN ? "the server does not take messages any more" : "the server has closed the connection");
    return !is_gone(client);
}

/* A command of the server's. It may want memory that has no file: that is not offered. */
static bool refuse_command(struct vfio_user_client *client)
{
    struct vfio_user_header header = client->reply.header;
    bool silent = header.flags & VFIO_USER_FLAG_NO_REPLY;

    header.flags = VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR;
    header.error = ENOTSUP;
    if (!silent && !wire_send(client->socket, &header, NULL, 0, NULL, 0))
        lose(client, "the server has closed the connection");
    return !client->gone;
}

/* Sends a request and waits for the answer to it. With wire held, until the caller has looked at the reply. */
static enum answer ask(struct vfio_user_client *client, const struct request *request)
{
    int64_t deadline_us = g_get_monotonic_time() + client->timeout_ms * INT64_C(1000);
    const struct vfio_user_header *header = &client->reply.header;
    const char *reason = NULL;

    if (!send_request(client, request))
        return NOTHING;
    for (;;) {
        enum wire_result result = wire_receive(client->socket, &client->reply, deadline_us, &reason);
        if (result != WIRE_OK) {
            lose(client, "%s", result == WIRE_CLOSED ? "the server has closed the connection" : reason);
            return NOTHING;
        }
        if ((header->flags & VFIO_USER_FLAG_TYPE) == VFIO_USER_FLAG_REPLY)
            break;
        if (g_get_monotonic_time() >= deadline_us)
            lose(client, "no answer came in time, but other messages");
        if (!refuse_command(client))
            return NOTHING;
    }
    if (header->id != client->id || header->command != request->command) {
        lose(client, "the server answers what was not asked (command %u instead of %u)", header->command, request->command);
        return NOTHING;
    }
    return header->flags & VFIO_USER_FLAG_ERROR ? REFUSED : ANSWERED;
}

/* The fixed part of the answer, which has at least that. With wire held. */
static bool take_reply(struct vfio_user_client *client, void *data, size_t len)
{
    if (client->reply.size < len) {
        lose(client, "an answer to command %u has %zu bytes, too few", client->reply.header.command, client->reply.size);
        return false;
    }
    memcpy(data, client->reply.body, len);
    return true;
}

/* Up to max_transfer bytes. ANSWERED only when the answer is what was asked for. */
static enum answer read_region(struct vfio_user_client *client, uint32_t region, uint64_t offset, void *data, uint32_t count)
{
    struct vfio_user_region_access access = {.offset = offset, .region = region, .count = count}, reply;

    g_mutex_lock(&client->wire);
    enum answer answer = ask(client, &(struct request){.command = VFIO_USER_REGION_READ, .data = &access, .len = sizeof(access), .fd = -1});
    if (answer == ANSWERED && !take_reply(client, &reply, sizeof(reply)))
        answer = NOTHING;
    if (answer == ANSWERED && (reply.offset != offset || reply.region != region || reply.count != count || client->reply.size != sizeof(reply) + count)) {
        lose(client, "%u bytes at 0x%" PRIx64 " of region %u were asked for, and %u at 0x%" PRIx64 " of region %u came", count, offset, region,
             reply.count, reply.offset, reply.region);
        answer = NOTHING;
    }
    if (answer == ANSWERED)
        memcpy(data, client->reply.body + sizeof(reply), count);
    g_mutex_unlock(&client->wire);
    return answer;
}

static void write_region(struct vfio_user_client *client, uint32_t region, uint64_t offset, const void *data, uint32_t count, bool posted)
{
    struct vfio_user_region_access access = {.offset = offset, .region = region, .count = count};
    const struct request request = {.command = VFIO_USER_REGION_WRITE,
                                    .flags = posted ? VFIO_USER_FLAG_NO_REPLY : 0,
                                    .data = &access,
                                    .len = sizeof(access),
                                    .more = data,
                                    .more_len = count,
                                    .fd = -1};

    g_mutex_lock(&client->wire);
    if (posted)
        send_request(client, &request);
    else
        ask(client, &request); /* a write that is refused has no effect, and that is all */
    g_mutex_unlock(&client->wire);
}

/* fd -1 and no count: the interrupt goes off. */
static void set_irqs(struct vfio_user_client *client, uint32_t index, uint32_t flags, uint32_t count, int fd, bool posted)
{
    struct vfio_user_irq_set set = {.argsz = sizeof(set), .flags = flags, .index = index, .count = count};
    const struct request request = {.command = VFIO_USER_DEVICE_SET_IRQS,
                                    .flags = posted ? VFIO_USER_FLAG_NO_REPLY : 0,
                                    .data = &set,
                                    .len = sizeof(set),
                                    .fd = fd};

    g_mutex_lock(&client->wire);
    if (posted)
        send_request(client, &request);
    else if (ask(client, &request) == REFUSED)
        lose(client, "the server does not take interrupt %u: %s", index, g_strerror((int)client->reply.header.error));
    g_mutex_unlock(&client->wire);
}

static void switch_irq(struct vfio_user_client *client, uint32_t index, bool on)
{
    if (on)
        set_irqs(client, index, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 1,
                 index == VFIO_PCI_MSI_IRQ_INDEX ? client->msi_event : client->intx_event, false);
    else
        set_irqs(client, index, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, -1, false);
}

/* Interrupts */

static struct pci_host *host_of(struct vfio_user_client *client)
{
    g_mutex_lock(&client->config);
    struct pci_host *host = client->pci.host;
    g_mutex_unlock(&client->config);
    return host;
}

static bool intx_wanted(struct vfio_user_client *client)
{
    g_mutex_lock(&client->config);
    bool off = pci_config_msi_enabled(&client->pci.config) || (pci_config_get(&client->pci.config, PCI_REG_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
    g_mutex_unlock(&client->config);
    return !off && !is_gone(client) && __atomic_load_n(&client->intx_pending, __ATOMIC_ACQUIRE);
}

/* One thread at a time tells the host, without a lock; others leave word that it has to look again. */
static void update_intx(struct vfio_user_client *client)
{
    struct pci_host *host = host_of(client);
    unsigned state;

    if (!host || (__atomic_fetch_or(&client->intx_state, INTX_BUSY | INTX_DIRTY, __ATOMIC_ACQ_REL) & INTX_BUSY))
        return;
    do {
        __atomic_fetch_and(&client->intx_state, ~(unsigned)INTX_DIRTY, __ATOMIC_ACQ_REL);
        bool level = intx_wanted(client);
        if (level != client->intx_level) {
            client->intx_level = level;
            host->intx(host, level);
        }
        state = INTX_BUSY;
    } while (!__atomic_compare_exchange_n(&client->intx_state, &state, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

static void send_msi(struct vfio_user_client *client)
{
    uint64_t addr;
    uint32_t data;

    g_mutex_lock(&client->config);
    struct pci_host *host = client->pci.host;
    bool enabled = pci_config_msi(&client->pci.config, &addr, &data);
    g_mutex_unlock(&client->config);
    if (host && enabled)
        host->msi(host, addr, data);
}

/* True when events came. The server has this eventfd too and can make a plain read block. */
static bool take_events(int event)
{
    uint64_t count;
    struct iovec iov = {.iov_base = &count, .iov_len = sizeof(count)};
    ssize_t got = preadv2(event, &iov, 1, -1, RWF_NOWAIT);

    if (got < 0 && errno == EOPNOTSUPP)
        got = read(event, &count, sizeof(count));
    return got == sizeof(count);
}

static void tell_gone(struct vfio_user_client *client)
{
    g_mutex_lock(&client->wire);
    lose(client, "the server has closed the connection");
    g_mutex_unlock(&client->wire);
    update_intx(client);
    if (client->failed)
        client->failed(client->opaque, client->reason);
}

static void *run(void *opaque)
{
    enum { STOP, SOCKET, MSI, INTX };
    struct vfio_user_client *client = opaque;
    struct pollfd fds[] = {[STOP] = {.fd = client->stop_event, .events = POLLIN},
                           [SOCKET] = {.fd = client->socket, .events = POLLRDHUP},
                           [MSI] = {.fd = client->msi_event, .events = POLLIN},
                           [INTX] = {.fd = client->intx_event, .events = POLLIN}};

    for (;;) {
        if (poll(fds, G_N_ELEMENTS(fds), -1) < 0)
            continue;
        if (fds[STOP].revents)
            return NULL;
        if (fds[MSI].revents && take_events(client->msi_event))
            send_msi(client);
        if (fds[INTX].revents && take_events(client->intx_event)) {
            __atomic_store_n(&client->intx_pending, true, __ATOMIC_RELEASE);
            update_intx(client);
        }
        if (fds[SOCKET].revents) {
            tell_gone(client);
            fds[SOCKET].fd = fds[MSI].fd = fds[INTX].fd = -1; /* the server may still have the eventfds */
        }
    }
}

/*
 * The guest has accessed a BAR: it may have looked after the interrupt, which only the server knows. If the line is still up there, it comes again.
 * (VFIO tells of a level that rises and never of one that falls.)
 */
static void after_access(struct vfio_user_client *client)
{
    if (!__atomic_load_n(&client->intx_pending, __ATOMIC_RELAXED) || !__atomic_exchange_n(&client->intx_pending, false, __ATOMIC_ACQ_REL))
        return;
    update_intx(client);
    set_irqs(client, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 1, -1, true);
}

/* With config_write held: as in the kernel, a function has one kind of interrupt at a time. */
static void switch_msi(struct vfio_user_client *client, bool on)
{
    if (on == client->msi_on)
        return;
    client->msi_on = on;
    if (!on)
        switch_irq(client, VFIO_PCI_MSI_IRQ_INDEX, false);
    if (client->has_intx)
        switch_irq(client, VFIO_PCI_INTX_IRQ_INDEX, !on);
    if (on) {
        __atomic_store_n(&client->intx_pending, false, __ATOMIC_RELEASE);
        switch_irq(client, VFIO_PCI_MSI_IRQ_INDEX, true);
    }
}

/* The function's face */

static void dma_mapped(void *opaque, const struct dma_region *region)
{
    struct vfio_user_client *client = opaque;
    struct vfio_user_dma_map map = {.argsz = sizeof(map),
                                    .flags = (region->prot & DMA_READ ? VFIO_USER_DMA_MAP_READ : 0u) |
                                             (region->prot & DMA_WRITE ? VFIO_USER_DMA_MAP_WRITE : 0u),
                                    .offset = region->fd >= 0 ? region->fd_offset : 0,
                                    .addr = region->addr,
                                    .size = region->size};

    g_mutex_lock(&client->wire);
    if (ask(client, &(struct request){.command = VFIO_USER_DMA_MAP, .data = &map, .len = sizeof(map), .fd = region->fd}) == REFUSED)
        lose(client, "the server does not take guest memory at 0x%" PRIx64 ": %s", region->addr, g_strerror((int)client->reply.header.error));
    g_mutex_unlock(&client->wire);
}

static void dma_unmapping(void *opaque, const struct dma_region *region)
{
    struct vfio_user_client *client = opaque;
    struct vfio_user_dma_unmap unmap = {.argsz = sizeof(unmap), .addr = region->addr, .size = region->size};

    g_mutex_lock(&client->wire);
    if (ask(client, &(struct request){.command = VFIO_USER_DMA_UNMAP, .data = &unmap, .len = sizeof(unmap), .fd = -1}) == REFUSED)
        lose(client, "the server does not give up guest memory at 0x%" PRIx64 ": %s", region->addr,
             g_strerror((int)client->reply.header.error));
    g_mutex_unlock(&client->wire);
}

static void attach(struct pci_device *dev, struct pci_host *host)
{
    struct vfio_user_client *client = of(dev);
    const struct dma_listener listener = {.mapped = dma_mapped, .unmapping = dma_unmapping, .opaque = client};

    g_mutex_lock(&client->config);
    dev->host = host;
    g_mutex_unlock(&client->config);
    client->listener = dma_space_listen(host->dma, &listener);
    g_mutex_lock(&client->config_write);
    if (client->has_intx)
        switch_irq(client, VFIO_PCI_INTX_IRQ_INDEX, true);
    g_mutex_unlock(&client->config_write);
}

static uint32_t all_ones(unsigned size)
{
    return 0xffffffff >> (32 - 8 * size);
}

static uint32_t config_read(struct pci_device *dev, unsigned offset, unsigned size)
{
    struct vfio_user_client *client = of(dev);
    uint8_t theirs[4] = {0xff, 0xff, 0xff, 0xff};
    bool all_own = true;

    if (is_gone(client))
        return all_ones(size);
    for (unsigned i = 0; i < size; i++)
        all_own &= client->own[offset + i];
    if (!all_own && read_region(client, VFIO_PCI_CONFIG_REGION_INDEX, offset, theirs, size) == NOTHING)
        return all_ones(size);
    g_mutex_lock(&client->config);
    uint32_t value = pci_config_read(&dev->config, offset, size);
    g_mutex_unlock(&client->config);
    for (unsigned i = 0; i < size; i++)
        if (!client->own[offset + i])
            value = (value & ~(UINT32_C(0xff) << 8 * i)) | (uint32_t)theirs[i] << 8 * i;
    return value;
}

static void config_write(struct pci_device *dev, unsigned offset, unsigned size, uint32_t value)
{
    struct vfio_user_client *client = of(dev);

    if (is_gone(client))
        return;
    g_mutex_lock(&client->config_write);
    if (offset + size <= client->config_size)
        write_region(client, VFIO_PCI_CONFIG_REGION_INDEX, offset, &value, size, false);
    g_mutex_lock(&client->config);
    bool moved = pci_config_write(&dev->config, offset, size, value);
    bool msi = pci_config_msi_enabled(&dev->config);
    struct pci_host *host = dev->host;
    g_mutex_unlock(&client->config);
    switch_msi(client, msi);
    g_mutex_unlock(&client->config_write);
    if (moved && host && host->decode_changed)
        host->decode_changed(host);
    update_intx(client);
}

static void bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, void *data, size_t len)
{
    struct vfio_user_client *client = of(dev);

    for (size_t now; len > 0; offset += now, data = (uint8_t *)data + now, len -= now) {
        now = MIN(len, client->max_transfer);
        if (is_gone(client) || read_region(client, bar, offset, data, (uint32_t)now) != ANSWERED)
            memset(data, 0xff, now);
    }
    after_access(client);
}

/* As on a bus, writes to memory are posted, and those to I/O ports are not. */
static void bar_write(struct pci_device *dev, unsigned bar, uint64_t offset, const void *data, size_t len)
{
    struct vfio_user_client *client = of(dev);
    bool posted = dev->config.bar[bar].kind != PCI_BAR_IO;

    for (size_t now; len > 0 && !is_gone(client); offset += now, data = (const uint8_t *)data + now, len -= now) {
        now = MIN(len, client->max_transfer);
        write_region(client, bar, offset, data, (uint32_t)now, posted);
    }
    after_access(client);
}

static void reset(struct pci_device *dev)
{
    struct vfio_user_client *client = of(dev);

    g_mutex_lock(&client->config_write);
    switch_msi(client, false);
    if (client->can_reset) {
        g_mutex_lock(&client->wire);
        if (ask(client, &(struct request){.command = VFIO_USER_DEVICE_RESET, .fd = -1}) == REFUSED)
            lose(client, "the server does not reset its function: %s", g_strerror((int)client->reply.header.error));
        g_mutex_unlock(&client->wire);
    }
    g_mutex_lock(&client->config);
    pci_config_reset(&dev->config);
    g_mutex_unlock(&client->config);
    g_mutex_unlock(&client->config_write);
    after_access(client); /* what the line did before does not count */
}

static void destroy(struct pci_device *dev)
{
    struct vfio_user_client *client = of(dev);
    const uint64_t one = 1;

    if (client->listener)
        dma_space_unlisten(dev->host->dma, client->listener);
    if (client->thread) {
        ssize_t ignored = write(client->stop_event, &one, sizeof(one));
        (void)ignored;
        g_thread_join(client->thread);
    }
    for (unsigned i = 0; i < 4; i++) {
        const int fds[] = {client->socket, client->stop_event, client->msi_event, client->intx_event};
        if (fds[i] >= 0)
            close(fds[i]);
    }
    wire_message_clear(&client->reply);
    g_mutex_clear(&client->wire);
    g_mutex_clear(&client->config_write);
    g_mutex_clear(&client->config);
    g_free(client->reason);
    g_free(client->path);
    g_free(client);
}

static const struct pci_device_ops ops = {
    .attach = attach,
    .config_read = config_read,
    .config_write = config_write,
    .bar_read = bar_read,
    .bar_write = bar_write,
    .reset = reset,
    .destroy = destroy,
};

/* What the function is. Each of these is false with an error. */

static bool G_GNUC_PRINTF(4, 5) fail(const struct vfio_user_client *client, GError **error, enum vmm_error code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, VMM_ERROR, code, "%s: %s", client->path, text);
    return false;
}

static bool connect_socket(struct vfio_user_client *client, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval timeout = {.tv_sec = client->timeout_ms / 1000, .tv_usec = client->timeout_ms % 1000 * 1000};

    if (*client->path == '\0' || strlen(client->path) >= sizeof(address.sun_path))
        return fail(client, error, VMM_ERROR_CONFIG, "is not the path of a socket: it has none, or more than %zu bytes", sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, client->path);
    client->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->socket < 0 || setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
        setsockopt(client->socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0)
        return fail(client, error, VMM_ERROR_FAILED, "%s", g_strerror(errno));
    if (connect(client->socket, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return true;
    switch (errno) {
    case ENOENT:
    case ECONNREFUSED:
        return fail(client, error, VMM_ERROR_CONFIG, "no vfio-user server listens there (is vmm serve running?)");
    case EAGAIN:
        return fail(client, error, VMM_ERROR_CONFIG, "the vfio-user server there is busy");
    default:
        return fail(client, error, VMM_ERROR_CONFIG, "%s", g_strerror(errno));
    }
}

/* One question of the beginning, for a reply of at least len bytes in *data. */
static bool question(struct vfio_user_client *client, uint16_t command, const char *name, const void *request, size_t request_len, void *data, size_t len,
                     GError **error)
{
    g_mutex_lock(&client->wire);
    enum answer answer = ask(client, &(struct request){.command = command, .data = request, .len = request_len, .fd = -1});
    if (answer == ANSWERED && !take_reply(client, data, len))
        answer = NOTHING;
    g_mutex_unlock(&client->wire);
    if (answer == REFUSED)
        return fail(client, error, VMM_ERROR_FAILED, "the server refuses %s: %s", name, g_strerror((int)client->reply.header.error));
    return answer == ANSWERED || fail(client, error, VMM_ERROR_FAILED, "%s: %s", name, client->reason);
}

static bool agree_on_version(struct vfio_user_client *client, GError **error)
{
    const struct vfio_user_capabilities wanted = {.write_multiple = false};
    g_autofree char *ours = vfio_user_capabilities_format(&wanted), *reason = NULL;
    struct vfio_user_version version = {VFIO_USER_MAJOR, VFIO_USER_MINOR};
    struct vfio_user_capabilities theirs;

    g_mutex_lock(&client->wire);
    enum answer answer = ask(client, &(struct request){.command = VFIO_USER_VERSION,
                                                       .data = &version,
                                                       .len = sizeof(version),
                                                       .more = ours,
                                                       .more_len = strlen(ours) + 1,
                                                       .fd = -1});
    if (answer == ANSWERED && !take_reply(client, &version, sizeof(version)))
        answer = NOTHING;
    g_mutex_unlock(&client->wire);
    if (answer == NOTHING) /* the usual reason for a server that lets one in and says nothing */
        return fail(client, error, VMM_ERROR_CONFIG, "%s before it agreed on a version (has it another client?)", client->reason);
    if (answer == REFUSED)
        return fail(client, error, VMM_ERROR_FAILED, "the server does not speak version %u.%u of vfio-user", VFIO_USER_MAJOR, VFIO_USER_MINOR);
    if (version.major != VFIO_USER_MAJOR || version.minor > VFIO_USER_MINOR)
        return fail(client, error, VMM_ERROR_FAILED, "the server speaks version %u.%u of vfio-user, not %u.%u", version.major, version.minor,
                    VFIO_USER_MAJOR, VFIO_USER_MINOR);
    const char *json = (const char *)client->reply.body + sizeof(version);
    size_t json_len = client->reply.size - sizeof(version);
    if (json_len > VFIO_USER_JSON_MAX || (json_len > 0 && json[json_len - 1] != '\0'))
        return fail(client, error, VMM_ERROR_FAILED, "the server's capabilities do not end in NUL, or have more than %d bytes", VFIO_USER_JSON_MAX);
    if (!vfio_user_capabilities_parse(json_len > 0 ? json : NULL, &theirs, &reason))
        return fail(client, error, VMM_ERROR_FAILED, "the server's capabilities: %s", reason);
    if (theirs.max_msg_fds < 1 || theirs.max_data_xfer_size < TRANSFER_MIN)
        return fail(client, error, VMM_ERROR_FAILED, "the server takes messages of %u bytes and %u file descriptors: too little", theirs.max_data_xfer_size,
                    theirs.max_msg_fds);
    client->max_transfer = MIN(theirs.max_data_xfer_size, (uint32_t)TRANSFER_MAX);
    return true;
}

static bool read_device_info(struct vfio_user_client *client, GError **error)
{
    struct vfio_user_device_info info = {.argsz = sizeof(info)};

    if (!question(client, VFIO_USER_DEVICE_GET_INFO, "DEVICE_GET_INFO", &info, sizeof(info), &info, sizeof(info), error))
        return false;
    if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) || info.num_regions < REGIONS_MIN || info.num_regions > REGIONS_MAX || info.num_irqs > IRQS_MAX)
        return fail(client, error, VMM_ERROR_FAILED, "what the server has is no PCI function: flags 0x%x, %u regions, %u interrupts", info.flags, info.num_regions,
                    info.num_irqs);
    client->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
    return true;
}

static bool read_region_size(struct vfio_user_client *client, uint32_t index, uint64_t *size, GError **error)
{
    struct vfio_user_region_info info = {.argsz = sizeof(info), .index = index};

    if (!question(client, VFIO_USER_DEVICE_GET_REGION_INFO, "DEVICE_GET_REGION_INFO", &info, sizeof(info), &info, sizeof(info), error))
        return false;
    if (info.index != index)
        return fail(client, error, VMM_ERROR_FAILED, "the server answers for region %u instead of %u", info.index, index);
    *size = info.size;
    return true;
}

/* A kind of interrupt that the server does not know is one that the function does not have. */
static bool has_irq(struct vfio_user_client *client, uint32_t index)
{
    struct vfio_user_irq_info info = {.argsz = sizeof(info), .index = index};
    g_autoptr(GError) error = NULL;

    return question(client, VFIO_USER_DEVICE_GET_IRQ_INFO, "DEVICE_GET_IRQ_INFO", &info, sizeof(info), &info, sizeof(info), &error) &&
           info.index == index && info.count > 0 && (info.flags & VFIO_IRQ_INFO_EVENTFD);
}

/* data has PCI_CONFIG_SIZE bytes; what the function does not have is left alone. */
static bool read_config_space(struct vfio_user_client *client, uint8_t *data, GError **error)
{
    uint64_t size;

    if (!read_region_size(client, VFIO_PCI_CONFIG_REGION_INDEX, &size, error))
        return false;
    if (size < CONFIG_BYTES || size > PCI_CONFIG_SIZE || size % 4)
        return fail(client, error, VMM_ERROR_FAILED, "a configuration space cannot have 0x%" PRIx64 " bytes", size);
    client->config_size = (unsigned)size;
    for (unsigned at = 0; at < client->config_size; at += CONFIG_BYTES) {
        uint32_t count = MIN(CONFIG_BYTES, client->config_size - at);
        switch (read_region(client, VFIO_PCI_CONFIG_REGION_INDEX, at, data + at, count)) {
        case ANSWERED:
            break;
        case REFUSED:
            return fail(client, error, VMM_ERROR_FAILED, "the configuration space cannot be read: %s", g_strerror((int)client->reply.header.error));
        case NOTHING:
            return fail(client, error, VMM_ERROR_FAILED, "the configuration space cannot be read: %s", client->reason);
        }
    }
    if ((data[PCI_REG_HEADER_TYPE] & HEADER_TYPE_MASK) != 0)
        return fail(client, error, VMM_ERROR_FAILED, "the server's function is a bridge");
    return true;
}

/* Its kind is what the low bits of the register say: PCI Local Bus Specification 3.0, 6.2.5.1. */
static enum pci_bar_kind bar_kind(uint32_t reg)
{
    if (reg & 1)
        return PCI_BAR_IO;
    switch (reg >> 1 & 3) {
    case 0:
        return PCI_BAR_MEM32;
    case 2:
        return reg & 8 ? PCI_BAR_MEM64_PREF : PCI_BAR_MEM64;
    default:
        return PCI_BAR_NONE;
    }
}

static bool add_bars(struct vfio_user_client *client, const uint8_t *data, GError **error)
{
    uint64_t sizes[PCI_BARS];

    for (unsigned i = 0; i < PCI_BARS; i++)
        if (!read_region_size(client, i, &sizes[i], error))
            return false;
    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint32_t reg;
        memcpy(&reg, data + PCI_REG_BAR0 + 4 * i, sizeof(reg));
        enum pci_bar_kind kind = bar_kind(reg);
        bool wide = kind == PCI_BAR_MEM64 || kind == PCI_BAR_MEM64_PREF;
        uint64_t min = kind == PCI_BAR_IO ? 4 : 16;
        uint64_t max = kind == PCI_BAR_IO ? 1 << 15 : kind == PCI_BAR_MEM32 ? UINT64_C(1) << 31 : BAR_SIZE_MAX;
        if (sizes[i] == 0)
            continue;
        if (kind == PCI_BAR_NONE || (sizes[i] & (sizes[i] - 1)) || sizes[i] < min || sizes[i] > max ||
            (wide && (i + 1 == PCI_BARS || sizes[i + 1] != 0)))
            return fail(client, error, VMM_ERROR_FAILED, "BAR %u cannot be of kind 0x%x and 0x%" PRIx64 " bytes", i, reg & 0xf, sizes[i]);
        pci_config_add_bar(&client->pci.config, i, kind, sizes[i]);
        if (wide)
            i++;
    }
    return true;
}

static void set_own(struct vfio_user_client *client, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        client->own[i] = true;
}

/* The list of capabilities is frozen; MSI is ours, and those that are not offered are taken out. */
static void add_capabilities(struct vfio_user_client *client, bool msi)
{
    struct pci_config *config = &client->pci.config;
    unsigned link = PCI_REG_CAPABILITIES, at = config->data[link] & ~3u;

    for (unsigned i = 0; i < CAPABILITIES_MAX && at >= CAPABILITIES_START; i++, at = config->data[at + 1] & ~3u) {
        uint8_t id = config->data[at];
        bool is_msi = id == PCI_CAP_ID_MSI && !config->msi && at + MSI_BYTES <= CONFIG_BYTES;
        if (id == PCI_CAP_ID_MSIX || (id == PCI_CAP_ID_MSI && !(is_msi && msi)))
            continue;
        config->data[link] = (uint8_t)at;
        link = at + 1;
        set_own(client, at, at + 2);
        if (is_msi)
            set_own(client, at, at + pci_config_adopt_msi(config, (uint8_t)at));
    }
    config->data[link] = 0;
}

static bool read_function(struct vfio_user_client *client, GError **error)
{
    g_autofree uint8_t *data = g_malloc0(PCI_CONFIG_SIZE);
    struct pci_config *config = &client->pci.config;

    if (!read_device_info(client, error) || !read_config_space(client, data, error))
        return false;
    client->has_intx = data[PCI_REG_INTERRUPT_PIN] >= 1 && data[PCI_REG_INTERRUPT_PIN] <= 4 && has_irq(client, VFIO_PCI_INTX_IRQ_INDEX);
    bool msi = has_irq(client, VFIO_PCI_MSI_IRQ_INDEX);
    const struct pci_identity identity = {
        .vendor = (uint16_t)(data[PCI_REG_VENDOR] | data[PCI_REG_VENDOR + 1] << 8),
        .device = (uint16_t)(data[PCI_REG_DEVICE] | data[PCI_REG_DEVICE + 1] << 8),
        .subsystem_vendor = (uint16_t)(data[PCI_REG_SUBSYSTEM_VENDOR] | data[PCI_REG_SUBSYSTEM_VENDOR + 1] << 8),
        .subsystem = (uint16_t)(data[PCI_REG_SUBSYSTEM] | data[PCI_REG_SUBSYSTEM + 1] << 8),
        .revision = data[PCI_REG_REVISION],
        .class_code = data[PCI_REG_CLASS] | (uint32_t)data[PCI_REG_CLASS + 1] << 8 | (uint32_t)data[PCI_REG_CLASS + 2] << 16,
        .interrupt_pin = client->has_intx ? data[PCI_REG_INTERRUPT_PIN] : 0,
    };
    pci_config_init(config, &identity);
    /* The header is ours but for status, cache line and latency; from the first capability on it is the server's. */
    set_own(client, 0, PCI_REG_STATUS);
    set_own(client, PCI_REG_REVISION, PCI_CACHE_LINE);
    set_own(client, PCI_REG_HEADER_TYPE, CAPABILITIES_START);
    set_own(client, client->config_size, PCI_CONFIG_SIZE);
    memcpy(config->data + CAPABILITIES_START, data + CAPABILITIES_START, PCI_CONFIG_SIZE - CAPABILITIES_START);
    if (data[PCI_REG_STATUS] & PCI_STATUS_CAPABILITIES)
        config->data[PCI_REG_CAPABILITIES] = data[PCI_REG_CAPABILITIES];
    add_capabilities(client, msi);
    return add_bars(client, data, error) && (!client->gone || fail(client, error, VMM_ERROR_FAILED, "%s", client->reason));
}

static bool start(struct vfio_user_client *client, GError **error)
{
    client->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    client->msi_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    client->intx_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (client->stop_event < 0 || client->msi_event < 0 || client->intx_event < 0)
        return fail(client, error, VMM_ERROR_FAILED, "%s", g_strerror(errno));
    client->thread = g_thread_try_new("vfio-user-client", run, client, error);
    return client->thread != NULL;
}

struct pci_device *vfio_user_client_create(const struct vfio_user_client_config *config, GError **error)
{
    struct vfio_user_client *client = g_new0(struct vfio_user_client, 1);

    client->path = g_strdup(config->path);
    client->failed = config->failed;
    client->opaque = config->opaque;
    client->timeout_ms = config->timeout_ms ? config->timeout_ms : VFIO_USER_CLIENT_TIMEOUT_MS;
    client->pci.ops = &ops;
    client->pci.name = client->path;
    client->socket = client->stop_event = client->msi_event = client->intx_event = -1;
    g_mutex_init(&client->wire);
    g_mutex_init(&client->config_write);
    g_mutex_init(&client->config);
    wire_message_init(&client->reply);
    if (connect_socket(client, error) && agree_on_version(client, error) && read_function(client, error) && start(client, error))
        return &client->pci;
    destroy(&client->pci);
    return NULL;
}
