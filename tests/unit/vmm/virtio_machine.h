// SPDX-License-Identifier: GPL-2.0-or-later
// For the tests of virtio devices: a machine with one of them, found and driven through the PCI transport.
#ifndef MEDIANT_TESTS_VIRTIO_MACHINE_H
#define MEDIANT_TESTS_VIRTIO_MACHINE_H

#include "virtio_driver.h"
#include "gpu/pci/pci_device.h"
#include "vmm/virtio/pci.h"

#include <atomic>
#include <mutex>
#include <string>

namespace virtio_test {

// A bus with one slot, and a driver that finds the registers by the capabilities.
class Machine {
  public:
    struct Host {
        pci_host host; // first
        Machine *machine;
    };
    Ram ram;
    Host host = {};
    pci_device *pci = nullptr;
    std::atomic<bool> level{false};
    std::atomic<unsigned> rises{0};
    std::mutex mutex;
    std::vector<std::pair<uint64_t, uint32_t>> messages;
    std::vector<std::string> complaints;
    uint64_t common = 0, isr = 0, config = 0, notify = 0;
    uint32_t multiplier = 0;

    explicit Machine(virtio_device *dev, bool msix = false)
    {
        virtio_pci_config c = {};
        c.name = "test";
        c.msix = msix;
        c.opaque = this;
        c.complain = [](void *p, const char *text) {
            auto *self = static_cast<Machine *>(p);
            std::lock_guard guard(self->mutex);
            self->complaints.push_back(text);
        };
        pci = virtio_pci_create(&c, dev, nullptr);
        host.machine = this;
        host.host.dma = ram.dma;
        host.host.msi = [](pci_host *h, uint64_t addr, uint32_t data) {
            Machine *self = reinterpret_cast<Host *>(h)->machine;
            std::lock_guard guard(self->mutex);
            self->messages.push_back({addr, data});
        };
        host.host.intx = [](pci_host *h, bool on) {
            Machine *self = reinterpret_cast<Host *>(h)->machine;
            self->rises += on;
            self->level = on;
        };
        host.host.decode_changed = [](pci_host *) {};
        pci->ops->attach(pci, &host.host);
        find();
        pci->ops->config_write(pci, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    }
    ~Machine() { pci->ops->destroy(pci); }
    uint32_t cfg(unsigned at, unsigned size) { return pci->ops->config_read(pci, at, size); }
    void find()
    {
        for (unsigned at = cfg(0x34, 1); at; at = cfg(at + 1, 1)) {
            if (cfg(at, 1) != 9)
                continue;
            uint64_t *where[] = {nullptr, &common, &notify, &isr, &config};
            unsigned type = cfg(at + 3, 1);
            EXPECT_EQ(cfg(at + 4, 1), 0u);
            if (type < 5)
                *where[type] = cfg(at + 8, 4);
            if (type == 2)
                multiplier = cfg(at + 16, 4);
        }
    }
    template <typename T> T rd(uint64_t at)
    {
        T value;
        pci->ops->bar_read(pci, 0, at, &value, sizeof(value));
        return value;
    }
    template <typename T> void wr(uint64_t at, T value) { pci->ops->bar_write(pci, 0, at, &value, sizeof(value)); }
    uint8_t status() { return rd<uint8_t>(common + 20); }
    void status(uint8_t value) { wr<uint8_t>(common + 20, value); }
    uint64_t offered()
    {
        wr<uint32_t>(common, 0);
        uint64_t low = rd<uint32_t>(common + 4);
        wr<uint32_t>(common, 1);
        return low | static_cast<uint64_t>(rd<uint32_t>(common + 4)) << 32;
    }
    void accept(uint64_t features)
    {
        for (uint32_t half : {0, 1}) {
            wr<uint32_t>(common + 8, half);
            wr<uint32_t>(common + 12, static_cast<uint32_t>(features >> (32 * half)));
        }
    }
    Driver queue(uint16_t number, uint16_t size)
    {
        Driver driver(ram, size, Ram::BASE + 0x40000u * number);
        memset(ram.host + 0x40000u * number, 0, 0x40000); // as a driver does before it tells where they are
        wr<uint16_t>(common + 22, number);
        wr<uint16_t>(common + 24, size);
        for (auto [at, addr] : {std::pair{32u, driver.desc}, {40u, driver.avail}, {48u, driver.used}}) {
            wr<uint32_t>(common + at, static_cast<uint32_t>(addr));
            wr<uint32_t>(common + at + 4, static_cast<uint32_t>(addr >> 32));
        }
        wr<uint16_t>(common + 28, 1);
        return driver;
    }
    void begin(uint64_t features = UINT64_MAX)
    {
        status(0);
        EXPECT_TRUE(eventually([&] { return status() == 0; }));
        status(1);
        status(3);
        accept(offered() & features);
        status(11);
        EXPECT_EQ(status(), 11);
    }
    void kick(unsigned number)
    {
        wr<uint16_t>(common + 22, static_cast<uint16_t>(number));
        wr<uint16_t>(notify + multiplier * rd<uint16_t>(common + 30), static_cast<uint16_t>(number));
    }
    // One request and its answer's length.
    uint32_t run(Driver &driver, unsigned number, const std::vector<Piece> &pieces, bool indirect = false)
    {
        uint32_t id, len = UINT32_MAX;
        uint16_t head = driver.add(pieces, indirect);
        kick(number);
        EXPECT_TRUE(eventually([&] { return driver.take(&id, &len); }));
        EXPECT_EQ(id, head);
        return len;
    }
    size_t complained()
    {
        std::lock_guard guard(mutex);
        return complaints.size();
    }
};

} // namespace virtio_test

#endif
