/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page that the PVH and the long-mode entry find: start info, modules, memory map, boot info (boot.h). Used by boot.c. */
#ifndef MEDIANT_VMM_KERNEL_START_INFO_H
#define MEDIANT_VMM_KERNEL_START_INFO_H

#include "vmm/boot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Xen public/arch-x86/hvm/start_info.h */
#define HVM_START_MAGIC 0x336ec578u
struct hvm_start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
    uint32_t memmap_entries, reserved;
};
struct hvm_modlist_entry {
    uint64_t paddr, size, cmdline_paddr, reserved;
};
struct hvm_memmap_entry {
    uint64_t addr, size;
    uint32_t type, reserved;
};

enum { MODULE_INITRD, MODULE_BOOT_INFO, MODULES };

struct start_page {
    struct hvm_start_info start;
    struct hvm_modlist_entry modules[MODULES];
    struct hvm_memmap_entry memmap[MEMMAP_MAX];
    struct boot_info info;
    char module_name[sizeof(BOOT_MODULE_NAME)];
};

/* Fills a page of zeroes that the guest sees at address. The command line is that of info. */
void start_page_fill(struct start_page *page, uint64_t address, const struct boot_info *info, const struct memmap *map, uint64_t rsdp,
                     uint64_t initrd, uint64_t initrd_size);

#ifdef __cplusplus
}
#endif
#endif
