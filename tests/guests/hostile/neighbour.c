/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that minds its own business: every frame it works on all engines, checks each byte that they wrote, flips its page, and takes the time.
 * What another guest does must neither change its memory nor make its picture stop. Args: seconds=N gap=N (longest gap between frames, ms).
 */
#include "display.h"
#include "guest.h"
#include "interrupt.h"
#include "mi.h"

enum {
    SECONDS = 20, /* until a request counts as lost */
    WIDTH = 256,
    HEIGHT = 64,
    PITCH = WIDTH * 4,
    SURFACE = PITCH * HEIGHT,
    SCREEN_WIDTH = 640,
    SCREEN_HEIGHT = 480,
    SCREEN_PITCH = SCREEN_WIDTH * 4,
    SCREEN = SCREEN_PITCH * SCREEN_HEIGHT,
    CANARY = 1 << 20,
    CANARY_STEP = CANARY / 16, /* checked in each frame */
    GPR0 = 0x600,              /* from the engine's base */
};
#define CANARY_VA 0x40000000ull
#define SOURCE_VA 0x50000000ull
#define TARGET_VA 0x51000000ull
#define STORE_VA 0x52000000ull
#define BATCH_VA 0x53000000ull

struct neighbour {
    struct gpu gpu;
    struct ppgtt vm;
    struct context ctx[ENGINE_COUNT];
    struct batch batch[ENGINE_COUNT];
    uint32_t *canary, *source, *target, *screen[2];
    volatile uint32_t *store; /* a page for each engine */
    uint32_t canary_gma, screen_gma[2];
    unsigned wrong;
};

static uint32_t canary_word(unsigned index)
{
    return index * 2654435761u ^ 0x5eed5eed;
}

/* Counts what is not as it must be, and prints the first few. */
static void must(struct neighbour *n, bool right, const char *what, unsigned frame, uint32_t where, uint32_t is)
{
    if (right)
        return;
    if (n->wrong++ < 8)
        printf("neighbour: frame %u: %s: 0x%x is 0x%x\n", frame, what, where, is);
}

static void *shared(struct neighbour *n, uint64_t va, size_t bytes)
{
    void *memory = page_alloc(bytes);

    ppgtt_map(&n->vm, va, memory, bytes, 4096);
    return memory;
}

static void set_up(struct neighbour *n)
{
    ppgtt_init(&n->vm);
    n->canary = shared(n, CANARY_VA, CANARY);
    for (unsigned i = 0; i < CANARY / 4; i++)
        n->canary[i] = canary_word(i);
    n->canary_gma = gpu_bind_low(&n->gpu, n->canary, CANARY);
    n->source = shared(n, SOURCE_VA, SURFACE);
    n->target = shared(n, TARGET_VA, SURFACE);
    n->store = shared(n, STORE_VA, ENGINE_COUNT * 4096);
    for (unsigned i = 0; i < 2; i++) {
        n->screen[i] = page_alloc(SCREEN);
        n->screen_gma[i] = gpu_bind_low(&n->gpu, n->screen[i], SCREEN);
        for (unsigned p = 0; p < SCREEN / 4; p++)
            n->screen[i][p] = i ? 0xff208040 : 0xff204080;
    }
    gpu_flush_ggtt(&n->gpu);
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        context_init(&n->ctx[e], &n->gpu, e, &n->vm, 16384);
        batch_init(&n->batch[e], &n->vm, BATCH_VA + ((uint64_t)e << 20), 4096);
    }
}

static void rectangle(struct batch *b, uint32_t command, uint32_t control, uint64_t va)
{
    batch_emit(b, command);
    batch_emit(b, control | PITCH | BLT_BPP_32);
    batch_emit(b, 0);
    batch_emit(b, HEIGHT << 16 | WIDTH);
    batch_address(b, va);
}

