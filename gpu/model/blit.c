/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blitter of the copy engine: gives commands to the decoder, and the engine's memory to the run. Called by the streamer. */
#include "gpu/model/blit.h"

#include "gpu/model/model_internal.h"

#include <string.h>

struct blitter {
    struct engine *engine;
    struct engine_memory *memory;
    struct blit_setup setup;
    /* Of the command that runs. */
    enum vm_kind vm;
    enum mem_fault fault;
};

struct blitter *blitter_create(struct engine *engine, struct engine_memory *memory)
{
    struct blitter *blitter = g_new0(struct blitter, 1);

    blitter->engine = engine;
    blitter->memory = memory;
    return blitter;
}

void blitter_destroy(struct blitter *blitter)
{
    g_free(blitter);
}

void blitter_save(const struct blitter *blitter, uint32_t state[BLITTER_STATE_DWORDS])
{
    const struct blit_setup *setup = &blitter->setup;
    const uint32_t values[BLITTER_STATE_DWORDS] = {
        setup->br00,
        setup->br01,
        setup->mono,
        setup->clip_first,
        setup->clip_last,
        setup->background,
        setup->foreground,
        setup->mono_pattern[0],
        setup->mono_pattern[1],
        (uint32_t)setup->destination,
        (uint32_t)(setup->destination >> 32),
        (uint32_t)setup->pattern,
        (uint32_t)(setup->pattern >> 32),
    };

    memcpy(state, values, sizeof(values));
}

void blitter_load(struct blitter *blitter, const uint32_t state[BLITTER_STATE_DWORDS])
{
    blitter->setup = (struct blit_setup){
        .br00 = state[0],
        .br01 = state[1],
        .mono = state[2] & 1,
        .clip_first = state[3],
        .clip_last = state[4],
        .background = state[5],
        .foreground = state[6],
        .mono_pattern = {state[7], state[8]},
        .destination = state[9] | (uint64_t)(state[10] & 0xffff) << 32,
        .pattern = state[11] | (uint64_t)(state[12] & 0xffff) << 32,
    };
}

static void *map(void *opaque, uint64_t addr, size_t *len, bool write)
{
    struct blitter *blitter = opaque;

    return engine_map(blitter->memory, blitter->vm, addr, len, write, &blitter->fault);
}

static bool pause_run(void *opaque)
{
    struct blitter *blitter = opaque;

    engine_memory_leave(blitter->memory);
    engine_memory_enter(blitter->memory);
    return !engine_should_stop(blitter->engine);
}

enum mem_fault blitter_execute(struct blitter *blitter, unsigned cmd_id, const uint32_t *dwords, unsigned count, enum vm_kind vm,
                               uint32_t bcs_swctrl)
{
    const struct blit_memory memory = {map, pause_run, blitter};
    enum blit_result result;
    struct blit blit;

    switch (blit_decode(&blitter->setup, cmd_id, dwords, count, bcs_swctrl, &blit)) {
    case BLIT_NOTHING:
        return MEM_OK;
    case BLIT_MALFORMED:
        return MEM_BAD_COMMAND;
    default:
        break;
    }
    blitter->vm = vm;
    blitter->fault = MEM_OK;
    engine_memory_enter(blitter->memory);
    result = blit_run(&blit, &memory);
    engine_memory_leave(blitter->memory);
    if (result != BLIT_FAULTED)
        return MEM_OK;
    return blitter->fault != MEM_OK ? blitter->fault : MEM_NOT_PRESENT;
}
