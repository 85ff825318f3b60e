// SPDX-License-Identifier: GPL-2.0-or-later
// The model as a PCI function and as the physical GPU: configuration space, accesses of every size, page table entry halves, messages,
// resets, bus addresses.
#include "gpu/defs/formats.h"
#include "gpu/model/model_internal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <gio/gio.h>
#include <set>
#include <thread>
#include <vector>

namespace {

constexpr uint64_t K4 = 4096, M2 = 2 << 20;

struct Host : pci_host {
    std::atomic<unsigned> messages{0}, moved{0}, levels{0};
    std::atomic<bool> level{false};
    std::atomic<uint64_t> address{0};
    std::atomic<uint32_t> value{0};

    Host() : pci_host{}
    {
        dma = dma_space_create("machine");
        msi = [](pci_host *h, uint64_t addr, uint32_t data) {
            auto *self = static_cast<Host *>(h);
            self->address = addr;
            self->value = data;
            self->messages++;
        };
        intx = [](pci_host *h, bool on) {
            auto *self = static_cast<Host *>(h);
            self->level = on;
            self->levels++;
        };
        decode_changed = [](pci_host *h) { static_cast<Host *>(h)->moved++; };
    }
    ~Host() { dma_space_unref(dma); }
};

class ModelPci : public testing::Test {
  protected:
    Host host;
    struct trace *trace = trace_create(0);
    model *m = nullptr;
    pci_device *dev = nullptr;

