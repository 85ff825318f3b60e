/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The common configuration: status, features, queues (VIRTIO 1.2, 4.1.4.3; the order of initialization is 3.1). */
#include "vmm/virtio/pci_internal.h"

enum {
    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    CONFIG_VECTOR = 16,
    NUM_QUEUES = 18,
    DEVICE_STATUS = 20,
    CONFIG_GENERATION = 21,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_VECTOR = 26,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30,
    QUEUE_DESC = 32, /* 64 bits each, as two halves */
    QUEUE_AVAIL = 40,
    QUEUE_USED = 48,

    DRIVER_STATUS_BITS = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK | STATUS_FEATURES_OK | STATUS_FAILED,
};

static uint64_t offered(const struct virtio_pci *transport)
{
    return transport->dev->features | TRANSPORT_FEATURES;
}

static const struct queue_registers *selected(const struct virtio_pci *transport)
{
    return transport->queue_select < transport->dev->queue_count ? &transport->registers[transport->queue_select] : NULL;
}

static uint32_t read_queue(const struct queue_registers *queue, unsigned number, unsigned offset)
{
    switch (offset) {
    case QUEUE_SIZE:
        return queue->size;
    case QUEUE_VECTOR:
        return queue->vector;
    case QUEUE_ENABLE:
        return queue->enabled;
    case QUEUE_NOTIFY_OFF:
        return number;
    case QUEUE_DESC:
        return (uint32_t)queue->desc;
    case QUEUE_DESC + 4:
        return queue->desc >> 32;
    case QUEUE_AVAIL:
        return (uint32_t)queue->avail;
    case QUEUE_AVAIL + 4:
        return queue->avail >> 32;
    case QUEUE_USED:
        return (uint32_t)queue->used;
    case QUEUE_USED + 4:
        return queue->used >> 32;
    default:
        return 0;
    }
}

/* Reads of fields; one that begins within a field gets 0, as drivers access fields as a whole (4.1.3.1). */
static uint32_t read_field(const struct virtio_pci *transport, unsigned offset)
{
    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        return transport->device_feature_select;
    case DEVICE_FEATURE:
        return transport->device_feature_select < 2 ? (uint32_t)(offered(transport) >> (32 * transport->device_feature_select)) : 0;
    case DRIVER_FEATURE_SELECT:
        return transport->driver_feature_select;
    case DRIVER_FEATURE:
        return transport->driver_feature_select < 2 ? (uint32_t)(transport->driver_features >> (32 * transport->driver_feature_select)) : 0;
    case CONFIG_VECTOR:
        return transport->config_vector;
    case NUM_QUEUES:
        return transport->dev->queue_count;
    case DEVICE_STATUS:
        return transport->status;
    case CONFIG_GENERATION:
        return transport->generation;
    case QUEUE_SELECT:
        return transport->queue_select;
    default:
        return selected(transport) ? read_queue(selected(transport), transport->queue_select, offset) : 0;
    }
}

uint32_t virtio_common_read(const struct virtio_pci *transport, unsigned offset, unsigned size)
{
    return read_field(transport, offset) & 0xffffffff >> (32 - 8 * size);
}

char *virtio_needs_reset(struct virtio_pci *transport, unsigned queue, char *reason)
{
    g_autofree char *why = reason;

    if (transport->status & STATUS_NEEDS_RESET)
        return NULL;
    transport->status |= STATUS_NEEDS_RESET;
    /* 2.1.2: the driver is told when it runs. */
    if (transport->status & STATUS_DRIVER_OK)
        virtio_interrupts_raise(transport, CONFIG_INTERRUPT);
    return g_strdup_printf("%s (virtio %s): needs a reset by its driver: queue %u: %s", transport->name, transport->dev->kind, queue, why);
}

/* Bits are only ever added (2.1.1). FEATURES_OK stays off when the features are not ones that work, which the driver sees by reading it
 * again. */
