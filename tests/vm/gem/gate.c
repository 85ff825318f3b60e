/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gates. See gate.h. */
#include "gate.h"
#include "mi.h"

#include <stdlib.h>

enum { OPEN = 0, ARRIVED = 16 }; /* dwords of the buffer */

struct gate *gate_create(struct gem *gem)
{
    struct gate *gate = calloc(1, sizeof(*gate));

    gate->bo = bo_create(gem, PAGE);
    return gate;
}

void gate_emit(struct gate *gate, struct batch *batch)
{
    mi_store_dword(batch, gate->bo, 4 * ARRIVED, 1);
    mi_flush(batch);
    mi_wait_at_least(batch, gate->bo, 4 * OPEN, 1);
}

static volatile uint32_t *dword(struct gate *gate, unsigned index)
{
    return &gate->bo->map[index];
}

void gate_await(struct gate *gate)
{
    double deadline = now_s() + PATIENCE_S;

    while (!*dword(gate, ARRIVED)) {
        if (now_s() > deadline)
            fail("expected an engine to come to a gate, none there after %d seconds", PATIENCE_S);
        sleep_ms(1);
    }
}

void gate_open(struct gate *gate)
{
    __sync_synchronize();
    *dword(gate, OPEN) = 1;
    __sync_synchronize();
}

void gate_destroy(struct gate *gate)
{
    if (!gate)
        return;
    gate_open(gate);
    bo_destroy(gate->bo);
    free(gate);
}
