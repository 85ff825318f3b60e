// SPDX-License-Identifier: GPL-2.0-or-later
// Guests on vGPUs above the real scheduler, driver and software model: a Guest has what a driver has, the Mediated fixture has the GPU.
#pragma once

#include "gpu/blocks/irq_tree.h"
#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"
#include "gpu/defs/stream.h"
#include "gpu/model/model.h"
#include "mmio/vgpu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

constexpr uint64_t kPage = 4096, kMemory = 32 << 20;
constexpr auto kPatience = std::chrono::seconds(30);

// Commands: PRM SKL vol. 2a.
constexpr uint32_t kNoop = 0, kUserInterrupt = 0x02 << 23, kArbCheck = 0x05 << 23, kBatchEnd = 0x0a << 23;
constexpr uint32_t kStoreImm = 0x20 << 23 | 2, kBatchStart = 0x31 << 23 | 1 << 8 | 1;

class Guest : public pci_host {
  public:
    struct Context {
        unsigned engine, number;
        uint64_t gma, image, ring, tables; // global address of the image; guest addresses
        uint32_t ring_gma, tail = 0;
        uint64_t desc;
    };

    uint8_t *memory = static_cast<uint8_t *>(aligned_alloc(2 << 20, kMemory));
    vgpu *v = nullptr;
    pci_device *dev = nullptr;
    uint64_t low = 0;
    std::mutex mutex;
    std::condition_variable changed;
    unsigned message_count = 0;
    std::string failure;
    std::vector<std::string> hangs; // error states as text
    std::atomic<bool> records{false};
    std::vector<std::string> recorded; // submissions as text
    unsigned csb_seen[ENGINE_COUNT];

