/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that wait: semaphores (polled or signalled), display events, and a ring that ends within a command. A waiting engine
 * sleeps on its condition variable between looks at memory, so that a new list, a reset, STOP_RING or a signal wakes it at once.
 *
 * Sources: PRM SKL vol. 2a "MI_SEMAPHORE_WAIT", "MI_SEMAPHORE_SIGNAL", "MI_WAIT_FOR_EVENT", "MI_LOAD_SCAN_LINES_INCL",
 * "MI_DISPLAY_FLIP"; Mesa's gen9.xml for their fields.
 */
#include "gpu/blocks/display.h"
#include "gpu/model/engine_internal.h"

#include <limits.h>

/* Fields of MI_SEMAPHORE_WAIT. SAD is the data in memory (or in the register), SDD that in the command. */
enum {
    SEMAPHORE_COMPARE_SHIFT = 12,
    SEMAPHORE_POLL = 1 << 15,
    SEMAPHORE_REGISTER = 1 << 16,
    SEMAPHORE_GGTT = 1 << 22,
};

enum {
    SPINS = 32,             /* looks without sleep */
    FIRST_SLEEP_US = 20,
    LONGEST_SLEEP_US = 500, /* between looks at memory that nobody announces a change of */
};

/* May the context be taken off while it waits? Then the wait is executed again when it comes back. */
static enum cs_status interrupted(struct cs *cs)
{
    uint32_t attention = engine_attention(cs->engine);

    if (attention & ATTENTION_STOP)
        return CS_STOPPED;
    if (cs_arbitrate(cs) == CS_PREEMPTED) {
        cs->repeat = true;
        return CS_PREEMPTED;
    }
    return attention & ATTENTION_HALT && cs->level != CS_WORKAROUND ? CS_HALTED : CS_OK;
}

/* Sleeps until something wakes the engine or the time is over. *signals as last seen. */
static void doze(struct cs *cs, gint64 microseconds, uint64_t *signals)
{
    struct engine *engine = cs->engine;
    gint64 deadline = g_get_monotonic_time() + microseconds;

    g_mutex_lock(&engine->lock);
    if (*signals == engine->signals && interrupted(cs) == CS_OK && !(engine_attention(engine) & ATTENTION_INVALIDATE))
        g_cond_wait_until(&engine->cond, &engine->lock, deadline);
    *signals = engine->signals;
    g_mutex_unlock(&engine->lock);
    cs->repeat = false;
}

static bool satisfied(unsigned operation, uint32_t sad, uint32_t sdd)
{
    switch (operation) {
    case 0:
        return sad > sdd;
    case 1:
        return sad >= sdd;
    case 2:
        return sad < sdd;
    case 3:
        return sad <= sdd;
    case 4:
        return sad == sdd;
    default:
        return sad != sdd;
    }
}

static enum cs_status look(struct cs *cs, bool *done)
{
    uint32_t data = 0;
    enum cs_status status = CS_OK;

    if (cs->dw[0] & SEMAPHORE_REGISTER) {
        uint32_t offset = cs->dw[2] & 0x7ffffc;
        if (cs_register_readable(cs, offset))
            data = cs_register_read(cs, offset);
    } else {
        status = cs_load(cs, cs_vm(cs, cs->dw[0] & SEMAPHORE_GGTT), cs_address(cs->dw[2] & ~3u, cs->dw[3]), &data, sizeof(data));
    }
    *done = satisfied(cs->dw[0] >> SEMAPHORE_COMPARE_SHIFT & 7, data, cs->dw[1]);
    return status;
}

/* Would another context run if this one gave way? */
static bool others_wait(struct cs *cs)
{
    struct engine *engine = cs->engine;

    g_mutex_lock(&engine->lock);
    const struct execlist *list = &engine->list;
    bool others = list->active && (list->waiting || (list->element == 0 && list->list[list->current][1] & DESC_VALID));
    g_mutex_unlock(&engine->lock);
    return others;
}

static void show_waiting(struct cs *cs, bool waiting)
{
    uint32_t ctl = cs_reg(cs, RING_CTL);

    cs_reg_set(cs, RING_CTL, waiting ? ctl | CTL_WAIT_SEMAPHORE : ctl & ~(uint32_t)CTL_WAIT_SEMAPHORE);
}

/* The sleep after so many looks: none at first, then longer and longer. */
static gint64 backoff(unsigned looks)
{
    if (looks < SPINS)
        return 0;
    return MIN((gint64)FIRST_SLEEP_US << MIN((looks - SPINS) / 8, 5u), (gint64)LONGEST_SLEEP_US);
}

