/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile cases: the global GTT, per-process page tables, configuration space. */
#include "hostile.h"
#include "interrupt.h"
#include "pci.h"

enum { ENTRIES = 1 << 20, CONFIG = 256, EXTENDED_CONFIG = 4096, MSI_CAP = 0x05 };

/* Entries anywhere, mostly of others, pointing anywhere, whole and in halves. */
static void gtt(struct hostile *h)
{
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        uint32_t index = random_below(h, 2) ? random_below(h, ENTRIES) : foreign_gma(h) >> 12;
        uint64_t entry = awkward64(h) | (random_below(h, 4) ? PTE_PRESENT : 0);
        volatile uint32_t *half = (volatile uint32_t *)&h->gpu.gtt[index];
        switch (random_below(h, 3)) {
        case 0: h->gpu.gtt[index] = entry; break;
        case 1: half[1] = (uint32_t)entry; break;
        default: half[0] = (uint32_t)entry; break;
        }
        if (random_below(h, 8) == 0)
            (void)h->gpu.gtt[index];
    }
}

/* Own entries that lead nowhere, to the devices, and away from under ring, context and status page while they are in use. */
static void gtt_pulled(struct hostile *h)
{
    uint64_t start = time_us();

    while (goes_on(h, start)) {
        struct context *ctx = &h->ctx[random_below(h, ENGINE_COUNT)];
        uint32_t gma = random_below(h, 2) ? ctx->ring_gma : random_below(h, 2) ? ctx->lrca : h->gpu.status_gma[ctx->engine];
        uint64_t right = h->gpu.gtt[gma / 4096];
        ring_finish(ctx);
        context_submit(ctx, NULL);
        h->gpu.gtt[gma / 4096] = random_below(h, 2) ? 0 : (uintptr_t)h->gpu.mmio | PTE_PRESENT;
        delay_us(random_below(h, 200));
        h->gpu.gtt[gma / 4096] = right;
    }
}

static void config_save(struct hostile *h, uint32_t *dwords)
{
    for (unsigned i = 0; i < CONFIG / 4; i++)
        dwords[i] = pci_port_read(h->gpu.device, 4 * i, 4);
}

static void config_restore(struct hostile *h, const uint32_t *dwords)
{
    for (unsigned i = CONFIG / 4; i-- > 0;)
        if (i != 1)
            pci_port_write(h->gpu.device, 4 * i, 4, dwords[i]);
    pci_port_write(h->gpu.device, 4, 4, dwords[1]);
}

/* Random writes of all sizes, by both ways, with BARs moving under the accesses between them. */
static void config(struct hostile *h)
{
    uint32_t saved[CONFIG / 4];
    uint64_t start = time_us();

    config_save(h, saved);
    while (goes_on(h, start)) {
        unsigned size = 1u << random_below(h, 3), offset = random_below(h, CONFIG) & ~(size - 1);
        if (random_below(h, 3) == 0)
            offset = (0x10 + random_below(h, 0x14)) & ~(size - 1);
        if (random_below(h, 8) == 0)
            offset = (0x04 + random_below(h, 2)) & ~(size - 1);
        if (random_below(h, 2))
            pci_port_write(h->gpu.device, offset, size, (uint32_t)awkward64(h));
        else
            pci_write(h->gpu.device, random_below(h, 8) ? offset : (random_below(h, EXTENDED_CONFIG) & ~(size - 1)), size, (uint32_t)awkward64(h));
        (void)pci_port_read(h->gpu.device, random_below(h, CONFIG) & ~3u, 4);
        (void)gpu_read(&h->gpu, random_below(h, 2 << 20) & ~3u);
        gpu_write(&h->gpu, R_FENCE_REG, random32(h));
    }
    config_restore(h, saved);
}

