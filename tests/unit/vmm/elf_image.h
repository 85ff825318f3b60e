// SPDX-License-Identifier: GPL-2.0-or-later
// Makes ELF images for tests, good ones and broken ones.
#ifndef MEDIANT_TESTS_ELF_IMAGE_H
#define MEDIANT_TESTS_ELF_IMAGE_H

#include <elf.h>

#include <cstring>
#include <string>
#include <vector>

namespace elf {

class Image {
  public:
    Elf64_Ehdr header = {};
    std::vector<Elf64_Phdr> segments;
    std::string data; // follows the headers

    Image()
    {
        memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_EXEC;
        header.e_machine = EM_X86_64;
        header.e_ehsize = sizeof(Elf64_Ehdr);
        header.e_phentsize = sizeof(Elf64_Phdr);
        header.e_phoff = sizeof(Elf64_Ehdr);
        header.e_entry = 0x100000;
    }

    // Adds a segment with file_size bytes of a pattern.
    Image &segment(uint64_t paddr, uint64_t file_size, uint64_t memory_size)
    {
        Elf64_Phdr p = {};
        p.p_type = PT_LOAD;
        p.p_offset = data.size(); // relative to the data until bytes()
        p.p_vaddr = p.p_paddr = paddr;
        p.p_filesz = file_size;
        p.p_memsz = memory_size;
        for (uint64_t i = 0; i < file_size; i++)
            data.push_back(static_cast<char>('a' + i % 26));
        segments.push_back(p);
        return *this;
    }

    Image &note(uint32_t type, const std::string &name, const std::string &desc)
    {
        Elf64_Phdr p = {};
        Elf64_Nhdr n = {static_cast<Elf64_Word>(name.size()), static_cast<Elf64_Word>(desc.size()), type};
        p.p_type = PT_NOTE;
        p.p_offset = data.size();
        p.p_align = 4;
        data.append(reinterpret_cast<const char *>(&n), sizeof(n));
        data += name + std::string((4 - name.size() % 4) % 4, '\0');
        data += desc + std::string((4 - desc.size() % 4) % 4, '\0');
        p.p_filesz = p.p_memsz = data.size() - p.p_offset;
        segments.push_back(p);
        return *this;
    }

    // The file. Without segments it gets one of 16 bytes at 1 MiB.
    std::string bytes()
    {
        if (segments.empty())
            segment(0x100000, 16, 32);
        header.e_phnum = static_cast<Elf64_Half>(segments.size());
        std::string out(reinterpret_cast<const char *>(&header), sizeof(header));
        uint64_t base = sizeof(header) + segments.size() * sizeof(Elf64_Phdr);
        for (Elf64_Phdr p : segments) {
            p.p_offset += base;
            out.append(reinterpret_cast<const char *>(&p), sizeof(p));
        }
        return out + data;
    }
};

} // namespace elf

#endif
