/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit of commands that reach memory: every address that a command sends to the global GTT must be the guest's own, over all bytes
 * that the command reaches. Addresses in the PPGTT need no check: shadow tables hold the guest's pages only.
 */
#include "scheduler/audit_internal.h"

static bool field_is_global(const struct audit_command *command, const struct cmd_field *field)
{
    if (field->ggtt_bit == CMD_GGTT_ALWAYS)
        return true;
    if (field->ggtt_bit == CMD_GGTT_NEVER)
        return false;
    bool set = command->dwords[field->ggtt_dword] >> (field->ggtt_bit & 0x1f) & 1;
    return field->ggtt_bit & CMD_GGTT_WHEN_CLEAR ? !set : set;
}

/* True when the command is long enough to hold the field. */
static bool field_present(struct audit *audit, const struct audit_command *command, const struct cmd_field *field)
{
    unsigned last = field->dword + (field->kind == FIELD_ADDRESS ? 1u : 0u);

    if (last < command->length && field->ggtt_dword < command->length)
        return true;
    return audit_reject(audit, command, "%u dwords are too few for it", command->length);
}

static bool check_global(struct audit *audit, const struct audit_command *command, uint64_t gma, uint64_t bytes)
{
    /* Bits 1:0 are flags or ignored. Whether hardware also ignores those below the size of the access differs by command: both. */
    uint64_t first = gma & ~(MIN(bytes, UINT64_C(64)) - 1), end = (gma & ~UINT64_C(3)) + bytes;

    return audit_check_range(audit, command, first, end - first);
}

bool audit_check_addresses(struct audit *audit, const struct audit_command *command, uint64_t bytes)
{
    const struct cmd_desc *desc = &cmd_descs[command->id];

    for (unsigned i = 0; i < CMD_MAX_FIELDS; i++) {
        const struct cmd_field *field = &desc->fields[i];
        if (field->kind != FIELD_ADDRESS && field->kind != FIELD_ADDRESS32)
            continue;
        if (!field_present(audit, command, field))
            return false;
        if (!field_is_global(command, field))
            continue;
        uint64_t gma = command->dwords[field->dword];
        if (field->kind == FIELD_ADDRESS)
            gma |= (uint64_t)command->dwords[field->dword + 1] << 32;
        uint64_t reach = field->bytes ? field->bytes : bytes;
        if (!reach)
            return audit_reject(audit, command, "how far its address reaches is not known");
        if (!check_global(audit, command, gma, reach))
            return false;
    }
    return true;
}

/*
 * Post-sync writes with Store Data Index go to the status page of the context that runs (i915 sends its flush writes to a scratch
 * slot there: gt/gen8_engine_cs.c, LRC_PPHWSP_SCRATCH_ADDR), or to the engine's when the command selects the global GTT. The
 * guest's own pages stand at the same global addresses for us.
 */
static uint64_t status_page_slot(const struct audit *audit, bool global, uint32_t index)
{
    uint64_t page = global ? audit->ops->status_page(audit->guest, audit->engine) : audit->context_gma;

    return page + (index & STATUS_INDEX_MASK);
}

bool audit_pipe_control(struct audit *audit, struct audit_command *command)
{
    uint32_t *dwords = command->dwords;

    if (command->length != PIPE_CONTROL_LENGTH)
        return audit_reject(audit, command, "%u dwords, it has %u", command->length, (unsigned)PIPE_CONTROL_LENGTH);
    if (dwords[1] & PIPE_CONTROL_NOTIFY)
        audit->interrupts |= WORKLOAD_IRQ_NOTIFY;
    if (dwords[1] & PIPE_CONTROL_LRI) {
        if (dwords[1] >> PIPE_CONTROL_POST_SYNC_SHIFT & PIPE_CONTROL_POST_SYNC_MASK)
            return audit_reject(audit, command, "a register load and another post-sync operation at once");
        uint32_t value = dwords[4];
        dwords[2] &= REGISTER_MASK;
        dwords[3] = 0;
        if (audit_register_write(audit, dwords[2], &value))
            dwords[4] = value;
        else
            dwords[1] &= ~(uint32_t)PIPE_CONTROL_LRI; /* the rest of it (flushes, stalls, notify) still happens */
        return true;
    }
    if (!(dwords[1] >> PIPE_CONTROL_POST_SYNC_SHIFT & PIPE_CONTROL_POST_SYNC_MASK))
        return true;
    if (dwords[1] & PIPE_CONTROL_STORE_INDEX) {
        uint64_t gma = status_page_slot(audit, dwords[1] & PIPE_CONTROL_GLOBAL_GTT, dwords[2]);
        dwords[1] = (dwords[1] & ~(uint32_t)PIPE_CONTROL_STORE_INDEX) | PIPE_CONTROL_GLOBAL_GTT;
        dwords[2] = (uint32_t)gma;
        dwords[3] = (uint32_t)(gma >> 32);
    }
    if (!(dwords[1] & PIPE_CONTROL_GLOBAL_GTT))
        return true;
    return check_global(audit, command, (uint64_t)dwords[3] << 32 | dwords[2], 8);
}

