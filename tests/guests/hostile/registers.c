/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile cases: registers of every kind, through BAR0 only. */
#include "hostile.h"
#include "interrupt.h"

enum { MMIO = 2 << 20, GTT_AT = 8 << 20, BAR0 = 16 << 20, PVINFO_G2V = R_PVINFO_G2V_NOTIFY };

static bool submits(uint32_t offset)
{
    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        if (offset == gpu_engine_base(e) + RING_ELSP)
            return true;
    return false;
}

/* Random writes: every register gets some. */
static void scribble(struct hostile *h, bool everything)
{
    uint64_t start = time_us();

    for (uint32_t at = 0, turn = 0; goes_on(h, start); turn++) {
        /* Half of them where the table has registers most densely: the start of each 64 KiB. */
        uint32_t offset = turn & 1 ? random_below(h, MMIO) & ~3u : at;
        at = (at + 4 * (1 + random_below(h, 64))) % MMIO;
        if (everything || (!submits(offset) && offset - R_PVINFO_RSV5 >= 16))
            gpu_write(&h->gpu, offset, (uint32_t)awkward64(h));
        if (turn % 16 == 0)
            (void)gpu_read(&h->gpu, random_below(h, MMIO) & ~3u);
    }
}

static void mmio(struct hostile *h) { scribble(h, false); }
static void mmio_all(struct hostile *h) { scribble(h, true); }

/* Engine registers, the densest and most dangerous part, with work under way. */
static void mmio_engines(struct hostile *h)
{
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        unsigned e = random_below(h, ENGINE_COUNT);
        uint32_t offset = gpu_engine_base(e) + (random_below(h, 0x700) & ~3u);
        if (random_below(h, 50) == 0) {
            ring_finish(&h->ctx[e]);
            context_submit(&h->ctx[e], NULL);
        }
        if (!submits(offset))
            gpu_write(&h->gpu, offset, (uint32_t)awkward64(h));
    }
}

/* All sizes at odd places, and across the borders of registers, nothing and GTT. */
static void mmio_sizes(struct hostile *h)
{
    static const uint32_t borders[] = {0, MMIO, GTT_AT, BAR0 - 8, R_PVINFO_MAGIC_LO, R_PVINFO_MAGIC_LO + 0x1000, R_FENCE_REG};
    uintptr_t base = (uintptr_t)h->gpu.mmio;
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        uint32_t offset = borders[random_below(h, 7)] + random_below(h, 16) - (random_below(h, 2) ? 8 : 0);
        uint64_t value = awkward64(h);
        offset = offset > BAR0 - 8 ? BAR0 - 8 : offset;
        switch (random_below(h, 4)) {
        case 0: *(volatile uint8_t *)(base + offset) = (uint8_t)value; break;
        case 1: *(volatile uint16_t *)(base + offset) = (uint16_t)value; break;
        case 2: mmio_write32(base + offset, (uint32_t)value); break;
        default: mmio_write64(base + offset, value); break;
        }
        (void)mmio_read64(base + offset);
    }
}

static void pvinfo(struct hostile *h)
{
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        for (unsigned i = 0; i < 4; i++) {
            uint64_t pdp = random_below(h, 2) ? (uintptr_t)h->vm.pml4 : awkward64(h);
            gpu_write(&h->gpu, R_PVINFO_PDP_LO + 8 * i, (uint32_t)pdp);
            gpu_write(&h->gpu, R_PVINFO_PDP_HI + 8 * i, (uint32_t)(pdp >> 32));
        }
        gpu_write(&h->gpu, PVINFO_G2V, random_below(h, 4) ? 2 + random_below(h, 6) : random32(h));
        if (random_below(h, 20) == 0) {
            ring_finish(&h->ctx[ENGINE_BCS0]);
            context_submit(&h->ctx[ENGINE_BCS0], NULL);
            gpu_write(&h->gpu, R_PVINFO_PDP_LO, (uint32_t)(uintptr_t)h->vm.pml4);
            gpu_write(&h->gpu, R_PVINFO_PDP_HI, 0);
            gpu_write(&h->gpu, PVINFO_G2V, 5); /* destroys the page tables of what runs */
            gpu_write(&h->gpu, PVINFO_G2V, 5);
        }
    }
}

