/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile cases: what rings and batches hold. */
#include "hostile.h"

#include "cpu.h"

#define WRITES(name, engine, ...)                                                                                                     \
    static void name(struct hostile *h)                                                                                               \
    {                                                                                                                                 \
        uint32_t foreign = foreign_gma(h);                                                                                            \
        const uint32_t dwords[] = {__VA_ARGS__};                                                                                      \
        (void)foreign;                                                                                                                \
        shoot_ring(h, engine, dwords, sizeof(dwords) / 4);                                                                            \
    }

/* Stores of privileged commands to other guests' global addresses, by each command that can. */
WRITES(store_foreign, ENGINE_VCS0, MI_STORE_DWORD_IMM(MI_USE_GGTT), foreign, 0, 0xdead)
WRITES(store_qword_foreign, ENGINE_BCS0, MI_STORE_QWORD_IMM(MI_USE_GGTT), foreign, 0, 0xdead, 0xdead)
WRITES(store_high, ENGINE_BCS0, MI_STORE_DWORD_IMM(MI_USE_GGTT), (uint32_t)h->gpu.high.start, 1, 0xdead)
WRITES(store_register_foreign, ENGINE_RCS0, MI_STORE_REGISTER_MEM(MI_USE_GGTT), 0x2358, foreign, 0)
WRITES(load_register_foreign, ENGINE_RCS0, MI_LOAD_REGISTER_MEM(MI_USE_GGTT), 0x2600, foreign, 0)
WRITES(copy_foreign, ENGINE_VECS0, MI_COPY_MEM_MEM(MI_USE_GGTT | 1 << 21), h->memory_gma, 0, foreign, 0)
WRITES(atomic_foreign, ENGINE_BCS0, MI_ATOMIC(MI_USE_GGTT | 7 << 8, 3), foreign, 0)
WRITES(semaphore_foreign, ENGINE_VCS0, MI_SEMAPHORE_WAIT(MI_USE_GGTT | MI_SEMAPHORE_POLL | MI_SEMAPHORE_EQ), 1, foreign, 0)
WRITES(flush_foreign, ENGINE_BCS0, MI_FLUSH_DW(MI_FLUSH_DW_QW_WRITE, 4), foreign | MI_FLUSH_DW_GGTT, 0, 0xdead)
WRITES(flush5_foreign, ENGINE_VCS0, MI_FLUSH_DW(MI_FLUSH_DW_QW_WRITE, 5), foreign | MI_FLUSH_DW_GGTT, 0, 0xdead, 0xdead)
WRITES(flush_timestamp_foreign, ENGINE_VECS0, MI_FLUSH_DW(MI_FLUSH_DW_TIMESTAMP, 5), foreign | MI_FLUSH_DW_GGTT, 0, 0, 0)
WRITES(pipe_control_foreign, ENGINE_RCS0, PIPE_CONTROL, PC_CS_STALL | PC_QW_WRITE | PC_GGTT, foreign, 0, 0xdead, 0xdead)
WRITES(pipe_control_timestamp, ENGINE_RCS0, PIPE_CONTROL, PC_CS_STALL | PC_TIMESTAMP | PC_GGTT, foreign, 0, 0, 0)
WRITES(pipe_control_depth, ENGINE_RCS0, PIPE_CONTROL, PC_CS_STALL | PC_DEPTH_COUNT | PC_GGTT, foreign, 0, 0, 0)
WRITES(pipe_control_lri, ENGINE_RCS0, PIPE_CONTROL, PC_CS_STALL | PC_LRI, R_GEN6_GDRST, 0, 1, 0)
WRITES(perf_count_foreign, ENGINE_RCS0, MI_REPORT_PERF_COUNT, (foreign & ~63u) | 1, 0, 7)
WRITES(conditional_foreign, ENGINE_BCS0, MI_CONDITIONAL_BATCH_BUFFER_END(MI_USE_GGTT | 1 << 21), 0, foreign & ~7u, 0)
WRITES(update_gtt, ENGINE_BCS0, MI(0x23, 0, 4), foreign & ~4095u, 1, 0)
WRITES(lri_gdrst, ENGINE_RCS0, MI_LOAD_REGISTER_IMM(1), R_GEN6_GDRST, 1)
WRITES(lri_ring, ENGINE_BCS0, MI_LOAD_REGISTER_IMM(3), 0x22000 + RING_START, 0, 0x22000 + RING_HWS_PGA, 0, 0x22000 + RING_CTL, 0)
WRITES(lri_elsp, ENGINE_VCS0, MI_LOAD_REGISTER_IMM(2), 0x22000 + RING_ELSP, 0, 0x22000 + RING_ELSP, 0)
WRITES(lri_nonpriv, ENGINE_RCS0, MI_LOAD_REGISTER_IMM(1), 0x24d0, R_GEN6_GDRST)
WRITES(lrr_ring, ENGINE_RCS0, MI_LOAD_REGISTER_REG, 0x2600, 0x2000 + RING_HWS_PGA)
WRITES(lrm_ring, ENGINE_RCS0, MI_LOAD_REGISTER_MEM(MI_USE_GGTT), 0x2000 + RING_START, h->memory_gma, 0)
WRITES(lri_unaligned, ENGINE_RCS0, MI_LOAD_REGISTER_IMM(1), 0xffffffff, 1)
WRITES(batch_foreign, ENGINE_BCS0, MI_BATCH_BUFFER_START(0), foreign & ~3u, 0, MI_NOOP)
WRITES(batch_beyond, ENGINE_BCS0, MI_BATCH_BUFFER_START(0), 0xfffffffc, 0xffffffff, MI_NOOP)
WRITES(cut_off, ENGINE_BCS0, MI_NOOP, MI_LOAD_REGISTER_IMM(120), 0x2600, 0)
WRITES(unknown_command, ENGINE_BCS0, 0x7fffffff, 0)

