/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page table walks of Gen9: the global GTT, and per-process GTTs of four levels (48 bits) or of three (32 bits, four page
 * directory pointers). Called by memory.c on a TLB miss. Source: PRM SKL vol. 5, "Memory Views: GTT" and "PPGTT"; Linux 6.1 i915
 * gt/gen8_ppgtt.c.
 *
 * Tables lie in guest memory and change at any time: each entry is read once, as one 64-bit access.
 */
#include "gpu/defs/formats.h"
#include "gpu/model/model_internal.h"

enum {
    PAGE_SHIFT = 12,
    INDEX_BITS = 9,
    /* GAMW_ECO_DEV_RW_IA: the field that makes bit 11 of a page directory entry mean 64 KiB pages (i915 gtt_write_workarounds). */
    GAMW_ECO_ENABLE_64K_IPS = 0xf,
    PPGTT_4L_BITS = 48,
    PPGTT_3L_BITS = 32,
};

enum mem_fault walk_ggtt(struct model *model, uint64_t addr, struct translation *t)
{
    uint64_t pte;

    t->level = 0;
    if (addr >> PAGE_SHIFT >= GGTT_ENTRIES)
        return MEM_NOT_PRESENT;
    pte = __atomic_load_n(&model->ggtt[addr >> PAGE_SHIFT], __ATOMIC_RELAXED);
    if (!(pte & PTE_PRESENT))
        return MEM_NOT_PRESENT;
    t->dma = pte & PTE_ADDRESS;
    t->bytes = 1 << PAGE_SHIFT;
    t->writable = true; /* entries of the global GTT have no write bit */
    return MEM_OK;
}

static unsigned index_at(uint64_t addr, unsigned level)
{
    return addr >> (PAGE_SHIFT + INDEX_BITS * level) & ((1 << INDEX_BITS) - 1);
}

static bool read_entry(struct model *model, uint64_t table, unsigned index, uint64_t *entry)
{
    uint64_t *ptr = dma_space_ptr(model->dma, table + 8 * index, sizeof(*ptr), DMA_READ);

    if (!ptr)
        return false;
    *entry = __atomic_load_n(ptr, __ATOMIC_RELAXED);
    return true;
}

enum mem_fault walk_ppgtt(struct model *model, bool four_level, const uint64_t pdp[4], uint64_t addr, struct translation *t)
{
    uint64_t table = (four_level ? pdp[0] : pdp[addr >> 30 & 3]) & PTE_ADDRESS;
    unsigned level = four_level ? 3 : 1;
    bool writable = true, pages_64k = false;
    uint64_t entry;

    t->level = level;
    if (addr >> (four_level ? PPGTT_4L_BITS : PPGTT_3L_BITS))
        return MEM_NOT_PRESENT;
    for (;; level--) {
        unsigned index = index_at(addr, level);

        t->level = level;
        if (level == 0 && pages_64k)
            index &= ~0xfu;
        if (!read_entry(model, table, index, &entry))
            return MEM_BAD_DMA;
        if (!(entry & PTE_PRESENT))
            return MEM_NOT_PRESENT;
        writable &= !!(entry & PTE_WRITE);
        if (level == 0 || (level < 3 && (entry & PDE_PAGE_2M)))
            break;
        table = entry & PTE_ADDRESS;
        if (level == 1)
            pages_64k = (entry & PDE_IPS_64K) &&
                        (model_reg(model, R_GEN8_GAMW_ECO_DEV_RW_IA) & GAMW_ECO_ENABLE_64K_IPS) == GAMW_ECO_ENABLE_64K_IPS;
    }
    t->bytes = UINT64_C(1) << (PAGE_SHIFT + INDEX_BITS * level);
    if (level == 0 && pages_64k)
        t->bytes <<= 4;
    t->dma = entry & PTE_ADDRESS & ~(t->bytes - 1);
    t->writable = writable;
    return MEM_OK;
}