static void write_status(struct virtio_pci *transport, uint8_t value, struct virtio_aftermath *aftermath)
{
    uint64_t features = transport->driver_features;
    uint8_t added = value & DRIVER_STATUS_BITS & ~transport->status;

    if (value == 0) {
        transport->reset_wanted = true;
        /* A round in which no queue is in use has nothing of the driver's in hand. */
        if (!transport->busy || !transport->live)
            virtio_common_reset(transport);
        else
            __atomic_store_n(&transport->impatient, true, __ATOMIC_RELEASE);
        return;
    }
    if ((added & STATUS_FEATURES_OK) && (!(features & FEATURE_VERSION_1) || (features & ~offered(transport))))
        added &= ~(STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    if (!((transport->status | added) & STATUS_FEATURES_OK))
        added &= ~STATUS_DRIVER_OK;
    transport->status |= added;
    if (added & STATUS_DRIVER_OK)
        aftermath->wake = true;
}

static void enable(struct virtio_pci *transport, struct virtio_aftermath *aftermath)
{
    unsigned number = transport->queue_select;
    struct queue_registers *queue = &transport->registers[number];
    const struct virtio_queue_layout layout = {.size = queue->size,
                                               .desc = queue->desc,
                                               .avail = queue->avail,
                                               .used = queue->used,
                                               .indirect = transport->driver_features & FEATURE_INDIRECT,
                                               .event_idx = transport->driver_features & FEATURE_EVENT_IDX};

    if (queue->enabled || !(transport->status & STATUS_FEATURES_OK) || !transport->pci.host)
        return;
    /* The worker has no eye on a queue that is not enabled. */
    if (virtio_queue_start(&transport->queues[number], transport->pci.host->dma, &layout))
        queue->enabled = true;
    else if (!aftermath->complaint)
        aftermath->complaint = virtio_needs_reset(transport, number, g_steal_pointer(&transport->queues[number].broken));
    g_clear_pointer(&transport->queues[number].broken, g_free);
    aftermath->wake = true;
}

static void set_half(uint64_t *value, bool high, uint32_t half)
{
    *value = high ? (*value & UINT32_MAX) | (uint64_t)half << 32 : (*value & ~(uint64_t)UINT32_MAX) | half;
}

static uint16_t vector(const struct virtio_pci *transport, uint32_t value)
{
    return value < transport->msix.vectors ? value : NO_VECTOR; /* 4.1.5.1.2: refused by reading NO_VECTOR */
}

/* Size and places are fixed once the queue is enabled (4.1.4.3.2). */
static void write_queue(struct virtio_pci *transport, unsigned offset, uint32_t value, struct virtio_aftermath *aftermath)
{
    if (transport->queue_select >= transport->dev->queue_count)
        return;
    struct queue_registers *queue = &transport->registers[transport->queue_select];
    if (offset == QUEUE_VECTOR) {
        queue->vector = vector(transport, value);
        return;
    }
    if (queue->enabled)
        return;
    switch (offset) {
    case QUEUE_SIZE:
        /* Judged when it is enabled; larger than ours never is right. */
        if ((value & 0xffff) <= transport->dev->queue_size)
            queue->size = (uint16_t)value;
        break;
    case QUEUE_ENABLE:
        if ((value & 0xffff) == 1)
            enable(transport, aftermath);
        break;
    case QUEUE_DESC:
    case QUEUE_DESC + 4:
        set_half(&queue->desc, offset != QUEUE_DESC, value);
        break;
    case QUEUE_AVAIL:
    case QUEUE_AVAIL + 4:
        set_half(&queue->avail, offset != QUEUE_AVAIL, value);
        break;
    case QUEUE_USED:
    case QUEUE_USED + 4:
        set_half(&queue->used, offset != QUEUE_USED, value);
        break;
    default:
        break;
    }
}

void virtio_common_write(struct virtio_pci *transport, unsigned offset, unsigned size, uint32_t value, struct virtio_aftermath *aftermath)
{
    if (transport->reset_wanted) /* the driver must wait until the status is 0 */
        return;
    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        transport->device_feature_select = value;
        break;
    case DRIVER_FEATURE_SELECT:
        transport->driver_feature_select = value;
        break;
    case DRIVER_FEATURE:
        if (transport->driver_feature_select < 2 && !(transport->status & STATUS_FEATURES_OK))
            set_half(&transport->driver_features, transport->driver_feature_select, value);
        break;
    case CONFIG_VECTOR:
        transport->config_vector = vector(transport, value & 0xffff);
        break;
    case DEVICE_STATUS:
        write_status(transport, (uint8_t)value, aftermath);
        break;
    case QUEUE_SELECT:
        transport->queue_select = (uint16_t)value;
        break;
    default:
        write_queue(transport, offset, value, aftermath);
        break;
    }
}

void virtio_common_reset(struct virtio_pci *transport)
{
    for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++) {
        if (transport->registers[i].enabled)
            virtio_queue_stop(&transport->queues[i]);
        transport->registers[i] = (struct queue_registers){.size = transport->dev->queue_size, .vector = NO_VECTOR};
    }
    transport->status = transport->isr = 0;
    transport->device_feature_select = transport->driver_feature_select = 0;
    transport->driver_features = 0;
    transport->config_vector = NO_VECTOR;
    transport->queue_select = 0;
    transport->msix.pending = 0;
    transport->reset_wanted = false;
    transport->resets += transport->resets == UINT_MAX ? 2 : 1; /* never 0 */
    __atomic_store_n(&transport->impatient, false, __ATOMIC_RELEASE);
}
