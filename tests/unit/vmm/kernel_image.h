// SPDX-License-Identifier: GPL-2.0-or-later
// Makes bzImages for tests around a kernel that each library has compressed.
#ifndef MEDIANT_TESTS_KERNEL_IMAGE_H
#define MEDIANT_TESTS_KERNEL_IMAGE_H

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace kernel {

inline std::string le(uint64_t value, unsigned bytes)
{
    std::string out;
    for (unsigned i = 0; i < bytes; i++)
        out.push_back(static_cast<char>(value >> 8 * i));
    return out;
}

inline std::string compress(const std::string &format, const std::string &in)
{
    std::string out(in.size() + in.size() / 8 + 4096, '\0');
    auto *from = reinterpret_cast<uint8_t *>(const_cast<char *>(in.data())), *to = reinterpret_cast<uint8_t *>(out.data());
    if (format == "none")
        return in;
    if (format == "gzip") {
        z_stream z = {};
        deflateInit2(&z, 6, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY);
        z.next_in = from, z.avail_in = static_cast<uInt>(in.size()), z.next_out = to, z.avail_out = static_cast<uInt>(out.size());
        deflate(&z, Z_FINISH);
        out.resize(z.total_out);
        deflateEnd(&z);
    } else if (format == "bzip2") {
        auto size = static_cast<unsigned>(out.size());
        BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char *>(in.data()), static_cast<unsigned>(in.size()), 1, 0, 0);
        out.resize(size);
    } else if (format == "zstd") {
        out.resize(ZSTD_compress(out.data(), out.size(), in.data(), in.size(), 3));
    } else if (format == "lz4") {
        int size = LZ4_compress_default(in.data(), out.data(), static_cast<int>(in.size()), static_cast<int>(out.size()));
        out.resize(static_cast<size_t>(size));
        out = "\x02\x21\x4c\x18" + le(out.size(), 4) + out;
    } else { // xz as the kernel calls it, with the x86 filter and CRC-32, or lzma
        lzma_stream s = LZMA_STREAM_INIT;
        lzma_options_lzma options;
        lzma_lzma_preset(&options, 1);
        lzma_filter filters[] = {{LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
        lzma_ret made = format == "xz"     ? lzma_stream_encoder(&s, filters, LZMA_CHECK_CRC32)
                        : format == "lzma" ? lzma_alone_encoder(&s, &options)
                                           : LZMA_OPTIONS_ERROR;
        s.next_in = from, s.avail_in = in.size(), s.next_out = to, s.avail_out = out.size();
        if (made != LZMA_OK || lzma_code(&s, LZMA_FINISH) != LZMA_STREAM_END)
            throw std::runtime_error(format);
        out.resize(s.total_out);
        lzma_end(&s);
    }
    return out;
}

// A payload: with its size behind it, unless the format has that at its end.
inline std::string payload(const std::string &format, const std::string &in)
{
    return compress(format, in) + (format == "gzip" || format == "none" ? "" : le(in.size(), 4));
}

// By the offsets of Documentation/arch/x86/boot.rst.
class BzImage {
  public:
    std::string bytes;

    explicit BzImage(const std::string &packed, unsigned version = 0x20f)
    {
        bytes.assign(3 * 512 + 16, '\x90'); // 2 sectors of setup; the payload lies 16 bytes into the kernel
        bytes[0x1ef] = '\xff'; // the sentinel, which must not be copied
        memset(&bytes[0x1f1], 0, 0x290 - 0x1f1);
        set(0x1f1, 2, 1).set(0x1fe, 0xaa55, 2).set(0x201, 0x6a, 1).set(0x202, 0x53726448, 4).set(0x206, version, 2).set(0x211, 1, 1);
        set(0x22c, 0x7fffffff, 4).set(0x236, 1, 2).set(0x238, 2047, 4).set(0x248, 16, 4).set(0x24c, packed.size(), 4);
        set(0x258, 0x1000000, 8);
        bytes += packed;
    }
    BzImage &set(size_t offset, uint64_t value, unsigned size)
    {
        bytes.replace(offset, size, le(value, size));
        return *this;
    }
};

} // namespace kernel

#endif
