/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole messages through a stream socket. Used by session.c and the client's parts. */
#include "vmm/vfio_user/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_message_init(struct wire_message *message)
{
    memset(message, 0, sizeof(*message));
}

void wire_message_reset(struct wire_message *message)
{
    for (unsigned i = 0; i < message->fd_count; i++)
        if (message->fds[i] >= 0)
            close(message->fds[i]);
    message->fd_count = 0;
    message->size = 0;
}

void wire_message_clear(struct wire_message *message)
{
    wire_message_reset(message);
    g_clear_pointer(&message->body, g_free);
    message->capacity = 0;
}

int wire_message_take_fd(struct wire_message *message, unsigned index)
{
    if (index >= message->fd_count)
        return -1;
    int fd = message->fds[index];
    message->fds[index] = -1;
    return fd;
}

/* Descriptors of one recvmsg(); false when there are more than a message may have. */
static bool take_descriptors(struct wire_message *message, struct msghdr *msg)
{
    bool fits = !(msg->msg_flags & MSG_CTRUNC);

    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
            if (message->fd_count < WIRE_MAX_FDS) {
                message->fds[message->fd_count++] = fd;
            } else {
                close(fd);
                fits = false;
            }
        }
    }
    return fits;
}

/* Reads exactly len bytes. The bytes before the first one may be missing cleanly: then WIRE_CLOSED. */
static enum wire_result read_bytes(int socket, void *data, size_t len, struct wire_message *message, bool first, int64_t deadline_us,
                                   const char **reason)
{
    size_t done = 0;

    while (done < len) {
        union {
            char bytes[CMSG_SPACE(WIRE_MAX_FDS * sizeof(int))];
            struct cmsghdr align;
        } control;
        struct iovec iov = {.iov_base = (uint8_t *)data + done, .iov_len = len - done};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
        ssize_t got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);
        bool late = deadline_us && g_get_monotonic_time() >= deadline_us;
        if (got < 0 && errno == EINTR && !late)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            *reason = "no answer came in time";
            return WIRE_BROKEN;
        }
        if (got <= 0) {
            *reason = "the connection ended within a message";
            return first && done == 0 ? WIRE_CLOSED : WIRE_BROKEN;
        }
        if (!take_descriptors(message, &msg)) {
            *reason = "a message has more file descriptors than were agreed on";
            return WIRE_BROKEN;
        }
        done += (size_t)got;
        if (late && done < len) {
            *reason = "no answer came in time";
            return WIRE_BROKEN;
        }
    }
    return WIRE_OK;
}

enum wire_result wire_receive(int socket, struct wire_message *message, int64_t deadline_us, const char **reason)
{
    wire_message_reset(message);
    enum wire_result result = read_bytes(socket, &message->header, sizeof(message->header), message, true, deadline_us, reason);
    if (result != WIRE_OK)
        return result;
    if (message->header.size < sizeof(message->header) || message->header.size - sizeof(message->header) > WIRE_MAX_BODY) {
        *reason = "a message's size is below its header's or above what was agreed on";
        return WIRE_BROKEN;
    }
    size_t size = message->header.size - sizeof(message->header);
    if (size > message->capacity) {
        g_free(message->body);
        message->capacity = MAX(size, (size_t)4096);
        message->body = g_malloc(message->capacity);
    }
    if (size > 0)
        result = read_bytes(socket, message->body, size, message, false, deadline_us, reason);
    message->size = result == WIRE_OK ? size : 0;
    return result;
}

bool wire_send(int socket, struct vfio_user_header *header, const struct iovec *parts, unsigned part_count, const int *fds, unsigned fd_count)
{
    struct iovec iov[1 + WIRE_MAX_PARTS] = {{.iov_base = header, .iov_len = sizeof(*header)}};
    union {
        char bytes[CMSG_SPACE(WIRE_MAX_FDS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 1 + part_count};
    size_t left = sizeof(*header);

    for (unsigned i = 0; i < part_count; i++) {
        iov[1 + i] = parts[i];
        left += parts[i].iov_len;
    }
    header->size = (uint32_t)left;
    if (fd_count > 0) {
        memset(&control, 0, sizeof(control));
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
    }
    while (left > 0) {
        ssize_t sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        left -= (size_t)sent;
        msg.msg_control = NULL; /* they went with the first byte */
        msg.msg_controllen = 0;
        while (msg.msg_iovlen > 0 && (size_t)sent >= msg.msg_iov->iov_len) {
            sent -= (ssize_t)msg.msg_iov->iov_len;
            msg.msg_iov++;
            msg.msg_iovlen--;
        }
        if (msg.msg_iovlen > 0) {
            msg.msg_iov->iov_base = (uint8_t *)msg.msg_iov->iov_base + sent;
            msg.msg_iov->iov_len -= (size_t)sent;
        }
    }
    return true;
}
