/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Discovery and the global GTT for bare-metal GPU guests; see gpu.h. */
#include "gpu.h"
#include "guest.h"
#include "interrupt.h"
#include "pci.h"
#include "regs.h"

enum {
    BAR_MMIO = 0,
    BAR_APERTURE = 2,
    GTT_AT = 8 << 20,
    PVINFO = 0x78000,
};
#define PVINFO_MAGIC 0x4776544776544776ull

uint32_t gpu_engine_base(unsigned engine)
{
    static const uint32_t bases[ENGINE_COUNT] = {0x2000, 0x22000, 0x12000, 0x1a000};
    return bases[engine];
}

const char *gpu_engine_label(unsigned engine)
{
    static const char *const names[ENGINE_COUNT] = {"rcs0", "bcs0", "vcs0", "vecs0"};
    return names[engine];
}

static void find_ranges(struct gpu *gpu)
{
    if (*(volatile uint64_t *)(gpu->mmio + PVINFO) == PVINFO_MAGIC) {
        gpu->is_virtual = true;
        gpu->low.start = gpu_read(gpu, PVINFO + 0x40);
        gpu->low.size = gpu_read(gpu, PVINFO + 0x44);
        gpu->high.start = gpu_read(gpu, PVINFO + 0x48);
        gpu->high.size = gpu_read(gpu, PVINFO + 0x4c);
        gpu->fences = gpu_read(gpu, PVINFO + 0x50);
    } else {
        gpu->low = (struct gpu_range){.start = 1 << 20, .size = gpu->aperture_size - (1 << 20)};
        gpu->high = (struct gpu_range){.start = gpu->aperture_size, .size = 0x100000000ull - gpu->aperture_size};
        gpu->fences = 32;
    }
    gpu->low.next = gpu->low.start;
    gpu->high.next = gpu->high.start;
}

/* A GPU that sleeps drops register writes: hold forcewake for good, as a driver does around its accesses. */
static bool hold_forcewake(struct gpu *gpu)
{
    static const struct {
        uint32_t request, ack;
    } domains[] = {{R_FORCEWAKE_RENDER_GEN9, R_FORCEWAKE_ACK_RENDER_GEN9},
                   {R_FORCEWAKE_MT, R_FORCEWAKE_ACK_HSW},
                   {R_FORCEWAKE_MEDIA_GEN9, R_FORCEWAKE_ACK_MEDIA_GEN9}};

    for (unsigned i = 0; i < 3; i++) {
        gpu_write(gpu, domains[i].request, 0x00010001);
        for (unsigned tries = 0; !(gpu_read(gpu, domains[i].ack) & 1); tries++)
            if (tries == 100)
                return false;
    }
    return true;
}

static void start_engine(struct gpu *gpu, unsigned engine)
{
    uint32_t base = gpu_engine_base(engine);

    gpu->status[engine] = page_alloc(4096);
    gpu->status_gma[engine] = gpu_bind_high(gpu, gpu->status[engine], 4096);
    gpu_write(gpu, base + RING_HWSTAM, 0xffffffff);
    gpu_write(gpu, base + RING_MODE, 0x80008000);   /* execlists */
    gpu_write(gpu, base + RING_MI_MODE, 0x01000000); /* clear STOP_RING */
    gpu_write(gpu, base + RING_HWS_PGA, gpu->status_gma[engine]);
    (void)gpu_read(gpu, base + RING_HWS_PGA);
    gpu_write(gpu, base + RING_CONTEXT_STATUS_PTR, 0xffff0000 | (CSB_ENTRIES - 1) << 8 | (CSB_ENTRIES - 1));
    gpu->csb_read[engine] = CSB_ENTRIES - 1;
    gpu->status[engine][HWSP_CSB_WRITE_DWORD] = CSB_ENTRIES - 1;
    gpu_write(gpu, base + RING_IMR, ~((1u | 1u << 4 | 1u << 8) << (engine == ENGINE_BCS0 ? 16 : 0))); /* as in the bank; user, notify and context switch unmasked */
}

bool gpu_open(struct gpu *gpu)
{
    *gpu = (struct gpu){.next_context_id = 1};
    gpu->device = pci_find(0x8086, 0x1912);
    if (gpu->device == PCI_NONE) {
        printf("gpu: no 8086:1912 on the bus\n");
        return false;
    }
    pci_enable(gpu->device);
    gpu->aperture_size = pci_bar_size(gpu->device, BAR_APERTURE);
    map_device(pci_bar(gpu->device, BAR_MMIO), 16 << 20);
    map_device(pci_bar(gpu->device, BAR_APERTURE), gpu->aperture_size);
    gpu->mmio = (volatile uint8_t *)pci_bar(gpu->device, BAR_MMIO);
    gpu->aperture = (volatile uint8_t *)pci_bar(gpu->device, BAR_APERTURE);
    gpu->gtt = (volatile uint64_t *)(gpu->mmio + GTT_AT);
    find_ranges(gpu);
    if (!gpu->is_virtual && !hold_forcewake(gpu)) {
        printf("gpu: no forcewake acknowledge\n");
        return false;
    }
    gpu_write(gpu, R_GEN8_GAMW_ECO_DEV_RW_IA, gpu_read(gpu, R_GEN8_GAMW_ECO_DEV_RW_IA) | 0xf); /* 64 KiB pages, as i915 */
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
        start_engine(gpu, engine);
    gpu_flush_ggtt(gpu);
    return true;
}

