/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Per-process GTTs, contexts, rings and batches for bare-metal GPU guests; see gpu.h. */
#include "gpu.h"
#include "guest.h"
#include "interrupt.h"
#include "mi.h"
#include "regs.h"

enum { STATUS_SEQNO = 0x80 }; /* dword in the context's status page */

void ppgtt_init(struct ppgtt *vm)
{
    vm->pml4 = page_alloc(4096);
}

/* The table below entry, made when it is not there. */
static uint64_t *table_below(uint64_t *entry)
{
    if (!(*entry & PTE_PRESENT))
        *entry = (uint64_t)(uintptr_t)page_alloc(4096) | PTE_PRESENT | PTE_WRITE;
    return (uint64_t *)(uintptr_t)(*entry & PTE_ADDRESS);
}

void ppgtt_map(struct ppgtt *vm, uint64_t va, void *memory, size_t bytes, size_t page)
{
    uint64_t pa = (uint64_t)(uintptr_t)memory;

    for (size_t done = 0; done < bytes; done += page, va += page, pa += page) {
        uint64_t *pdp = table_below(&vm->pml4[va >> 39 & 511]);
        uint64_t *pd = table_below(&pdp[va >> 30 & 511]);
        uint64_t *pde = &pd[va >> 21 & 511];
        if (page == 2 << 20) {
            *pde = pa | PDE_PAGE_2M | PTE_PRESENT | PTE_WRITE;
            continue;
        }
        uint64_t *pt = table_below(pde);
        if (page == 65536)
            *pde |= PDE_IPS_64K;
        pt[va >> 12 & 511] = pa | PTE_PRESENT | PTE_WRITE;
    }
}

uint32_t *context_state(struct context *ctx)
{
    return ctx->image + CONTEXT_STATE_PAGE * 1024;
}

/* One load-register command of the state page: header at index, then the registers with zero values. */
static void state_group(uint32_t *state, unsigned index, uint32_t base, const uint16_t *registers, unsigned count, bool posted)
{
    state[index++] = MI_LOAD_REGISTER_IMM(count) | (posted ? 1u << 12 : 0);
    for (unsigned i = 0; i < count; i++) {
        state[index++] = base + registers[i];
        state[index++] = 0;
    }
}

void context_init(struct context *ctx, struct gpu *gpu, unsigned engine, struct ppgtt *vm, size_t ring_bytes)
{
    static const uint16_t ring_group[] = {0x244, 0x034, 0x030, 0x038, 0x03c, 0x168, 0x140,
                                          0x110, 0x11c, 0x114, 0x118, 0x1c0, 0x1c4, 0x1c8};
    static const uint16_t pdp_group[] = {0x3a8, 0x28c, 0x288, 0x284, 0x280, 0x27c, 0x278, 0x274, 0x270};
    static const uint16_t power_group[] = {0x0c8};
    uint32_t base = gpu_engine_base(engine);
    unsigned pages = context_pages(engine);

    *ctx = (struct context){.gpu = gpu, .engine = engine, .vm = vm, .id = gpu->next_context_id++, .ring_bytes = ring_bytes};
    ctx->image = page_alloc(pages * 4096);
    ctx->lrca = gpu_bind_high(gpu, ctx->image, pages * 4096);
    ctx->ring = page_alloc(ring_bytes);
    ctx->ring_gma = gpu_bind_high(gpu, ctx->ring, ring_bytes);
    ctx->seqno = ctx->image + STATUS_SEQNO;
    ctx->seqno_gma = ctx->lrca + STATUS_SEQNO * 4;
    gpu_flush_ggtt(gpu);

    uint32_t *state = context_state(ctx);
    state_group(state, 0x01, base, ring_group, 14, true);
    state_group(state, 0x21, base, pdp_group, 9, true);
    if (engine == ENGINE_RCS0)
        state_group(state, 0x41, base, power_group, 1, false);
    state[CTX_CONTEXT_CONTROL] =
        (CTX_CTRL_INHIBIT_SYN_SWITCH | CTX_CTRL_RESTORE_INHIBIT) << 16 | CTX_CTRL_INHIBIT_SYN_SWITCH | CTX_CTRL_RESTORE_INHIBIT;
    state[CTX_RING_START] = ctx->ring_gma;
    state[CTX_RING_CTL] = (uint32_t)(ring_bytes - 4096) | 1;
    state[CTX_BB_STATE] = 1 << 5;
    state[CTX_PDP0_UDW] = (uint32_t)((uint64_t)(uintptr_t)vm->pml4 >> 32);
    state[CTX_PDP0_LDW] = (uint32_t)(uintptr_t)vm->pml4;
}