/* The same from an unprivileged batch, where hardware protects: nothing of it may happen, and nothing fails but the engine. */
static void unprivileged(struct hostile *h)
{
    uint32_t foreign = foreign_gma(h);
    const uint32_t dwords[] = {
        MI_LOAD_REGISTER_IMM(4), R_GEN6_GDRST, 1, 0x22000 + RING_ELSP, 0, 0x2000 + RING_HWS_PGA, 0, 0x24d0, R_GEN6_GDRST,
        MI_STORE_REGISTER_MEM(0), 0x2000 + RING_HWS_PGA, (uint32_t)MEMORY_VA, 0,
        MI(0x23, 0, 4), foreign & ~4095u, 1, 0,
        MI_ARB_ON_OFF(0),
        MI_SINGLE(0x03, 0xffffff),
        PIPE_CONTROL, PC_CS_STALL | PC_LRI, R_GEN6_GDRST, 0, 1, 0,
    };
    const uint32_t global[] = {MI_STORE_DWORD_IMM(MI_USE_GGTT), foreign, 0, 0xdead};
    const uint32_t flush[] = {MI_FLUSH_DW(MI_FLUSH_DW_QW_WRITE, 5), foreign | MI_FLUSH_DW_GGTT, 0, 1, 2};
    const uint32_t start[] = {MI_BATCH_BUFFER_START(0), foreign & ~3u, 0};

    shoot_batch(h, ENGINE_RCS0, dwords, sizeof(dwords) / 4);
    shoot_batch(h, ENGINE_VECS0, global, 4);
    shoot_batch(h, ENGINE_BCS0, flush, 5);
    shoot_batch(h, ENGINE_VCS0, start, 3);
}

static void garbage(struct hostile *h)
{
    for (unsigned i = 0; i < 256; i++)
        ring_emit(&h->ctx[ENGINE_RCS0], (uint32_t)awkward64(h));
    shoot(h, ENGINE_RCS0);
}

/* Garbage in an unprivileged batch: the engine stops, over and over. */
static void batch_garbage(struct hostile *h)
{
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        for (unsigned e = 0; e < ENGINE_COUNT; e++) {
            uint32_t dwords[64];
            for (unsigned i = 0; i < 64; i++)
                dwords[i] = random_below(h, 2) ? (uint32_t)awkward64(h) : random_below(h, 64) << 23 | random_below(h, 6);
            unsigned ms = h->ms;
            h->ms = 10;
            shoot_batch(h, e, dwords, 64);
            h->ms = ms;
        }
        start_over(h);
    }
}

/* Random packets of every known shape: header bits right, the rest not. */
static void batch_packets(struct hostile *h)
{
    static const uint32_t heads[] = {0x78000000, 0x79000000, 0x7a000000, 0x7b000000, 0x61000000, 0x69000000, 0x70000000, 0x71000000,
                                     0x73000000, 0x74000000, 0x50000000, 0x54000000, 0x40000000, 0x4c000000};
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        for (unsigned e = 0; e < ENGINE_COUNT; e++) {
            uint32_t dwords[96];
            for (unsigned i = 0; i < 96; i++)
                dwords[i] = random_below(h, 3) ? (random_below(h, 2) ? (uint32_t)MEMORY_VA : (uint32_t)awkward64(h))
                                               : heads[random_below(h, 14)] | random_below(h, 64) << 16 | random_below(h, 12);
            unsigned ms = h->ms;
            h->ms = 10;
            shoot_batch(h, e, dwords, 96);
            h->ms = ms;
        }
        start_over(h);
    }
}

