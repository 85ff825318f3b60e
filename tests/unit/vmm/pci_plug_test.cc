// SPDX-License-Identifier: GPL-2.0-or-later
// The ports by which a guest hears of functions that come and go, and says that it has let go of them.
#include "vmm/pci_plug.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace {

class PciPlug : public testing::Test {
protected:
    unsigned events = 0;
    std::vector<unsigned> ejected;
    std::vector<std::pair<unsigned, uint32_t>> refused;
    pci_plug *plug = nullptr;

    void SetUp() override
    {
        pci_plug_config config = {};
        config.event = [](void *p) { static_cast<PciPlug *>(p)->events++; };
        config.ejected = [](void *p, unsigned slot) { static_cast<PciPlug *>(p)->ejected.push_back(slot); };
        config.refused = [](void *p, unsigned slot, uint32_t status) { static_cast<PciPlug *>(p)->refused.push_back({slot, status}); };
        config.opaque = this;
        plug = pci_plug_create(&config);
    }
    void TearDown() override { pci_plug_destroy(plug); }
    template <typename T = uint32_t> T in(unsigned offset)
    {
        T value;
        pci_plug_ops.read(plug, offset, &value, sizeof(value));
        return value;
    }
    template <typename T = uint32_t> void out(unsigned offset, T value) { pci_plug_ops.write(plug, offset, &value, sizeof(value)); }
    void report(uint32_t slot, uint32_t event, uint32_t status)
    {
        out(PCI_PLUG_REPORT_SLOT, slot);
        out(PCI_PLUG_REPORT_EVENT, event);
        out(PCI_PLUG_REPORT_STATUS, status);
    }
};

TEST_F(PciPlug, WhatIsThereAtTheBeginningIsNoNews)
{
    pci_plug_set(plug, 2, true, false);
    EXPECT_EQ(in(PCI_PLUG_INSERTED), 0u);
    EXPECT_EQ(events, 0u);
    pci_plug_set(plug, 31, true, true);
    EXPECT_EQ(in(PCI_PLUG_INSERTED), 1u << 31);
    EXPECT_EQ(events, 1u);
    EXPECT_EQ(in<uint8_t>(PCI_PLUG_INSERTED + 3), 0x80) << "any size is read";
    out<uint8_t>(PCI_PLUG_INSERTED + 3, 0x80);
    EXPECT_EQ(in(PCI_PLUG_INSERTED), 1u << 31) << "a part of a register clears nothing";
    out(PCI_PLUG_INSERTED, 1u << 31);
    EXPECT_EQ(in(PCI_PLUG_INSERTED), 0u);
}

TEST_F(PciPlug, AGuestIsAskedAndLetsGo)
{
    EXPECT_FALSE(pci_plug_ask(plug, 2)) << "nothing is there";
    pci_plug_set(plug, 2, true, false);
    EXPECT_TRUE(pci_plug_ask(plug, 2));
    EXPECT_TRUE(pci_plug_is_asked(plug, 2));
    EXPECT_EQ(in(PCI_PLUG_WANTED), 4u);
    EXPECT_EQ(events, 1u);
    out(PCI_PLUG_WANTED, 4u);
    EXPECT_EQ(in(PCI_PLUG_WANTED), 0u);
    EXPECT_TRUE(pci_plug_is_asked(plug, 2)) << "it has seen it, no more";
    report(2, 3, 0x84); // goes on
    EXPECT_TRUE(pci_plug_is_asked(plug, 2));
    out(PCI_PLUG_EJECT, ~0u);
    EXPECT_EQ(ejected, (std::vector<unsigned>{2})) << "of all slots the one with something in it";
    EXPECT_EQ(in(PCI_PLUG_EJECT), 4u) << "until it is out";
    EXPECT_FALSE(pci_plug_is_asked(plug, 2));
    EXPECT_FALSE(pci_plug_ask(plug, 2));
    out(PCI_PLUG_EJECT, 4u);
    report(2, 3, 0);
    EXPECT_EQ(ejected.size(), 1u) << "once";
    EXPECT_TRUE(refused.empty());
    pci_plug_set(plug, 2, false, false);
    EXPECT_EQ(in(PCI_PLUG_EJECT), 0u);
    pci_plug_set(plug, 2, true, true);
    EXPECT_TRUE(pci_plug_ask(plug, 2));
    EXPECT_EQ(in(PCI_PLUG_INSERTED), 4u) << "who has not looked yet sees both";
}

TEST_F(PciPlug, AGuestRefuses)
{
    pci_plug_set(plug, 2, true, false);
    report(2, 3, 0x82);
    EXPECT_TRUE(refused.empty()) << "nobody asked";
    pci_plug_ask(plug, 2);
    report(2, 1, 0x82);
    report(3, 3, 0x82);
    report(77, 3, 0x82);
    EXPECT_TRUE(refused.empty()) << "about other things";
    report(2, 3, 0x82);
    EXPECT_EQ(refused, (std::vector<std::pair<unsigned, uint32_t>>{{2, 0x82}}));
    EXPECT_FALSE(pci_plug_is_asked(plug, 2));
    EXPECT_EQ(in(PCI_PLUG_WANTED), 0u);
    pci_plug_ask(plug, 2);
    report(2, 0x103, 0x80);
    EXPECT_EQ(refused.size(), 2u);
    EXPECT_TRUE(pci_plug_ask(plug, 2)) << "it can be asked again";
    EXPECT_TRUE(ejected.empty());
}

TEST_F(PciPlug, WhoBeginsAgainHasLetGo)
{
    pci_plug_set(plug, 2, true, false);
    pci_plug_set(plug, 5, true, true);
    pci_plug_ask(plug, 2);
    pci_plug_reset(plug);
    EXPECT_EQ(ejected, (std::vector<unsigned>{2}));
    EXPECT_EQ(in(PCI_PLUG_INSERTED), 0u) << "the other is found by who begins";
    pci_plug_reset(plug);
    EXPECT_EQ(ejected.size(), 1u);
}

/* A guest can let go by itself, as Linux does by /sys/bus/pci/slots/2/power. Whatever it writes, each is ejected at most once for each time it is there. */
TEST_F(PciPlug, AnythingCanBeWritten)
{
    std::mt19937 random(1);
    unsigned there = 0;
    for (unsigned i = 0; i < 20000; i++) {
        const unsigned slot = random() % 32;
        if (random() % 8 == 0)
            pci_plug_set(plug, slot, true, random() % 2), there++;
        else if (random() % 64 == 0)
            pci_plug_reset(plug);
        else if (random() % 8 == 0)
            pci_plug_ask(plug, slot);
        else if (random() % 2)
            out(random() % 6 * 4, random() % 3 ? uint32_t(1) << slot : uint32_t(random()));
        else
            out<uint16_t>(random() % 23, uint16_t(random()));
        in<uint64_t>(random() % (PCI_PLUG_PORTS - 7));
    }
    EXPECT_LE(ejected.size(), there);
    EXPECT_GT(ejected.size(), 0u);
}

} // namespace
