/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MI commands on every engine: what each must leave in memory. */
#include "selftest.h"

#define GPR(t, n) ((t)->base + 0x600 + 8 * (n))

static void noop(struct test *t)
{
    for (unsigned i = 0; i < 200; i++)
        emit(t, MI_NOOP);
    report(test_run(t), "200 no-operations end");
}

static void store_dword(struct test *t)
{
    for (unsigned i = 0; i < 8; i++) {
        emit(t, MI_STORE_DWORD_IMM(0));
        emit_address(t, t->out_va + 4 * i);
        emit(t, 0x1000 + i);
    }
    if (!test_run(t))
        return;
    for (unsigned i = 0; i < 8; i++)
        expect_u32(t, i, 0x1000 + i, "dword");
    expect_u32(t, 8, OUT_FILL, "guard");
}

static void store_qword(struct test *t)
{
    emit(t, MI_STORE_QWORD_IMM(0));
    emit_address(t, t->out_va + 16);
    emit(t, 0x89abcdef);
    emit(t, 0x01234567);
    if (!test_run(t))
        return;
    expect_u64(t, 4, 0x0123456789abcdefull, "qword");
    expect_u32(t, 6, OUT_FILL, "guard");
}

/* As many as the command's length says: i915 writes page tables so. */
static void store_list(struct test *t)
{
    enum { QWORDS = 60 };

    emit(t, MI(0x20, 1 << 21, 3 + 2 * QWORDS));
    emit_address(t, t->out_va + 16);
    for (unsigned i = 0; i < 2 * QWORDS; i++)
        emit(t, 0x5000 + i);
    ring_emit(&t->ctx, MI(0x20, MI_USE_GGTT | 1 << 21, 3 + 4));
    ring_emit(&t->ctx, t->out_gma + 1024);
    ring_emit(&t->ctx, 0);
    for (unsigned i = 0; i < 4; i++)
        ring_emit(&t->ctx, 0x6000 + i);
    if (!test_run(t))
        return;
    expect_u32(t, 3, OUT_FILL, "guard");
    for (unsigned i = 0; i < 2 * QWORDS; i += 17)
        expect_u32(t, 4 + i, 0x5000 + i, "a list of quadwords");
    expect_u32(t, 4 + 2 * QWORDS - 1, 0x5000 + 2 * QWORDS - 1, "its end");
    expect_u32(t, 4 + 2 * QWORDS, OUT_FILL, "guard behind it");
    for (unsigned i = 0; i < 4; i++)
        expect_u32(t, 256 + i, 0x6000 + i, "one through the global GTT");
    expect_u32(t, 260, OUT_FILL, "guard behind that");
}

/* From the ring, which is privileged, to the global GTT. */
static void store_ggtt(struct test *t)
{
    ring_emit(&t->ctx, MI_STORE_DWORD_IMM(MI_USE_GGTT));
    ring_emit(&t->ctx, t->out_gma);
    ring_emit(&t->ctx, 0);
    ring_emit(&t->ctx, 0x600df00d);
    if (test_run_ring(t))
        expect_u32(t, 0, 0x600df00d, "through the global GTT");
}

/* The same from a batch in the per-process GTT, which is not privileged, must not reach the global GTT. */
static void store_ggtt_unprivileged(struct test *t)
{
    emit(t, MI_STORE_DWORD_IMM(MI_USE_GGTT));
    emit_address(t, t->out_gma);
    emit(t, 0xbadbadba);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, t->out_va + 4);
    emit(t, 1);
    if (!test_run(t))
        return;
    expect_u32(t, 0, OUT_FILL, "global GTT from a user batch");
    expect_u32(t, 1, 1, "the batch went on");
}

static void registers(struct test *t)
{
    emit(t, MI_LOAD_REGISTER_IMM(2));
    emit(t, GPR(t, 0));
    emit(t, 0x11112222);
    emit(t, GPR(t, 0) + 4);
    emit(t, 0x33334444);
    emit_srm(t, GPR(t, 0), 0);
    emit_srm(t, GPR(t, 0) + 4, 1);
    emit(t, MI_LOAD_REGISTER_REG);
    emit(t, GPR(t, 0));
    emit(t, GPR(t, 1));
    emit_srm(t, GPR(t, 1), 2);
    t->out[16] = 0x5555aaaa;
    emit(t, MI_LOAD_REGISTER_MEM(0));
    emit(t, GPR(t, 2));
    emit_address(t, t->out_va + 64);
    emit_srm(t, GPR(t, 2), 3);
    if (!test_run(t))
        return;
    expect_u32(t, 0, 0x11112222, "LRI low");
    expect_u32(t, 1, 0x33334444, "LRI high");
    expect_u32(t, 2, 0x11112222, "LRR");
    expect_u32(t, 3, 0x5555aaaa, "LRM");
}

