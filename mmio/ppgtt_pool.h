/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for shadow page tables: 4 KiB pages out of larger buffers, up to a quota. A page that was a table of one level is
 * reused for that level only, until pool_settle() says that no GPU can remember it. Used by ppgtt.c.
 */
#ifndef MEDIANT_MMIO_PPGTT_POOL_H
#define MEDIANT_MMIO_PPGTT_POOL_H

#include "mmio/ppgtt.h"

struct ppgtt_page {
    uint64_t *entries; /* PPGTT_ENTRIES; the GPU reads them at any time: write with ppgtt_entry_set() */
    uint64_t iova;
};

struct ppgtt_pool {
    const struct ppgtt_ops *ops;
    void *opaque;
    unsigned quota, taken;            /* pages ever taken out of the buffers */
    GArray *buffers;                  /* struct gpu_buffer */
    GArray *free[PPGTT_LEVELS + 1];   /* struct ppgtt_page by level; [0] for pages free for any level */
    uint64_t scratch[PPGTT_LEVELS + 1]; /* what an entry that leads nowhere holds, by the level of its table ([0] unused) */
};

/* Also makes the scratch page and a table of each level below the top that leads to it. */
bool ppgtt_pool_init(struct ppgtt_pool *pool, const struct ppgtt_ops *ops, void *opaque, unsigned quota, GError **error);
void ppgtt_pool_finish(struct ppgtt_pool *pool); /* a zeroed pool is allowed */

/* A page with every entry at scratch. False when the quota is used up (no *error) or memory is not to be had (*error). */
bool ppgtt_pool_take(struct ppgtt_pool *pool, unsigned level, struct ppgtt_page *page, GError **error);
/* Points every entry at scratch and keeps the page for this level. */
void ppgtt_pool_give(struct ppgtt_pool *pool, unsigned level, const struct ppgtt_page *page);
/* No GPU can hold a path through a free page: they are free for any level. */
void ppgtt_pool_settle(struct ppgtt_pool *pool);

static inline void ppgtt_entry_set(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

#endif