/* A value through a register of the context and one straight to memory; the blitter fills and copies too. */
static uint32_t submit(struct neighbour *n, unsigned engine, uint32_t value)
{
    struct batch *b = &n->batch[engine];
    uint32_t gpr = gpu_engine_base(engine) + GPR0;

    b->used = 0;
    if (engine == ENGINE_BCS0) {
        rectangle(b, XY_COLOR_BLT(BLT_WRITE_RGBA), BLT_ROP_PATCOPY, SOURCE_VA);
        batch_emit(b, value);
        rectangle(b, XY_SRC_COPY_BLT(BLT_WRITE_RGBA), BLT_ROP_SRCCOPY, TARGET_VA);
        batch_emit(b, 0);
        batch_emit(b, PITCH);
        batch_address(b, SOURCE_VA);
    }
    batch_emit(b, MI_LOAD_REGISTER_IMM(1));
    batch_emit(b, gpr);
    batch_emit(b, value);
    batch_emit(b, MI_STORE_DWORD_IMM(0));
    batch_address(b, STORE_VA + engine * 4096ull);
    batch_emit(b, ~value);
    batch_emit(b, MI_STORE_REGISTER_MEM(0));
    batch_emit(b, gpr);
    batch_address(b, STORE_VA + engine * 4096ull + 4);
    batch_emit(b, MI_BATCH_BUFFER_END);
    ring_batch(&n->ctx[engine], b->va);
    uint32_t seqno = ring_finish(&n->ctx[engine]);
    context_submit(&n->ctx[engine], NULL);
    return seqno;
}

static bool draw(struct neighbour *n, unsigned frame)
{
    uint32_t seqno[ENGINE_COUNT], value = frame * 0x01010101u + 0x1234;

    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        seqno[e] = submit(n, e, value + e);
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        if (!context_wait(&n->ctx[e], seqno[e], SECONDS)) {
            printf("neighbour: frame %u: %s lost a request\n", frame, gpu_engine_label(e));
            return false;
        }
        must(n, n->store[e * 1024] == ~(value + e), "stored value", frame, e, n->store[e * 1024]);
        must(n, n->store[e * 1024 + 1] == value + e, "register", frame, e, n->store[e * 1024 + 1]);
    }
    for (unsigned i = 0; i < SURFACE / 4; i++)
        must(n, n->target[i] == value + ENGINE_BCS0, "picture", frame, i, n->target[i]);
    return true;
}

/* Memory that nobody writes, as the CPU, the aperture and the global GTT see it. */
static void check_canary(struct neighbour *n, unsigned frame)
{
    unsigned from = frame % 16 * (CANARY_STEP / 4), page = frame % (CANARY / 4096), word = page * 1024 + frame % 1024;
    uint64_t entry = n->gpu.gtt[n->canary_gma / 4096 + page];

    for (unsigned i = from; i < from + CANARY_STEP / 4; i++)
        must(n, n->canary[i] == canary_word(i), "memory", frame, i, n->canary[i]);
    uint32_t seen = *(volatile uint32_t *)(n->gpu.aperture + n->canary_gma + word * 4);
    must(n, seen == canary_word(word), "aperture", frame, word, seen);
    must(n, (entry & PTE_ADDRESS) == (uintptr_t)n->canary + page * 4096ull, "global GTT entry", frame, page, (uint32_t)entry);
}

/* Shows the other page and waits until it is on the screen. */
static void flip(struct neighbour *n, unsigned frame)
{
    n->gpu.pipe_iir[0] = 0;
    display_flip(&n->gpu, n->screen_gma[frame & 1]);
    for (;;) {
        uint32_t seen = n->gpu.interrupts;
        if (*(volatile uint32_t *)&n->gpu.pipe_iir[0] & 1u << 3)
            return;
        cpu_wait_while(&n->gpu.interrupts, seen);
    }
}

int guest_main(void)
{
    static struct neighbour n;
    uint64_t limit = boot_arg_number("gap", 1500), worst = 0, sum = 0;
    unsigned seconds = boot_arg_number("seconds", 5), frame = 0, worst_frame = 0, width, height;

    if (!gpu_open(&n.gpu))
        return 1;
    gpu_enable_interrupts(&n.gpu);
    n.gpu.sleeps = true;
    user_enter();
    set_up(&n);
    if (!display_preferred_mode(&n.gpu, &width, &height)) {
        printf("neighbour: no monitor answers\n");
        return 1;
    }
    display_set_mode(&n.gpu, SCREEN_WIDTH, SCREEN_HEIGHT, n.screen_gma[1], SCREEN_PITCH, false);
    uint64_t start = time_us(), end = start + seconds * 1000000ull, last = start;
    for (; last < end; frame++) {
        if (!draw(&n, frame))
            return 1;
        check_canary(&n, frame);
        flip(&n, frame);
        uint64_t now = time_us();
        if (now - last > worst) {
            worst = now - last;
            worst_frame = frame;
        }
        last = now;
    }
    sum = (last - start) / 1000;
    printf("neighbour: %u frames in %lu ms, the longest gap was %lu ms before frame %u\n", frame, sum, worst / 1000, worst_frame);
    report(n.wrong == 0, "memory: %u wrong words", n.wrong);
    report(worst / 1000 <= limit, "pace: no gap above %lu ms", limit);
    return report_summary();
}
