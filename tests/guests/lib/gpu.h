/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small Gen9 driver for bare-metal guests: discovery, global GTT, per-process GTTs, contexts, submission through the ELSP, waiting,
 * interrupts. It works on a vGPU (it then keeps to the partition that PVINFO names) and on the whole device. It trusts
 * its own guest, so it asserts freely; one vCPU uses it.
 */
#ifndef MEDIANT_GUEST_GPU_H
#define MEDIANT_GUEST_GPU_H

#include "gpu/defs/formats.h"

#include <stddef.h>

struct gpu_range {
    uint64_t start, size, next;
};

struct gpu {
    unsigned device; /* place on the bus */
    volatile uint8_t *mmio;
    volatile uint64_t *gtt;
    volatile uint8_t *aperture;
    uint64_t aperture_size;
    bool is_virtual;            /* PVINFO is there */
    struct gpu_range low, high; /* parts of the global GTT that are ours; next is the bump allocator */
    unsigned fences;
    uint32_t *status[ENGINE_COUNT]; /* hardware status pages */
    uint32_t status_gma[ENGINE_COUNT];
    unsigned csb_read[ENGINE_COUNT];
    uint32_t next_context_id;
    bool display_hdmi;     /* the monitor there answered by GMBUS */
    unsigned display_port; /* where display_preferred_mode() found the monitor: 1 is B */
    volatile uint32_t interrupts; /* how many MSIs came */
    bool sleeps;                  /* context_wait() halts between interrupts: set it when each request raises one */
    uint32_t gt_iir[4], pipe_iir[3]; /* what the interrupt handler saw, collected */
};

/* Finds and starts the device; false (with a message) when there is none. */
bool gpu_open(struct gpu *gpu);

static inline uint32_t gpu_read(struct gpu *gpu, uint32_t offset)
{
    return *(volatile uint32_t *)(gpu->mmio + offset);
}
static inline void gpu_write(struct gpu *gpu, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(gpu->mmio + offset) = value;
}
uint32_t gpu_engine_base(unsigned engine);
const char *gpu_engine_label(unsigned engine);

/* Binds memory (page aligned) in the global GTT: low for what the aperture or the display reads. */
uint32_t gpu_bind_low(struct gpu *gpu, void *memory, size_t bytes);
uint32_t gpu_bind_high(struct gpu *gpu, void *memory, size_t bytes);
void gpu_flush_ggtt(struct gpu *gpu);
/* Sends the MSI to this CPU and lets user, notify, context-switch and flip-done interrupts through. */
void gpu_enable_interrupts(struct gpu *gpu);

/* A 48-bit per-process address space. */
struct ppgtt {
    uint64_t *pml4;
};
void ppgtt_init(struct ppgtt *vm);
/* Maps bytes at va; page is 4096, 65536 or 2 MiB and must fit va, memory and bytes. */
void ppgtt_map(struct ppgtt *vm, uint64_t va, void *memory, size_t bytes, size_t page);

/* A logical ring context with its ring. */
struct context {
    struct gpu *gpu;
    unsigned engine;
    uint32_t id;
    struct ppgtt *vm;
    uint32_t *image; /* page 0 */
    uint32_t lrca;
    uint32_t *ring;
    uint32_t ring_gma, ring_bytes;
    uint32_t tail; /* bytes */
    volatile uint32_t *seqno; /* in the context's own status page, written at the end of each request */
    uint32_t seqno_gma, last_seqno;
};
void context_init(struct context *ctx, struct gpu *gpu, unsigned engine, struct ppgtt *vm, size_t ring_bytes);
uint32_t *context_state(struct context *ctx); /* the register state page */
/* Appends a dword to the ring (wraps by itself); nothing is seen by the GPU before submission. */
void ring_emit(struct context *ctx, uint32_t dword);
/* Appends a call of a batch buffer in the per-process GTT. */
void ring_batch(struct context *ctx, uint64_t va);
/* Appends the request's end: flush, seqno, user interrupt. Returns the seqno. */
uint32_t ring_finish(struct context *ctx);
/* Writes the tail into the image and the ELSP. second may be NULL. */
void context_submit(struct context *first, struct context *second);
uint64_t context_descriptor(const struct context *ctx);
/* Waits until the seqno has come; false after so many seconds. Sleeps when interrupts are on. */
bool context_wait(struct context *ctx, uint32_t seqno, unsigned seconds);
/* finish + submit + wait. */
bool context_run(struct context *ctx, unsigned seconds);

/* Context status entries that arrived since the last call: {status, id} pairs into out; returns how many. */
unsigned gpu_read_csb(struct gpu *gpu, unsigned engine, uint32_t out[][2], unsigned max);

/* A batch being written. */
struct batch {
    uint32_t *dwords;
    uint64_t va;
    unsigned used, size; /* dwords */
};
void batch_init(struct batch *batch, struct ppgtt *vm, uint64_t va, size_t bytes);
void batch_emit(struct batch *batch, uint32_t dword);
static inline void batch_address(struct batch *batch, uint64_t address)
{
    batch_emit(batch, (uint32_t)address);
    batch_emit(batch, (uint32_t)(address >> 32));
}

#endif
