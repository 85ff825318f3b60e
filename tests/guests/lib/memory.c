/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical memory of a guest: pages above its image, and mappings above 4 GiB. */
#include "guest.h"
#include "layout.h"

#define HUGE 0x200000ull
#define GIB 0x40000000ull

extern char image_end[];
extern uint64_t pdpt[512];

static uintptr_t next_page; /* atomic: CPUs allocate at once */

void *page_alloc_aligned(size_t bytes, size_t align)
{
    uintptr_t old = __atomic_load_n(&next_page, __ATOMIC_RELAXED), start;

    do {
        uintptr_t from = old ? old : (uintptr_t)image_end;
        align = align < 4096 ? 4096 : align;
        start = (from + align - 1) & ~(align - 1);
        if (start + bytes > boot.memory_low || start + bytes < start)
            guest_panic("out of memory: %zu bytes, %u MiB of RAM", bytes, (unsigned)(boot.memory_low >> 20));
    } while (!__atomic_compare_exchange_n(&next_page, &old, (start + bytes + 4095) & ~4095ull, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return (void *)start; /* the VMM gives zeroed memory, and nothing is freed */
}

void *page_alloc(size_t bytes)
{
    return page_alloc_aligned(bytes, 4096);
}

void map_device(uint64_t addr, uint64_t size)
{
    uint64_t end = addr + size;

    for (uint64_t at = addr & ~(HUGE - 1); at < end; at += HUGE) {
        if (at < 4 * GIB)
            continue;
        if (at >= 512 * GIB)
            guest_panic("cannot map 0x%lx: above 512 GiB", at);
        uint64_t *entry = &pdpt[at / GIB];
        if (!*entry)
            *entry = (uintptr_t)page_alloc(4096) | PTE_TABLE;
        ((uint64_t *)(uintptr_t)(*entry & ~0xfffull))[at / HUGE % 512] = at | PTE_PAGE;
    }
}
