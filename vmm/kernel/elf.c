/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF64 images: parse, check, copy. Used by image.c and boot.c. */
#include "vmm/kernel/elf.h"

#include "vmm/error.h"
#include "vmm/kernel/copy.h"

#include <elf.h>
#include <string.h>

#define NOTES_MAX (UINT64_C(1) << 20) /* bytes of notes that are looked through */
#define TOP_HALF (UINT64_C(1) << 63)

enum { XEN_ELFNOTE_PHYS32_ENTRY = 18 };

static bool inside(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

/* Looks for Xen's note that gives the PVH entry. Notes that make no sense end the search; they are not needed to boot. */
static void parse_notes(const uint8_t *notes, uint64_t size, uint64_t align, struct elf_image *image)
{
    uint64_t at = 0;

    align = align == 8 ? 8 : 4;
    while (size - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        memcpy(&note, notes + at, sizeof(note));
        uint64_t name = at + sizeof(note);
        uint64_t desc = (name + note.n_namesz + align - 1) & ~(align - 1);
        uint64_t next = (desc + note.n_descsz + align - 1) & ~(align - 1);
        if (!inside(name, note.n_namesz, size) || !inside(desc, note.n_descsz, size))
            return;
        if (note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && note.n_namesz == 4 && memcmp(notes + name, "Xen", 4) == 0 &&
            (note.n_descsz == 4 || note.n_descsz == 8)) {
            uint64_t entry = 0;
            memcpy(&entry, notes + desc, note.n_descsz);
            image->has_pvh = entry <= UINT32_MAX;
            image->pvh_entry = (uint32_t)entry;
            return;
        }
        if (next > size)
            return;
        at = next;
    }
}

static bool parse_segment(const char *name, const Elf64_Phdr *header, unsigned index, size_t size, struct elf_image *image,
                          GError **error)
{
    if (!inside(header->p_offset, header->p_filesz, size))
        return fail_config(error, name, "program header %u: its data lies beyond the end of the file (truncated?)", index);
    if (header->p_filesz > header->p_memsz)
        return fail_config(error, name, "program header %u: larger in the file than in memory", index);
    if (header->p_paddr + header->p_memsz < header->p_paddr)
        return fail_config(error, name, "program header %u: its addresses wrap around", index);
    if (header->p_memsz == 0)
        return true;
    if (image->count == ELF_MAX_SEGMENTS)
        return fail_config(error, name, "more than %d segments", ELF_MAX_SEGMENTS);
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_segment *other = &image->segments[i];
        if (header->p_paddr < other->paddr + other->memory_size && other->paddr < header->p_paddr + header->p_memsz)
            return fail_config(error, name, "program header %u: overlaps another segment at 0x%" PRIx64, index, (uint64_t)header->p_paddr);
    }
    image->segments[image->count++] = (struct elf_segment){.offset = header->p_offset,
                                                           .file_size = header->p_filesz,
                                                           .paddr = header->p_paddr,
                                                           .memory_size = header->p_memsz,
                                                           .vaddr = header->p_vaddr};
    image->low = MIN(image->low, header->p_paddr);
    image->high = MAX(image->high, header->p_paddr + header->p_memsz);
    return true;
}

/* The segment that holds a physical address, or NULL. */
static const struct elf_segment *segment_at(const struct elf_image *image, uint64_t address)
{
    for (unsigned i = 0; i < image->count; i++)
        if (address >= image->segments[i].paddr && address - image->segments[i].paddr < image->segments[i].memory_size)
            return &image->segments[i];
    return NULL;
}

/* e_entry is a virtual address when a segment is linked at one; physical addresses are the same in an identity-linked image. */
static bool find_entry(uint64_t entry, struct elf_image *image)
{
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_segment *s = &image->segments[i];
        if (entry >= s->vaddr && entry - s->vaddr < s->memory_size) {
            image->entry = s->paddr + (entry - s->vaddr);
            return true;
        }
    }
    const struct elf_segment *s = segment_at(image, entry);
    image->entry = entry;
    image->physical_entry = s && s->vaddr >= TOP_HALF;
    return s != NULL;
}

bool elf_parse(const char *name, const uint8_t *data, size_t size, struct elf_image *image, GError **error)
{
    Elf64_Ehdr header;
    uint64_t notes = 0;

    *image = (struct elf_image){.low = UINT64_MAX};
    if (size < SELFMAG || memcmp(data, ELFMAG, SELFMAG) != 0)
        return fail_config(error, name, "not an ELF file");
    if (size < sizeof(header))
        return fail_config(error, name, "the ELF header is truncated");
    memcpy(&header, data, sizeof(header));
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
        return fail_config(error, name, "not a 64-bit little-endian ELF file");
    if (header.e_machine != EM_X86_64)
        return fail_config(error, name, "made for machine %u, not for x86-64", header.e_machine);
    if (header.e_type != ET_EXEC)
        return fail_config(error, name, "ELF type %u is not an executable at fixed addresses", header.e_type);
    if (header.e_phentsize != sizeof(Elf64_Phdr))
        return fail_config(error, name, "program headers of %u bytes instead of %zu", header.e_phentsize, sizeof(Elf64_Phdr));
    if (!inside(header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf64_Phdr), size))
        return fail_config(error, name, "the program headers lie beyond the end of the file (truncated?)");
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, data + header.e_phoff + i * sizeof(segment), sizeof(segment));
        if (segment.p_type == PT_LOAD && !parse_segment(name, &segment, i, size, image, error))
            return false;
        if (segment.p_type == PT_NOTE && !image->has_pvh && segment.p_filesz <= NOTES_MAX - notes &&
            inside(segment.p_offset, segment.p_filesz, size)) {
            notes += segment.p_filesz;
            parse_notes(data + segment.p_offset, segment.p_filesz, segment.p_align, image);
        }
    }
    if (image->count == 0)
        return fail_config(error, name, "no segment to load");

    if (!find_entry(header.e_entry, image))
        return fail_config(error, name, "the entry point 0x%" PRIx64 " is in no segment", (uint64_t)header.e_entry);
    if (image->has_pvh && !segment_at(image, image->pvh_entry))
        return fail_config(error, name, "the PVH entry point 0x%x is in no segment", image->pvh_entry);
    return true;
}

bool elf_copy(const char *name, const uint8_t *data, const struct elf_image *image, const struct memory *memory, GError **error)
{
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_segment *s = &image->segments[i];
        if (!copy_to_ram(name, memory, s->paddr, data + s->offset, s->file_size, error))
            return false;
    }
    return true;
}
