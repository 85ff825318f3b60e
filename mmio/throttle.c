/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See throttle.h. Accesses have due times that are one interval apart: the generic cell rate algorithm of ITU-T I.371. */
#include "mmio/throttle.h"

#include <glib.h>

void throttle_init(struct throttle *throttle, uint64_t per_second)
{
    *throttle = (struct throttle){.interval_ns = per_second ? MAX(UINT64_C(1000000000) / per_second, 1u) : 0};
}

uint64_t throttle_take(struct throttle *throttle, uint64_t now_ns)
{
    uint64_t earliest = now_ns > THROTTLE_BURST_NS ? now_ns - THROTTLE_BURST_NS : 0;

    if (!throttle->interval_ns)
        return 0;
    throttle->next_ns = MAX(throttle->next_ns, earliest) + throttle->interval_ns;
    if (throttle->next_ns <= now_ns)
        return 0;
    uint64_t wait = throttle->next_ns - now_ns;
    throttle->delayed++;
    throttle->delayed_ns += wait;
    return wait;
}
