/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command streamer: fetches commands from the ring and from batches, decodes them by the command table and hands them to the
 * cs_*.c files. Called by engine.c on the engine's thread.
 *
 * Commands are read through a pointer to at most one page (the window), in memory sections of CS_SLICE commands. A command is copied
 * before it is looked at, so that its memory may change under it. Nothing is read beyond the ring's tail; prefetch within a page of a
 * batch does no harm, as only whole commands are used and pages are looked up again after each TLB invalidation.
 *
 * Sources: PRM SKL vol. 6 (command streamer, batch buffers, arbitration), vol. 2a (commands), vol. 2c (registers).
 */
#include "gpu/model/engine_internal.h"

void cs_set_level(struct cs *cs, enum cs_level level)
{
    cs->level = level;
    /* A batch in the PPGTT is not privileged, nor is what it calls. */
    cs->privileged = level == CS_RING || level == CS_WORKAROUND || !(cs->at[CS_BATCH].ppgtt || (level == CS_SECOND && cs->at[CS_SECOND].ppgtt));
    cs_refetch(cs);
}

void cs_publish(struct cs *cs)
{
    bool first = cs->level == CS_BATCH || cs->level == CS_SECOND;
    uint64_t bb = cs->at[CS_BATCH].ip, sbb = cs->at[CS_SECOND].ip;
    uint64_t acthd = cs->level == CS_RING ? cs->ring_start + cs->at[CS_RING].ip : cs->at[cs->level].ip;

    cs_reg_set(cs, RING_HEAD, cs->wraps << HEAD_WRAP_SHIFT | (uint32_t)cs->at[CS_RING].ip);
    cs_reg_set(cs, RING_TAIL, cs->tail);
    cs_reg_set(cs, RING_ACTHD, (uint32_t)acthd);
    cs_reg_set(cs, RING_ACTHD_UDW, (uint32_t)(acthd >> 32));
    cs_reg_set(cs, RING_BBADDR, first ? (uint32_t)bb | BB_VALID : 0);
    cs_reg_set(cs, RING_BBADDR_UDW, first ? (uint32_t)(bb >> 32) : 0);
    cs_reg_set(cs, RING_BBSTATE,
               first ? (cs->at[CS_BATCH].ppgtt ? BB_STATE_PPGTT : 0) | cs->predicate << BB_STATE_PREDICATE_SHIFT : 0);
    cs_reg_set(cs, RING_SBBADDR, cs->level == CS_SECOND ? (uint32_t)sbb | BB_VALID : 0);
    cs_reg_set(cs, RING_SBBADDR_UDW, cs->level == CS_SECOND ? (uint32_t)(sbb >> 32) : 0);
    cs_reg_set(cs, RING_SBBSTATE, cs->level == CS_SECOND && cs->at[CS_SECOND].ppgtt ? BB_STATE_PPGTT : 0);
    cs_reg_set(cs, RING_IPEHR, cs->dw[0]);
}

void cs_leave(struct cs *cs)
{
    if (cs->in_section)
        engine_memory_leave(cs->memory);
    cs->in_section = false;
    cs_refetch(cs);
    cs_publish(cs);
}

enum cs_status cs_error(struct cs *cs, uint32_t reason, uint64_t address)
{
    cs_leave(cs);
    cs_reg_set(cs, RING_IPEIR, reason);
    cs_reg_set(cs, RING_DMA_FADD, (uint32_t)address);
    cs_reg_set(cs, RING_DMA_FADD_UDW, (uint32_t)(address >> 32));
    cs_reg_set(cs, RING_ESR, cs_reg(cs, RING_ESR) | reason);
    trace_emit(cs->model->trace, TRACE_MODEL_ERROR, cs->model->vgpu, cs->id, reason, address);
    /* Writing the mask it has makes unmasked errors show in EIR, with their interrupt. */
    engine_mmio_write(cs->engine, RING_EMR, cs_reg(cs, RING_EMR));
    return CS_ERROR;
}

