/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shadow page tables, brought up to date at each submission. See ppgtt.h; called by the vGPU's execlists and PVINFO. */
#include "mmio/ppgtt.h"

#include <gio/gio.h>
#include <string.h>

#include "mmio/ppgtt_diff.h"
#include "mmio/ppgtt_pool.h"

#define SIZE_2M (UINT64_C(1) << 21)
#define PTE_CACHE UINT64_C(0x18)           /* PWT, PCD: index into the page attribute table */
#define PTE_PAT (UINT64_C(1) << 7)         /* its third bit in a 4 KiB or 64 KiB entry */
#define PDE_PAT (UINT64_C(1) << 12)        /* ... and in a 2 MiB entry */
enum { IPS_RUN = 16 };                     /* entries of a page table that make one 64 KiB page */

/* One guest table at one level, or (split) a 2 MiB page of the guest that is not contiguous for the GPU. */
struct table {
    uint64_t key;
    unsigned level;
    bool ips;            /* a page table that is read as 64 KiB pages */
    bool split;
    bool stale;          /* all entries must be made again */
    unsigned refs;       /* entries and roots that point here */
    uint64_t pass;       /* the last ppgtt_acquire() that looked at it */
    struct ppgtt_page page;
    uint64_t *seen;      /* the guest's entries that page was made from; split: one entry, the 2 MiB one */
    struct table **child; /* of a directory: what each entry points to, NULL for pages and scratch */
    uint64_t children[PPGTT_ENTRIES / 64]; /* bits of those that are not NULL: most are */
};

struct ppgtt_root {
    bool four_level;
    bool forgotten;
    uint64_t pdp[4];      /* addresses only */
    struct table *top[4]; /* the PML4 in [0], or four page directories */
    unsigned acquired;
    GList link;           /* in ppgtt->roots */
};

struct ppgtt {
    const struct ppgtt_ops *ops;
    void *opaque;
    struct ppgtt_pool pool;
    GHashTable *tables;   /* key -> struct table */
    GQueue roots;         /* most recently used first; forgotten ones are not in it */
    unsigned acquired;    /* sum over all roots */
    uint64_t pass;
    uint64_t next_split;
    unsigned split_budget;
    bool ips;             /* 64 KiB pages were enabled at this pass */
    struct ppgtt_counts counts;
};

static uint64_t table_key(uint64_t gpa, unsigned level, bool ips)
{
    return gpa | level << 1 | ips; /* gpa is a page's address */
}

static uint64_t split_key(struct ppgtt *ppgtt)
{
    return UINT64_C(1) << 63 | ppgtt->next_split++;
}

static void entry_write(struct ppgtt *ppgtt, struct table *table, unsigned index, uint64_t value)
{
    if (table->page.entries[index] == value)
        return;
    ppgtt_entry_set(&table->page.entries[index], value);
    ppgtt->counts.changed++;
    ppgtt->counts.last_changed++;
}

static void table_unref(struct ppgtt *ppgtt, struct table *table)
{
    if (!table || --table->refs)
        return;
    g_hash_table_remove(ppgtt->tables, &table->key);
    /* The page first: from here on no path leads through it to the children. */
    ppgtt_pool_give(&ppgtt->pool, table->level, &table->page);
    for (unsigned i = 0; table->child && i < PPGTT_ENTRIES; i++)
        table_unref(ppgtt, table->child[i]);
    g_free(table->child);
    g_free(table->seen);
    g_free(table);
}

static void root_free(struct ppgtt *ppgtt, struct ppgtt_root *root)
{
    if (!root->forgotten)
        g_queue_unlink(&ppgtt->roots, &root->link);
    for (unsigned i = 0; i < 4; i++)
        table_unref(ppgtt, root->top[i]);
    g_free(root);
}

