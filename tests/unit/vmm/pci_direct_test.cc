// SPDX-License-Identifier: GPL-2.0-or-later
// Windows of BARs as memory slots, with real guest memory and a KVM that is a map: what a slot shows is what the device said, wherever the BAR goes.
#include "vmm/pci_direct.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace {

constexpr uint64_t kPage = 4096, kWindow = PCI_DIRECT_PAGES * kPage, kBar = 0xc0000000, kRam = 64 << 20, kBarSize = 128 << 20;

class PciDirect : public testing::Test {
  protected:
    struct Slot {
        uint64_t gpa;
        uint8_t *host;
    };
    memory *ram = memory_create("test", kRam, nullptr);
    pci_device dev = {};
    std::map<uint32_t, Slot> slots;
    bool refuse = false;
    pci_direct *direct = nullptr;

    void SetUp() override
    {
        pci_identity id = {};
        id.vendor = 0x8086;
        pci_config_init(&dev.config, &id);
        pci_config_add_bar(&dev.config, 2, PCI_BAR_MEM64_PREF, kBarSize);
        move(kBar);
        direct = pci_direct_create(&dev, ram, set, this, 10);
    }
    void TearDown() override
    {
        pci_direct_destroy(direct);
        EXPECT_TRUE(slots.empty()) << "slots are left behind";
        memory_destroy(ram);
    }
    static bool set(void *opaque, uint32_t number, uint64_t gpa, uint64_t size, void *host)
    {
        auto *self = static_cast<PciDirect *>(opaque);
        EXPECT_GE(number, 10u);
        EXPECT_LT(number, 10u + PCI_DIRECT_WINDOWS);
        if (size == 0) {
            EXPECT_EQ(self->slots.count(number), 1u);
            EXPECT_EQ(self->slots[number].gpa, gpa);
            self->slots.erase(number);
            return true;
        }
        EXPECT_EQ(size, kWindow);
        EXPECT_EQ(self->slots.count(number), 0u);
        if (self->refuse)
            return false;
        self->slots[number] = {gpa, static_cast<uint8_t *>(host)};
        return true;
    }
    void move(uint64_t address)
    {
        pci_config_write(&dev.config, PCI_REG_BAR0 + 8, 4, uint32_t(address));
        pci_config_write(&dev.config, PCI_REG_BAR0 + 12, 4, uint32_t(address >> 32));
        pci_config_write(&dev.config, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY);
        pci_direct_place(direct);
    }
    // What the guest would see at an address; nullptr: a trap.
    uint8_t *seen(uint64_t gpa)
    {
        for (auto &[number, slot] : slots)
            if (gpa >= slot.gpa && gpa - slot.gpa < kWindow)
                return slot.host + (gpa - slot.gpa);
        return nullptr;
    }
    std::vector<uint64_t> pages(uint64_t first, uint64_t step = kPage)
    {
        std::vector<uint64_t> list(PCI_DIRECT_PAGES);
        for (unsigned i = 0; i < PCI_DIRECT_PAGES; i++)
            list[i] = first + i * step;
        return list;
    }
    // Both ways, in every page.
    void expect_shown(uint64_t address, const std::vector<uint64_t> &list)
    {
        for (unsigned i = 0; i < PCI_DIRECT_PAGES; i++) {
            uint8_t *window = seen(address + i * kPage + 5), *page = static_cast<uint8_t *>(memory_ptr(ram, list[i], kPage)) + 5;
            ASSERT_NE(window, nullptr) << i;
            *window = uint8_t(i + 1);
            ASSERT_EQ(*page, i + 1);
            *page = uint8_t(i + 100);
            ASSERT_EQ(*window, uint8_t(i + 100));
        }
    }
};

TEST_F(PciDirect, ShowsThePagesInTheirOrder)
{
    auto forward = pages(0x100000), backward = pages(0x300000 - kPage, -kPage);
    ASSERT_TRUE(pci_direct_open(direct, 2, 0, forward.data()));
    ASSERT_TRUE(pci_direct_open(direct, 2, 5 * kWindow, backward.data()));
    expect_shown(kBar, forward);
    expect_shown(kBar + 5 * kWindow, backward);
    EXPECT_EQ(seen(kBar + kWindow), nullptr);
    EXPECT_FALSE(pci_direct_open(direct, 2, 0, backward.data())) << "it is open";
    pci_direct_close(direct, 2, 0);
    EXPECT_EQ(seen(kBar), nullptr);
    expect_shown(kBar + 5 * kWindow, backward);
    pci_direct_close(direct, 2, 0); // is nothing
}