enum cs_status cs_load(struct cs *cs, enum vm_kind vm, uint64_t address, void *data, size_t len)
{
    enum mem_fault fault;

    return engine_read(cs->memory, vm, address, data, len, &fault) ? CS_OK : cs_error(cs, ERROR_PAGE_TABLE, address);
}

enum cs_status cs_store(struct cs *cs, enum vm_kind vm, uint64_t address, const void *data, size_t len)
{
    enum mem_fault fault;

    return engine_write(cs->memory, vm, address, data, len, &fault) ? CS_OK : cs_error(cs, ERROR_PAGE_TABLE, address);
}

uint64_t cs_status_page(const struct cs *cs, bool global, uint32_t offset)
{
    uint64_t page = global ? cs_reg(cs, RING_HWS_PGA) & ~UINT32_C(0xfff) : DESC_LRCA(cs->desc);

    return page + (offset & 0xfff);
}

void cs_irq(struct cs *cs, uint32_t sources)
{
    cs_leave(cs);
    model_engine_irq(cs->model, cs->id, sources);
}

enum cs_status cs_arbitrate(struct cs *cs)
{
    bool due = __atomic_load_n(&cs->engine->preempt, __ATOMIC_RELAXED) && cs->arbitration && cs->level != CS_WORKAROUND;

    return due ? CS_PREEMPTED : CS_OK;
}

/* Bit fields of MI_BATCH_BUFFER_START. */
enum {
    BBS_PPGTT = 1 << 8,
    BBS_PREDICATED = 1 << 15,
    BBS_ADD_OFFSET = 1 << 16,
    BBS_SECOND_LEVEL = 1 << 22,
};

enum cs_status cs_batch_start(struct cs *cs)
{
    uint64_t address = cs_address(cs->dw[1] & ~3u, cs->dw[2]);
    enum cs_level from = cs->level, to = CS_BATCH;

    if (cs->dw[0] & BBS_PREDICATED && !(cs_reg(cs, RING_PREDICATE_RESULT_1) & 1))
        return CS_OK;
    if (cs->dw[0] & BBS_ADD_OFFSET)
        address = (address + cs_reg(cs, RING_BB_OFFSET)) & UINT64_C(0xfffffffffffc);
    if (from == CS_WORKAROUND) {
        /* The rest of the workaround batch is elsewhere in the global GTT, up to its MI_BATCH_BUFFER_END. */
        cs->at[CS_WORKAROUND].ip = address;
        cs->wa_end = 0;
        cs_refetch(cs);
        return CS_OK;
    }
    /* A first-level start in a batch is a jump, a second-level start in a first-level batch a call, in a second-level batch a jump. */
    if (from != CS_RING && cs->dw[0] & BBS_SECOND_LEVEL)
        to = CS_SECOND;
    bool ppgtt = cs->dw[0] & BBS_PPGTT && cs->ppgtt_vm == VM_PPGTT;
    if (!cs->privileged && cs->ppgtt_vm == VM_PPGTT)
        ppgtt = true;
    cs->at[to].ip = address;
    cs->at[to].ppgtt = ppgtt;
    cs_set_level(cs, to);
    if (from == CS_RING) {
        cs->turns = 0; /* not those of a loop that was preempted */
        return cs_arbitrate(cs);
    }
    cs_turn(cs);
    return CS_OK;
}

enum cs_status cs_batch_end(struct cs *cs)
{
    switch (cs->level) {
    case CS_SECOND:
        cs_set_level(cs, CS_BATCH);
        return CS_OK;
    case CS_BATCH:
        cs_set_level(cs, CS_RING);
        return cs_arbitrate(cs);
    case CS_WORKAROUND:
        return CS_DONE;
    case CS_RING:
    case CS_LEVELS:
        break;
    }
    return CS_OK; /* in the ring there is nothing to end */
}