/* BAR0 hops over RAM, APIC, configuration space and the aperture while the engine works. */
static void bars(struct hostile *h)
{
    static const uint64_t places[] = {0, 0x1000000, 0xfee00000, 0xe0000000, 0xff000000, 0xfffffffff000000, 0x7f000000000, 0x4000000, 0xc0000000, 0xd0000000};
    uint32_t saved[CONFIG / 4];
    uint64_t start = time_us();

    config_save(h, saved);
    while (goes_on(h, start)) {
        uint64_t place = places[random_below(h, 10)];
        unsigned bar = random_below(h, 2) * 2;
        ring_finish(&h->ctx[ENGINE_RCS0]);
        context_submit(&h->ctx[ENGINE_RCS0], NULL);
        pci_port_write(h->gpu.device, 0x14 + 4 * bar, 4, (uint32_t)(place >> 32));
        pci_port_write(h->gpu.device, 0x10 + 4 * bar, 4, (uint32_t)place);
        (void)gpu_read(&h->gpu, 0x2000);
        (void)*(volatile uint32_t *)h->gpu.aperture;
        pci_port_write(h->gpu.device, 4, 2, random_below(h, 8));
        config_restore(h, saved);
    }
}

/* Messages to addresses that are no interrupt's, or of CPUs that are not there. */
static void msi(struct hostile *h)
{
    unsigned cap = pci_find_capability(h->gpu.device, MSI_CAP);
    uint64_t start = time_us();

    gpu_enable_interrupts(&h->gpu);
    while (goes_on(h, start)) {
        /* Never to this CPU, which could not tell them from its own exceptions: destination 1 to 0x7f, physical mode. */
        uint32_t address = (random_below(h, 2) ? 0xfee00000 : random32(h) & 0xfff00000) | (1 + random_below(h, 0x7f)) << 12;
        pci_write(h->gpu.device, cap + 4, 4, address);
        pci_write(h->gpu.device, cap + 8, 4, random_below(h, 2) ? 0 : random32(h));
        pci_write(h->gpu.device, cap + 12, 2, random32(h));
        pci_write(h->gpu.device, cap + 2, 2, random32(h) | 1);
        shoot(h, random_below(h, ENGINE_COUNT));
    }
    pci_write(h->gpu.device, cap + 2, 2, 0);
}

/* The table that entry points to. */
static uint64_t *below(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)(entry & PTE_ADDRESS);
}

/* Uses the address space on the engine that notices most: a copy by the blitter, values by the streamer. */
static void use(struct hostile *h, uint64_t va)
{
    const uint32_t blit[] = {XY_COLOR_BLT(BLT_WRITE_RGBA), 4096 | BLT_BPP_32 | BLT_ROP_PATCOPY, 0, 64 << 16 | 1024, (uint32_t)va, (uint32_t)(va >> 32), 0xdead};
    const uint32_t store[] = {MI_STORE_DWORD_IMM(0), (uint32_t)va, (uint32_t)(va >> 32), 0xdead};

    shoot_batch(h, ENGINE_BCS0, blit, 7);
    shoot_batch(h, ENGINE_RCS0, store, 4);
}

static void ppgtt_loop(struct hostile *h)
{
    uint64_t *pml4 = h->vm.pml4, *pdp = below(pml4[0]), *pd = below(pdp[1]);

    pml4[511] = (uintptr_t)pml4 | 3; /* a table of each level is the one above it */
    pdp[511] = (uintptr_t)pml4 | 3;
    pdp[510] = (uintptr_t)pdp | 3;
    pd[511] = (uintptr_t)pd | 3;
    pd[510] = (uintptr_t)pml4 | 3;
    use(h, 0xff8000000000);
    use(h, 511ull << 30);
}

static void ppgtt_wild(struct hostile *h)
{
    uint64_t start = time_us();

    for (unsigned i = 0; goes_on(h, start) && i < 200; i++) {
        uint64_t *pml4 = h->vm.pml4, *pdp = below(pml4[0]), *pd = below(pdp[1]), *pt = below(pd[0]);
        uint64_t *const tables[] = {pml4, pdp, pd, pt};
        static const uint64_t places[] = {0xfee00000, 0xe0000000, 0x7ffffff000, 0, 0x40000000, 0xfffff000};
        unsigned level = random_below(h, 4);
        uint64_t target = random_below(h, 2) ? places[random_below(h, 6)] : awkward64(h);
        if (random_below(h, 3) == 0)
            target = (uintptr_t)h->gpu.mmio;
        tables[level][2 + random_below(h, 500)] = target | (random_below(h, 8) ? 3 : 0) | (random32(h) & 0x880);
        if (level == 3)
            tables[3][random_below(h, 256)] = target | 3;
        ring_finish(&h->ctx[ENGINE_BCS0]);
        context_submit(&h->ctx[ENGINE_BCS0], NULL);
    }
    use(h, MEMORY_VA);
    use(h, MEMORY_VA + (uint64_t)random_below(h, 512) * 0x200000);
}