    Guest(scheduler *sched, driver *drv, unsigned id, trace *events)
    {
        memset(memory, 0, kMemory);
        dma = dma_space_create("guest");
        msi = [](pci_host *h, uint64_t, uint32_t) {
            Guest *self = static_cast<Guest *>(h);
            std::lock_guard lock(self->mutex);
            self->message_count++;
            self->changed.notify_all();
        };
        intx = nullptr;
        decode_changed = nullptr;
        EXPECT_TRUE(dma_space_map(dma, 0, kMemory, memory, DMA_RW, nullptr));
        vgpu_config config = {};
        config.id = id;
        config.name = "guest";
        config.type = vgpu_type_find("i915-GVTg_V5_8");
        config.trace = events;
        config.opaque = this;
        config.failed = [](void *p, const char *reason) {
            Guest *self = static_cast<Guest *>(p);
            std::lock_guard lock(self->mutex);
            self->failure = reason;
            self->changed.notify_all();
        };
        config.hung = [](void *p, const error_state *state) {
            Guest *self = static_cast<Guest *>(p);
            g_autofree char *text = error_state_format(state);
            std::lock_guard lock(self->mutex);
            self->hangs.emplace_back(text);
        };
        config.records = [](void *p) { return static_cast<Guest *>(p)->records.load(); };
        config.recorded = [](void *p, struct stream *stream) {
            g_autoptr(GString) text = g_string_new(nullptr);
            stream_format(stream, text);
            stream_free(stream);
            static_cast<Guest *>(p)->recorded.emplace_back(text->str);
        };
        GError *error = nullptr;
        v = vgpu_create(sched, drv, &config, &error);
        EXPECT_NE(v, nullptr) << (error ? error->message : "");
        dev = vgpu_pci(v);
        dev->ops->attach(dev, this);
        low = read32(R_PVINFO_MAPPABLE_BASE);
        config_write(PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
        config_write(0xac + 4, 4, 0xfee00000);
        config_write(0xac + 2, 2, 1);
        for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
            start_engine(engine);
        for (uint32_t bank : {0x44300, 0x44310, 0x44330}) {
            write32(bank + 4, 0);
            write32(bank + 12, 0xffffffff);
        }
        write32(0x44200, 1u << 31);
    }
    ~Guest()
    {
        vgpu_destroy(v);
        dma_space_unref(dma);
        free(memory);
    }

    uint32_t read32(uint32_t offset)
    {
        uint32_t value = 0;
        dev->ops->bar_read(dev, 0, offset, &value, 4);
        return value;
    }
    void write32(uint32_t offset, uint32_t value) { dev->ops->bar_write(dev, 0, offset, &value, 4); }
    void config_write(unsigned offset, unsigned size, uint32_t value) { dev->ops->config_write(dev, offset, size, value); }
    void bind(uint64_t gma, uint64_t gpa, uint64_t len)
    {
        for (uint64_t at = 0; at < len; at += kPage) {
            uint64_t entry = (gpa + at) | PTE_PRESENT;
            dev->ops->bar_write(dev, 0, GTT_OFFSET + (gma + at) / kPage * 8, &entry, 8);
        }
    }
    void poke(uint64_t gpa, uint32_t value) { __atomic_store_n(reinterpret_cast<uint32_t *>(memory + gpa), value, __ATOMIC_RELEASE); }
    uint32_t peek(uint64_t gpa) { return __atomic_load_n(reinterpret_cast<uint32_t *>(memory + gpa), __ATOMIC_ACQUIRE); }
    void poke64(uint64_t gpa, uint64_t value) { __atomic_store_n(reinterpret_cast<uint64_t *>(memory + gpa), value, __ATOMIC_RELEASE); }

    void put(uint64_t gpa, const std::vector<uint32_t> &commands)
    {
        for (size_t i = 0; i < commands.size(); i++)
            poke(gpa + 4 * i, commands[i]);
    }

    uint64_t hwsp(unsigned engine) { return 0x10000 + engine * kPage; }
    void start_engine(unsigned engine)
    {
        uint32_t base = engine_mmio_base(engine);
        bind(low + engine * kPage, hwsp(engine), kPage);
        memset(memory + hwsp(engine), 0, kPage);
        csb_seen[engine] = CSB_ENTRIES - 1;
        poke(hwsp(engine) + HWSP_CSB_WRITE_DWORD * 4, CSB_ENTRIES - 1);
        write32(base + RING_HWS_PGA, uint32_t(low + engine * kPage));
        write32(base + RING_IMR, ~uint32_t((ENGINE_IRQ_USER | ENGINE_IRQ_CONTEXT_SWITCH) << (engine == ENGINE_BCS0 ? 16 : 0)));
        write32(base + RING_MODE, 0x80008000);
    }

    // Context number n of an engine: 1 MiB of guest memory for its image, ring, page tables and data. Its address space maps the data
    // (256 KiB) at 0 and a batch page range (64 KiB) at 1 MiB.
    Context context(unsigned engine, unsigned n)
    {
        unsigned slot = n * ENGINE_COUNT + engine;
        uint64_t block = (1 + slot) << 20;
        Context c = {engine, n, low + (1 + slot) * 0x100000ull, block, block + 0x20000, block + 0x30000, 0, 0, 0};
        EXPECT_LT(block + 0x100000, kMemory);
        bind(c.gma, c.image, context_pages(engine) * kPage);
        c.ring_gma = uint32_t(c.gma + 0x80000);
        bind(c.ring_gma, c.ring, 4 * kPage);
        uint64_t pml4 = c.tables, pdp = pml4 + kPage, pd = pdp + kPage, pt = pd + kPage;
        poke64(pml4, pdp | 3);
        poke64(pdp, pd | 3);
        poke64(pd, pt | 3);
        for (unsigned i = 0; i < 64; i++)
            poke64(pt + i * 8, (data(c) + i * kPage) | 3);
        for (unsigned i = 0; i < 16; i++)
            poke64(pt + (256 + i) * 8, (batches(c) + i * kPage) | 3);
        uint64_t state = c.image + kPage;
        poke(state + CTX_CONTEXT_CONTROL * 4, 0x00090009); // inhibit restore: the first time
        poke(state + CTX_RING_START * 4, c.ring_gma);
        poke(state + CTX_RING_CTL * 4, 3 << 12 | 1);
        poke(state + CTX_PDP0_LDW * 4, uint32_t(pml4));
        c.desc = uint64_t(slot + 1) << 32 | c.gma | DESC_PRIVILEGE | DESC_ADDRESSING_64 | DESC_VALID;
        return c;
    }
    static uint64_t data(const Context &c) { return c.image + 0x40000; }
    static uint64_t batches(const Context &c) { return c.image + 0xc0000; }

    // Adds commands to the ring; they run with the next submission.
    void emit(Context &c, std::vector<uint32_t> commands)
    {
        if (commands.size() % 2)
            commands.push_back(kNoop);
        for (uint32_t dword : commands) {
            poke(c.ring + c.tail, dword);
            c.tail = (c.tail + 4) % 0x4000;
        }
        poke(c.image + kPage + CTX_RING_TAIL * 4, c.tail);
    }
    void submit(const Context &a, const Context *b = nullptr)
    {
        uint32_t port = engine_mmio_base(a.engine) + RING_ELSP;
        write32(port, b ? uint32_t(b->desc >> 32) : 0);
        write32(port, b ? uint32_t(b->desc) : 0);
        write32(port, uint32_t(a.desc >> 32));
        write32(port, uint32_t(a.desc));
    }
    // The next context status entry of the engine.
    std::pair<uint32_t, uint32_t> status(unsigned engine)
    {
        auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (peek(hwsp(engine) + HWSP_CSB_WRITE_DWORD * 4) == csb_seen[engine]) {
            if (std::chrono::steady_clock::now() > deadline || vgpu_failure(v)) {
                ADD_FAILURE() << "no context status on " << gpu_engine_name(engine) << ": " << (vgpu_failure(v) ?: "timeout");
                return {0, 0};
            }
            std::this_thread::yield();
        }
        csb_seen[engine] = (csb_seen[engine] + 1) % CSB_ENTRIES;
        uint64_t at = hwsp(engine) + (HWSP_CSB_DWORD + 2 * csb_seen[engine]) * 4;
        return {peek(at), peek(at + 4)};
    }
    // Skips entries until the context has ended.
    void wait_complete(const Context &c)
    {
        for (;;) {
            auto [events, id] = status(c.engine);
            if (events == 0 || ((events & CSB_CONTEXT_COMPLETE) && id == uint32_t(c.desc >> 32)))
                return;
        }
    }
    template <typename F> bool wait(F condition)
    {
        auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline)
                return false;
            std::this_thread::yield();
        }
        return true;
    }
    bool wait_messages(unsigned n)
    {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, kPatience, [&] { return message_count >= n; });
    }
    bool wait_failure()
    {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, kPatience, [&] { return !failure.empty(); });
    }
};

