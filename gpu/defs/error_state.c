/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is captured of an engine that hung, and how it is printed. See error_state.h; the text form is in error_text.c. */
#include "gpu/defs/error_state.h"

#include "gpu/defs/commands.h"
#include "gpu/defs/registers.h"

#include <string.h>

enum {
    BB_VALID = 1 << 0,            /* RING_BBADDR */
    BB_STATE_PPGTT = 1 << 5,      /* RING_BBSTATE; both: PRM SKL vol. 2c */
    BATCH_START_PPGTT = 1 << 8,   /* MI_BATCH_BUFFER_START: address space indicator, PRM SKL vol. 2a */
};

struct error_state *error_state_create(unsigned engine, const char *reason)
{
    struct error_state *state = g_new0(struct error_state, 1);

    state->engine = engine;
    state->reason = g_strdup(reason);
    return state;
}

void error_state_free(struct error_state *state)
{
    if (!state)
        return;
    g_free(state->guest);
    g_free(state->reason);
    g_free(state->ring.dwords);
    g_free(state->batch.dwords);
    g_free(state);
}

struct capture {
    struct error_state *state;
    uint32_t (*read)(void *opaque, uint32_t offset);
    void *opaque;
};

static uint32_t capture_register(void *opaque, uint32_t offset)
{
    struct capture *capture = opaque;
    struct error_state *state = capture->state;
    uint32_t value = capture->read(capture->opaque, offset);

    if (state->register_count < ERROR_REGISTERS_MAX) {
        state->registers[state->register_count].offset = offset;
        state->registers[state->register_count++].value = value;
    }
    return value;
}

static void print_nothing(void *opaque, const char *line)
{
}

void error_state_capture(struct error_state *state, uint32_t (*read)(void *opaque, uint32_t offset), void *opaque)
{
    decode_error_state(state->engine, capture_register, &(struct capture){state, read, opaque}, print_nothing, NULL);
}

static uint32_t find_register(void *opaque, uint32_t offset)
{
    const struct error_state *state = opaque;

    for (unsigned i = 0; i < state->register_count; i++)
        if (state->registers[i].offset == offset)
            return state->registers[i].value;
    return 0;
}

uint32_t error_state_register(const struct error_state *state, uint32_t offset)
{
    return find_register((void *)state, offset);
}

static uint64_t engine_register64(const struct error_state *state, uint32_t low, uint32_t high)
{
    uint32_t base = engine_mmio_base(state->engine);

    return (uint64_t)error_state_register(state, base + high) << 32 | error_state_register(state, base + low);
}

uint64_t error_state_active_head(const struct error_state *state)
{
    return engine_register64(state, RING_ACTHD, RING_ACTHD_UDW) & ~UINT64_C(3);
}

void error_memory_set(struct error_memory *memory, uint64_t gma, const uint32_t *dwords, unsigned count)
{
    g_free(memory->dwords);
    memory->gma = gma;
    memory->count = MIN(count, (unsigned)ERROR_DWORDS_MAX);
    memory->dwords = g_memdup2(dwords, memory->count * sizeof(uint32_t));
}

static bool holds(const struct error_memory *memory, uint64_t gma)
{
    return gma >= memory->gma && gma - memory->gma < UINT64_C(4) * memory->count;
}

/* The last batch that the commands start at or before head, near enough that head may lie in it. */
static uint64_t batch_begin(const struct error_state *state, bool ppgtt, uint64_t head)
{
    const struct error_memory *ring = &state->ring;
    uint64_t begin = head;
    unsigned length;

    for (unsigned at = 0; at < ring->count; at += length) {
        enum cmd_id id = cmd_find(state->engine, ring->dwords[at]);
        length = id == CMD_COUNT ? 1 : cmd_length(id, ring->dwords[at]);
        if (id != CMD_MI_BATCH_BUFFER_START || ring->count - at < 3 || !(ring->dwords[at] & BATCH_START_PPGTT) == ppgtt)
            continue;
        uint64_t address = ((uint64_t)ring->dwords[at + 2] << 32 | ring->dwords[at + 1]) & UINT64_C(0xfffffffffffc);
        if (address <= head && head - address < UINT64_C(4) * (ERROR_DWORDS_MAX - ERROR_BEHIND) && (begin == head || address > begin))
            begin = address;
    }
    return begin;
}

