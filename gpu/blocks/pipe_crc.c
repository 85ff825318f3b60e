/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading frames for pipe CRCs, and the thread that does it. Called by the model and by each vGPU; the display's part is display_crc.c. */
#include "gpu/blocks/pipe_crc.h"

#include <zlib.h>

void pipe_crc_read(struct pipe_crc *frame, scanout_read_fn read, void *opaque)
{
    struct scanout_reader *reader = scanout_reader_create(&frame->scanout, read, opaque, NULL);
    unsigned width, height, grain;

    frame->known = reader != NULL;
    frame->value = 0;
    if (!reader)
        return;
    scanout_reader_size(reader, &width, &height, &grain);
    uint32_t *line = g_new(uint32_t, width);
    uLong crc = crc32(0, NULL, 0);
    for (unsigned y = 0; y < height; y++) {
        scanout_reader_line(reader, y, line);
        crc = crc32(crc, (const Bytef *)line, (uInt)(width * sizeof(*line)));
    }
    frame->value = (uint32_t)crc;
    g_free(line);
    scanout_reader_destroy(reader);
}

struct pipe_crc_worker {
    struct pipe_crc_worker_ops ops;
    void *opaque;
    GThread *thread; /* of the giver's thread alone */
    GMutex lock;
    GCond wake;
    bool given, stopping;
    struct pipe_crc frame;
};

static void *run(void *opaque)
{
    struct pipe_crc_worker *worker = opaque;
    struct pipe_crc frame;

    g_mutex_lock(&worker->lock);
    for (;;) {
        while (!worker->given && !worker->stopping)
            g_cond_wait(&worker->wake, &worker->lock);
        if (worker->stopping)
            break;
        worker->given = false;
        frame = worker->frame;
        g_mutex_unlock(&worker->lock);
        pipe_crc_read(&frame, worker->ops.read, worker->opaque);
        worker->ops.done(worker->opaque, &frame);
        g_mutex_lock(&worker->lock);
    }
    g_mutex_unlock(&worker->lock);
    return NULL;
}

struct pipe_crc_worker *pipe_crc_worker_create(const struct pipe_crc_worker_ops *ops, void *opaque)
{
    struct pipe_crc_worker *worker = g_new0(struct pipe_crc_worker, 1);

    worker->ops = *ops;
    worker->opaque = opaque;
    g_mutex_init(&worker->lock);
    g_cond_init(&worker->wake);
    return worker;
}

void pipe_crc_worker_give(struct pipe_crc_worker *worker, const struct pipe_crc *frame)
{
    if (!worker->thread)
        worker->thread = g_thread_try_new("pipe-crc", run, worker, NULL);
    if (!worker->thread) {
        struct pipe_crc unread = *frame;
        unread.known = false;
        worker->ops.done(worker->opaque, &unread);
        return;
    }
    g_mutex_lock(&worker->lock);
    worker->frame = *frame;
    worker->given = true;
    g_cond_signal(&worker->wake);
    g_mutex_unlock(&worker->lock);
}

void pipe_crc_worker_destroy(struct pipe_crc_worker *worker)
{
    if (!worker)
        return;
    if (worker->thread) {
        g_mutex_lock(&worker->lock);
        worker->stopping = true;
        g_cond_signal(&worker->wake);
        g_mutex_unlock(&worker->lock);
        g_thread_join(worker->thread);
    }
    g_mutex_clear(&worker->lock);
    g_cond_clear(&worker->wake);
    g_free(worker);
}
