/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory as the engines see it: translation through a TLB for each engine, pinned host pointers, copies, fault registers. Called by the
 * command streamer and the blitter on the engine's thread; the last two functions by any other unit.
 *
 * The TLB keeps a translation until it is invalidated, as hardware's does: a guest that forgets to invalidate sees stale memory here too.
 * It is also emptied when the DMA view changes, since it holds host pointers (hardware may drop entries at any time).
 * Entries carry the epoch in which they were made, so that invalidation is one increment.
 */
#include <string.h>

#include "gpu/blocks/regfile.h"
#include "gpu/defs/formats.h"
#include "gpu/model/model_internal.h"

enum {
    PAGE_BITS = 12,
    PAGE_BYTES = 1 << PAGE_BITS,
    HUGE_BITS = 21,
    HUGE_BYTES = 1 << HUGE_BITS,
    PPGTT_TLB_BITS = 11, /* entries of 4 KiB pages */
    GGTT_TLB_BITS = 9,
    HUGE_TLB_BITS = 7, /* entries of 2 MiB */
    EPOCH_BITS = 24,
};

/* The block of (up to) 2 MiB or of one or more pages that starts at a page. */
struct tlb_entry {
    uint64_t tag;   /* page or block number << EPOCH_BITS | epoch; epochs start at 1, so 0 is empty */
    uint8_t *host;
    uint32_t bytes; /* contiguous from host on */
    uint32_t prot;  /* enum dma_prot: rights by page tables and DMA view together */
};

struct tlb {
    struct tlb_entry *entries;
    unsigned bits;
    uint32_t epoch;
};

struct engine_memory {
    struct model *model;
    unsigned engine;
    bool four_level;
    uint64_t pdp[4];
    struct tlb ppgtt, huge, ggtt;
    uint64_t ggtt_flushes;    /* the model's count that the GGTT entries are good for */
    struct dma_space *dma;    /* the view and its generation that all entries are good for */
    uint64_t generation;
    bool in_section;
    uint8_t dropped[PAGE_BYTES] __attribute__((aligned(8))); /* what was written to read-only pages */
};

/* The global GTT's blocks are never huge, so only per-process pages use that TLB. */
static void tlb_init(struct tlb *tlb, unsigned bits)
{
    tlb->entries = g_new0(struct tlb_entry, 1u << bits);
    tlb->bits = bits;
    tlb->epoch = 1;
}

static void tlb_flush(struct tlb *tlb)
{
    if (++tlb->epoch >> EPOCH_BITS) {
        memset(tlb->entries, 0, sizeof(*tlb->entries) << tlb->bits);
        tlb->epoch = 1;
    }
}

/* Multiplicative hash: source and destination of a copy often differ by a power of two. */
static inline struct tlb_entry *tlb_slot(const struct tlb *tlb, uint64_t number)
{
    return &tlb->entries[number * UINT64_C(0x9e3779b97f4a7c15) >> (64 - tlb->bits)];
}

static inline uint64_t tlb_tag(const struct tlb *tlb, uint64_t number)
{
    return number << EPOCH_BITS | tlb->epoch;
}

struct engine_memory *engine_memory_create(struct model *model, unsigned engine)
{
    struct engine_memory *memory = g_new0(struct engine_memory, 1);

    memory->model = model;
    memory->engine = engine;
    tlb_init(&memory->ppgtt, PPGTT_TLB_BITS);
    tlb_init(&memory->huge, HUGE_TLB_BITS);
    tlb_init(&memory->ggtt, GGTT_TLB_BITS);
    return memory;
}

void engine_memory_destroy(struct engine_memory *memory)
{
    if (!memory)
        return;
    g_free(memory->ppgtt.entries);
    g_free(memory->huge.entries);
    g_free(memory->ggtt.entries);
    g_free(memory);
}

static void flush_ppgtt(struct engine_memory *memory)
{
    tlb_flush(&memory->ppgtt);
    tlb_flush(&memory->huge);
}

void engine_memory_set_roots(struct engine_memory *memory, bool four_level, const uint64_t pdp[4])
{
    memory->four_level = four_level;
    memcpy(memory->pdp, pdp, sizeof(memory->pdp));
    flush_ppgtt(memory);
}

void engine_memory_invalidate(struct engine_memory *memory)
{
    flush_ppgtt(memory);
    tlb_flush(&memory->ggtt);
}

void engine_memory_enter(struct engine_memory *memory)
{
    struct dma_space *dma = memory->model->dma;
    uint64_t generation;

    g_assert(!memory->in_section);
    memory->in_section = true;
    dma_space_enter(dma);
    generation = dma_space_generation(dma);
    if (dma != memory->dma || generation != memory->generation) {
        engine_memory_invalidate(memory);
        memory->dma = dma;
        memory->generation = generation;
    }
}

void engine_memory_leave(struct engine_memory *memory)
{
    g_assert(memory->in_section);
    memory->in_section = false;
    dma_space_leave(memory->dma);
}

