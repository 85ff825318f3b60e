/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine: its thread, which loads contexts, runs the command streamer and answers the execlist machine, and its reset. Created by
 * the model; see model_internal.h for the functions that others call.
 */
#include "gpu/model/engine_internal.h"

static void csb_write(void *opaque, unsigned index, uint32_t status, uint32_t context_id)
{
    struct engine *engine = opaque;
    uint64_t page = model_reg(engine->model, engine->base + RING_HWS_PGA) & ~UINT32_C(0xfff);
    uint64_t entry = (uint64_t)context_id << 32 | status;
    uint32_t pointer = index;

    /* One access for the entry, then the pointer: software reads the entry when it sees the pointer move. */
    model_ggtt_write(engine->model, page + 4 * (HWSP_CSB_DWORD + 2 * index), &entry, sizeof(entry));
    model_ggtt_write(engine->model, page + 4 * HWSP_CSB_WRITE_DWORD, &pointer, sizeof(pointer));
    engine->irq_due = true;
    if (status & ~(uint32_t)CSB_IDLE_ACTIVE)
        trace_emit(engine->model->trace, TRACE_MODEL_CONTEXT_OUT, engine->model->vgpu, engine->id, context_id, status);
}

static void start(void *opaque, uint64_t desc, bool lite)
{
    struct engine *engine = opaque;

    engine->start_due = true;
    engine->start_lite = lite;
    /* After an element switch a list may be waiting already. */
    __atomic_store_n(&engine->preempt, engine->list.waiting, __ATOMIC_RELAXED);
    g_cond_broadcast(&engine->cond);
}

static void preempt(void *opaque, bool lite)
{
    struct engine *engine = opaque;

    __atomic_store_n(&engine->preempt, 1, __ATOMIC_RELAXED);
    g_cond_broadcast(&engine->cond);
}

static const struct execlist_ops ops = {
    .start = start,
    .preempt = preempt,
    .csb_write = csb_write,
};

/* Drops the lock and raises the context-switch interrupt when a status was written meanwhile. */
static void unlock(struct engine *engine)
{
    bool irq = engine->irq_due;

    engine->irq_due = false;
    g_mutex_unlock(&engine->lock);
    if (irq)
        model_engine_irq(engine->model, engine->id, ENGINE_IRQ_CONTEXT_SWITCH);
}

void engine_elsp_write(struct engine *engine, uint32_t value)
{
    if (!(model_reg(engine->model, engine->base + RING_MODE) & MODE_EXECLISTS))
        return;
    g_mutex_lock(&engine->lock);
    execlist_elsp_write(&engine->list, value, &ops, engine);
    unlock(engine);
}

/* Reset, on the engine's thread with the lock held. */
static void do_reset(struct engine *engine)
{
    execlist_reset(&engine->list);
    engine->start_due = false;
    engine->hung = false;
    engine->irq_due = false;
    engine->cs.desc = 0;
    __atomic_store_n(&engine->preempt, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&engine->timestamp_base, 0, __ATOMIC_RELAXED);
    engine_regs_reset(engine);
    __atomic_store_n(&engine->attention, ATTENTION_INVALIDATE, __ATOMIC_RELAXED);
    engine->reset_wanted = false;
    g_cond_broadcast(&engine->cond);
}

/*
 * Runs the loaded context until it is off the engine (or stopped). Returns with the lock held; the execlist machine has been told.
 */
static void run_loaded(struct engine *engine)
{
    struct cs *cs = &engine->cs;
    enum cs_status status = cs_run(cs);

    if (status == CS_DONE || status == CS_YIELDED) {
        enum cs_status saved = context_save(cs);
        if (saved != CS_OK)
            status = saved;
    }
    g_mutex_lock(&engine->lock);
    if (status == CS_PREEMPTED && !execlist_would_lite_restore(&engine->list)) {
        g_mutex_unlock(&engine->lock);
        enum cs_status saved = context_save(cs);
        if (saved != CS_OK)
            status = saved;
        g_mutex_lock(&engine->lock);
    }

    /* A context that is off the engine is loaded from its image when it comes back, even if nothing ran in between. */
    switch (status) {
    case CS_DONE:
        cs->desc = 0;
        execlist_context_done(&engine->list, &ops, engine);
        break;
    case CS_YIELDED:
        cs->desc = 0;
        execlist_context_waits(&engine->list, CSB_WAIT_SEMAPHORE, &ops, engine);
        break;
    case CS_PREEMPTED:
        if (!execlist_would_lite_restore(&engine->list))
            cs->desc = 0;
        execlist_context_preempted(&engine->list, &ops, engine);
        break;
    case CS_HALTED:
        engine->start_due = true; /* goes on with what is loaded when software lets it */
        engine->start_lite = true;
        break;
    case CS_ERROR:
        engine->hung = true;
        break;
    case CS_OK:
    case CS_STOPPED:
        break;
    }
}

