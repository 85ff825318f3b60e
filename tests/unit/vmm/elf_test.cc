// SPDX-License-Identifier: GPL-2.0-or-later
// The ELF loader: good images, every way to be bad, and truncation at every byte.
#include "vmm/error.h"
#include "vmm/kernel/elf.h"

#include "elf_image.h"

#include <gtest/gtest.h>

#include <random>
#include <sys/stat.h>

namespace {

const uint8_t *raw(const std::string &s) { return reinterpret_cast<const uint8_t *>(s.data()); }

// "" when it parses.
std::string problem(const std::string &bytes, elf_image *image = nullptr)
{
    elf_image local;
    image = image ? image : &local;
    GError *error = nullptr;
    // A copy of exactly this size on the heap, so that the sanitizer sees every read beyond it.
    std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    if (elf_parse("x", copy.data(), copy.size(), image, &error))
        return "";
    EXPECT_EQ(error->domain, VMM_ERROR);
    std::string text = error->message;
    g_error_free(error);
    EXPECT_EQ(text.rfind("x: ", 0), 0u) << "names the file";
    return text.substr(3);
}

TEST(Elf, LoadsSegmentsOnly)
{
    std::string bytes = elf::Image().segment(0x100000, 100, 300).segment(0x200000, 0, 4096).bytes();
    elf_image image;
    ASSERT_EQ(problem(bytes, &image), "");
    EXPECT_EQ(image.count, 2u);
    EXPECT_EQ(image.entry, 0x100000u);
    EXPECT_FALSE(image.has_pvh);
    memory *ram = memory_create("t", 4 << 20, nullptr);
    ASSERT_NE(ram, nullptr);
    auto *p = static_cast<uint8_t *>(memory_ptr(ram, 0, 4 << 20));
    ASSERT_TRUE(elf_copy("x", raw(bytes), &image, ram, nullptr));
    EXPECT_EQ(p[0xfffff], 0);
    EXPECT_EQ(p[0x100000], 'a');
    EXPECT_EQ(p[0x100000 + 99], 'a' + 99 % 26);
    EXPECT_EQ(p[0x100000 + 100], 0);
    memory_destroy(ram);
}

// What is zero takes no memory, wherever it begins and ends; the rest arrives.
TEST(Elf, ZeroesAreNotWritten)
{
    elf::Image e;
    e.segment(0x100ff0, 0x12020, 0x12020);
    std::fill(e.data.begin() + 0x10, e.data.begin() + 0x10000, '\0'); // from a page's start to within one
    e.data[0x5010] = 'x';
    e.header.e_entry = 0x101000;
    std::string bytes = e.bytes();
    elf_image image;
    ASSERT_EQ(problem(bytes, &image), "");
    memory *ram = memory_create("t", 4 << 20, nullptr);
    ASSERT_NE(ram, nullptr);
    ASSERT_TRUE(elf_copy("x", raw(bytes), &image, ram, nullptr));
    struct stat status;
    ASSERT_EQ(fstat(ram->regions[0].fd, &status), 0);
    // The page of 0x100ff0, the one of 0x106000, and those of 0x110ff0..0x11300f.
    EXPECT_EQ(status.st_blocks * 512 / 4096, 1 + 1 + 4);
    EXPECT_EQ(memcmp(memory_ptr(ram, 0x100ff0, 0x12020), bytes.data() + bytes.size() - 0x12020, 0x12020), 0);
    memory_destroy(ram);
}

TEST(Elf, VirtualEntryBecomesPhysical)
{
    elf::Image e;
    e.segment(0x200000, 64, 64);
    e.segments[0].p_vaddr = 0xffffffff81000000;
    e.header.e_entry = 0xffffffff81000010;
    elf_image image;
    ASSERT_EQ(problem(e.bytes(), &image), "");
    EXPECT_EQ(image.entry, 0x200010u);
    EXPECT_FALSE(image.physical_entry);
}

TEST(Elf, LinuxHasAPhysicalEntry)
{
    elf::Image e;
    e.segment(0x200000, 64, 64);
    e.segments[0].p_vaddr = 0xffffffff80200000;
    e.header.e_entry = 0x200010;
    elf_image image;
    ASSERT_EQ(problem(e.bytes(), &image), "");
    EXPECT_EQ(image.entry, 0x200010u);
    EXPECT_TRUE(image.physical_entry);
}

TEST(Elf, FindsThePvhNote)
{
    std::string entry("\x10\0\x10\0", 4);
    elf_image image;
    ASSERT_EQ(problem(elf::Image().segment(0x100000, 64, 64).note(18, std::string("Xen\0", 4), entry).bytes(), &image), "");
    EXPECT_TRUE(image.has_pvh);
    EXPECT_EQ(image.pvh_entry, 0x100010u);
    ASSERT_EQ(problem(elf::Image().segment(0x100000, 64, 64).note(17, std::string("Xen\0", 4), entry).bytes(), &image), "");
    EXPECT_FALSE(image.has_pvh) << "another note";
    ASSERT_EQ(problem(elf::Image().segment(0x100000, 64, 64).note(18, std::string("GNU\0", 4), entry).bytes(), &image), "");
    EXPECT_FALSE(image.has_pvh) << "another owner";
    EXPECT_EQ(problem(elf::Image().segment(0x100000, 64, 64).note(18, std::string("Xen\0", 4), std::string(4, '\x7f')).bytes()),
              "the PVH entry point 0x7f7f7f7f is in no segment");
}

TEST(Elf, SaysWhatIsWrong)
{
    EXPECT_EQ(problem(""), "not an ELF file");
    EXPECT_EQ(problem("\x7f" "EL"), "not an ELF file");
    EXPECT_EQ(problem("\x7f" "ELF"), "the ELF header is truncated");
    auto broken = [](auto change) {
        elf::Image e;
        e.segment(0x100000, 64, 128);
        change(e);
        return problem(e.bytes());
    };
    EXPECT_EQ(broken([](elf::Image &e) { e.header.e_ident[EI_CLASS] = ELFCLASS32; }), "not a 64-bit little-endian ELF file");
    EXPECT_EQ(broken([](elf::Image &e) { e.header.e_ident[EI_DATA] = ELFDATA2MSB; }), "not a 64-bit little-endian ELF file");
    EXPECT_EQ(broken([](elf::Image &e) { e.header.e_machine = EM_AARCH64; }), "made for machine 183, not for x86-64");
    EXPECT_EQ(broken([](elf::Image &e) { e.header.e_type = ET_DYN; }), "ELF type 3 is not an executable at fixed addresses");
    EXPECT_EQ(broken([](elf::Image &e) { e.header.e_phentsize = 32; }), "program headers of 32 bytes instead of 56");
    EXPECT_EQ(broken([](elf::Image &e) { e.header.e_phoff = UINT64_MAX - 8; }),
              "the program headers lie beyond the end of the file (truncated?)");
    EXPECT_EQ(broken([](elf::Image &e) { e.segments[0].p_offset = 1000; }),
              "program header 0: its data lies beyond the end of the file (truncated?)");
    EXPECT_EQ(broken([](elf::Image &e) { e.segments[0].p_filesz = UINT64_MAX; }),
              "program header 0: its data lies beyond the end of the file (truncated?)");
    EXPECT_EQ(broken([](elf::Image &e) { e.segments[0].p_memsz = 10; }), "program header 0: larger in the file than in memory");
    EXPECT_EQ(broken([](elf::Image &e) { e.segments[0].p_paddr = UINT64_MAX - 10; }), "program header 0: its addresses wrap around");
    EXPECT_EQ(broken([](elf::Image &e) { e.segment(0x100040, 1, 1); }), "program header 1: overlaps another segment at 0x100040");
    EXPECT_EQ(broken([](elf::Image &e) { e.segments[0].p_type = PT_NULL; }), "no segment to load");
    EXPECT_EQ(broken([](elf::Image &e) { e.header.e_entry = 0x50; }), "the entry point 0x50 is in no segment");
    EXPECT_EQ(broken([](elf::Image &e) {
                  for (unsigned i = 0; i < 64; i++)
                      e.segment(0x200000 + i * 0x1000, 1, 1);
              }),
              "more than 64 segments");
}

TEST(Elf, NoTruncationIsReadBeyond)
{
    const std::string whole = elf::Image()
                                  .segment(0x100000, 40, 40)
                                  .note(18, std::string("Xen\0", 4), std::string("\0\0\x10\0", 4))
                                  .segment(0x101000, 20, 20)
                                  .bytes();
    ASSERT_EQ(problem(whole), "");
    for (size_t size = 0; size < whole.size(); size++)
        EXPECT_NE(problem(whole.substr(0, size)), "") << size;
}

// Whatever parses must be safe to copy.
TEST(Elf, RandomDamageNeverEscapesTheFileOrRam)
{
    const std::string whole = elf::Image().segment(0x100000, 40, 80).note(18, std::string("Xen\0", 4), std::string(4, '\0')).bytes();
    std::mt19937 random(1);
    memory *ram = memory_create("t", 16 << 20, nullptr);
    unsigned survived = 0;
    for (unsigned round = 0; round < 20000; round++) {
        std::string bytes = whole;
        for (unsigned n = 1 + random() % 4; n > 0; n--)
            bytes[random() % bytes.size()] = static_cast<char>(random() % 4 ? random() : random() % 2 ? 0xff : 0);
        elf_image image;
        std::vector<uint8_t> copy(bytes.begin(), bytes.end());
        if (!elf_parse("x", copy.data(), copy.size(), &image, nullptr))
            continue;
        survived++;
        bool fits = true; // boot.c leaves out what does not; elf_copy() refuses it as well
        for (unsigned i = 0; i < image.count; i++)
            fits &= memory_ptr(ram, image.segments[i].paddr, image.segments[i].file_size) || image.segments[i].file_size == 0;
        GError *error = nullptr;
        EXPECT_TRUE(elf_copy("x", copy.data(), &image, ram, &error) || !fits);
        g_clear_error(&error);
    }
    EXPECT_GT(survived, 100u);
    memory_destroy(ram);
}

} // namespace
