// SPDX-License-Identifier: GPL-2.0-or-later
// PCI bus: both config mechanisms, BAR assignment, relocation and dispatch, interrupts, with a device that records.
#include "vmm/pci_bus.h"
#include "vmm/bridges.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <vector>

namespace {

struct Fake {
    pci_device pci = {}; // first
    std::map<std::pair<unsigned, uint64_t>, std::vector<uint8_t>> writes;
    unsigned reads = 0;
    bool *destroyed = nullptr;
    std::vector<pci_shortcut> shortcuts;
};

pci_shortcut bell(unsigned bar, uint64_t offset, int fd)
{
    pci_shortcut shortcut = {};
    shortcut.kind = pci_shortcut::PCI_DOORBELL;
    shortcut.bar = bar;
    shortcut.offset = offset;
    shortcut.fd = fd;
    return shortcut;
}
Fake *fake(pci_device *dev) { return reinterpret_cast<Fake *>(dev); }

const pci_device_ops fake_ops = {
    [](pci_device *dev, pci_host *host) { dev->host = host; },
    [](pci_device *dev, unsigned offset, unsigned size) {
        EXPECT_TRUE(size == 1 || size == 2 || size == 4);
        EXPECT_EQ(offset % size, 0u);
        return pci_config_read(&dev->config, offset, size);
    },
    [](pci_device *dev, unsigned offset, unsigned size, uint32_t value) {
        EXPECT_TRUE(size == 1 || size == 2 || size == 4);
        EXPECT_EQ(offset % size, 0u);
        if (pci_config_write(&dev->config, offset, size, value))
            dev->host->decode_changed(dev->host);
    },
    [](pci_device *dev, unsigned bar, uint64_t offset, void *data, size_t len) {
        EXPECT_LE(offset + len, dev->config.bar[bar].size);
        fake(dev)->reads++;
        for (size_t i = 0; i < len; i++)
            static_cast<uint8_t *>(data)[i] = static_cast<uint8_t>(bar << 4 | ((offset + i) & 0xf));
    },
    [](pci_device *dev, unsigned bar, uint64_t offset, const void *data, size_t len) {
        auto *bytes = static_cast<const uint8_t *>(data);
        fake(dev)->writes[{bar, offset}] = std::vector<uint8_t>(bytes, bytes + len);
    },
    [](pci_device *dev) { pci_config_reset(&dev->config); },
    [](pci_device *dev) { *fake(dev)->destroyed = true; },
    [](pci_device *dev, unsigned number, pci_shortcut *shortcut) {
        bool there = number < fake(dev)->shortcuts.size();
        if (there)
            *shortcut = fake(dev)->shortcuts[number];
        return there;
    },
};

class PciBus : public testing::Test {
  protected:
    address_map *mmio = address_map_create(), *pio = address_map_create();
    dma_space *dma = dma_space_create("test");
    std::vector<std::pair<uint64_t, uint32_t>> msis;
    std::vector<std::pair<unsigned, bool>> irqs;
    unsigned resets = 0;
    std::map<std::pair<bool, uint64_t>, int> bells; // what the machine has, by I/O space and address
    pci_bus *bus;
    Fake gpu, nic;
    bool gpu_destroyed = false, nic_destroyed = false;

