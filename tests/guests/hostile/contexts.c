/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile cases: descriptors, context images, and what changes while it is read. */
#include "hostile.h"
#include "interrupt.h"

#include "cpu.h"

static void set_state(struct hostile *h, unsigned engine, unsigned index, uint32_t value)
{
    context_state(&h->ctx[engine])[index] = value;
}

static void ring_head(struct hostile *h)
{
    set_state(h, ENGINE_BCS0, CTX_RING_HEAD, 0x1ffffc);
    shoot(h, ENGINE_BCS0);
}

static void ring_tail(struct hostile *h)
{
    ring_finish(&h->ctx[ENGINE_BCS0]);
    h->ctx[ENGINE_BCS0].tail = 0x100000;
    context_submit(&h->ctx[ENGINE_BCS0], NULL);
}

static void ring_size(struct hostile *h)
{
    set_state(h, ENGINE_BCS0, CTX_RING_CTL, 0x1ff001);
    shoot(h, ENGINE_BCS0);
}

static void ring_odd_size(struct hostile *h)
{
    set_state(h, ENGINE_BCS0, CTX_RING_CTL, 0x2001);
    shoot(h, ENGINE_BCS0);
}

static void ring_foreign(struct hostile *h)
{
    set_state(h, ENGINE_VCS0, CTX_RING_START, foreign_gma(h) & ~4095u);
    shoot(h, ENGINE_VCS0);
}

static void ring_off(struct hostile *h)
{
    set_state(h, ENGINE_VCS0, CTX_RING_CTL, 0);
    shoot(h, ENGINE_VCS0);
}

/* The tail goes backwards, to odd bytes and all around, while the context runs: lite restores of everything. */
static void ring_jumps(struct hostile *h)
{
    struct context *ctx = &h->ctx[ENGINE_VECS0];
    uint64_t start = time_us();

    memset(ctx->ring, 0, ctx->ring_bytes);
    while (goes_on(h, start)) {
        ctx->tail = random_below(h, ctx->ring_bytes);
        context_submit(ctx, NULL);
    }
}

static void elsp_garbage(struct hostile *h)
{
    for (unsigned i = 0; i < 100; i++)
        elsp_write(h, random_below(h, ENGINE_COUNT), awkward64(h), awkward64(h));
}

static void elsp_foreign(struct hostile *h)
{
    elsp_write(h, ENGINE_RCS0, (foreign_gma(h) & ~4095ull) | DESC_PRIVILEGE | DESC_ADDRESSING_64 | DESC_VALID, 0);
}

/* Not valid, half valid, twice the same context, one context on every engine. */
static void elsp_odd(struct hostile *h)
{
    uint64_t one = context_descriptor(&h->ctx[ENGINE_BCS0]), start = time_us();

    while (goes_on(h, start)) {
        unsigned e = random_below(h, 4) ? ENGINE_BCS0 : random_below(h, ENGINE_COUNT);
        uint64_t flags = (uint64_t)random_below(h, 2) << 1 | (uint64_t)random_below(h, 2) << 2;
        elsp_write(h, e, random_below(h, 3) ? one | flags : 0, random_below(h, 2) ? one | 5ull << 32 : random_below(h, 2) ? one & ~1ull : 0);
        if (random_below(h, 3) == 0) /* a part of a submission */
            gpu_write(&h->gpu, gpu_engine_base(e) + RING_ELSP, (uint32_t)one);
        gpu_write(&h->gpu, gpu_engine_base(e) + RING_CONTEXT_STATUS_PTR, random32(h));
    }
}

/* More submissions than can ever be kept, behind one that does not end. */
static void elsp_storm(struct hostile *h)
{
    const uint32_t wait[] = {MI_SEMAPHORE_WAIT(MI_SEMAPHORE_POLL | MI_SEMAPHORE_EQ), 0x12345678, (uint32_t)MEMORY_VA, 0};
    uint64_t start = time_us();

    for (unsigned i = 0; i < 4; i++)
        ring_emit(&h->ctx[ENGINE_BCS0], wait[i]);
    while (goes_on(h, start)) {
        ring_emit(&h->ctx[ENGINE_BCS0], MI_NOOP);
        ring_emit(&h->ctx[ENGINE_BCS0], MI_NOOP);
        context_submit(&h->ctx[ENGINE_BCS0], NULL);
    }
}

