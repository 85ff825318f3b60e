/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records what a guest submits, for `[observe] streams`: the ring segment and privileged batches as the scheduler has copied them, and the batches of the guest's
 * own address space, which nobody else reads. Called by execlist.c around workload_create(), under the vGPU's lock; does nothing unless somebody records.
 */
#include "gpu/defs/stream.h"
#include "mmio/vgpu_internal.h"
#include "scheduler/commands.h"

enum { PAGE_BYTES = 4096 };

void record_begin(struct vgpu *vgpu, unsigned engine, uint64_t context)
{
    if (vgpu->records && vgpu->recorded && vgpu->records(vgpu->opaque))
        vgpu->stream = stream_create(engine, context, vgpu->name);
}

void record_add(struct vgpu *vgpu, bool batch, uint64_t gma, const uint32_t *dwords, size_t count)
{
    if (vgpu->stream)
        (void)stream_add(vgpu->stream, batch ? STREAM_BATCH : STREAM_RING, gma, dwords, count);
}

/* Makes count dwords from address on available, a page at a time: each is read once. */
static bool fetch(struct vgpu *vgpu, const struct flight *flight, uint64_t address, GArray *dwords, size_t count)
{
    while (dwords->len < count) {
        uint64_t at = address + UINT64_C(4) * dwords->len;
        unsigned bytes = PAGE_BYTES - (unsigned)(at & (PAGE_BYTES - 1)), before = dwords->len;
        if (before >= STREAM_DWORDS_MAX)
            return false;
        g_array_set_size(dwords, before + bytes / 4);
        if (!guest_ppgtt_read(vgpu, flight, at, &g_array_index(dwords, uint32_t, before), bytes)) {
            g_array_set_size(dwords, before);
            return false;
        }
    }
    return true;
}

/* A batch up to its end, to where it goes on elsewhere, or to what is no command. */
static void record_user_batch(struct vgpu *vgpu, const struct flight *flight, uint64_t address)
{
    struct stream *stream = vgpu->stream;
    g_autoptr(GArray) dwords = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    size_t at = 0;

    while (fetch(vgpu, flight, address, dwords, at + 1)) {
        uint32_t header = g_array_index(dwords, uint32_t, at);
        enum cmd_id id = cmd_find(stream->engine, header);
        at += id == CMD_COUNT ? 1 : cmd_length(id, header);
        if (id == CMD_COUNT || id == CMD_MI_BATCH_BUFFER_END || !fetch(vgpu, flight, address, dwords, at) ||
            (id == CMD_MI_BATCH_BUFFER_START && !(header & (BATCH_START_SECOND_LEVEL | BATCH_START_PREDICATE))))
            break;
    }
    (void)stream_add(stream, STREAM_USER_BATCH, address, (const uint32_t *)(const void *)dwords->data, MIN(at, (size_t)dwords->len));
}

static bool is_recorded(const struct stream *stream, uint64_t address)
{
    for (unsigned i = 0; i < stream->part_count; i++)
        if (stream->parts[i].kind == STREAM_USER_BATCH && stream->parts[i].gma == address)
            return true;
    return false;
}

/* The batches of the guest's address space that this part starts: in a user batch, all are. */
static void follow(struct vgpu *vgpu, const struct flight *flight, const struct stream_part *part)
{
    for (size_t at = 0; at < part->count;) {
        uint32_t header = part->dwords[at];
        enum cmd_id id = cmd_find(vgpu->stream->engine, header);
        if (id == CMD_COUNT)
            return;
        if (id == CMD_MI_BATCH_BUFFER_START && at + BATCH_START_LENGTH <= part->count && (part->kind == STREAM_USER_BATCH || header & BATCH_START_PPGTT)) {
            uint64_t address = (((uint64_t)part->dwords[at + 2] << 32) | part->dwords[at + 1]) & UINT64_C(0xfffffffffffc);
            if (!is_recorded(vgpu->stream, address) && vgpu->stream->dwords < STREAM_DWORDS_MAX)
                record_user_batch(vgpu, flight, address);
        }
        at += cmd_length(id, header);
    }
}

void record_end(struct vgpu *vgpu, const struct flight *flight)
{
    if (!vgpu->stream)
        return;
    for (unsigned i = 0; i < vgpu->stream->part_count; i++) /* more come meanwhile */
        follow(vgpu, flight, &vgpu->stream->parts[i]);
    struct stream *stream = g_steal_pointer(&vgpu->stream);
    if (stream->part_count)
        vgpu->recorded(vgpu->opaque, stream);
    else
        stream_free(stream); /* the context was no good, or waits for a reset */
}