    void SetUp() override
    {
        model_config config = {.aperture_size = 0, .trace = trace, .hdmi = false, .vgpu = 3, .monitor = nullptr};
        m = model_create(&config, nullptr);
        ASSERT_NE(m, nullptr);
        dev = model_pci(m);
        dev->ops->attach(dev, &host);
    }
    ~ModelPci() override
    {
        if (dev)
            dev->ops->destroy(dev);
        trace_destroy(trace);
    }
    uint32_t config(unsigned offset, unsigned size = 4) { return dev->ops->config_read(dev, offset, size); }
    void set_config(unsigned offset, uint32_t value, unsigned size = 4) { dev->ops->config_write(dev, offset, size, value); }
    template <typename T> T read(uint64_t offset, unsigned bar = 0)
    {
        T value;
        dev->ops->bar_read(dev, bar, offset, &value, sizeof(value));
        return value;
    }
    template <typename T> void write(uint64_t offset, T value, unsigned bar = 0)
    {
        dev->ops->bar_write(dev, bar, offset, &value, sizeof(value));
    }
    void enable_msi()
    {
        set_config(PCI_REG_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY, 2);
        set_config(0xac + 4, 0xfee01000);
        set_config(0xac + 8, 0);
        set_config(0xac + 12, 0x4041, 2);
        set_config(0xac + 2, 1, 2);
    }
    /* Opens the user interrupt of the render engine up to the master. */
    void open_interrupts()
    {
        write<uint32_t>(0x2000 + RING_IMR, ~uint32_t{ENGINE_IRQ_USER});
        write<uint32_t>(R_GEN8_GT_IMR, 0);
        write<uint32_t>(R_GEN8_GT_IER, 0xffffffff);
        write<uint32_t>(R_GEN8_MASTER_IRQ, 1u << 31);
    }
};

TEST_F(ModelPci, Identity)
{
    EXPECT_EQ(config(0), 0x19128086u);
    EXPECT_EQ(config(8), 0x03000006u);
    EXPECT_EQ(config(0x3d, 1), 1u);
    EXPECT_EQ(config(0x50, 2), 0xc1u) << "8 MiB of entries, no stolen memory, locked";
    set_config(0x50, 0xffff, 2);
    EXPECT_EQ(config(0x50, 2), 0xc1u);
    for (unsigned offset : {0x5cu, 0xe0u, 0xe8u, 0xfcu}) {
        set_config(offset, 0x12345678);
        EXPECT_EQ(config(offset), 0x12345678u) << std::hex << offset;
    }
}

TEST_F(ModelPci, BarSizes)
{
    for (unsigned bar = 0; bar < 6; bar++)
        set_config(0x10 + 4 * bar, 0xffffffff);
    EXPECT_EQ(config(0x10), 0xff000004u);
    EXPECT_EQ(config(0x14), 0xffffffffu);
    EXPECT_EQ(config(0x18), 0xf000000cu);
    EXPECT_EQ(config(0x1c), 0xffffffffu);
    EXPECT_EQ(config(0x20), 0xffffffc1u);
    EXPECT_EQ(config(0x24), 0u);
    set_config(0x10, 0xe0000000);
    set_config(0x14, 0);
    unsigned moved = host.moved;
    set_config(PCI_REG_COMMAND, PCI_COMMAND_MEMORY, 2);
    EXPECT_GT(host.moved, moved);
    EXPECT_EQ(pci_config_bar_address(&dev->config, 0), 0xe0000000u);
}

TEST_F(ModelPci, CapabilitiesLeaveTheDevicesOwnRegistersFree)
{
    std::set<unsigned> ids;
    EXPECT_TRUE(config(PCI_REG_STATUS, 2) & PCI_STATUS_CAPABILITIES);
    unsigned at = config(PCI_REG_CAPABILITIES, 1);
    for (unsigned n = 0; at; n++) {
        ASSERT_LT(n, 10u) << "the list is a loop";
        ASSERT_GE(at, 0x40u);
        ids.insert(config(at, 1));
        if (config(at, 1) == PCI_CAP_ID_MSI) {
            EXPECT_EQ(at, 0xacu);
        }
        at = config(at + 1, 1);
    }
    EXPECT_EQ(ids, (std::set<unsigned>{1, 5, 0x10}));
}

TEST_F(ModelPci, RegistersInPiecesOfEverySize)
{
    uint32_t offset = R_GEN9_GFX_MOCS; // plain memory
    write<uint32_t>(offset, 0x44332211);
    write<uint32_t>(offset + 4, 0x88776655);
    EXPECT_EQ(read<uint32_t>(offset), 0x44332211u);
    EXPECT_EQ(read<uint64_t>(offset), 0x8877665544332211u);
    EXPECT_EQ(read<uint16_t>(offset + 2), 0x4433u);
    EXPECT_EQ(read<uint8_t>(offset + 5), 0x66u);
    EXPECT_EQ(read<uint32_t>(offset + 3), 0x77665544u) << "across two registers";
    write<uint8_t>(offset + 1, 0xaa);
    EXPECT_EQ(read<uint32_t>(offset), 0x4433aa11u);
    write<uint16_t>(offset + 3, 0xccbb);
    EXPECT_EQ(read<uint64_t>(offset), 0x887766ccbb33aa11u);
    write<uint64_t>(offset, 0x0102030405060708);
    EXPECT_EQ(read<uint64_t>(offset), 0x0102030405060708u);

    std::vector<uint8_t> page(K4 + 3);
    dev->ops->bar_read(dev, 0, offset - 1, page.data(), page.size());
    for (unsigned i = 0; i < K4 / 4 - 64; i++) {
        uint32_t value;
        memcpy(&value, &page[1 + 4 * i], 4);
        EXPECT_EQ(value, read<uint32_t>(offset + 4 * i));
    }
}

TEST_F(ModelPci, MaskedAndReadOnlyRegisters)
{
    write<uint32_t>(R_GEN8_HDC_CHICKEN1, 0x00f000a0);
    EXPECT_EQ(read<uint32_t>(R_GEN8_HDC_CHICKEN1), 0xa0u);
    write<uint32_t>(R_GEN8_HDC_CHICKEN1, 0x00200000);
    EXPECT_EQ(read<uint32_t>(R_GEN8_HDC_CHICKEN1), 0x80u);
    write<uint16_t>(R_GEN8_HDC_CHICKEN1, 0xffff);
    EXPECT_EQ(read<uint32_t>(R_GEN8_HDC_CHICKEN1), 0x80u) << "no mask, no change";
    uint32_t fuse = read<uint32_t>(R_GEN8_FUSE2);
    write<uint32_t>(R_GEN8_FUSE2, ~fuse);
    EXPECT_EQ(read<uint32_t>(R_GEN8_FUSE2), fuse);
}

TEST_F(ModelPci, ByteWritesToInterruptStatusClearOnlyTheirByte)
{
    write<uint32_t>(0x2000 + RING_IMR, 0);
    write<uint32_t>(R_GEN8_GT_IMR, 0);
    model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_USER | ENGINE_IRQ_CONTEXT_SWITCH);
    EXPECT_EQ(read<uint32_t>(R_GEN8_GT_IIR), 0x101u);
    write<uint8_t>(R_GEN8_GT_IIR + 1, 1);
    EXPECT_EQ(read<uint32_t>(R_GEN8_GT_IIR), 1u);
}

