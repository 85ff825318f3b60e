// SPDX-License-Identifier: GPL-2.0-or-later
// For the fuzz targets: an input taken apart, an input put together (for seeds), guest memory with walls, and how a target says that a rule is
// broken. Each target NAME_fuzz.cc defines LLVMFuzzerTestOneInput(), and may define fuzz_seed().
#ifndef MEDIANT_TESTS_FUZZ_FUZZ_H
#define MEDIANT_TESTS_FUZZ_FUZZ_H

#include "gpu/pci/dma.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace fuzz {

using Bytes = std::vector<uint8_t>;

// Ends the program, so that the driver keeps the input. Not assert(): it must hold in every build.
#define REQUIRE(condition, ...)                                                                                                        \
    do {                                                                                                                               \
        if (!(condition)) {                                                                                                            \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                                            \
            fprintf(stderr, __VA_ARGS__);                                                                                              \
            fputc('\n', stderr);                                                                                                       \
            abort();                                                                                                                   \
        }                                                                                                                              \
    } while (0)

// Takes an input apart from its front; zeroes when there is no more.
class Input {
  public:
    Input(const uint8_t *data, size_t size) : at(data), end(data + size) {}
    bool empty() const { return at == end; }
    size_t left() const { return static_cast<size_t>(end - at); }
    uint64_t number(unsigned bytes)
    {
        uint64_t value = 0;
        for (unsigned i = 0; i < bytes && at < end; i++)
            value |= uint64_t{*at++} << 8 * i;
        return value;
    }
    uint8_t u8() { return static_cast<uint8_t>(number(1)); }
    uint16_t u16() { return static_cast<uint16_t>(number(2)); }
    uint32_t u32() { return static_cast<uint32_t>(number(4)); }
    uint64_t u64() { return number(8); }
    Bytes bytes(size_t count)
    {
        count = count < left() ? count : left();
        Bytes taken(at, at + count);
        at += count;
        return taken;
    }
    std::string rest()
    {
        std::string text(reinterpret_cast<const char *>(at), left());
        at = end;
        return text;
    }

  private:
    const uint8_t *at, *end;
};

// The opposite.
struct Output {
    Bytes data;
    Output &number(uint64_t value, unsigned bytes)
    {
        for (unsigned i = 0; i < bytes; i++)
            data.push_back(static_cast<uint8_t>(value >> 8 * i));
        return *this;
    }
    Output &u8(uint64_t v) { return number(v, 1); }
    Output &u16(uint64_t v) { return number(v, 2); }
    Output &u32(uint64_t v) { return number(v, 4); }
    Output &u64(uint64_t v) { return number(v, 8); }
    Output &raw(const void *bytes, size_t count)
    {
        data.insert(data.end(), static_cast<const uint8_t *>(bytes), static_cast<const uint8_t *>(bytes) + count);
        return *this;
    }
    Output &text(const std::string &s) { return raw(s.data(), s.size()); }
};

constexpr uint32_t POISON = 0xb5c3d9e7; // of memory that is not the guest's: must neither change nor turn up elsewhere

// size bytes between pages without rights.
class Walled {
  public:
    uint8_t *host;
    size_t size;
    explicit Walled(size_t bytes) : size(bytes)
    {
        base = static_cast<uint8_t *>(mmap(nullptr, size + 2 * WALL, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        host = base + WALL;
        mprotect(host, size, PROT_READ | PROT_WRITE);
    }
    Walled(const Walled &) = delete;
    ~Walled() { munmap(base, size + 2 * WALL); }
    uint32_t *words() { return reinterpret_cast<uint32_t *>(host); }
    void poison()
    {
        for (size_t i = 0; i < size / 4; i++)
            words()[i] = POISON;
    }
    bool poisoned() // all of it still is
    {
        return words()[0] == POISON && memcmp(host, host + 4, size - 4) == 0;
    }
    bool tainted() // some of it is
    {
        for (uint8_t *at = host, *end = host + size; at < end; at++) {
            at = static_cast<uint8_t *>(memchr(at, POISON & 0xff, static_cast<size_t>(end - at)));
            if (!at)
                return false;
            if (((at - host) & 3) == 0 && words()[(at - host) / 4] == POISON)
                return true;
        }
        return false;
    }

  private:
    static constexpr size_t WALL = 1 << 20;
    uint8_t *base;
};

// A file in memory with this content, by a path that this process can open until close().
class MemoryFile {
  public:
    int fd;
    std::string path;
    explicit MemoryFile(const std::string &content) : fd(memfd_create("fuzz", MFD_CLOEXEC)), path("/proc/self/fd/" + std::to_string(fd))
    {
        REQUIRE(fd >= 0 && write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()), "memfd");
    }
    MemoryFile(const MemoryFile &) = delete;
    ~MemoryFile() { close(fd); }
};

// Seed number n for the drivers, beside the files in corpus/; empty: there are no more. A target may define it.
__attribute__((weak)) Bytes fuzz_seed(unsigned n);

} // namespace fuzz

#endif