/* Frees the address space that was used least recently; false when all are acquired. */
static bool evict_one(struct ppgtt *ppgtt)
{
    for (GList *link = ppgtt->roots.tail; link; link = link->prev) {
        struct ppgtt_root *root = link->data;
        if (root->acquired)
            continue;
        root_free(ppgtt, root);
        return true;
    }
    return false;
}

static bool page_take(struct ppgtt *ppgtt, unsigned level, struct ppgtt_page *page, GError **error)
{
    for (;;) {
        g_autoptr(GError) cause = NULL;
        if (ppgtt_pool_take(&ppgtt->pool, level, page, &cause))
            return true;
        /* Only the root that is being brought up to date is held: nothing of this guest runs. */
        if (ppgtt->acquired <= 1) {
            ppgtt_pool_settle(&ppgtt->pool);
            if (ppgtt_pool_take(&ppgtt->pool, level, page, NULL))
                return true;
        }
        if (evict_one(ppgtt))
            continue;
        if (cause)
            g_propagate_error(error, g_steal_pointer(&cause));
        else
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                        "the guest's page tables need more than the %u shadow tables that a vGPU may have", ppgtt->pool.quota);
        return false;
    }
}

static struct table *table_new(struct ppgtt *ppgtt, uint64_t key, unsigned level, GError **error)
{
    struct ppgtt_page page;

    if (!page_take(ppgtt, level, &page, error))
        return NULL;
    struct table *table = g_new0(struct table, 1);
    table->key = key;
    table->level = level;
    table->refs = 1;
    table->page = page;
    if (level > 1)
        table->child = g_new0(struct table *, PPGTT_ENTRIES);
    g_hash_table_insert(ppgtt->tables, &table->key, table);
    return table;
}

/* The shadow of the guest table at gpa, with a reference for the caller. A new one stands for an empty table until it is compared. */
static struct table *table_get(struct ppgtt *ppgtt, uint64_t gpa, unsigned level, bool ips, GError **error)
{
    uint64_t key = table_key(gpa, level, ips);
    struct table *table = g_hash_table_lookup(ppgtt->tables, &key);

    if (table) {
        table->refs++;
        return table;
    }
    table = table_new(ppgtt, key, level, error);
    if (table) {
        table->ips = ips;
        table->seen = g_new0(uint64_t, PPGTT_ENTRIES);
    }
    return table;
}

/* Entry of a page table for the guest page at gpa with the rights and attributes in flags. */
static uint64_t leaf(struct ppgtt *ppgtt, uint64_t gpa, uint64_t flags)
{
    uint64_t iova, span;
    bool writable;

    if (!ppgtt->ops->translate(ppgtt->opaque, gpa, &iova, &span, &writable))
        return ppgtt->pool.scratch[1];
    return iova | (writable ? flags : flags & ~PTE_WRITE);
}

static uint64_t leaf_flags(uint64_t entry)
{
    return entry & (PTE_PRESENT | PTE_WRITE | PTE_CACHE | PTE_PAT);
}

static uint64_t huge_flags(uint64_t entry)
{
    return (entry & (PTE_PRESENT | PTE_WRITE | PTE_CACHE)) | (entry & PDE_PAT ? PTE_PAT : 0);
}

static void split_entries(struct ppgtt *ppgtt, uint64_t entry, uint64_t entries[PPGTT_ENTRIES])
{
    for (unsigned i = 0; i < PPGTT_ENTRIES; i++)
        entries[i] = leaf(ppgtt, (entry & PTE_2M_ADDRESS) + i * UINT64_C(4096), huge_flags(entry));
}

static void split_fill(struct ppgtt *ppgtt, struct table *table, const uint64_t entries[PPGTT_ENTRIES])
{
    for (unsigned i = 0; i < PPGTT_ENTRIES; i++)
        entry_write(ppgtt, table, i, entries[i]);
    table->stale = false;
}

/*
 * A page table for a 2 MiB page that the GPU cannot map as one. *table is NULL when nothing of the page is guest memory. False when it
 * is one too many.
 */
