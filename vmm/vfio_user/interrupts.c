/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Eventfds of a vfio-user client. See interrupts.h; the rules are those of linux/vfio.h for VFIO_DEVICE_SET_IRQS. */
#include "vmm/vfio_user/interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

void client_interrupts_init(struct client_interrupts *interrupts)
{
    memset(interrupts, 0, sizeof(*interrupts));
    g_mutex_init(&interrupts->lock);
    g_mutex_init(&interrupts->fds_lock);
    for (unsigned i = 0; i < CLIENT_IRQS; i++)
        interrupts->irqs[i].fd = -1;
}

static void set_fd(struct client_interrupts *interrupts, enum client_irq which, int fd)
{
    struct client_irq_state *irq = &interrupts->irqs[which];

    g_mutex_lock(&interrupts->fds_lock);
    if (irq->fd >= 0)
        close(irq->fd);
    irq->fd = fd;
    g_mutex_unlock(&interrupts->fds_lock);
}

/* Its eventfd goes, and what it masked with it. */
static void forget(struct client_interrupts *interrupts, enum client_irq which)
{
    set_fd(interrupts, which, -1);
    interrupts->irqs[which].masked = interrupts->irqs[which].pending = false;
}

void client_interrupts_drop(struct client_interrupts *interrupts)
{
    g_mutex_lock(&interrupts->lock);
    for (unsigned i = 0; i < CLIENT_IRQS; i++)
        forget(interrupts, i);
    g_mutex_unlock(&interrupts->lock);
}

void client_interrupts_finish(struct client_interrupts *interrupts)
{
    client_interrupts_drop(interrupts);
    g_mutex_clear(&interrupts->lock);
    g_mutex_clear(&interrupts->fds_lock);
}

/* The descriptor does not block; when its counter is full, the client has an interrupt waiting anyway. */
static void signal_fd(const struct client_irq_state *irq)
{
    uint64_t one = 1;

    if (irq->fd >= 0) {
        ssize_t ignored = write(irq->fd, &one, sizeof(one));
        (void)ignored;
    }
}

/* A device may send one between the write that enables MSI and the client's eventfd (QEMU's order): it waits. */
static void raise_msi(struct client_irq_state *irq)
{
    if (irq->masked || irq->fd < 0)
        irq->pending = true;
    else
        signal_fd(irq);
}

void client_interrupts_unblock(struct client_interrupts *interrupts)
{
    g_mutex_lock(&interrupts->fds_lock);
    for (unsigned i = 0; i < CLIENT_IRQS; i++) {
        struct pollfd full = {.fd = interrupts->irqs[i].fd, .events = POLLOUT};
        uint64_t events;
        struct iovec iov = {.iov_base = &events, .iov_len = sizeof(events)};
        if (full.fd >= 0 && poll(&full, 1, 0) == 0) {
            ssize_t ignored = preadv2(full.fd, &iov, 1, -1, RWF_NOWAIT);
            (void)ignored;
        }
    }
    g_mutex_unlock(&interrupts->fds_lock);
}

/* A level that is up is told once, and then again after each unmasking for as long as it stays up. */
static void raise_intx(struct client_irq_state *irq, bool level)
{
    if (!level || irq->masked || irq->fd < 0)
        return;
    irq->masked = true;
    signal_fd(irq);
}

void client_interrupts_msi(struct client_interrupts *interrupts)
{
    g_mutex_lock(&interrupts->lock);
    raise_msi(&interrupts->irqs[CLIENT_IRQ_MSI]);
    g_mutex_unlock(&interrupts->lock);
}

void client_interrupts_intx(struct client_interrupts *interrupts, bool level)
{
    g_mutex_lock(&interrupts->lock);
    interrupts->level = level;
    raise_intx(&interrupts->irqs[CLIENT_IRQ_INTX], level);
    g_mutex_unlock(&interrupts->lock);
}

/* An eventfd is all that VFIO takes, and the only kind whose write can be relied on to return. */
static bool make_nonblocking_eventfd(int fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *target = g_file_read_link(path, NULL);
    int flags = fcntl(fd, F_GETFL);

    return target && strcmp(target, "anon_inode:[eventfd]") == 0 && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static int trigger(struct client_interrupts *interrupts, enum client_irq which, uint32_t flags, int fd, bool value, const char **reason)
{
    struct client_irq_state *irq = &interrupts->irqs[which];

    if (!(flags & VFIO_IRQ_SET_DATA_EVENTFD)) { /* the client tries its own interrupt path */
        if (value)
            signal_fd(irq);
        return 0;
    }
    if (fd >= 0 && !make_nonblocking_eventfd(fd)) {
        close(fd);
        *reason = "the file descriptor is no eventfd";
        return EINVAL;
    }
    bool pending = irq->pending;
    forget(interrupts, which);
    set_fd(interrupts, which, fd);
    if (which == CLIENT_IRQ_INTX)
        raise_intx(irq, interrupts->level);
    else if (pending)
        raise_msi(irq);
    return 0;
}

static void unmask(struct client_interrupts *interrupts, enum client_irq which)
{
    struct client_irq_state *irq = &interrupts->irqs[which];

    bool pending = irq->pending;
    irq->masked = irq->pending = false;
    if (which == CLIENT_IRQ_INTX)
        raise_intx(irq, interrupts->level);
    else if (pending)
        raise_msi(irq);
}

int client_interrupts_set(struct client_interrupts *interrupts, enum client_irq irq, uint32_t flags, int fd, bool value, const char **reason)
{
    int code = 0;

    g_mutex_lock(&interrupts->lock);
    switch (flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
    case VFIO_IRQ_SET_ACTION_TRIGGER:
        code = trigger(interrupts, irq, flags, fd, value, reason);
        fd = -1;
        break;
    case VFIO_IRQ_SET_ACTION_MASK:
    case VFIO_IRQ_SET_ACTION_UNMASK:
        if (flags & VFIO_IRQ_SET_DATA_EVENTFD) {
            *reason = "masking by eventfd is not offered";
            code = ENOTSUP;
        } else if (value && (flags & VFIO_IRQ_SET_ACTION_MASK)) {
            interrupts->irqs[irq].masked = true;
        } else if (value) {
            unmask(interrupts, irq);
        }
        break;
    default:
        *reason = "not one action of trigger, mask and unmask";
        code = EINVAL;
        break;
    }
    g_mutex_unlock(&interrupts->lock);
    if (fd >= 0)
        close(fd);
    return code;
}

void client_interrupts_disable(struct client_interrupts *interrupts, enum client_irq irq)
{
    g_mutex_lock(&interrupts->lock);
    forget(interrupts, irq);
    g_mutex_unlock(&interrupts->lock);
}
