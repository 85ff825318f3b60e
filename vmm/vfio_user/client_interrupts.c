/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts of a served function: eventfds that the server signals, to the host of our own. See client.h. */
#include "vmm/sandbox/sandbox.h"
#include "vmm/vfio_user/client_internal.h"

#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

enum intx_state {
    INTX_BUSY = 1 << 0,  /* a thread is telling the host */
    INTX_DIRTY = 1 << 1, /* ... and has to look again */
};

void vfio_client_switch_irq(struct vfio_user_client *client, uint32_t index, bool on)
{
    if (on)
        vfio_client_set_irqs(client, index, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 1,
                 index == VFIO_PCI_MSI_IRQ_INDEX ? client->msi_event : client->intx_event, false);
    else
        vfio_client_set_irqs(client, index, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, -1, false);
}

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
    return !off && !vfio_client_is_gone(client) && __atomic_load_n(&client->intx_pending, __ATOMIC_ACQUIRE);
}

/* One thread at a time tells the host, without a lock; others leave word that it has to look again. */
void vfio_client_update_intx(struct vfio_user_client *client)
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
    vfio_client_lose(client, "the server has closed the connection");
    g_mutex_unlock(&client->wire);
    vfio_client_update_intx(client);
    if (client->failed)
        client->failed(client->opaque, client->reason);
}

void *vfio_client_run(void *opaque)
{
    enum { STOP, SOCKET, MSI, INTX };
    struct vfio_user_client *client = opaque;
    struct pollfd fds[] = {[STOP] = {.fd = client->stop_event, .events = POLLIN},
                           [SOCKET] = {.fd = client->socket, .events = POLLRDHUP},
                           [MSI] = {.fd = client->msi_event, .events = POLLIN},
                           [INTX] = {.fd = client->intx_event, .events = POLLIN}};

    sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_DEVICE});
    for (;;) {
        if (poll(fds, G_N_ELEMENTS(fds), -1) < 0)
            continue;
        if (fds[STOP].revents)
            return NULL;
        if (fds[MSI].revents && take_events(client->msi_event))
            send_msi(client);
        if (fds[INTX].revents && take_events(client->intx_event)) {
            __atomic_store_n(&client->intx_pending, true, __ATOMIC_RELEASE);
            vfio_client_update_intx(client);
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
void vfio_client_after_access(struct vfio_user_client *client)
{
    if (!__atomic_load_n(&client->intx_pending, __ATOMIC_RELAXED) || !__atomic_exchange_n(&client->intx_pending, false, __ATOMIC_ACQ_REL))
        return;
    vfio_client_update_intx(client);
    vfio_client_set_irqs(client, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 1, -1, true);
}

/* With config_write held: as in the kernel, a function has one kind of interrupt at a time. */
void vfio_client_switch_msi(struct vfio_user_client *client, bool on)
{
    if (on == client->msi_on)
        return;
    client->msi_on = on;
    if (!on)
        vfio_client_switch_irq(client, VFIO_PCI_MSI_IRQ_INDEX, false);
    if (client->has_intx)
        vfio_client_switch_irq(client, VFIO_PCI_INTX_IRQ_INDEX, !on);
    if (on) {
        __atomic_store_n(&client->intx_pending, false, __ATOMIC_RELEASE);
        vfio_client_switch_irq(client, VFIO_PCI_MSI_IRQ_INDEX, true);
    }
}