static uint64_t ring_left(const struct cs *cs)
{
    uint64_t head = cs->at[CS_RING].ip;

    return cs->tail >= head ? cs->tail - head : cs->ring_size - head + cs->tail;
}

/* Makes the window show what is at ip. CS_DONE at the end of the ring or of the workaround batch. */
static enum cs_status fetch(struct cs *cs)
{
    uint64_t ip = cs->at[cs->level].ip;
    uint64_t address = ip & UINT64_C(0xfffffffffffc);
    size_t len = 4096;
    enum vm_kind vm = VM_GGTT;

    if (cs->level == CS_RING) {
        if (ip == cs->tail)
            return CS_DONE;
        /* A tail beyond the ring is never reached: the head goes round, as on hardware. */
        len = MIN(len, (cs->tail > ip && cs->tail <= cs->ring_size ? cs->tail : cs->ring_size) - ip);
        address += cs->ring_start;
    } else if (cs->level == CS_WORKAROUND) {
        if (cs->wa_end) {
            if (ip >= cs->wa_end)
                return CS_DONE;
            len = MIN(len, cs->wa_end - ip);
        }
    } else if (cs->at[cs->level].ppgtt) {
        vm = VM_PPGTT;
    }
    len = MIN(len, 4096 - (address & 4095));

    enum mem_fault fault;
    cs->window = engine_map(cs->memory, vm, address, &len, false, &fault);
    if (!cs->window)
        return cs_error(cs, ERROR_PAGE_TABLE, address);
    cs->window_dwords = len / 4;
    return CS_OK;
}

static inline void advance(struct cs *cs, size_t dwords)
{
    uint64_t ip = cs->at[cs->level].ip + 4 * dwords;

    if (cs->level == CS_RING && ip >= cs->ring_size) {
        ip -= cs->ring_size;
        cs->wraps = (cs->wraps + 1) & 0x7ff;
    }
    cs->at[cs->level].ip = ip;
    cs->window += dwords;
    cs->window_dwords -= dwords;
}

static inline uint32_t peek(const struct cs *cs, size_t at)
{
    return __atomic_load_n(&cs->window[at], __ATOMIC_RELAXED);
}

/* Copies the rest of the current command (dw[0] is known) and steps over it, through as many windows as it takes. */
static enum cs_status take_slowly(struct cs *cs)
{
    uint64_t start = cs->at[cs->level].ip;
    uint32_t wraps = cs->wraps;
    unsigned done = 0;

    /* Part of a command is no command: the head stays until the rest is there. */
    if (cs->level == CS_RING && cs->tail < cs->ring_size && ring_left(cs) < 4ull * cs->len)
        return cs_starve(cs);
    while (done < cs->len) {
        enum cs_status status = cs->window_dwords ? CS_OK : fetch(cs);
        if (status == CS_DONE && cs->level == CS_WORKAROUND)
            return CS_DONE;
        if (status != CS_OK) {
            cs->at[cs->level].ip = start;
            cs->wraps = wraps;
            if (status == CS_ERROR)
                cs_publish(cs);
            return status == CS_DONE ? cs_error(cs, ERROR_INSTRUCTION, start) : status;
        }
        size_t now = MIN(cs->window_dwords, cs->len - done);
        for (size_t i = done == 0; i < now && done + i < CS_COMMAND_DWORDS; i++)
            cs->dw[done + i] = peek(cs, i);
        advance(cs, now);
        done += now;
    }
    return CS_OK;
}

static inline enum cs_status take(struct cs *cs)
{
    if (G_UNLIKELY(cs->len > cs->window_dwords))
        return take_slowly(cs);

    unsigned copy = MIN(cs->len, CS_COMMAND_DWORDS);
    for (unsigned i = 1; i < copy; i++)
        cs->dw[i] = peek(cs, i);
    advance(cs, cs->len);
    return CS_OK;
}

