// SPDX-License-Identifier: GPL-2.0-or-later
// A vGPU on a little PCI bus with 64 MiB of guest memory, above the stand-ins of fakes.h.
#ifndef MEDIANT_TESTS_MMIO_ALONE_FIXTURE_H
#define MEDIANT_TESTS_MMIO_ALONE_FIXTURE_H

#include "fakes.h"

#include "gpu/blocks/irq_tree.h"
#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"

#include <gtest/gtest.h>

#include <cstring>

constexpr uint64_t kPage = 4096, kMemory = 64 << 20;

class VgpuAlone : public testing::Test {
  protected:
    World world;
    uint8_t *memory = static_cast<uint8_t *>(aligned_alloc(2 << 20, kMemory));
    struct Host : pci_host {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<std::pair<uint64_t, uint32_t>> messages;
        std::vector<bool> levels;
        unsigned moves = 0;
    } host{};
    std::mutex failure_mutex;
    std::condition_variable failure_changed;
    std::vector<std::string> failures;
    trace *events = trace_create(0);
    vgpu *v = nullptr;
    pci_device *dev = nullptr;
    uint64_t low = 0, high = 0; // the partition
    uint64_t trap_limit = 0;

    void SetUp() override
    {
        memset(memory, 0, kMemory);
        host.dma = dma_space_create("guest");
        host.msi = [](pci_host *h, uint64_t addr, uint32_t data) {
            Host *self = static_cast<Host *>(h);
            std::lock_guard lock(self->mutex);
            self->messages.push_back({addr, data});
            self->changed.notify_all();
        };
        host.intx = [](pci_host *h, bool level) {
            Host *self = static_cast<Host *>(h);
            std::lock_guard lock(self->mutex);
            self->levels.push_back(level);
            self->changed.notify_all();
        };
        host.decode_changed = [](pci_host *h) { static_cast<Host *>(h)->moves++; };
        ASSERT_TRUE(dma_space_map(host.dma, 0, kMemory, memory, DMA_RW, nullptr));
        v = create("i915-GVTg_V5_4", 1);
        ASSERT_NE(v, nullptr);
        dev = vgpu_pci(v);
        dev->ops->attach(dev, &host);
        low = read32(R_PVINFO_MAPPABLE_BASE);
        high = read32(R_PVINFO_NONMAPPABLE_BASE);
    }
    void TearDown() override
    {
        vgpu_destroy(v);
        EXPECT_TRUE(world.device.entries.empty()) << "physical entries are left behind";
        EXPECT_TRUE(world.device.mappings.empty()) << "GPU mappings are left behind";
        EXPECT_EQ(world.created, world.freed) << "workloads are left behind";
        dma_space_unref(host.dma);
        trace_destroy(events);
        free(memory);
    }
    vgpu *create(const char *type, unsigned id, GError **error = nullptr)
    {
        vgpu_config config = {};
        config.id = id;
        config.name = "alpha";
        config.type = vgpu_type_find(type);
        config.trap_limit = trap_limit;
        config.trace = events;
        config.opaque = this;
        config.failed = [](void *p, const char *reason) {
            VgpuAlone *self = static_cast<VgpuAlone *>(p);
            std::lock_guard lock(self->failure_mutex);
            self->failures.push_back(reason);
            self->failure_changed.notify_all();
        };
        return vgpu_create(world.sched(), &world.device, &config, error);
    }

    void read(uint64_t offset, void *data, size_t len, unsigned bar = 0) { dev->ops->bar_read(dev, bar, offset, data, len); }
    void write(uint64_t offset, const void *data, size_t len, unsigned bar = 0) { dev->ops->bar_write(dev, bar, offset, data, len); }
    uint32_t read32(uint32_t offset)
    {
        uint32_t value = 0;
        read(offset, &value, 4);
        return value;
    }
    void write32(uint32_t offset, uint32_t value) { write(offset, &value, 4); }
    uint32_t config_read(unsigned offset, unsigned size) { return dev->ops->config_read(dev, offset, size); }
    void config_write(unsigned offset, unsigned size, uint32_t value) { dev->ops->config_write(dev, offset, size, value); }

    uint64_t pte_read(uint64_t gma)
    {
        uint64_t value = 0;
        read(GTT_OFFSET + gma / kPage * 8, &value, 8);
        return value;
    }
    void pte_write(uint64_t gma, uint64_t entry) { write(GTT_OFFSET + gma / kPage * 8, &entry, 8); }
    // Maps len bytes at gma to guest memory at gpa.
    void bind(uint64_t gma, uint64_t gpa, uint64_t len)
    {
        for (uint64_t at = 0; at < len; at += kPage)
            pte_write(gma + at, (gpa + at) | PTE_PRESENT);
    }
    uint32_t &mem32(uint64_t gpa) { return *reinterpret_cast<uint32_t *>(memory + gpa); }
    uint32_t guest32(uint64_t gpa) { return __atomic_load_n(&mem32(gpa), __ATOMIC_ACQUIRE); }
    uint64_t physical(uint64_t gma)
    {
        std::lock_guard lock(world.mutex);
        auto it = world.device.entries.find(gma);
        return it == world.device.entries.end() ? 0 : it->second;
    }
    // Where the GPU sees guest memory at gpa 0.
    uint64_t iova()
    {
        std::lock_guard lock(world.mutex);
        for (auto &[at, mapping] : world.device.mappings)
            if (mapping.host == memory)
                return at;
        return 0;
    }
    void enable_msi(uint32_t data = 0x4321)
    {
        config_write(PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
        config_write(0xac + 4, 4, 0xfee00000);
        config_write(0xac + 12, 2, data);
        config_write(0xac + 2, 2, 1);
    }
    size_t messages()
    {
        std::lock_guard lock(host.mutex);
        return host.messages.size();
    }
    bool wait_messages(size_t n)
    {
        std::unique_lock lock(host.mutex);
        return host.changed.wait_for(lock, std::chrono::seconds(20), [&] { return host.messages.size() >= n; });
    }
    bool wait_failure()
    {
        std::unique_lock lock(failure_mutex);
        return failure_changed.wait_for(lock, std::chrono::seconds(20), [&] { return !failures.empty(); });
    }
    uint64_t count(trace_event event) { return trace_count(events, 1, event); }
};

#endif