TEST_F(ModelPci, UnknownRegistersStoreAndAreCounted)
{
    uint64_t before = trace_count(trace, 3, TRACE_UNKNOWN_REGISTER);
    write<uint32_t>(0x1ff000, 0x1234);
    EXPECT_EQ(read<uint32_t>(0x1ff000), 0x1234u);
    EXPECT_EQ(trace_count(trace, 3, TRACE_UNKNOWN_REGISTER), before + 2);
    EXPECT_EQ(read<uint64_t>(R_PVINFO_MAGIC_LO), 0u) << "no vGPU here";
    write<uint64_t>(R_PVINFO_MAGIC_LO, 0x4776544776544776);
    EXPECT_EQ(read<uint64_t>(R_PVINFO_MAGIC_LO), 0u);
    write<uint32_t>(MMIO_SIZE, 5);
    EXPECT_EQ(read<uint32_t>(MMIO_SIZE), 0u) << "reserved";
    std::vector<uint8_t> across(K4, 0xee);
    dev->ops->bar_read(dev, 0, GTT_OFFSET - K4 / 2, across.data(), across.size());
    EXPECT_EQ(across, std::vector<uint8_t>(K4));
}

TEST_F(ModelPci, PageTableEntriesInHalvesAndBytes)
{
    uint64_t at = GTT_OFFSET + 8 * 1000;
    write<uint64_t>(at, 0x1122334455667788);
    EXPECT_EQ(m->ggtt[1000], 0x1122334455667788u);
    write<uint32_t>(at, 0xaaaaaaaa);
    EXPECT_EQ(read<uint64_t>(at), 0x11223344aaaaaaaau);
    write<uint32_t>(at + 4, 0xbbbbbbbb);
    EXPECT_EQ(read<uint64_t>(at), 0xbbbbbbbbaaaaaaaau);
    write<uint8_t>(at + 3, 0x01);
    write<uint16_t>(at + 5, 0x0302);
    EXPECT_EQ(read<uint64_t>(at), 0xbb0302bb01aaaaaau);
    EXPECT_EQ(read<uint32_t>(at + 2), 0x02bb01aau);
    std::vector<uint64_t> entries(64), back(64);
    for (unsigned i = 0; i < entries.size(); i++)
        entries[i] = i * UINT64_C(0x0101010101010101);
    dev->ops->bar_write(dev, 0, at + 4, entries.data(), 512);
    dev->ops->bar_read(dev, 0, at + 4, back.data(), 512);
    EXPECT_EQ(entries, back);
    write<uint64_t>(BAR0_SIZE - 8, 7);
    EXPECT_EQ(m->ggtt[GGTT_ENTRIES - 1], 7u);
}

