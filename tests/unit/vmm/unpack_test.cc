// SPDX-License-Identifier: GPL-2.0-or-later
// Unpacking kernels: every format there and back, limits, truncation at every byte, and random damage.
#include "vmm/error.h"
#include "vmm/kernel/unpack.h"

#include "kernel_image.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace {

const char *const formats[] = {"gzip", "xz", "zstd", "lz4", "lzma", "bzip2"};

// Compressible, with a part that is not.
std::string sample(size_t size)
{
    std::mt19937 random(7);
    std::string text;
    while (text.size() < size)
        text += text.size() % 3 ? "the quick brown fox " : kernel::le(random(), 4);
    text.resize(size);
    return text;
}

// What comes out, or "error: " and the message without the name. The input is exactly so large on the heap, for the sanitizer.
std::string run(const std::string &packed, size_t limit = 64 << 20, size_t expected = 0)
{
    std::vector<uint8_t> copy(packed.begin(), packed.end());
    const unpack_format *format = unpack_recognise(copy.data(), copy.size());
    if (!format)
        return "error: not recognised";
    size_t size = 0;
    GError *error = nullptr;
    uint8_t *data = unpack(format, "x", copy.data(), copy.size(), limit, expected, &size, &error);
    if (!data) {
        EXPECT_EQ(error->domain, VMM_ERROR);
        EXPECT_EQ(std::string(error->message).rfind("x: ", 0), 0u) << error->message;
        std::string text = std::string("error: ") + (error->message + 3);
        g_error_free(error);
        return text;
    }
    EXPECT_LE(size, limit);
    std::string out(reinterpret_cast<char *>(data), size);
    g_free(data);
    return out;
}

TEST(Unpack, ThereAndBack)
{
    for (const char *format : formats)
        for (size_t size : {size_t{1}, size_t{4096}, size_t{400000}}) {
            std::string text = sample(size), packed = kernel::compress(format, text);
            EXPECT_TRUE(run(packed) == text) << format << " " << size;
            EXPECT_TRUE(run(packed, 64 << 20, size) == text) << format << " " << size << ", expected";
            EXPECT_TRUE(run(packed, 64 << 20, size / 2) == text) << format << " " << size << ", too little expected";
        }
}

TEST(Unpack, Lz4HasManyBlocksAndFrames)
{
    std::string one = sample(8 << 20), two = sample(1000);
    std::string frame = kernel::compress("lz4", one) + kernel::compress("lz4", two).substr(4);
    EXPECT_TRUE(run(frame) == one + two);
    EXPECT_TRUE(run(frame + kernel::compress("lz4", two)) == one + two + two);
}

TEST(Unpack, StopsAtTheLimit)
{
    std::string text = sample(300 << 10);
    for (const char *format : formats) {
        std::string packed = kernel::compress(format, text);
        EXPECT_TRUE(run(packed, text.size()) == text) << format;
        EXPECT_EQ(run(packed, text.size() - 1), std::string("error: its ") + format + " stream unpacks to more than the limit of 299 KiB");
        EXPECT_NE(run(kernel::compress(format, std::string(4 << 20, '\0')), 1 << 20).find("limit of 1024 KiB"), std::string::npos) << format;
    }
}

TEST(Unpack, NamesTruncation)
{
    std::string text = sample(3000);
    for (const char *format : formats) {
        std::string packed = kernel::compress(format, text);
        for (size_t size = 6; size < packed.size(); size++) {
            std::string out = run(packed.substr(0, size));
            EXPECT_EQ(out, std::string("error: its ") + format + " stream is truncated") << size;
        }
    }
}

TEST(Unpack, SaysWhatIsNotSupported)
{
    EXPECT_NE(run("\x89LZO\r\n").find("compressed with lzo, which is not supported"), std::string::npos);
    EXPECT_NE(run("\x04\x22\x4d\x18").find("lz4's newer frame format"), std::string::npos);
    EXPECT_EQ(run("plain"), "error: not recognised");
    EXPECT_EQ(run(""), "error: not recognised");
}

TEST(Unpack, ChecksumsAreCompared)
{
    std::string text = sample(3000), packed = kernel::compress("gzip", text);
    packed[packed.size() - 8] ^= 1;
    EXPECT_EQ(run(packed), "error: its gzip stream is corrupt");
}

TEST(Unpack, RandomDamageIsSurvived)
{
    std::mt19937 random(3);
    for (const char *format : formats) {
        const std::string whole = kernel::compress(format, sample(2000));
        unsigned failed = 0;
        for (unsigned round = 0; round < 300; round++) {
            std::string bytes = whole;
            for (unsigned n = 1 + random() % 3; n > 0; n--)
                bytes[random() % bytes.size()] = static_cast<char>(random());
            failed += run(bytes, 1 << 20).rfind("error: ", 0) == 0;
        }
        EXPECT_GT(failed, 10u) << format;
    }
}

} // namespace
