/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit of batches: which may start where, the copies of privileged ones, and code of ours that stands in for a command. How
 * much is copied, how often and how deep is bounded; a batch that jumps back into what was copied jumps inside the copy.
 */
#include "scheduler/audit_internal.h"

#include <string.h>

static struct audit_batch *batch_at(const struct audit *audit, unsigned index)
{
    return g_ptr_array_index(audit->batches, index);
}

/* A command boundary that is in a copy already. */
static bool find_copy(const struct audit *audit, uint64_t gma, enum audit_level level, unsigned *target, size_t *offset)
{
    for (unsigned i = 0; i < audit->batches->len; i++) {
        const struct audit_batch *batch = batch_at(audit, i);
        if (batch->gma == UINT64_MAX || batch->level != level || gma < batch->gma)
            continue;
        size_t at = (size_t)((gma - batch->gma) / 4);
        if (at == 0 || (at < batch->fetched && batch->boundary[at])) {
            *target = i;
            *offset = at;
            return true;
        }
    }
    return false;
}

static bool add_batch(struct audit *audit, const struct audit_command *command, uint64_t gma, enum audit_level level, unsigned *index)
{
    *index = 0;
    if (audit->batches->len == AUDIT_MAX_BATCHES)
        return audit_reject(audit, command, "more than %u privileged batches in one submission", (unsigned)AUDIT_MAX_BATCHES);
    struct audit_batch *batch = g_new0(struct audit_batch, 1);
    batch->gma = gma;
    batch->level = level;
    *index = audit->batches->len;
    g_ptr_array_add(audit->batches, batch);
    return true;
}

static void add_fixup(struct audit *audit, int batch, size_t offset, unsigned target, size_t target_offset)
{
    struct audit_fixup fixup = {batch, offset, target, target_offset};

    g_array_append_val(audit->fixups, fixup);
}

bool audit_batch_start(struct audit *audit, struct audit_command *command)
{
    uint32_t *dwords = command->dwords;
    bool second = dwords[0] & BATCH_START_SECOND_LEVEL, predicated = dwords[0] & BATCH_START_PREDICATE;

    if (command->length != BATCH_START_LENGTH)
        return audit_reject(audit, command, "%u dwords, it has %u", command->length, (unsigned)BATCH_START_LENGTH);
    if (command->level == AUDIT_INDIRECT)
        return audit_reject(audit, command, "a workaround batch of fixed length starts no other");
    if (second && command->level != AUDIT_BATCH)
        return audit_reject(audit, command, "only a first-level batch starts a second-level one");
    /* In a batch a first-level start is a jump. */
    command->ends = command->level != AUDIT_RING && !second && !predicated;
    if (dwords[0] & BATCH_START_PPGTT) {
        audit->unscanned = true;
        return true;
    }
    if (command->level == AUDIT_BATCH2)
        return audit_reject(audit, command, "a second-level batch goes on in no other privileged batch");
    if (dwords[0] & BATCH_START_ADD_OFFSET)
        return audit_reject(audit, command, "the address of a privileged batch with an offset from a register");
    uint64_t gma = (uint64_t)dwords[2] << 32 | dwords[1];
    if (gma & 3)
        return audit_reject(audit, command, "address 0x%" PRIx64 " is not a multiple of 4", gma);
    enum audit_level level = second ? AUDIT_BATCH2 : AUDIT_BATCH;
    unsigned target = 0;
    size_t offset = 0;
    if (!find_copy(audit, gma, level, &target, &offset) && !add_batch(audit, command, gma, level, &target))
        return false;
    dwords[0] &= ~(uint32_t)BATCH_START_RESOURCE_STREAMER;
    dwords[1] = dwords[2] = 0;
    add_fixup(audit, command->batch, command->offset + 1, target, offset);
    return true;
}