TEST_F(ModelPci, ApertureReachesMemoryThroughTheGtt)
{
    std::vector<uint8_t> memory(3 * K4);
    auto *page = reinterpret_cast<uint8_t *>((reinterpret_cast<uintptr_t>(memory.data()) + K4 - 1) & ~(K4 - 1));
    ASSERT_TRUE(dma_space_map(host.dma, 0x7000000, 2 * K4, page, DMA_RW, nullptr));
    write<uint64_t>(GTT_OFFSET + 8 * 16, 0x7001000 | PTE_PRESENT);
    write<uint64_t>(GTT_OFFSET + 8 * 17, 0x7000000 | PTE_PRESENT);
    write<uint64_t>(17 * K4 - 4, 0x8877665544332211, 2);
    EXPECT_EQ(page[2 * K4 - 4], 0x11);
    EXPECT_EQ(page[0], 0x55);
    EXPECT_EQ(read<uint64_t>(17 * K4 - 4, 2), 0x8877665544332211u);
    ASSERT_TRUE(dma_space_unmap(host.dma, 0x7000000, 2 * K4, nullptr));
    EXPECT_EQ(read<uint32_t>(16 * K4, 2), 0xffffffffu);
}

TEST_F(ModelPci, IndexAndDataPortsReachBar0)
{
    write<uint32_t>(0, R_GEN9_GFX_MOCS, 4);
    write<uint32_t>(4, 0xcafe, 4);
    EXPECT_EQ(read<uint32_t>(R_GEN9_GFX_MOCS), 0xcafeu);
    EXPECT_EQ(read<uint32_t>(4, 4), 0xcafeu);
    EXPECT_EQ(read<uint32_t>(0, 4), uint32_t{R_GEN9_GFX_MOCS});
    write<uint32_t>(0, 8 * 5 | 1, 4);
    write<uint32_t>(4, 0x5001, 4);
    EXPECT_EQ(m->ggtt[5], 0x5001u);
    write<uint32_t>(0, 0xffffffff, 4);
    write<uint32_t>(4, 0x5002, 4);
    EXPECT_EQ(read<uint32_t>(4, 4), 0xffffffffu);
    EXPECT_EQ(read<uint32_t>(60, 4), 0xffffffffu);
}

TEST_F(ModelPci, MessagesGoOutAsTheTreeAsks)
{
    enable_msi();
    open_interrupts();
    model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_CONTEXT_SWITCH);
    EXPECT_EQ(host.messages, 0u) << "masked by the engine";
    EXPECT_EQ(read<uint32_t>(R_GEN8_GT_IIR), 0u);
    model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_USER | ENGINE_IRQ_CONTEXT_SWITCH);
    EXPECT_EQ(host.messages, 1u);
    EXPECT_EQ(host.address, 0xfee01000u);
    EXPECT_EQ(host.value, 0x4041u);
    EXPECT_EQ(read<uint32_t>(R_GEN8_GT_IIR), 1u);
    model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_USER);
    EXPECT_EQ(host.messages, 1u) << "the line is up already";
    write<uint32_t>(R_GEN8_MASTER_IRQ, 0);
    write<uint32_t>(R_GEN8_GT_IIR, 1);
    write<uint32_t>(R_GEN8_MASTER_IRQ, 1u << 31);
    EXPECT_EQ(host.messages, 2u) << "the second event was kept";
    EXPECT_EQ(trace_count(trace, 3, TRACE_MODEL_IRQ), 2u);
    EXPECT_EQ(host.levels, 0u);
}

TEST_F(ModelPci, WithoutMsiThePinFollowsTheLine)
{
    open_interrupts();
    model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_USER);
    EXPECT_TRUE(host.level);
    EXPECT_EQ(host.messages, 0u);
    EXPECT_TRUE(config(PCI_REG_STATUS, 2) & PCI_STATUS_INTERRUPT);
    set_config(PCI_REG_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
    EXPECT_FALSE(host.level);
    set_config(PCI_REG_COMMAND, 0, 2);
    EXPECT_TRUE(host.level);
    write<uint32_t>(R_GEN8_GT_IIR, 1);
    EXPECT_FALSE(host.level);
    model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_USER);
    EXPECT_TRUE(host.level);
    enable_msi();
    EXPECT_FALSE(host.level);
    EXPECT_EQ(host.messages, 1u) << "what was pending is not lost";
}

