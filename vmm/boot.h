/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a guest starts. The image is a Linux bzImage, an ELF64 executable, or one that is compressed as a whole; its content says which. The kernel in
 * a bzImage is unpacked here, not in the guest, so it runs where it is linked (no KASLR). Its segments are copied to their physical addresses.
 * Three entries exist, and an image that has several is started by the first:
 *
 * 1. PVH: the ELF note "Xen" / XEN_ELFNOTE_PHYS32_ENTRY names a 32-bit entry. Flat 4 GiB segments (CS 0x08, others 0x10, TR 0x18), CR0 = PE,
 *    no paging, interrupts off, EBX = physical address of struct hvm_start_info (Xen's public/arch-x86/hvm/start_info.h), version 1:
 *    magic 0x336ec578, the command line, the memory map, the RSDP, and two modules. The first is the initrd, because that is where Linux
 *    looks for it; it is empty (size 0, address 0) without one. The second has the command line BOOT_MODULE_NAME, and its data is a
 *    struct boot_info. The same image also starts under other VMMs (QEMU -kernel), which have no such module.
 *
 * 2. Linux' 64-bit entry (Documentation/arch/x86/boot.rst), for a bzImage and for an ELF file that is linked at the top of the address space
 *    with a physical e_entry, as vmlinux is: e_entry with RSI = physical address of struct boot_params. As 3., but CS 0x10, SS/DS/ES/FS/GS 0x18.
 *
 * 3. Long mode: e_entry, with RDI = physical address of struct boot_info. CR0 = PE|PG|..., CR4 = PAE, EFER = LME|LMA, CS 0x08 is 64-bit code,
 *    SS/DS/ES/FS/GS 0x10, TR 0x18, interrupts off. The first 4 GiB are mapped to themselves by 2 MiB pages with the present, write and
 *    user bits. GDT and page tables lie in the boot area: a guest that wants to use that memory makes its own first.
 *
 * All: an initrd lies high in RAM below 2 GiB, at a page; entry 3 has no place for one. RAM as in memory.h; the boot area [BOOT_AREA, BOOT_AREA_END) holds the tables and may be reused when they have been read. vCPU 0
 * starts; the others wait for INIT and SIPI. RSP is 0: the guest brings its stack.
 *
 * Devices: 16550 at 0x3f8 (IRQ 4); PCI by 0xcf8/0xcfc or ECAM; in-kernel PIC, I/O APIC, local APICs (xAPIC at 0xfee00000), PIT. A write to
 * BOOT_EXIT_PORT ends the VM with the low byte as its status, 0 for success. Writing 0x06 or 0x0e to port 0xcf9 or bit 13 (SLP_EN) to
 * PM1 control, the 16-bit port 0x604, shuts the VM down as well (the former resets it if that is configured). RTC at 0x70 (IRQ 8), PM1 block and timer at 0x600 (IRQ 9).
 */
#ifndef MEDIANT_VMM_BOOT_H
#define MEDIANT_VMM_BOOT_H

#include "vmm/kernel/memmap.h"
#include "vmm/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BOOT_AREA UINT64_C(0x1000)
#define BOOT_AREA_END UINT64_C(0x9000)
#define BOOT_MODULE_NAME "mediant-boot-info"

enum {
    BOOT_EXIT_PORT = 0xf4,
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

/* Memory that the guest is told about and nothing is loaded to: ACPI tables, stolen memory. */
struct boot_range {
    uint64_t start, size; /* bytes */
    enum memmap_type type;
    const char *name; /* for errors, as in "overlaps the ACPI tables" */
};
enum { BOOT_RANGES_MAX = 16 };

/* The files of a request, open: whoever loads them again later may have no right any more to open them. */
struct boot_files {
    int image, initrd; /* initrd: -1 for none */
};

struct boot_request {
    const char *image; /* path, for errors and reading */
    const char *args;  /* the guest's command line, NULL for none */
    unsigned vcpus;
    uint32_t tsc_khz; /* 0 when unknown */
    uint64_t ecam_base;
    const char *initrd; /* path, or NULL */
    uint64_t rsdp;      /* physical address of ACPI's root pointer, 0 for none */
    const struct boot_range *ranges; /* range_count, at most BOOT_RANGES_MAX, without overlap; they may lie in [0xa0000, 0x100000) */
    unsigned range_count;
    const struct boot_files *files; /* of boot_files_open(); NULL: they are opened by their paths */
    bool packed; /* boot_check() leaves a compressed kernel packed, because boot_load() follows: of the kernel, it checks the header only */
};

enum boot_protocol { BOOT_PVH, BOOT_LINUX64, BOOT_LONG_MODE };

/* Where vCPU 0 starts. */
struct boot_state {
    enum boot_protocol protocol;
    uint64_t entry, info; /* RIP, and EBX (PVH), RSI (Linux) or RDI (long mode) */
    uint64_t gdt, page_tables; /* page_tables: 0 for PVH */
    uint64_t initrd, initrd_size; /* where it lies; size 0 without one */
};

/*
 * Reads and checks image and initrd for memory_size bytes of RAM, without a machine. Unless packed is set, that takes as long as unpacking the
 * kernel does. Errors name the file.
 */
bool boot_check(const struct boot_request *request, uint64_t memory_size, GError **error);
/* Loads image, initrd and the boot area into RAM as memory_create() makes it; only the caller's ranges may have been written to. */
bool boot_load(const struct boot_request *request, struct memory *memory, struct boot_state *state, GError **error);

/*
 * The same in two halves: image and initrd, which takes as long as they are large, on any thread; then what tells of them. request->vcpus, rsdp and tsc_khz are for
 * the second half, the rest is the same in both. The second gives back what the first returned (NULL with an error); boot_loading_free() does without it.
 */
struct boot_loading;
struct boot_loading *boot_load_files(const struct boot_request *request, struct memory *memory, GError **error);
void boot_load_area(struct boot_loading *loading, const struct boot_request *request, struct memory *memory, struct boot_state *state);
void boot_loading_free(struct boot_loading *loading); /* NULL is allowed */

/* Opens image and initrd. */
bool boot_files_open(struct boot_files *files, const struct boot_request *request, GError **error);
void boot_files_close(struct boot_files *files); /* what is not open is -1 */

/* Sets the registers of vCPU 0 (an open vCPU descriptor) for the state. */
bool boot_set_registers(int vcpu_fd, const struct boot_state *state, GError **error);

#ifdef __cplusplus
}
#endif
#endif
