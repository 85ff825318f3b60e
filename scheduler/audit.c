/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk over a buffer of commands, and the verdicts. Called by workload_create(), the tests and the fuzzer; see audit.h. */
#include "scheduler/audit_internal.h"

#include <gio/gio.h>
#include <string.h>

typedef bool (*audit_check)(struct audit *audit, struct audit_command *command);

/* Commands whose dangers the fields of their row do not tell. */
static const audit_check checks[CMD_COUNT] = {
    [CMD_PIPE_CONTROL] = audit_pipe_control,
    [CMD_MI_FLUSH_DW] = audit_flush_dw,
    [CMD_MI_STORE_DATA_IMM] = audit_store_data_imm,
    [CMD_MI_STORE_DATA_INDEX] = audit_store_data_index,
    [CMD_MI_ATOMIC] = audit_atomic,
    [CMD_MI_SEMAPHORE_WAIT] = audit_semaphore_wait,
    [CMD_MI_CLFLUSH] = audit_cache_line_flush,
    [CMD_MI_LOAD_REGISTER_IMM] = audit_load_register_imm,
    [CMD_MI_STORE_REGISTER_MEM] = audit_store_register_mem,
    [CMD_MI_LOAD_REGISTER_MEM] = audit_load_register_mem,
    [CMD_MI_LOAD_REGISTER_REG] = audit_load_register_reg,
    [CMD_MI_BATCH_BUFFER_START] = audit_batch_start,
    [CMD_MI_BATCH_BUFFER_END] = audit_batch_end,
    [CMD_MI_DISPLAY_FLIP] = audit_display_flip,
    [CMD_MI_USER_INTERRUPT] = audit_user_interrupt,
};

static const char *level_name(enum audit_level level)
{
    static const char *const names[] = {"ring segment", "indirect context batch", "batch", "second-level batch"};

    return names[level];
}

bool audit_reject(struct audit *audit, const struct audit_command *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *rule = g_strdup_vprintf(format, args);
    va_end(args);
    uint32_t dword0 = command->length ? command->dwords[0] : 0;
    g_autofree char *what = NULL;
    if (!command->length)
        what = g_strdup("the command"); /* nothing of it has been read */
    else
        what = g_strdup_printf("%s (0x%08x)", command->id < CMD_COUNT ? cmd_descs[command->id].name : "unknown command", dword0);
    if (!audit->error)
        g_set_error(&audit->error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "%s: %s at byte 0x%zx of the %s: %s",
                    gpu_engine_name(audit->engine), what, command->offset * 4, level_name(command->level), rule);
    trace_emit(audit->trace, TRACE_AUDIT_REJECT, audit->vgpu, audit->engine, dword0, command->offset * 4);
    return false;
}

bool audit_noop(struct audit *audit, const struct audit_command *command)
{
    trace_emit(audit->trace, TRACE_AUDIT_NOOP, audit->vgpu, audit->engine, command->dwords[0], command->offset * 4);
    memset(command->dwords, 0, command->length * sizeof(uint32_t)); /* MI_NOOP is 0 */
    return true;
}

bool audit_check_range(struct audit *audit, const struct audit_command *command, uint64_t gma, uint64_t bytes)
{
    if (gma <= UINT64_MAX - bytes && audit->ops->ggtt_owned(audit->guest, gma, bytes))
        return true;
    return audit_reject(audit, command, "global graphics address 0x%" PRIx64 " (%" PRIu64 " bytes) is not the guest's own", gma, bytes);
}

static bool check_command(struct audit *audit, struct audit_command *command)
{
    const struct cmd_desc *desc = &cmd_descs[command->id];

    if (desc->privilege == CMD_RING_ONLY && command->level != AUDIT_RING)
        return audit_reject(audit, command, "only a ring may hold it");
    switch ((enum cmd_audit)desc->audit) {
    case AUDIT_ALLOW:
        return true;
    case AUDIT_NOOP:
        return audit_noop(audit, command);
    case AUDIT_REJECT:
        return audit_reject(audit, command, "a guest may not use it");
    case AUDIT_ADDRESS:
    case AUDIT_REGISTER:
    case AUDIT_SPECIAL:
        if (checks[command->id])
            return checks[command->id](audit, command);
        if (desc->audit == AUDIT_ADDRESS)
            return audit_check_addresses(audit, command, 0);
        break;
    }
    return audit_reject(audit, command, "the audit has no rule for it");
}