static bool split_new(struct ppgtt *ppgtt, uint64_t entry, struct table **table, GError **error)
{
    uint64_t entries[PPGTT_ENTRIES];
    unsigned i = 0;

    *table = NULL;
    if (ppgtt->split_budget == 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "the guest maps too many 2 MiB pages that have to be split");
        return false;
    }
    ppgtt->split_budget--;
    split_entries(ppgtt, entry, entries);
    while (i < PPGTT_ENTRIES && entries[i] == ppgtt->pool.scratch[1])
        i++;
    if (i == PPGTT_ENTRIES)
        return true;
    *table = table_new(ppgtt, split_key(ppgtt), 1, error);
    if (!*table)
        return false;
    (*table)->split = true;
    (*table)->seen = g_new0(uint64_t, 1);
    (*table)->seen[0] = entry;
    split_fill(ppgtt, *table, entries);
    return true;
}

static void page_table_refresh(struct ppgtt *ppgtt, struct table *table, unsigned index)
{
    uint64_t entry = table->seen[index];

    if (!table->ips) {
        entry_write(ppgtt, table, index,
                    entry & PTE_PRESENT ? leaf(ppgtt, entry & PTE_ADDRESS, leaf_flags(entry)) : ppgtt->pool.scratch[1]);
        return;
    }
    /* The hardware reads one entry in 16 of a table of 64 KiB pages; the shadow maps the same pages one by one. */
    if (index % IPS_RUN)
        return;
    for (unsigned i = 0; i < IPS_RUN; i++)
        entry_write(ppgtt, table, index + i,
                    entry & PTE_PRESENT ? leaf(ppgtt, (entry & PTE_64K_ADDRESS) + i * UINT64_C(4096), leaf_flags(entry))
                                        : ppgtt->pool.scratch[1]);
}

static bool directory_refresh(struct ppgtt *ppgtt, struct table *table, unsigned index, GError **error)
{
    uint64_t entry = table->seen[index], value = ppgtt->pool.scratch[table->level], iova, span;
    struct table *before = table->child[index], *child = NULL;
    bool writable, huge = table->level == 2 && (entry & PDE_PAGE_2M), ok = true;

    /* Bit 7 one level up would be a page of 1 GiB, which Gen9 does not have. */
    if (!(entry & PTE_PRESENT) || (table->level == 3 && (entry & PDE_PAGE_2M))) {
        child = NULL;
    } else if (huge && ppgtt->ops->translate(ppgtt->opaque, entry & PTE_2M_ADDRESS, &iova, &span, &writable) &&
               span >= SIZE_2M && (iova & (SIZE_2M - 1)) == 0) {
        value = iova | PDE_PAGE_2M | (entry & (PTE_PRESENT | PTE_WRITE | PTE_CACHE | PDE_PAT));
        if (!writable)
            value &= ~PTE_WRITE;
    } else {
        if (huge) {
            ok = split_new(ppgtt, entry, &child, error);
        } else {
            child = table_get(ppgtt, entry & PTE_ADDRESS, table->level - 1,
                              table->level == 2 && ppgtt->ips && (entry & PDE_IPS_64K), error);
            ok = child != NULL;
        }
        if (child)
            value = child->page.iova | (entry & (PTE_PRESENT | PTE_WRITE));
    }
    entry_write(ppgtt, table, index, value);
    table->child[index] = child;
    if (child)
        table->children[index / 64] |= UINT64_C(1) << (index % 64);
    else
        table->children[index / 64] &= ~(UINT64_C(1) << (index % 64));
    table_unref(ppgtt, before);
    return ok;
}