TEST_F(ModelPci, GraphicsResetEndsAtOnce)
{
    write<uint32_t>(R_GEN9_GFX_MOCS, 0x33);
    write<uint32_t>(R_FENCE_REG, 0x1001);
    write<uint32_t>(0x22000 + RING_START, 0x5000);
    write<uint32_t>(R_GEN6_GDRST, 1 << 1);
    EXPECT_EQ(read<uint32_t>(R_GEN6_GDRST), 0u);
    EXPECT_EQ(read<uint32_t>(R_GEN9_GFX_MOCS), 0x33u);
    EXPECT_EQ(read<uint32_t>(0x22000 + RING_START), 0x5000u) << "only the render engine was reset";
    write<uint32_t>(R_GEN6_GDRST, 1);
    EXPECT_EQ(read<uint32_t>(R_GEN6_GDRST), 0u);
    EXPECT_EQ(read<uint32_t>(R_GEN9_GFX_MOCS), 0u);
    EXPECT_EQ(read<uint32_t>(0x22000 + RING_START), 0u);
    EXPECT_EQ(read<uint32_t>(R_FENCE_REG), 0x1001u) << "not a part of the GT";
    write<uint32_t>(R_GEN9_GFX_MOCS, 0x33);
    model_mmio_command_write(m, R_GEN6_GDRST, 1);
    EXPECT_EQ(read<uint32_t>(R_GEN9_GFX_MOCS), 0x33u) << "a command cannot reset the engine that runs it";
}

TEST_F(ModelPci, TlbInvalidationRegistersReadDone)
{
    for (uint32_t offset : {R_GEN8_RTCR, R_GEN8_M1TCR, R_GEN8_BTCR, R_GEN8_VTCR}) {
        write<uint32_t>(offset, 1);
        EXPECT_EQ(read<uint32_t>(offset), 0u);
    }
    uint64_t flushes = m->ggtt_flushes;
    write<uint32_t>(R_GFX_FLSH_CNTL, 1);
    EXPECT_GT(m->ggtt_flushes, flushes);
}

TEST_F(ModelPci, FunctionLevelReset)
{
    enable_msi();
    set_config(0x10, 0xe0000000);
    open_interrupts();
    write<uint32_t>(R_FENCE_REG, 0x1001);
    write<uint64_t>(GTT_OFFSET, 0x1001);
    write<uint32_t>(0x1ff000, 0x1234);
    model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_USER);
    unsigned moved = host.moved;
    ASSERT_TRUE(config(0x70 + 4) & 1 << 28) << "the capability says so";
    set_config(0x70 + 8, 1 << 15, 2);
    EXPECT_EQ(config(0x70 + 8, 2), 0u);
    EXPECT_EQ(read<uint32_t>(R_FENCE_REG), 0u);
    EXPECT_EQ(read<uint64_t>(GTT_OFFSET), 0u);
    EXPECT_EQ(read<uint32_t>(0x1ff000), 0u);
    EXPECT_EQ(read<uint32_t>(R_GEN8_MASTER_IRQ), 0u);
    EXPECT_EQ(read<uint32_t>(R_GEN8_GT_IMR), 0xffffffffu);
    EXPECT_EQ(config(PCI_REG_COMMAND, 2), 0u);
    EXPECT_EQ(config(0x10), 4u);
    EXPECT_GT(host.moved, moved);
    set_config(0xfc, 0x1000);
    dev->ops->reset(dev);
    EXPECT_EQ(config(0xfc), 0u) << "a bus reset clears the device's own bytes too";
    EXPECT_EQ(config(0x50, 2), 0xc1u);
}

