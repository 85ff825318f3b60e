/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Context images: what the engine loads when a context is started and writes when it gives way. The register state page has the
 * layout of gpu/defs/formats.h; the render engine's other registers (REG_CONTEXT) follow in the page after it, as load-register
 * commands, where hardware keeps its own pipeline state. Called by engine.c on the engine's thread.
 *
 * Sources: PRM SKL vol. 7 and 6 (logical ring context format, restore sequence), Linux 6.1 gt/intel_lrc.c.
 */
#include "gpu/model/engine_internal.h"

enum {
    STATE_DWORDS = 1024,
    ENGINE_STATE = 0x50,    /* dword where the ring context ends and the engine context, which can be inhibited, begins */
    EXTRA_PAGE = CONTEXT_STATE_PAGE + 1,
    SAVE_INHIBIT = 1 << 2,  /* CONTEXT_CONTROL */
    MI_LRI = 0x22 << 23,
    MI_LRI_POSTED = 1 << 12,
    MI_LRI_MAX = 126,
    MI_BBE = 0x0a << 23,
    CACHELINE_DWORDS = 16,
    BLITTER_STATE = 0x200,  /* dword of the copy engine's state page where the blitter's setup stands, behind all registers */
};

/* One page of the image, mapped for the section that the caller is in. NULL: the fault is recorded. */
static uint32_t *map_page(struct cs *cs, uint64_t desc, unsigned page, bool write)
{
    uint64_t addr = DESC_LRCA(desc) + (uint64_t)page * 4096;
    size_t len = 4096;
    enum mem_fault fault;
    void *host = engine_map(cs->memory, VM_GGTT, addr, &len, write, &fault);

    return host && len == 4096 ? host : NULL;
}