static bool table_sync(struct ppgtt *ppgtt, struct table *table, GError **error)
{
    static const uint64_t empty[PPGTT_ENTRIES] = {0};
    uint64_t changed[PPGTT_ENTRIES / 64] = {0};
    bool any;

    if (table->pass == ppgtt->pass)
        return true;
    table->pass = ppgtt->pass;
    if (table->split) {
        if (table->stale) {
            uint64_t entries[PPGTT_ENTRIES];
            split_entries(ppgtt, table->seen[0], entries);
            split_fill(ppgtt, table, entries);
        }
        return true;
    }

    const void *guest = ppgtt->ops->page_enter(ppgtt->opaque, table->key & PTE_ADDRESS);
    any = ppgtt_diff(guest ? guest : empty, table->seen, changed);
    if (guest)
        ppgtt->ops->page_leave(ppgtt->opaque);
    ppgtt->counts.compared++;
    ppgtt->counts.last_compared++;
    if (table->stale) {
        memset(changed, 0xff, sizeof(changed));
        any = true;
        table->stale = false;
    }

    for (unsigned word = 0; any && word < G_N_ELEMENTS(changed); word++) {
        for (; changed[word]; changed[word] &= changed[word] - 1) {
            unsigned index = word * 64 + (unsigned)__builtin_ctzll(changed[word]);
            if (table->level == 1) {
                page_table_refresh(ppgtt, table, index);
            } else if (!directory_refresh(ppgtt, table, index, error)) {
                table->stale = true;
                return false;
            }
        }
    }
    for (unsigned word = 0; table->child && word < G_N_ELEMENTS(table->children); word++) {
        for (uint64_t left = table->children[word]; left; left &= left - 1) {
            struct table *child = table->child[word * 64 + (unsigned)__builtin_ctzll(left)];
            if (child->pass != ppgtt->pass && !table_sync(ppgtt, child, error))
                return false;
        }
    }
    return true;
}

static void stale_one(void *key, void *value, void *opaque)
{
    ((struct table *)value)->stale = true;
}

static struct ppgtt_root *root_find(struct ppgtt *ppgtt, bool four_level, const uint64_t pdp[4])
{
    for (GList *link = ppgtt->roots.head; link; link = link->next) {
        struct ppgtt_root *root = link->data;
        if (root->four_level != four_level)
            continue;
        unsigned i = 0;
        while (i < (four_level ? 1 : 4) && root->pdp[i] == (pdp[i] & PTE_ADDRESS))
            i++;
        if (i == (four_level ? 1 : 4))
            return root;
    }
    return NULL;
}

struct ppgtt *ppgtt_create(const struct ppgtt_ops *ops, void *opaque, unsigned quota, GError **error)
{
    struct ppgtt *ppgtt = g_new0(struct ppgtt, 1);

    ppgtt->ops = ops;
    ppgtt->opaque = opaque;
    ppgtt->tables = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_queue_init(&ppgtt->roots);
    if (!ppgtt_pool_init(&ppgtt->pool, ops, opaque, quota ? quota : PPGTT_DEFAULT_QUOTA, error)) {
        ppgtt_destroy(ppgtt);
        return NULL;
    }
    return ppgtt;
}

void ppgtt_destroy(struct ppgtt *ppgtt)
{
    if (!ppgtt)
        return;
    while (ppgtt->roots.tail)
        root_free(ppgtt, ppgtt->roots.tail->data);
    g_hash_table_unref(ppgtt->tables);
    ppgtt_pool_finish(&ppgtt->pool);
    g_free(ppgtt);
}

bool ppgtt_refresh(struct ppgtt *ppgtt, struct ppgtt_root *root, GError **error)
{
    bool ips = ppgtt->ops->ips_enabled(ppgtt->opaque);

    if (ips != ppgtt->ips) {
        ppgtt->ips = ips;
        g_hash_table_foreach(ppgtt->tables, stale_one, NULL);
    }
    ppgtt->pass++;
    ppgtt->split_budget = ppgtt->pool.quota;
    ppgtt->counts.last_compared = ppgtt->counts.last_changed = 0;
    for (unsigned i = 0; i < (root->four_level ? 1 : 4); i++) {
        if (!root->top[i])
            root->top[i] = table_get(ppgtt, root->pdp[i], root->four_level ? 4 : 2, false, error);
        if (!root->top[i] || !table_sync(ppgtt, root->top[i], error))
            return false;
    }
    return true;
}