/* GPRs belong to the context: another context must not see them. */
static void register_isolation(struct test *t)
{
    struct context other;
    struct batch batch;
    uint32_t seqno;

    emit_lri(t, GPR(t, 5), 0xc0ffee);
    if (!test_run(t))
        return;
    context_init(&other, t->gpu, t->engine, t->vm, 4096);
    batch_init(&batch, t->vm, 0x20000000, 4096);
    batch_emit(&batch, MI_LOAD_REGISTER_IMM(1));
    batch_emit(&batch, GPR(t, 5));
    batch_emit(&batch, 0x0bad0bad);
    batch_emit(&batch, MI_BATCH_BUFFER_END);
    ring_batch(&other, batch.va);
    report(context_run(&other, TEST_SECONDS), "another context runs");

    t->batch.used = 0;
    emit_srm(t, GPR(t, 5), 0);
    emit(t, MI_BATCH_BUFFER_END);
    ring_batch(&t->ctx, t->batch.va);
    seqno = ring_finish(&t->ctx);
    context_submit(&t->ctx, NULL);
    report(context_wait(&t->ctx, seqno, TEST_SECONDS), "the first context runs again");
    expect_u32(t, 0, 0xc0ffee, "its register");
}

static void math(struct test *t)
{
    static const struct {
        uint32_t op;
        uint64_t a, b, result;
    } cases[] = {
        {ALU_ADD, 0xffffffffffffffffull, 2, 1},
        {ALU_SUB, 5, 7, 0xfffffffffffffffeull},
        {ALU_AND, 0xff00ff00ff00ff00ull, 0x0ff00ff00ff00ff0ull, 0x0f000f000f000f00ull},
        {ALU_OR, 0xff00000000000000ull, 0xff, 0xff000000000000ffull},
        {ALU_XOR, 0xffffffff00000000ull, 0x0f0f0f0f0f0f0f0full, 0xf0f0f0f00f0f0f0full},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        emit_lri(t, GPR(t, 0), (uint32_t)cases[i].a);
        emit_lri(t, GPR(t, 0) + 4, cases[i].a >> 32);
        emit_lri(t, GPR(t, 1), (uint32_t)cases[i].b);
        emit_lri(t, GPR(t, 1) + 4, cases[i].b >> 32);
        emit(t, MI_MATH(4));
        emit(t, ALU(ALU_LOAD, ALU_SRCA, 0));
        emit(t, ALU(ALU_LOAD, ALU_SRCB, 1));
        emit(t, ALU(cases[i].op, 0, 0));
        emit(t, ALU(ALU_STORE, 2, ALU_ACCU));
        emit_srm(t, GPR(t, 2), 2 * i);
        emit_srm(t, GPR(t, 2) + 4, 2 * i + 1);
    }
    if (!test_run(t))
        return;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_u64(t, 2 * i, cases[i].result, "ALU result");
}

static void copy_mem_mem(struct test *t)
{
    t->out[32] = 0xfeedface;
    emit(t, MI_COPY_MEM_MEM(0));
    emit_address(t, t->out_va);
    emit_address(t, t->out_va + 128);
    if (test_run(t))
        expect_u32(t, 0, 0xfeedface, "copy");
}

static void atomic(struct test *t)
{
    static const struct {
        uint32_t op; /* PRM SKL vol. 2a, MI_ATOMIC: opcode of the 4-byte forms */
        uint32_t before, operand, after;
        const char *name;
    } cases[] = {
        {0x01, 0xff00ff00, 0x0ff00ff0, 0x0f000f00, "and"},  {0x02, 0xf0, 0x0f, 0xff, "or"},
        {0x03, 0xff, 0x0f, 0xf0, "xor"},                    {0x04, 1, 0x99, 0x99, "move"},
        {0x05, 41, 0, 42, "increment"},                     {0x06, 43, 0, 42, "decrement"},
        {0x07, 40, 2, 42, "add"},                           {0x08, 44, 2, 42, "subtract"},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        t->out[i] = cases[i].before;
        emit(t, MI_ATOMIC(1 << 18 | cases[i].op << 8, 11)); /* inline data */
        emit_address(t, t->out_va + 4 * i);
        emit(t, cases[i].operand);
        for (unsigned j = 0; j < 7; j++)
            emit(t, 0);
    }
    if (!test_run(t))
        return;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_u32(t, i, cases[i].after, cases[i].name);
}

