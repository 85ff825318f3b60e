/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients: one for each vGPU. Their creation, results, interrupts, usage, and the requests to give work back. Called on the
 * clients' threads.
 */
#include "scheduler/scheduler_internal.h"

#include <gio/gio.h>
#include <string.h>

struct sched_client *sched_client_create(struct scheduler *scheduler, const struct sched_client_config *config, GError **error)
{
    if (config->id == TRACE_HOST || config->id >= TRACE_MAX_VGPUS || config->weight < 1 || config->weight > 256 || config->cap > 100) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "vGPU %s: id %u, weight %u or cap %u is out of range", config->name, config->id,
                    config->weight, config->cap);
        return NULL;
    }
    struct sched_client *client = g_new0(struct sched_client, 1);
    client->scheduler = scheduler;
    client->id = config->id;
    client->name = g_strdup(config->name);
    client->ops = config->ops;
    client->guest = config->guest;
    client->contexts = g_ptr_array_new();
    client->registers = g_new0(uint32_t, MAX(scheduler->switched_count, 1u));
    client->registers_set = g_new0(bool, MAX(scheduler->switched_count, 1u));
    client->registers_open = g_new0(bool, MAX(scheduler->switched_count, 1u));
    g_queue_init(&client->results);
    g_mutex_lock(&scheduler->lock);
    for (unsigned i = 0; i < ENGINE_COUNT; i++) {
        struct sched_lane *lane = &client->lanes[i];
        lane->client = client;
        lane->engine = i;
        lane->entity.weight = config->weight;
        lane->entity.limits = (struct policy_limits){.cap = config->cap, .latency = config->latency};
        g_queue_init(&lane->queue);
        policy_join(&scheduler->engines[i].policy, &lane->entity);
    }
    g_ptr_array_add(scheduler->clients, client);
    g_mutex_unlock(&scheduler->lock);
    return client;
}

void sched_client_destroy(struct sched_client *client)
{
    struct workload *workload;

    if (!client)
        return;
    struct scheduler *scheduler = client->scheduler;
    sched_client_reset(client, (1u << ENGINE_COUNT) - 1, false);
    while ((workload = sched_client_reap(client)) != NULL)
        workload_free(workload);
    shadow_contexts_forget(client, (1u << ENGINE_COUNT) - 1);
    g_assert(client->contexts->len == 0); /* a workload that its owner has not freed */

    g_mutex_lock(&scheduler->lock);
    g_ptr_array_remove(scheduler->clients, client);
    switched_registers_drop(scheduler, client);
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        policy_leave(&scheduler->engines[i].policy, &client->lanes[i].entity);
    while (client->notifying)
        g_cond_wait(&scheduler->changed, &scheduler->lock);
    g_mutex_unlock(&scheduler->lock);
    g_ptr_array_unref(client->contexts);
    g_free(client->registers);
    g_free(client->registers_set);
    g_free(client->registers_open);
    g_free(client->name);
    g_free(client);
}

struct workload *sched_client_reap(struct sched_client *client)
{
    g_mutex_lock(&client->scheduler->lock);
    struct workload *workload = g_queue_pop_head(&client->results);
    g_mutex_unlock(&client->scheduler->lock);
    return workload;
}

uint32_t sched_client_interrupts(struct sched_client *client, unsigned engine)
{
    g_mutex_lock(&client->scheduler->lock);
    uint32_t interrupts = client->lanes[engine].interrupts;
    client->lanes[engine].interrupts = 0;
    g_mutex_unlock(&client->scheduler->lock);
    return interrupts;
}

static void mark_leaving(struct sched_lane *lane)
{
    for (GList *link = lane->queue.head; link; link = link->next)
        ((struct workload *)link->data)->leaving = true;
}

void sched_client_preempt(struct sched_client *client, unsigned engine)
{
    struct scheduler *scheduler = client->scheduler;
    struct sched_lane *lane = &client->lanes[engine];

    g_mutex_lock(&scheduler->lock);
    bool any = !g_queue_is_empty(&lane->queue);
    if (any) {
        mark_leaving(lane);
        scheduler->engines[engine].look = true;
        lane->preempting = true;
        lane_update_ready(scheduler, lane, trace_now_ns());
    }
    g_mutex_unlock(&scheduler->lock);
    if (any)
        driver_wake(scheduler->driver);
}