/* Ping-pong of two contexts that never give way by themselves: preemption at each submission. */
static void elsp_preempt(struct hostile *h)
{
    struct context other;
    uint64_t start = time_us();
    const uint32_t wait[] = {MI_SEMAPHORE_WAIT(MI_SEMAPHORE_POLL | MI_SEMAPHORE_EQ), 0x12345678, (uint32_t)MEMORY_VA, 0};

    context_init(&other, &h->gpu, ENGINE_RCS0, &h->vm, 8192);
    for (unsigned i = 0; i < 4; i++) {
        ring_emit(&h->ctx[ENGINE_RCS0], wait[i]);
        ring_emit(&other, wait[i]);
    }
    for (unsigned n = 0; goes_on(h, start); n++)
        context_submit(n & 1 ? &other : &h->ctx[ENGINE_RCS0], random_below(h, 2) ? (n & 1 ? &h->ctx[ENGINE_RCS0] : &other) : NULL);
}

/* The whole register state is random, but for what leads to an empty ring. */
static void image_garbage(struct hostile *h)
{
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        unsigned e = random_below(h, ENGINE_COUNT);
        struct context *ctx = &h->ctx[e];
        uint32_t *state = context_state(ctx), root = (uint32_t)(uintptr_t)h->vm.pml4;
        for (unsigned i = 0; i < 1024 * (context_pages(e) - 1u); i++)
            if (i >= 0x34 || i < 2 || (i & 1) == 0)
                state[i] = random_below(h, 4) ? MI_LOAD_REGISTER_IMM(1 + random_below(h, 30)) : (uint32_t)awkward64(h);
        state[CTX_CONTEXT_CONTROL] = 0xffff0000 | (random32(h) & ~1u);
        state[CTX_PDP0_UDW] = 0;
        state[CTX_PDP0_LDW] = root;
        ring_finish(ctx);
        context_submit(ctx, NULL);
        delay_us(300);
    }
}

/* The headers that hardware executes when it restores, with registers that reset or redirect the engine. */
static void image_registers(struct hostile *h)
{
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        uint32_t *state = context_state(&h->ctx[e]), base = gpu_engine_base(e);
        const uint32_t offsets[] = {R_GEN6_GDRST, base + RING_HWS_PGA, base + RING_IMR, base + RING_RESET_CTL, 0x24d0, base + RING_ELSP, 0xffffffff};
        state[CTX_CONTEXT_CONTROL] = (uint32_t)(CTX_CTRL_RESTORE_INHIBIT | CTX_CTRL_INHIBIT_SYN_SWITCH) << 16 | CTX_CTRL_INHIBIT_SYN_SWITCH;
        for (unsigned i = 2; i < 0x34; i += 2)
            if (i != 0x20 && i != 0x22)
                state[i] = offsets[random_below(h, 7)];
        for (unsigned at = 0x50; at < 0x1f0; at += 16) {
            state[at] = MI_LOAD_REGISTER_IMM(7);
            for (unsigned i = 0; i < 7; i++) {
                state[at + 1 + 2 * i] = offsets[i];
                state[at + 2 + 2 * i] = 0xffffffff;
            }
        }
        shoot(h, e);
    }
}

static void image_pdp(struct hostile *h)
{
    set_state(h, ENGINE_BCS0, CTX_PDP0_UDW, 0x7f);
    set_state(h, ENGINE_BCS0, CTX_PDP0_LDW, 0xfffff000);
    shoot(h, ENGINE_BCS0);
}

static void image_pdp_legacy(struct hostile *h)
{
    struct context *ctx = &h->ctx[ENGINE_BCS0];

    for (unsigned i = 0; i < 8; i += 2)
        set_state(h, ENGINE_BCS0, CTX_PDP3_UDW + 2 * i, (uint32_t)awkward64(h));
    ring_finish(ctx);
    elsp_write(h, ENGINE_BCS0, (context_descriptor(ctx) & ~(uint64_t)DESC_ADDRESSING_MASK) | DESC_ADDRESSING_32, 0);
}

static void image_addressing(struct hostile *h)
{
    elsp_write(h, ENGINE_BCS0, context_descriptor(&h->ctx[ENGINE_BCS0]) & ~(uint64_t)DESC_ADDRESSING_MASK, 0);
}

static void image_unprotected(struct hostile *h)
{
    elsp_write(h, ENGINE_BCS0, context_descriptor(&h->ctx[ENGINE_BCS0]) & ~(uint64_t)DESC_PRIVILEGE, 0);
}

static void wa_foreign(struct hostile *h)
{
    set_state(h, ENGINE_RCS0, CTX_INDIRECT_CTX, (foreign_gma(h) & ~63u) | 4);
    shoot(h, ENGINE_RCS0);
}

static void wa_per_context(struct hostile *h)
{
    set_state(h, ENGINE_RCS0, CTX_BB_PER_CTX_PTR, (foreign_gma(h) & ~4095u) | 1);
    shoot(h, ENGINE_RCS0);
}

