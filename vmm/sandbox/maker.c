/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that makes what comes later; see maker.h. */
#include "vmm/sandbox/maker.h"

#include "vmm/sandbox/sandbox.h"

#include <glib.h>

struct sandbox_maker {
    GThread *thread;
    GMutex lock; /* of the rest */
    GCond changed;
    void (*function)(void *opaque); /* NULL: nothing to do */
    void *opaque;
    bool stopping;
};

static void *run(void *opaque)
{
    struct sandbox_maker *maker = opaque;

    sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_MAKER});
    g_mutex_lock(&maker->lock);
    while (!maker->stopping) {
        if (!maker->function) {
            g_cond_wait(&maker->changed, &maker->lock);
            continue;
        }
        g_mutex_unlock(&maker->lock);
        maker->function(maker->opaque);
        g_mutex_lock(&maker->lock);
        maker->function = NULL;
        g_cond_broadcast(&maker->changed);
    }
    g_mutex_unlock(&maker->lock);
    return NULL;
}

struct sandbox_maker *sandbox_maker_create(void)
{
    struct sandbox_maker *maker = g_new0(struct sandbox_maker, 1);

    g_mutex_init(&maker->lock);
    g_cond_init(&maker->changed);
    maker->thread = g_thread_new("maker", run, maker);
    return maker;
}

void sandbox_maker_destroy(struct sandbox_maker *maker)
{
    if (!maker)
        return;
    g_mutex_lock(&maker->lock);
    maker->stopping = true;
    g_cond_broadcast(&maker->changed);
    g_mutex_unlock(&maker->lock);
    g_thread_join(maker->thread);
    g_mutex_clear(&maker->lock);
    g_cond_clear(&maker->changed);
    g_free(maker);
}

void sandbox_maker_call(struct sandbox_maker *maker, void (*function)(void *opaque), void *opaque)
{
    g_mutex_lock(&maker->lock);
    maker->function = function;
    maker->opaque = opaque;
    g_cond_broadcast(&maker->changed);
    while (maker->function)
        g_cond_wait(&maker->changed, &maker->lock);
    g_mutex_unlock(&maker->lock);
}
