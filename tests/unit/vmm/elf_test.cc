// SPDX-License-Identifier: GPL-2.0-or-later
// The ELF loader: good images, every way to be bad, and truncation at every byte.
#include "vmm/boot.h"
#include "vmm/elf.h"
#include "vmm/error.h"

#include "elf_image.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <random>
#include <unistd.h>

namespace {

const uint8_t *raw(const std::string &s) { return reinterpret_cast<const uint8_t *>(s.data()); }

// "" when it parses and fits in 16 MiB.
std::string problem(const std::string &bytes, elf_image *image = nullptr)
{
    elf_image local;
    image = image ? image : &local;
    GError *error = nullptr;
    // A copy of exactly this size on the heap, so that the sanitizer sees every read beyond it.
    std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    if (elf_parse("x", copy.data(), copy.size(), image, &error) && elf_fits("x", image, 16 << 20, BOOT_AREA, BOOT_AREA_END, &error))
        return "";
    EXPECT_EQ(error->domain, VMM_ERROR);
    std::string text = error->message;
    g_error_free(error);
    EXPECT_EQ(text.rfind("x: ", 0), 0u) << "names the file";
    return text.substr(3);
}

TEST(Elf, LoadsSegmentsAndZeroesTheRest)
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
    memset(p, 0xee, 4 << 20);
    ASSERT_TRUE(elf_copy("x", raw(bytes), &image, ram, nullptr));
    EXPECT_EQ(p[0xfffff], 0xee);
    EXPECT_EQ(p[0x100000], 'a');
    EXPECT_EQ(p[0x100000 + 99], 'a' + 99 % 26);
    EXPECT_EQ(p[0x100000 + 100], 0);
    EXPECT_EQ(p[0x100000 + 299], 0);
    EXPECT_EQ(p[0x100000 + 300], 0xee);
    EXPECT_EQ(p[0x200fff], 0);
    EXPECT_EQ(p[0x201000], 0xee);
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
    EXPECT_EQ(broken([](elf::Image &e) { e.segments[0].p_memsz = uint64_t{1} << 40; }),
              "a segment at 0x100000 of 1073741824 KiB does not fit in 16 MiB of RAM");
    EXPECT_EQ(broken([](elf::Image &e) { e.segment(0x100040, 1, 1); }), "program header 1: overlaps another segment at 0x100040");
    EXPECT_EQ(broken([](elf::Image &e) { e.segments[0].p_type = PT_NULL; }), "no segment to load");
    EXPECT_EQ(broken([](elf::Image &e) { e.header.e_entry = 0x50; }), "the entry point 0x50 is in no segment");
    EXPECT_EQ(broken([](elf::Image &e) { e.segment(0x8000, 1, 1); }),
              "a segment at 0x8000 overlaps the boot data at 0x1000..0x9000");
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
        if (!elf_parse("x", copy.data(), copy.size(), &image, nullptr) ||
            !elf_fits("x", &image, 16 << 20, BOOT_AREA, BOOT_AREA_END, nullptr))
            continue;
        survived++;
        EXPECT_TRUE(elf_copy("x", copy.data(), &image, ram, nullptr));
    }
    EXPECT_GT(survived, 100u);
    memory_destroy(ram);
}

class Boot : public testing::Test {
  protected:
    char path[32] = "/tmp/boot-test-XXXXXX";
    memory *ram = memory_create("t", 16 << 20, nullptr);

    void SetUp() override { close(mkstemp(path)); }
    void TearDown() override
    {
        unlink(path);
        memory_destroy(ram);
    }
    boot_state load(const std::string &bytes, const char *args)
    {
        std::ofstream(path, std::ios::binary) << bytes;
        boot_request request = {path, args, 3, 2596000, 0xb0000000};
        boot_state state = {};
        GError *error = nullptr;
        EXPECT_TRUE(boot_load(&request, ram, &state, &error)) << error->message;
        return state;
    }
    template <typename T> T at(uint64_t gpa)
    {
        T value;
        memcpy(&value, memory_ptr(ram, gpa, sizeof(T)), sizeof(T));
        return value;
    }
};

TEST_F(Boot, LongModeGetsIdentityTablesAndBootInfo)
{
    boot_state state = load(elf::Image().bytes(), "a=b");
    EXPECT_TRUE(state.long_mode);
    EXPECT_EQ(state.entry, 0x100000u);
    auto info = at<boot_info>(state.info);
    EXPECT_EQ(info.magic, BOOT_INFO_MAGIC);
    EXPECT_EQ(info.version, 1u);
    EXPECT_EQ(info.memory_size, 16u << 20);
    EXPECT_EQ(info.memory_low, 16u << 20);
    EXPECT_EQ(info.vcpus, 3u);
    EXPECT_EQ(info.tsc_khz, 2596000u);
    EXPECT_EQ(info.ecam_base, 0xb0000000u);
    EXPECT_STREQ(static_cast<char *>(memory_ptr(ram, info.args, 4)), "a=b");
    // Walk the tables for some addresses.
    for (uint64_t address : {uint64_t{0}, uint64_t{0x12345678}, uint64_t{0xfee00000}, uint64_t{0xffffffff}}) {
        uint64_t pml4e = at<uint64_t>(state.page_tables + (address >> 39) * 8);
        uint64_t pdpte = at<uint64_t>((pml4e & ~0xfffull) + (address >> 30 & 511) * 8);
        uint64_t pde = at<uint64_t>((pdpte & ~0xfffull) + (address >> 21 & 511) * 8);
        EXPECT_EQ(pml4e & 7, 7u);
        EXPECT_EQ(pdpte & 7, 7u);
        EXPECT_EQ(pde & 0x87, 0x87u) << "a large page for everybody";
        EXPECT_EQ(pde & ~0x1fffffull, address & ~0x1fffffull);
    }
}

TEST_F(Boot, PvhGetsStartInfoWithOurModule)
{
    boot_state state =
        load(elf::Image().segment(0x100000, 64, 64).note(18, std::string("Xen\0", 4), std::string("\x20\0\x10\0", 4)).bytes(), "hi");
    EXPECT_FALSE(state.long_mode);
    EXPECT_EQ(state.entry, 0x100020u);
    // Offsets of Xen's struct hvm_start_info.
    EXPECT_EQ(at<uint32_t>(state.info), 0x336ec578u);
    EXPECT_EQ(at<uint32_t>(state.info + 4), 1u) << "version";
    ASSERT_EQ(at<uint32_t>(state.info + 12), 1u) << "modules";
    uint64_t module = at<uint64_t>(state.info + 16), cmdline = at<uint64_t>(state.info + 24), map = at<uint64_t>(state.info + 40);
    EXPECT_STREQ(static_cast<char *>(memory_ptr(ram, cmdline, 3)), "hi");
    EXPECT_STREQ(static_cast<char *>(memory_ptr(ram, at<uint64_t>(module + 16), 18)), BOOT_MODULE_NAME);
    EXPECT_EQ(at<uint64_t>(module + 8), sizeof(boot_info));
    EXPECT_EQ(at<boot_info>(at<uint64_t>(module)).magic, BOOT_INFO_MAGIC);
    uint64_t ram_bytes = 0;
    for (uint32_t i = 0; i < at<uint32_t>(state.info + 48); i++)
        if (at<uint32_t>(map + i * 24 + 16) == 1)
            ram_bytes += at<uint64_t>(map + i * 24 + 8);
    EXPECT_EQ(ram_bytes, (16u << 20) - 0x60000) << "all but the hole below 1 MiB";
}

} // namespace
