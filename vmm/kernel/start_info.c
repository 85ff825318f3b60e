/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PVH's start info and our boot info; see start_info.h. */
#include "vmm/kernel/start_info.h"

#include <string.h>

_Static_assert(sizeof(struct start_page) <= 0x1000, "the start page is one page");

void start_page_fill(struct start_page *page, uint64_t address, const struct boot_info *info, const struct memmap *map, uint64_t rsdp,
                     uint64_t initrd, uint64_t initrd_size)
{
    for (unsigned i = 0; i < map->count; i++)
        page->memmap[i] = (struct hvm_memmap_entry){map->entries[i].start, map->entries[i].size, map->entries[i].type, 0};
    page->info = *info;
    memcpy(page->module_name, BOOT_MODULE_NAME, sizeof(BOOT_MODULE_NAME));
    page->modules[MODULE_INITRD] = (struct hvm_modlist_entry){.paddr = initrd, .size = initrd_size};
    page->modules[MODULE_BOOT_INFO] = (struct hvm_modlist_entry){.paddr = address + offsetof(struct start_page, info),
                                                                 .size = sizeof(struct boot_info),
                                                                 .cmdline_paddr = address + offsetof(struct start_page, module_name)};
    page->start = (struct hvm_start_info){.magic = HVM_START_MAGIC,
                                          .version = 1,
                                          .nr_modules = MODULES,
                                          .modlist_paddr = address + offsetof(struct start_page, modules),
                                          .cmdline_paddr = info->args,
                                          .rsdp_paddr = rsdp,
                                          .memmap_paddr = address + offsetof(struct start_page, memmap),
                                          .memmap_entries = map->count};
}
