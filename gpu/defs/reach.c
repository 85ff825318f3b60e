/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command reaches, in memory and in registers: the operands that the command table names, as the rest of the command qualifies
 * them. Called by the audit, the command streamer and the decoder. PRM SKL vol. 2a, each command.
 */
#include "gpu/defs/commands.h"

enum {
    DATA_INDEX = 1 << 21,       /* MI_FLUSH_DW dword 0, PIPE_CONTROL dword 1: the address is an offset into the status page */
    POST_SYNC_SHIFT = 14,       /* same dwords, bits 15:14 */
    POST_SYNC_TIMESTAMP = 3,
    PIPE_CONTROL_LRI = 1 << 23, /* dword 1: the post-sync operation writes a register */
    ATOMIC_SIZE_SHIFT = 19,     /* MI_ATOMIC dword 0, bits 20:19: 4, 8 or 16 bytes */
    REGISTER_OFFSET = 0x7ffffc, /* bits 22:2 */
    STATUS_OFFSET = 0xff8,      /* within the page */
};

static bool bit_selects_ggtt(const struct cmd_field *field, const uint32_t *dwords, unsigned count)
{
    if (field->ggtt_bit == CMD_GGTT_ALWAYS)
        return true;
    if (field->ggtt_bit == CMD_GGTT_NEVER || field->ggtt_dword >= count)
        return false;

    bool set = (dwords[field->ggtt_dword] >> (field->ggtt_bit & 0x1f)) & 1;

    return field->ggtt_bit & CMD_GGTT_WHEN_CLEAR ? !set : set;
}

/* Post-sync operation of MI_FLUSH_DW and PIPE_CONTROL; flags is the dword that holds it. False: nothing is written. */
static bool resolve_post_sync(enum cmd_id id, uint32_t flags, unsigned count, struct cmd_reach *reach)
{
    unsigned operation = (flags >> POST_SYNC_SHIFT) & 3;

    if (id == CMD_PIPE_CONTROL && flags & PIPE_CONTROL_LRI) {
        reach->kind = FIELD_REGISTER;
        reach->address &= REGISTER_OFFSET;
        reach->bytes = 4;
        reach->ggtt = false;
        return true;
    }
    if (!operation)
        return false;
    reach->bytes = id == CMD_PIPE_CONTROL || operation == POST_SYNC_TIMESTAMP || count > 4 ? 8 : 4;
    if (flags & DATA_INDEX) {
        reach->kind = FIELD_STATUS_INDEX;
        reach->address &= STATUS_OFFSET;
    }
    return true;
}

/* What is particular to one command. False: this operand reaches nothing. */
static bool resolve(enum cmd_id id, const uint32_t *dwords, unsigned count, struct cmd_reach *reach)
{
    switch (id) {
    case CMD_PIPE_CONTROL:
        return resolve_post_sync(id, dwords[1], count, reach);
    case CMD_MI_FLUSH_DW:
        reach->address &= ~UINT64_C(7);
        return resolve_post_sync(id, dwords[0], count, reach);
    case CMD_MI_STORE_DATA_IMM:
        reach->bytes = count > 3 ? (count - 3) * 4 : 4;
        return true;
    case CMD_MI_STORE_DATA_INDEX:
        reach->address &= 0xffc;
        reach->bytes = count > 2 ? (count - 2) * 4 : 4;
        return true;
    case CMD_MI_ATOMIC:
        reach->bytes = MIN(4u << ((dwords[0] >> ATOMIC_SIZE_SHIFT) & 3), 16u);
        return true;
    case CMD_MI_CLFLUSH:
        reach->address &= ~UINT64_C(0xfff);
        reach->bytes = 4096;
        return true;
    case CMD_MI_REPORT_PERF_COUNT:
        reach->address &= ~UINT64_C(0x3f);
        return true;
    case CMD_MI_CONDITIONAL_BATCH_BUFFER_END:
        reach->address &= ~UINT64_C(7);
        return true;
    case CMD_MI_DISPLAY_FLIP:
    case CMD_MI_SET_CONTEXT:
    case CMD_MI_UPDATE_GTT:
        reach->address &= ~UINT64_C(0xfff);
        return true;
    default:
        return true;
    }
}

/* The operand of a field that starts at the given dword; false when it lies beyond what is there. */
static bool read_operand(const struct cmd_field *field, unsigned dword, const uint32_t *dwords, unsigned count,
                         struct cmd_reach *reach)
{
    unsigned size = field->kind == FIELD_ADDRESS ? 2 : 1;

    if (dword + size > count)
        return false;
    *reach = (struct cmd_reach){
        .bytes = field->kind == FIELD_REGISTER ? 4 : field->bytes, .kind = field->kind, .dword = (uint16_t)dword,
        .ggtt = bit_selects_ggtt(field, dwords, count), .write = (field->flags & CMD_FIELD_WRITE) != 0,
    };
    switch (field->kind) {
    case FIELD_ADDRESS:
        reach->address = (dwords[dword] & ~3u) | (uint64_t)(dwords[dword + 1] & 0xffff) << 32;
        break;
    case FIELD_REGISTER:
        reach->address = dwords[dword] & REGISTER_OFFSET;
        break;
    default:
        reach->address = dwords[dword] & ~3u;
        break;
    }
    return true;
}

bool cmd_reach_next(enum cmd_id id, const uint32_t *dwords, unsigned count, unsigned *cursor, struct cmd_reach *reach)
{
    if ((unsigned)id >= CMD_COUNT || !count)
        return false;

    const struct cmd_desc *desc = &cmd_descs[id];

    count = MIN(count, cmd_length(id, dwords[0]));
    if (desc->fields[0].flags & CMD_FIELD_REPEAT2) {
        /* One field, again every second dword, each with its value after it. */
        unsigned dword = desc->fields[0].dword + 2 * *cursor;

        if (dword + 2 > count)
            return false;
        (*cursor)++;
        return read_operand(&desc->fields[0], dword, dwords, count, reach);
    }
    while (*cursor < CMD_MAX_FIELDS && desc->fields[*cursor].kind != FIELD_NONE) {
        const struct cmd_field *field = &desc->fields[(*cursor)++];

        if (read_operand(field, field->dword, dwords, count, reach) && resolve(id, dwords, count, reach))
            return true;
    }
    return false;
}