enum cs_status cs_semaphore_wait(struct cs *cs)
{
    uint64_t signals = 0;
    enum cs_status status;
    bool done;

    status = look(cs, &done);
    if (status != CS_OK || done)
        return status;

    cs_irq(cs, ENGINE_IRQ_WAIT_SEMAPHORE);
    show_waiting(cs, true);
    doze(cs, 0, &signals);
    for (unsigned looks = 0; status == CS_OK; looks++) {
        if (engine_attention(cs->engine) & ATTENTION_INVALIDATE) {
            __atomic_and_fetch(&cs->engine->attention, ~(uint32_t)ATTENTION_INVALIDATE, __ATOMIC_ACQUIRE);
            engine_memory_invalidate(cs->memory);
        }
        status = look(cs, &done);
        if (status != CS_OK || done)
            break;
        status = interrupted(cs);
        if (status == CS_OK && cs->arbitration && cs->level != CS_WORKAROUND &&
            !(cs_reg(cs, RING_CONTEXT_CONTROL) & CTX_CTRL_INHIBIT_SYN_SWITCH) && others_wait(cs))
            status = CS_YIELDED;
        gint64 sleep = backoff(looks);
        if (status == CS_OK && sleep)
            doze(cs, sleep, &signals);
    }
    show_waiting(cs, false);
    return status;
}

/*
 * A batch that jumps to itself with nothing done on the way is how drivers and tests keep an engine busy until the CPU writes over the jump. It is looked at
 * as a semaphore in memory is, for the host's CPUs have better to do; a list that comes is seen by the loop's next turn, if it has a command that may
 * be preempted.
 */
void cs_turn(struct cs *cs)
{
    struct engine *engine = cs->engine;
    gint64 sleep = backoff(cs->turns);

    cs->turns += cs->turns < UINT_MAX;
    if (!sleep)
        return;
    cs_leave(cs);
    gint64 deadline = g_get_monotonic_time() + sleep;
    g_mutex_lock(&engine->lock);
    bool wanted = __atomic_load_n(&engine->preempt, __ATOMIC_RELAXED);
    if (!engine_attention(engine) && (!wanted || cs->turned_away))
        g_cond_wait_until(&engine->cond, &engine->lock, deadline);
    cs->turned_away = wanted;
    g_mutex_unlock(&engine->lock);
}

/* Target engine field to engine. */
enum cs_status cs_semaphore_signal(struct cs *cs)
{
    static const uint8_t targets[8] = {
        [0] = ENGINE_RCS0, [1] = ENGINE_VCS0, [2] = ENGINE_BCS0, [3] = ENGINE_VECS0,
        [4] = ENGINE_COUNT, [5] = ENGINE_COUNT, [6] = ENGINE_COUNT, [7] = ENGINE_COUNT,
    };
    unsigned target = targets[cs->dw[0] >> 15 & 7];

    cs_leave(cs);
    if (target < ENGINE_COUNT)
        engine_signal(cs->model->engines[target]);
    return CS_OK;
}

enum cs_status cs_starve(struct cs *cs)
{
    uint64_t signals = 0;
    enum cs_status status;

    cs_leave(cs);
    /* A list that continues this context is what ends this; arbitration can be off, as there is nothing to protect. */
    while ((status = interrupted(cs)) == CS_OK) {
        if (__atomic_load_n(&cs->engine->preempt, __ATOMIC_RELAXED))
            return CS_PREEMPTED;
        doze(cs, G_TIME_SPAN_SECOND, &signals);
    }
    cs->repeat = false;
    return status;
}

/*
 * Display events. Planes count as in MI_DISPLAY_FLIP: 1-3 are the first planes of pipes A to C, 4-6 the second ones, and so on.
 */