struct ppgtt_root *ppgtt_acquire(struct ppgtt *ppgtt, bool four_level, const uint64_t pdp[4], uint64_t shadow[4], GError **error)
{
    struct ppgtt_root *root = root_find(ppgtt, four_level, pdp);

    if (root) {
        g_queue_unlink(&ppgtt->roots, &root->link);
    } else {
        root = g_new0(struct ppgtt_root, 1);
        root->link.data = root;
        root->four_level = four_level;
        for (unsigned i = 0; i < (four_level ? 1 : 4); i++)
            root->pdp[i] = pdp[i] & PTE_ADDRESS;
        while (g_queue_get_length(&ppgtt->roots) >= PPGTT_MAX_ROOTS && evict_one(ppgtt))
            ;
    }
    g_queue_push_head_link(&ppgtt->roots, &root->link);
    root->acquired++;
    ppgtt->acquired++;

    if (!ppgtt_refresh(ppgtt, root, error)) {
        ppgtt_release(ppgtt, root);
        return NULL;
    }
    for (unsigned i = 0; i < 4; i++)
        shadow[i] = root->top[i] ? root->top[i]->page.iova : 0;
    return root;
}

void ppgtt_release(struct ppgtt *ppgtt, struct ppgtt_root *root)
{
    if (!root)
        return;
    root->acquired--;
    ppgtt->acquired--;
    if (root->forgotten && !root->acquired)
        root_free(ppgtt, root);
}

static void root_forget(struct ppgtt *ppgtt, struct ppgtt_root *root)
{
    if (!root->acquired) {
        root_free(ppgtt, root);
        return;
    }
    g_queue_unlink(&ppgtt->roots, &root->link);
    root->forgotten = true;
}

void ppgtt_forget(struct ppgtt *ppgtt, bool four_level, const uint64_t pdp[4])
{
    struct ppgtt_root *root = root_find(ppgtt, four_level, pdp);

    if (root)
        root_forget(ppgtt, root);
}

void ppgtt_forget_all(struct ppgtt *ppgtt)
{
    while (ppgtt->roots.tail)
        root_forget(ppgtt, ppgtt->roots.tail->data);
}

void ppgtt_memory_mapped(struct ppgtt *ppgtt)
{
    g_hash_table_foreach(ppgtt->tables, stale_one, NULL);
}

void ppgtt_memory_unmapping(struct ppgtt *ppgtt, uint64_t iova, uint64_t size)
{
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, ppgtt->tables);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct table *table = value;
        for (unsigned i = 0; i < PPGTT_ENTRIES; i++) {
            uint64_t entry = table->page.entries[i], bytes = table->level == 1 ? 4096 : SIZE_2M;
            if (table->level > 2 || (table->level == 2 && !(entry & PDE_PAGE_2M)))
                continue;
            uint64_t at = entry & (table->level == 1 ? PTE_ADDRESS : PTE_2M_ADDRESS);
            if (at + bytes <= iova || at >= iova + size)
                continue;
            ppgtt_entry_set(&table->page.entries[i], ppgtt->pool.scratch[table->level]);
            table->stale = true;
        }
    }
}

uint64_t ppgtt_scratch(const struct ppgtt *ppgtt)
{
    return ppgtt->pool.scratch[1] & PTE_ADDRESS;
}

void ppgtt_count(const struct ppgtt *ppgtt, struct ppgtt_counts *counts)
{
    *counts = ppgtt->counts;
    counts->tables = g_hash_table_size(ppgtt->tables);
    counts->roots = ppgtt->roots.length;
}

void ppgtt_usage(const struct ppgtt *ppgtt, unsigned *taken, unsigned *quota)
{
    *taken = __atomic_load_n(&ppgtt->pool.taken, __ATOMIC_RELAXED);
    *quota = ppgtt->pool.quota;
}
