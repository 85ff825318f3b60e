/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register table and its lookup: an offset finds its row through a two-level array, as the model and the mediator do at each
 * register access. The index is built at the first use and never changes.
 */
#include "gpu/defs/registers.h"

#include <stdlib.h>

enum {
    PAGE_DWORDS = 1024, /* first level: one slot for each 4 KiB of registers */
    PAGES = MMIO_SIZE / 4 / PAGE_DWORDS,
    NO_ENGINE = 255,
};

static const struct reg_desc absolute_rows[] = {
#define R(NAME, offset, count, stride, access, cls, flags, reset) \
    { #NAME, (offset), (stride), (count), (access), (cls), (flags), NO_ENGINE, (reset) },
#define ER(NAME, offset, count, stride, access, flags, reset)
#include "gpu/defs/registers.def"
#undef R
#undef ER
};

/* The engines' rows as written: offset is relative. */
static const struct reg_desc engine_rows[] = {
#define R(NAME, offset, count, stride, access, cls, flags, reset)
#define ER(NAME, offset, count, stride, access, flags, reset) \
    { "RING_" #NAME, (offset), (stride), (count), (access), REG_ENGINE, (flags), NO_ENGINE, (reset) },
#include "gpu/defs/registers.def"
#undef R
#undef ER
};

enum { ROWS = G_N_ELEMENTS(absolute_rows) + G_N_ELEMENTS(engine_rows) * ENGINE_COUNT };

struct reg_index {
    struct reg_desc rows[ROWS];
    uint16_t *pages[PAGES]; /* row number + 1 for each dword; NULL when the page has no rows */
};

uint32_t engine_mmio_base(unsigned engine)
{
    static const uint32_t bases[ENGINE_COUNT] = {
        [ENGINE_RCS0] = 0x2000, [ENGINE_BCS0] = 0x22000, [ENGINE_VCS0] = 0x12000, [ENGINE_VECS0] = 0x1a000,
    };
    return engine < ENGINE_COUNT ? bases[engine] : 0;
}

uint32_t engine_tlb_register(unsigned engine)
{
    static const uint32_t registers[ENGINE_COUNT] = {
        [ENGINE_RCS0] = R_GEN8_RTCR, [ENGINE_BCS0] = R_GEN8_BTCR, [ENGINE_VCS0] = R_GEN8_M1TCR, [ENGINE_VECS0] = R_GEN8_VTCR};

    return engine < ENGINE_COUNT ? registers[engine] : 0;
}

const char *reg_class_name(enum reg_class cls)
{
    static const char *const names[REG_CLASS_COUNT] = {
        [REG_PLAIN] = "plain", [REG_ENGINE] = "engine", [REG_IRQ] = "irq", [REG_UNCORE] = "uncore", [REG_GTT] = "gtt",
        [REG_DISPLAY] = "display", [REG_GMBUS] = "gmbus", [REG_AUX] = "aux", [REG_PVINFO] = "pvinfo",
    };
    return (unsigned)cls < REG_CLASS_COUNT ? names[cls] : "?";
}

static int by_offset(const void *a, const void *b)
{
    const struct reg_desc *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The engine in whose 4 KiB of registers an offset lies, else NO_ENGINE. */
static uint8_t engine_of(uint32_t offset)
{
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        if ((offset & ~UINT32_C(0xfff)) == engine_mmio_base(i))
            return (uint8_t)i;
    return NO_ENGINE;
}

static struct reg_index *build_index(void)
{
    struct reg_index *index = g_new0(struct reg_index, 1);
    unsigned n = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(absolute_rows); i++) {
        index->rows[n] = absolute_rows[i];
        if (index->rows[n].cls == REG_ENGINE)
            index->rows[n].engine = engine_of(index->rows[n].offset);
        n++;
    }
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(engine_rows); i++) {
            index->rows[n] = engine_rows[i];
            index->rows[n].offset += engine_mmio_base(engine);
            index->rows[n++].engine = (uint8_t)engine;
        }
    }
    qsort(index->rows, ROWS, sizeof(index->rows[0]), by_offset);
    for (unsigned i = 0; i < ROWS; i++) {
        const struct reg_desc *row = &index->rows[i];

        for (unsigned k = 0; k < row->count; k++) {
            uint32_t dword = (row->offset + k * row->stride) / 4;
            uint16_t **page = &index->pages[dword / PAGE_DWORDS];

            if (!*page)
                *page = g_new0(uint16_t, PAGE_DWORDS);
            (*page)[dword % PAGE_DWORDS] = (uint16_t)(i + 1);
        }
    }
    return index;
}

static const struct reg_index *get_index(void)
{
    static struct reg_index *the_index; /* written once, constant from then on */

    if (g_once_init_enter(&the_index))
        g_once_init_leave(&the_index, build_index());
    return the_index;
}

const struct reg_desc *reg_find(uint32_t offset, unsigned *index)
{
    if (offset >= MMIO_SIZE || offset % 4)
        return NULL;

    const struct reg_index *all = get_index();
    const uint16_t *page = all->pages[offset / 4 / PAGE_DWORDS];
    unsigned row = page ? page[offset / 4 % PAGE_DWORDS] : 0;

    if (!row)
        return NULL;

    const struct reg_desc *desc = &all->rows[row - 1];

    if (index)
        *index = desc->count == 1 ? 0 : (offset - desc->offset) / desc->stride;
    return desc;
}

const char *reg_name(uint32_t offset, char *buf, size_t len)
{
    unsigned index;
    const struct reg_desc *desc = reg_find(offset, &index);

    if (!desc) {
        g_snprintf(buf, len, "0x%06x", offset);
        return buf;
    }

    /* Engine-relative rows share a name, so the engine is a part of it; rows of one engine say it in their own. */
    bool shared = desc->engine != NO_ENGINE && g_str_has_prefix(desc->name, "RING_");
    int used = g_snprintf(buf, len, shared ? "%s[%s]" : "%s", desc->name, gpu_engine_name(desc->engine));

    if (desc->count > 1 && used >= 0 && (size_t)used < len)
        g_snprintf(buf + used, len - (size_t)used, "[%u]", index);
    return buf;
}

const struct reg_desc *reg_table(unsigned *rows)
{
    if (rows)
        *rows = ROWS;
    return get_index()->rows;
}