/* A privileged batch that goes on in itself. */
static void batch_chained(struct hostile *h)
{
    uint32_t *own = (uint32_t *)(void *)h->memory;
    const uint32_t call[] = {MI_BATCH_BUFFER_START(0), h->memory_gma, 0, MI_NOOP};

    own[0] = MI_NOOP;
    own[1] = MI_BATCH_BUFFER_START(0);
    own[2] = h->memory_gma;
    own[3] = 0;
    shoot_ring(h, ENGINE_BCS0, call, 4);
}

/* A privileged batch without an end; then one that jumps into the middle of its own commands. */
static void batch_endless(struct hostile *h)
{
    const uint32_t call[] = {MI_BATCH_BUFFER_START(0), h->memory_gma, 0, MI_NOOP};

    memset(h->memory, 0, MEMORY_BYTES);
    shoot_ring(h, ENGINE_BCS0, call, 4);
}

static void batch_middle(struct hostile *h)
{
    uint32_t *own = (uint32_t *)(void *)h->memory;
    const uint32_t call[] = {MI_BATCH_BUFFER_START(0), h->memory_gma, 0, MI_NOOP};

    memset(h->memory, 0, 64);
    own[0] = MI_STORE_DWORD_IMM(MI_USE_GGTT);
    own[1] = h->memory_gma;
    own[3] = MI_STORE_DWORD_IMM(MI_USE_GGTT); /* the value; as a command it stores to a foreign address */
    own[4] = MI_BATCH_BUFFER_START(0);
    own[5] = h->memory_gma + 12;
    own[6] = 0;
    shoot_ring(h, ENGINE_BCS0, call, 4);
}

static void batch_not_mapped(struct hostile *h)
{
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        ring_batch(&h->ctx[e], NOT_MAPPED_VA);
        shoot(h, e);
    }
}

static void jump_to_itself(struct hostile *h, unsigned arbitration)
{
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        h->batch.used = 0;
        if (arbitration)
            batch_emit(&h->batch, MI_ARB_CHECK);
        batch_emit(&h->batch, MI_BATCH_BUFFER_START(MI_BB_PPGTT));
        batch_address(&h->batch, h->batch.va);
        ring_emit(&h->ctx[e], MI_ARB_ON_OFF(arbitration ? 1 : 0));
        ring_emit(&h->ctx[e], MI_NOOP);
        ring_batch(&h->ctx[e], h->batch.va);
        ring_finish(&h->ctx[e]);
        context_submit(&h->ctx[e], NULL);
    }
    for (uint64_t start = time_us(); goes_on(h, start);)
        cpu_pause();
}

static void loop_polite(struct hostile *h) { jump_to_itself(h, 1); }
static void loop_rude(struct hostile *h) { jump_to_itself(h, 0); }

/* The engine is held, lost, reset by its driver and held again, for seconds: what a driver does that does not learn. */
static void loop_again(struct hostile *h)
{
    uint64_t start = time_us();

    while (time_us() - start < 10 * 1000ull * h->ms) {
        jump_to_itself(h, 0);
        start_over(h);
    }
}

static void semaphore_forever(struct hostile *h)
{
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        const uint32_t wait[] = {MI_SEMAPHORE_WAIT(MI_SEMAPHORE_POLL | MI_SEMAPHORE_EQ), 0x12345678, (uint32_t)MEMORY_VA, 0};
        for (unsigned i = 0; i < 4; i++)
            ring_emit(&h->ctx[e], wait[i]);
        ring_finish(&h->ctx[e]);
        context_submit(&h->ctx[e], NULL);
    }
    for (uint64_t start = time_us(); goes_on(h, start);)
        cpu_pause();
}

/* With arbitration off, and for events of a display that the guest does not have. */
static void wait_rude(struct hostile *h)
{
    const uint32_t wait[] = {MI_ARB_ON_OFF(0), MI_NOOP, MI_SEMAPHORE_WAIT(MI_SEMAPHORE_POLL | MI_SEMAPHORE_EQ), 0x12345678, (uint32_t)MEMORY_VA, 0};

    shoot_ring(h, ENGINE_VCS0, wait, 6);
}

