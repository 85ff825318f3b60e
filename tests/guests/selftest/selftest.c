/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The self-test's frame: arena, fixtures, and the loop over tests and engines. Run with `vmm run`; args: only=PART runs the tests with PART in their name. */
#include "interrupt.h"
#include "pci.h"
#include "selftest.h"

enum { ARENA_VA_LOW = 0x10000000 };
static const uint64_t ARENA_VA = 0x7f0000000000ull; /* uses all four levels */

static struct {
    uint8_t *memory;
    size_t used;
} arena;

void emit(struct test *t, uint32_t dword)
{
    batch_emit(&t->batch, dword);
}

void emit_address(struct test *t, uint64_t address)
{
    batch_address(&t->batch, address);
}

void emit_lri(struct test *t, uint32_t reg, uint32_t value)
{
    emit(t, MI_LOAD_REGISTER_IMM(1));
    emit(t, reg);
    emit(t, value);
}

void emit_srm(struct test *t, uint32_t reg, unsigned out_dword)
{
    emit(t, MI_STORE_REGISTER_MEM(0));
    emit(t, reg);
    emit_address(t, t->out_va + out_dword * 4);
}

static bool wait_for(struct test *t)
{
    uint32_t seqno = ring_finish(&t->ctx);

    context_submit(&t->ctx, NULL);
    if (context_wait(&t->ctx, seqno, TEST_SECONDS))
        return true;
    report(false, "ended in time (ACTHD 0x%x IPEHR 0x%x EIR 0x%x ESR 0x%x)", gpu_read(t->gpu, t->base + RING_ACTHD),
           gpu_read(t->gpu, t->base + RING_IPEHR), gpu_read(t->gpu, t->base + RING_EIR), gpu_read(t->gpu, t->base + RING_ESR));
    return false;
}

bool test_run(struct test *t)
{
    emit(t, MI_BATCH_BUFFER_END);
    emit(t, MI_NOOP);
    ring_batch(&t->ctx, t->batch.va);
    return wait_for(t);
}

bool test_run_ring(struct test *t)
{
    return wait_for(t);
}

void expect_u32(struct test *t, unsigned dword, uint32_t expected, const char *what)
{
    uint32_t is = ((volatile uint32_t *)t->out)[dword];

    report(is == expected, "%s: 0x%x (expected 0x%x)", what, is, expected);
}

void expect_u64(struct test *t, unsigned dword, uint64_t expected, const char *what)
{
    uint64_t is = *(volatile uint64_t *)(t->out + dword);

    report(is == expected, "%s: 0x%lx (expected 0x%lx)", what, is, expected);
}

void *arena_alloc(struct test *t, size_t bytes, uint64_t *va)
{
    void *memory = arena.memory + arena.used;

    if (arena.used + bytes > ARENA_BYTES) {
        guest_panic("the arena is full");
    }
    *va = ARENA_VA + arena.used;
    arena.used += bytes;
    uint32_t *words = memory;
    for (size_t i = 0; i < bytes / 4; i++)
        words[i] = OUT_FILL;
    return memory;
}

static void run_case(struct gpu *gpu, struct ppgtt *vm, const struct test_case *c, unsigned engine)
{
    static struct test t;

    report_prefix_push(gpu_engine_label(engine));
    report_prefix_push(c->name);
    t = (struct test){.gpu = gpu, .engine = engine, .base = gpu_engine_base(engine), .vm = vm};
    context_init(&t.ctx, gpu, engine, vm, 16384);
    batch_init(&t.batch, vm, ARENA_VA_LOW, 16384);
    t.out = arena_alloc(&t, OUT_BYTES, &t.out_va);
    t.out_gma = gpu_bind_low(gpu, t.out, OUT_BYTES);
    gpu_flush_ggtt(gpu);
    c->run(&t);
    report_prefix_pop();
    report_prefix_pop();
}

/* CRC-32 as in zip, so that other tools agree. */
static uint32_t crc32(const uint8_t *data, size_t bytes)
{
    uint32_t table[256], crc = ~0u;

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (unsigned bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
    }
    for (size_t i = 0; i < bytes; i++)
        crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xff];
    return ~crc;
}

static bool contains(const char *text, const char *part)
{
    size_t length = strlen(part);

    for (; *text; text++)
        if (strncmp(text, part, length) == 0)
            return true;
    return length == 0;
}

/* Firmware's part: ASLS leads to an OpRegion, whose mailbox 4 is a VBT. */
static void check_opregion(const struct gpu *gpu)
{
    const char *region = (const char *)(uintptr_t)pci_read(gpu->device, 0xfc, 4);

    report(region && memcmp(region, "IntelGraphicsMem", 16) == 0 && memcmp(region + 0x400, "$VBT", 4) == 0, "an OpRegion with a VBT at 0x%lx",
           (uint64_t)(uintptr_t)region);
}

int guest_main(void)
{
    char only[32] = "";

    static struct gpu gpu;
    static const struct test_case *const suites[] = {mi_tests, rcs_tests, blt_tests};
    struct ppgtt vm;

    boot_arg("only", only, sizeof(only));
    if (!gpu_open(&gpu))
        return 1;
    check_opregion(&gpu);
    user_enter();
    printf("selftest: %s, low GM 0x%lx+0x%lx\n", gpu.is_virtual ? "vGPU" : "whole device", gpu.low.start, gpu.low.size);
    arena.memory = page_alloc_aligned(ARENA_BYTES, 2 << 20);
    for (size_t i = 0; i < ARENA_BYTES / 4; i++)
        ((uint32_t *)arena.memory)[i] = OUT_FILL;
    ppgtt_init(&vm);
    ppgtt_map(&vm, ARENA_VA, arena.memory, ARENA_BYTES, 4096);

    for (unsigned s = 0; s < 3; s++)
        for (const struct test_case *c = suites[s]; c->name; c++)
            for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
                if (c->engines >> engine & 1 && contains(c->name, only))
                    run_case(&gpu, &vm, c, engine);

    printf("arena 0x%lx 0x%lx crc32 0x%x\n", (uint64_t)(uintptr_t)arena.memory, (uint64_t)ARENA_BYTES,
           crc32(arena.memory, ARENA_BYTES));
    return report_summary();
}