void sched_client_reset(struct sched_client *client, uint32_t engine_mask, bool forget)
{
    struct scheduler *scheduler = client->scheduler;

    g_mutex_lock(&scheduler->lock);
    uint64_t now = trace_now_ns();
    for (unsigned i = 0; i < ENGINE_COUNT; i++) {
        struct sched_lane *lane = &client->lanes[i];
        if (!(engine_mask >> i & 1))
            continue;
        mark_leaving(lane);
        scheduler->engines[i].look = true;
        lane->resetting = true;
        lane->reset_by = now + MIN(SCHED_RESET_GRACE_NS, scheduler->hang_ns);
        lane->interrupts = 0;
        lane_update_ready(scheduler, lane, now);
    }
    driver_wake(scheduler->driver);
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        while (engine_mask >> i & 1 && client->lanes[i].resetting)
            g_cond_wait(&scheduler->changed, &scheduler->lock);
    g_mutex_unlock(&scheduler->lock);
    if (forget)
        shadow_contexts_forget(client, engine_mask);
}

const struct sched_quota_desc sched_quotas[SCHED_QUOTAS] = {
    [SCHED_QUOTA_QUEUED] = {"queued", SCHED_MAX_QUEUED},
    [SCHED_QUOTA_CONTEXTS] = {"contexts", SCHED_MAX_CONTEXTS},
    [SCHED_QUOTA_BATCH_BYTES] = {"batch bytes", SCHED_MAX_BATCH_BYTES},
};

void sched_client_note(struct sched_client *client, enum sched_quota quota, uint64_t value)
{
    if (value > __atomic_load_n(&client->most[quota], __ATOMIC_RELAXED))
        __atomic_store_n(&client->most[quota], value, __ATOMIC_RELAXED);
}

const char *const sched_cost_names[SCHED_COSTS] = {
    [SCHED_COST_PAGE_TABLES] = "page tables", [SCHED_COST_CONTEXT] = "context", [SCHED_COST_COPY] = "copy",
    [SCHED_COST_AUDIT] = "audit",             [SCHED_COST_QUEUE] = "queue",     [SCHED_COST_ELSP] = "elsp",
    [SCHED_COST_WRITE_BACK] = "write back",   [SCHED_COST_STATUS] = "status",
};

void sched_client_lap(struct sched_client *client, enum sched_cost cost, uint64_t *since)
{
    uint64_t now = trace_now_ns();

    __atomic_add_fetch(&client->cost_ns[cost], now - *since, __ATOMIC_RELAXED);
    *since = now;
}

void sched_client_usage(struct sched_client *client, struct sched_usage *usage)
{
    g_mutex_lock(&client->scheduler->lock);
    *usage = client->usage;
    g_mutex_unlock(&client->scheduler->lock);
    for (unsigned i = 0; i < SCHED_QUOTAS; i++)
        usage->most[i] = __atomic_load_n(&client->most[i], __ATOMIC_RELAXED);
    for (unsigned i = 0; i < SCHED_COSTS; i++)
        usage->cost_ns[i] = __atomic_load_n(&client->cost_ns[i], __ATOMIC_RELAXED);
}

void sched_client_set_weight(struct sched_client *client, unsigned weight)
{
    g_mutex_lock(&client->scheduler->lock);
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        client->lanes[i].entity.weight = CLAMP(weight, 1u, 256u);
    g_mutex_unlock(&client->scheduler->lock);
    driver_wake(client->scheduler->driver);
}

void sched_client_set_limits(struct sched_client *client, unsigned cap, bool latency)
{
    const struct policy_limits limits = {.cap = MIN(cap, 100u), .latency = latency};

    g_mutex_lock(&client->scheduler->lock);
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        policy_set_limits(&client->scheduler->engines[i].policy, &client->lanes[i].entity, &limits);
    g_mutex_unlock(&client->scheduler->lock);
    driver_wake(client->scheduler->driver);
}