/* A wait that is true at once, and one that the CPU makes true while the engine waits. */
static void semaphore_wait(struct test *t)
{
    uint32_t seqno;

    t->out[0] = 5;
    t->out[1] = 0;
    emit(t, MI_SEMAPHORE_WAIT(MI_SEMAPHORE_POLL | MI_SEMAPHORE_GE));
    emit(t, 5);
    emit_address(t, t->out_va);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, t->out_va + 8);
    emit(t, 1);
    emit(t, MI_SEMAPHORE_WAIT(MI_SEMAPHORE_POLL | MI_SEMAPHORE_EQ));
    emit(t, 7);
    emit_address(t, t->out_va + 4);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, t->out_va + 12);
    emit(t, 2);
    emit(t, MI_BATCH_BUFFER_END);
    ring_batch(&t->ctx, t->batch.va);
    seqno = ring_finish(&t->ctx);
    context_submit(&t->ctx, NULL);
    for (uint64_t until = time_us() + TEST_SECONDS * 1000000ull; ((volatile uint32_t *)t->out)[2] != 1 && time_us() < until;)
        cpu_pause();
    expect_u32(t, 2, 1, "a true wait passes");
    expect_u32(t, 3, OUT_FILL, "a false one holds");
    report(*t->ctx.seqno != seqno, "the context has not ended");
    ((volatile uint32_t *)t->out)[1] = 7;
    report(context_wait(&t->ctx, seqno, TEST_SECONDS), "it ends after the CPU wrote");
    expect_u32(t, 3, 2, "what follows the wait ran");
}

static void conditional_end(struct test *t)
{
    t->out[0] = 10;
    emit(t, MI_CONDITIONAL_BATCH_BUFFER_END(1 << 21)); /* compare: ends when memory <= value */
    emit(t, 5);
    emit_address(t, t->out_va);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, t->out_va + 4);
    emit(t, 1);
    emit(t, MI_CONDITIONAL_BATCH_BUFFER_END(1 << 21));
    emit(t, 10);
    emit_address(t, t->out_va);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, t->out_va + 8);
    emit(t, 1);
    if (!test_run(t))
        return;
    expect_u32(t, 1, 1, "10 > 5: goes on");
    expect_u32(t, 2, OUT_FILL, "10 <= 10: ends");
}

/* A second-level batch returns to its caller; a chained one does not. */
static void batches(struct test *t)
{
    struct batch second, chained;

    batch_init(&second, t->vm, 0x30000000, 4096);
    batch_emit(&second, MI_STORE_DWORD_IMM(0));
    batch_address(&second, t->out_va);
    batch_emit(&second, 1);
    batch_emit(&second, MI_BATCH_BUFFER_END);
    batch_init(&chained, t->vm, 0x31000000, 4096);
    batch_emit(&chained, MI_STORE_DWORD_IMM(0));
    batch_address(&chained, t->out_va + 8);
    batch_emit(&chained, 3);
    batch_emit(&chained, MI_BATCH_BUFFER_END);

    emit(t, MI_BATCH_BUFFER_START(MI_BB_PPGTT | MI_BB_SECOND_LEVEL));
    emit_address(t, second.va);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, t->out_va + 4);
    emit(t, 2);
    emit(t, MI_BATCH_BUFFER_START(MI_BB_PPGTT));
    emit_address(t, chained.va);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, t->out_va + 12);
    emit(t, 4);
    if (!test_run(t))
        return;
    expect_u32(t, 0, 1, "second level ran");
    expect_u32(t, 1, 2, "and returned");
    expect_u32(t, 2, 3, "the chained batch ran");
    expect_u32(t, 3, OUT_FILL, "and did not return");
}