static enum cs_status attend(struct cs *cs, uint32_t attention)
{
    if (attention & ATTENTION_INVALIDATE) {
        __atomic_and_fetch(&cs->engine->attention, ~(uint32_t)ATTENTION_INVALIDATE, __ATOMIC_ACQUIRE);
        engine_memory_invalidate(cs->memory);
        cs_refetch(cs);
    }
    if (attention & ATTENTION_STOP)
        return CS_STOPPED;
    return attention & ATTENTION_HALT && cs->level != CS_WORKAROUND ? CS_HALTED : CS_OK;
}

/* A command that is neither in the table nor legal: the head stays on it. */
static enum cs_status invalid(struct cs *cs)
{
    return cs_error(cs, ERROR_INSTRUCTION, cs->at[cs->level].ip);
}

static enum cs_status blit(struct cs *cs, enum cmd_id id)
{
    cs_leave(cs);
    enum mem_fault fault = blitter_execute(cs->engine->blitter, id, cs->dw, MIN(cs->len, CS_COMMAND_DWORDS), cs->ppgtt_vm,
                                           model_reg(cs->model, R_BCS_SWCTRL));
    if (fault == MEM_OK)
        return CS_OK;
    return cs_error(cs, fault == MEM_BAD_COMMAND ? ERROR_INSTRUCTION : ERROR_PAGE_TABLE, cs->at[cs->level].ip);
}

/*
 * Packets of the 3D, media and video pipelines: their length is known, they execute nothing. Those that start work are arbitration
 * points, and events, so that a missing picture has an explanation.
 */
static enum cs_status packet(struct cs *cs, enum cmd_id id)
{
    switch (id) {
    case CMD_3DPRIMITIVE:
    case CMD_GPGPU_WALKER:
    case CMD_MEDIA_OBJECT:
    case CMD_MEDIA_OBJECT_PRT:
    case CMD_MEDIA_OBJECT_WALKER:
    case CMD_MEDIA_OBJECT_GRPID:
        trace_emit(cs->model->trace, TRACE_MODEL_LEFT_OUT, cs->model->vgpu, cs->id, cs->dw[0], cs->at[cs->level].ip);
        return cs_arbitrate(cs);
    case CMD_MEDIA_STATE_FLUSH:
        return cs_arbitrate(cs);
    default:
        return CS_OK;
    }
}

/* While MI_SET_PREDICATE holds, only what ends it or ends the batch is executed. */
static bool predicated_away(const struct cs *cs, enum cmd_id id)
{
    return cs->predicate && id != CMD_MI_SET_PREDICATE && id != CMD_MI_BATCH_BUFFER_END && id != CMD_MI_ARB_CHECK &&
           id != CMD_MI_ARB_ON_OFF && id != CMD_MI_BATCH_BUFFER_START;
}

/*
 * In a batch without privilege, a command that asks for the global GTT is a no-operation; of PIPE_CONTROL and MI_FLUSH_DW only the post-sync
 * operation is (cs_flush.c). PRM SKL vol. 6, "User mode privileged commands".
 */
static bool asks_for_ggtt(const struct cs *cs, enum cmd_id id)
{
    if (id == CMD_PIPE_CONTROL || id == CMD_MI_FLUSH_DW)
        return false;
    for (unsigned i = 0; i < CMD_MAX_FIELDS; i++) {
        const struct cmd_field *field = &cmd_descs[id].fields[i];
        if ((field->kind == FIELD_ADDRESS || field->kind == FIELD_ADDRESS32) && field->ggtt_bit < 32 &&
            field->ggtt_dword < cs->len && cs->dw[field->ggtt_dword] >> field->ggtt_bit & 1)
            return true;
    }
    return false;
}

/*
 * How many MI_NOOP without identification begin here, in this window: one at least, says the caller. Nothing happens at them, and batches can have many: IGT's
 * "heavy" ones are a megabyte.
 */
