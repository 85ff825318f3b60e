/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gate holds an engine until the CPU opens it: MI_SEMAPHORE_WAIT on a dword in memory. Checks hold engines for a fraction of a second
 * only, as an engine that is held longer may be taken for hung. Used by fence.c, priority.c and hang.c; gate.c.
 */
#ifndef GEMCHECK_GATE_H
#define GEMCHECK_GATE_H

#include "gem.h"

struct gate {
    struct bo *bo;
};

struct gate *gate_create(struct gem *gem);
/* What follows in the batch waits for gate_open(). */
void gate_emit(struct gate *gate, struct batch *batch);
/* Waits until an engine stands at the gate; fails when none comes. */
void gate_await(struct gate *gate);
void gate_open(struct gate *gate);
/* Opens it as well; the batches that use it must have ended. */
void gate_destroy(struct gate *gate);

#endif
