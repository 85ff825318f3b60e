// SPDX-License-Identifier: GPL-2.0-or-later
// Loading guests: what each entry finds in memory, where things are placed, and every way in which they cannot be.
#include "vmm/boot.h"
#include "vmm/error.h"

#include "elf_image.h"
#include "kernel_image.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <unistd.h>

namespace {

constexpr uint64_t MiB = 1 << 20;

std::string pvh_elf(uint32_t entry = 0x100020)
{
    return elf::Image().segment(0x100000, 64, 0x2000).note(18, std::string("Xen\0", 4), kernel::le(entry, 4)).bytes();
}

// Linked as vmlinux is.
std::string linux_elf()
{
    elf::Image e;
    e.segment(0x100000, 5000, 9000);
    e.segments[0].p_vaddr = 0xffffffff80100000;
    e.header.e_entry = 0x100010;
    return e.bytes();
}

class Boot : public testing::Test {
  protected:
    char path[32] = "/tmp/boot-test-XXXXXX", initrd_path[32] = "/tmp/boot-test-XXXXXX";
    memory *ram = nullptr;
    boot_request request = {};

    void SetUp() override
    {
        close(mkstemp(path));
        close(mkstemp(initrd_path));
        request.image = path;
        request.vcpus = 3;
        request.tsc_khz = 2596000;
        request.ecam_base = 0xb0000000;
    }
    void TearDown() override
    {
        unlink(path);
        unlink(initrd_path);
        memory_destroy(ram);
    }
    void initrd(const std::string &bytes)
    {
        std::ofstream(initrd_path, std::ios::binary) << bytes;
        request.initrd = initrd_path;
    }
    // Into fresh RAM; "" or the error without the path in front. boot_check() must say the same.
    std::string load(const std::string &bytes, boot_state *state, uint64_t size = 16 * MiB)
    {
        std::ofstream(path, std::ios::binary) << bytes;
        memory_destroy(ram);
        ram = memory_create("t", size, nullptr);
        GError *error = nullptr, *check_error = nullptr;
        *state = {};
        bool ok = boot_load(&request, ram, state, &error);
        request.packed = false;
        EXPECT_EQ(boot_check(&request, size, &check_error), ok);
        if (ok)
            return "";
        std::string text = error->message;
        EXPECT_EQ(error->code, VMM_ERROR_CONFIG);
        EXPECT_STREQ(check_error->message, error->message);
        g_error_free(error);
        g_error_free(check_error);
        for (const char *name : {path, initrd_path})
            for (size_t at; (at = text.find(name)) != std::string::npos;)
                text.replace(at, strlen(name), name == path ? "K" : "I");
        return text;
    }
    std::string problem(const std::string &bytes, uint64_t size = 16 * MiB)
    {
        boot_state state;
        return load(bytes, &state, size);
    }
    template <typename T> T at(uint64_t gpa)
    {
        T value;
        memcpy(&value, memory_ptr(ram, gpa, sizeof(T)), sizeof(T));
        return value;
    }
    std::string text(uint64_t gpa, size_t size) { return {static_cast<char *>(memory_ptr(ram, gpa, size)), size}; }
    void expect_identity(uint64_t tables)
    {
        for (uint64_t address : {uint64_t{0}, uint64_t{0x12345678}, uint64_t{0xfee00000}, uint64_t{0xffffffff}}) {
            uint64_t pml4e = at<uint64_t>(tables + (address >> 39) * 8);
            uint64_t pdpte = at<uint64_t>((pml4e & ~0xfffull) + (address >> 30 & 511) * 8);
            uint64_t pde = at<uint64_t>((pdpte & ~0xfffull) + (address >> 21 & 511) * 8);
            EXPECT_EQ(pml4e & 7, 7u);
            EXPECT_EQ(pdpte & 7, 7u);
            EXPECT_EQ(pde & 0x87, 0x87u) << "a large page for everybody";
            EXPECT_EQ(pde & ~0x1fffffull, address & ~0x1fffffull);
        }
    }
    // The map as text, from a table of entries.
    std::string map_text(uint64_t table, unsigned count, unsigned stride)
    {
        std::string out;
        for (unsigned i = 0; i < count; i++) {
            char line[80];
            uint64_t start = at<uint64_t>(table + i * stride), size = at<uint64_t>(table + i * stride + 8);
            snprintf(line, sizeof(line), "%lx-%lx %u\n", start, start + size, at<uint32_t>(table + i * stride + 16));
            out += line;
        }
        return out;
    }
};

TEST_F(Boot, LongModeGetsIdentityTablesAndBootInfo)
{
    boot_state state;
    request.args = "a=b";
    ASSERT_EQ(load(elf::Image().bytes(), &state), "");
    EXPECT_EQ(state.protocol, BOOT_LONG_MODE);
    EXPECT_EQ(state.entry, 0x100000u);
    auto info = at<boot_info>(state.info);
    EXPECT_EQ(info.magic, BOOT_INFO_MAGIC);
    EXPECT_EQ(info.version, 1u);
    EXPECT_EQ(info.memory_size, 16 * MiB);
    EXPECT_EQ(info.memory_low, 16 * MiB);
    EXPECT_EQ(info.vcpus, 3u);
    EXPECT_EQ(info.tsc_khz, 2596000u);
    EXPECT_EQ(info.ecam_base, 0xb0000000u);
    EXPECT_EQ(text(info.args, 4), std::string("a=b\0", 4));
    expect_identity(state.page_tables);
    EXPECT_EQ(at<uint64_t>(state.gdt + 0x08) >> 32, 0x00af9b00u);
    EXPECT_EQ(at<uint64_t>(state.gdt + 0x10) >> 32, 0x00cf9300u);
    initrd("i");
    EXPECT_EQ(problem(elf::Image().bytes()), "I: K cannot be given an initrd: it is not Linux and has no PVH note");
}

// Offsets of Xen's struct hvm_start_info.
TEST_F(Boot, PvhGetsStartInfoWithBothModules)
{
    boot_state state;
    request.args = "hi";
    request.rsdp = 0xe0000;
    for (bool with_initrd : {false, true}) {
        if (with_initrd)
            initrd(std::string(5000, 'i'));
        ASSERT_EQ(load(pvh_elf(), &state), "");
        EXPECT_EQ(state.protocol, BOOT_PVH);
        EXPECT_EQ(state.entry, 0x100020u);
        EXPECT_EQ(at<uint32_t>(state.info), 0x336ec578u);
        EXPECT_EQ(at<uint32_t>(state.info + 4), 1u) << "version";
        ASSERT_EQ(at<uint32_t>(state.info + 12), 2u) << "modules";
        uint64_t module = at<uint64_t>(state.info + 16);
        EXPECT_EQ(text(at<uint64_t>(state.info + 24), 3), std::string("hi\0", 3));
        EXPECT_EQ(at<uint64_t>(state.info + 32), 0xe0000u) << "RSDP";
        EXPECT_EQ(at<uint64_t>(module), with_initrd ? 16 * MiB - 0x2000 : 0) << "at a page's start, as high as it goes";
        EXPECT_EQ(at<uint64_t>(module + 8), with_initrd ? 5000u : 0);
        EXPECT_STREQ(text(at<uint64_t>(module + 32 + 16), 18).c_str(), BOOT_MODULE_NAME);
        EXPECT_EQ(at<uint64_t>(module + 32 + 8), sizeof(boot_info));
        EXPECT_EQ(at<boot_info>(at<uint64_t>(module + 32)).magic, BOOT_INFO_MAGIC);
        EXPECT_EQ(map_text(at<uint64_t>(state.info + 40), at<uint32_t>(state.info + 48), 24),
                  "0-a0000 1\na0000-100000 2\n100000-1000000 1\nb0000000-c0000000 2\n");
    }
    EXPECT_EQ(state.initrd, 16 * MiB - 0x2000);
    EXPECT_EQ(text(state.initrd, 5001), std::string(5000, 'i') + '\0');
}

// Offsets of Documentation/arch/x86/zero-page.rst and boot.rst.
TEST_F(Boot, LinuxGetsBootParams)
{
    const boot_range ranges[] = {{0xe0000, 0x1000, MEMMAP_ACPI, "the RSDP"},
                                 {15 * MiB, MiB, MEMMAP_RESERVED, "stolen memory"},
                                 {14 * MiB, 0x2000, MEMMAP_NVS, "the OpRegion"}};
    request.ranges = ranges;
    request.range_count = 3;
    request.rsdp = 0xe0000;
    request.args = "console=ttyS0";
    initrd(std::string(0x1001, 'i'));
    for (const char *format : {"none", "gzip", "xz", "zstd", "lz4", "lzma", "bzip2", "vmlinux"}) {
        SCOPED_TRACE(format);
        boot_state state;
        bool plain = std::string(format) == "vmlinux";
        ASSERT_EQ(load(plain ? linux_elf() : kernel::BzImage(kernel::payload(format, linux_elf())).bytes, &state), "");
        EXPECT_EQ(state.protocol, BOOT_LINUX64);
        EXPECT_EQ(state.entry, 0x100010u);
        EXPECT_EQ(text(0x100000, 3), "abc");
        expect_identity(state.page_tables);
        EXPECT_EQ(at<uint64_t>(state.gdt + 0x10) >> 32, 0x00af9b00u) << "__BOOT_CS";
        EXPECT_EQ(at<uint64_t>(state.gdt + 0x18) >> 32, 0x00cf9300u) << "__BOOT_DS";
        EXPECT_EQ(at<uint64_t>(state.info + 0x70), 0xe0000u);
        EXPECT_EQ(at<uint8_t>(state.info + 0x1ef), 0) << "the sentinel";
        EXPECT_EQ(at<uint16_t>(state.info + 0x1fe), 0xaa55);
        EXPECT_EQ(text(state.info + 0x202, 4), "HdrS");
        EXPECT_EQ(at<uint8_t>(state.info + 0x210), 0xff) << "the loader";
        EXPECT_EQ(at<uint8_t>(state.info + 0x211) & 1, 1) << "loaded high";
        EXPECT_EQ(at<uint64_t>(state.info + 0x258), plain ? 0 : 0x1000000u) << "fields of the kernel's own header";
        EXPECT_EQ(text(at<uint32_t>(state.info + 0x228), 14), std::string("console=ttyS0\0", 14));
        EXPECT_EQ(at<uint32_t>(state.info + 0x218), 15 * MiB - 0x2000) << "below the stolen memory";
        EXPECT_EQ(at<uint32_t>(state.info + 0x21c), 0x1001u);
        EXPECT_EQ(text(state.initrd, 0x1002), std::string(0x1001, 'i') + '\0');
        EXPECT_EQ(map_text(state.info + 0x2d0, at<uint8_t>(state.info + 0x1e8), 20),
                  "0-a0000 1\na0000-e0000 2\ne0000-e1000 3\ne1000-100000 2\n100000-e00000 1\ne00000-e02000 4\n"
                  "e02000-f00000 1\nf00000-1000000 2\nb0000000-c0000000 2\n");
    }
}

TEST_F(Boot, RamAboveTheHoleIsInTheMap)
{
    boot_state state;
    ASSERT_EQ(load(pvh_elf(), &state, 3 * 1024 * MiB), "");
    EXPECT_EQ(map_text(at<uint64_t>(state.info + 40), at<uint32_t>(state.info + 48), 24),
              "0-a0000 1\na0000-100000 2\n100000-80000000 1\nb0000000-c0000000 2\n100000000-140000000 1\n");
}

TEST_F(Boot, WholeFilesMayBeCompressed)
{
    boot_state state;
    for (const char *format : {"gzip", "xz", "zstd", "lz4", "lzma", "bzip2"}) {
        EXPECT_EQ(load(kernel::compress(format, pvh_elf()), &state), "") << format;
        EXPECT_EQ(state.protocol, BOOT_PVH);
        EXPECT_EQ(problem(kernel::compress(format, "text")), std::string("K: what its ") + format + " stream holds is not an ELF file");
    }
    ASSERT_EQ(load(kernel::BzImage(kernel::payload("xz", pvh_elf())).bytes, &state), "");
    EXPECT_EQ(state.protocol, BOOT_PVH) << "the note goes before the 64-bit entry";
}

TEST_F(Boot, SaysWhatIsWrongWithABzImage)
{
    const std::string packed = kernel::payload("xz", linux_elf());
    auto broken = [&](size_t offset, uint64_t value, unsigned size) {
        return problem(kernel::BzImage(packed).set(offset, value, size).bytes);
    };
    EXPECT_EQ(problem("MZ"), "K: not an ELF file, not a Linux bzImage, and not compressed in a way that is known");
    EXPECT_EQ(problem(""), "K: the file is empty");
    EXPECT_EQ(broken(0x202, 0, 1), "K: not an ELF file, not a Linux bzImage, and not compressed in a way that is known");
    EXPECT_EQ(broken(0x1fe, 0, 2), "K: the boot flag is 0x0000 instead of 0xaa55");
    EXPECT_EQ(broken(0x206, 0x207, 2),
              "K: boot protocol 2.07 does not say where the kernel's payload is (2.08, of Linux 2.6.26, is needed)");
    EXPECT_EQ(broken(0x201, 0x40, 1), "K: the setup header ends at 0x242, before payload_length at 0x24c");
    EXPECT_EQ(broken(0x211, 0, 1), "K: a zImage (loadflags without LOADED_HIGH), not a bzImage");
    EXPECT_EQ(broken(0x236, 0, 2), "K: a 32-bit kernel (xloadflags without XLF_KERNEL_64); a 64-bit one is needed");
    EXPECT_EQ(broken(0x238, 0, 4), "K: the setup header allows no command line (cmdline_size is 0)");
    EXPECT_EQ(broken(0x24c, 0, 4), "K: the setup header names no payload (payload_length is 0)");
    EXPECT_NE(broken(0x248, 0xffffffff, 4).find("lies beyond the end of the file"), std::string::npos);
    EXPECT_NE(broken(0x24c, packed.size() + 1, 4).find("(truncated?)"), std::string::npos);
    EXPECT_EQ(broken(0x24c, packed.size() - 10, 4), "K: its xz stream is truncated");
    EXPECT_NE(broken(0x248, 17, 4).find("K: the payload"), std::string::npos);
    EXPECT_NE(broken(0x1f1, 0, 1).find("lies beyond the end"), std::string::npos) << "setup_sects 0 means 4";
    EXPECT_EQ(problem(kernel::BzImage(packed.substr(0, packed.size() - 4) + kernel::le(77, 4)).bytes),
              "K: its xz stream unpacks to " + std::to_string(linux_elf().size()) + " bytes where the payload says 77 (corrupt?)");
    EXPECT_NE(problem(kernel::BzImage(std::string("\x89LZO\0\0\0\0\0", 9)).bytes).find("lzo"), std::string::npos);
    EXPECT_NE(problem(kernel::BzImage(kernel::payload("zstd", std::string(17 * MiB, '\0'))).bytes)
                  .find("unpacks to more than the limit of 16384 KiB"), std::string::npos) << "RAM is the limit";
    std::string good = kernel::BzImage(packed).bytes;
    for (size_t size = 1; size < good.size(); size += size < 0x300 ? 1 : 37)
        EXPECT_NE(problem(good.substr(0, size)), "") << size;
    boot_state state;
    EXPECT_EQ(load(kernel::BzImage(packed, 0x208).set(0x236, 0, 2).bytes, &state), "") << "2.08 has no xloadflags";
}

TEST_F(Boot, CommandLinesHaveTheKernelsLimit)
{
    std::string bzimage = kernel::BzImage(kernel::payload("none", linux_elf())).set(0x238, 300, 4).bytes, args(300, 'x');
    request.args = args.c_str();
    EXPECT_EQ(problem(bzimage), "");
    args.push_back('x');
    request.args = args.c_str();
    EXPECT_EQ(problem(bzimage), "K: the guest's command line has 301 bytes, and this kernel takes 300");
    args.assign(2048, 'x');
    request.args = args.c_str();
    EXPECT_EQ(problem(linux_elf()), "K: the guest's command line has 2048 bytes, and this kernel takes 2047");
    EXPECT_EQ(problem(pvh_elf()), "");
    args.assign(4000, 'x');
    request.args = args.c_str();
    EXPECT_EQ(problem(pvh_elf()), "K: the guest's command line has 4000 bytes, and this kernel takes 3999");
}

TEST_F(Boot, NothingOverlaps)
{
    boot_range range = {0x101000, 0x1000, MEMMAP_ACPI, "the ACPI tables"};
    EXPECT_EQ(problem(elf::Image().segment(0x100000, 1, 1).segment(0x8000, 1, 1).bytes()),
              "K: a segment at 0x8000..0x8001 overlaps the boot area at 0x1000..0x9000");
    EXPECT_EQ(problem(elf::Image().segment(0x100000, 1, uint64_t{1} << 40).bytes()),
              "K: a segment at 0x100000 of 1073741824 KiB does not fit in 16 MiB of RAM");
    EXPECT_EQ(problem(elf::Image().segment(0x100000, 1, 15 * MiB).bytes()), "") << "up to the last byte";
    request.ranges = &range;
    request.range_count = 1;
    EXPECT_EQ(problem(pvh_elf()), "K: a segment at 0x100000..0x102000 overlaps the ACPI tables at 0x101000..0x102000");
    range.start = 0x8fff;
    EXPECT_EQ(problem(pvh_elf()), "K: the ACPI tables at 0x8fff..0x9fff overlaps the boot area at 0x1000..0x9000");
    range.start = 0xbffff000;
    EXPECT_NE(problem(pvh_elf()).find("overlaps PCI configuration space at 0xb0000000..0xc0000000"), std::string::npos);
    range = {UINT64_MAX - 5, 100, MEMMAP_ACPI, "x"};
    EXPECT_NE(problem(pvh_elf()).find("is no range of addresses"), std::string::npos);
    range = {16 * MiB, 100, MEMMAP_RAM, "more RAM"};
    EXPECT_NE(problem(pvh_elf()).find("cannot be memory of type 1"), std::string::npos);
}

TEST_F(Boot, InitrdsAreAsLargeAsWhatIsLeft)
{
    boot_state state;
    // All that is free lies above the kernel, 1 MiB + 8 KiB and up.
    initrd(std::string(15 * MiB - 0x2000, 'i'));
    ASSERT_EQ(load(pvh_elf(), &state), "");
    EXPECT_EQ(state.initrd, 0x102000u);
    initrd(std::string(15 * MiB - 0x2000 + 1, 'i'));
    EXPECT_EQ(problem(pvh_elf()), "I: the initrd of 15353 KiB does not fit: beside the kernel, the largest free range below 0x1000000 has "
                                  "15352 KiB (RAM: 16 MiB; give the guest more)");
    initrd("");
    EXPECT_EQ(problem(pvh_elf()), "I: the file is empty");
    request.initrd = "/nonexistent/initrd";
    EXPECT_EQ(problem(pvh_elf()), "/nonexistent/initrd: No such file or directory");
    request.initrd = "/dev/zero";
    EXPECT_EQ(problem(pvh_elf()), "/dev/zero: not a regular file");
    // The header's limit: the last byte may have that address.
    initrd(std::string(0x1000, 'i'));
    ASSERT_EQ(load(kernel::BzImage(kernel::payload("none", linux_elf())).set(0x22c, 0x2fffff, 4).bytes, &state), "");
    EXPECT_EQ(state.initrd, 0x2ff000u);
}

TEST_F(Boot, ChecksMayLeaveKernelsPacked)
{
    auto check = [&](const std::string &bytes) {
        std::ofstream(path, std::ios::binary) << bytes;
        request.packed = true;
        GError *error = nullptr;
        if (boot_check(&request, 16 * MiB, &error))
            return std::string();
        std::string text = error->message + strlen(path);
        g_error_free(error);
        return text;
    };
    std::string corrupt = kernel::payload("xz", linux_elf());
    corrupt[40] ^= 1;
    EXPECT_EQ(check(kernel::BzImage(corrupt).bytes), "");
    EXPECT_NE(problem(kernel::BzImage(corrupt).bytes), "") << "boot_load() unpacks it";
    EXPECT_EQ(check(kernel::compress("zstd", "text")), "");
    EXPECT_NE(check(kernel::BzImage(std::string("\x89LZO\0\0\0\0\0", 9)).bytes).find("lzo"), std::string::npos);
    EXPECT_EQ(check("text"), ": not an ELF file, not a Linux bzImage, and not compressed in a way that is known");
    EXPECT_EQ(check(elf::Image().segment(0x8000, 1, 1).segment(0x100000, 1, 1).bytes()),
              ": a segment at 0x8000..0x8001 overlaps the boot area at 0x1000..0x9000") << "what is not packed is checked as ever";
    EXPECT_NE(check(kernel::BzImage(kernel::payload("none", linux_elf()).substr(0, 30)).bytes), "");
    initrd(std::string(16 * MiB, 'i'));
    std::ofstream(path, std::ios::binary) << kernel::BzImage(corrupt).bytes;
    EXPECT_FALSE(boot_check(&request, 16 * MiB, nullptr)) << "the initrd is too large for any kernel";
}

// Headers and streams with random damage give a guest or an error.
TEST_F(Boot, WhatIsOpenIsLoadedAgainIntoClearedRam)
{
    boot_state first, again;
    boot_files files;
    initrd("some initrd");
    ASSERT_EQ(load(kernel::BzImage(kernel::payload("xz", linux_elf())).bytes, &first), "");
    const auto bytes = [&] {
        const auto *at = static_cast<const char *>(memory_ptr(ram, 0, 16 * MiB));
        return std::string(at, at + 16 * MiB);
    };
    const std::string before = bytes();
    ASSERT_TRUE(boot_files_open(&files, &request, nullptr));
    unlink(path);
    unlink(initrd_path);
    memset(memory_ptr(ram, 0, 16 * MiB), 0xa5, 16 * MiB);
    memory_clear(ram);
    EXPECT_EQ(bytes(), std::string(16 * MiB, '\0'));
    request.files = &files;
    for (int round = 0; round < 2; round++) {
        memory_clear(ram);
        ASSERT_TRUE(boot_load(&request, ram, &again, nullptr)) << "the files need no names";
        EXPECT_EQ(again.entry, first.entry);
        EXPECT_EQ(again.initrd, first.initrd);
        EXPECT_TRUE(bytes() == before);
    }
    boot_files_close(&files);
    EXPECT_EQ(files.image, -1);
    request.files = nullptr;
    GError *error = nullptr;
    EXPECT_FALSE(boot_files_open(&files, &request, &error));
    EXPECT_NE(std::string(error->message).find("No such file"), std::string::npos) << error->message;
    g_error_free(error);
}

TEST_F(Boot, RandomDamageIsSurvived)
{
    std::mt19937 random(5);
    unsigned loaded = 0, failed = 0;
    initrd("initrd");
    for (const char *format : {"none", "gzip", "xz", "zstd", "lz4", "lzma", "bzip2"}) {
        const std::string whole = kernel::BzImage(kernel::payload(format, linux_elf())).bytes;
        for (unsigned round = 0; round < 150; round++) {
            std::string bytes = whole;
            for (unsigned n = 1 + random() % 3; n > 0; n--) {
                // The header, the payload's first bytes, or anything.
                size_t at = random() % 3 == 0 ? 0x1f1 + random() % 0x90 : random() % 2 ? 1552 + random() % 120 : random() % bytes.size();
                bytes[at % bytes.size()] = static_cast<char>(random() % 4 ? random() : random() % 2 ? 0xff : 0);
            }
            (problem(bytes) == "" ? loaded : failed)++;
        }
    }
    EXPECT_GT(loaded, 50u);
    EXPECT_GT(failed, 100u);
}

} // namespace