class Mediated : public testing::Test {
  protected:
    trace *events = trace_create(1 << 14);
    model *physical = nullptr;
    driver *drv = nullptr;
    scheduler *sched = nullptr;
    std::vector<std::unique_ptr<Guest>> guests;

    void SetUp() override
    {
        GError *error = nullptr;
        model_config model = {};
        model.aperture_size = 256 << 20;
        model.trace = events;
        physical = model_create(&model, &error);
        ASSERT_NE(physical, nullptr) << error->message;
        drv = driver_create(model_gpu(physical), events, &error);
        ASSERT_NE(drv, nullptr) << error->message;
        scheduler_config config = {};
        config.policy = policy_names()[0];
        config.hang_ns = 300000000;
        config.trace = events;
        sched = scheduler_create(drv, &config, &error);
        ASSERT_NE(sched, nullptr) << error->message;
    }
    void TearDown() override
    {
        guests.clear();
        scheduler_destroy(sched);
        driver_destroy(drv);
        trace_destroy(events);
    }
    Guest &guest()
    {
        guests.push_back(std::make_unique<Guest>(sched, drv, unsigned(guests.size() + 1), events));
        return *guests.back();
    }
    // A hung guest resets its render engine, which then executes the guest's context number n, a new one.
    static void recover(Guest &g, unsigned n)
    {
        g.write32(0x2000 + RING_RESET_CTL, 0x10001);
        EXPECT_EQ(g.read32(0x2000 + RING_RESET_CTL) & 2, 2u);
        g.write32(R_GEN6_GDRST, 1 << 1);
        EXPECT_EQ(g.read32(R_GEN6_GDRST), 0u);
        EXPECT_EQ(g.read32(0x2000 + RING_ESR), 0u);
        EXPECT_EQ(g.read32(0x2000 + RING_EIR), 0u);
        g.start_engine(ENGINE_RCS0);
        auto c = g.context(ENGINE_RCS0, n);
        g.emit(c, store(0x404, 77));
        g.submit(c);
        g.wait_complete(c);
        EXPECT_EQ(g.peek(Guest::data(c) + 0x404), 77u);
    }
    static std::vector<uint32_t> store(uint32_t address, uint32_t value) { return {kStoreImm, address, 0, value}; }
    static std::vector<uint32_t> batch(uint32_t address) { return {kBatchStart, address, 0}; }
    static void append(std::vector<uint32_t> &list, const std::vector<uint32_t> &more) { list.insert(list.end(), more.begin(), more.end()); }
};