    PciBus()
    {
        pci_bus_config config = {};
        config.mmio = mmio;
        config.pio = pio;
        config.dma = dma;
        config.msi = [](void *p, uint64_t addr, uint32_t data) { static_cast<PciBus *>(p)->msis.push_back({addr, data}); };
        config.irq = [](void *p, unsigned irq, bool level) { static_cast<PciBus *>(p)->irqs.push_back({irq, level}); };
        config.reset = [](void *p) { static_cast<PciBus *>(p)->resets++; };
        config.shortcut = [](void *p, const pci_shortcut *shortcut, bool port, uint64_t addr, bool on) {
            const int fd = shortcut->kind == pci_shortcut::PCI_POSTED ? -int(shortcut->size) : shortcut->fd;
            auto &all = static_cast<PciBus *>(p)->bells;
            if (on)
                return all.insert({{port, addr}, fd}).second; // KVM has one for each address
            auto found = all.find({port, addr});
            EXPECT_TRUE(found != all.end() && found->second == fd) << "taken away without being there";
            all.erase({port, addr});
            return true;
        };
        config.opaque = this;
        bus = pci_bus_create(&config);
        init(gpu, "gpu", 0x1912, &gpu_destroyed);
        pci_config_add_bar(&gpu.pci.config, 0, PCI_BAR_MEM64, 16 << 20);
        pci_config_add_bar(&gpu.pci.config, 2, PCI_BAR_MEM64_PREF, 256 << 20);
        pci_config_add_bar(&gpu.pci.config, 4, PCI_BAR_IO, 64);
        init(nic, "nic", 0x100e, &nic_destroyed);
        pci_config_add_bar(&nic.pci.config, 0, PCI_BAR_MEM32, 128 << 10);
    }
    ~PciBus() override
    {
        pci_bus_destroy(bus);
        address_map_destroy(mmio);
        address_map_destroy(pio);
        dma_space_unref(dma);
    }
    static void init(Fake &f, const char *name, uint16_t device, bool *destroyed)
    {
        pci_identity id = {};
        id.vendor = 0x8086;
        id.device = device;
        id.class_code = 0x030000;
        id.interrupt_pin = 1;
        f.pci.ops = &fake_ops;
        f.pci.name = name;
        f.destroyed = destroyed;
        pci_config_init(&f.pci.config, &id);
    }
    void attach_all()
    {
        const host_bridge_config bridge = {PCI_ECAM_BASE, 0x80000000, 0x40000000};
        pci_bus_attach(bus, HOST_BRIDGE_SLOT, host_bridge_create(&bridge));
        pci_bus_attach(bus, ISA_BRIDGE_SLOT, isa_bridge_create());
        pci_bus_attach(bus, 2, &gpu.pci);
        pci_bus_attach(bus, 3, &nic.pci);
    }
    template <typename T> T in(uint16_t port)
    {
        T v;
        address_map_read(pio, port, &v, sizeof(v));
        return v;
    }
    template <typename T> void out(uint16_t port, T v) { address_map_write(pio, port, &v, sizeof(v)); }
    template <typename T> T load(uint64_t addr)
    {
        T v;
        address_map_read(mmio, addr, &v, sizeof(v));
        return v;
    }
    template <typename T> void store(uint64_t addr, T v) { address_map_write(mmio, addr, &v, sizeof(v)); }
    uint64_t ecam(unsigned slot, unsigned reg) { return PCI_ECAM_BASE + (slot << 15) + reg; }
    uint64_t bar(const Fake &f, unsigned i) { return pci_config_bar_address(&f.pci.config, i); }
};

TEST_F(PciBus, MechanismOne)
{
    attach_all();
    EXPECT_EQ(in<uint32_t>(0xcfc), ~0u) << "not enabled";
    out<uint32_t>(0xcf8, 0x80000000);
    EXPECT_EQ(in<uint32_t>(0xcf8), 0x80000000u);
    EXPECT_EQ(in<uint32_t>(0xcfc), 0x191f8086u);
    out<uint32_t>(0xcf8, 0x80001000 | 0x3c);
    EXPECT_EQ(in<uint16_t>(0xcfc + 1) & 0xff, 1) << "interrupt pin, by an unaligned word";
    out<uint8_t>(0xcfc, 9);
    EXPECT_EQ(in<uint8_t>(0xcfc), 9);
    out<uint32_t>(0xcf8, 0x80000000 | 2 << 11 | 1 << 8);
    EXPECT_EQ(in<uint32_t>(0xcfc), ~0u) << "no function 1";
    out<uint32_t>(0xcf8, 0x80010000 | 2 << 11);
    EXPECT_EQ(in<uint32_t>(0xcfc), ~0u) << "no bus 1";
    out<uint16_t>(0xcf8, 0);
    EXPECT_EQ(in<uint32_t>(0xcf8), 0x80011000u) << "only dwords reach the address";
    EXPECT_EQ(in<uint8_t>(0xcf8), 0xff);
}

TEST_F(PciBus, ResetControl)
{
    out<uint8_t>(0xcf9, 2);
    EXPECT_EQ(resets, 0u);
    out<uint8_t>(0xcf9, 6);
    EXPECT_EQ(resets, 1u);
    out<uint32_t>(0xcf8, 0xffffffff);
    EXPECT_EQ(resets, 1u);
}

TEST_F(PciBus, ResetTakesTheAddressesAndTheyCanBeAssignedAgain)
{
    gpu.shortcuts = {bell(0, 0x1000, 7)};
    attach_all();
    ASSERT_TRUE(pci_bus_assign(bus, UINT64_C(1) << 32, UINT64_C(1) << 36, nullptr));
    uint64_t first = bar(gpu, 0);
    EXPECT_EQ(load<uint8_t>(first + 3), 0x03);
    EXPECT_EQ(bells.size(), 1u);
    out<uint32_t>(0xcf8, 0x80000000);
    pci_bus_reset(bus);
    EXPECT_EQ(load<uint8_t>(first + 3), 0xff) << "nobody is there";
    EXPECT_TRUE(bells.empty());
    EXPECT_EQ(in<uint32_t>(0xcf8), 0u);
    EXPECT_EQ(load<uint16_t>(ecam(2, 4)) & 7, 0);
    ASSERT_TRUE(pci_bus_assign(bus, UINT64_C(1) << 32, UINT64_C(1) << 36, nullptr));
    EXPECT_EQ(bar(gpu, 0), first);
    EXPECT_EQ(load<uint8_t>(first + 3), 0x03);
    EXPECT_EQ(bells.size(), 1u);
}

TEST_F(PciBus, Ecam)
{
    attach_all();
    EXPECT_EQ(load<uint32_t>(ecam(0, 0)), 0x191f8086u);
    EXPECT_EQ(load<uint32_t>(ecam(2, 0)), 0x19128086u);
    EXPECT_EQ(load<uint16_t>(ecam(2, 2)), 0x1912u);
    EXPECT_EQ(load<uint8_t>(ecam(2, 3)), 0x19u);
    EXPECT_EQ(load<uint64_t>(ecam(2, 0)), 0x19128086u | uint64_t{load<uint32_t>(ecam(2, 4))} << 32);
    EXPECT_EQ(load<uint32_t>(ecam(2, 0) + 0x1000), ~0u) << "no function 1";
    EXPECT_EQ(load<uint32_t>(ecam(5, 0)), ~0u);
    EXPECT_EQ(load<uint32_t>(PCI_ECAM_BASE + PCI_ECAM_BUS_SIZE), ~0u) << "no bus 1";
    EXPECT_EQ(load<uint32_t>(ecam(2, 0xffc)), 0u);
    store<uint32_t>(ecam(2, 0xffe), 1); // runs over the end of the function's space
    EXPECT_EQ(load<uint64_t>(ecam(0, HOST_BRIDGE_PCIEXBAR)), PCI_ECAM_BASE | 1);
}

TEST_F(PciBus, FirmwareAssignsLargestFirstBelow4GiB)
{
    attach_all();
    GError *error = nullptr;
    ASSERT_TRUE(pci_bus_assign(bus, uint64_t{5} << 30, uint64_t{1} << 36, &error));
    EXPECT_EQ(bar(gpu, 2), PCI_HOLE_START);
    EXPECT_EQ(bar(gpu, 0), PCI_HOLE_START + (256 << 20));
    EXPECT_EQ(bar(nic, 0), PCI_HOLE_START + (272 << 20));
    EXPECT_EQ(bar(gpu, 4), uint64_t{PCI_IO_START});
    EXPECT_EQ(load<uint8_t>(ecam(2, PCI_REG_INTERRUPT_LINE)), PCI_IRQ);
    EXPECT_EQ(load<uint8_t>(bar(gpu, 0) + 0x1003), 0x03);
    EXPECT_EQ(load<uint8_t>(bar(gpu, 2) + 0x1003), 0x23);
    EXPECT_EQ(load<uint8_t>(bar(nic, 0) + 1), 0x01);
    EXPECT_EQ(in<uint8_t>(PCI_IO_START + 5), 0x45);
}

TEST_F(PciBus, LargeBarsGoAboveRam)
{
    pci_config_add_bar(&nic.pci.config, 2, PCI_BAR_MEM64_PREF, uint64_t{2} << 30);
    attach_all();
    ASSERT_TRUE(pci_bus_assign(bus, (uint64_t{6} << 30) + 4096, uint64_t{1} << 36, nullptr));
    EXPECT_EQ(bar(nic, 2), uint64_t{8} << 30) << "aligned to its size";
    EXPECT_EQ(bar(gpu, 2), PCI_HOLE_START);
}

TEST_F(PciBus, A32BitBarThatFitsNowhereIsAnError)
{
    pci_config_add_bar(&nic.pci.config, 1, PCI_BAR_MEM32, uint64_t{1} << 30);
    attach_all();
    GError *error = nullptr;
    EXPECT_FALSE(pci_bus_assign(bus, uint64_t{1} << 32, uint64_t{1} << 36, &error));
    EXPECT_STREQ(error->message, "nic: no address left for BAR 1 of 0x40000000 bytes");
    g_error_free(error);
}

TEST_F(PciBus, BarsMoveWithTheirRegisters)
{
    attach_all();
    ASSERT_TRUE(pci_bus_assign(bus, uint64_t{1} << 32, uint64_t{1} << 36, nullptr));
    uint64_t old = bar(gpu, 0);
    // Sizing: all ones, read back, restore, as software does it with decoding off.
    store<uint16_t>(ecam(2, PCI_REG_COMMAND), 0);
    EXPECT_EQ(load<uint8_t>(old), 0xff) << "decoding is off";
    store<uint32_t>(ecam(2, 0x10), ~0u);
    EXPECT_EQ(load<uint32_t>(ecam(2, 0x10)), 0xff000004u);
    // Relocation above 4 GiB.
    store<uint32_t>(ecam(2, 0x10), 0x40000000);
    store<uint32_t>(ecam(2, 0x14), 2);
    store<uint16_t>(ecam(2, PCI_REG_COMMAND), PCI_COMMAND_MEMORY);
    EXPECT_EQ(load<uint8_t>(old), 0xff);
    EXPECT_EQ(load<uint8_t>(0x240000007), 0x07);
    store<uint32_t>(0x240000010, 0xcafe);
    EXPECT_EQ((gpu.writes[{0, 0x10}]), (std::vector<uint8_t>{0xfe, 0xca, 0, 0}));
    EXPECT_EQ(in<uint8_t>(PCI_IO_START), 0xff) << "I/O decoding is off";
}

TEST_F(PciBus, HostileBarAddressesStayHarmless)
{
    attach_all();
    ASSERT_TRUE(pci_bus_assign(bus, uint64_t{1} << 32, uint64_t{1} << 36, nullptr));
    store<uint32_t>(ecam(3, 0x10), static_cast<uint32_t>(PCI_ECAM_BASE));
    EXPECT_EQ(load<uint32_t>(ecam(0, 0)), 0x191f8086u) << "ECAM was there first";
    store<uint32_t>(ecam(3, 0x10), static_cast<uint32_t>(bar(gpu, 0)));
    EXPECT_EQ(load<uint8_t>(bar(gpu, 0)), 0x00) << "the GPU was attached first";
    EXPECT_EQ(nic.reads, 0u);
    store<uint32_t>(ecam(3, 0x10), 0xfffe0000);
    (void)load<uint64_t>(0xfffffff8);
    store<uint32_t>(ecam(2, 0x14), 0xffffffff);
    store<uint32_t>(ecam(2, 0x10), 0xffffffff);
    (void)load<uint64_t>(UINT64_MAX - 7);
}

TEST_F(PciBus, InterruptsReachTheMachine)
{
    attach_all();
    gpu.pci.host->msi(gpu.pci.host, 0xfee01000, 0x41);
    EXPECT_EQ(msis, (std::vector<std::pair<uint64_t, uint32_t>>{{0xfee01000, 0x41}}));
    gpu.pci.host->intx(gpu.pci.host, true);
    nic.pci.host->intx(nic.pci.host, true);
    gpu.pci.host->intx(gpu.pci.host, false);
    EXPECT_EQ(irqs, (std::vector<std::pair<unsigned, bool>>{{PCI_IRQ, true}})) << "the line is shared";
    nic.pci.host->intx(nic.pci.host, false);
    EXPECT_EQ(irqs.back(), std::make_pair(unsigned{PCI_IRQ}, false));
    EXPECT_EQ(gpu.pci.host->dma, dma);
}

TEST_F(PciBus, DoorbellsMoveWithTheirBars)
{
    using Bells = decltype(bells);
    gpu.shortcuts = {bell(0, 0x3000, 7), bell(0, 0x3004, 8), bell(4, 8, 9)};
    attach_all();
    EXPECT_EQ(bells, Bells());
    ASSERT_TRUE(pci_bus_assign(bus, uint64_t{1} << 32, uint64_t{1} << 36, nullptr));
    uint64_t at = bar(gpu, 0), port = bar(gpu, 4);
    Bells all = {{{false, at + 0x3000}, 7}, {{false, at + 0x3004}, 8}, {{true, port + 8}, 9}};
    EXPECT_EQ(bells, all);
    store<uint16_t>(ecam(2, PCI_REG_COMMAND), PCI_COMMAND_MEMORY);
    EXPECT_EQ(bells, (Bells{{{false, at + 0x3000}, 7}, {{false, at + 0x3004}, 8}})) << "I/O decoding is off";
    store<uint32_t>(ecam(2, 0x14), 2); // with decoding on
    uint64_t high = bar(gpu, 0);
    EXPECT_EQ(high, at + (uint64_t{2} << 32));
    EXPECT_EQ(bells, (Bells{{{false, high + 0x3000}, 7}, {{false, high + 0x3004}, 8}}));
    store<uint16_t>(ecam(2, PCI_REG_COMMAND), 0);
    EXPECT_EQ(bells, Bells());
    store<uint32_t>(ecam(2, 0x14), 0);
    store<uint16_t>(ecam(2, PCI_REG_COMMAND), PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    EXPECT_EQ(bells, all);
    store<uint16_t>(ecam(2, PCI_REG_COMMAND), PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    EXPECT_EQ(bells, all);
}

TEST_F(PciBus, PostedRangesMoveLikewise)
{
    using Bells = decltype(bells);
    pci_shortcut posted = {};
    posted.kind = pci_shortcut::PCI_POSTED;
    posted.offset = 8 << 20;
    posted.size = 8 << 20;
    posted.fd = -1;
    gpu.shortcuts = {bell(0, 0x3000, 7), posted};
    attach_all();
    ASSERT_TRUE(pci_bus_assign(bus, uint64_t{1} << 32, uint64_t{1} << 36, nullptr));
    uint64_t at = bar(gpu, 0);
    EXPECT_EQ(bells, (Bells{{{false, at + 0x3000}, 7}, {{false, at + (8 << 20)}, -(8 << 20)}}));
    store<uint16_t>(ecam(2, PCI_REG_COMMAND), 0);
    EXPECT_EQ(bells, Bells());
}

TEST_F(PciBus, DoorbellsAtOneAddress)
{
    using Bells = decltype(bells);
    gpu.shortcuts = {bell(0, 0, 7)};
    nic.shortcuts = {bell(0, 0, 8)};
    attach_all();
    ASSERT_TRUE(pci_bus_assign(bus, uint64_t{1} << 32, uint64_t{1} << 36, nullptr));
    uint64_t first = bar(gpu, 0), second = bar(nic, 0);
    store<uint32_t>(ecam(3, 0x10), static_cast<uint32_t>(first));
    EXPECT_EQ(bells, (Bells{{{false, first}, 7}}));
    store<uint16_t>(ecam(2, PCI_REG_COMMAND), 0); // the nic's is still not there: a write goes to its BAR
    EXPECT_EQ(bells, Bells());
    store<uint32_t>(ecam(3, 0x10), static_cast<uint32_t>(second));
    EXPECT_EQ(bells, (Bells{{{false, second}, 8}}));
}

TEST_F(PciBus, FunctionsComeAndGo)
{
    gpu.shortcuts = {bell(0, 0, 7)};
    attach_all();
    ASSERT_TRUE(pci_bus_assign(bus, uint64_t{1} << 32, uint64_t{1} << 36, nullptr));
    const uint64_t place = bar(gpu, 0), io = bar(gpu, 4);
    EXPECT_EQ(pci_bus_device(bus, 2), &gpu.pci);
    // It is let go of: nobody finds it, and that is all.
    pci_bus_hide(bus, 2);
    EXPECT_EQ(load<uint32_t>(ecam(2, 0)), ~0u);
    out<uint32_t>(0xcf8, 0x80000000 | 2 << 11);
    EXPECT_EQ(in<uint32_t>(0xcfc), ~0u);
    store<uint16_t>(ecam(2, 4), 0);
    EXPECT_EQ(bar(gpu, 0), place) << "nor writes to it";
    // It is taken out, its INTx line raised.
    gpu.pci.host->intx(gpu.pci.host, true);
    pci_bus_detach(bus, 2);
    EXPECT_EQ(pci_bus_device(bus, 2), nullptr);
    EXPECT_EQ(load<uint8_t>(place), 0xff);
    EXPECT_EQ(in<uint8_t>(static_cast<uint16_t>(io)), 0xff);
    EXPECT_TRUE(bells.empty());
    EXPECT_FALSE(gpu_destroyed);
    gpu.pci.host->decode_changed(gpu.pci.host); // as a thread of the device that is late
    EXPECT_TRUE(bells.empty());
    irqs.clear();
    pci_bus_finish_detach(bus, 2);
    EXPECT_TRUE(gpu_destroyed);
    EXPECT_EQ(irqs, (std::vector<std::pair<unsigned, bool>>{{PCI_IRQ, false}}));
    pci_bus_finish_detach(bus, 2); // nothing to do
    pci_bus_reset(bus);

    // Another one, with other BARs, in its place.
    Fake next;
    bool next_destroyed = false;
    init(next, "next", 0x1234, &next_destroyed);
    pci_config_add_bar(&next.pci.config, 1, PCI_BAR_MEM32, 4096);
    next.shortcuts = {bell(1, 16, 9)};
    pci_bus_attach(bus, 2, &next.pci);
    EXPECT_EQ(load<uint32_t>(ecam(2, 0)), 0x12348086u);
    store<uint32_t>(ecam(2, 0x14), static_cast<uint32_t>(place));
    store<uint16_t>(ecam(2, 4), 2);
    EXPECT_EQ(load<uint8_t>(place + 3), 0x13);
    EXPECT_EQ(load<uint8_t>(place + 4096), 0xff);
    EXPECT_EQ(bells, (std::map<std::pair<bool, uint64_t>, int>{{{false, place + 16}, 9}}));
    ASSERT_TRUE(pci_bus_assign(bus, uint64_t{1} << 32, uint64_t{1} << 36, nullptr));
    // Detached, and never finished.
    pci_bus_detach(bus, 2);
    pci_bus_destroy(bus);
    bus = nullptr;
    EXPECT_TRUE(next_destroyed);
}

TEST_F(PciBus, DestroyTakesTheDevices)
{
    gpu.shortcuts = {bell(0, 0, 7)};
    attach_all();
    ASSERT_TRUE(pci_bus_assign(bus, uint64_t{1} << 32, uint64_t{1} << 36, nullptr));
    EXPECT_EQ(bells.size(), 1u);
    pci_bus_destroy(bus);
    bus = nullptr;
    EXPECT_TRUE(gpu_destroyed);
    EXPECT_TRUE(nic_destroyed);
    EXPECT_TRUE(bells.empty());
}

} // namespace

/* Linux takes the PCH from the first Intel ISA bridge, by the upper nine bits of its device id: 0xa100 is Sunrise Point H. */
TEST_F(PciBus, BridgesSayWhichPlatformThisIs)
{
    attach_all();
    EXPECT_EQ(load<uint16_t>(ecam(31, 0)), 0x8086);
    EXPECT_EQ(load<uint16_t>(ecam(31, 2)) & 0xff80, 0xa100);
    EXPECT_EQ(load<uint32_t>(ecam(31, 8)) >> 8, 0x060100u);
    EXPECT_EQ(load<uint32_t>(ecam(0, 8)) >> 8, 0x060000u);
    EXPECT_EQ(load<uint32_t>(ecam(0, 0x48)), 0xfed10001u) << "MCHBAR, enabled: nobody has to find a place for it";
    EXPECT_EQ(load<uint32_t>(ecam(0, 0x60)), 0xb0000001u);
    EXPECT_EQ(load<uint32_t>(ecam(0, 0xbc)), 0x80000000u) << "TOLUD";
    EXPECT_EQ(load<uint32_t>(ecam(0, 0xa8)), 0x40000000u) << "TOUUD: 5 GiB";
    EXPECT_EQ(load<uint32_t>(ecam(0, 0xac)), 1u);
    EXPECT_EQ(load<uint32_t>(ecam(0, 0xa0)), 0xc0000000u) << "TOM: 3 GiB";
    store<uint32_t>(ecam(0, 0x60), 0);
    EXPECT_EQ(load<uint32_t>(ecam(0, 0x60)), 0xb0000001u) << "locked, as firmware leaves it";
}