/*
 * Fault registers keep the first fault until software clears the valid bit. i915 gt/intel_gt_regs.h RING_FAULT_*, FAULT_GTT_SEL;
 * PRM SKL vol. 2c "FAULT_REG" (engine numbers, type: the level that was not present).
 */
enum {
    FAULT_VALID = 1 << 0,
    FAULT_TYPE_SHIFT = 1,
    FAULT_GTT_SELECT = 1 << 11,
    FAULT_ENGINE_SHIFT = 12,
    FAULT_DATA1_GGTT = 1 << 4,
};

static void record_fault(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, enum mem_fault fault, unsigned level)
{
    static const uint8_t fault_engine[ENGINE_COUNT] = {
        [ENGINE_RCS0] = 0, [ENGINE_VCS0] = 1, [ENGINE_VECS0] = 3, [ENGINE_BCS0] = 4};
    struct model *model = memory->model;

    g_mutex_lock(&model->fault_lock);
    if (!(model_reg(model, R_GEN8_RING_FAULT) & FAULT_VALID)) {
        model_reg_set(model, R_GEN8_FAULT_TLB_DATA0, addr >> PAGE_BITS);
        model_reg_set(model, R_GEN8_FAULT_TLB_DATA1, (addr >> 44 & 0xf) | (vm == VM_GGTT ? FAULT_DATA1_GGTT : 0));
        model_reg_set(model, R_GEN8_RING_FAULT,
                      FAULT_VALID | level << FAULT_TYPE_SHIFT | (vm == VM_GGTT ? FAULT_GTT_SELECT : 0) |
                          (uint32_t)fault_engine[memory->engine] << FAULT_ENGINE_SHIFT);
    }
    g_mutex_unlock(&model->fault_lock);
    trace_emit(model->trace, TRACE_FAULT, model->vgpu, memory->engine, addr, fault);
}

/* What the DMA view grants of the wanted rights at a page of a block: the most it can, so that one entry serves reads and writes. */
static uint8_t *view(struct engine_memory *memory, uint64_t dma, bool writable, unsigned *prot, uint64_t *bytes)
{
    uint8_t *host = NULL;

    if (writable && (host = dma_space_span(memory->dma, dma, DMA_RW, bytes)))
        *prot = DMA_RW;
    else if ((host = dma_space_span(memory->dma, dma, DMA_READ, bytes)))
        *prot = DMA_READ;
    else if (writable && (host = dma_space_span(memory->dma, dma, DMA_WRITE, bytes)))
        *prot = DMA_WRITE;
    return host;
}

/* Walks and fills the TLB; the entry may be one of another page's slot. NULL and *fault when the access is not possible. */
static const struct tlb_entry *miss(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, bool write,
                                    enum mem_fault *fault, uint64_t *start)
{
    uint64_t page = addr >> PAGE_BITS, bytes;
    struct translation t = {0};
    struct tlb_entry *e;
    unsigned prot = 0;
    uint8_t *host;

    if (vm == VM_GGTT)
        *fault = walk_ggtt(memory->model, addr, &t);
    else
        *fault = walk_ppgtt(memory->model, memory->four_level, memory->pdp, addr, &t);
    if (*fault == MEM_OK && write && !t.writable)
        *fault = MEM_READ_ONLY;
    if (*fault != MEM_OK) {
        if (*fault != MEM_READ_ONLY)
            record_fault(memory, vm, addr, *fault, t.level);
        return NULL;
    }

    if (t.bytes >= HUGE_BYTES) {
        uint64_t block = addr >> HUGE_BITS;
        host = view(memory, t.dma + ((block << HUGE_BITS) & (t.bytes - 1)), t.writable, &prot, &bytes);
        if (host && bytes >= HUGE_BYTES && (prot & (write ? DMA_WRITE : DMA_READ))) {
            e = tlb_slot(&memory->huge, block);
            *e = (struct tlb_entry){tlb_tag(&memory->huge, block), host, HUGE_BYTES, prot};
            *start = block << HUGE_BITS;
            return e;
        }
    }

    uint64_t in_block = (page << PAGE_BITS) & (t.bytes - 1);
    host = view(memory, t.dma + in_block, t.writable, &prot, &bytes);
    if (!host || !(prot & (write ? DMA_WRITE : DMA_READ))) {
        *fault = MEM_BAD_DMA;
        record_fault(memory, vm, addr, *fault, 0);
        return NULL;
    }
    struct tlb *tlb = vm == VM_GGTT ? &memory->ggtt : &memory->ppgtt;
    e = tlb_slot(tlb, page);
    *e = (struct tlb_entry){tlb_tag(tlb, page), host, MIN(MIN(bytes, t.bytes - in_block), (uint64_t)HUGE_BYTES), prot};
    *start = page << PAGE_BITS;
    return e;
}

