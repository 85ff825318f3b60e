/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The aperture, used so much that a vGPU lets the guest reach it without traps: what it shows must be the same before and after, and follow the global GTT, fences
 * and the BAR at once. Runs passed through as well, where everything is trapped. Prints what an access costs, at first and at the end.
 */
#include "gpu.h"
#include "guest.h"
#include "pci.h"
#include "regs.h"

enum { PAGE = 4096, WINDOW = 64 * PAGE, BYTES = 3 * WINDOW, PAGES = BYTES / PAGE, ROUNDS = 600, PITCH = 1024, COMMAND = 4, DECODE_MEMORY = 2 };

static struct gpu gpu;
static uint8_t *memory; /* PAGES of it, and as many again that are bound later */
static uint32_t gma, random_state = 1;

static uint32_t random32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static volatile uint32_t *aperture(uint32_t offset)
{
    return (volatile uint32_t *)(gpu.aperture + gma + offset);
}

/* Where a byte of the aperture should be in memory. */
typedef uint8_t *(*place)(uint32_t offset);

static uint8_t *straight(uint32_t offset)
{
    return memory + offset;
}

/* As bind_shuffled() has it: pages from the end, the odd ones from the second half. */
static uint8_t *shuffled(uint32_t offset)
{
    uint32_t page = offset / PAGE;

    return memory + (size_t)((page & 1 ? PAGES : 0) + PAGES - 1 - page) * PAGE + offset % PAGE;
}

/* PRM SKL vol. 5, "Memory Views: Tiling": X tiles are 512 bytes by 8 rows. */
static uint8_t *tiled(uint32_t offset)
{
    uint32_t x = offset % PITCH, y = offset / PITCH;

    return memory + y / 8 * 8 * PITCH + x / 512 * 4096 + y % 8 * 512 + x % 512;
}

static void bind(place where)
{
    for (unsigned i = 0; i < PAGES; i++)
        gpu.gtt[gma / PAGE + i] = (uintptr_t)where(i * PAGE) | 1;
    gpu_flush_ggtt(&gpu);
}

/* Both ways, at random places, so often that each window has many accesses. */
static void compare(const char *what, place where)
{
    unsigned bad_writes = 0, bad_reads = 0;

    for (unsigned i = 0; i < ROUNDS * BYTES / WINDOW; i++) {
        uint32_t offset = random32() % (BYTES / 4) * 4, value = random32();
        volatile uint32_t *in_memory = (volatile uint32_t *)where(offset);
        *aperture(offset) = value;
        bad_writes += *in_memory != value;
        *in_memory = ~value;
        bad_reads += *aperture(offset) != ~value;
    }
    report(bad_writes == 0, "%s: %u of %u writes are not in memory", what, bad_writes, ROUNDS * BYTES / WINDOW);
    report(bad_reads == 0, "%s: %u of %u reads are not of memory", what, bad_reads, ROUNDS * BYTES / WINDOW);
}

/* An entry changes while its window is in use: the very next access must reach the new page. */
static void moving(void)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < 500; i++) {
        uint32_t page = random32() % PAGES, other = random32() % (2 * PAGES), value = random32();
        gpu.gtt[gma / PAGE + page] = (uintptr_t)(memory + (size_t)other * PAGE) | 1;
        gpu_flush_ggtt(&gpu);
        *aperture(page * PAGE + 8) = value;
        bad += *(volatile uint32_t *)(memory + (size_t)other * PAGE + 8) != value;
    }
    report(bad == 0, "an entry that changes: %u of 500 accesses reached the old page", bad);
}

static void fence(uint32_t start, uint32_t bytes)
{
    /* PRM SKL vol. 2c, "FENCE": start page and valid; upper dword: last page and pitch in units of 128 bytes, less one. */
    gpu_write(&gpu, R_FENCE_REG, 0);
    gpu_write(&gpu, R_FENCE_REG + 4, ((start + bytes - PAGE) & 0xfffff000) | (PITCH / 128 - 1));
    gpu_write(&gpu, R_FENCE_REG, start | 1);
}

/* Without decoding nobody is there; with it again, at the same or another address, everything is as it was. */
static void decoding(void)
{
    uint32_t command = pci_read(gpu.device, COMMAND, 2);

    *aperture(64) = 0x600df00d;
    pci_write(gpu.device, COMMAND, 2, command & ~DECODE_MEMORY);
    uint32_t nobody = *aperture(64);
    *aperture(64) = 0xbadbad;
    pci_write(gpu.device, COMMAND, 2, command);
    report(nobody == 0xffffffff, "0x%x without decoding", nobody);
    report(*(volatile uint32_t *)(memory + 64) == 0x600df00d && *aperture(64) == 0x600df00d, "decoding again");
}

static uint64_t access_ns(unsigned count)
{
    uint64_t start = rdtsc();

    for (unsigned i = 0; i < count; i++)
        *aperture(i * 4 % PAGE) = i;
    return (rdtsc() - start) * 1000000 / count * 1000 / tsc_hz();
}

int guest_main(void)
{
    if (!gpu_open(&gpu))
        return report_summary();
    memory = page_alloc(2 * BYTES);
    /* The aperture in whole windows, whatever was bound before. */
    gma = gpu_bind_low(&gpu, memory, BYTES);
    while (gma % WINDOW)
        gma = gpu_bind_low(&gpu, memory, BYTES + PAGE);
    gpu_flush_ggtt(&gpu);
    uint64_t first = access_ns(100);
    compare("before", straight);
    compare("used a lot", straight);
    bind(shuffled);
    compare("other pages", shuffled);
    moving();
    bind(straight);
    compare("the first pages again", straight);
    fence(gma, BYTES);
    compare("tiled", tiled);
    fence(gma, PAGE * 2);
    gpu_write(&gpu, R_FENCE_REG, 0);
    compare("no longer tiled", straight);
    gpu.gtt[gma / PAGE + 3] = 0;
    gpu_flush_ggtt(&gpu);
    *aperture(3 * PAGE) = 0x12345678;
    report(*(volatile uint32_t *)(memory + 3 * PAGE) != 0x12345678, "a page that is not bound");
    bind(straight);
    compare("bound again", straight);
    decoding();
    for (unsigned i = 0; i < 20000; i++)
        *aperture(i * 4 % BYTES) = i;
    printf("aperture: %lu ns for the first accesses, %lu ns for the last\n", first, access_ns(2000));
    return report_summary();
}
