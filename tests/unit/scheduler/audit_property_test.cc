/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random command streams through the audit: it never touches what lies behind the buffer (a page without rights stands there), and
 * what it accepts is safe for a second checker, written from the PRM alone, that shares no table with it.
 */
#include "fake_guest.h"

#include "scheduler/audit.h"

#include <gtest/gtest.h>
#include <random>
#include <sys/mman.h>

namespace {

constexpr uint64_t PLACE = 0xf0000000;

/* The end of a mapping, so that one dword too far is a fault. */
class Guarded {
public:
    explicit Guarded(size_t dwords)
    {
        base = static_cast<uint8_t *>(mmap(nullptr, 8192 * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        mprotect(base + 4096 * 7, 4096, PROT_NONE);
        data = reinterpret_cast<uint32_t *>(base + 4096 * 7 - dwords * 4);
    }
    ~Guarded() { munmap(base, 8192 * 4); }
    uint32_t *data;

private:
    uint8_t *base;
};

struct Checker {
    const FakeGuest &guest;
    size_t batch_bytes;
    std::string problem;

    bool own(uint64_t gma, uint64_t len) { return guest.owned(gma, len); }
    void fail(const char *what, uint32_t dword0) { problem = std::string(what) + " " + std::to_string(dword0); }
    void address(const uint32_t *d, unsigned at, uint64_t bytes, const char *what)
    {
        uint64_t gma = (uint64_t(d[at + 1]) << 32 | d[at]) & ~3ull;
        if (!own(gma, bytes))
            fail(what, d[0]);
    }
    /* Registers that must never be loaded: engine control, other engines', interrupts, resets, GTT, display, forcewake. */
    void load(uint32_t reg, const char *what, uint32_t value = 0x01000100)
    {
        if (reg == 0x209c && value & 0x01000100)
            fail(what, reg); // MI_MODE: stop the ring
        static const uint32_t control[] = {0x30, 0x34, 0x38, 0x3c, 0x80, 0x98, 0xa8, 0xb4, 0xd0, 0x230, 0x244, 0x29c, 0x3a0};
        for (uint32_t c : control)
            if (reg == 0x2000 + c)
                fail(what, reg);
        if ((reg >= 0x24d0 && reg < 0x2500) || (reg >= 0x4080 && reg < 0x4300) || (reg >= 0x9400 && reg < 0x9500) || (reg >= 0xa000 && reg < 0xb000) ||
            (reg >= 0x12000 && reg < 0x13000) || (reg >= 0x1a000 && reg < 0x1b000) || (reg >= 0x22000 && reg < 0x23000) || reg >= 0x40000)
            fail(what, reg);
    }

    void check(const uint32_t *d, size_t count)
    {
        for (size_t i = 0; i < count && problem.empty();) {
            const uint32_t *c = d + i;
            uint32_t h = c[0];
            unsigned length = 1;
            if (h >> 29 == 3) {
                length = (h & 0xff) + 2;
                if ((h >> 16) == 0x7a00) {
                    if (c[1] & 1 << 23)
                        load(c[2], "PIPE_CONTROL LRI", c[4]);
                    else if ((c[1] >> 14 & 3) && c[1] & 1 << 21)
                        fail("PIPE_CONTROL index", h);
                    else if ((c[1] >> 14 & 3) && c[1] & 1 << 24)
                        address(c, 2, 8, "PIPE_CONTROL");
                }
            } else if (h >> 29 == 0) {
                unsigned opcode = h >> 23 & 0x3f;
                if (opcode >= 0x10)
                    length = (h & 0x3f) + 2;
                if (opcode == 0x20 || opcode == 0x22 || opcode == 0x1a)
                    length = (h & 0xff) + 2;
                bool gtt = h & 1 << 22;
                switch (opcode) {
                case 0x03: case 0x0b: case 0x14: case 0x1b: case 0x1d: case 0x12: case 0x13: fail("not a no-operation", h); break;
                case 0x18: case 0x23: case 0x21: case 0x2b: fail("not rejected", h); break;
                case 0x1c: if (gtt) address(c, 2, 4, "SEMAPHORE_WAIT"); break;
                case 0x20: if (gtt) address(c, 1, h & 1 << 21 ? 8 : 4, "SDI"); break;
                case 0x22: for (unsigned r = 1; r + 1 < length; r += 2) load(c[r], "LRI", c[r + 1]); break;
                case 0x24: if (gtt) address(c, 2, 4, "SRM"); break;
                case 0x27: if (gtt) address(c, 1, 4, "CLFLUSH"); break;
                case 0x28: if (c[1] & 1) address(c, 1, 256, "REPORT_PERF_COUNT"); break;
                case 0x29: load(c[1], "LRM"); if (gtt) address(c, 2, 4, "LRM"); break;
                case 0x2a: load(c[2], "LRR"); break;
                case 0x2c: case 0x2d: if (gtt) address(c, 2, 4, "URB_MEM"); break;
                case 0x2e: if (h & 1 << 21) address(c, 1, 4, "COPY"); if (gtt) address(c, 3, 4, "COPY"); break;
                case 0x2f: if (gtt) address(c, 1, 4, "ATOMIC"); break;
                case 0x36: if (gtt) address(c, 2, 8, "CONDITIONAL_BATCH_BUFFER_END"); break;
                case 0x31:
                    if (!(h & 1 << 8) && (c[2] || c[1] < PLACE || c[1] >= PLACE + batch_bytes))
                        fail("batch outside of the copies", h);
                    break;
                }
            }
            i += length;
        }
    }
};

TEST(AuditProperty, RandomStreamsAreSafeOnceAccepted)
{
    std::mt19937 random(20240607);
    auto pick = [&](uint32_t n) { return random() % n; };
    FakeGuest guest;
    guest.virtual_registers[0x2080] = 1;
    unsigned accepted = 0;

    for (unsigned round = 0; round < 20000; round++) {
        size_t count = 1 + pick(48);
        Guarded buffer(count);
        auto fill = [&](uint32_t *d, size_t n) {
            for (size_t i = 0; i < n;) {
                /* A plausible header, then operands that are mostly plausible too. */
                uint32_t header;
                unsigned length = 1 + pick(6);
                switch (pick(10)) {
                case 0: header = 0x7a000004; length = 6; break;
                case 1: header = random(); break;
                default: header = pick(0x38) << 23 | pick(2) << 22 | pick(2) << 21 | pick(2) << 8 | (length >= 2 ? length - 2 : 0); break;
                }
                if (pick(40) == 0)
                    header ^= 1u << pick(32);
                if (i < n)
                    d[i++] = header;
                for (unsigned k = 1; k < length && i < n; k++) {
                    switch (pick(8)) {
                    case 0: d[i++] = random(); break;
                    case 1: d[i++] = 0x20000000 + pick(0x10000); break;
                    case 2: case 3: d[i++] = static_cast<uint32_t>(guest.base) + pick(0x400) * 4; break;
                    case 4: d[i++] = pick(2) ? 0x2000 + pick(0x700) : pick(0x30000); break;
                    default: d[i++] = pick(3) ? 0 : 1u << pick(32); break;
                    }
                }
            }
        };
        fill(buffer.data, count);
        fill(reinterpret_cast<uint32_t *>(guest.memory), 0x400);

        struct audit audit;
        audit_init(&audit);
        audit.engine = ENGINE_RCS0;
        audit.ops = FakeGuest::ops();
        audit.guest = &guest;
        audit.context_gma = 0x10010000;
        audit.max_bytes = 65536;
        GError *error = nullptr;
        bool good = audit_buffer(&audit, pick(4) ? AUDIT_RING : AUDIT_INDIRECT, buffer.data, count, &error);
        ASSERT_EQ(good, error == nullptr);
        g_clear_error(&error);
        if (good) {
            accepted++;
            std::vector<uint8_t> placed(audit_size(&audit));
            audit_place(&audit, placed.data(), PLACE, buffer.data);
            Checker checker{guest, placed.size(), {}};
            checker.check(buffer.data, count);
            for (unsigned i = 0; i < audit.batches->len; i++) {
                auto *batch = static_cast<audit_batch *>(g_ptr_array_index(audit.batches, i));
                if (batch->gma != UINT64_MAX)
                    checker.check(reinterpret_cast<uint32_t *>(placed.data() + batch->place), batch->used);
            }
            ASSERT_EQ(checker.problem, "") << "round " << round;
        }
        audit_finish(&audit);
        guest.register_writes.clear();
    }
    EXPECT_GT(accepted, 300u); /* the property must not hold for want of cases */
}

} // namespace