bool audit_flush_dw(struct audit *audit, struct audit_command *command)
{
    uint32_t *dwords = command->dwords;

    if (command->length < 3 || command->length > 5)
        return audit_reject(audit, command, "%u dwords, it has 3 to 5", command->length);
    if (dwords[0] & FLUSH_DW_NOTIFY)
        audit->interrupts |= WORKLOAD_IRQ_NOTIFY;
    if (!(dwords[0] >> FLUSH_DW_POST_SYNC_SHIFT & FLUSH_DW_POST_SYNC_MASK))
        return true;
    if (command->length < 4)
        return audit_reject(audit, command, "a post-sync write without its data");
    if (dwords[0] & FLUSH_DW_STORE_INDEX) {
        uint64_t gma = status_page_slot(audit, dwords[1] & FLUSH_DW_GLOBAL_GTT, dwords[1]);
        dwords[0] &= ~(uint32_t)FLUSH_DW_STORE_INDEX;
        dwords[1] = (uint32_t)gma | FLUSH_DW_GLOBAL_GTT;
        dwords[2] = (uint32_t)(gma >> 32);
    }
    if (!(dwords[1] & FLUSH_DW_GLOBAL_GTT))
        return true;
    return check_global(audit, command, (uint64_t)dwords[2] << 32 | dwords[1], 8);
}

bool audit_store_data_imm(struct audit *audit, struct audit_command *command)
{
    const bool qwords = command->dwords[0] & STORE_DATA_QWORD;
    const unsigned count = command->length - MIN(3u, command->length); /* dwords of data: one, two, or a list */

    if (count == 0 || (qwords && count % 2))
        return audit_reject(audit, command, "%u dwords, a store of %s has %s", command->length, qwords ? "quadwords" : "dwords",
                            qwords ? "5, 7, 9 and so on" : "4 or more");
    return audit_check_addresses(audit, command, 4 * (uint64_t)count);
}

bool audit_atomic(struct audit *audit, struct audit_command *command)
{
    static const uint8_t sizes[] = {4, 8, 16, 0};
    unsigned bytes = sizes[command->dwords[0] >> ATOMIC_SIZE_SHIFT & ATOMIC_SIZE_MASK];
    unsigned length = command->dwords[0] & ATOMIC_INLINE ? 11 : 3;

    if (!bytes)
        return audit_reject(audit, command, "an atomic of no known size");
    if (command->length != length)
        return audit_reject(audit, command, "%u dwords, this form has %u", command->length, length);
    return audit_check_addresses(audit, command, bytes);
}

bool audit_semaphore_wait(struct audit *audit, struct audit_command *command)
{
    if (command->length != 4)
        return audit_reject(audit, command, "%u dwords, it has 4", command->length);
    if (command->dwords[0] & SEMAPHORE_REGISTER_POLL)
        return audit_reject(audit, command, "polling a register is not for guests");
    if (!(command->dwords[0] & SEMAPHORE_POLL))
        return audit_reject(audit, command, "waiting for a signal of another engine: guests have no MI_SEMAPHORE_SIGNAL, they poll");
    return audit_check_addresses(audit, command, 4);
}

/* Up to 16 cache lines by page and mask: the page must be the guest's. */
bool audit_cache_line_flush(struct audit *audit, struct audit_command *command)
{
    if (command->length < 3)
        return audit_reject(audit, command, "%u dwords are too few for it", command->length);
    if (!(command->dwords[0] & MI_GLOBAL_GTT))
        return true;
    uint64_t gma = (uint64_t)command->dwords[2] << 32 | command->dwords[1];
    return audit_check_range(audit, command, gma & ~UINT64_C(4095), 4096);
}

bool audit_store_data_index(struct audit *audit, struct audit_command *command)
{
    uint32_t dword0 = command->dwords[0];

    if (command->length != 3 && command->length != 4)
        return audit_reject(audit, command, "%u dwords, it has 3 or 4", command->length);
    bool per_process = dword0 & STORE_INDEX_PER_PROCESS;
    uint64_t page = per_process ? audit->context_gma : audit->ops->status_page(audit->guest, audit->engine);
    uint64_t gma = page + (command->dwords[1] & STORE_INDEX_MASK);
    unsigned length = command->length + 1; /* one more address dword */
    uint32_t store[5] = {
        command_header(CMD_MI_STORE_DATA_IMM, length, MI_GLOBAL_GTT | (length == 5 ? STORE_DATA_QWORD : 0)),
        (uint32_t)gma, (uint32_t)(gma >> 32), command->dwords[2], length == 5 ? command->dwords[3] : 0};

    /* Hardware would write to the status page of the host: the store goes where it would go for the guest. */
    return check_global(audit, command, gma, 4u * (command->length - 2)) && audit_detour(audit, command, store, length);
}

bool audit_display_flip(struct audit *audit, struct audit_command *command)
{
    if (command->length > G_N_ELEMENTS(audit->flips[0].dwords))
        return audit_reject(audit, command, "%u dwords are too many", command->length);
    if (audit->flip_count == AUDIT_MAX_FLIPS)
        return audit_reject(audit, command, "more than %u flips in one submission", (unsigned)AUDIT_MAX_FLIPS);
    struct audit_flip *flip = &audit->flips[audit->flip_count++];
    flip->count = command->length;
    for (unsigned i = 0; i < command->length; i++)
        flip->dwords[i] = command->dwords[i];
    return audit_noop(audit, command);
}

bool audit_user_interrupt(struct audit *audit, struct audit_command *command)
{
    /* It stays: hardware's interrupt reaches the guest when the command runs (sched_client_interrupts). */
    audit->interrupts |= WORKLOAD_IRQ_USER;
    return true;
}