bool audit_batch_end(struct audit *audit, struct audit_command *command)
{
    if (command->level == AUDIT_RING || command->level == AUDIT_INDIRECT)
        return audit_noop(audit, command);
    command->ends = true;
    return true;
}

bool audit_detour(struct audit *audit, struct audit_command *command, const uint32_t *dwords, unsigned count)
{
    unsigned index;

    g_assert(command->length >= BATCH_START_LENGTH);
    if (command->level == AUDIT_INDIRECT || command->level == AUDIT_BATCH2)
        return audit_reject(audit, command, "not in this kind of batch");
    if (!add_batch(audit, command, UINT64_MAX, AUDIT_BATCH, &index))
        return false;
    struct audit_batch *batch = batch_at(audit, index);
    batch->used = batch->fetched = count + BATCH_START_LENGTH;
    batch->dwords = g_new0(uint32_t, batch->used);
    memcpy(batch->dwords, dwords, count * sizeof(uint32_t));
    audit->copied += batch->used * 4;
    if (command->level == AUDIT_RING) {
        batch->dwords[count] = command_header(CMD_MI_BATCH_BUFFER_END, 1, 0);
    } else {
        batch->dwords[count] = command_header(CMD_MI_BATCH_BUFFER_START, BATCH_START_LENGTH, 0);
        add_fixup(audit, (int)index, count + 1, (unsigned)command->batch, command->offset + command->length);
    }
    memset(command->dwords, 0, command->length * sizeof(uint32_t));
    command->dwords[0] = command_header(CMD_MI_BATCH_BUFFER_START, BATCH_START_LENGTH, 0);
    add_fixup(audit, command->batch, command->offset + 1, index, 0);
    return true;
}

bool audit_pending_batches(struct audit *audit, unsigned from)
{
    /* New ones are appended while we go. */
    for (unsigned i = from; i < audit->batches->len; i++) {
        struct audit_batch *batch = batch_at(audit, i);
        if (batch->gma != UINT64_MAX && !audit_walk(audit, batch->level, (int)i, batch, NULL, 0))
            return false;
    }
    return true;
}

static size_t place_batches(const struct audit *audit)
{
    size_t place = 0;

    for (unsigned i = 0; i < audit->batches->len; i++) {
        struct audit_batch *batch = batch_at(audit, i);
        batch->place = place;
        place += (batch->used * 4 + AUDIT_BATCH_PADDING + 63) & ~(size_t)63;
    }
    return place;
}

size_t audit_size(const struct audit *audit)
{
    return place_batches(audit);
}

void audit_place(struct audit *audit, void *host, uint64_t gma, uint32_t *dwords)
{
    uint8_t *bytes = host;
    size_t size = place_batches(audit);

    for (unsigned i = 0; i < audit->fixups->len; i++) {
        const struct audit_fixup *fixup = &g_array_index(audit->fixups, struct audit_fixup, i);
        uint64_t address = gma + batch_at(audit, fixup->target)->place + fixup->target_offset * 4;
        uint32_t *where = (fixup->batch < 0 ? dwords : batch_at(audit, (unsigned)fixup->batch)->dwords) + fixup->offset;
        where[0] = (uint32_t)address;
        where[1] = (uint32_t)(address >> 32);
    }
    if (size)
        memset(bytes, 0, size); /* without batches there may be no memory either */
    for (unsigned i = 0; i < audit->batches->len; i++) {
        const struct audit_batch *batch = batch_at(audit, i);
        memcpy(bytes + batch->place, batch->dwords, batch->used * 4);
    }
}

uint64_t audit_guest_address(const struct audit *audit, uint64_t offset)
{
    for (unsigned i = 0; i < audit->batches->len; i++) {
        const struct audit_batch *batch = batch_at(audit, i);
        if (offset >= batch->place && offset - batch->place < batch->used * 4 && batch->gma != UINT64_MAX)
            return batch->gma + (offset - batch->place);
    }
    return UINT64_MAX;
}