/* For the thread sanitizer, and for deadlocks: accesses, interrupts, config writes and resets at once. */
TEST_F(ModelPci, ManyThreadsAtOnce)
{
    enable_msi();
    open_interrupts();
    std::atomic<bool> stop{false};
    auto forever = [&](auto body) { return std::thread([&stop, body] { while (!stop) body(); }); };
    std::vector<std::thread> threads;
    threads.push_back(forever([&] { model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_USER); }));
    threads.push_back(forever([&] {
        write<uint32_t>(R_GEN8_MASTER_IRQ, 0);
        write<uint32_t>(R_GEN8_GT_IIR, read<uint32_t>(R_GEN8_GT_IIR));
        write<uint32_t>(R_GEN8_MASTER_IRQ, 1u << 31);
    }));
    threads.push_back(forever([&] {
        set_config(0xac + 2, 0, 2);
        set_config(0xac + 2, 1, 2);
    }));
    threads.push_back(forever([&] {
        write<uint32_t>(R_GEN6_GDRST, 1 << 1);
        write<uint32_t>(0x2000 + RING_IMR, ~uint32_t{ENGINE_IRQ_USER});
        write<uint32_t>(R_GEN8_RTCR, 1);
        write<uint64_t>(GTT_OFFSET, read<uint64_t>(GTT_OFFSET) + 0x1000);
    }));
    int64_t end = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
    while (host.messages < 100 && g_get_monotonic_time() < end)
        std::this_thread::yield();
    stop = true;
    for (auto &thread : threads)
        thread.join();
    EXPECT_GE(host.messages, 100u);
}

TEST(ModelCreate, ApertureMustBeAPowerOfTwo)
{
    for (uint64_t size : {UINT64_C(128) << 20, UINT64_C(8) << 30, UINT64_C(300) << 20}) {
        model_config config = {.aperture_size = size, .trace = nullptr, .hdmi = false, .vgpu = 0, .monitor = nullptr};
        GError *error = nullptr;
        EXPECT_EQ(model_create(&config, &error), nullptr);
        ASSERT_NE(error, nullptr);
        g_error_free(error);
    }
    model_config config = {.aperture_size = UINT64_C(4) << 30, .trace = nullptr, .hdmi = false, .vgpu = 0, .monitor = nullptr};
    model *m = model_create(&config, nullptr);
    ASSERT_NE(m, nullptr);
    EXPECT_EQ(model_gpu(m)->info.aperture_size, UINT64_C(4) << 30);
    model_destroy(m);
    model_destroy(nullptr);
}

TEST(ModelCreate, ManyAtOnce)
{
    std::vector<model *> models;
    for (int i = 0; i < 12; i++) {
        model_config config = {.aperture_size = 0, .trace = nullptr, .hdmi = false, .vgpu = 0, .monitor = nullptr};
        models.push_back(model_create(&config, nullptr));
        ASSERT_NE(models.back(), nullptr);
        gpu_write32(model_gpu(models.back()), R_GEN9_GFX_MOCS, i);
    }
    for (int i = 0; i < 12; i++) {
        EXPECT_EQ(gpu_read32(model_gpu(models[i]), R_GEN9_GFX_MOCS), static_cast<uint32_t>(i));
        model_destroy(models[i]);
    }
}

class ModelGpu : public testing::Test {
  protected:
    gpu *g = nullptr;
    model *m = nullptr;
    void SetUp() override
    {
        model_config config = {.aperture_size = 0, .trace = nullptr, .hdmi = false, .vgpu = 0, .monitor = nullptr};
        m = model_create(&config, nullptr);
        ASSERT_NE(m, nullptr);
        g = model_gpu(m);
    }
    ~ModelGpu() override { gpu_destroy(g); }
};

