/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPUs that come together for a reset. See restart.h. */
#include "vmm/restart.h"

#include <glib.h>

#define SLICE_US (10 * G_TIME_SPAN_MILLISECOND)

struct restart {
    struct restart_config config;
    bool wanted, by_guest; /* atomics */
    GMutex lock;           /* of what follows; not of the above, so that who asks for a restart never waits for one */
    GCond changed;
    unsigned standing, round;
};

struct restart *restart_create(const struct restart_config *config)
{
    struct restart *restart = g_new0(struct restart, 1);

    restart->config = *config;
    g_mutex_init(&restart->lock);
    g_cond_init(&restart->changed);
    return restart;
}

void restart_destroy(struct restart *restart)
{
    if (!restart)
        return;
    g_mutex_clear(&restart->lock);
    g_cond_clear(&restart->changed);
    g_free(restart);
}

void restart_request(struct restart *restart, bool by_guest)
{
    __atomic_store_n(&restart->by_guest, by_guest, __ATOMIC_SEQ_CST);
    __atomic_store_n(&restart->wanted, true, __ATOMIC_SEQ_CST);
    restart->config.kick(restart->config.opaque);
}

bool restart_is_wanted(const struct restart *restart)
{
    return __atomic_load_n(&restart->wanted, __ATOMIC_SEQ_CST);
}

void restart_point(struct restart *restart)
{
    const gint64 until = g_get_monotonic_time() + SLICE_US;

    g_mutex_lock(&restart->lock);
    const unsigned round = restart->round;
    restart->standing++;
    if (restart_is_wanted(restart) && restart->standing == restart->config.vcpus) {
        restart->config.begin_again(restart->config.opaque, __atomic_load_n(&restart->by_guest, __ATOMIC_SEQ_CST));
        __atomic_store_n(&restart->wanted, false, __ATOMIC_SEQ_CST);
        restart->round++;
        g_cond_broadcast(&restart->changed);
    }
    while (restart_is_wanted(restart) && restart->round == round && g_cond_wait_until(&restart->changed, &restart->lock, until))
        ;
    restart->standing--;
    g_mutex_unlock(&restart->lock);
}
