/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to a vfio-user server and its answers. Used by the other parts of the client; what it must agree with is session.c. */
#include "vmm/vfio_user/client_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool vfio_client_is_gone(struct vfio_user_client *client)
{
    return __atomic_load_n(&client->gone, __ATOMIC_ACQUIRE);
}

/* With wire held. The client's own thread sees the socket end and tells. */
void G_GNUC_PRINTF(2, 3) vfio_client_lose(struct vfio_user_client *client, const char *format, ...)
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

bool vfio_client_send(struct vfio_user_client *client, const struct request *request)
{
    struct vfio_user_header header = {.id = ++client->id, .command = request->command, .flags = request->flags};
    const struct iovec parts[] = {{.iov_base = (void *)request->data, .iov_len = request->len},
                                  {.iov_base = (void *)request->more, .iov_len = request->more_len}};

    if (vfio_client_is_gone(client))
        return false;
    if (!wire_send(client->socket, &header, parts, request->more_len ? 2 : request->len ? 1 : 0, &request->fd, request->fd >= 0))
        vfio_client_lose(client, errno == EAGAIN ? "the server does not take messages any more" : "the server has closed the connection");
    return !vfio_client_is_gone(client);
}

/* A command of the server's. It may want memory that has no file: that is not offered. */
static bool refuse_command(struct vfio_user_client *client)
{
    struct vfio_user_header header = client->reply.header;
    bool silent = header.flags & VFIO_USER_FLAG_NO_REPLY;

    header.flags = VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR;
    header.error = ENOTSUP;
    if (!silent && !wire_send(client->socket, &header, NULL, 0, NULL, 0))
        vfio_client_lose(client, "the server has closed the connection");
    return !client->gone;
}

/* Sends a request and waits for the answer to it. With wire held, until the caller has looked at the reply. */
enum answer vfio_client_ask(struct vfio_user_client *client, const struct request *request)
{
    int64_t deadline_us = g_get_monotonic_time() + client->timeout_ms * INT64_C(1000);
    const struct vfio_user_header *header = &client->reply.header;
    const char *reason = NULL;

    if (!vfio_client_send(client, request))
        return NOTHING;
    for (;;) {
        enum wire_result result = wire_receive(client->socket, &client->reply, deadline_us, &reason);
        if (result != WIRE_OK) {
            vfio_client_lose(client, "%s", result == WIRE_CLOSED ? "the server has closed the connection" : reason);
            return NOTHING;
        }
        if ((header->flags & VFIO_USER_FLAG_TYPE) == VFIO_USER_FLAG_REPLY)
            break;
        if (g_get_monotonic_time() >= deadline_us)
            vfio_client_lose(client, "no answer came in time, but other messages");
        if (!refuse_command(client))
            return NOTHING;
    }
    if (header->id != client->id || header->command != request->command) {
        vfio_client_lose(client, "the server answers what was not asked (command %u instead of %u)", header->command, request->command);
        return NOTHING;
    }
    return header->flags & VFIO_USER_FLAG_ERROR ? REFUSED : ANSWERED;
}

/* The fixed part of the answer, which has at least that. With wire held. */
bool vfio_client_take_reply(struct vfio_user_client *client, void *data, size_t len)
{
    if (client->reply.size < len) {
        vfio_client_lose(client, "an answer to command %u has %zu bytes, too few", client->reply.header.command, client->reply.size);
        return false;
    }
    memcpy(data, client->reply.body, len);
    return true;
}

/* Up to max_transfer bytes. ANSWERED only when the answer is what was asked for. */
enum answer vfio_client_read_region(struct vfio_user_client *client, uint32_t region, uint64_t offset, void *data, uint32_t count)
{
    struct vfio_user_region_access access = {.offset = offset, .region = region, .count = count}, reply;

    g_mutex_lock(&client->wire);
    enum answer answer = vfio_client_ask(client, &(struct request){.command = VFIO_USER_REGION_READ, .data = &access, .len = sizeof(access), .fd = -1});
    if (answer == ANSWERED && !vfio_client_take_reply(client, &reply, sizeof(reply)))
        answer = NOTHING;
    if (answer == ANSWERED && (reply.offset != offset || reply.region != region || reply.count != count || client->reply.size != sizeof(reply) + count)) {
        vfio_client_lose(client, "%u bytes at 0x%" PRIx64 " of region %u were asked for, and %u at 0x%" PRIx64 " of region %u came", count, offset, region,
             reply.count, reply.offset, reply.region);
        answer = NOTHING;
    }
    if (answer == ANSWERED)
        memcpy(data, client->reply.body + sizeof(reply), count);
    g_mutex_unlock(&client->wire);
    return answer;
}

void vfio_client_write_region(struct vfio_user_client *client, uint32_t region, uint64_t offset, const void *data, uint32_t count, bool posted)
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
        vfio_client_send(client, &request);
    else
        vfio_client_ask(client, &request); /* a write that is refused has no effect, and that is all */
    g_mutex_unlock(&client->wire);
}

/* fd -1 and no count: the interrupt goes off. */
void vfio_client_set_irqs(struct vfio_user_client *client, uint32_t index, uint32_t flags, uint32_t count, int fd, bool posted)
{
    struct vfio_user_irq_set set = {.argsz = sizeof(set), .flags = flags, .index = index, .count = count};
    const struct request request = {.command = VFIO_USER_DEVICE_SET_IRQS,
                                    .flags = posted ? VFIO_USER_FLAG_NO_REPLY : 0,
                                    .data = &set,
                                    .len = sizeof(set),
                                    .fd = fd};

    g_mutex_lock(&client->wire);
    if (posted)
        vfio_client_send(client, &request);
    else if (vfio_client_ask(client, &request) == REFUSED)
        vfio_client_lose(client, "the server does not take interrupt %u: %s", index, g_strerror((int)client->reply.header.error));
    g_mutex_unlock(&client->wire);
}
