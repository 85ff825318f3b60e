/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a guest starts. The image is an ELF64 executable; its segments are copied to their physical addresses. Two entries exist, and an
 * image that has both is started by the first:
 *
 * 1. PVH: the ELF note "Xen" / XEN_ELFNOTE_PHYS32_ENTRY names a 32-bit entry. Flat 4 GiB segments (CS 0x08, others 0x10, TR 0x18), CR0 = PE,
 *    no paging, interrupts off, EBX = physical address of struct hvm_start_info (Xen's public/arch-x86/hvm/start_info.h), version 1:
 *    magic 0x336ec578, the command line, the memory map, and one module whose command line is BOOT_MODULE_NAME and whose
 *    data is a struct boot_info. The same image also starts under other VMMs (QEMU -kernel), which have no such module.
 *
 * 2. Long mode: e_entry, with RDI = physical address of struct boot_info. CR0 = PE|PG|..., CR4 = PAE, EFER = LME|LMA, CS 0x08 is 64-bit code,
 *    SS/DS/ES/FS/GS 0x10, TR 0x18, interrupts off. The first 4 GiB are mapped to themselves by 2 MiB pages with the present, write and
 *    user bits. GDT and page tables lie in the boot area: a guest that wants to use that memory makes its own first.
 *
 * Both: RAM as in memory.h; the boot area [BOOT_AREA, BOOT_AREA_END) holds the tables and may be reused when they have been read. vCPU 0
 * starts; the others wait for INIT and SIPI. RSP is 0: the guest brings its stack.
 *
 * Devices: 16550 at 0x3f8 (IRQ 4); PCI by 0xcf8/0xcfc or ECAM; in-kernel PIC, I/O APIC, local APICs (xAPIC at 0xfee00000), PIT. A write to
 * BOOT_EXIT_PORT ends the VM with the low byte as its status, 0 for success. Writing 0x06 or 0x0e to port 0xcf9 or bit 13 (SLP_EN) to
 * the 16-bit port 0x604 shuts the VM down as well.
 */
#ifndef MEDIANT_VMM_BOOT_H
#define MEDIANT_VMM_BOOT_H

#include "vmm/elf.h"
#include "vmm/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BOOT_AREA UINT64_C(0x1000)
#define BOOT_AREA_END UINT64_C(0x9000)
#define BOOT_MODULE_NAME "mediant-boot-info"

enum {
    BOOT_EXIT_PORT = 0xf4,
    BOOT_POWER_PORT = 0x604,
    BOOT_ARGS_MAX = 4000, /* bytes of the command line with its NUL */
};

/* All values little endian. The layout only grows at the end; version counts that. tests/guests/lib/boot.h has the guest's copy. */
#define BOOT_INFO_MAGIC 0x746e6469u /* "idnt" */
struct boot_info {
    uint32_t magic, version;  /* BOOT_INFO_MAGIC, 1 */
    uint64_t memory_size;     /* bytes of RAM in all */
    uint64_t memory_low;      /* bytes of RAM from 0 */
    uint64_t ecam_base;       /* of bus 0; 256 MiB are reserved */
    uint64_t args;            /* physical address of the NUL-terminated command line */
    uint32_t vcpus;           /* local APIC ids 0 .. vcpus - 1 */
    uint32_t tsc_khz;         /* rate of the TSC as KVM has it, 0 when unknown */
};

struct boot_request {
    const char *image; /* path, for errors and reading */
    const char *args;  /* the guest's command line, NULL for none */
    unsigned vcpus;
    uint32_t tsc_khz; /* 0 when unknown */
    uint64_t ecam_base;
};

/* Where vCPU 0 starts. */
struct boot_state {
    bool long_mode;
    uint64_t entry, info; /* RIP, and EBX or RDI */
    uint64_t gdt, page_tables;
};

/* Reads and checks the image for memory_size bytes of RAM, without a machine. */
bool boot_check(const struct boot_request *request, uint64_t memory_size, GError **error);
/* Loads the image and the boot area. */
bool boot_load(const struct boot_request *request, struct memory *memory, struct boot_state *state, GError **error);

/* Sets the registers of vCPU 0 (an open vCPU descriptor) for the state. */
bool boot_set_registers(int vcpu_fd, const struct boot_state *state, GError **error);

#ifdef __cplusplus
}
#endif
#endif
