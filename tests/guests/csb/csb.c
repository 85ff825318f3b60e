/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Context status and interrupts: the events of every engine in the order in which hardware reports them, for single contexts, pairs, lite
 * restore and preemption, with an interrupt for each. The same on a vGPU and on the whole device.
 */
#include "gpu.h"
#include "guest.h"
#include "interrupt.h"
#include "mi.h"

enum { SECONDS = 20 };

struct fixture {
    struct gpu gpu;
    struct ppgtt vm;
    struct context a, b;
    volatile uint32_t *flag; /* what the semaphores wait for */
    uint64_t flag_va;
    struct batch wait;       /* waits until flag == 1 */
    uint32_t csb[64][2];
    unsigned events;
};

static void collect(struct fixture *f, unsigned engine)
{
    f->events += gpu_read_csb(&f->gpu, engine, f->csb + f->events, 64 - f->events);
}

/* Waits until count events have come (and a moment longer for one too many). */
static bool collect_until(struct fixture *f, unsigned engine, unsigned count)
{
    uint64_t deadline = time_us() + SECONDS * 1000000ull;

    while (f->events < count && time_us() < deadline) {
        collect(f, engine);
        cpu_pause();
    }
    for (uint64_t until = time_us() + 2000; time_us() < until;)
        collect(f, engine);
    return f->events == count;
}

static void expect(struct fixture *f, unsigned engine, const uint32_t (*must)[2], unsigned count, const char *what)
{
    bool same = collect_until(f, engine, count);

    for (unsigned i = 0; i < count && same; i++)
        same = f->csb[i][0] == must[i][0] && (must[i][1] == 0 || f->csb[i][1] == must[i][1]);
    report(same, "%s: %u events", what, f->events);
    for (unsigned i = 0; !same && i < f->events; i++)
        printf("  status 0x%x context 0x%x (expected 0x%x 0x%x)\n", f->csb[i][0], f->csb[i][1], i < count ? must[i][0] : 0,
               i < count ? must[i][1] : 0);
    f->events = 0;
}

static void hold(struct fixture *f, struct context *ctx)
{
    *f->flag = 0;
    ring_batch(ctx, f->wait.va);
}

/* Until the context's first breadcrumb is there: it runs, and stands at the semaphore. */
static void begin_held(struct fixture *f, struct context *ctx)
{
    uint32_t seqno = ring_finish(ctx);

    hold(f, ctx);
    context_submit(ctx, NULL);
    report(context_wait(ctx, seqno, SECONDS), "the context runs");
}

static void one_engine(struct fixture *f, unsigned engine)
{
    struct gpu *gpu = &f->gpu;
    uint32_t first, second, iir_bank = engine == ENGINE_VCS0 ? 1 : engine == ENGINE_VECS0 ? 3 : 0,
                            iir_shift = engine == ENGINE_BCS0 ? 16 : 0;

    report_prefix_push(gpu_engine_label(engine));
    context_init(&f->a, gpu, engine, &f->vm, 8192);
    context_init(&f->b, gpu, engine, &f->vm, 8192);
    f->events = 0;
    gpu->gt_iir[iir_bank] = 0;

    first = ring_finish(&f->a);
    context_submit(&f->a, NULL);
    report(context_wait(&f->a, first, SECONDS), "one context ends");
    expect(f, engine, (const uint32_t[][2]){{CSB_IDLE_ACTIVE, 0}, {CSB_CONTEXT_COMPLETE | CSB_ACTIVE_IDLE, f->a.id}}, 2, "one context");
    report((gpu->gt_iir[iir_bank] >> iir_shift & 0x101) == 0x101, "user and context-switch interrupts came (0x%x)",
           gpu->gt_iir[iir_bank] >> iir_shift);

    first = ring_finish(&f->a);
    second = ring_finish(&f->b);
    context_submit(&f->a, &f->b);
    report(context_wait(&f->b, second, SECONDS) && (int32_t)(*f->a.seqno - first) >= 0, "two contexts end");
    expect(f, engine,
           (const uint32_t[][2]){{CSB_IDLE_ACTIVE, 0},
                                 {CSB_CONTEXT_COMPLETE | CSB_ELEMENT_SWITCH, f->a.id},
                                 {CSB_CONTEXT_COMPLETE | CSB_ACTIVE_IDLE, f->b.id}},
           3, "two contexts");

    /* Lite restore: the running context again, with more in its ring. */
    begin_held(f, &f->a);
    first = ring_finish(&f->a);
    context_submit(&f->a, NULL);
    expect(f, engine, (const uint32_t[][2]){{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED | CSB_LITE_RESTORE, f->a.id}}, 2, "lite restore");
    *f->flag = 1;
    report(context_wait(&f->a, first, SECONDS), "the added request ends");
    expect(f, engine, (const uint32_t[][2]){{CSB_CONTEXT_COMPLETE | CSB_ACTIVE_IDLE, f->a.id}}, 1, "after lite restore");

    /* Preemption: another context takes the engine from one that waits; the first then goes on where it stood. */
    begin_held(f, &f->a);
    first = ring_finish(&f->a);
    second = ring_finish(&f->b);
    context_submit(&f->b, NULL);
    report(context_wait(&f->b, second, SECONDS), "the preempting context ends");
    expect(f, engine,
           (const uint32_t[][2]){{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED, f->a.id}, {CSB_CONTEXT_COMPLETE | CSB_ACTIVE_IDLE, f->b.id}}, 3,
           "preemption");
    report((int32_t)(*f->a.seqno - first) < 0, "the preempted context waits");
    context_submit(&f->a, NULL);
    *f->flag = 1;
    report(context_wait(&f->a, first, SECONDS), "the preempted context ends");
    expect(f, engine, (const uint32_t[][2]){{CSB_IDLE_ACTIVE, 0}, {CSB_CONTEXT_COMPLETE | CSB_ACTIVE_IDLE, f->a.id}}, 2,
           "after preemption");

    /* Many submissions: the status buffer wraps, nothing is lost or doubled. */
    bool ordered = true;
    for (unsigned i = 0; i < 20; i++) {
        first = ring_finish(i & 1 ? &f->b : &f->a);
        context_submit(i & 1 ? &f->b : &f->a, NULL);
        ordered &= context_wait(i & 1 ? &f->b : &f->a, first, SECONDS) && collect_until(f, engine, 2) &&
                   f->csb[0][0] == CSB_IDLE_ACTIVE && f->csb[1][1] == (i & 1 ? f->b.id : f->a.id);
        f->events = 0;
    }
    report(ordered, "twenty submissions");
    report_prefix_pop();
}

int guest_main(void)
{
    static struct fixture f;
    uint32_t *flag;

    if (!gpu_open(&f.gpu))
        return 1;
    gpu_enable_interrupts(&f.gpu);
    user_enter();
    ppgtt_init(&f.vm);
    flag = page_alloc(4096);
    f.flag = flag;
    f.flag_va = 0x50000000;
    ppgtt_map(&f.vm, f.flag_va, flag, 4096, 4096);
    batch_init(&f.wait, &f.vm, 0x51000000, 4096);
    batch_emit(&f.wait, MI_SEMAPHORE_WAIT(MI_SEMAPHORE_POLL | MI_SEMAPHORE_EQ));
    batch_emit(&f.wait, 1);
    batch_address(&f.wait, f.flag_va);
    batch_emit(&f.wait, MI_BATCH_BUFFER_END);
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
        one_engine(&f, engine);
    report(f.gpu.interrupts > 0, "%u interrupts in all", f.gpu.interrupts);
    return report_summary();
}
