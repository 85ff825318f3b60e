/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder of context images and error registers, and the walk over a command stream; what is particular to single commands
 * is in decode_operands.c. Called by `vmm decode` and by messages about rejected work.
 */
#include "gpu/defs/decode.h"

#include "gpu/defs/commands.h"
#include "gpu/defs/decode_internal.h"
#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"

enum {
    MI_LRI_FORCE_POSTED = 1 << 12,
    STATE_DWORDS = 1024, /* of the register state page */
    /* GEN8_RING_FAULT_REG and the TLB data behind it: i915 gt/intel_gt.c, gen8_check_faults. */
    FAULT_VALID = 1 << 0,
    FAULT_ENGINE_SHIFT = 12,
    FAULT_SOURCE_SHIFT = 3,
    FAULT_TYPE_SHIFT = 1,
    FAULT_ADDRESS_HIGH = 0xf,
    FAULT_GGTT = 1 << 4,
};

const char *decode_command_name(unsigned engine, uint32_t dword0)
{
    enum cmd_id id = engine < ENGINE_COUNT ? cmd_find(engine, dword0) : CMD_COUNT;

    return id < CMD_COUNT ? cmd_descs[id].name : NULL;
}

static void G_GNUC_PRINTF(3, 4) print_line(decode_print print, void *opaque, const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    g_vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    print(opaque, line);
}

/* How many MI_NOOPs stand here. */
static unsigned noop_run(unsigned engine, const uint32_t *dwords, unsigned count)
{
    unsigned n = 0;

    while (n < count && cmd_find(engine, dwords[n]) == CMD_MI_NOOP)
        n++;
    return n;
}

unsigned decode_commands(unsigned engine, const uint32_t *dwords, unsigned count, uint64_t gma, decode_print print, void *opaque)
{
    unsigned at = 0;

    if (engine >= ENGINE_COUNT)
        return 0;

    g_autoptr(GString) line = g_string_sized_new(160);

    while (at < count) {
        enum cmd_id id = cmd_find(engine, dwords[at]);
        unsigned length = 1, there = count - at;

        g_string_printf(line, "0x%08" G_GINT64_MODIFIER "x: ", gma + UINT64_C(4) * at);
        if (id == CMD_MI_NOOP) {
            length = noop_run(engine, dwords + at, there);
            g_string_append(line, "MI_NOOP");
            if (length > 1)
                g_string_append_printf(line, " x%u", length);
        } else if (id == CMD_COUNT) {
            g_string_append_printf(line, "unknown command 0x%08x on %s", dwords[at], gpu_engine_name(engine));
        } else {
            length = cmd_length(id, dwords[at]);
            g_string_append_printf(line, "%s (%u)", cmd_descs[id].name, length);
            decode_operands(line, id, dwords + at, MIN(length, there));
            if (length > there)
                g_string_append_printf(line, " truncated: %u of %u dwords", there, length);
        }
        print(opaque, line->str);
        at += MIN(length, there);
        if (id == CMD_MI_BATCH_BUFFER_END)
            break;
    }
    return at;
}

void decode_context(unsigned engine, const uint32_t *state, unsigned count, decode_print print, void *opaque)
{
    unsigned rows;
    const struct context_dword *layout = context_layout(engine, &rows);
    char name[REG_NAME_MAX], other[REG_NAME_MAX];

    count = MIN(count, STATE_DWORDS);
    for (unsigned i = 0; i < rows; i++) {
        const struct context_dword *row = &layout[i];

        if (row->header) {
            uint32_t expected = cmd_descs[CMD_MI_LOAD_REGISTER_IMM].match | (2u * row->header - 1) |
                                (row->posted ? MI_LRI_FORCE_POSTED : 0);

            if (row->index < count && state[row->index] != expected)
                print_line(print, opaque, "0x%03x: header 0x%08x, expected 0x%08x", row->index, state[row->index], expected);
            continue;
        }
        if (row->index + 1u >= count) {
            print_line(print, opaque, "0x%03x: the image ends here", row->index);
            return;
        }
        reg_name(row->offset, name, sizeof(name));
        if (state[row->index] == row->offset)
            print_line(print, opaque, "0x%03x: %s = 0x%08x", row->index + 1, name, state[row->index + 1]);
        else
            print_line(print, opaque, "0x%03x: %s = 0x%08x, but the image names %s", row->index + 1, name, state[row->index + 1],
                       reg_name(state[row->index], other, sizeof(other)));
    }
}

