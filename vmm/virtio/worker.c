/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker thread of a virtio function: sleeps, looks at the queues, lets resets happen in between. See
 * pci_internal.h. */
#include "vmm/virtio/pci_internal.h"

#include <poll.h>
#include <unistd.h>

enum { COMPLAINTS_BURST = 10 }; /* and one more each second: a guest that breaks its queues again and again could fill a disk */

void virtio_complain(struct virtio_pci *transport, char *text)
{
    g_autofree char *line = text;
    int64_t now = g_get_monotonic_time() / G_USEC_PER_SEC;

    if (!line || !transport->complain)
        return;
    g_mutex_lock(&transport->lock);
    transport->complaints_left = (unsigned)MIN(transport->complaints_left + (now - transport->complaint_second), COMPLAINTS_BURST);
    transport->complaint_second = now;
    bool may = transport->complaints_left > 0;
    transport->complaints_left -= may;
    g_mutex_unlock(&transport->lock);
    if (may)
        transport->complain(transport->opaque, line);
}

bool virtio_pci_stopping(struct virtio_pci *transport)
{
    return __atomic_load_n(&transport->impatient, __ATOMIC_ACQUIRE) || __atomic_load_n(&transport->stop, __ATOMIC_ACQUIRE);
}

void virtio_pci_wake(struct virtio_pci *transport)
{
    uint64_t one = 1;
    ssize_t ignored = write(transport->wake_fd, &one, sizeof(one));

    (void)ignored; /* it does not block; a full counter wakes as well */
}

static bool is_live(const struct virtio_pci *transport)
{
    return (transport->status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET | STATUS_FAILED)) == STATUS_DRIVER_OK &&
           (pci_config_get(&transport->pci.config, PCI_REG_COMMAND, 2) & PCI_COMMAND_MASTER);
}

unsigned virtio_pci_session(struct virtio_pci *transport)
{
    g_mutex_lock(&transport->lock);
    unsigned session = is_live(transport) && !transport->reset_wanted ? transport->resets : 0;
    g_mutex_unlock(&transport->lock);
    return session;
}

static void begin(struct virtio_pci *transport)
{
    g_mutex_lock(&transport->lock);
    transport->busy = true;
    transport->live = 0;
    for (unsigned i = 0; i < transport->dev->queue_count && is_live(transport); i++)
        if (transport->registers[i].enabled)
            transport->live |= 1u << i;
    g_mutex_unlock(&transport->lock);
}

/* What broke in this round is told; what was asked for in its course is done. */
static void end(struct virtio_pci *transport)
{
    char *complaint = NULL;

    g_mutex_lock(&transport->lock);
    for (unsigned i = 0; i < transport->dev->queue_count && !complaint; i++)
        if (transport->registers[i].enabled && transport->queues[i].broken)
            complaint = virtio_needs_reset(transport, i, g_strdup(transport->queues[i].broken));
    transport->busy = false;
    transport->live = 0;
    if (transport->reset_wanted)
        virtio_common_reset(transport);
    g_cond_broadcast(&transport->idle);
    g_mutex_unlock(&transport->lock);
    virtio_interrupts_send(transport);
    virtio_complain(transport, complaint);
}

static void interrupt(struct virtio_pci *transport, unsigned index)
{
    if (!virtio_queue_should_interrupt(&transport->queues[index]))
        return;
    g_mutex_lock(&transport->lock);
    virtio_interrupts_raise(transport, index);
    g_mutex_unlock(&transport->lock);
    virtio_interrupts_send(transport);
}

/* A driver that adds as fast as we take must not keep a reset waiting: after as many chains as the ring holds comes the next round. */
static void serve_requests(struct virtio_pci *transport, unsigned index)
{
    struct virtio_queue *queue = &transport->queues[index];
    unsigned left = queue->layout.size;

    do {
        virtio_queue_suppress(queue);
        while (left > 0 && !virtio_pci_stopping(transport) && virtio_queue_pop(queue, &transport->chain)) {
            uint32_t written = transport->dev->ops->request(transport->dev, index, queue, &transport->chain);
            virtio_queue_push(queue, &transport->chain, written);
            interrupt(transport, index);
            left--;
        }
    } while (virtio_queue_unsuppress(queue) && left > 0 && !virtio_pci_stopping(transport));
    if (left == 0)
        virtio_pci_wake(transport);
}

