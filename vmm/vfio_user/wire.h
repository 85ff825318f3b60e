/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the vfio-user protocol through a socket: bytes, file descriptors, limits. Used by the server's sessions and by the client.
 *
 * Threads: one thread reads from a socket; several may write if they serialise. A thread that blocks in here is woken by shutdown(2) on the
 * socket.
 */
#ifndef MEDIANT_VMM_VFIO_USER_WIRE_H
#define MEDIANT_VMM_VFIO_USER_WIRE_H

#include "vmm/vfio_user/protocol.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WIRE_MAX_FDS = 16,
    /* Largest body: data of the largest transfer and what stands before it. */
    WIRE_MAX_BODY = VFIO_USER_DEFAULT_TRANSFER + 4096,
};

/* One message as received. body and the descriptors are the owner's until wire_message_clear(). */
struct wire_message {
    struct vfio_user_header header;
    uint8_t *body;   /* size bytes, aligned for any type */
    size_t size;     /* of the body */
    size_t capacity;
    int fds[WIRE_MAX_FDS];
    unsigned fd_count;
};

void wire_message_init(struct wire_message *message);
/* Closes descriptors that nobody took, and forgets the body; keeps the buffer. */
void wire_message_reset(struct wire_message *message);
void wire_message_clear(struct wire_message *message);
/* Takes a descriptor out of the message; the caller closes it. -1 when there is none with this number. */
int wire_message_take_fd(struct wire_message *message, unsigned index);

enum wire_result {
    WIRE_OK,
    WIRE_CLOSED, /* the other side closed between two messages, or shutdown(2) was called */
    WIRE_BROKEN, /* closed within a message, an impossible size, too many descriptors, too late: the stream cannot be followed any more */
};

/*
 * Receives one whole message, blocking: until deadline_us (g_get_monotonic_time()), or for ever when it is 0. The socket of one who has a deadline
 * needs a receive timeout of its own (SO_RCVTIMEO), which may come on top. With WIRE_BROKEN *reason is a static text for people.
 */
enum wire_result wire_receive(int socket, struct wire_message *message, int64_t deadline_us, const char **reason);

/*
 * Sends a header with what follows it (header->size is set from the parts) and descriptors, blocking; true when all of it is on its way.
 * Never raises SIGPIPE, and gives up at the socket's send timeout, if it has one. At most WIRE_MAX_PARTS parts; fds stay the caller's.
 */
enum { WIRE_MAX_PARTS = 4 };
bool wire_send(int socket, struct vfio_user_header *header, const struct iovec *parts, unsigned part_count, const int *fds, unsigned fd_count);

#ifdef __cplusplus
}
#endif
#endif
