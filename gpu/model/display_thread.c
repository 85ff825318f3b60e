/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's display runs in time by itself: this thread sleeps until the display's next event that somebody waits for.
 * model_unlock() wakes it when a register write made that event earlier.
 */
#include "gpu/blocks/display.h"
#include "gpu/blocks/pipe_crc.h"
#include "gpu/model/model_internal.h"

static void crc_done(void *opaque, const struct pipe_crc *frame)
{
    struct model *model = opaque;

    model_lock(model);
    display_crc_give(model->display, frame, trace_now_ns());
    model_unlock(model);
}

static const struct pipe_crc_worker_ops crc_ops = {.read = model_read_surface, .done = crc_done};

static void *run(void *opaque)
{
    struct model *model = opaque;
    struct pipe_crc frame;

    model_lock(model);
    while (!model->display_stop) {
        uint64_t next = display_next_event_ns(model->display);
        if (next <= trace_now_ns()) {
            uint64_t now_ns = trace_now_ns();
            display_tick(model->display, now_ns);
            bool crc = display_crc_take(model->display, now_ns, &frame);
            model_unlock(model);
            if (crc)
                pipe_crc_worker_give(model->crc, &frame);
            model_lock(model);
            continue;
        }
        model->display_deadline_ns = next;
        if (next == UINT64_MAX)
            g_cond_wait(&model->display_wake, &model->lock);
        else
            g_cond_wait_until(&model->display_wake, &model->lock, next / 1000 + 1); /* g_get_monotonic_time() is in us */
        model->display_deadline_ns = 0;
    }
    g_mutex_unlock(&model->lock);
    return NULL;
}

void model_display_thread_start(struct model *model)
{
    model->crc = pipe_crc_worker_create(&crc_ops, model);
    model->display_thread = g_thread_new("display", run, model);
}

void model_display_thread_stop(struct model *model)
{
    if (!model->display_thread)
        return;
    model_lock(model);
    model->display_stop = true;
    g_cond_signal(&model->display_wake);
    g_mutex_unlock(&model->lock);
    g_thread_join(model->display_thread);
    model->display_thread = NULL;
    pipe_crc_worker_destroy(g_steal_pointer(&model->crc));
}