void decode_error_state(unsigned engine, uint32_t (*read)(void *opaque, uint32_t offset), void *read_opaque, decode_print print,
                        void *opaque)
{
    static const struct {
        uint16_t low, high; /* offsets from the engine's base; 0: 32 bits only */
        const char *what;
    } rows[] = {
        {RING_START, 0, "ring start"}, {RING_HEAD, 0, "ring head"}, {RING_TAIL, 0, "ring tail"}, {RING_CTL, 0, "ring control"},
        {RING_ACTHD, RING_ACTHD_UDW, "active head"}, {RING_BBADDR, RING_BBADDR_UDW, "batch address"},
        {RING_BBSTATE, 0, "batch state"}, {RING_SBBADDR, RING_SBBADDR_UDW, "second batch address"}, {RING_SBBSTATE, 0, "second batch state"},
        {RING_INSTDONE, 0, "units done"}, {RING_INSTPS, 0, "instruction parser state"},
        {RING_IPEIR, 0, "parser error"}, {RING_EIR, 0, "error identity"}, {RING_EMR, 0, "error mask"},
        {RING_ESR, 0, "error status"}, {RING_MODE, 0, "mode"}, {RING_MI_MODE, 0, "memory interface mode"},
        {RING_HWS_PGA, 0, "status page"}, {RING_EXECLIST_STATUS_LO, RING_EXECLIST_STATUS_HI, "execlist status"},
        {RING_CONTEXT_STATUS_PTR, 0, "context status pointers"}, {RING_RESET_CTL, 0, "reset control"},
    };
    uint32_t base = engine_mmio_base(engine);
    char name[REG_NAME_MAX];

    if (engine >= ENGINE_COUNT)
        return;
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t value = read(read_opaque, base + rows[i].low);

        reg_name(base + rows[i].low, name, sizeof(name));
        if (rows[i].high) {
            value |= (uint64_t)read(read_opaque, base + rows[i].high) << 32;
            print_line(print, opaque, "%s = 0x%012" G_GINT64_MODIFIER "x (%s)", name, value, rows[i].what);
        } else {
            print_line(print, opaque, "%s = 0x%08x (%s)", name, (uint32_t)value, rows[i].what);
        }
    }

    uint32_t ipehr = read(read_opaque, base + RING_IPEHR);
    const char *command = decode_command_name(engine, ipehr);

    print_line(print, opaque, "%s = 0x%08x (%s)", reg_name(base + RING_IPEHR, name, sizeof(name)), ipehr,
               command ? command : "no command");

    uint32_t fault = read(read_opaque, R_GEN8_RING_FAULT);

    if (fault & FAULT_VALID) {
        uint32_t low = read(read_opaque, R_GEN8_FAULT_TLB_DATA0), high = read(read_opaque, R_GEN8_FAULT_TLB_DATA1);

        print_line(print, opaque, "page fault: %s address 0x%012" G_GINT64_MODIFIER "x, engine id %u, source %u, type %u",
                   high & FAULT_GGTT ? "GGTT" : "PPGTT", (uint64_t)(high & FAULT_ADDRESS_HIGH) << 44 | (uint64_t)low << 12,
                   (fault >> FAULT_ENGINE_SHIFT) & 7, (fault >> FAULT_SOURCE_SHIFT) & 0xff, (fault >> FAULT_TYPE_SHIFT) & 3);
    }
}
