// SPDX-License-Identifier: GPL-2.0-or-later
// For the virtio tests: guest memory, and a driver's side of a split virtqueue, written from the specification (VIRTIO 1.2, 2.7) with
// byte offsets only.
#ifndef MEDIANT_TESTS_VIRTIO_DRIVER_H
#define MEDIANT_TESTS_VIRTIO_DRIVER_H

#include "eventually.h"
#include "gpu/pci/dma.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace virtio_test {

using Bytes = std::vector<uint8_t>;

// RAM at BASE, with a hole of no memory below and above.
class Ram {
  public:
    static constexpr uint64_t BASE = 0x100000, SIZE = 4 << 20;
    dma_space *dma = dma_space_create("guest");
    uint8_t *host = static_cast<uint8_t *>(mmap(nullptr, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

    Ram() { EXPECT_TRUE(dma_space_map(dma, BASE, SIZE, host, DMA_RW, nullptr)); }
    ~Ram()
    {
        dma_space_unref(dma);
        munmap(host, SIZE);
    }
    template <typename T> T get(uint64_t addr) const
    {
        return __atomic_load_n(reinterpret_cast<T *>(host + (addr - BASE)), __ATOMIC_ACQUIRE);
    }
    template <typename T> void set(uint64_t addr, T value)
    {
        __atomic_store_n(reinterpret_cast<T *>(host + (addr - BASE)), value, __ATOMIC_RELEASE);
    }
    void write(uint64_t addr, const Bytes &data) { memcpy(host + (addr - BASE), data.data(), data.size()); }
    Bytes read(uint64_t addr, size_t len) const { return Bytes(host + (addr - BASE), host + (addr - BASE) + len); }
};

struct Piece {
    uint64_t addr;
    uint32_t len;
    bool write;
};

// The driver's rings; descriptors are taken round and round, as a test never has more in flight than there are.
class Driver {
  public:
    Ram &ram;
    uint16_t size;
    uint64_t desc, avail, used, tables;
    uint16_t avail_idx = 0, used_idx = 0, next_desc = 0;

    Driver(Ram &memory, uint16_t entries, uint64_t at)
        : ram(memory), size(entries), desc(at), avail(at + 0x2000), used(at + 0x3000), tables(at + 0x5000)
    {
    }

    void put_desc(uint64_t table, unsigned n, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
    {
        ram.set<uint64_t>(table + 16 * n, addr);
        ram.set<uint32_t>(table + 16 * n + 8, len);
        ram.set<uint16_t>(table + 16 * n + 12, flags);
        ram.set<uint16_t>(table + 16 * n + 14, next);
    }
    void publish(uint16_t head)
    {
        ram.set<uint16_t>(avail + 4 + 2 * (avail_idx % size), head);
        ram.set<uint16_t>(avail + 2, ++avail_idx);
    }
    uint16_t add(const std::vector<Piece> &pieces, bool indirect = false)
    {
        uint16_t head = next_desc;
        if (indirect) {
            uint64_t table = tables + 0x200u * head;
            for (unsigned i = 0; i < pieces.size(); i++) {
                bool last = i + 1 == pieces.size();
                put_desc(table, i, pieces[i].addr, pieces[i].len, static_cast<uint16_t>((last ? 0 : 1) | (pieces[i].write ? 2 : 0)),
                         last ? 0 : static_cast<uint16_t>(i + 1));
            }
            put_desc(desc, head, table, static_cast<uint32_t>(16 * pieces.size()), 4, 0);
            next_desc = static_cast<uint16_t>((next_desc + 1) % size);
        } else {
            for (unsigned i = 0; i < pieces.size(); i++) {
                bool last = i + 1 == pieces.size();
                uint16_t next = static_cast<uint16_t>((next_desc + 1) % size);
                put_desc(desc, next_desc, pieces[i].addr, pieces[i].len, static_cast<uint16_t>((last ? 0 : 1) | (pieces[i].write ? 2 : 0)),
                         next);
                next_desc = next;
            }
        }
        publish(head);
        return head;
    }
    bool take(uint32_t *id, uint32_t *len)
    {
        if (ram.get<uint16_t>(used + 2) == used_idx)
            return false;
        *id = ram.get<uint32_t>(used + 4 + 8 * (used_idx % size));
        *len = ram.get<uint32_t>(used + 8 + 8 * (used_idx % size));
        used_idx++;
        return true;
    }
    // Without event index.
    void no_interrupt(bool off) { ram.set<uint16_t>(avail, off); }
    bool no_notify() { return ram.get<uint16_t>(used) & 1; }
    // With it.
    void used_event(uint16_t idx) { ram.set<uint16_t>(avail + 4 + 2 * size, idx); }
    uint16_t avail_event() { return ram.get<uint16_t>(used + 4 + 8 * size); }
};

} // namespace virtio_test

#endif
