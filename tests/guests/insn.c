/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that KVM's emulator may lack, executed for real: what the VMM completes. Vector moves go to registers of the GPU that
 * are plain memory, from CPL 0 and from CPL 3.
 */
#include "guest.h"
#include "interrupt.h"
#include "pci.h"

enum { SCRATCH = 0x4f000, CR4_OSXSAVE = 1 << 18 }; /* SWF: sixteen scratch registers, PRM SKL vol. 2c */

static volatile uint8_t *bar;
static uint64_t breakpoints;

static void on_breakpoint(struct interrupt_frame *frame, void *arg)
{
    (void)frame;
    (void)arg;
    breakpoints++;
}

static bool cpuid_bit(uint32_t leaf, unsigned reg, unsigned bit)
{
    uint32_t r[4];

    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
    return r[reg] >> bit & 1;
}

static void sse_moves(const char *level)
{
    static const uint64_t pattern[4] __attribute__((aligned(32))) = {0x1122334455667788, 0x99aabbccddeeff00, 0x0123456789abcdef,
                                                                     0xfedcba9876543210};
    static uint64_t back[4] __attribute__((aligned(32)));

    report_prefix_push(level);
    __asm__ volatile("movups %1, %%xmm1\n\tmovups %%xmm1, %0" : "=m"(*(volatile uint64_t(*)[2])(bar + SCRATCH)) : "m"(pattern));
    report(*(volatile uint32_t *)(bar + SCRATCH) == 0x55667788 && *(volatile uint32_t *)(bar + SCRATCH + 12) == 0x99aabbcc,
           "movups to a BAR");
    memset(back, 0, sizeof(back));
    __asm__ volatile("movdqa %1, %%xmm2\n\tmovdqa %%xmm2, %0" : "=m"(back) : "m"(*(volatile uint64_t(*)[2])(bar + SCRATCH)));
    report(back[0] == pattern[0] && back[1] == pattern[1], "movdqa from a BAR");
    __asm__ volatile("movq %1, %%xmm3\n\tmovq %%xmm3, %0" : "=m"(*(volatile uint64_t *)(bar + SCRATCH + 16)) : "m"(pattern[2]));
    report(*(volatile uint32_t *)(bar + SCRATCH + 20) == 0x01234567, "movq to a BAR");
    __asm__ volatile("movnti %1, %0" : "=m"(*(volatile uint64_t *)(bar + SCRATCH + 24)) : "r"(pattern[3]));
    report(*(volatile uint32_t *)(bar + SCRATCH + 24) == 0x76543210, "movnti to a BAR");
    report_prefix_pop();
}

static void avx_moves(const char *level)
{
    static const uint64_t pattern[4] = {0xa1a2a3a4a5a6a7a8, 0xb1b2b3b4b5b6b7b8, 0xc1c2c3c4c5c6c7c8, 0xd1d2d3d4d5d6d7d8};
    static uint64_t back[4];

    report_prefix_push(level);
    __asm__ volatile("vmovdqu %1, %%ymm1\n\tvmovdqu %%ymm1, %0" : "=m"(*(volatile uint64_t(*)[4])(bar + SCRATCH)) : "m"(pattern));
    report(*(volatile uint32_t *)(bar + SCRATCH) == 0xa5a6a7a8 && *(volatile uint32_t *)(bar + SCRATCH + 28) == 0xd1d2d3d4,
           "vmovdqu ymm to a BAR");
    memset(back, 0, sizeof(back));
    __asm__ volatile("vmovups %1, %%ymm2\n\tvmovups %%ymm2, %0" : "=m"(back) : "m"(*(volatile uint64_t(*)[4])(bar + SCRATCH)));
    report(memcmp(back, pattern, sizeof(back)) == 0, "vmovups ymm from a BAR");
    report_prefix_pop();
}

/* Enables AVX for the guest; false when the processor has none. */
static bool enable_avx(void)
{
    uint64_t cr4;

    if (!cpuid_bit(1, 2, 26) || !cpuid_bit(1, 2, 28))
        return false;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | CR4_OSXSAVE));
    __asm__ volatile("xsetbv" ::"a"(7), "d"(0), "c"(0));
    return true;
}

static void integer(const char *level)
{
    static struct {
        uint64_t low, high;
    } cell __attribute__((aligned(16))) = {1, 2};
    uint64_t count;
    uint8_t equal;

    report_prefix_push(level);
    __asm__ volatile("popcnt %1, %0" : "=r"(count) : "r"(0xff00ff00ff00ff01ull) : "cc");
    report(count == 33, "popcnt: %lu", count);
    cell.low = 1;
    cell.high = 2;
    __asm__ volatile("lock cmpxchg16b %1; setz %0" : "=q"(equal), "+m"(cell) : "a"(1ull), "d"(2ull), "b"(3ull), "c"(4ull) : "cc");
    report(equal && cell.low == 3 && cell.high == 4, "cmpxchg16b that matches");
    uint64_t a = 9, d = 9;
    __asm__ volatile("lock cmpxchg16b %1; setz %0" : "=q"(equal), "+m"(cell), "+a"(a), "+d"(d) : "b"(5ull), "c"(6ull) : "cc");
    report(!equal && a == 3 && d == 4 && cell.low == 3, "cmpxchg16b that does not");
    breakpoints = 0;
    __asm__ volatile("int3");
    report(breakpoints == 1, "int3 reaches its handler");
    __asm__ volatile("wait");
    report(true, "wait goes on");
    report_prefix_pop();
}

int guest_main(void)
{
    pci_devfn gpu = pci_find(0x8086, 0x1912);

    interrupt_set(3, on_breakpoint, NULL);
    integer("CPL 0");
    if (cpuid_bit(7, 1, 20)) {
        uint64_t on, off;
        __asm__ volatile("stac; pushfq; pop %0; clac; pushfq; pop %1" : "=r"(on), "=r"(off)::"cc");
        report((on >> 18 & 1) && !(off >> 18 & 1), "stac and clac");
    } else {
        report_skip("stac and clac: the processor has no SMAP");
    }
    if (gpu == PCI_NONE) {
        report_skip("moves to a BAR: no GPU in this machine");
        return report_summary();
    }
    pci_enable(gpu);
    map_device(pci_bar(gpu, 0), 16 << 20);
    bar = (volatile uint8_t *)pci_bar(gpu, 0);
    bool avx = enable_avx();
    sse_moves("CPL 0");
    if (avx)
        avx_moves("CPL 0");
    user_enter();
    sse_moves("CPL 3");
    if (avx)
        avx_moves("CPL 3");
    else
        report_skip("AVX moves to a BAR: the processor has no AVX");
    return report_summary();
}
