/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for shadow page tables, with the scratch page and the scratch tables. Called by ppgtt.c. */
#include "mmio/ppgtt_pool.h"

enum {
    PAGE = 4096,
    FIRST_PAGES = 16, /* of the first buffer; later ones double up to MAX_PAGES */
    MAX_PAGES = 512,
};

static bool grow(struct ppgtt_pool *pool, GError **error)
{
    unsigned pages = FIRST_PAGES << MIN(pool->buffers->len, 5u);
    struct gpu_buffer buffer = {0};

    pages = MIN(MIN(pages, (unsigned)MAX_PAGES), pool->quota - pool->taken);
    if (pages == 0)
        return false;
    if (!pool->ops->memory_alloc(pool->opaque, &buffer, (uint64_t)pages * PAGE, error))
        return false;
    g_array_append_val(pool->buffers, buffer);
    __atomic_store_n(&pool->taken, pool->taken + pages, __ATOMIC_RELAXED);
    for (unsigned i = pages; i-- > 0;) {
        struct ppgtt_page page = {(uint64_t *)(void *)(buffer.host + (size_t)i * PAGE), buffer.iova + (uint64_t)i * PAGE};
        g_array_append_val(pool->free[0], page);
    }
    return true;
}

static bool pop(GArray *pages, struct ppgtt_page *page)
{
    if (pages->len == 0)
        return false;
    *page = g_array_index(pages, struct ppgtt_page, pages->len - 1);
    g_array_set_size(pages, pages->len - 1);
    return true;
}

static void fill(const struct ppgtt_page *page, uint64_t value)
{
    for (unsigned i = 0; i < PPGTT_ENTRIES; i++)
        ppgtt_entry_set(&page->entries[i], value);
}

bool ppgtt_pool_init(struct ppgtt_pool *pool, const struct ppgtt_ops *ops, void *opaque, unsigned quota, GError **error)
{
    struct ppgtt_page page;

    *pool = (struct ppgtt_pool){.ops = ops, .opaque = opaque, .quota = quota + PPGTT_LEVELS};
    pool->buffers = g_array_new(FALSE, FALSE, sizeof(struct gpu_buffer));
    for (unsigned level = 0; level <= PPGTT_LEVELS; level++)
        pool->free[level] = g_array_new(FALSE, FALSE, sizeof(struct ppgtt_page));
    if (!grow(pool, error))
        return false;
    /* The scratch page, then for each level below the top a table whose entries all lead there. */
    for (unsigned level = 1; level <= PPGTT_LEVELS; level++) {
        if (!pop(pool->free[0], &page) && (!grow(pool, error) || !pop(pool->free[0], &page)))
            return false;
        if (level > 1)
            fill(&page, pool->scratch[level - 1]);
        pool->scratch[level] = page.iova | PTE_PRESENT | PTE_WRITE;
    }
    return true;
}

void ppgtt_pool_finish(struct ppgtt_pool *pool)
{
    for (unsigned i = 0; pool->buffers && i < pool->buffers->len; i++)
        pool->ops->memory_free(pool->opaque, &g_array_index(pool->buffers, struct gpu_buffer, i));
    g_clear_pointer(&pool->buffers, g_array_unref);
    for (unsigned level = 0; level <= PPGTT_LEVELS; level++)
        g_clear_pointer(&pool->free[level], g_array_unref);
}

bool ppgtt_pool_take(struct ppgtt_pool *pool, unsigned level, struct ppgtt_page *page, GError **error)
{
    if (pop(pool->free[level], page))
        return true; /* given back with its entries at scratch */
    if (!pop(pool->free[0], page) && (!grow(pool, error) || !pop(pool->free[0], page)))
        return false;
    fill(page, pool->scratch[level]);
    return true;
}

void ppgtt_pool_give(struct ppgtt_pool *pool, unsigned level, const struct ppgtt_page *page)
{
    fill(page, pool->scratch[level]);
    g_array_append_val(pool->free[level], *page);
}

void ppgtt_pool_settle(struct ppgtt_pool *pool)
{
    for (unsigned level = 1; level <= PPGTT_LEVELS; level++) {
        g_array_append_vals(pool->free[0], pool->free[level]->data, pool->free[level]->len);
        g_array_set_size(pool->free[level], 0);
    }
}
