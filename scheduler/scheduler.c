/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler and its thread: waits for the GPU or a client, takes in what happened, decides for each engine, tells the clients. Created
 * by the VMM.
 */
#include "scheduler/scheduler_internal.h"

#include <gio/gio.h>
#include <pthread.h>
#include <string.h>

static void take_events(struct scheduler *scheduler, const struct driver_event *events, unsigned count, uint64_t now)
{
    /* Interrupts of an engine were read before its context status: who raised them ran before or is among those that follow. */
    for (unsigned i = 0; i < count; i++) {
        struct sched_engine *engine = &scheduler->engines[events[i].engine];
        engine->look = true;
        switch (events[i].kind) {
        case DRIVER_USER_INTERRUPT:
            engine->interrupts |= WORKLOAD_IRQ_USER;
            break;
        case DRIVER_NOTIFY:
            engine->interrupts |= WORKLOAD_IRQ_NOTIFY;
            break;
        case DRIVER_ENGINE_ERROR:
            engine->error = true;
            break;
        case DRIVER_CONTEXT_STATUS:
            engine_context_status(engine, scheduler, events[i].status, now);
            break;
        }
    }
}

/* Clients that are to be told, each held by notifying. */
static GPtrArray *take_notifications(struct scheduler *scheduler)
{
    GPtrArray *list = NULL;

    for (unsigned i = 0; i < scheduler->clients->len; i++) {
        struct sched_client *client = g_ptr_array_index(scheduler->clients, i);
        if (!client->notify)
            continue;
        client->notify = false;
        client->notifying = true;
        if (!list)
            list = g_ptr_array_new();
        g_ptr_array_add(list, client);
    }
    return list;
}

static void send_notifications(struct scheduler *scheduler, GPtrArray *list)
{
    if (!list)
        return;
    for (unsigned i = 0; i < list->len; i++) {
        struct sched_client *client = g_ptr_array_index(list, i);
        client->ops->notify(client->guest);
    }
    g_mutex_lock(&scheduler->lock);
    for (unsigned i = 0; i < list->len; i++)
        ((struct sched_client *)g_ptr_array_index(list, i))->notifying = false;
    g_cond_broadcast(&scheduler->changed);
    g_mutex_unlock(&scheduler->lock);
    g_ptr_array_unref(list);
}

static uint64_t update_engine(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now)
{
    /* Most rounds are about one engine; the others would cost a look at each client's lane, several times. */
    if (!engine->look && !engine->queued && !engine->active[0].hw && !engine->waiting)
        return UINT64_MAX;
    engine->look = false;
    engine_deliver_interrupts(engine);
    engine_retire(scheduler, engine, now);
    engine_note_ready(scheduler, engine, now);
    uint64_t by = engine_check_hang(scheduler, engine, now);
    engine_settle(scheduler, engine);
    uint64_t until = engine_dispatch(scheduler, engine, now);
    if (engine->waiting && engine->waiting_since == now)
        by = engine_check_hang(scheduler, engine, now); /* an engine that does not even acknowledge would wake nobody */
    return MIN(by, until);
}

static void *scheduler_thread(void *opaque)
{
    struct scheduler *scheduler = opaque;
    struct driver_event events[DRIVER_MAX_EVENTS];
    uint64_t deadline = UINT64_MAX;

    g_mutex_lock(&scheduler->lock);
    scheduler->has_clock = pthread_getcpuclockid(pthread_self(), &scheduler->thread_clock) == 0;
    g_mutex_unlock(&scheduler->lock);
    for (;;) {
        unsigned count = driver_wait_events(scheduler->driver, events, DRIVER_MAX_EVENTS, deadline == UINT64_MAX ? 0 : deadline);
        g_mutex_lock(&scheduler->lock);
        if (scheduler->quit) {
            g_mutex_unlock(&scheduler->lock);
            return NULL;
        }
        uint64_t now = trace_now_ns();
        take_events(scheduler, events, count, now);
        deadline = UINT64_MAX;
        for (unsigned i = 0; i < ENGINE_COUNT; i++) {
            uint64_t by = update_engine(scheduler, &scheduler->engines[i], now); /* once: MIN() evaluates twice what it takes */
            deadline = MIN(deadline, by);
        }
        scheduler->deadline = deadline;
        GPtrArray *list = take_notifications(scheduler);
        g_mutex_unlock(&scheduler->lock);
        send_notifications(scheduler, list);
    }
}

