/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF64 images of guests: parsing with every field checked, and copying the segments into RAM. Files may be truncated or hostile.
 * Sources: System V ABI, chapters 4 and 5; Xen's public elfnote.h for XEN_ELFNOTE_PHYS32_ENTRY.
 */
#ifndef MEDIANT_VMM_KERNEL_ELF_H
#define MEDIANT_VMM_KERNEL_ELF_H

#include "vmm/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ELF_MAX_SEGMENTS = 64 };

struct elf_segment {
    uint64_t offset, file_size; /* in the file */
    uint64_t paddr, memory_size;
    uint64_t vaddr;
};

struct elf_image {
    struct elf_segment segments[ELF_MAX_SEGMENTS]; /* the PT_LOADs that take memory */
    unsigned count;
    uint64_t entry;      /* e_entry as a physical address */
    bool physical_entry; /* linked at the top of the address space, but e_entry is a physical address: as Linux is (vmlinux.lds.S, phys_startup_64) */
    bool has_pvh;
    uint32_t pvh_entry;  /* physical address of the 32-bit entry, from the ELF note */
    uint64_t low, high;  /* all segments lie in [low, high) of physical memory */
};

/* Checks data and fills *image; name is for errors. data may have any alignment. */
bool elf_parse(const char *name, const uint8_t *data, size_t size, struct elf_image *image, GError **error);

/* Copies the segments to RAM that holds zeroes, as memory_create() makes it; what is zero in them is not written. name is for errors. */
bool elf_copy(const char *name, const uint8_t *data, const struct elf_image *image, const struct memory *memory, GError **error);

#ifdef __cplusplus
}
#endif
#endif