enum { EVENT_NONE, EVENT_FLIP, EVENT_VBLANK, EVENT_SCAN_LINE };
static const struct display_event {
    uint8_t kind, pipe, plane;
} display_events[32] = {
    [0] = {EVENT_SCAN_LINE, 0, 0}, [1] = {EVENT_FLIP, 0, 0},      [2] = {EVENT_FLIP, 0, 1},   [3] = {EVENT_VBLANK, 0, 0},
    [6] = {EVENT_FLIP, 0, 2},      [7] = {EVENT_FLIP, 1, 2},      [8] = {EVENT_SCAN_LINE, 1, 0}, [9] = {EVENT_FLIP, 1, 0},
    [10] = {EVENT_FLIP, 1, 1},     [11] = {EVENT_VBLANK, 1, 0},   [14] = {EVENT_SCAN_LINE, 2, 0}, [15] = {EVENT_FLIP, 2, 0},
    [16] = {EVENT_FLIP, 2, 2},     [17] = {EVENT_FLIP, 0, 3},     [18] = {EVENT_FLIP, 1, 3},  [19] = {EVENT_FLIP, 2, 3},
    [20] = {EVENT_FLIP, 2, 1},     [21] = {EVENT_VBLANK, 2, 0},
};

static bool in_scan_window(const struct cs *cs, unsigned pipe, uint32_t line)
{
    bool inside = line >= cs->scan_start[pipe] && line <= cs->scan_end[pipe];

    return inside != cs->scan_exclusive[pipe];
}

/* Is the event still to come? vblank is when the pipe's vblank that is waited for begins. */
static bool event_pending(struct cs *cs, const struct display_event *event, const uint64_t vblank[DISPLAY_PIPES])
{
    struct model *model = cs->model;
    uint64_t now = trace_now_ns();
    bool pending = false;

    switch (event->kind) {
    case EVENT_FLIP:
        model_lock(model);
        pending = display_flip_pending(model->display, event->pipe, event->plane, now);
        model_unlock(model);
        break;
    case EVENT_VBLANK:
        pending = vblank[event->pipe] != UINT64_MAX && now < vblank[event->pipe];
        break;
    case EVENT_SCAN_LINE:
        pending = vblank[event->pipe] != UINT64_MAX &&
                  !in_scan_window(cs, event->pipe, model_mmio_read(model, R_PIPEDSL + 0x1000 * event->pipe) & 0x1fff);
        break;
    default:
        break;
    }
    return pending;
}

enum cs_status cs_wait_for_event(struct cs *cs)
{
    uint64_t vblank[DISPLAY_PIPES], signals = 0;
    enum cs_status status = CS_OK;
    bool pending = true;

    cs_leave(cs);
    model_lock(cs->model);
    for (unsigned pipe = 0; pipe < DISPLAY_PIPES; pipe++)
        vblank[pipe] = display_next_vblank_ns(cs->model->display, pipe, trace_now_ns());
    model_unlock(cs->model);
    while (status == CS_OK) {
        pending = false;
        for (unsigned i = 0; i < G_N_ELEMENTS(display_events); i++)
            if (cs->dw[0] >> i & 1)
                pending |= event_pending(cs, &display_events[i], vblank);
        if (!pending)
            break;
        status = interrupted(cs);
        if (status == CS_OK)
            doze(cs, LONGEST_SLEEP_US, &signals);
    }
    return status;
}

static enum cs_status load_scan_lines(struct cs *cs, bool exclusive)
{
    static const uint8_t pipes[8] = {0, 1, 3, 3, 2, 3, 3, 3};
    unsigned pipe = pipes[cs->dw[0] >> 19 & 7];

    if (pipe < DISPLAY_PIPES) {
        cs->scan_start[pipe] = cs->dw[1] >> 16 & 0x1fff;
        cs->scan_end[pipe] = cs->dw[1] & 0x1fff;
        cs->scan_exclusive[pipe] = exclusive;
    }
    return CS_OK;
}

enum cs_status cs_load_scan_lines_incl(struct cs *cs)
{
    return load_scan_lines(cs, false);
}

enum cs_status cs_load_scan_lines_excl(struct cs *cs)
{
    return load_scan_lines(cs, true);
}

enum cs_status cs_display_flip(struct cs *cs)
{
    unsigned select = cs->dw[0] >> 8 & 0x1f;
    bool async = cs->dw[0] >> 22 & 1 || (cs->dw[2] & 3) == 1;

    /* 0-2 first planes, then 4-6 second, 7-9 third, 10-12 fourth ones; 3 is none. */
    if (select == 3 || select > 12)
        return CS_OK;
    if (select > 3)
        select--;
    cs_leave(cs);
    model_lock(cs->model);
    display_flip(cs->model->display, select % 3, select / 3, cs->dw[2] & ~UINT32_C(0xfff), cs->dw[1] >> 6 & 0x3ff, cs->dw[1] & 7, async,
                 trace_now_ns());
    model_unlock(cs->model);
    return CS_OK;
}