/* Runs the context that start() named. Called and returns with the lock held. */
static void run(struct engine *engine)
{
    struct cs *cs = &engine->cs;
    uint64_t desc = execlist_running(&engine->list);
    bool lite = engine->start_lite && cs->desc && DESC_LRCA(cs->desc) == DESC_LRCA(desc);

    engine->start_due = false;
    if (!lite && __atomic_load_n(&engine->preempt, __ATOMIC_RELAXED)) {
        /* A list came before the first command of this context: it is never loaded. */
        execlist_context_preempted(&engine->list, &ops, engine);
        return;
    }
    engine->running = true;
    unlock(engine);

    enum cs_status status;
    if (lite) {
        cs->desc = desc;
        status = context_reload_tail(cs);
    } else {
        trace_emit(engine->model->trace, TRACE_MODEL_CONTEXT_IN, engine->model->vgpu, engine->id, DESC_CONTEXT_ID(desc), 0);
        status = context_restore(cs, desc);
    }
    if (status == CS_OK) {
        run_loaded(engine);
    } else {
        g_mutex_lock(&engine->lock);
        engine->hung = status == CS_ERROR;
    }
    engine->running = false;
}

static void *engine_thread(void *opaque)
{
    struct engine *engine = opaque;

    g_mutex_lock(&engine->lock);
    while (!engine->quit) {
        if (engine->reset_wanted) {
            do_reset(engine);
        } else if (engine->irq_due) {
            unlock(engine);
            g_mutex_lock(&engine->lock);
        } else if (engine->start_due && !engine->hung && !(engine_attention(engine) & (ATTENTION_HALT | ATTENTION_STOP))) {
            run(engine);
        } else {
            g_cond_wait(&engine->cond, &engine->lock);
        }
    }
    g_mutex_unlock(&engine->lock);
    return NULL;
}

struct engine *engine_create(struct model *model, unsigned id)
{
    struct engine *engine = g_new0(struct engine, 1);

    engine->model = model;
    engine->id = id;
    engine->base = engine_mmio_base(id);
    engine->memory = engine_memory_create(model, id);
    g_mutex_init(&engine->lock);
    g_cond_init(&engine->cond);
    execlist_reset(&engine->list);
    engine->cs.engine = engine;
    engine->cs.model = model;
    engine->cs.memory = engine->memory;
    engine->cs.id = id;
    engine->cs.base = engine->base;
    engine->cs.privileged = true;
    if (id == ENGINE_RCS0)
        engine->cs.urb = g_malloc0(URB_BYTES);
    if (id == ENGINE_BCS0)
        engine->blitter = blitter_create(engine, engine->memory);
    engine_regs_reset(engine);
    engine->thread = g_thread_new(gpu_engine_name(id), engine_thread, engine);
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (!engine)
        return;
    g_mutex_lock(&engine->lock);
    engine->quit = true;
    __atomic_or_fetch(&engine->attention, ATTENTION_STOP, __ATOMIC_RELAXED);
    g_cond_broadcast(&engine->cond);
    g_mutex_unlock(&engine->lock);
    g_thread_join(engine->thread);
    blitter_destroy(engine->blitter);
    engine_memory_destroy(engine->memory);
    g_free(engine->cs.urb);
    g_cond_clear(&engine->cond);
    g_mutex_clear(&engine->lock);
    g_free(engine);
}

void engine_reset(struct engine *engine)
{
    g_mutex_lock(&engine->lock);
    engine->reset_wanted = true;
    __atomic_or_fetch(&engine->attention, ATTENTION_STOP, __ATOMIC_RELAXED);
    g_cond_broadcast(&engine->cond);
    while (engine->reset_wanted && !engine->quit)
        g_cond_wait(&engine->cond, &engine->lock);
    g_mutex_unlock(&engine->lock);
}

void engine_invalidate_tlb(struct engine *engine)
{
    __atomic_or_fetch(&engine->attention, ATTENTION_INVALIDATE, __ATOMIC_RELAXED);
}

bool engine_is_idle(struct engine *engine)
{
    g_mutex_lock(&engine->lock);
    bool idle = !engine->running && (!engine->list.active || engine_attention(engine) & ATTENTION_HALT);
    g_mutex_unlock(&engine->lock);
    return idle;
}

void engine_update_halt(struct engine *engine)
{
    bool halt = model_reg(engine->model, engine->base + RING_MI_MODE) & MI_MODE_STOP_RING ||
                model_reg(engine->model, engine->base + RING_RESET_CTL) & RESET_CTL_REQUEST;

    g_mutex_lock(&engine->lock);
    if (halt)
        __atomic_or_fetch(&engine->attention, ATTENTION_HALT, __ATOMIC_RELAXED);
    else
        __atomic_and_fetch(&engine->attention, ~(uint32_t)ATTENTION_HALT, __ATOMIC_RELAXED);
    g_cond_broadcast(&engine->cond);
    g_mutex_unlock(&engine->lock);
}

void engine_signal(struct engine *engine)
{
    g_mutex_lock(&engine->lock);
    engine->signals++;
    g_cond_broadcast(&engine->cond);
    g_mutex_unlock(&engine->lock);
}

bool engine_should_stop(const struct engine *engine)
{
    return engine_attention(engine) & ATTENTION_STOP;
}

uint64_t engine_timestamp(void)
{
    return trace_now_ns() * 12 / 1000;
}