static void pvinfo_rsv5(struct hostile *h)
{
    gpu_write(&h->gpu, R_PVINFO_RSV5, 1);
}

/* Fences of any shape, and accesses everywhere in the aperture through them. */
static void fences(struct hostile *h)
{
    uint64_t start = time_us(), places = h->gpu.aperture_size / 8;

    while (goes_on(h, start)) {
        uint32_t fence = R_FENCE_REG + 8 * random_below(h, 32);
        gpu_write(&h->gpu, fence, (uint32_t)(random_below(h, 2) ? awkward64(h) | 1 : ((h->gpu.low.start & 0xfffff000) | 1 | (random32(h) & 2))));
        gpu_write(&h->gpu, fence + 4, (uint32_t)awkward64(h));
        for (unsigned i = 0; i < 4; i++) {
            volatile uint64_t *at = (volatile uint64_t *)h->gpu.aperture + random64(h) % places;
            *at = random64(h);
            (void)*at;
            at = (volatile uint64_t *)(h->gpu.aperture + h->gpu.low.start) + random_below(h, MEMORY_BYTES / 8);
            *at = random64(h);
        }
    }
}

static void aperture(struct hostile *h)
{
    uint64_t start = time_us(), size = h->gpu.aperture_size;

    while (goes_on(h, start)) {
        volatile uint8_t *at = h->gpu.aperture + random64(h) % (size - 8);
        if (random_below(h, 4) == 0)
            at = h->gpu.aperture + (random_below(h, 2) ? 0 : size - 8);
        *at = 0xa5;
        *(volatile uint64_t *)at = random64(h);
        (void)*(volatile uint64_t *)at;
    }
}

/* A mode, then planes and cursors that show what cannot be shown. The VMM draws the screenshot from what is left at the end. */
static void display(struct hostile *h)
{
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        uint32_t pipe = random_below(h, 3) * 0x1000, plane = random_below(h, 4) * 0x100;
        uint64_t mode = random_below(h, 3) ? 0x03ff041f02ff031f : random64(h);
        gpu_write(&h->gpu, R_TRANS_HTOTAL + pipe, (uint32_t)(mode >> 32));
        gpu_write(&h->gpu, R_TRANS_VTOTAL + pipe, (uint32_t)mode);
        gpu_write(&h->gpu, R_PIPESRC + pipe, random_below(h, 2) ? 0x03ff02ff : (uint32_t)awkward64(h));
        gpu_write(&h->gpu, R_TRANS_DDI_FUNC_CTL + pipe, random32(h) | 1u << 31);
        gpu_write(&h->gpu, R_PIPECONF + pipe, 1u << 31);
        gpu_write(&h->gpu, R_PLANE_STRIDE_1 + pipe + plane, (uint32_t)awkward64(h));
        gpu_write(&h->gpu, R_PLANE_POS_1 + pipe + plane, (uint32_t)awkward64(h));
        gpu_write(&h->gpu, R_PLANE_SIZE_1 + pipe + plane, (uint32_t)awkward64(h));
        gpu_write(&h->gpu, R_PLANE_OFFSET_1 + pipe + plane, (uint32_t)awkward64(h));
        gpu_write(&h->gpu, R_PLANE_CTL_1 + pipe + plane, random32(h) | 1u << 31);
        gpu_write(&h->gpu, R_PLANE_SURF_1 + pipe + plane, random_below(h, 2) ? (uint32_t)awkward64(h) : (uint32_t)h->gpu.low.start);
        gpu_write(&h->gpu, 0x70080 + pipe + (random_below(h, 0x20) & ~3u), (uint32_t)awkward64(h)); /* cursor */
        gpu_write(&h->gpu, 0x68000 + (pipe >> 1) + (random_below(h, 0x300) & ~3u), (uint32_t)awkward64(h)); /* scalers */
    }
}