/* Addresses in commands are canonical: bits 63:48 repeat bit 47. */
static inline uint64_t canonical(uint64_t addr)
{
    return (int64_t)addr < 0 && (int64_t)addr >> 47 == -1 ? addr & ((UINT64_C(1) << 48) - 1) : addr;
}

static void *map(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, size_t *len, bool write, enum mem_fault *fault)
{
    unsigned need = write ? DMA_WRITE : DMA_READ;
    const struct tlb_entry *e;
    uint64_t start;

    if (vm == VM_GGTT) {
        uint64_t flushes = __atomic_load_n(&memory->model->ggtt_flushes, __ATOMIC_ACQUIRE);
        if (flushes != memory->ggtt_flushes) {
            memory->ggtt_flushes = flushes;
            tlb_flush(&memory->ggtt);
        }
        start = addr & ~(uint64_t)(PAGE_BYTES - 1);
        e = tlb_slot(&memory->ggtt, addr >> PAGE_BITS);
        if (e->tag == tlb_tag(&memory->ggtt, addr >> PAGE_BITS) && addr >> PAGE_BITS < GGTT_ENTRIES && (e->prot & need))
            goto hit;
    } else {
        addr = canonical(addr);
        start = addr & ~(uint64_t)(PAGE_BYTES - 1);
        e = tlb_slot(&memory->ppgtt, addr >> PAGE_BITS);
        if (e->tag == tlb_tag(&memory->ppgtt, addr >> PAGE_BITS) && !(addr >> 48) && (e->prot & need))
            goto hit;
        start = addr & ~(uint64_t)(HUGE_BYTES - 1);
        e = tlb_slot(&memory->huge, addr >> HUGE_BITS);
        if (e->tag == tlb_tag(&memory->huge, addr >> HUGE_BITS) && !(addr >> 48) && (e->prot & need))
            goto hit;
    }
    e = miss(memory, vm, addr, write, fault, &start);
    if (!e)
        return NULL;
hit:
    *len = MIN(*len, e->bytes - (addr - start));
    *fault = MEM_OK;
    return e->host + (addr - start);
}

/*
 * A write to a page without the write bit is dropped, and the engine goes on (i915 gt/gen8_ppgtt.c has_read_only, and its self-test igt_ctx_readonly):
 * it goes to a copy of the page that nobody reads.
 */
static void *map_dropped(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, size_t *len, enum mem_fault *fault)
{
    size_t at = addr & (PAGE_BYTES - 1), bytes = PAGE_BYTES - at;
    const void *page = map(memory, vm, addr, &bytes, false, fault);

    if (!page)
        return NULL;
    memcpy(memory->dropped + at, page, bytes);
    *len = MIN(*len, bytes);
    return memory->dropped + at;
}

void *engine_map(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, size_t *len, bool write, enum mem_fault *fault)
{
    void *host = map(memory, vm, addr, len, write, fault);

    return host || *fault != MEM_READ_ONLY ? host : map_dropped(memory, vm, addr, len, fault);
}

static bool copy(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, uint8_t *buf, size_t len, bool write,
                 enum mem_fault *fault)
{
    bool enter = !memory->in_section;

    *fault = MEM_OK;
    if (enter)
        engine_memory_enter(memory);
    while (len > 0) {
        size_t now = len;
        void *ptr = engine_map(memory, vm, addr, &now, write, fault);
        if (!ptr)
            break;
        if (write)
            dma_copy(ptr, buf, now);
        else
            dma_copy(buf, ptr, now);
        addr += now;
        buf += now;
        len -= now;
    }
    if (enter)
        engine_memory_leave(memory);
    return len == 0;
}

bool engine_read(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, void *buf, size_t len, enum mem_fault *fault)
{
    return copy(memory, vm, addr, buf, len, false, fault);
}

bool engine_write(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, const void *buf, size_t len, enum mem_fault *fault)
{
    return copy(memory, vm, addr, (uint8_t *)buf, len, true, fault);
}

static bool ggtt_copy(struct model *model, uint64_t addr, uint8_t *buf, size_t len, bool write)
{
    while (len > 0) {
        struct translation t;
        size_t in_page = addr & (PAGE_BYTES - 1), now = MIN(len, PAGE_BYTES - in_page);
        if (walk_ggtt(model, addr, &t) != MEM_OK)
            return false;
        if (!(write ? dma_space_write(model->dma, t.dma + in_page, buf, now)
                    : dma_space_read(model->dma, t.dma + in_page, buf, now)))
            return false;
        addr += now;
        buf += now;
        len -= now;
    }
    return true;
}

bool model_ggtt_read(struct model *model, uint64_t addr, void *buf, size_t len)
{
    return ggtt_copy(model, addr, buf, len, false);
}

bool model_ggtt_write(struct model *model, uint64_t addr, const void *buf, size_t len)
{
    return ggtt_copy(model, addr, (uint8_t *)buf, len, true);
}
