/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers that belong to a vGPU but not to its contexts (REG_PER_VGPU): their physical values follow the owner of the engine. Most guests
 * have equal values, and then nothing is switched; where they differ, dispatch.c lets the engine run empty first.
 */
#include "scheduler/scheduler_internal.h"

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
            unsigned engine = table[i].engine == NOT_AN_ENGINE ? register_engine(offset) : table[i].engine;
            uint32_t nonpriv = engine_mmio_base(engine) + RING_FORCE_TO_NONPRIV;
            struct sched_register reg = {
                .offset = offset, .engine = (uint8_t)engine, .masked = table[i].flags & REG_MASKED,
                .nonpriv = offset >= nonpriv && offset < nonpriv + 12 * 4,
                .value = driver_read32(scheduler->driver, offset)};
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
                (row->engine == NOT_AN_ENGINE || row->engine == reg->engine) && opened != engine_mmio_base(reg->engine) + RING_MI_MODE;
    return fine ? opened : engine_mmio_base(reg->engine) + RING_NOPID;
}

void sched_client_set_register(struct sched_client *client, uint32_t offset, uint32_t value)
{
    struct scheduler *scheduler = client->scheduler;

    g_mutex_lock(&scheduler->lock);
    for (unsigned i = 0; i < scheduler->switched_count; i++) {
        if (scheduler->switched[i].offset != offset)
            continue;
        value = checked_value(&scheduler->switched[i], value);
        if (!client->registers_set[i] || client->registers[i] != value)
            client->registers_version++;
        client->registers[i] = value;
        client->registers_set[i] = true;
        break;
    }
    g_mutex_unlock(&scheduler->lock);
}

static bool is_other(const struct sched_register *reg, const struct sched_client *client, unsigned index)
{
    return client->registers_set[index] && (client->registers[index] != reg->value || (reg->loader && reg->loader != client));
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

void switched_registers_load(struct scheduler *scheduler, unsigned index, const struct sched_client *client)
{
    struct sched_engine *engine = &scheduler->engines[index];

    for (unsigned i = 0; i < scheduler->switched_count; i++) {
        struct sched_register *reg = &scheduler->switched[i];
        if (reg->engine != index || !is_other(reg, client, i))
            continue;
        reg->value = client->registers[i];
        reg->loader = NULL;
        driver_write32(scheduler->driver, reg->offset, reg->masked ? 0xffff0000 | reg->value : reg->value);
    }
    engine->owner = client;
    engine->owner_version = client->registers_version;
}

void switched_registers_note_loads(struct scheduler *scheduler, const struct shadow_context *context)
{
    for (unsigned k = 0; k < context->load_count; k++)
        for (unsigned i = 0; i < scheduler->switched_count; i++)
            if (scheduler->switched[i].offset == context->loads[k]) {
                scheduler->switched[i].loader = context->client;
                scheduler->engines[scheduler->switched[i].engine].owner = context->client;
                scheduler->engines[scheduler->switched[i].engine].owner_version = context->client->registers_version;
            }
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