/* Makes dwords up to end of a guest's batch available. Each page is read once. */
static bool batch_fetch(struct audit *audit, struct audit_batch *batch, size_t end, const struct audit_command *command)
{
    while (batch->fetched < end) {
        uint64_t gma = batch->gma + batch->fetched * 4;
        size_t bytes = 4096 - (size_t)(gma & 4095);
        if (audit->copied + bytes > MIN(audit->max_bytes, (size_t)AUDIT_MAX_BYTES))
            return audit_reject(audit, command, "privileged batches of this submission exceed %zu bytes", MIN(audit->max_bytes, (size_t)AUDIT_MAX_BYTES));
        if (!audit_check_range(audit, command, gma, bytes))
            return false;
        batch->dwords = g_realloc(batch->dwords, batch->fetched * 4 + bytes);
        batch->boundary = g_realloc(batch->boundary, batch->fetched + bytes / 4);
        if (!audit->ops->ggtt_read(audit->guest, gma, batch->dwords + batch->fetched, bytes))
            return audit_reject(audit, command, "no memory behind global graphics address 0x%" PRIx64, gma);
        memset(batch->boundary + batch->fetched, 0, bytes / 4);
        batch->fetched += bytes / 4;
        audit->copied += bytes;
    }
    return true;
}

bool audit_walk(struct audit *audit, enum audit_level level, int index, struct audit_batch *batch, uint32_t *dwords, size_t count)
{
    size_t offset = 0;

    while (batch || offset < count) {
        struct audit_command command = {.id = CMD_COUNT, .level = level, .batch = index, .offset = offset};
        if (batch) {
            if (!batch_fetch(audit, batch, offset + 1, &command))
                return false;
            dwords = batch->dwords;
            count = batch->fetched;
        }
        command.dwords = dwords + offset;
        command.length = 1;
        command.id = cmd_find(audit->engine, dwords[offset]);
        if (command.id == CMD_COUNT)
            return audit_reject(audit, &command, "%s has no such command", gpu_engine_name(audit->engine));
        unsigned length = cmd_length(command.id, dwords[offset]);
        if (batch) {
            if (!batch_fetch(audit, batch, offset + length, &command))
                return false;
            dwords = batch->dwords;
            command.dwords = dwords + offset;
            count = batch->fetched;
        }
        if (length > count - offset)
            return audit_reject(audit, &command, "its %u dwords go beyond the end of the buffer, %zu dwords on", length, count - offset);
        command.length = length;
        if (batch)
            batch->boundary[offset] = 1;
        if (!check_command(audit, &command))
            return false;
        offset += length;
        if (command.ends)
            break;
    }
    if (batch)
        batch->used = offset;
    return true;
}

static void batch_free(gpointer data)
{
    struct audit_batch *batch = data;

    g_free(batch->dwords);
    g_free(batch->boundary);
    g_free(batch);
}

void audit_init(struct audit *audit)
{
    *audit = (struct audit){.max_bytes = AUDIT_MAX_BYTES};
    audit->batches = g_ptr_array_new_with_free_func(batch_free);
    audit->fixups = g_array_new(FALSE, FALSE, sizeof(struct audit_fixup));
}

void audit_finish(struct audit *audit)
{
    if (!audit->batches)
        return;
    g_ptr_array_unref(audit->batches);
    g_array_unref(audit->fixups);
    g_clear_error(&audit->error);
    audit->batches = NULL;
    audit->fixups = NULL;
}

static bool finish(struct audit *audit, bool good, GError **error)
{
    if (!good)
        g_propagate_error(error, g_steal_pointer(&audit->error));
    return good;
}

bool audit_buffer(struct audit *audit, enum audit_level level, uint32_t *dwords, size_t count, GError **error)
{
    unsigned from = audit->batches->len;

    return finish(audit, audit_walk(audit, level, -1, NULL, dwords, count) && audit_pending_batches(audit, from), error);
}

bool audit_batch_at(struct audit *audit, uint64_t gma, GError **error)
{
    unsigned from = audit->batches->len;
    struct audit_batch *batch = g_new0(struct audit_batch, 1);

    batch->gma = gma;
    batch->level = AUDIT_BATCH;
    g_ptr_array_add(audit->batches, batch);
    return finish(audit, audit_pending_batches(audit, from), error);
}