static void wait_event(struct hostile *h)
{
    const uint32_t event[] = {MI_SINGLE(0x03, 0xffffff), MI_NOOP};

    shoot_ring(h, ENGINE_BCS0, event, 2);
}

/* 32767 x 65535 pixels over memory that is all mapped: one command that takes seconds. */
static void huge_blit(struct hostile *h)
{
    enum { STEP = 2 << 20, SPAN = 2032 };
    uint64_t va = 0x8000000000;
    void *page = page_alloc_aligned(STEP, STEP);

    for (unsigned i = 0; i < SPAN; i++)
        ppgtt_map(&h->vm, va + (uint64_t)i * STEP, page, STEP, STEP);
    for (unsigned n = 0; n < 4; n++) {
        const uint32_t blit[] = {XY_SRC_COPY_BLT(BLT_WRITE_RGBA), 32764 | BLT_BPP_32 | BLT_ROP_SRCCOPY, 0, 0x7fff << 16 | 8190, (uint32_t)va, (uint32_t)(va >> 32),
                                 0, 32764, (uint32_t)va + (STEP / 2), (uint32_t)(va >> 32)};
        for (unsigned i = 0; i < 10; i++)
            ring_emit(&h->ctx[ENGINE_BCS0], blit[i]);
    }
    shoot(h, ENGINE_BCS0);
}

/* Blits of any shape at any place, in batches of their own, so that the engine stops at the first that it cannot do. */
static void wild_blits(struct hostile *h)
{
    static const uint8_t ops[] = {0x40, 0x50, 0x53, 0x42, 0x52, 0x54, 0x55, 0x71, 0x73, 0x74, 0x75, 0x76, 0x77, 0x72, 0x51, 0x31, 0x24, 0x25, 0x43, 0x01, 0x11};
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        uint32_t dwords[24] = {2u << 29 | (uint32_t)ops[random_below(h, sizeof(ops))] << 22 | (random32(h) & 0x3fff00) | random_below(h, 16)};
        for (unsigned i = 1; i < 24; i++)
            dwords[i] = random_below(h, 3) ? (uint32_t)awkward64(h) : random_below(h, 2) ? (uint32_t)MEMORY_VA : random32(h) & 0x00ff00ff;
        unsigned ms = h->ms;
        h->ms = 20;
        if (!shoot_batch(h, ENGINE_BCS0, dwords, 24))
            start_over(h);
        h->ms = ms;
    }
}

const struct hostile_case command_cases[] = {
    {"store_foreign", store_foreign},
    {"store_qword_foreign", store_qword_foreign},
    {"store_high", store_high},
    {"store_register_foreign", store_register_foreign},
    {"load_register_foreign", load_register_foreign},
    {"copy_foreign", copy_foreign},
    {"atomic_foreign", atomic_foreign},
    {"semaphore_foreign", semaphore_foreign},
    {"flush_foreign", flush_foreign},
    {"flush5_foreign", flush5_foreign},
    {"flush_timestamp_foreign", flush_timestamp_foreign},
    {"pipe_control_foreign", pipe_control_foreign},
    {"pipe_control_timestamp", pipe_control_timestamp},
    {"pipe_control_depth", pipe_control_depth},
    {"pipe_control_lri", pipe_control_lri},
    {"perf_count_foreign", perf_count_foreign},
    {"conditional_foreign", conditional_foreign},
    {"update_gtt", update_gtt},
    {"lri_gdrst", lri_gdrst},
    {"lri_ring", lri_ring},
    {"lri_elsp", lri_elsp},
    {"lri_nonpriv", lri_nonpriv},
    {"lrr_ring", lrr_ring},
    {"lrm_ring", lrm_ring},
    {"lri_unaligned", lri_unaligned},
    {"batch_foreign", batch_foreign},
    {"batch_beyond", batch_beyond},
    {"cut_off", cut_off},
    {"unknown_command", unknown_command},
    {"unprivileged", unprivileged},
    {"garbage", garbage},
    {"batch_garbage", batch_garbage},
    {"batch_packets", batch_packets},
    {"batch_chained", batch_chained},
    {"batch_endless", batch_endless},
    {"batch_middle", batch_middle},
    {"batch_not_mapped", batch_not_mapped},
    {"loop_polite", loop_polite},
    {"loop_rude", loop_rude},
    {"loop_again", loop_again},
    {"semaphore_forever", semaphore_forever},
    {"wait_rude", wait_rude},
    {"wait_event", wait_event},
    {"huge_blit", huge_blit},
    {"wild_blits", wild_blits},
    {0},
};
