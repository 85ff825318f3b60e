/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One command's operands as text: what it reaches (from the command table), then the flags and immediate values of the commands that people
 * look for. PRM SKL vol. 2a. Called by decode.c.
 */
#include "gpu/defs/decode_internal.h"
#include "gpu/defs/registers.h"

enum {
    RAW_MAX = 12,    /* dwords of a packet printed as numbers */
    VALUES_MAX = 16, /* registers or ALU instructions of one command printed */
};

struct flag {
    unsigned bit;
    const char *name;
};

static void append_flags(GString *line, uint32_t value, const struct flag *flags, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if ((value >> flags[i].bit) & 1)
            g_string_append_printf(line, " %s", flags[i].name);
}

static void append_register(GString *line, uint32_t offset)
{
    char name[REG_NAME_MAX];

    g_string_append_printf(line, " %s", reg_name(offset, name, sizeof(name)));
}

static void append_reach(GString *line, const struct cmd_reach *reach)
{
    switch (reach->kind) {
    case FIELD_REGISTER:
        append_register(line, (uint32_t)reach->address);
        break;
    case FIELD_STATUS_INDEX:
        g_string_append_printf(line, " %s+0x%x", reach->ggtt ? "hwsp" : "pphwsp", (unsigned)reach->address);
        break;
    default:
        g_string_append_printf(line, " %s:0x%" G_GINT64_MODIFIER "x", reach->ggtt ? "ggtt" : "ppgtt", reach->address);
        break;
    }
    g_string_append(line, reach->write ? "(w)" : "(r)");
}

static void append_raw(GString *line, const uint32_t *dwords, unsigned from, unsigned count)
{
    for (unsigned i = from; i < count && i < from + RAW_MAX; i++)
        g_string_append_printf(line, " %08x", dwords[i]);
    if (count > from + RAW_MAX)
        g_string_append(line, " ...");
}

/* The immediate from a dword on: 64 bits when there are two dwords. */
static void append_immediate(GString *line, const uint32_t *dwords, unsigned from, unsigned count)
{
    if (from + 1 < count)
        g_string_append_printf(line, " = 0x%08x%08x", dwords[from + 1], dwords[from]);
    else if (from < count)
        g_string_append_printf(line, " = 0x%08x", dwords[from]);
}

static void append_load_register_imm(GString *line, const uint32_t *dwords, unsigned count)
{
    for (unsigned i = 1; i + 1 < count; i += 2) {
        if (i / 2 == VALUES_MAX) {
            g_string_append_printf(line, " ... %u more", (count - i) / 2);
            return;
        }
        append_register(line, dwords[i] & 0x7ffffc);
        g_string_append_printf(line, "=0x%08x", dwords[i + 1]);
    }
}

static void append_post_sync(GString *line, uint32_t flags, const uint32_t *dwords, unsigned data, unsigned count, bool flush)
{
    static const char *const operations[2][4] = {
        {"", " write-immediate", " write-depth-count", " write-timestamp"},
        {"", " write-immediate", " reserved-post-sync", " write-timestamp"},
    };
    unsigned operation = (flags >> 14) & 3;

    g_string_append(line, operations[flush][operation]);
    if (operation == 1)
        append_immediate(line, dwords, data, count);
}

static void append_pipe_control(GString *line, const uint32_t *dwords, unsigned count)
{
    static const struct flag flags[] = {
        {0, "depth-cache-flush"}, {1, "stall-at-scoreboard"}, {2, "state-cache-invalidate"}, {3, "constant-cache-invalidate"},
        {4, "vf-cache-invalidate"}, {5, "dc-flush"}, {7, "pipe-control-flush"}, {8, "notify"},
        {9, "indirect-state-disable"}, {10, "texture-cache-invalidate"}, {11, "instruction-cache-invalidate"},
        {12, "render-target-flush"}, {13, "depth-stall"}, {16, "media-state-clear"}, {18, "tlb-invalidate"},
        {19, "snapshot-count-reset"}, {20, "cs-stall"}, {21, "store-data-index"}, {23, "lri"}, {26, "flush-llc"},
    };

    if (count < 2)
        return;
    append_flags(line, dwords[1], flags, G_N_ELEMENTS(flags));
    append_post_sync(line, dwords[1], dwords, 4, count, false);
}

static void append_flush_dw(GString *line, const uint32_t *dwords, unsigned count)
{
    static const struct flag flags[] = {
        {7, "video-cache-invalidate"}, {8, "notify"}, {9, "flush-llc"}, {18, "tlb-invalidate"}, {21, "store-data-index"},
    };

    append_flags(line, dwords[0], flags, G_N_ELEMENTS(flags));
    append_post_sync(line, dwords[0], dwords, 3, count, true);
}