bool error_state_wants_batch(const struct error_state *state, uint64_t *gma, unsigned *count, bool *ppgtt)
{
    uint32_t base = engine_mmio_base(state->engine);
    uint64_t head = error_state_active_head(state);
    bool second = error_state_register(state, base + RING_SBBADDR) & BB_VALID, first = error_state_register(state, base + RING_BBADDR) & BB_VALID;

    if (holds(&state->ring, head) || (!first && head == 0))
        return false;
    *ppgtt = first && error_state_register(state, base + (second ? RING_SBBSTATE : RING_BBSTATE)) & BB_STATE_PPGTT;
    *gma = batch_begin(state, *ppgtt, head);
    *count = (unsigned)((head - *gma) / 4) + ERROR_BEHIND;
    return true;
}

/* Lines go out one late: the last that begins at or before the active head is the one that is marked. */
struct marker {
    decode_print print;
    void *opaque;
    uint64_t head;
    char *line; /* that waits, or NULL */
    uint64_t gma; /* where it begins */
    bool marked;
};

static void flush_line(struct marker *marker, bool next_is_behind)
{
    bool mark = marker->line && !marker->marked && marker->gma <= marker->head && next_is_behind;
    g_autofree char *text = marker->line ? g_strconcat(mark ? "--> " : "    ", marker->line, NULL) : NULL;

    if (text)
        marker->print(marker->opaque, text);
    marker->marked |= mark;
    g_clear_pointer(&marker->line, g_free);
}

static void print_marked(void *opaque, const char *line)
{
    struct marker *marker = opaque;
    uint64_t gma = g_ascii_strtoull(line, NULL, 16); /* lines begin with their address */

    flush_line(marker, gma > marker->head);
    marker->line = g_strdup(line);
    marker->gma = gma;
}

static void decode_memory(const struct error_state *state, const struct error_memory *memory, const char *name, decode_print print, void *opaque)
{
    uint64_t head = error_state_active_head(state), end = memory->gma + UINT64_C(4) * memory->count;
    struct marker marker = {.print = print, .opaque = opaque, .head = head, .marked = !holds(memory, head)};
    g_autofree char *title = g_strdup_printf("%s, %u dwords from 0x%08" G_GINT64_MODIFIER "x on:", name, memory->count, memory->gma);

    if (!memory->count)
        return;
    print(opaque, title);
    /* The decoder stops behind a batch's end; the active head may be further on. */
    for (unsigned at = 0, done; at < memory->count; at += done) {
        done = decode_commands(state->engine, memory->dwords + at, memory->count - at, memory->gma + UINT64_C(4) * at, print_marked, &marker);
        if (done == 0)
            break;
    }
    flush_line(&marker, end > head);
}

void error_state_decode(const struct error_state *state, decode_print print, void *opaque)
{
    g_autofree char *title = g_strdup_printf("%s of %s: %s", gpu_engine_name(state->engine), state->guest ? state->guest : "a guest",
                                             state->reason ? state->reason : "no reason is known");
    g_autofree char *work = g_strdup_printf("workload %" G_GUINT64_FORMAT ", context 0x%08" G_GINT64_MODIFIER "x", state->workload, state->context);

    print(opaque, title);
    print(opaque, work);
    decode_error_state(state->engine, find_register, (void *)state, print, opaque);
    decode_memory(state, &state->ring, "ring", print, opaque);
    decode_memory(state, &state->batch, "batch", print, opaque);
}
