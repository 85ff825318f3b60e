/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables and GDT that a guest's entry finds; entry.c has boot_set_registers() of boot.h as well. Used by boot.c. */
#ifndef MEDIANT_VMM_KERNEL_ENTRY_H
#define MEDIANT_VMM_KERNEL_ENTRY_H

#include "vmm/boot.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ENTRY_GDT_SIZE = 6 * 8,      /* bytes */
    ENTRY_TABLES_SIZE = 0x6000, /* PML4, PDPT, four page directories for 4 GiB */
};

/* Both fill zeroes. address: of the tables, in the guest. */
void entry_fill_gdt(enum boot_protocol protocol, uint64_t gdt[ENTRY_GDT_SIZE / 8]);
void entry_fill_tables(uint8_t *tables, uint64_t address);

#ifdef __cplusplus
}
#endif
#endif