static bool pop_input(struct virtio_pci *transport, unsigned index)
{
    struct virtio_queue *queue = &transport->queues[index];

    if (!(transport->live & 1u << index) || virtio_pci_stopping(transport))
        return false;
    return virtio_queue_pop(queue, &transport->input_chain) ||
           (virtio_queue_unsuppress(queue) && virtio_queue_pop(queue, &transport->input_chain));
}

uint64_t virtio_pci_input_room(struct virtio_pci *transport, unsigned index)
{
    if (!pop_input(transport, index))
        return 0;
    virtio_queue_unpop(&transport->queues[index]);
    return transport->input_chain.in_bytes;
}

bool virtio_pci_input(struct virtio_pci *transport, unsigned index, const void *head, size_t head_len, const void *body, size_t len,
                      bool *fits)
{
    struct virtio_queue *queue = &transport->queues[index];
    struct virtio_chain *chain = &transport->input_chain;

    *fits = true;
    if (!pop_input(transport, index))
        return false;
    if (head_len + len > chain->in_bytes) {
        virtio_queue_unpop(queue);
        *fits = false;
        return false;
    }
    if ((head_len > 0 && !virtio_chain_write(queue, chain, 0, head, head_len)) ||
        (len > 0 && !virtio_chain_write(queue, chain, head_len, body, len)))
        return false;
    virtio_queue_push(queue, chain, (uint32_t)(head_len + len));
    interrupt(transport, index);
    return true;
}

static void serve(struct virtio_pci *transport, bool woken, const struct pollfd *fds, unsigned count)
{
    struct virtio_device *dev = transport->dev;
    uint32_t requests = woken ? transport->live & ~dev->input_queues : 0;

    for (unsigned i = 0; i < dev->queue_count; i++)
        if (requests & 1u << i)
            serve_requests(transport, i);
    if (dev->ops->dispatch)
        dev->ops->dispatch(dev, fds, count);
}

void *virtio_worker_run(void *opaque)
{
    struct virtio_pci *transport = opaque;
    struct virtio_device *dev = transport->dev;
    g_autoptr(GArray) fds = g_array_new(FALSE, TRUE, sizeof(struct pollfd));
    const struct pollfd wake = {.fd = transport->wake_fd, .events = POLLIN};

    sandbox_enter(&dev->sandbox);
    begin(transport);
    while (!__atomic_load_n(&transport->stop, __ATOMIC_ACQUIRE)) {
        int timeout_ms = -1;
        uint64_t count;
        g_array_set_size(fds, 0);
        g_array_append_val(fds, wake);
        if (dev->ops->prepare)
            dev->ops->prepare(dev, fds, &timeout_ms);
        end(transport);
        poll((struct pollfd *)(void *)fds->data, fds->len, timeout_ms);
        bool woken = read(transport->wake_fd, &count, sizeof(count)) == sizeof(count);
        begin(transport);
        serve(transport, woken, &g_array_index(fds, struct pollfd, 1), fds->len - 1);
    }
    end(transport);
    return NULL;
}

void virtio_worker_reset(struct virtio_pci *transport, bool config_space)
{
    g_mutex_lock(&transport->lock);
    while (transport->busy) {
        __atomic_store_n(&transport->impatient, true, __ATOMIC_RELEASE);
        g_cond_wait(&transport->idle, &transport->lock);
    }
    virtio_common_reset(transport);
    if (config_space) {
        pci_config_reset(&transport->pci.config);
        pci_msix_reset(&transport->msix, &transport->pci.config);
    }
    g_mutex_unlock(&transport->lock);
    virtio_interrupts_send(transport);
}
