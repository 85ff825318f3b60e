/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Split virtqueues: see queue.h. Layouts and flags: VIRTIO 1.2, 2.7.5 to 2.7.10. */
#include "vmm/virtio/queue.h"

enum {
    DESC_NEXT = 1 << 0,
    DESC_WRITE = 1 << 1,
    DESC_INDIRECT = 1 << 2,
    DESC_BYTES = 16,

    AVAIL_NO_INTERRUPT = 1 << 0,
    USED_NO_NOTIFY = 1 << 0,

    RING_FLAGS = 0, /* both rings begin alike */
    RING_IDX = 2,
    RING_ENTRIES = 4,
    AVAIL_ENTRY_BYTES = 2,
    USED_ENTRY_BYTES = 8,
};

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};
G_STATIC_ASSERT(sizeof(struct desc) == DESC_BYTES);
G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN);

void virtio_queue_break(struct virtio_queue *queue, const char *format, ...)
{
    va_list args;

    if (queue->broken)
        return;
    va_start(args, format);
    queue->broken = g_strdup_vprintf(format, args);
    va_end(args);
}

/* With the event index, each ring has one field more, behind its entries. */
static uint64_t used_event(const struct virtio_queue *queue)
{
    return queue->layout.avail + RING_ENTRIES + AVAIL_ENTRY_BYTES * (uint64_t)queue->layout.size;
}

static uint64_t avail_event(const struct virtio_queue *queue)
{
    return queue->layout.used + RING_ENTRIES + USED_ENTRY_BYTES * (uint64_t)queue->layout.size;
}

static bool fits(uint64_t addr, uint64_t bytes, uint64_t align)
{
    return addr % align == 0 && addr + (bytes - 1) >= addr;
}

bool virtio_queue_start(struct virtio_queue *queue, struct dma_space *dma, const struct virtio_queue_layout *layout)
{
    uint64_t size = layout->size;

    *queue = (struct virtio_queue){.dma = dma, .layout = *layout};
    if (size == 0 || size > VIRTIO_QUEUE_MAX_SIZE || (size & (size - 1)))
        virtio_queue_break(queue, "its size of %u is no power of two up to %d", layout->size, VIRTIO_QUEUE_MAX_SIZE);
    else if (!fits(layout->desc, DESC_BYTES * size, 16) || !fits(layout->avail, RING_ENTRIES + AVAIL_ENTRY_BYTES * size + 2, 2) ||
             !fits(layout->used, RING_ENTRIES + USED_ENTRY_BYTES * size + 2, 4))
        virtio_queue_break(
            queue, "a ring is misaligned or ends beyond 2^64 (descriptors 0x%" PRIx64 ", available 0x%" PRIx64 ", used 0x%" PRIx64 ")",
            layout->desc, layout->avail, layout->used);
    return !queue->broken;
}

void virtio_queue_stop(struct virtio_queue *queue)
{
    g_clear_pointer(&queue->broken, g_free);
    queue->dma = NULL;
}

/* In a DMA section. Alignment was checked; a mapped region begins and ends at whole pages, so an aligned field lies in one. */
static bool load16(struct virtio_queue *queue, uint64_t addr, uint16_t *value)
{
    const uint16_t *field = dma_space_ptr(queue->dma, addr, sizeof(*field), DMA_READ);

    if (!field) {
        virtio_queue_break(queue, "0x%" PRIx64 " in the available ring is no memory", addr);
        return false;
    }
    *value = __atomic_load_n(field, __ATOMIC_ACQUIRE);
    return true;
}

static void store16(struct virtio_queue *queue, uint64_t addr, uint16_t value)
{
    uint16_t *field = dma_space_ptr(queue->dma, addr, sizeof(*field), DMA_WRITE);

    if (field)
        __atomic_store_n(field, value, __ATOMIC_RELEASE);
    else
        virtio_queue_break(queue, "0x%" PRIx64 " in the used ring is no memory that can be written", addr);
}

/* An indirect table may lie at any address, so that a descriptor may cross two regions. */
static bool load_desc(struct virtio_queue *queue, uint64_t addr, struct desc *desc)
{
    uint8_t *to = (uint8_t *)desc;
    uint64_t bytes;

    for (size_t done = 0; done < sizeof(*desc); done += bytes) {
        const void *from = dma_space_span(queue->dma, addr + done, DMA_READ, &bytes);
        if (!from) {
            virtio_queue_break(queue, "the descriptor at 0x%" PRIx64 " is not in memory", addr);
            return false;
        }
        bytes = MIN(bytes, sizeof(*desc) - done);
        memcpy(to + done, from, bytes);
    }
    return true;
}