static void append_semaphore_wait(GString *line, const uint32_t *dwords, unsigned count)
{
    static const char *const compare[8] = {">", ">=", "<", "<=", "==", "!=", "?", "?"};

    g_string_append(line, (dwords[0] >> 15) & 1 ? " poll" : " signal");
    if (count > 1)
        g_string_append_printf(line, " until *address %s 0x%08x", compare[(dwords[0] >> 12) & 7], dwords[1]);
}

static void append_batch_buffer_start(GString *line, const uint32_t *dwords)
{
    static const struct flag flags[] = {{15, "predicated"}, {16, "add-offset"}, {22, "second-level"}};

    append_flags(line, dwords[0], flags, G_N_ELEMENTS(flags));
}

static void append_alu_operand(GString *line, unsigned operand)
{
    static const struct {
        unsigned code;
        const char *name;
    } names[] = {{0x20, "SRCA"}, {0x21, "SRCB"}, {0x31, "ACCU"}, {0x32, "ZF"}, {0x33, "CF"}};

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].code == operand) {
            g_string_append(line, names[i].name);
            return;
        }
    }
    g_string_append_printf(line, operand < 16 ? "R%u" : "0x%x", operand);
}

static void append_math(GString *line, const uint32_t *dwords, unsigned count)
{
    /* "two": takes operands; the others work on SRCA and SRCB. */
    static const struct {
        uint16_t opcode;
        bool two;
        const char *name;
    } opcodes[] = {
        {0x000, false, "NOOP"}, {0x080, true, "LOAD"}, {0x081, true, "LOAD0"}, {0x100, false, "ADD"}, {0x101, false, "SUB"},
        {0x102, false, "AND"}, {0x103, false, "OR"}, {0x104, false, "XOR"}, {0x180, true, "STORE"}, {0x480, true, "LOADINV"},
        {0x481, true, "LOAD1"}, {0x580, true, "STOREINV"},
    };

    for (unsigned i = 1; i < count; i++) {
        unsigned opcode = dwords[i] >> 20, k = 0;

        if (i > VALUES_MAX) {
            g_string_append_printf(line, "; ... %u more", count - i);
            return;
        }
        g_string_append(line, i > 1 ? "; " : " ");
        while (k < G_N_ELEMENTS(opcodes) && opcodes[k].opcode != opcode)
            k++;
        if (k == G_N_ELEMENTS(opcodes)) {
            g_string_append_printf(line, "unknown 0x%08x", dwords[i]);
            continue;
        }
        g_string_append(line, opcodes[k].name);
        if (opcodes[k].two) {
            g_string_append_c(line, ' ');
            append_alu_operand(line, (dwords[i] >> 10) & 0x3ff);
            g_string_append(line, ", ");
            append_alu_operand(line, dwords[i] & 0x3ff);
        }
    }
}

static void append_reaches(GString *line, enum cmd_id id, const uint32_t *dwords, unsigned count)
{
    struct cmd_reach reach;
    unsigned cursor = 0;

    while (cmd_reach_next(id, dwords, count, &cursor, &reach))
        append_reach(line, &reach);
}

void decode_operands(GString *line, enum cmd_id id, const uint32_t *dwords, unsigned count)
{
    if (id == CMD_MI_LOAD_REGISTER_IMM) {
        append_load_register_imm(line, dwords, count);
        return;
    }
    append_reaches(line, id, dwords, count);
    switch (id) {
    case CMD_PIPE_CONTROL:
        append_pipe_control(line, dwords, count);
        break;
    case CMD_MI_FLUSH_DW:
        append_flush_dw(line, dwords, count);
        break;
    case CMD_MI_STORE_DATA_IMM:
        append_immediate(line, dwords, 3, count);
        break;
    case CMD_MI_STORE_DATA_INDEX:
        append_immediate(line, dwords, 2, count);
        break;
    case CMD_MI_SEMAPHORE_WAIT:
        append_semaphore_wait(line, dwords, count);
        break;
    case CMD_MI_BATCH_BUFFER_START:
        append_batch_buffer_start(line, dwords);
        break;
    case CMD_MI_ARB_ON_OFF:
        g_string_append(line, dwords[0] & 1 ? " on" : " off");
        break;
    case CMD_MI_ATOMIC:
        g_string_append_printf(line, " operation 0x%02x", (dwords[0] >> 8) & 0xff);
        append_raw(line, dwords, 3, count);
        break;
    case CMD_MI_MATH:
        append_math(line, dwords, count);
        break;
    case CMD_MI_CONDITIONAL_BATCH_BUFFER_END:
        append_immediate(line, dwords, 1, MIN(count, 2u));
        break;
    case CMD_MI_STORE_REGISTER_MEM:
    case CMD_MI_LOAD_REGISTER_MEM:
    case CMD_MI_LOAD_REGISTER_REG:
    case CMD_MI_COPY_MEM_MEM:
        break;
    default:
        append_raw(line, dwords, 1, count);
        break;
    }
}