void ring_emit(struct context *ctx, uint32_t dword)
{
    ctx->ring[ctx->tail / 4] = dword;
    ctx->tail = (ctx->tail + 4) & (ctx->ring_bytes - 1);
}

void ring_batch(struct context *ctx, uint64_t va)
{
    ring_emit(ctx, MI_BATCH_BUFFER_START(MI_BB_PPGTT));
    ring_emit(ctx, (uint32_t)va);
    ring_emit(ctx, (uint32_t)(va >> 32));
    ring_emit(ctx, MI_NOOP);
}

uint32_t ring_finish(struct context *ctx)
{
    uint32_t seqno = ++ctx->last_seqno;

    if (ctx->engine == ENGINE_RCS0) {
        ring_emit(ctx, PIPE_CONTROL);
        ring_emit(ctx, PC_CS_STALL | PC_QW_WRITE | PC_GGTT | PC_FLUSH);
        ring_emit(ctx, ctx->seqno_gma);
        ring_emit(ctx, 0);
        ring_emit(ctx, seqno);
        ring_emit(ctx, 0);
    } else {
        ring_emit(ctx, MI_FLUSH_DW(MI_FLUSH_DW_QW_WRITE, 4));
        ring_emit(ctx, ctx->seqno_gma | MI_FLUSH_DW_GGTT);
        ring_emit(ctx, 0);
        ring_emit(ctx, seqno);
    }
    ring_emit(ctx, MI_USER_INTERRUPT);
    ring_emit(ctx, MI_ARB_CHECK);
    if (ctx->tail & 4)
        ring_emit(ctx, MI_NOOP); /* the tail is a multiple of eight bytes */
    return seqno;
}

uint64_t context_descriptor(const struct context *ctx)
{
    return (uint64_t)ctx->id << 32 | ctx->lrca | DESC_PRIVILEGE | DESC_ADDRESSING_64 | DESC_VALID;
}

void context_submit(struct context *first, struct context *second)
{
    volatile uint8_t *port = first->gpu->mmio + gpu_engine_base(first->engine) + RING_ELSP;
    uint64_t one = context_descriptor(first), two = 0;

    context_state(first)[CTX_RING_TAIL] = first->tail;
    if (second) {
        context_state(second)[CTX_RING_TAIL] = second->tail;
        two = context_descriptor(second);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *(volatile uint32_t *)port = (uint32_t)(two >> 32);
    *(volatile uint32_t *)port = (uint32_t)two;
    *(volatile uint32_t *)port = (uint32_t)(one >> 32);
    *(volatile uint32_t *)port = (uint32_t)one;
}

bool context_wait(struct context *ctx, uint32_t seqno, unsigned seconds)
{
    uint64_t deadline = time_us() + seconds * 1000000ull;

    for (;;) {
        uint32_t seen = ctx->gpu->interrupts;
        if ((int32_t)(*ctx->seqno - seqno) >= 0)
            return true;
        if (time_us() > deadline)
            return false;
        if (ctx->gpu->sleeps)
            cpu_wait_while(&ctx->gpu->interrupts, seen);
        else
            cpu_pause();
    }
}

bool context_run(struct context *ctx, unsigned seconds)
{
    uint32_t seqno = ring_finish(ctx);

    context_submit(ctx, NULL);
    return context_wait(ctx, seqno, seconds);
}

void batch_init(struct batch *batch, struct ppgtt *vm, uint64_t va, size_t bytes)
{
    *batch = (struct batch){.dwords = page_alloc(bytes), .va = va, .size = bytes / 4};
    ppgtt_map(vm, va, batch->dwords, bytes, 4096);
}

void batch_emit(struct batch *batch, uint32_t dword)
{
    if (batch->used == batch->size) {
        guest_panic("a batch is larger than its buffer");
    }
    batch->dwords[batch->used++] = dword;
}
