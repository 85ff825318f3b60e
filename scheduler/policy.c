/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of policies, and what they share. Called by the scheduler (and by the configuration for the names). */
#include "scheduler/policy.h"
#include "scheduler/scheduler.h"

#include <string.h>

static const struct policy_ops *const policies[] = {&policy_fair, &policy_round_robin, &policy_fifo, &policy_fixed};

const char *const *policy_names(void)
{
    static const char *const names[] = {"fair", "round-robin", "fifo", "fixed", NULL};

    return names;
}

const struct policy_ops *policy_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++)
        if (strcmp(policies[i]->name, name) == 0)
            return policies[i];
    return NULL;
}

void policy_init(struct policy *policy, const struct policy_ops *ops, uint64_t slice_ns)
{
    *policy = (struct policy){.ops = ops, .entities = g_ptr_array_new(), .slice_ns = slice_ns};
}

void policy_finish(struct policy *policy)
{
    if (policy->entities)
        g_ptr_array_unref(policy->entities);
    policy->entities = NULL;
}

void policy_join(struct policy *policy, struct policy_entity *entity)
{
    entity->tag = 0;
    entity->credit = 0;
    entity->woken = entity->work = entity->ready = entity->running = false;
    g_ptr_array_add(policy->entities, entity);
    const struct policy_limits limits = entity->limits;
    entity->limits = (struct policy_limits){0};
    policy_set_limits(policy, entity, &limits);
    if (policy->ops->join)
        policy->ops->join(policy, entity);
}

void policy_leave(struct policy *policy, struct policy_entity *entity)
{
    policy_set_limits(policy, entity, &(struct policy_limits){0});
    g_ptr_array_remove(policy->entities, entity);
    if (policy->ops->leave)
        policy->ops->leave(policy, entity);
}

void policy_switch(struct policy *policy, const struct policy_ops *ops, uint64_t now)
{
    policy->ops = ops;
    policy->tag = policy->window = 0;
    for (unsigned i = 0; i < policy->entities->len; i++) {
        struct policy_entity *entity = policy_entity_at(policy, i);
        entity->tag = 0;
        entity->credit = 0;
        entity->woken = false;
        if (ops->join)
            ops->join(policy, entity);
    }
    for (unsigned i = 0; i < policy->entities->len; i++) {
        struct policy_entity *entity = policy_entity_at(policy, i);
        if (entity->ready && ops->wake) {
            entity->ready = false;
            policy_set_ready(policy, entity, true, now);
        }
    }
}

void policy_set_ready(struct policy *policy, struct policy_entity *entity, bool ready, uint64_t now)
{
    if (entity->ready == ready)
        return;
    entity->ready = ready;
    if (ready && policy->ops->wake)
        policy->ops->wake(policy, entity, now);
}

void policy_ready(struct policy *policy, struct policy_entity *entity, uint64_t now)
{
    entity->work = true;
    if (entity->limits.cap)
        policy_limits_refresh(policy, now);
    else
        policy_set_ready(policy, entity, true, now);
}

void policy_idle(struct policy *policy, struct policy_entity *entity)
{
    entity->work = entity->ready = false;
}
