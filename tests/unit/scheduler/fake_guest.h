/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest for the scheduler's tests: a partition of the global GTT with memory behind it, and guest_ops that record what is asked. */
#pragma once

#include "scheduler/scheduler.h"

#include <atomic>
#include <cstring>
#include <map>
#include <vector>

struct FakeGuest {
    uint64_t base = 0x10000000, size = 0x100000;
    std::vector<uint8_t> own_memory;
    uint8_t *memory; // size bytes behind the partition
    std::map<uint32_t, uint32_t> virtual_registers;              // readable by register_read
    std::vector<std::pair<uint32_t, uint32_t>> register_writes;  // seen by register_write
    bool allow_writes = true;
    uint32_t load_instead = 0;                                   // not 0: the value that register_write puts in place
    std::vector<std::vector<uint32_t>> flips;
    std::map<uint64_t, unsigned> reads;                          // how often each page was read
    struct Submitted {
        bool batch;
        uint64_t gma;
        std::vector<uint32_t> dwords;
    };
    std::vector<Submitted> submitted;
    uint64_t hws = 0x10002000;
    std::atomic<unsigned> notified{0};

    FakeGuest() : own_memory(size), memory(own_memory.data()) {}
    FakeGuest(uint64_t at, uint64_t bytes, uint8_t *data) : base(at), size(bytes), memory(data) {}
    virtual ~FakeGuest() = default;

    virtual void on_notify() { notified++; }
    uint32_t *dwords(uint64_t gma) { return reinterpret_cast<uint32_t *>(memory + (gma - base)); }
    void put(uint64_t gma, const std::vector<uint32_t> &values) { memcpy(dwords(gma), values.data(), values.size() * 4); }
    bool owned(uint64_t gma, uint64_t len) const { return gma >= base && len <= size && gma - base <= size - len; }

    static const guest_ops *ops()
    {
        static const guest_ops table = {
            .ggtt_read = [](void *g, uint64_t gma, void *buf, size_t len) {
                auto *self = static_cast<FakeGuest *>(g);
                if (!self->owned(gma, len))
                    return false;
                for (uint64_t page = gma & ~4095ull; page < gma + len; page += 4096)
                    self->reads[page]++;
                memcpy(buf, self->memory + (gma - self->base), len);
                return true;
            },
            .ggtt_write = [](void *g, uint64_t gma, const void *buf, size_t len) {
                auto *self = static_cast<FakeGuest *>(g);
                if (!self->owned(gma, len))
                    return false;
                memcpy(self->memory + (gma - self->base), buf, len);
                return true;
            },
            .ggtt_owned = [](void *g, uint64_t gma, uint64_t len) { return static_cast<FakeGuest *>(g)->owned(gma, len); },
            .register_write = [](void *g, unsigned, uint32_t offset, uint32_t *value) {
                auto *self = static_cast<FakeGuest *>(g);
                self->register_writes.emplace_back(offset, *value);
                if (self->load_instead)
                    *value = self->load_instead;
                return self->allow_writes;
            },
            .register_read = [](void *g, unsigned, uint32_t offset, uint32_t *value) {
                auto *self = static_cast<FakeGuest *>(g);
                auto it = self->virtual_registers.find(offset);
                if (it == self->virtual_registers.end())
                    return false;
                *value = it->second;
                return true;
            },
            .display_flip = [](void *g, const uint32_t *dwords, unsigned count) {
                static_cast<FakeGuest *>(g)->flips.emplace_back(dwords, dwords + count);
            },
            .status_page = [](void *g, unsigned) { return static_cast<FakeGuest *>(g)->hws; },
            .submits = [](void *g, bool batch, uint64_t gma, const uint32_t *dwords, size_t count) {
                static_cast<FakeGuest *>(g)->submitted.push_back({batch, gma, {dwords, dwords + count}});
            },
            .notify = [](void *g) { static_cast<FakeGuest *>(g)->on_notify(); },
        };
        return &table;
    }
};
