/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that does what no driver should. Args: case=NAME[,NAME...] seed=N ms=N. After each case it resets its GPU and tries an honest
 * request: "works" or "stopped" says whether the vGPU survived. Only the VMM's other guests can tell whether the case harmed them.
 */
#include "hostile.h"
#include "interrupt.h"

enum { POLL_US = 200 };

uint64_t random64(struct hostile *h)
{
    /* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators") */
    h->random_state ^= h->random_state >> 12;
    h->random_state ^= h->random_state << 25;
    h->random_state ^= h->random_state >> 27;
    return h->random_state * 2685821657736338717ull;
}

uint64_t awkward64(struct hostile *h)
{
    uint64_t value = 1ull << random_below(h, 64);

    switch (random_below(h, 6)) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return value;
    case 3: return value - 1;
    case 4: return ~value;
    default: return random64(h);
    }
}

bool goes_on(const struct hostile *h, uint64_t start)
{
    return time_us() - start < h->ms * 1000ull;
}

uint32_t foreign_gma(struct hostile *h)
{
    for (;;) {
        uint32_t gma = random32(h) & ~7u;
        bool low = gma - h->gpu.low.start < h->gpu.low.size, high = gma - h->gpu.high.start < h->gpu.high.size;
        if (!low && !high)
            return gma;
    }
}

/* A vGPU that was disabled takes no writes. */
static bool disabled(struct hostile *h)
{
    uint32_t other = ~gpu_read(&h->gpu, R_PVINFO_CURSOR_X_HOT);

    gpu_write(&h->gpu, R_PVINFO_CURSOR_X_HOT, other);
    return gpu_read(&h->gpu, R_PVINFO_CURSOR_X_HOT) != other;
}

bool shoot(struct hostile *h, unsigned engine)
{
    struct context *ctx = &h->ctx[engine];
    uint32_t seqno = ring_finish(ctx);
    uint64_t start = time_us();

    context_submit(ctx, NULL);
    while ((int32_t)(*ctx->seqno - seqno) < 0) {
        if (!goes_on(h, start) || disabled(h))
            return false;
        delay_us(POLL_US);
    }
    return true;
}

bool shoot_ring(struct hostile *h, unsigned engine, const uint32_t *dwords, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ring_emit(&h->ctx[engine], dwords[i]);
    return shoot(h, engine);
}

bool shoot_batch(struct hostile *h, unsigned engine, const uint32_t *dwords, unsigned count)
{
    h->batch.used = 0;
    for (unsigned i = 0; i < count; i++)
        batch_emit(&h->batch, dwords[i]);
    batch_emit(&h->batch, MI_BATCH_BUFFER_END);
    ring_batch(&h->ctx[engine], h->batch.va);
    return shoot(h, engine);
}

void elsp_write(struct hostile *h, unsigned engine, uint64_t first, uint64_t second)
{
    uint32_t port = gpu_engine_base(engine) + RING_ELSP;

    gpu_write(&h->gpu, port, (uint32_t)(second >> 32));
    gpu_write(&h->gpu, port, (uint32_t)second);
    gpu_write(&h->gpu, port, (uint32_t)(first >> 32));
    gpu_write(&h->gpu, port, (uint32_t)first);
}

bool graphics_reset(struct hostile *h, uint32_t domains)
{
    gpu_write(&h->gpu, R_GEN6_GDRST, domains);
    for (uint64_t start = time_us(); gpu_read(&h->gpu, R_GEN6_GDRST) & domains;)
        if (time_us() - start > 1000000)
            return false;
    return true;
}

void start_over(struct hostile *h)
{
    enum { FULL = 1, RING = 8192 };

    graphics_reset(h, FULL);
    if (!gpu_open(&h->gpu))
        guest_panic("the GPU is gone");
    ppgtt_init(&h->vm);
    ppgtt_map(&h->vm, MEMORY_VA, h->memory, MEMORY_BYTES, 4096);
    h->memory_gma = gpu_bind_low(&h->gpu, h->memory, MEMORY_BYTES);
    batch_init(&h->batch, &h->vm, BATCH_VA, BATCH_BYTES);
    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        context_init(&h->ctx[e], &h->gpu, e, &h->vm, RING);
    gpu_flush_ggtt(&h->gpu);
}

/* True when every engine still does what it is told. */
static bool works(struct hostile *h)
{
    bool all = !disabled(h);

    start_over(h);
    for (unsigned e = 0; e < ENGINE_COUNT && all; e++) {
        const uint32_t store[] = {MI_STORE_DWORD_IMM(0), (uint32_t)MEMORY_VA, 0, 0xc0de + e};
        unsigned ms = h->ms;
        h->ms = 3000;
        all = shoot_batch(h, e, store, 4) && *(volatile uint32_t *)h->memory == 0xc0de + e;
        h->ms = ms;
    }
    return all;
}

static const struct hostile_case *find(const char *name)
{
    static const struct hostile_case *const tables[] = {register_cases, memory_cases, command_cases, context_cases};

    for (unsigned i = 0; i < 4; i++)
        for (const struct hostile_case *c = tables[i]; c->name; c++)
            if (strcmp(c->name, name) == 0)
                return c;
    return NULL;
}

static void run(struct hostile *h, const char *name)
{
    const struct hostile_case *c = find(name);
    uint64_t start = time_us();

    if (!c)
        guest_panic("there is no case %s", name);
    start_over(h);
    c->run(h);
    uint64_t took = (time_us() - start) / 1000;
    bool alive = works(h);
    printf("hostile: %s: %s (%lu ms)\n", name, alive ? "works" : "stopped", took);
}

int guest_main(void)
{
    static struct hostile h;
    char names[512] = "";
    struct gpu probe;

    if (!gpu_open(&probe))
        return 1;
    user_enter();
    h.gpu = probe;
    h.random_state = boot_arg_number("seed", 20240229) | 1;
    h.ms = boot_arg_number("ms", 300);
    h.memory = page_alloc(MEMORY_BYTES);
    boot_arg("case", names, sizeof(names));
    for (char *name = names; *name;) {
        char *end = name;
        while (*end && *end != ',')
            end++;
        bool more = *end;
        *end = '\0';
        run(&h, name);
        name = end + more;
    }
    printf("hostile: done\n");
    return 0;
}
