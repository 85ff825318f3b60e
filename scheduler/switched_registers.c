/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers that belong to a vGPU but not to its contexts (REG_PER_VGPU): their physical values follow the owner of the engine. Most guests
 * have equal values, and then nothing is switched; where they differ, dispatch.c lets the engine run empty first.
 */
#include "scheduler/scheduler_internal.h"

#include <string.h>

enum { NOT_AN_ENGINE = 255 };

/* Whose owner a register that is not relative to an engine's base goes with: the tables of i915's gt/intel_mocs.c, else the render engine. */
static unsigned register_engine(uint32_t offset)
{
    static const struct {
        uint32_t first, end;
        unsigned engine;
    } ranges[] = {
        {R_GEN9_MFX0_MOCS, R_GEN9_MFX0_MOCS + 256, ENGINE_VCS0},
        {R_GEN9_VEBOX_MOCS, R_GEN9_VEBOX_MOCS + 256, ENGINE_VECS0},
        {R_GEN9_BLT_MOCS, R_GEN9_BLT_MOCS + 256, ENGINE_BCS0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++)
        if (offset >= ranges[i].first && offset < ranges[i].end)
            return ranges[i].engine;
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
        if (offset >= engine_mmio_base(engine) && offset < engine_mmio_base(engine) + 0x800)
            return engine;
    return ENGINE_RCS0;
}

unsigned switched_registers_engine(const struct reg_desc *row, uint32_t offset)
{
    return row->engine == NOT_AN_ENGINE ? register_engine(offset) : row->engine;
}

void switched_registers_init(struct scheduler *scheduler)
{
    unsigned rows;
    const struct reg_desc *table = reg_table(&rows);
    GArray *list = g_array_new(FALSE, TRUE, sizeof(struct sched_register));

    for (unsigned i = 0; i < rows; i++) {
        if (!(table[i].flags & REG_PER_VGPU) || table[i].flags & REG_NOT_GUEST)
            continue;
        for (unsigned k = 0; k < table[i].count; k++) {
            uint32_t offset = table[i].offset + k * table[i].stride;
            unsigned engine = switched_registers_engine(&table[i], offset);
            uint32_t nonpriv = engine_mmio_base(engine) + RING_FORCE_TO_NONPRIV;
            struct sched_register reg = {
                .offset = offset, .engine = (uint8_t)engine, .masked = table[i].flags & REG_MASKED,
                .nonpriv = offset >= nonpriv && offset < nonpriv + 12 * 4,
                .initial = driver_read32(scheduler->driver, offset)};
            reg.value = reg.initial;
            g_array_append_val(list, reg);
        }
    }
    scheduler->switched_count = list->len;
    scheduler->switched = (struct sched_register *)(void *)g_array_free(list, FALSE);
}

/* A slot of FORCE_TO_NONPRIV opens a register to the guest's batches: only one that it could load by a privileged command as well. */
static uint32_t checked_value(const struct sched_register *reg, uint32_t value)
{
    unsigned index;

    if (!reg->nonpriv)
        return reg->masked ? value & 0xffff : value;
    uint32_t opened = value & REGISTER_MASK;
    const struct reg_desc *row = opened < MMIO_SIZE ? reg_find(opened, &index) : NULL;
    bool fine = row && row->flags & (REG_CMD | REG_NONPRIV | REG_CONTEXT) && !(row->flags & (REG_NOT_GUEST | REG_GMADR)) &&
                (row->engine == NOT_AN_ENGINE || row->engine == reg->engine) && opened != engine_mmio_base(reg->engine) + RING_MI_MODE &&
                (!(row->flags & REG_PER_VGPU) || switched_registers_engine(row, opened) == reg->engine);
    return fine ? opened : engine_mmio_base(reg->engine) + RING_NOPID;
}

/* Which registers the client's slots open now. */
static void note_opened(struct sched_client *client)
{
    struct scheduler *scheduler = client->scheduler;
    const struct sched_register *switched = scheduler->switched;

    memset(client->registers_open, 0, scheduler->switched_count * sizeof(bool));
    memset(client->opens, 0, sizeof(client->opens));
    for (unsigned slot = 0; slot < scheduler->switched_count; slot++) {
        if (!switched[slot].nonpriv || !client->registers_set[slot] || !client->registers[slot])
            continue;
        for (unsigned i = 0; i < scheduler->switched_count; i++)
            if (switched[i].offset == client->registers[slot] && switched[i].engine == switched[slot].engine)
                client->registers_open[i] = client->opens[switched[i].engine] = true;
    }
}

void sched_client_set_register(struct sched_client *client, uint32_t offset, uint32_t value)
{
    struct scheduler *scheduler = client->scheduler;

    g_mutex_lock(&scheduler->lock);
    for (unsigned i = 0; i < scheduler->switched_count; i++) {
        struct sched_register *reg = &scheduler->switched[i];
        if (reg->offset != offset)
            continue;
        value = checked_value(reg, value);
        bool changed = !client->registers_set[i] || client->registers[i] != value;
        if (reg->loader == client) { /* the newer value counts */
            reg->loader = NULL;
            reg->value = driver_read32(scheduler->driver, offset);
            changed = true;
        }
        client->registers_version += changed;
        client->registers[i] = value;
        client->registers_set[i] = true;
        if (reg->nonpriv && changed)
            note_opened(client);
        break;
    }
    g_mutex_unlock(&scheduler->lock);
}

static uint32_t own_value(const struct sched_register *reg, const struct sched_client *client, unsigned index)
{
    return client->registers_set[index] ? client->registers[index] : reg->initial;
}

static bool is_other(const struct sched_register *reg, const struct sched_client *client, unsigned index)
{
    return reg->loader ? reg->loader != client : own_value(reg, client, index) != reg->value;
}

bool switched_registers_differ(struct scheduler *scheduler, unsigned index, const struct sched_client *client)
{
    struct sched_engine *engine = &scheduler->engines[index];

    if (engine->owner == client && engine->owner_version == client->registers_version)
        return false;
    for (unsigned i = 0; i < scheduler->switched_count; i++)
        if (scheduler->switched[i].engine == index && is_other(&scheduler->switched[i], client, i))
            return true;
    return false;
}

/* What a client's commands have made of a register is the client's value from now on. */
static void keep_loaded(struct scheduler *scheduler, unsigned index)
{
    struct sched_register *reg = &scheduler->switched[index];

    reg->value = driver_read32(scheduler->driver, reg->offset);
    if (reg->masked)
        reg->value &= 0xffff;
    reg->loader->registers[index] = reg->value;
    reg->loader->registers_set[index] = true;
    reg->loader = NULL;
}

void switched_registers_load(struct scheduler *scheduler, unsigned index, const struct sched_client *client)
{
    struct sched_engine *engine = &scheduler->engines[index];

    for (unsigned i = 0; i < scheduler->switched_count; i++) {
        struct sched_register *reg = &scheduler->switched[i];
        if (reg->engine != index || !is_other(reg, client, i))
            continue;
        if (reg->loader)
            keep_loaded(scheduler, i);
        reg->value = own_value(reg, client, i);
        driver_write32(scheduler->driver, reg->offset, reg->masked ? 0xffff0000 | reg->value : reg->value);
    }
    engine->owner = client;
    engine->owner_version = client->registers_version;
}

static bool in_list(const struct register_loads *loads, uint32_t offset)
{
    for (unsigned i = 0; i < loads->count; i++)
        if (loads->offset[i] == offset)
            return true;
    return false;
}

void switched_registers_note_loads(struct scheduler *scheduler, const struct shadow_context *context)
{
    struct sched_client *client = context->client;
    struct sched_engine *engine = &scheduler->engines[context->engine];

    if (!context->loads.count && !context->loads.more && !client->opens[context->engine])
        return;
    for (unsigned i = 0; i < scheduler->switched_count; i++) {
        struct sched_register *reg = &scheduler->switched[i];
        if (reg->engine == context->engine && !reg->nonpriv && (context->loads.more || client->registers_open[i] || in_list(&context->loads, reg->offset)))
            reg->loader = client;
    }
    engine->owner = client;
    engine->owner_version = client->registers_version;
}

void register_loads_add(struct register_loads *loads, uint32_t offset)
{
    if (in_list(loads, offset))
        return;
    if (loads->count < G_N_ELEMENTS(loads->offset))
        loads->offset[loads->count++] = offset;
    else
        loads->more = true;
}

void switched_registers_lost(struct scheduler *scheduler, unsigned index)
{
    for (unsigned i = 0; i < scheduler->switched_count; i++) {
        struct sched_register *reg = &scheduler->switched[i];
        if (reg->engine != index)
            continue;
        reg->loader = NULL;
        reg->value = driver_read32(scheduler->driver, reg->offset);
    }
    scheduler->engines[index].owner = NULL;
}

void switched_registers_drop(struct scheduler *scheduler, const struct sched_client *client)
{
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        if (scheduler->engines[i].owner == client)
            scheduler->engines[i].owner = NULL;
    for (unsigned i = 0; i < scheduler->switched_count; i++) {
        struct sched_register *reg = &scheduler->switched[i];
        if (reg->loader == client) {
            reg->loader = NULL;
            reg->value = driver_read32(scheduler->driver, reg->offset);
        }
    }
}
