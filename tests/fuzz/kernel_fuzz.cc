// SPDX-License-Identifier: GPL-2.0-or-later
// Images of guests: bzImages and ELF files, compressed or not. What is accepted is copied to a guest's RAM, as a start does.
#include "fuzz.h"

#include "elf_image.h"
#include "kernel_image.h"
#include "vmm/kernel/image.h"
#include "vmm/memory.h"

constexpr uint64_t RAM = 4 << 20;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz::MemoryFile file(std::string(reinterpret_cast<const char *>(data), size));
    kernel_image image = {};
    GError *error = nullptr;
    bool opened = kernel_image_open(file.path.c_str(), RAM, false, &image, &error);
    REQUIRE(opened == (error == nullptr), "a result or an error");
    g_clear_error(&error);
    if (opened) {
        REQUIRE(image.elf.count <= ELF_MAX_SEGMENTS, "%u segments", image.elf.count);
        memory *ram = memory_create("fuzz", RAM, nullptr);
        bool copied = elf_copy("fuzz", image.data, &image.elf, ram, &error);
        REQUIRE(copied == (error == nullptr), "a result or an error");
        g_clear_error(&error);
        memory_destroy(ram);
    }
    kernel_image_close(&image);
    return 0;
}

fuzz::Bytes fuzz::fuzz_seed(unsigned n)
{
    static const char *const formats[] = {"gzip", "bzip2", "lzma", "xz", "lz4", "zstd", "none"};
    constexpr unsigned FORMATS = std::size(formats);
    elf::Image plain = elf::Image().segment(0x100000, 300, 5000).segment(0x180000, 20, 4096).note(18, "Xen", std::string("\0\0\x10\0\0\0\0\0", 8));
    std::string out;
    if (n < FORMATS) {
        out = kernel::BzImage(kernel::payload(formats[n], plain.bytes())).bytes;
    } else if (n < 2 * FORMATS) {
        out = kernel::compress(formats[n - FORMATS], plain.bytes());
    } else if (n == 2 * FORMATS) {
        plain.header.e_entry = 0xffffffff81000000;
        plain.segments[0].p_vaddr = 0xffffffff81000000;
        out = plain.bytes();
    } else if (n == 2 * FORMATS + 1) {
        out = kernel::BzImage("", 0x205).bytes;
    }
    return Output().text(out).data;
}
