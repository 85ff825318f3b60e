// SPDX-License-Identifier: GPL-2.0-or-later
// Windows of the aperture that the guest reaches by itself: when they open, what the host is told, and that they never show what a trap would not.
#include "fixture.h"

namespace {

constexpr uint64_t kWindow = PCI_DIRECT_PAGES * kPage, kGpa = 0x400000;

// A host that notes what is open, page by page.
class ApertureDirect : public VgpuAlone {
  protected:
    static inline std::map<uint64_t, std::vector<uint64_t>> open; // by offset
    static inline unsigned opened, closed, changed;
    static inline bool refuse_open, refuse_page;

    void SetUp() override
    {
        open.clear();
        opened = closed = changed = 0;
        refuse_open = refuse_page = false;
        host.direct_open = [](pci_host *, unsigned bar, uint64_t offset, const uint64_t *pages) {
            EXPECT_EQ(bar, 2u);
            EXPECT_EQ(offset % kWindow, 0u);
            EXPECT_FALSE(open.count(offset));
            if (refuse_open)
                return false;
            open[offset].assign(pages, pages + PCI_DIRECT_PAGES);
            opened++;
            return true;
        };
        host.direct_page = [](pci_host *, unsigned bar, uint64_t offset, uint64_t page) {
            EXPECT_EQ(bar, 2u);
            auto it = open.find(offset - offset % kWindow);
            if (refuse_page || it == open.end())
                return false;
            it->second[offset % kWindow / kPage] = page;
            changed++;
            return true;
        };
        host.direct_close = [](pci_host *, unsigned bar, uint64_t offset) {
            EXPECT_EQ(bar, 2u);
            EXPECT_EQ(open.erase(offset), 1u);
            closed++;
        };
        VgpuAlone::SetUp();
    }
    void TearDown() override
    {
        VgpuAlone::TearDown();
        EXPECT_TRUE(open.empty()) << "windows are left behind";
    }
    // Accesses until a window opens; 0: it does not within the limit.
    unsigned touch(uint64_t offset, unsigned limit = 4096)
    {
        const unsigned before = opened;
        for (unsigned n = 1; n <= limit; n++) {
            uint32_t value = n;
            if (n % 2)
                write(offset + 4 * (n % 1024), &value, 4, 2);
            else
                read(offset + 4 * (n % 1024), &value, 4, 2);
            if (opened > before)
                return n;
        }
        return 0;
    }
    void fence(uint64_t start, uint64_t end) // X-tiled
    {
        uint64_t value = (end - kPage) << 32 | uint64_t(1024 / 128 - 1) << 32 | start | 1;
        write(R_FENCE_REG, &value, 8);
    }
};

TEST_F(ApertureDirect, OpensWhereTheGuestTrapsALot)
{
    bind(low, kGpa, 2 * kWindow);
    EXPECT_EQ(touch(low + kPage), 256u);
    ASSERT_EQ(open.size(), 1u);
    for (unsigned i = 0; i < PCI_DIRECT_PAGES; i++)
        ASSERT_EQ(open[low][i], kGpa + i * kPage) << i;
    EXPECT_EQ(touch(low + kWindow), 256u) << "each window counts for itself";
    EXPECT_EQ(open.size(), 2u);
}

TEST_F(ApertureDirect, FollowsTheEntries)
{
    bind(low, kGpa, kWindow);
    ASSERT_TRUE(touch(low));
    pte_write(low + 5 * kPage, 0x800000 | PTE_PRESENT);
    EXPECT_EQ(open[low][5], 0x800000u);
    // Half an entry is an entry.
    write32(GTT_OFFSET + (low + 6 * kPage) / kPage * 8, 0x900000 | PTE_PRESENT);
    EXPECT_EQ(open[low][6], 0x900000u);
    EXPECT_EQ(changed, 2u);
    pte_write(low + kWindow, 0x800000 | PTE_PRESENT);
    EXPECT_EQ(changed, 2u) << "that is another window";
}

TEST_F(ApertureDirect, ClosesWhereAPageIsNoMemory)
{
    const uint64_t nowhere[] = {0, 0x800000 /* not present */, (kMemory + kPage) | PTE_PRESENT};
    unsigned wanted = 256;
    for (uint64_t entry : nowhere) {
        bind(low, kGpa, kWindow);
        EXPECT_EQ(touch(low), wanted);
        pte_write(low + 9 * kPage, entry);
        EXPECT_TRUE(open.empty());
        wanted *= 2; // each time it takes more to open it again
    }
    EXPECT_EQ(touch(low, 4 * wanted), 0u) << "and with that page it does not open";
}

TEST_F(ApertureDirect, NoFenceTilesWhatIsOpen)
{
    bind(low, kGpa, 2 * kWindow);
    fence(low + kWindow, low + 2 * kWindow);
    ASSERT_TRUE(touch(low)) << "beside a fence";
    EXPECT_EQ(touch(low + kWindow), 0u) << "below it";
    fence(low + kWindow - kPage, low + 2 * kWindow);
    EXPECT_TRUE(open.empty()) << "it closes when a fence comes over its last page";
    // An access comes by a trap again, and is tiled.
    uint32_t value = 0x1234;
    write(low + kWindow - kPage + 512, &value, 4, 2);
    EXPECT_EQ(mem32(kGpa + kWindow), 0x1234u) << "the second tile";
    write32(R_FENCE_REG, 0);
    EXPECT_TRUE(touch(low, 100000));
}

TEST_F(ApertureDirect, ClosesWithAResetAndWithAFailure)
{
    bind(low, kGpa, kWindow);
    ASSERT_TRUE(touch(low));
    dev->ops->reset(dev);
    EXPECT_TRUE(open.empty());
    bind(low, kGpa, kWindow);
    ASSERT_TRUE(touch(low));
    write32(R_PVINFO_G2V_NOTIFY, 0xffff); // no such notification
    if (vgpu_failure(v)) {
        EXPECT_TRUE(open.empty());
        EXPECT_EQ(touch(low), 0u) << "a vGPU that failed opens nothing";
    }
}

TEST_F(ApertureDirect, AHostThatRefusesLeavesTraps)
{
    bind(low, kGpa, kWindow);
    refuse_open = true;
    EXPECT_EQ(touch(low, 5000), 0u);
    uint32_t value = 77;
    write(low + 64, &value, 4, 2);
    EXPECT_EQ(mem32(kGpa + 64), 77u);
    refuse_open = false;
    EXPECT_TRUE(touch(low, 1 << 16));
    refuse_page = true;
    pte_write(low, 0x800000 | PTE_PRESENT);
    EXPECT_TRUE(open.empty()) << "what cannot be changed must not stay";
}

TEST_F(ApertureDirect, EntriesThatChangeAllTheTimeAreTrapped)
{
    bind(low, kGpa, kWindow);
    ASSERT_TRUE(touch(low));
    unsigned n = 0;
    while (!open.empty() && n < 100000)
        pte_write(low, (n++ % 2 ? 0x800000u : 0x900000u) | PTE_PRESENT);
    EXPECT_EQ(n, 16u * PCI_DIRECT_PAGES + 1);
    EXPECT_EQ(touch(low), 512u) << "and take longer to open again";
}

TEST_F(ApertureDirect, OnlyThePartitionIsThere)
{
    EXPECT_EQ(touch(0, 3000), 0u);
    EXPECT_EQ(touch(low + (128 << 20), 3000), 0u);
}

} // namespace
