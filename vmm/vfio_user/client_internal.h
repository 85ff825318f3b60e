/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the parts of the vfio-user client: messages (client_messages.c), interrupts (client_interrupts.c), what the function is
 * (client_discovery.c), and the PCI function that they make (client.c). Nobody else includes it.
 */
#ifndef MEDIANT_VMM_VFIO_USER_CLIENT_INTERNAL_H
#define MEDIANT_VMM_VFIO_USER_CLIENT_INTERNAL_H

#include "vmm/error.h"
#include "vmm/vfio_user/client.h"
#include "vmm/vfio_user/wire.h"

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

/* client_messages.c. Those with wire held: until the caller has looked at client->reply. */
bool vfio_client_is_gone(struct vfio_user_client *client);
/* The function is dead from now on; the first reason counts. With wire held; the client's own thread sees the socket end and tells. */
void G_GNUC_PRINTF(2, 3) vfio_client_lose(struct vfio_user_client *client, const char *format, ...);
/* A message without an answer; with wire held. */
bool vfio_client_send(struct vfio_user_client *client, const struct request *request);
/* Sends a request and waits for the answer to it. With wire held. */
enum answer vfio_client_ask(struct vfio_user_client *client, const struct request *request);
/* The fixed part of the answer, which has at least that; false, and the function is dead, when it has not. With wire held. */
bool vfio_client_take_reply(struct vfio_user_client *client, void *data, size_t len);
/* Up to max_transfer bytes. ANSWERED only when the answer is what was asked for. */
enum answer vfio_client_read_region(struct vfio_user_client *client, uint32_t region, uint64_t offset, void *data, uint32_t count);
void vfio_client_write_region(struct vfio_user_client *client, uint32_t region, uint64_t offset, const void *data, uint32_t count, bool posted);
/* fd -1 and no count: the interrupt goes off. */
void vfio_client_set_irqs(struct vfio_user_client *client, uint32_t index, uint32_t flags, uint32_t count, int fd, bool posted);

/* client_interrupts.c: tells the host what INTx should be; no lock held. */
void vfio_client_update_intx(struct vfio_user_client *client);
/* The client's own thread. */
void *vfio_client_run(void *opaque);
/* After each access of the guest to a BAR. */
void vfio_client_after_access(struct vfio_user_client *client);
/* Gives the server our eventfd for an interrupt, or takes it away. */
void vfio_client_switch_irq(struct vfio_user_client *client, uint32_t index, bool on);
/* With config_write held. */
void vfio_client_switch_msi(struct vfio_user_client *client, bool on);

/* client_discovery.c, before the function is used. Each is false with an error; the first only makes that error. */
bool G_GNUC_PRINTF(4, 5) vfio_client_fail(const struct vfio_user_client *client, GError **error, enum vmm_error code, const char *format, ...);
bool vfio_client_connect(struct vfio_user_client *client, GError **error);
bool vfio_client_agree_on_version(struct vfio_user_client *client, GError **error);
bool vfio_client_read_function(struct vfio_user_client *client, GError **error);

#endif