uint64_t scheduler_cpu_ns(struct scheduler *scheduler)
{
    struct timespec used = {0};

    g_mutex_lock(&scheduler->lock);
    if (scheduler->has_clock)
        clock_gettime(scheduler->thread_clock, &used);
    g_mutex_unlock(&scheduler->lock);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static void engine_init(struct scheduler *scheduler, unsigned index)
{
    struct sched_engine *engine = &scheduler->engines[index];

    engine->index = index;
    engine->candidates = g_ptr_array_new();
    policy_init(&engine->policy, scheduler->policy, scheduler->slice_ns);
}

static const struct policy_ops *find_policy(const char *name, GError **error)
{
    const struct policy_ops *policy = policy_find(name);

    if (!policy) {
        g_autofree char *names = g_strjoinv(", ", (char **)policy_names());
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "policy: \"%s\" is none of %s", name, names);
    }
    return policy;
}

bool scheduler_set_policy(struct scheduler *scheduler, const char *name, GError **error)
{
    const struct policy_ops *policy = find_policy(name, error);

    if (!policy)
        return false;
    g_mutex_lock(&scheduler->lock);
    scheduler->policy = policy;
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        policy_switch(&scheduler->engines[i].policy, policy, trace_now_ns());
    g_mutex_unlock(&scheduler->lock);
    driver_wake(scheduler->driver);
    return true;
}

const char *scheduler_policy(struct scheduler *scheduler)
{
    g_mutex_lock(&scheduler->lock);
    const char *name = scheduler->policy->name;
    g_mutex_unlock(&scheduler->lock);
    return name;
}

struct scheduler *scheduler_create(struct driver *driver, const struct scheduler_config *config, GError **error)
{
    const struct policy_ops *policy = find_policy(config->policy ? config->policy : policy_fair.name, error);

    if (!policy)
        return NULL;
    struct scheduler *scheduler = g_new0(struct scheduler, 1);
    scheduler->driver = driver;
    scheduler->trace = config->trace;
    scheduler->policy = policy;
    scheduler->slice_ns = config->slice_ns ? config->slice_ns : SCHED_DEFAULT_SLICE_NS;
    scheduler->hang_ns = config->hang_ns ? config->hang_ns : SCHED_DEFAULT_HANG_NS;
    scheduler->clients = g_ptr_array_new();
    g_mutex_init(&scheduler->lock);
    g_cond_init(&scheduler->changed);
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        engine_init(scheduler, i);
    for (unsigned i = 0; i < ENGINE_COUNT; i++) {
        if (!hw_context_init(driver, &scheduler->engines[i].pulse, i, SCHED_PAGE, error)) {
            scheduler_destroy(scheduler);
            return NULL;
        }
    }
    switched_registers_init(scheduler);
    scheduler->thread = g_thread_new("scheduler", scheduler_thread, scheduler);
    return scheduler;
}

void scheduler_destroy(struct scheduler *scheduler)
{
    if (!scheduler)
        return;
    g_assert(scheduler->clients->len == 0);
    if (scheduler->thread) {
        g_mutex_lock(&scheduler->lock);
        scheduler->quit = true;
        g_mutex_unlock(&scheduler->lock);
        driver_wake(scheduler->driver);
        g_thread_join(scheduler->thread);
    }
    for (unsigned i = 0; i < ENGINE_COUNT; i++) {
        struct sched_engine *engine = &scheduler->engines[i];
        hw_context_finish(scheduler->driver, &engine->pulse);
        g_ptr_array_unref(engine->candidates);
        policy_finish(&engine->policy);
    }
    g_free(scheduler->switched);
    g_ptr_array_unref(scheduler->clients);
    g_mutex_clear(&scheduler->lock);
    g_cond_clear(&scheduler->changed);
    g_free(scheduler);
}
