// SPDX-License-Identifier: GPL-2.0-or-later
// Writes that KVM keeps: they come in order, once, as many as were there, wherever the ring begins. The test writes the ring as KVM does; guest.trapcost has KVM do it.
#include "vmm/coalesced.h"
#include "vmm/kvm.h"

#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

namespace {

struct Seen {
    struct write {
        uint64_t offset;
        std::vector<uint8_t> data;
        bool operator==(const write &) const = default;
    };
    std::vector<write> writes;
    std::function<void()> meanwhile = [] {};
};

void seen_read(void *, uint64_t, void *data, size_t len) { memset(data, 0, len); }
void seen_write(void *opaque, uint64_t offset, const void *data, size_t len)
{
    auto *bytes = static_cast<const uint8_t *>(data);
    auto *seen = static_cast<Seen *>(opaque);
    seen->writes.push_back({offset, {bytes, bytes + len}});
    seen->meanwhile();
}
const address_ops seen_ops = {seen_read, seen_write};

class Coalesced : public testing::Test {
protected:
    static constexpr uint64_t BASE = 0x10000000;
    /* struct kvm_coalesced_mmio_ring: its entries are elsewhere for C++ than for C, as an empty structure has a size in C++ alone. */
    struct Ring {
        uint32_t first, last;
        kvm_coalesced_mmio entries[];
    };
    static constexpr size_t PAGE = 4096, ENTRIES = (PAGE - sizeof(Ring)) / sizeof(kvm_coalesced_mmio);
    Seen seen;
    address_map *map = address_map_create();
    int kvm = -1, vm = -1;
    struct coalesced *coalesced = nullptr;
    std::vector<uint8_t> pages = std::vector<uint8_t>(16 * PAGE); // as a vCPU's struct kvm_run, and what is mapped behind it
    Ring *ring = nullptr;

    void SetUp() override
    {
        address_map_add(map, BASE, 1 << 20, &seen_ops, &seen);
        kvm = kvm_open("/dev/kvm", nullptr);
        if (kvm < 0)
            GTEST_SKIP() << "/dev/kvm cannot be opened: load kvm_intel or kvm_amd, or join the group kvm";
        vm = kvm_create_vm(kvm, nullptr);
        ASSERT_GE(vm, 0);
        int at = ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
        if (at <= 0)
            GTEST_SKIP() << "this KVM keeps no writes";
        ring = reinterpret_cast<Ring *>(pages.data() + size_t(at) * PAGE);
        coalesced = coalesced_create(vm, map);
    }
    ~Coalesced() override
    {
        coalesced_destroy(coalesced);
        address_map_destroy(map);
        for (int fd : {vm, kvm})
            if (fd >= 0)
                close(fd);
    }
    kvm_run *run() { return reinterpret_cast<kvm_run *>(pages.data()); }
    void keep(uint64_t addr, uint32_t len, uint64_t value)
    {
        kvm_coalesced_mmio &entry = ring->entries[ring->last];
        entry.phys_addr = addr;
        entry.len = len;
        memcpy(entry.data, &value, sizeof(value));
        ring->last = (ring->last + 1) % ENTRIES;
    }
};

TEST_F(Coalesced, ComeInOrderAndOnce)
{
    keep(BASE + 8, 8, 0x1122334455667788);
    keep(BASE + 16, 4, 0xaabbccdd);
    keep(BASE + 8, 1, 0xff);
    coalesced_drain(coalesced, run());
    EXPECT_EQ(seen.writes, (std::vector<Seen::write>{{8, {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}}, {16, {0xdd, 0xcc, 0xbb, 0xaa}}, {8, {0xff}}}));
    coalesced_drain(coalesced, run());
    EXPECT_EQ(seen.writes.size(), 3u);
}

TEST_F(Coalesced, RoundTheRing)
{
    for (unsigned round = 0; round < 5; round++) {
        seen.writes.clear();
        for (unsigned i = 0; i < ENTRIES - 1; i++)
            keep(BASE + 8 * i, 8, i);
        coalesced_drain(coalesced, run());
        ASSERT_EQ(seen.writes.size(), ENTRIES - 1);
        for (unsigned i = 0; i < ENTRIES - 1; i++)
            ASSERT_EQ(seen.writes[i].offset, 8 * i);
    }
}

/* Other vCPUs add to it without end: what was there when this one left the guest is what it waits for. */
TEST_F(Coalesced, DoesNotWaitForWhatComesLater)
{
    unsigned more = 100;
    seen.meanwhile = [&] {
        if (more-- > 0)
            keep(BASE, 8, 0);
    };
    keep(BASE, 8, 0);
    keep(BASE, 8, 0);
    coalesced_drain(coalesced, run());
    EXPECT_EQ(seen.writes.size(), 2u);
}

TEST_F(Coalesced, NonsenseInTheRingDoesNoHarm)
{
    keep(BASE, 4096, 1); // no write is longer than 8
    keep(UINT64_MAX - 2, 8, 1);
    coalesced_drain(coalesced, run());
    ASSERT_EQ(seen.writes.size(), 1u);
    EXPECT_EQ(seen.writes[0].data.size(), 8u);
    ring->first = 0xfffffff0;
    ring->last = 0xffffffff;
    coalesced_drain(coalesced, run());
}

TEST_F(Coalesced, RangesComeAndGo)
{
    EXPECT_TRUE(coalesced_range(coalesced, BASE, 8 << 20, true));
    EXPECT_TRUE(coalesced_range(coalesced, BASE, 8 << 20, false));
    EXPECT_FALSE(coalesced_range(coalesced, BASE, uint64_t{1} << 32, true)) << "more than KVM can say";
}

TEST(CoalescedWithout, AKvmThatHasNoneRefusesRanges)
{
    address_map *map = address_map_create();
    struct coalesced *none = coalesced_create(-1, map);
    kvm_run run = {};
    EXPECT_FALSE(coalesced_range(none, 0, 4096, true));
    coalesced_drain(none, &run);
    coalesced_destroy(none);
    address_map_destroy(map);
}

} // namespace