static uint32_t load(const uint32_t *dword)
{
    return __atomic_load_n(dword, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *dword, uint32_t value)
{
    __atomic_store_n(dword, value, __ATOMIC_RELAXED);
}

/* Copies a page; false on a fault. */
static bool read_page(struct cs *cs, uint64_t desc, unsigned page, uint32_t *copy)
{
    engine_memory_enter(cs->memory);
    const uint32_t *host = map_page(cs, desc, page, false);
    for (unsigned i = 0; host && i < STATE_DWORDS; i++)
        copy[i] = load(&host[i]);
    engine_memory_leave(cs->memory);
    return host != NULL;
}

static uint64_t pair(const uint32_t *state, unsigned high, unsigned low)
{
    return (uint64_t)state[high] << 32 | state[low];
}

static bool in_state_page(uint32_t offset)
{
    unsigned count;
    const struct context_dword *row = context_layout(ENGINE_RCS0, &count);

    for (; count > 0; count--, row++)
        if (!row->header && row->offset == offset)
            return true;
    return false;
}

/*
 * Is it a register of the pages behind the state page? Not one that the state page has too: software makes a context from another one's pages and
 * then changes the state page alone (i915 gt/intel_lrc.c, default_state).
 */
static bool is_extra(const struct reg_desc *row)
{
    if (!(row->flags & REG_CONTEXT) || engine_of_offset(row->offset) != ENGINE_RCS0)
        return false;
    return row->engine == 255 || (row->engine == ENGINE_RCS0 && !in_state_page(row->offset));
}

/* Loads the registers behind the state page. Only those that save_extra() would write are taken. */
static void restore_extra(struct cs *cs, const uint32_t *page)
{
    unsigned at = 0;

    while (at < STATE_DWORDS && (page[at] & 0xff800000) == MI_LRI) {
        unsigned count = ((page[at] & 0xff) + 1) / 2;
        for (at++; count > 0 && at + 1 < STATE_DWORDS; count--, at += 2) {
            unsigned index;
            uint32_t offset = page[at] & ~3u;
            const struct reg_desc *row = offset < MMIO_SIZE ? reg_find(offset, &index) : NULL;
            if (row && is_extra(row))
                engine_reg_restore(cs->engine, offset, page[at + 1]);
        }
    }
}

static uint32_t save_value(struct cs *cs, uint32_t offset)
{
    unsigned index;
    const struct reg_desc *row = reg_find(offset, &index);
    uint32_t value = model_reg(cs->model, offset);

    return row && row->flags & REG_MASKED ? 0xffff0000 | value : value;
}

static void save_extra(struct cs *cs, uint32_t *page)
{
    unsigned rows, at = 0, header = 0, count = 0;
    const struct reg_desc *row = reg_table(&rows);

    for (; rows > 0; rows--, row++) {
        if (!is_extra(row))
            continue;
        for (unsigned i = 0; i < row->count && at + 4 < STATE_DWORDS; i++) {
            if (count == 0 || count == MI_LRI_MAX) {
                header = at++;
                count = 0;
            }
            uint32_t offset = row->offset + i * row->stride;
            store(&page[at++], offset);
            store(&page[at++], save_value(cs, offset));
            store(&page[header], MI_LRI | (2 * ++count - 1));
        }
    }
    store(&page[at], MI_BBE);
}

/* Loads registers of the rows in [from, to) of the state page that have no meaning of their own for the command streamer. */
static void restore_rows(struct cs *cs, const uint32_t *state, unsigned from, unsigned to)
{
    unsigned count;
    const struct context_dword *row = context_layout(cs->id, &count);

    for (; count > 0; count--, row++) {
        if (row->header || row->index < from || row->index >= to || row->index + 1 >= STATE_DWORDS)
            continue;
        engine_reg_restore(cs->engine, row->offset, state[row->index + 1]);
    }
}

/* Where execution goes on: in the ring, or in a batch that was preempted. */
static void restore_position(struct cs *cs, const uint32_t *state)
{
    uint32_t ctl = state[CTX_RING_CTL];

    cs->ring_start = state[CTX_RING_START] & ~UINT32_C(0xfff);
    cs->ring_size = ctl & CTL_VALID ? (ctl & CTL_PAGES) + 4096 : 0;
    cs->tail = state[CTX_RING_TAIL] & TAIL_ADDR;
    cs->wraps = state[CTX_RING_HEAD] >> HEAD_WRAP_SHIFT;
    cs->at[CS_RING].ip = state[CTX_RING_HEAD] & HEAD_ADDR;
    cs->at[CS_RING].ppgtt = false;
    if (cs->ring_size == 0)
        cs->at[CS_RING].ip = cs->tail; /* a ring that is off is empty */
    else
        cs->at[CS_RING].ip %= cs->ring_size;

    cs->arbitration = true;
    cs->predicate = 0;
    enum cs_level level = CS_RING;
    if (state[CTX_BB_ADDR] & BB_VALID) {
        level = CS_BATCH;
        cs->at[CS_BATCH].ip = cs_address(state[CTX_BB_ADDR] & ~3u, state[CTX_BB_ADDR_UDW]);
        cs->at[CS_BATCH].ppgtt = state[CTX_BB_STATE] & BB_STATE_PPGTT;
        cs->predicate = state[CTX_BB_STATE] >> BB_STATE_PREDICATE_SHIFT;
        if (state[CTX_SBB_ADDR] & BB_VALID) {
            level = CS_SECOND;
            cs->at[CS_SECOND].ip = cs_address(state[CTX_SBB_ADDR] & ~3u, state[CTX_SBB_ADDR_UDW]);
            cs->at[CS_SECOND].ppgtt = state[CTX_SBB_STATE] & BB_STATE_PPGTT;
        }
    }
    cs_set_level(cs, level);
}

static void restore_page_tables(struct cs *cs, uint64_t desc, const uint32_t *state)
{
    uint64_t pdp[4];

    for (unsigned i = 0; i < 4; i++)
        pdp[i] = pair(state, CTX_PDP0_UDW - 4 * i, CTX_PDP0_LDW - 4 * i);
    cs->ppgtt_vm = desc & DESC_PRIVILEGE ? VM_PPGTT : VM_GGTT;
    engine_memory_set_roots(cs->memory, (desc & DESC_ADDRESSING_MASK) == DESC_ADDRESSING_64, pdp);
}

/* CTX_TIMESTAMP counts from value on. */
static void start_timestamp(struct cs *cs, uint32_t value)
{
    uint64_t base = engine_timestamp() - value;

    __atomic_store_n(&cs->engine->timestamp_base, base ? base : 1, __ATOMIC_RELAXED);
}

enum cs_status context_restore(struct cs *cs, uint64_t desc)
{
    uint32_t state[STATE_DWORDS], extra[STATE_DWORDS];
    enum cs_status status = CS_OK;

    cs->desc = desc;
    cs_refetch(cs);
    if (!read_page(cs, desc, CONTEXT_STATE_PAGE, state))
        return cs_error(cs, ERROR_PAGE_TABLE, DESC_LRCA(desc));

    uint32_t control = state[CTX_CONTEXT_CONTROL];
    bool inhibit = control & control >> 16 & CTX_CTRL_RESTORE_INHIBIT; /* a masked register */
    bool has_extra = !inhibit && cs->id == ENGINE_RCS0;
    if (has_extra && !read_page(cs, desc, EXTRA_PAGE, extra))
        return cs_error(cs, ERROR_PAGE_TABLE, DESC_LRCA(desc));

    restore_page_tables(cs, desc, state);
    restore_position(cs, state);
    if (cs->engine->blitter) {
        static const uint32_t none[BLITTER_STATE_DWORDS];
        blitter_load(cs->engine->blitter, inhibit ? none : &state[BLITTER_STATE]);
    }
    cs_reg_set(cs, RING_CCID, DESC_LRCA(desc));
    start_timestamp(cs, state[CTX_TIMESTAMP]);

    /* The indirect context batch runs when the restore has come to the cache line that its offset names. */
    uint32_t indirect = state[CTX_INDIRECT_CTX];
    unsigned until = (state[CTX_INDIRECT_CTX_OFFSET] >> 6 & 0x3ff) * CACHELINE_DWORDS;
    unsigned end = inhibit ? ENGINE_STATE : STATE_DWORDS;
    restore_rows(cs, state, 0, MIN(until, end));
    if (has_extra && until >= STATE_DWORDS)
        restore_extra(cs, extra);
    cs->dw[0] = cs_reg(cs, RING_IPEHR);
    cs_publish(cs);
    if (indirect & 0x3f)
        status = cs_run_workaround(cs, indirect & ~UINT32_C(0x3f), (indirect & 0x3f) * 64);
    if (status != CS_OK)
        return status;
    restore_rows(cs, state, MIN(until, end), end);
    if (has_extra && until < STATE_DWORDS)
        restore_extra(cs, extra);
    cs->dw[0] = cs_reg(cs, RING_IPEHR);
    cs_publish(cs);

    uint32_t per_context = state[CTX_BB_PER_CTX_PTR];
    return per_context & 1 ? cs_run_workaround(cs, per_context & ~UINT32_C(0xfff), 0) : CS_OK;
}

enum cs_status context_reload_tail(struct cs *cs)
{
    engine_memory_enter(cs->memory);
    const uint32_t *state = map_page(cs, cs->desc, CONTEXT_STATE_PAGE, false);
    if (state && cs->ring_size)
        cs->tail = load(&state[CTX_RING_TAIL]) & TAIL_ADDR;
    engine_memory_leave(cs->memory);
    cs_refetch(cs);
    if (!state)
        return cs_error(cs, ERROR_PAGE_TABLE, DESC_LRCA(cs->desc));
    if (!__atomic_load_n(&cs->engine->timestamp_base, __ATOMIC_RELAXED)) /* it was saved before the list changed again */
        start_timestamp(cs, cs_reg(cs, RING_CTX_TIMESTAMP));
    cs_publish(cs);
    return CS_OK;
}

/*
 * The whole state page as load-register commands. The tail is software's: it may have written a new one already, so it is left
 * alone. Restore inhibit is good for one restore.
 */
static void save_state(struct cs *cs, uint32_t *state)
{
    unsigned count, end = 0;
    const struct context_dword *row = context_layout(cs->id, &count);
    bool inhibit = cs_reg(cs, RING_CONTEXT_CONTROL) & SAVE_INHIBIT;
    uint32_t keep = SAVE_INHIBIT | CTX_CTRL_RS_ENABLE | CTX_CTRL_INHIBIT_SYN_SWITCH;

    for (; count > 0; count--, row++) {
        if (row->index + 1 >= STATE_DWORDS || (inhibit && row->index >= ENGINE_STATE))
            continue;
        end = row->index + (row->header ? 1 : 2);
        if (row->header) {
            store(&state[row->index], MI_LRI | (row->posted ? MI_LRI_POSTED : 0) | (2u * row->header - 1));
            continue;
        }
        store(&state[row->index], row->offset);
        if (row->index + 1 == CTX_CONTEXT_CONTROL)
            store(&state[row->index + 1], 0xffff0000 | (cs_reg(cs, RING_CONTEXT_CONTROL) & keep));
        else if (row->index + 1 != CTX_RING_TAIL)
            store(&state[row->index + 1], save_value(cs, row->offset));
    }
    if (inhibit || end >= BLITTER_STATE)
        return;
    store(&state[end], MI_BBE);
    if (cs->engine->blitter) {
        uint32_t setup[BLITTER_STATE_DWORDS];
        blitter_save(cs->engine->blitter, setup);
        for (unsigned i = 0; i < BLITTER_STATE_DWORDS; i++)
            store(&state[BLITTER_STATE + i], setup[i]);
    }
}

enum cs_status context_save(struct cs *cs)
{
    bool ok = true;

    cs_leave(cs);
    cs_reg_set(cs, RING_CTX_TIMESTAMP, engine_mmio_read(cs->engine, RING_CTX_TIMESTAMP));
    cs_reg_set(cs, RING_TIMESTAMP, (uint32_t)engine_timestamp());
    engine_memory_enter(cs->memory);
    uint32_t *page = map_page(cs, cs->desc, CONTEXT_STATE_PAGE, true);
    if (page)
        save_state(cs, page);
    else
        ok = false;
    if (ok && cs->id == ENGINE_RCS0 && !(cs_reg(cs, RING_CONTEXT_CONTROL) & SAVE_INHIBIT)) {
        page = map_page(cs, cs->desc, EXTRA_PAGE, true);
        if (page)
            save_extra(cs, page);
        else
            ok = false;
    }
    engine_memory_leave(cs->memory);
    if (!ok)
        return cs_error(cs, ERROR_PAGE_TABLE, DESC_LRCA(cs->desc));
    __atomic_store_n(&cs->engine->timestamp_base, 0, __ATOMIC_RELAXED);
    return CS_OK;
}
