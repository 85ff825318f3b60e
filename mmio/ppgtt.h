/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shadow page tables: what the physical GPU walks in place of a guest's own per-process page tables. The guest writes its tables
 * without being trapped; ppgtt_acquire() brings the shadow up to date before each submission by comparing every guest table with the
 * copy of it that the shadow was made from. Used by mmio/execlist.c; knows guest memory and the GPU only through ppgtt_ops, so that
 * it can be tested alone.
 *
 * A shadow table stands for (guest page, level, 64 KiB interpretation): one guest page that is used at two levels has two shadows,
 * and a shadow never points at guest pages as tables. A shadow entry points to another shadow table one level down, to memory of the
 * guest that translate() returned, or to the scratch page; nothing else, whatever the guest's tables hold. A page of shadow memory
 * stays a table of one level while any root is acquired, so that a GPU that cached an older path still finds entries of the right kind.
 *
 * Sources: PRM SKL vol. 5 "Memory Views: per-process GTT"; Linux 6.1 gt/gen8_ppgtt.c, gvt/gtt.c (64 KiB pages need 0x4080).
 *
 * Threads: none of its own; the owner serialises all calls (the vGPU's lock).
 */
#ifndef MEDIANT_MMIO_PPGTT_H
#define MEDIANT_MMIO_PPGTT_H

#include "gpu/defs/formats.h"
#include "gpu/driver/driver.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PPGTT_ENTRIES = 512,
    PPGTT_LEVELS = 4,         /* 1 page table, 2 page directory, 3 directory pointers, 4 PML4 */
    PPGTT_DEFAULT_QUOTA = 8192, /* shadow tables of one vGPU */
    PPGTT_MAX_ROOTS = 256,    /* address spaces that are remembered while none of their work runs */
};

struct ppgtt_ops {
    /*
     * The guest page at gpa (a multiple of 4 KiB), or NULL when it is not guest memory as a whole. The pointer is valid until
     * page_leave(), which is called if and only if it was not NULL. The page changes under the reader's eyes.
     */
    const void *(*page_enter)(void *opaque, uint64_t gpa);
    void (*page_leave)(void *opaque);
    /*
     * Where the GPU finds the guest page at gpa: *iova, *span bytes from there on that are contiguous in both address spaces (a
     * multiple of 4 KiB, not 0), and whether the GPU may write. False when it is not guest memory.
     */
    bool (*translate)(void *opaque, uint64_t gpa, uint64_t *iova, uint64_t *span, bool *writable);
    /* True while the guest has enabled 64 KiB pages (all of GAMW_ECO_ENABLE_64K_IPS_FIELD). */
    bool (*ips_enabled)(void *opaque);
    /* Memory that the GPU can read: zeroed, size is a multiple of 4 KiB. */
    bool (*memory_alloc)(void *opaque, struct gpu_buffer *buffer, uint64_t size, GError **error);
    void (*memory_free)(void *opaque, struct gpu_buffer *buffer);
};

struct ppgtt;
struct ppgtt_root; /* one guest address space */

/* quota: shadow tables at most, 0 for the default. ops must outlive it. */
struct ppgtt *ppgtt_create(const struct ppgtt_ops *ops, void *opaque, unsigned quota, GError **error);
void ppgtt_destroy(struct ppgtt *ppgtt); /* nothing may use the tables any more; NULL is allowed */

/*
 * Brings the shadow of an address space up to date and keeps it until ppgtt_release(). pdp as in the guest's context image: the guest
 * address of the PML4 in pdp[0] (four_level), or of four page directories. shadow gets what the hardware is to load instead.
 * NULL (G_IO_ERROR_NO_SPACE) when the address space needs more tables than the quota.
 */
struct ppgtt_root *ppgtt_acquire(struct ppgtt *ppgtt, bool four_level, const uint64_t pdp[4], uint64_t shadow[4], GError **error);
/* Brings one that is acquired up to date again, while the GPU may walk it. False (G_IO_ERROR_NO_SPACE) as above; it stays acquired. */
bool ppgtt_refresh(struct ppgtt *ppgtt, struct ppgtt_root *root, GError **error);
void ppgtt_release(struct ppgtt *ppgtt, struct ppgtt_root *root); /* NULL is allowed */

/* Shadow tables that were ever taken (they are used again), and the quota. Any thread. */
void ppgtt_usage(const struct ppgtt *ppgtt, unsigned *taken, unsigned *quota);

/* The guest says that it frees the address space. Unknown ones are ignored; one that is acquired goes when it is released. */
void ppgtt_forget(struct ppgtt *ppgtt, bool four_level, const uint64_t pdp[4]);
/* Forgets all that are not acquired. */
void ppgtt_forget_all(struct ppgtt *ppgtt);

/* Guest memory appeared: entries that found none are tried again. */
void ppgtt_memory_mapped(struct ppgtt *ppgtt);
/* Guest memory at [iova, iova + size) is about to go: when it returns no shadow entry points there. translate() must already fail. */
void ppgtt_memory_unmapping(struct ppgtt *ppgtt, uint64_t iova, uint64_t size);

/* Address of the scratch page for the GPU: what every address without translation reaches. Never shared with another ppgtt. */
uint64_t ppgtt_scratch(const struct ppgtt *ppgtt);

struct ppgtt_counts {
    unsigned tables;         /* shadow tables in use now */
    unsigned roots;          /* address spaces known now */
    uint64_t compared;       /* guest tables compared, ever */
    uint64_t changed;        /* entries written, ever */
    unsigned last_compared, last_changed; /* by the last ppgtt_acquire() */
};
void ppgtt_count(const struct ppgtt *ppgtt, struct ppgtt_counts *counts);

#ifdef __cplusplus
}
#endif
#endif
