/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that waits for a time. */
#include "vmm/alarm.h"

#include <stdbool.h>

struct alarm {
    const char *name;
    void (*ring)(void *opaque);
    void *opaque;
    GMutex lock;
    GCond changed;
    GThread *thread; /* NULL until a time is set */
    int64_t at;
    bool stop;
};

static void *wait_and_ring(void *data)
{
    struct alarm *alarm = data;

    g_mutex_lock(&alarm->lock);
    while (!alarm->stop) {
        if (alarm->at == ALARM_NEVER) {
            g_cond_wait(&alarm->changed, &alarm->lock);
        } else if (g_get_monotonic_time() < alarm->at) {
            g_cond_wait_until(&alarm->changed, &alarm->lock, alarm->at);
        } else {
            alarm->at = ALARM_NEVER;
            g_mutex_unlock(&alarm->lock);
            alarm->ring(alarm->opaque);
            g_mutex_lock(&alarm->lock);
        }
    }
    g_mutex_unlock(&alarm->lock);
    return NULL;
}

struct alarm *alarm_create(const char *name, void (*ring)(void *opaque), void *opaque)
{
    struct alarm *alarm = g_new0(struct alarm, 1);

    *alarm = (struct alarm){.name = name, .ring = ring, .opaque = opaque, .at = ALARM_NEVER};
    g_mutex_init(&alarm->lock);
    g_cond_init(&alarm->changed);
    return alarm;
}

void alarm_set(struct alarm *alarm, int64_t at)
{
    g_mutex_lock(&alarm->lock);
    if (alarm->at != at) {
        alarm->at = at;
        g_cond_signal(&alarm->changed);
    }
    /* Without a thread the device cannot interrupt; what the guest reads of it stays right. The next time that is set tries again. */
    if (!alarm->thread && at != ALARM_NEVER)
        alarm->thread = g_thread_try_new(alarm->name, wait_and_ring, alarm, NULL);
    g_mutex_unlock(&alarm->lock);
}

void alarm_destroy(struct alarm *alarm)
{
    if (!alarm)
        return;
    g_mutex_lock(&alarm->lock);
    alarm->stop = true;
    g_cond_signal(&alarm->changed);
    GThread *thread = alarm->thread;
    g_mutex_unlock(&alarm->lock);
    if (thread)
        g_thread_join(thread);
    g_mutex_clear(&alarm->lock);
    g_cond_clear(&alarm->changed);
    g_free(alarm);
}
