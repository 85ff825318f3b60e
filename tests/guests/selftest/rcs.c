/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the render engine has: PIPE_CONTROL, predication, 3D state parsed by length. */
#include "selftest.h"

static void pipe_control(struct test *t, uint32_t flags, unsigned out_dword, uint32_t low, uint32_t high)
{
    emit(t, PIPE_CONTROL);
    emit(t, flags);
    emit_address(t, t->out_va + 4 * out_dword);
    emit(t, low);
    emit(t, high);
}

static void post_sync(struct test *t)
{
    pipe_control(t, PC_CS_STALL | PC_QW_WRITE, 0, 0x01020304, 0x05060708);
    pipe_control(t, PC_CS_STALL | PC_TIMESTAMP, 4, 0, 0);
    pipe_control(t, PC_CS_STALL | PC_DEPTH_COUNT, 8, 0, 0);
    pipe_control(t, PC_CS_STALL | PC_TIMESTAMP, 12, 0, 0);
    if (!test_run(t))
        return;
    expect_u64(t, 0, 0x0506070801020304ull, "immediate");
    uint64_t first = *(uint64_t *)(t->out + 4), second = *(uint64_t *)(t->out + 12);
    report(first != 0 && second >= first && second - first < 12000000ull * TEST_SECONDS, "timestamps grow");
    expect_u64(t, 8, 0, "depth count of nothing drawn");
    *(uint64_t *)(t->out + 4) = *(uint64_t *)(t->out + 12) = 0; /* time differs from run to run: keep the arena comparable */
}

/* From the ring, to the global GTT. */
static void post_sync_ggtt(struct test *t)
{
    ring_emit(&t->ctx, PIPE_CONTROL);
    ring_emit(&t->ctx, PC_CS_STALL | PC_QW_WRITE | PC_GGTT);
    ring_emit(&t->ctx, t->out_gma + 64);
    ring_emit(&t->ctx, 0);
    ring_emit(&t->ctx, 0xabcd);
    ring_emit(&t->ctx, 0xef01);
    if (test_run_ring(t))
        expect_u64(t, 16, 0xef010000abcdull, "immediate");
}

static void ring_lri(struct test *t, uint32_t reg, uint32_t value)
{
    ring_emit(&t->ctx, MI_LOAD_REGISTER_IMM(1));
    ring_emit(&t->ctx, reg);
    ring_emit(&t->ctx, value);
}

/* MI_PREDICATE compares its source registers; a predicated batch start looks at MI_PREDICATE_RESULT_1, which the ring loads from the result. */
static void predicate(struct test *t)
{
    enum { SRC0 = 0x2400, SRC1 = 0x2408, RESULT = 0x2418, RESULT_1 = 0x241c, LOAD = 2 << 6, SRCS_EQUAL = 2 };
    struct batch taken;

    batch_init(&taken, t->vm, 0x32000000, 4096);
    batch_emit(&taken, MI_COPY_MEM_MEM(0));
    batch_address(&taken, t->out_va);
    batch_address(&taken, t->out_va + 64);
    batch_emit(&taken, MI_BATCH_BUFFER_END);
    for (unsigned round = 0; round < 2; round++) {
        t->out[16] = 0x77;
        t->out[0] = OUT_FILL;
        for (unsigned i = 0; i < 4; i++)
            ring_lri(t, SRC0 + 4 * i, 0);
        ring_lri(t, SRC0, round ? 7 : 8);
        ring_lri(t, SRC1, 7);
        ring_emit(&t->ctx, MI_PREDICATE(LOAD | SRCS_EQUAL));
        ring_emit(&t->ctx, MI_LOAD_REGISTER_REG);
        ring_emit(&t->ctx, RESULT);
        ring_emit(&t->ctx, RESULT_1);
        ring_emit(&t->ctx, MI_BATCH_BUFFER_START(MI_BB_PPGTT | MI_BB_PREDICATE));
        ring_emit(&t->ctx, (uint32_t)taken.va);
        ring_emit(&t->ctx, (uint32_t)(taken.va >> 32));
        if (!test_run_ring(t))
            return;
        expect_u32(t, 0, round ? 0x77 : OUT_FILL, round ? "equal: batch runs" : "unequal: batch is skipped");
    }
}

/* A batch of 3D state as a driver sends at its start: only lengths matter yet. */
static void state_3d(struct test *t)
{
    emit(t, 0x69040300); /* PIPELINE_SELECT 3D */
    emit(t, 0x61010011); /* STATE_BASE_ADDRESS, 19 dwords */
    for (unsigned i = 1; i < 19; i++)
        emit(t, 1);
    emit(t, 0x79000002); /* 3DSTATE_DRAWING_RECTANGLE */
    emit(t, 0);
    emit(t, 0x00ff00ff);
    emit(t, 0);
    emit(t, 0x78090005); /* 3DSTATE_VERTEX_ELEMENTS, 3 elements */
    for (unsigned i = 1; i < 7; i++)
        emit(t, 0);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, t->out_va);
    emit(t, 0x3d);
    if (test_run(t))
        expect_u32(t, 0, 0x3d, "the command after the state");
}

/* CS_CHICKEN1 is writable by user batches only when the kernel says so; RING_MODE never is. */
static void unprivileged_registers(struct test *t)
{
    emit_lri(t, t->base + RING_HWS_PGA, 0xdead0000);
    emit_lri(t, t->base + 0x600, 0x1234);
    emit_srm(t, t->base + 0x600, 0);
    if (!test_run(t))
        return;
    expect_u32(t, 0, 0x1234, "GPR from a user batch");
    report(gpu_read(t->gpu, t->base + RING_HWS_PGA) == t->gpu->status_gma[t->engine], "status page address is unchanged");
}

const struct test_case rcs_tests[] = {
    {"pipe_control_post_sync", ON_RCS, post_sync},
    {"pipe_control_ggtt", ON_RCS, post_sync_ggtt},
    {"predicate", ON_RCS, predicate},
    {"state_3d", ON_RCS, state_3d},
    {"unprivileged_registers", ON_ALL, unprivileged_registers},
    {0},
};
