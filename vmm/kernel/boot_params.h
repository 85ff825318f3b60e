/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Linux is told at its 64-bit entry: struct boot_params, "the zero page" (Documentation/arch/x86/zero-page.rst and boot.rst, "64-bit Boot
 * Protocol"). Used by boot.c.
 */
#ifndef MEDIANT_VMM_KERNEL_BOOT_PARAMS_H
#define MEDIANT_VMM_KERNEL_BOOT_PARAMS_H

#include "vmm/kernel/memmap.h"

#include <asm/bootparam.h>

#ifdef __cplusplus
extern "C" {
#endif

struct boot_params_request {
    const struct setup_header *header; /* of the bzImage; NULL for a plain vmlinux */
    const struct memmap *map;
    uint64_t args, initrd, initrd_size, rsdp; /* physical addresses below 4 GiB; no initrd: size 0, no RSDP: 0 */
};

/* Fills params, which are zeroes. */
void boot_params_fill(struct boot_params *params, const struct boot_params_request *request);

#ifdef __cplusplus
}
#endif
#endif