static bool add_buffer(struct virtio_queue *queue, struct virtio_chain *chain, const struct desc *desc)
{
    unsigned count = chain->out_count + chain->in_count;

    if (desc->len > 0 && desc->addr + (desc->len - 1) < desc->addr) {
        virtio_queue_break(queue, "a buffer of %u bytes at 0x%" PRIx64 " ends beyond 2^64", desc->len, desc->addr);
    } else if (count == VIRTIO_CHAIN_MAX) {
        virtio_queue_break(queue, "a chain has more than %d buffers", VIRTIO_CHAIN_MAX);
    } else if (!(desc->flags & DESC_WRITE) && chain->in_count > 0) {
        virtio_queue_break(queue, "a buffer to read follows one to write");
    } else if (chain->out_bytes + chain->in_bytes + desc->len > UINT64_C(1) << 32) {
        virtio_queue_break(queue, "a chain has more than 4 GiB");
    } else {
        chain->buffers[count] = (struct virtio_buffer){desc->addr, desc->len};
        if (desc->flags & DESC_WRITE) {
            chain->in_count++;
            chain->in_bytes += desc->len;
        } else {
            chain->out_count++;
            chain->out_bytes += desc->len;
        }
        return true;
    }
    return false;
}

/* The table of an indirect descriptor: a chain of its own, which begins at its first entry (2.7.5.3). */
static bool walk_indirect(struct virtio_queue *queue, struct virtio_chain *chain, const struct desc *table)
{
    uint32_t entries = table->len / DESC_BYTES;
    struct desc desc = {0};

    if (table->len == 0 || table->len % DESC_BYTES || table->addr + (table->len - 1) < table->addr) {
        virtio_queue_break(queue, "an indirect table of %u bytes at 0x%" PRIx64 " is none", table->len, table->addr);
        return false;
    }
    for (uint32_t steps = 0;; steps++) {
        if (desc.next >= entries || steps >= MIN(entries, (uint32_t)VIRTIO_CHAIN_MAX)) {
            virtio_queue_break(queue, "an indirect chain loops, is too long or leaves its table of %u entries", entries);
            return false;
        }
        if (!load_desc(queue, table->addr + (uint64_t)desc.next * DESC_BYTES, &desc))
            return false;
        if (desc.flags & DESC_INDIRECT) {
            virtio_queue_break(queue, "an indirect table in an indirect table");
            return false;
        }
        if (!add_buffer(queue, chain, &desc))
            return false;
        if (!(desc.flags & DESC_NEXT))
            return true;
    }
}

static bool walk(struct virtio_queue *queue, struct virtio_chain *chain)
{
    struct desc desc = {.next = chain->head};

    for (unsigned steps = 0;; steps++) {
        if (desc.next >= queue->layout.size) {
            virtio_queue_break(queue, "descriptor %u of %u", desc.next, queue->layout.size);
            return false;
        }
        if (steps == queue->layout.size) {
            virtio_queue_break(queue, "a chain loops");
            return false;
        }
        if (!load_desc(queue, queue->layout.desc + (uint64_t)desc.next * DESC_BYTES, &desc))
            return false;
        if (desc.flags & DESC_INDIRECT) {
            if (!queue->layout.indirect || (desc.flags & DESC_NEXT)) {
                virtio_queue_break(queue, queue->layout.indirect ? "an indirect descriptor that goes on"
                                                                 : "an indirect descriptor without the feature");
                return false;
            }
            return walk_indirect(queue, chain, &desc);
        }
        if (!add_buffer(queue, chain, &desc))
            return false;
        if (!(desc.flags & DESC_NEXT))
            return true;
    }
}

/* How many chains wait; 0 with a broken queue. */
static uint16_t waiting(struct virtio_queue *queue)
{
    uint16_t idx;

    if (!load16(queue, queue->layout.avail + RING_IDX, &idx))
        return 0;
    uint16_t count = (uint16_t)(idx - queue->next_avail);
    if (count > queue->layout.size) {
        virtio_queue_break(queue, "the available index went from %u to %u with %u entries", queue->next_avail, idx, queue->layout.size);
        return 0;
    }
    return count;
}

