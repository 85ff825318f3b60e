/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a trapped register access costs: reads of a GPU register between reads of an address where nothing is, which is the bare exit with
 * nothing behind it; and writes of GTT entries, which KVM keeps until something else is accessed. Interleaved rounds; prints one line of
 * JSON for each figure, in nanoseconds.
 */
#include "guest.h"
#include "pci.h"

enum { ROUNDS = 9, READS = 2000, SCRATCH = 0x4f000, NOTHING = 0xd0000000, GTT = 8 << 20, VGT_MAPPABLE_BASE = 0x78040 };

static uint64_t read_ns(uintptr_t address)
{
    uint64_t start = rdtsc();

    for (unsigned i = 0; i < READS; i++)
        (void)mmio_read32(address);
    return (rdtsc() - start) * 1000000 / READS * 1000 / tsc_hz();
}

/* Each entry has a value of its own; the last one is read back. */
static uint64_t entry_ns(uintptr_t entries, uint64_t first)
{
    uint64_t start = rdtsc();

    for (unsigned i = 0; i < READS; i++)
        *(volatile uint64_t *)(entries + 8 * i) = ((first + i % 16) << 12) | 1;
    if (*(volatile uint64_t *)(entries + 8 * (READS - 1)) != (((first + (READS - 1) % 16) << 12) | 1))
        guest_panic("a GTT entry that was written is not there");
    return (rdtsc() - start) * 1000000 / READS * 1000 / tsc_hz();
}

static uint64_t median(uint64_t *values)
{
    for (unsigned i = 1; i < ROUNDS; i++)
        for (unsigned j = i; j > 0 && values[j - 1] > values[j]; j--) {
            uint64_t swap = values[j];
            values[j] = values[j - 1];
            values[j - 1] = swap;
        }
    return values[ROUNDS / 2];
}

int guest_main(void)
{
    pci_devfn gpu = pci_find(0x8086, 0x1912);
    uint64_t bare[ROUNDS], plain[ROUNDS], engine[ROUNDS], entry[ROUNDS];

    if (gpu == PCI_NONE)
        guest_panic("no GPU in this machine");
    pci_enable(gpu);
    map_device(pci_bar(gpu, 0), 16 << 20);
    uintptr_t mmio = pci_bar(gpu, 0);
    uintptr_t entries = mmio + GTT + mmio_read32(mmio + VGT_MAPPABLE_BASE) / 4096 * 8; /* the vGPU's part of it */
    tsc_hz();
    for (unsigned round = 0; round < ROUNDS; round++) {
        bare[round] = read_ns(NOTHING);
        plain[round] = read_ns(mmio + SCRATCH);
        engine[round] = read_ns(mmio + 0x2034);
        entry[round] = entry_ns(entries, 0x100 + round * 16); /* pages of the guest's RAM */
    }
    uint64_t none = median(bare), reg = median(plain), head = median(engine);
    printf("{\"figure\": \"bare_exit_ns\", \"value\": %lu}\n", none);
    printf("{\"figure\": \"plain_register_ns\", \"value\": %lu, \"above_bare_ns\": %ld}\n", reg, (long)(reg - none));
    printf("{\"figure\": \"engine_register_ns\", \"value\": %lu, \"above_bare_ns\": %ld}\n", head, (long)(head - none));
    printf("{\"figure\": \"gtt_entry_ns\", \"value\": %lu}\n", median(entry));
    return 0;
}