static inline size_t noops(const struct cs *cs)
{
    size_t count = 1;

    while (count < cs->window_dwords && (peek(cs, count) & 0xffc00000) == 0)
        count++;
    return count;
}

static inline enum cs_status step(struct cs *cs)
{
    if (!cs->window_dwords) {
        enum cs_status status = fetch(cs);
        if (status != CS_OK)
            return status;
    }

    uint32_t header = peek(cs, 0);
    if (G_LIKELY((header & 0xffc00000) == 0)) { /* MI_NOOP without identification */
        advance(cs, noops(cs));
        return CS_OK;
    }

    enum cmd_id id = cmd_find(cs->id, header);
    cs->dw[0] = header;
    if (G_UNLIKELY(id == CMD_COUNT))
        return invalid(cs);
    cs->len = cmd_length(id, header);
    const struct cs_handler *handler = &cs_handlers[id];
    if (G_UNLIKELY(handler->fn && (cs->len < handler->min || cs->len > handler->max)))
        return invalid(cs);

    uint64_t ip = cs->at[cs->level].ip;
    uint32_t wraps = cs->wraps;
    enum cs_level level = cs->level;
    enum cs_status status = take(cs);
    if (status != CS_OK)
        return status;

    if (id != CMD_MI_BATCH_BUFFER_START && id != CMD_MI_ARB_CHECK)
        cs->turns = 0;
    unsigned privilege = cmd_descs[id].privilege;
    if (privilege != CMD_USER && ((privilege == CMD_PRIVILEGED && !cs->privileged) ||
                                  (privilege == CMD_RING_ONLY && level != CS_RING)))
        return CS_OK;
    if (!cs->privileged && handler->fn && asks_for_ggtt(cs, id))
        return CS_OK;
    if (G_UNLIKELY(predicated_away(cs, id)))
        return CS_OK;

    if (G_LIKELY(handler->fn != NULL))
        status = handler->fn(cs);
    else if (header >> 29 == 2)
        status = blit(cs, id);
    else
        status = packet(cs, id);
    if (G_UNLIKELY(status == CS_ERROR || status == CS_YIELDED || status == CS_STOPPED || status == CS_HALTED ||
                   (status == CS_PREEMPTED && cs->repeat))) {
        /* The command did not end: it is what the engine stands on, and what it begins with when it goes on. */
        cs->at[level].ip = ip;
        if (level == CS_RING)
            cs->wraps = wraps;
        cs_publish(cs);
    }
    cs->repeat = false;
    return status;
}

/* Executes commands in one memory section. */
static enum cs_status slice(struct cs *cs)
{
    enum cs_status status = CS_OK;

    engine_memory_enter(cs->memory);
    cs->in_section = true;
    cs_refetch(cs);
    for (unsigned budget = CS_SLICE; budget > 0 && status == CS_OK && cs->in_section; budget--) {
        uint32_t attention = engine_attention(cs->engine);
        if (G_UNLIKELY(attention))
            status = attend(cs, attention);
        if (G_LIKELY(status == CS_OK))
            status = step(cs);
    }
    cs_leave(cs);
    return status;
}

enum cs_status cs_run(struct cs *cs)
{
    enum cs_status status;

    do {
        status = slice(cs);
    } while (status == CS_OK);
    return status;
}

enum cs_status cs_run_workaround(struct cs *cs, uint32_t address, uint32_t bytes)
{
    enum cs_level level = cs->level;
    enum cs_status status;

    cs->at[CS_WORKAROUND].ip = address;
    cs->at[CS_WORKAROUND].ppgtt = false;
    cs->wa_end = bytes ? (uint64_t)address + bytes : 0;
    cs_set_level(cs, CS_WORKAROUND);
    status = cs_run(cs);
    if (status != CS_DONE)
        return status;
    cs_set_level(cs, level);
    return CS_OK;
}