/* Page sizes: the same store through 4 KiB, 64 KiB and 2 MiB mappings. */
static void page_sizes(struct test *t)
{
    static const struct {
        uint64_t va;
        size_t page;
    } maps[] = {{0x40000000, 65536}, {0x80000000, 2 << 20}};
    uint8_t *big = page_alloc_aligned(2 << 20, 2 << 20);

    ppgtt_map(t->vm, maps[0].va, big, 2 << 20, maps[0].page);
    ppgtt_map(t->vm, maps[1].va, big, 2 << 20, maps[1].page);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, maps[0].va + 0x12340);
    emit(t, 0x64);
    emit(t, MI_STORE_DWORD_IMM(0));
    emit_address(t, maps[1].va + 0x1ffffc);
    emit(t, 0x200);
    emit(t, MI_COPY_MEM_MEM(0));
    emit_address(t, t->out_va);
    emit_address(t, maps[1].va + 0x12340);
    emit(t, MI_COPY_MEM_MEM(0));
    emit_address(t, t->out_va + 4);
    emit_address(t, maps[0].va + 0x1ffffc);
    if (!test_run(t))
        return;
    expect_u32(t, 0, 0x64, "64 KiB page");
    expect_u32(t, 1, 0x200, "2 MiB page");
}

static void flush_dw(struct test *t)
{
    emit(t, MI_FLUSH_DW(MI_FLUSH_DW_QW_WRITE, 5));
    emit_address(t, t->out_va + 8);
    emit(t, 0xdddd0001);
    emit(t, 0xdddd0002);
    if (!test_run(t))
        return;
    expect_u64(t, 2, 0xdddd0002dddd0001ull, "post-sync qword");
}

/* A ring that wraps many times. */
static void ring_wrap(struct test *t)
{
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < 700; i++) {
            ring_emit(&t->ctx, MI_STORE_DWORD_IMM(MI_USE_GGTT));
            ring_emit(&t->ctx, t->out_gma + 4 * (i % 16));
            ring_emit(&t->ctx, 0);
            ring_emit(&t->ctx, round * 1000 + i);
        }
        if (!test_run_ring(t))
            return;
    }
    for (unsigned i = 0; i < 16; i++)
        expect_u32(t, i, 5000 + 699 - (699 - i) % 16, "last value");
}

/* Two contexts in one execlist: both run, the first before the second. */
static void two_elements(struct test *t)
{
    struct context second;
    uint32_t csb[12][2], one, two;

    context_init(&second, t->gpu, t->engine, t->vm, 4096);
    gpu_read_csb(t->gpu, t->engine, csb, 12);
    ring_emit(&t->ctx, MI_STORE_DWORD_IMM(MI_USE_GGTT));
    ring_emit(&t->ctx, t->out_gma);
    ring_emit(&t->ctx, 0);
    ring_emit(&t->ctx, 1);
    ring_emit(&second, MI_STORE_DWORD_IMM(MI_USE_GGTT));
    ring_emit(&second, t->out_gma);
    ring_emit(&second, 0);
    ring_emit(&second, 2);
    one = ring_finish(&t->ctx);
    two = ring_finish(&second);
    context_submit(&t->ctx, &second);
    report(context_wait(&t->ctx, one, TEST_SECONDS), "first context");
    report(context_wait(&second, two, TEST_SECONDS), "second context");
    expect_u32(t, 0, 2, "order");
}

const struct test_case mi_tests[] = {
    {"noop", ON_ALL, noop},
    {"store_dword", ON_ALL, store_dword},
    {"store_qword", ON_ALL, store_qword},
    {"store_list", ON_ALL, store_list},
    {"store_ggtt", ON_ALL, store_ggtt},
    {"store_ggtt_unprivileged", ON_ALL, store_ggtt_unprivileged},
    {"registers", ON_ALL, registers},
    {"register_isolation", ON_ALL, register_isolation},
    {"math", ON_ALL, math},
    {"copy_mem_mem", ON_ALL, copy_mem_mem},
    {"atomic", ON_ALL, atomic},
    {"semaphore_wait", ON_ALL, semaphore_wait},
    {"conditional_end", ON_ALL, conditional_end},
    {"batches", ON_ALL, batches},
    {"page_sizes", ON_RCS | ON_BCS, page_sizes},
    {"flush_dw", ON_BCS | ON_VCS | ON_VECS, flush_dw},
    {"ring_wrap", ON_ALL, ring_wrap},
    {"two_elements", ON_ALL, two_elements},
    {0},
};
