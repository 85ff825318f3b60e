/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the cases of the hostile guest share. A case does its worst for a moment and returns; see hostile.c. */
#ifndef MEDIANT_GUEST_HOSTILE_H
#define MEDIANT_GUEST_HOSTILE_H

#include "gpu.h"
#include "guest.h"
#include "mi.h"
#include "regs.h"

struct hostile {
    struct gpu gpu;
    struct ppgtt vm;
    struct context ctx[ENGINE_COUNT];
    struct batch batch; /* in the per-process GTT, rewritten by each case */
    uint8_t *memory;    /* in the per-process GTT at MEMORY_VA, in the global one at memory_gma */
    uint32_t memory_gma;
    uint64_t random_state;
    unsigned ms; /* how long a case goes on that could go on for ever */
};

enum { MEMORY_BYTES = 1 << 20, BATCH_BYTES = 65536 };
#define MEMORY_VA 0x40000000ull
#define BATCH_VA 0x50000000ull
#define NOT_MAPPED_VA 0x123456789000ull

uint64_t random64(struct hostile *h);
static inline uint32_t random32(struct hostile *h) { return (uint32_t)(random64(h) >> 16); }
static inline uint32_t random_below(struct hostile *h, uint32_t limit) { return random32(h) % limit; }
/* Time for a case: true until h->ms after start. */
bool goes_on(const struct hostile *h, uint64_t start);
/* A number that somebody is likely to have forgotten: 0, all ones, powers of two, neighbours of them, or any. */
uint64_t awkward64(struct hostile *h);

/* Global graphics addresses that are not the guest's own: the neighbours' and the host's partitions. */
uint32_t foreign_gma(struct hostile *h);

/* Submits what the context's ring holds and waits a moment (h->ms at most) for its end. */
bool shoot(struct hostile *h, unsigned engine);
/* The same with only these dwords in the ring or, with call set, in a batch of the per-process GTT. */
bool shoot_ring(struct hostile *h, unsigned engine, const uint32_t *dwords, unsigned count);
bool shoot_batch(struct hostile *h, unsigned engine, const uint32_t *dwords, unsigned count);
void elsp_write(struct hostile *h, unsigned engine, uint64_t first, uint64_t second);
/* A graphics reset of these GDRST bits; false when it does not end. */
bool graphics_reset(struct hostile *h, uint32_t domains);
/* Fresh registers, contexts and page tables, as a driver that has just been loaded. */
void start_over(struct hostile *h);

struct hostile_case {
    const char *name;
    void (*run)(struct hostile *h);
};
/* One table for each file; terminated by an entry without a name. */
extern const struct hostile_case register_cases[], memory_cases[], command_cases[], context_cases[];

#endif