TEST_F(ModelGpu, RegistersAndEntries)
{
    EXPECT_EQ(g->info.device, 0x1912);
    EXPECT_EQ(g->info.fences, 32u);
    EXPECT_EQ(g->info.ggtt_size, UINT64_C(4) << 30);
    gpu_write32(g, R_GEN9_GFX_MOCS, 5);
    EXPECT_EQ(gpu_read32(g, R_GEN9_GFX_MOCS), 5u);
    EXPECT_EQ(gpu_read32(g, R_GEN9_GFX_MOCS + 1), 0xffffffffu);
    EXPECT_EQ(gpu_read32(g, MMIO_SIZE), 0xffffffffu);
    gpu_write32(g, MMIO_SIZE, 1);
    g->ops->pte_write(g, GGTT_ENTRIES - 1, 0x1001);
    EXPECT_EQ(g->ops->pte_read(g, GGTT_ENTRIES - 1), 0x1001u);
    g->ops->pte_write(g, GGTT_ENTRIES, 0x1001);
    EXPECT_EQ(g->ops->pte_read(g, GGTT_ENTRIES), 0u);
    ASSERT_TRUE(g->ops->reset(g, nullptr));
    EXPECT_EQ(g->ops->pte_read(g, GGTT_ENTRIES - 1), 0u);
    EXPECT_EQ(gpu_read32(g, R_GEN9_GFX_MOCS), 0u);
}

TEST_F(ModelGpu, BusAddresses)
{
    auto *memory = static_cast<uint8_t *>(aligned_alloc(M2, 8 * M2));
    std::vector<std::pair<uint64_t, uint64_t>> mapped;
    for (uint64_t offset : {UINT64_C(0), K4, M2, M2 + 3 * K4}) {
        for (uint64_t size : {K4, 5 * K4, M2, 2 * M2 + K4}) {
            uint64_t iova;
            ASSERT_TRUE(g->ops->dma_map(g, memory + offset, size, DMA_RW, &iova, nullptr));
            EXPECT_EQ(iova % K4, 0u);
            EXPECT_NE(iova, 0u);
            EXPECT_LE(iova + size, UINT64_C(1) << 39);
            if (size >= M2) {
                EXPECT_EQ(iova % M2, offset % M2) << "huge pages stay possible";
            }
            for (auto &other : mapped)
                EXPECT_TRUE(iova + size <= other.first || other.first + other.second <= iova);
            mapped.push_back({iova, size});
            g->ops->pte_write(g, 1, iova | PTE_PRESENT);
            uint32_t value = iova >> 12;
            ASSERT_TRUE(model_ggtt_write(m, 0x1000, &value, 4));
            EXPECT_EQ(memcmp(memory + offset, &value, 4), 0);
        }
    }
    uint64_t iova;
    GError *error = nullptr;
    EXPECT_FALSE(g->ops->dma_map(g, memory, 100, DMA_RW, &iova, &error));
    g_clear_error(&error);
    EXPECT_FALSE(g->ops->dma_map(g, memory, UINT64_C(1) << 39, DMA_RW, &iova, &error)) << "more than there is";
    g_clear_error(&error);
    EXPECT_FALSE(g->ops->dma_map(g, memory, UINT64_MAX & ~(K4 - 1), DMA_RW, &iova, &error));
    g_clear_error(&error);
    for (auto &range : mapped)
        g->ops->dma_unmap(g, range.first, range.second);
    uint32_t value;
    EXPECT_FALSE(model_ggtt_read(m, 0x1000, &value, 4));
    ASSERT_TRUE(g->ops->dma_map(g, memory, M2, DMA_RW, &iova, nullptr));
    EXPECT_GT(iova, mapped.back().first) << "freed addresses are not reused at once";
    g->ops->dma_unmap(g, iova, M2);
    free(memory);
}

TEST_F(ModelGpu, InterruptsCallBack)
{
    std::atomic<int> calls{0};
    g->ops->set_irq(g, [](void *p) { ++*static_cast<std::atomic<int> *>(p); }, &calls);
    gpu_write32(g, 0x2000 + RING_IMR, 0);
    gpu_write32(g, R_GEN8_GT_IMR, 0);
    gpu_write32(g, R_GEN8_GT_IER, 0xffffffff);
    gpu_write32(g, R_GEN8_MASTER_IRQ, 1u << 31);
    model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_USER);
    EXPECT_EQ(calls, 1);
    gpu_write32(g, R_GEN8_GT_IIR, 1);
    g->ops->set_irq(g, nullptr, nullptr);
    model_engine_irq(m, ENGINE_RCS0, ENGINE_IRQ_USER);
    EXPECT_EQ(calls, 1);
}

} // namespace