bool virtio_queue_pop(struct virtio_queue *queue, struct virtio_chain *chain)
{
    bool found = false;

    if (queue->broken)
        return false;
    chain->out_count = chain->in_count = 0;
    chain->out_bytes = chain->in_bytes = 0;
    dma_space_enter(queue->dma);
    /* The entry, the descriptors and what they point to were written before the index that waiting() has read. */
    if (waiting(queue) > 0) {
        uint64_t entry = queue->layout.avail + RING_ENTRIES + AVAIL_ENTRY_BYTES * (uint64_t)(queue->next_avail & (queue->layout.size - 1));
        found = load16(queue, entry, &chain->head) && walk(queue, chain);
    }
    dma_space_leave(queue->dma);
    queue->next_avail += found;
    return found;
}

void virtio_queue_unpop(struct virtio_queue *queue)
{
    queue->next_avail--;
}

void virtio_queue_push(struct virtio_queue *queue, const struct virtio_chain *chain, uint32_t written)
{
    uint64_t at = queue->layout.used + RING_ENTRIES + USED_ENTRY_BYTES * (uint64_t)(queue->next_used & (queue->layout.size - 1));
    const uint32_t entry[] = {chain->head, written};

    if (queue->broken)
        return;
    dma_space_enter(queue->dma);
    uint32_t *to = dma_space_ptr(queue->dma, at, sizeof(entry[0]), DMA_WRITE);
    uint32_t *to_len =
        dma_space_ptr(queue->dma, at + sizeof(entry[0]), sizeof(entry[1]), DMA_WRITE); /* 4 bytes of alignment: maybe another region */
    if (to && to_len) {
        *to = entry[0];
        *to_len = entry[1];
        store16(queue, queue->layout.used + RING_IDX, ++queue->next_used);
    } else {
        virtio_queue_break(queue, "0x%" PRIx64 " in the used ring is no memory that can be written", at);
    }
    dma_space_leave(queue->dma);
}

bool virtio_queue_should_interrupt(struct virtio_queue *queue)
{
    uint16_t value = 0, before = queue->signalled;

    if (queue->broken)
        return false;
    /* The driver sets its wish and then looks at the used index; we have written that index and now look at the wish. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    dma_space_enter(queue->dma);
    bool ok = load16(queue, queue->layout.event_idx ? used_event(queue) : queue->layout.avail + RING_FLAGS, &value);
    dma_space_leave(queue->dma);
    if (!ok || queue->next_used == before)
        return false;
    queue->signalled = queue->next_used;
    if (!queue->layout.event_idx)
        return !(value & AVAIL_NO_INTERRUPT);
    /* The entry with this index is among those pushed since (2.7.7.2). */
    return (uint16_t)(value - before) < (uint16_t)(queue->next_used - before);
}

void virtio_queue_suppress(struct virtio_queue *queue)
{
    /* With the event index, the driver notifies when it passes the index that stands there: the one of long ago will do. */
    if (queue->broken || queue->layout.event_idx)
        return;
    dma_space_enter(queue->dma);
    store16(queue, queue->layout.used + RING_FLAGS, USED_NO_NOTIFY);
    dma_space_leave(queue->dma);
}

bool virtio_queue_unsuppress(struct virtio_queue *queue)
{
    if (queue->broken)
        return false;
    dma_space_enter(queue->dma);
    if (queue->layout.event_idx)
        store16(queue, avail_event(queue), queue->next_avail);
    else
        store16(queue, queue->layout.used + RING_FLAGS, 0);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool more = !queue->broken && waiting(queue) > 0;
    dma_space_leave(queue->dma);
    return more;
}

static bool copy(struct virtio_queue *queue, const struct virtio_buffer *buffers, unsigned count, uint64_t offset, uint8_t *data,
                 size_t len, bool write)
{
    for (unsigned i = 0; i < count && len > 0; i++) {
        if (offset >= buffers[i].len) {
            offset -= buffers[i].len;
            continue;
        }
        uint64_t addr = buffers[i].addr + offset;
        size_t now = (size_t)MIN((uint64_t)len, buffers[i].len - offset);
        if (write ? !dma_space_write(queue->dma, addr, data, now) : !dma_space_read(queue->dma, addr, data, now)) {
            virtio_queue_break(queue, "a buffer at 0x%" PRIx64 " is no memory that can be %s", addr, write ? "written" : "read");
            return false;
        }
        data += now;
        len -= now;
        offset = 0;
    }
    return len == 0;
}

bool virtio_chain_read(struct virtio_queue *queue, const struct virtio_chain *chain, uint64_t offset, void *data, size_t len)
{
    return copy(queue, chain->buffers, chain->out_count, offset, data, len, false);
}

bool virtio_chain_write(struct virtio_queue *queue, const struct virtio_chain *chain, uint64_t offset, const void *data, size_t len)
{
    return copy(queue, chain->buffers + chain->out_count, chain->in_count, offset, (uint8_t *)data, len, true);
}