static uint32_t bind(struct gpu *gpu, struct gpu_range *range, void *memory, size_t bytes)
{
    size_t pages = (bytes + 4095) / 4096;
    uint64_t gma = range->next;

    if (gma + pages * 4096 > range->start + range->size) {
        guest_panic("the global GTT range is full");
    }
    for (size_t i = 0; i < pages; i++)
        gpu->gtt[gma / 4096 + i] = ((uint64_t)(uintptr_t)memory + i * 4096) | PTE_PRESENT | PTE_WRITE;
    range->next = gma + pages * 4096;
    return (uint32_t)gma;
}

uint32_t gpu_bind_low(struct gpu *gpu, void *memory, size_t bytes)
{
    return bind(gpu, &gpu->low, memory, bytes);
}

uint32_t gpu_bind_high(struct gpu *gpu, void *memory, size_t bytes)
{
    return bind(gpu, &gpu->high, memory, bytes);
}

void gpu_flush_ggtt(struct gpu *gpu)
{
    gpu_write(gpu, R_GFX_FLSH_CNTL, 1);
}

/* Acknowledges in the order of the PRM (vol. 12, "Display interrupts"): master off, sources, master on. */
static void on_interrupt(struct interrupt_frame *frame, void *arg)
{
    struct gpu *gpu = arg;
    uint32_t master;

    (void)frame;
    gpu_write(gpu, R_GEN8_MASTER_IRQ, 0);
    master = gpu_read(gpu, R_GEN8_MASTER_IRQ);
    static const uint8_t gt_bits[4] = {0x03, 0x0c, 0x10, 0x40};
    for (unsigned bank = 0; bank < 4; bank++) {
        if (!(master & gt_bits[bank]))
            continue;
        uint32_t iir = gpu_read(gpu, R_GEN8_GT_IIR + 16 * bank);
        gpu_write(gpu, R_GEN8_GT_IIR + 16 * bank, iir);
        gpu->gt_iir[bank] |= iir;
    }
    for (unsigned pipe = 0; pipe < 3; pipe++) {
        if (!(master >> (16 + pipe) & 1))
            continue;
        uint32_t iir = gpu_read(gpu, R_GEN8_DE_PIPE_IIR + 16 * pipe);
        gpu_write(gpu, R_GEN8_DE_PIPE_IIR + 16 * pipe, iir);
        gpu->pipe_iir[pipe] |= iir;
    }
    gpu->interrupts++;
    gpu_write(gpu, R_GEN8_MASTER_IRQ, 1u << 31);
}

void gpu_enable_interrupts(struct gpu *gpu)
{
    static const uint32_t gt_sources[4] = {0x01110111, 0x00000111, 0, 0x00000111};

    interrupt_set(IRQ_FIRST, on_interrupt, gpu);
    if (!pci_msi_enable(gpu->device, IRQ_FIRST, apic_id()))
        guest_panic("the GPU has no MSI capability");
    for (unsigned bank = 0; bank < 4; bank++) {
        gpu_write(gpu, R_GEN8_GT_IMR + 16 * bank, ~gt_sources[bank]);
        gpu_write(gpu, R_GEN8_GT_IER + 16 * bank, gt_sources[bank]);
    }
    gpu_write(gpu, R_GEN8_DE_PIPE_IMR, ~(1u << 3)); /* pipe A: flip of the primary plane done */
    gpu_write(gpu, R_GEN8_DE_PIPE_IER, 1u << 3);
    gpu_write(gpu, R_GEN8_MASTER_IRQ, 1u << 31);
}

unsigned gpu_read_csb(struct gpu *gpu, unsigned engine, uint32_t out[][2], unsigned max)
{
    volatile uint32_t *status = gpu->status[engine];
    unsigned write = status[HWSP_CSB_WRITE_DWORD] % CSB_ENTRIES, count = 0;

    while (gpu->csb_read[engine] != write && count < max) {
        unsigned entry = gpu->csb_read[engine] = (gpu->csb_read[engine] + 1) % CSB_ENTRIES;
        out[count][0] = status[HWSP_CSB_DWORD + 2 * entry];
        out[count][1] = status[HWSP_CSB_DWORD + 2 * entry + 1];
        count++;
    }
    if (count)
        gpu_write(gpu, gpu_engine_base(engine) + RING_CONTEXT_STATUS_PTR, 0x0f000000 | gpu->csb_read[engine] << 8);
    return count;
}