/* A workaround batch that stores to a foreign address, and one that loads a forbidden register. */
static void wa_store(struct hostile *h)
{
    uint32_t *own = (uint32_t *)(void *)h->memory;

    memset(own, 0, 4096);
    own[0] = MI_STORE_DWORD_IMM(MI_USE_GGTT);
    own[1] = foreign_gma(h);
    own[3] = 0xdead;
    set_state(h, ENGINE_RCS0, CTX_INDIRECT_CTX, h->memory_gma | 1);
    set_state(h, ENGINE_RCS0, CTX_INDIRECT_CTX_OFFSET, 0xd << 6);
    shoot(h, ENGINE_RCS0);
}

static void wa_endless(struct hostile *h)
{
    uint32_t *own = (uint32_t *)(void *)h->memory;

    memset(own, 0, 4096);
    own[0] = MI_BATCH_BUFFER_START(0);
    own[1] = h->memory_gma;
    set_state(h, ENGINE_RCS0, CTX_BB_PER_CTX_PTR, h->memory_gma | 1);
    shoot(h, ENGINE_RCS0);
}

static void wa_endless_again(struct hostile *h)
{
    uint64_t start = time_us();

    while (time_us() - start < 10 * 1000ull * h->ms) {
        wa_endless(h);
        start_over(h);
    }
}

/* The image says that the context was preempted inside a privileged batch. */
static void resume_privileged(struct hostile *h)
{
    set_state(h, ENGINE_BCS0, CTX_BB_ADDR, foreign_gma(h) | 1);
    set_state(h, ENGINE_BCS0, CTX_BB_STATE, 0);
    shoot(h, ENGINE_BCS0);
}

/* The second CPU rewrites ring, image and page tables while the first submits them: good and bad in turn. */
static struct {
    struct hostile *h;
    volatile uint32_t stop, stopped;
} racer;

static void race_on(void *arg)
{
    struct hostile *h = racer.h;
    struct context *ctx = &h->ctx[ENGINE_BCS0];
    volatile uint32_t *ring = ctx->ring, *state = context_state(ctx);
    uint32_t bad = 0x00100000, good = h->memory_gma, start = ctx->ring_gma;

    for (unsigned n = 0; !racer.stop; n++) {
        for (unsigned i = 0; i < ctx->ring_bytes / 4; i += 4)
            ring[i + 1] = n & 1 ? bad : good;
        state[CTX_RING_START] = n & 2 ? start : 0;
        state[CTX_RING_CTL] = n & 4 ? 0x1001 : 0x1ff001;
    }
    racer.stopped = 1;
}

static void race(struct hostile *h)
{
    struct context *ctx = &h->ctx[ENGINE_BCS0];
    uint64_t start = time_us();

    for (unsigned i = 0; i < ctx->ring_bytes / 4; i += 4) {
        ctx->ring[i] = MI_STORE_DWORD_IMM(MI_USE_GGTT);
        ctx->ring[i + 1] = h->memory_gma;
        ctx->ring[i + 2] = 0;
        ctx->ring[i + 3] = 0xdead;
    }
    racer.h = h;
    user_leave();
    if (!smp_start(1, race_on, NULL))
        guest_panic("race needs vcpus = 2");
    user_enter();
    while (goes_on(h, start)) {
        ctx->tail = (ctx->tail + 64) % ctx->ring_bytes;
        context_submit(ctx, NULL);
    }
    racer.stop = 1;
    while (!racer.stopped)
        cpu_pause();
}

const struct hostile_case context_cases[] = {
    {"ring_head", ring_head},
    {"ring_tail", ring_tail},
    {"ring_size", ring_size},
    {"ring_odd_size", ring_odd_size},
    {"ring_foreign", ring_foreign},
    {"ring_off", ring_off},
    {"ring_jumps", ring_jumps},
    {"elsp_garbage", elsp_garbage},
    {"elsp_foreign", elsp_foreign},
    {"elsp_odd", elsp_odd},
    {"elsp_storm", elsp_storm},
    {"elsp_preempt", elsp_preempt},
    {"image_garbage", image_garbage},
    {"image_registers", image_registers},
    {"image_pdp", image_pdp},
    {"image_pdp_legacy", image_pdp_legacy},
    {"image_addressing", image_addressing},
    {"image_unprotected", image_unprotected},
    {"wa_foreign", wa_foreign},
    {"wa_per_context", wa_per_context},
    {"wa_store", wa_store},
    {"wa_endless", wa_endless},
    {"wa_endless_again", wa_endless_again},
    {"resume_privileged", resume_privileged},
    {"race", race},
    {0},
};