/* A page that is a leaf at one address is a directory at another, and is written by the GPU meanwhile. */
static void ppgtt_reuse(struct hostile *h)
{
    uint64_t *pml4 = h->vm.pml4, *pdp = below(pml4[0]), *pd = below(pdp[1]);

    pml4[1] = (uintptr_t)h->memory | 3;
    pdp[4] = (uintptr_t)h->memory | 3;
    pd[1] = (uintptr_t)h->memory | 3;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t entry = awkward64(h) | 3;
        const uint32_t store[] = {MI_STORE_DWORD_IMM(0), (uint32_t)MEMORY_VA + 8 * i, 0, (uint32_t)entry,
                                  MI_STORE_DWORD_IMM(0), (uint32_t)MEMORY_VA + 8 * i + 4, 0, (uint32_t)(entry >> 32)};
        shoot_batch(h, ENGINE_RCS0, store, 8);
    }
    use(h, MEMORY_VA + (2 << 20));
    use(h, 4ull << 30);
    use(h, 1ull << 39);
}

/* More address spaces, and larger ones, than anybody should shadow. */
static void ppgtt_many(struct hostile *h)
{
    uint64_t start = time_us();
    uint64_t *table = page_alloc(4096), *directory = page_alloc(4096), *pointers = page_alloc(4096);

    for (unsigned i = 0; i < 512; i++) {
        table[i] = (uintptr_t)h->memory | 3;
        directory[i] = (uintptr_t)table | 3;
        pointers[i] = (uintptr_t)directory | 3;
    }
    for (unsigned n = 0; goes_on(h, start) && n < 200; n++) {
        uint64_t *root = page_alloc(4096);
        for (unsigned i = 0; i < 512; i++)
            root[i] = (uintptr_t)pointers | 3;
        context_state(&h->ctx[ENGINE_VCS0])[CTX_PDP0_LDW] = (uint32_t)(uintptr_t)root;
        ring_finish(&h->ctx[ENGINE_VCS0]);
        context_submit(&h->ctx[ENGINE_VCS0], NULL);
    }
}

/* Distinct tables: as many as fit the guest's memory, all reachable. */
static void ppgtt_large(struct hostile *h)
{
    enum { TABLES = 4000 };
    uint64_t *pml4 = h->vm.pml4, *pdp = below(pml4[0]);

    for (unsigned n = 0; n < TABLES; n += 512) {
        uint64_t *pd = page_alloc(4096);
        pdp[8 + n / 512] = (uintptr_t)pd | 3;
        for (unsigned i = 0; i < 512; i++) {
            uint64_t *pt = page_alloc(4096);
            pt[i] = (uintptr_t)h->memory | 3;
            pd[i] = (uintptr_t)pt | 3;
        }
    }
    use(h, 8ull << 30);
}

/* 4 KiB and 2 MiB views with the 64 KiB bit on and off between submissions. */
static void ppgtt_sizes(struct hostile *h)
{
    uint64_t start = time_us();
    uint64_t *pd = below(below(h->vm.pml4[0])[1]), right = pd[0];

    while (goes_on(h, start)) {
        pd[1 + random_below(h, 500)] = awkward64(h) | 1 | PDE_PAGE_2M;
        pd[0] = right | (random_below(h, 2) ? PDE_IPS_64K : 0);
        gpu_write(&h->gpu, R_GEN8_GAMW_ECO_DEV_RW_IA, random_below(h, 2) ? 0xf : random32(h));
        ring_finish(&h->ctx[ENGINE_VECS0]);
        context_submit(&h->ctx[ENGINE_VECS0], NULL);
        delay_us(100);
    }
}

const struct hostile_case memory_cases[] = {
    {"gtt", gtt},
    {"gtt_pulled", gtt_pulled},
    {"config", config},
    {"bars", bars},
    {"msi", msi},
    {"ppgtt_loop", ppgtt_loop},
    {"ppgtt_wild", ppgtt_wild},
    {"ppgtt_reuse", ppgtt_reuse},
    {"ppgtt_many", ppgtt_many},
    {"ppgtt_large", ppgtt_large},
    {"ppgtt_sizes", ppgtt_sizes},
    {0},
};