/* GMBUS and the AUX channels, whose transactions have lengths and addresses of the guest's. */
static void monitor(struct hostile *h)
{
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        for (unsigned i = 0; i < 8; i++)
            gpu_write(&h->gpu, 0xc5100 + (random_below(h, 0x24) & ~3u), (uint32_t)awkward64(h));
        gpu_write(&h->gpu, 0xc5104, 3u << 30 | random_below(h, 512) << 16 | random32(h) % 0x10000); /* a cycle: random count, slave */
        (void)gpu_read(&h->gpu, 0xc510c);
        uint32_t aux = R_DP_AUX_CH_CTL + random_below(h, 4) * 0x100;
        for (unsigned i = 0; i < 5; i++)
            gpu_write(&h->gpu, aux + 4 + 4 * i, (uint32_t)awkward64(h));
        gpu_write(&h->gpu, aux, random32(h) | 1u << 31);
        (void)gpu_read(&h->gpu, aux);
        gpu_write(&h->gpu, 0x138128, random32(h)); /* GEN6_PCODE_DATA, then the mailbox */
        gpu_write(&h->gpu, 0x138124, random32(h) | 1u << 31);
    }
}

static void reset_at_work(struct hostile *h)
{
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        for (unsigned i = 0; i < 6; i++) {
            unsigned e = random_below(h, ENGINE_COUNT);
            const uint32_t wait[] = {MI_SEMAPHORE_WAIT(MI_SEMAPHORE_POLL | MI_SEMAPHORE_EQ), random_below(h, 2), (uint32_t)MEMORY_VA + 64, 0};
            for (unsigned d = 0; d < 4; d++)
                ring_emit(&h->ctx[e], wait[d]);
            ring_finish(&h->ctx[e]);
            context_submit(&h->ctx[e], NULL);
            if (random_below(h, 2))
                gpu_write(&h->gpu, gpu_engine_base(e) + RING_RESET_CTL, random_below(h, 2) ? 0x00010001 : 0x00010000);
            if (random_below(h, 4) == 0)
                gpu_write(&h->gpu, gpu_engine_base(e) + RING_MI_MODE, random_below(h, 2) ? 0x01000100 : 0x01000000);
        }
        delay_us(random_below(h, 3000));
        gpu_write(&h->gpu, R_GEN6_GDRST, random_below(h, 3) ? 1u << random_below(h, 8) : random32(h));
        if (random_below(h, 4) == 0)
            start_over(h);
    }
}

/* A batch that raises interrupts without end; all of them are let through to this CPU. */
static void storm(struct hostile *h)
{
    gpu_enable_interrupts(&h->gpu);
    h->batch.used = 0;
    for (unsigned i = 0; i < 1000; i++)
        batch_emit(&h->batch, MI_USER_INTERRUPT);
    batch_emit(&h->batch, MI_ARB_CHECK);
    batch_emit(&h->batch, MI_BATCH_BUFFER_START(MI_BB_PPGTT));
    batch_address(&h->batch, h->batch.va);
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        ring_batch(&h->ctx[e], h->batch.va);
        ring_finish(&h->ctx[e]);
        context_submit(&h->ctx[e], NULL);
    }
    /* And some from the CPU's side: mask and unmask, acknowledge, all the time. */
    for (uint64_t start = time_us(); goes_on(h, start);) {
        gpu_write(&h->gpu, R_GEN8_MASTER_IRQ, random32(h) | 1u << 31);
        gpu_write(&h->gpu, R_GEN8_GT_IMR, random32(h));
        gpu_write(&h->gpu, R_GEN8_GT_IIR, random32(h));
        gpu_write(&h->gpu, R_GEN8_DE_PIPE_IMR, random32(h));
    }
    gpu_write(&h->gpu, R_GEN8_MASTER_IRQ, 0);
}

const struct hostile_case register_cases[] = {
    {"mmio", mmio},
    {"mmio_all", mmio_all},
    {"mmio_engines", mmio_engines},
    {"mmio_sizes", mmio_sizes},
    {"pvinfo", pvinfo},
    {"pvinfo_rsv5", pvinfo_rsv5},
    {"fences", fences},
    {"aperture", aperture},
    {"display", display},
    {"monitor", monitor},
    {"reset_at_work", reset_at_work},
    {"storm", storm},
    {0},
};