TEST_F(PciDirect, PagesChangeOneByOne)
{
    auto list = pages(0x100000);
    ASSERT_TRUE(pci_direct_open(direct, 2, 2 * kWindow, list.data()));
    std::mt19937 random(1);
    for (unsigned round = 0; round < 500; round++) {
        unsigned i = random() % PCI_DIRECT_PAGES;
        list[i] = 0x100000 + random() % 4096 * kPage;
        ASSERT_TRUE(pci_direct_page(direct, 2, 2 * kWindow + i * kPage, list[i]));
        *static_cast<uint32_t *>(memory_ptr(ram, list[i], 4)) = round;
        ASSERT_EQ(*reinterpret_cast<uint32_t *>(seen(kBar + 2 * kWindow + i * kPage)), round);
    }
    EXPECT_FALSE(pci_direct_page(direct, 2, 0, 0x100000)) << "no window there";
    EXPECT_FALSE(pci_direct_page(direct, 2, 2 * kWindow, kRam)) << "no RAM there";
}

TEST_F(PciDirect, MovesWithItsBar)
{
    auto list = pages(0x100000);
    ASSERT_TRUE(pci_direct_open(direct, 2, kWindow, list.data()));
    move(0x3200000000);
    EXPECT_EQ(seen(kBar + kWindow), nullptr);
    expect_shown(0x3200000000 + kWindow, list);
    pci_config_write(&dev.config, PCI_REG_COMMAND, 2, 0);
    pci_direct_place(direct);
    EXPECT_TRUE(slots.empty()) << "no decoding, no slot";
    auto other = pages(0x200000);
    EXPECT_TRUE(pci_direct_open(direct, 2, 0, other.data())) << "it shows when the BAR does";
    move(kBar);
    expect_shown(kBar + kWindow, list);
    expect_shown(kBar, other);
}

TEST_F(PciDirect, WhatCannotBeIsRefusedAndLeavesNothing)
{
    auto list = pages(0x100000);
    list[63] = kRam; // one past the end
    EXPECT_FALSE(pci_direct_open(direct, 2, 0, list.data()));
    list[63] = UINT64_MAX & ~(kPage - 1);
    EXPECT_FALSE(pci_direct_open(direct, 2, 0, list.data()));
    list = pages(kRam - kWindow + kPage); // runs over the end
    EXPECT_FALSE(pci_direct_open(direct, 2, 0, list.data()));
    list = pages(0x100000);
    EXPECT_FALSE(pci_direct_open(direct, 2, kPage, list.data())) << "not aligned";
    EXPECT_FALSE(pci_direct_open(direct, 2, kBarSize, list.data())) << "behind the BAR";
    EXPECT_FALSE(pci_direct_open(direct, 0, 0, list.data())) << "no such BAR";
    EXPECT_FALSE(pci_direct_open(direct, PCI_BARS, 0, list.data()));
    refuse = true;
    EXPECT_FALSE(pci_direct_open(direct, 2, 0, list.data())) << "KVM refuses";
    EXPECT_TRUE(slots.empty());
    refuse = false;
    EXPECT_TRUE(pci_direct_open(direct, 2, 0, list.data()));
    // A place that KVM refuses is trapped, until the BAR goes elsewhere.
    refuse = true;
    move(0x3200000000);
    EXPECT_TRUE(slots.empty());
    refuse = false;
    move(kBar);
    expect_shown(kBar, list);
}

TEST_F(PciDirect, ThereIsABoundOnWindowsAndOneForTheProcess)
{
    auto list = pages(0x100000);
    unsigned n = 0;
    while (n < 1000 && pci_direct_open(direct, 2, n * kWindow, list.data()))
        n++;
    EXPECT_EQ(n, unsigned(PCI_DIRECT_WINDOWS));
    EXPECT_EQ(slots.size(), size_t(PCI_DIRECT_WINDOWS));
    pci_direct_close(direct, 2, 7 * kWindow);
    EXPECT_TRUE(pci_direct_open(direct, 2, 500 * kWindow, list.data()));
    pci_direct *second = pci_direct_create(&dev, ram, [](void *, uint32_t, uint64_t, uint64_t, void *) { return true; }, nullptr, 1000);
    for (n = 0; n < 1000 && pci_direct_open(second, 2, n * kWindow, list.data()); n++)
        ;
    EXPECT_EQ(n, 24576u / PCI_DIRECT_PAGES - PCI_DIRECT_WINDOWS) << "together they may have so many pages";
    pci_direct_close(direct, 2, 0);
    EXPECT_TRUE(pci_direct_open(second, 2, n * kWindow, list.data()));
    pci_direct_destroy(second);
    EXPECT_TRUE(pci_direct_open(direct, 2, 0, list.data())) << "what was open is given back";
}

TEST_F(PciDirect, WithoutASetterThereIsNone)
{
    EXPECT_EQ(pci_direct_create(&dev, ram, nullptr, nullptr, 0), nullptr);
    pci_direct_place(nullptr);
    pci_direct_destroy(nullptr);
}

} // namespace
