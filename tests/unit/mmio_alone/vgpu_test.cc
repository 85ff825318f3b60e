// SPDX-License-Identifier: GPL-2.0-or-later
// The vGPU without engines: resources, config space, PVINFO, global GTT, aperture, registers, interrupts, failure, reset, and what a
// hostile guest may write.
#include "fixture.h"

#include "gpu/blocks/image.h"
#include "gpu/blocks/opregion.h"

#include <random>

namespace {

TEST(VgpuTypes, AreTheKernels)
{
    struct {
        const char *name;
        uint64_t low_mib, high_mib;
        unsigned fences, weight, width, height;
    } expected[] = {
        {"i915-GVTg_V5_1", 512, 2048, 4, 16, 1920, 1200},
        {"i915-GVTg_V5_2", 256, 1024, 4, 8, 1920, 1200},
        {"i915-GVTg_V5_4", 128, 512, 4, 4, 1920, 1200},
        {"i915-GVTg_V5_8", 64, 384, 4, 2, 1024, 768},
        {"i915-GVTg_V5_16", 32, 128, 4, 1, 1024, 768}, // from here on ours
        {"i915-GVTg_V5_32", 16, 64, 4, 1, 1024, 768},
        {"i915-GVTg_V5_64", 8, 32, 4, 1, 1024, 768},
    };
    for (auto &e : expected) {
        const vgpu_type *t = vgpu_type_find(e.name);
        ASSERT_NE(t, nullptr) << e.name;
        EXPECT_EQ(t->low_gm, e.low_mib << 20);
        EXPECT_EQ(t->high_gm, e.high_mib << 20);
        EXPECT_EQ(t->fences, e.fences);
        EXPECT_EQ(t->weight, e.weight);
        EXPECT_EQ(t->width, e.width);
        EXPECT_EQ(t->height, e.height);
    }
    EXPECT_EQ(vgpu_type_find("i915-GVTg_V5_3"), nullptr);
}

TEST_F(VgpuAlone, ErrorsNameWhatIsExhausted)
{
    GError *error = nullptr;
    EXPECT_EQ(create("i915-GVTg_V5_1", 2, &error), nullptr);
    EXPECT_STREQ(error->message, "alpha: type i915-GVTg_V5_1 needs 512 MiB of low graphics memory, 0 MiB are left");
    g_clear_error(&error);
    world.device.low_end = uint64_t(1) << 30;
    world.device.high_end = world.device.next_high + (100 << 20);
    EXPECT_EQ(create("i915-GVTg_V5_8", 2, &error), nullptr);
    EXPECT_STREQ(error->message, "alpha: type i915-GVTg_V5_8 needs 384 MiB of high graphics memory, 100 MiB are left");
    g_clear_error(&error);
    EXPECT_EQ(world.device.next_low, 0x10000000u) << "what was taken is given back";
}

TEST_F(VgpuAlone, ConfigSpaceIsASkylakeWithoutStolenMemory)
{
    EXPECT_EQ(config_read(0, 4), 0x19128086u);
    EXPECT_EQ(config_read(8, 4), 0x03000006u);
    EXPECT_EQ(config_read(0x50, 2), 0x00c0u) << "GGMS 8 MiB, GMS 0";
    EXPECT_EQ(config_read(0x34, 1), 0xacu);
    EXPECT_EQ(config_read(0xac, 2), 0xd005u);
    EXPECT_EQ(config_read(0xd0, 2), 0x0001u);
    // Sizing.
    config_write(0x10, 4, 0xffffffff);
    config_write(0x14, 4, 0xffffffff);
    EXPECT_EQ(config_read(0x10, 4), 0xff000004u);
    EXPECT_EQ(config_read(0x14, 4), 0xffffffffu);
    config_write(0x18, 4, 0xffffffff);
    EXPECT_EQ(config_read(0x18, 4), 0xf000000cu);
    // Firmware writes OpRegion and stolen base; GGC is read-only.
    config_write(0xfc, 4, 0x1fffe000);
    config_write(0x5c, 4, 0x1cf00000);
    config_write(0x50, 2, 0xffff);
    EXPECT_EQ(config_read(0xfc, 4), 0x1fffe000u);
    EXPECT_EQ(config_read(0x5c, 4), 0x1cf00000u);
    EXPECT_EQ(config_read(0x50, 2), 0x00c0u);
    // Software SCIs of the OpRegion, which asks for none: writes go nowhere.
    for (unsigned swsci : {0xe0, 0xe8}) {
        config_write(swsci, 4, 0xffffffff);
        EXPECT_EQ(config_read(swsci, 4), 0u);
    }
    // Power states, and decoding told to the host.
    config_write(0xd4, 2, 3);
    EXPECT_EQ(config_read(0xd4, 2) & 3, 3u);
    config_write(0x10, 4, 0xe0000000);
    config_write(0x14, 4, 0);
    EXPECT_EQ(host.moves, 0u);
    config_write(PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY);
    EXPECT_EQ(host.moves, 1u);
    EXPECT_EQ(pci_config_bar_address(&dev->config, 0), 0xe0000000u);
    dev->ops->reset(dev);
    EXPECT_EQ(config_read(PCI_REG_COMMAND, 2), 0u);
    EXPECT_EQ(config_read(0xfc, 4), 0u);
    // Our own machine is the firmware.
    EXPECT_TRUE(opregion_install(dev, host.dma, 0xe0000));
    EXPECT_EQ(config_read(0xfc, 4), 0xe0000u);
    EXPECT_EQ(memcmp(memory + 0xe0000, "IntelGraphicsMem", 16), 0);
    EXPECT_GT(count(TRACE_TRAP_CONFIG), 10u);
}

TEST_F(VgpuAlone, PvinfoInEveryWidth)
{
    uint64_t magic = 0;
    uint16_t half = 0;
    read(0x78000, &magic, 8);
    EXPECT_EQ(magic, 0x4776544776544776u);
    read(0x78008, &half, 2);
    EXPECT_EQ(half, 1u);
    read(0x7800a, &half, 2);
    EXPECT_EQ(half, 0u);
    EXPECT_EQ(read32(0x7800c), 1u);
    EXPECT_EQ(read32(0x78010), 0x1cu);
    EXPECT_EQ(read32(0x78040), 0x8000000u);
    EXPECT_EQ(read32(0x78044), 128u << 20);
    EXPECT_EQ(read32(0x78048), 0x18000000u);
    EXPECT_EQ(read32(0x7804c), 512u << 20);
    EXPECT_EQ(read32(0x78050), 4u);
    write32(0x78010, 0xffffffff);
    EXPECT_EQ(read32(0x78010), 0x1cu) << "read-only";
    write32(0x78804, 1);
    EXPECT_EQ(read32(0x78804), 1u);
    // Page table notes: repeated and for tables that never were.
    uint64_t pdp = 0x1234000;
    write(0x78838, &pdp, 8);
    for (uint32_t what = 0; what < 12; what++) {
        write32(0x78818, what);
        write32(0x78818, what);
    }
    EXPECT_EQ(vgpu_failure(v), nullptr);
    EXPECT_GT(count(TRACE_TRAP_PVINFO), 30u);
    EXPECT_EQ(count(TRACE_UNKNOWN_REGISTER), 0u);
}

TEST_F(VgpuAlone, InsufficientResourceDisablesTheVgpuOnce)
{
    write32(0x78808, 1);
    write32(0x7880c, 2);
    ASSERT_TRUE(wait_failure());
    ASSERT_NE(vgpu_failure(v), nullptr);
    EXPECT_NE(strstr(vgpu_failure(v), "i915-GVTg_V5_4"), nullptr) << vgpu_failure(v);
    EXPECT_EQ(failures.size(), 1u);
    EXPECT_EQ(count(TRACE_VGPU_FAILED), 1u);
    // Reads are plain, writes are gone, everywhere.
    write32(0x24d0, 0x55);
    EXPECT_EQ(read32(0x24d0), 0u);
    EXPECT_EQ(read32(0x78010), 0x1cu);
    bind(low, 0x100000, kPage);
    EXPECT_EQ(pte_read(low), 0u);
    GError *error = nullptr;
    EXPECT_EQ(vgpu_screenshot(v, &error), nullptr);
    EXPECT_NE(strstr(error->message, "disabled"), nullptr) << error->message;
    g_clear_error(&error);
    // A device reset brings it back; the old reason stays readable.
    const char *reason = vgpu_failure(v);
    dev->ops->reset(dev);
    EXPECT_EQ(vgpu_failure(v), nullptr);
    EXPECT_NE(strstr(reason, "PVINFO"), nullptr);
    write32(0x24d0, 0x55);
    EXPECT_EQ(read32(0x24d0), 0x55u);
}

TEST_F(VgpuAlone, GlobalEntriesFollowTheGuestWithinItsPartition)
{
    pte_write(low, 0x100000 | 1);
    EXPECT_EQ(pte_read(low), 0x100001u);
    EXPECT_EQ(physical(low), (iova() + 0x100000) | PTE_PRESENT | PTE_WRITE);
    // The last page of each part, and the first beyond on both sides.
    uint64_t low_end = low + (128 << 20), high_end = high + (512 << 20);
    for (uint64_t inside : {low, low_end - kPage, high, high_end - kPage}) {
        pte_write(inside, 0x200000 | 1);
        EXPECT_EQ(pte_read(inside), 0x200001u) << std::hex << inside;
        EXPECT_EQ(physical(inside), (iova() + 0x200000) | PTE_PRESENT | PTE_WRITE);
    }
    for (uint64_t outside : {uint64_t(0), low - kPage, low_end, high - kPage, high_end, (uint64_t(4) << 30) - kPage}) {
        pte_write(outside, 0x200000 | 1);
        EXPECT_EQ(pte_read(outside), 0u) << std::hex << outside;
        EXPECT_EQ(physical(outside), 0u);
    }
    // Addresses that are no guest memory, and entries that are not present: scratch.
    pte_write(low, kMemory | 1);
    EXPECT_EQ(physical(low), 0u);
    EXPECT_EQ(pte_read(low), kMemory | 1);
    pte_write(low, 0x300000);
    EXPECT_EQ(physical(low), 0u);
    // Halves, and a block of entries in one access.
    uint32_t half = 0x400001;
    write(GTT_OFFSET + low / kPage * 8, &half, 4);
    EXPECT_EQ(physical(low), (iova() + 0x400000) | PTE_PRESENT | PTE_WRITE);
    half = 0x7f;
    write(GTT_OFFSET + low / kPage * 8 + 4, &half, 4);
    EXPECT_EQ(physical(low), 0u);
    EXPECT_EQ(pte_read(low), 0x7f00400001u);
    std::vector<uint64_t> block(300);
    for (unsigned i = 0; i < block.size(); i++)
        block[i] = i * kPage | 1;
    write(GTT_OFFSET + (low / kPage + 8) * 8 + 3, reinterpret_cast<uint8_t *>(block.data()) + 3, block.size() * 8 - 3);
    EXPECT_EQ(physical(low + (8 + 299) * kPage), (iova() + 299 * kPage) | PTE_PRESENT | PTE_WRITE);
    std::vector<uint64_t> back(300);
    read(GTT_OFFSET + (low / kPage + 8) * 8, back.data(), back.size() * 8);
    EXPECT_TRUE(std::equal(block.begin() + 1, block.end(), back.begin() + 1));
    // The flush is the guest's to ask for, and only when something changed.
    unsigned before = world.device.flushes;
    write32(R_GFX_FLSH_CNTL, 1);
    write32(R_GFX_FLSH_CNTL, 1);
    EXPECT_EQ(world.device.flushes, before + 1);
    dev->ops->reset(dev);
    EXPECT_EQ(pte_read(high), 0u);
    EXPECT_EQ(physical(high), 0u);
}

TEST_F(VgpuAlone, GlobalEntriesFollowGuestMemory)
{
    uint8_t *more = static_cast<uint8_t *>(aligned_alloc(4096, 4 << 20));
    pte_write(low, 0x10000000 | 1);
    pte_write(high, 0x10001000 | 1);
    EXPECT_EQ(physical(low), 0u);
    ASSERT_TRUE(dma_space_map(host.dma, 0x10000000, 4 << 20, more, DMA_READ, nullptr));
    uint64_t at = physical(low) & PTE_ADDRESS;
    EXPECT_NE(at, 0u);
    EXPECT_EQ(physical(high) & PTE_ADDRESS, at + kPage);
    EXPECT_EQ(world.device.mappings[at].prot, unsigned(DMA_READ));
    ASSERT_TRUE(dma_space_unmap(host.dma, 0x10000000, 4 << 20, nullptr)); // the fake checks that no entry is left
    EXPECT_EQ(physical(low), 0u);
    EXPECT_EQ(pte_read(low), 0x10000001u) << "the guest's entry stays";
    free(more);
}

TEST_F(VgpuAlone, ApertureReadsAndWritesThroughTheGuestsEntriesAndFences)
{
    bind(low, 0x200000, 16 * kPage);
    uint8_t buf[64];
    for (unsigned i = 0; i < sizeof(buf); i++)
        buf[i] = i + 1;
    write(low + kPage - 10, buf, 20, 2); // across a page
    EXPECT_EQ(memcmp(memory + 0x200000 + kPage - 10, buf, 20), 0);
    // An X-tiled fence with a pitch of 512 bytes x 2: row 0 byte 512 is the second tile.
    uint64_t fence = uint64_t(low + 15 * kPage) << 32 | uint64_t(1024 / 128 - 1) << 32 | low | 1;
    write(R_FENCE_REG + 8 * 3, &fence, 8);
    uint32_t value = 0xabcd1234;
    write(low + 512, &value, 4, 2);
    EXPECT_EQ(mem32(0x200000 + kPage), 0xabcd1234u);
    value = 0x77;
    write(low + 1024, &value, 4, 2);
    EXPECT_EQ(mem32(0x200000 + 512), 0x77u) << "row 1 of the first tile";
    value = 0;
    read(low + 512, &value, 4, 2);
    EXPECT_EQ(value, 0xabcd1234u);
    // Fences beyond the vGPU's four do not exist.
    write(R_FENCE_REG + 8 * 4, &fence, 8);
    EXPECT_EQ(read32(R_FENCE_REG + 8 * 4), 0u);
    // Outside of the partition there is nothing.
    read(0, &value, 4, 2);
    EXPECT_EQ(value, 0xffffffffu);
    write(0, &value, 4, 2);
    EXPECT_EQ(count(TRACE_TRAP_APERTURE), 6u);
}

TEST_F(VgpuAlone, RegistersFollowTheTable)
{
    EXPECT_EQ(read32(R_CTC_MODE), 4u);
    EXPECT_EQ(read32(R_GUC_WOPCM_SIZE) & 1, 0u);
    EXPECT_EQ(read32(R_DMA_GUC_WOPCM_OFFSET) & 1, 0u);
    write32(R_CTC_MODE, 0);
    EXPECT_EQ(read32(R_CTC_MODE), 4u) << "read-only";
    // Masked.
    uint32_t mode = 0x2000 + RING_MODE;
    write32(mode, 0x80008000);
    EXPECT_EQ(read32(mode), 0x8000u);
    write32(mode, 0x00000100);
    EXPECT_EQ(read32(mode), 0x8000u);
    write32(mode, 0x80000000);
    EXPECT_EQ(read32(mode), 0u);
    // Bytes of plain and masked registers.
    uint8_t byte = 0xaa;
    write(0xc800 + 1, &byte, 1);
    EXPECT_EQ(read32(0xc800), 0xaa00u);
    // Engines: idle, reset handshake, time.
    EXPECT_EQ(read32(0x2000 + RING_MI_MODE) & 0x200, 0x200u);
    EXPECT_EQ(read32(0x2000 + RING_INSTDONE), 0xffffffffu);
    EXPECT_EQ(read32(0x2000 + RING_ESR), 0u);
    write32(0x22000 + RING_RESET_CTL, 0x00010001);
    EXPECT_EQ(read32(0x22000 + RING_RESET_CTL) & 2, 2u);
    write32(0x22000 + RING_RESET_CTL, 0x00010000);
    EXPECT_EQ(read32(0x22000 + RING_RESET_CTL) & 3, 0u);
    EXPECT_EQ(read32(0x2000 + RING_TIMESTAMP), 0x1234u);
    // Graphics reset: done when it is read back; engine state is gone, display and PVINFO stay.
    write32(0x22000 + RING_HWS_PGA, low);
    write32(0x2000 + RING_HWS_PGA, low + kPage);
    write32(R_GEN6_GDRST, 1 << 3); // blitter
    EXPECT_EQ(read32(R_GEN6_GDRST), 0u);
    EXPECT_EQ(read32(0x22000 + RING_HWS_PGA), 0u);
    EXPECT_EQ(read32(0x2000 + RING_HWS_PGA), low + kPage);
    write32(0xc800, 5);
    write32(R_GEN6_GDRST, 1);
    EXPECT_EQ(read32(R_GEN6_GDRST), 0u);
    EXPECT_EQ(read32(0x2000 + RING_HWS_PGA), 0u);
    EXPECT_EQ(read32(0xc800), 0u);
    EXPECT_EQ(read32(0x78010), 0x1cu);
    EXPECT_EQ(count(TRACE_VGPU_RESET), 2u);
    // Unknown offsets are memory, and say so.
    EXPECT_EQ(count(TRACE_UNKNOWN_REGISTER), 0u);
    write32(0x1ffffc, 0x99);
    EXPECT_EQ(read32(0x1ffffc), 0x99u);
    EXPECT_EQ(count(TRACE_UNKNOWN_REGISTER), 2u);
    // Between the registers and the GTT there is nothing.
    EXPECT_EQ(read32(0x200000), 0u);
    // Long accesses.
    uint32_t many[64] = {1, 2, 3};
    write(0xc800, many, sizeof(many));
    EXPECT_EQ(read32(0xc808), 3u);
}

TEST_F(VgpuAlone, InterruptsReachTheGuestByMessageOrPin)
{
    // Blitter: user interrupt, masked at first at the engine, then at the bank, then off at the master.
    write32(0x44300 + 4, 0);
    write32(0x44300 + 12, 0xffffffff);
    world.interrupt(ENGINE_BCS0, WORKLOAD_IRQ_USER);
    EXPECT_EQ(read32(0x44308), 0u) << "masked by the engine's IMR";
    write32(0x22000 + RING_IMR, ~uint32_t(WORKLOAD_IRQ_USER)); // the layout is the bank's: the blitter has the upper half (i915's 0xf6f6ffff)
    world.interrupt(ENGINE_BCS0, WORKLOAD_IRQ_USER);
    EXPECT_EQ(read32(0x44308), 0u) << "still masked";
    write32(0x22000 + RING_IMR, ~(uint32_t(WORKLOAD_IRQ_USER) << 16));
    world.interrupt(ENGINE_BCS0, WORKLOAD_IRQ_USER | WORKLOAD_IRQ_NOTIFY);
    while (read32(0x44308) == 0) // the thread is between taking the bits and setting them
        sched_yield();
    EXPECT_EQ(read32(0x44308), 1u << 16);
    EXPECT_EQ(read32(0x44200), 2u);
    EXPECT_EQ(messages(), 0u);
    enable_msi();
    EXPECT_EQ(messages(), 0u);
    write32(0x44200, 1u << 31);
    ASSERT_TRUE(wait_messages(1));
    EXPECT_EQ(host.messages[0], std::make_pair(uint64_t(0xfee00000), 0x4321u));
    // The handler's sequence: disable, read, clear, enable. A new event in between is a new message.
    write32(0x44200, 0);
    write32(0x44308, read32(0x44308));
    write32(0x44200, 1u << 31);
    EXPECT_EQ(messages(), 1u);
    world.interrupt(ENGINE_BCS0, WORKLOAD_IRQ_USER);
    ASSERT_TRUE(wait_messages(2));
    EXPECT_EQ(count(TRACE_VIRQ), 2u);
    EXPECT_TRUE(host.levels.empty());
    // Without MSI the pin takes over.
    config_write(0xac + 2, 2, 0);
    ASSERT_FALSE(host.levels.empty());
    EXPECT_TRUE(host.levels.back());
    write32(0x44308, 0xffffffff);
    EXPECT_FALSE(host.levels.back());
}

TEST_F(VgpuAlone, TheMonitorShowsTheGuestsPlaneAndKeepsTime)
{
    struct vgpu_stats stats;
    GError *error = nullptr;
    EXPECT_EQ(vgpu_screenshot(v, &error), nullptr) << "no pipe is on";
    ASSERT_NE(error, nullptr);
    g_clear_error(&error);

    // 640x480 at about 60 Hz on port D by DisplayPort (PLL fields as in the display block's own tests).
    write32(R_TRANS_HTOTAL, 639 | 799 << 16);
    write32(R_TRANS_VTOTAL, 479 | 524 << 16);
    write32(R_PIPESRC, 639 << 16 | 479);
    write32(R_PIPE_LINK_M1, 25175);
    write32(R_PIPE_LINK_N1, 270000);
    write32(R_DPLL_CTRL1, 1 << 6 | 1 << 7);
    write32(R_DPLL_CTRL2, 1 << 9 | 1 << 10);
    write32(R_TRANS_DDI_FUNC_CTL, 0x80000000 | 3 << 28 | 2 << 24);
    write32(R_PIPECONF, 0x80000000);
    // A linear XRGB surface of scattered pages in the high part, which no aperture reaches.
    const unsigned pitch = 2560, pages = pitch * 480 / kPage;
    for (unsigned i = 0; i < pages; i++)
        pte_write(high + i * kPage, (0x1000000 + uint64_t(pages - 1 - i) * 2 * kPage) | 1);
    for (unsigned y = 0; y < 480; y++)
        for (unsigned x = 0; x < 640; x++) {
            uint64_t at = y * pitch + x * 4;
            mem32(0x1000000 + (pages - 1 - at / kPage) * 2 * kPage + at % kPage) = y << 16 | x;
        }
    write32(R_PLANE_STRIDE_1, pitch / 64);
    write32(R_PLANE_SIZE_1, 479 << 16 | 639);
    write32(R_PLANE_CTL_1, 0x80000000 | 4 << 24);
    write32(R_PLANE_SURF_1, uint32_t(high));

    // Nobody observes: no interrupt. Then the vblank interrupt is wanted.
    enable_msi();
    write32(0x4440c, IRQ_PIPE_VBLANK);
    write32(0x44200, 1u << 31);
    EXPECT_EQ(messages(), 0u);
    write32(0x44404, ~uint32_t(IRQ_PIPE_VBLANK));
    for (size_t n = 1; n <= 3; n++) {
        ASSERT_TRUE(wait_messages(n));
        write32(0x44200, 0);
        EXPECT_EQ(read32(0x44408), uint32_t(IRQ_PIPE_VBLANK));
        write32(0x44408, IRQ_PIPE_VBLANK);
        write32(0x44200, 1u << 31);
    }
    vgpu_stats(v, &stats);
    EXPECT_GE(stats.vblanks, 3u);
    EXPECT_EQ(stats.frames, 1u);

    image *picture = vgpu_screenshot(v, &error);
    ASSERT_NE(picture, nullptr) << error->message;
    EXPECT_EQ(picture->width, 640u);
    EXPECT_EQ(picture->height, 480u);
    EXPECT_EQ(picture->pixels[0], 0xff000000u);
    EXPECT_EQ(picture->pixels[100 * 640 + 500], 0xff000000u | 100 << 16 | 500);
    EXPECT_EQ(picture->pixels[479 * 640 + 639], 0xff000000u | (479u << 16 & 0xff0000) | 639);
    image_free(picture);

    // A surface outside of the partition is black, and no error.
    write32(R_PLANE_SURF_1, 0);
    uint32_t pixel = 1;
    for (gint64 end = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND; pixel != 0xff000000u && g_get_monotonic_time() < end;) {
        picture = vgpu_screenshot(v, &error); // shows it from the next vertical blank on
        ASSERT_NE(picture, nullptr);
        pixel = picture->pixels[100 * 640 + 500];
        image_free(picture);
    }
    EXPECT_EQ(pixel, 0xff000000u);
    EXPECT_GT(count(TRACE_TRAP_DISPLAY), 10u);
    EXPECT_EQ(vgpu_failure(v), nullptr);
}

// Anything anywhere: the vGPU may fail, the process may not.
TEST_F(VgpuAlone, RandomAccessesNeverCrash)
{
    unsigned rows;
    const reg_desc *table = reg_table(&rows);
    for (unsigned seed = 1; seed <= 8; seed++) {
        std::mt19937_64 rng(seed);
        auto pick = [&](uint64_t n) { return rng() % n; };
        uint8_t data[64];
        for (unsigned n = 0; n < 20000; n++) {
            uint64_t offset;
            switch (pick(5)) {
            case 0:
                offset = pick(BAR0_SIZE - 64);
                break;
            case 1:
                offset = GTT_OFFSET + pick(GTT_BYTES - 64);
                break;
            case 2: {
                const reg_desc &row = table[pick(rows)];
                offset = row.offset + pick(row.count) * row.stride;
                break;
            }
            case 3: { // rings and submission, so that lists are built
                static const uint32_t regs[] = {RING_ELSP, RING_ELSP, RING_ELSP, RING_ELSP, RING_CONTEXT_STATUS_PTR, RING_HWS_PGA};
                offset = engine_mmio_base(pick(ENGINE_COUNT)) + regs[pick(std::size(regs))];
                break;
            }
            default:
                offset = pick(2) ? 0x78000 + pick(0x1000) : 0x60000 + pick(0x14000);
                break;
            }
            for (uint8_t &byte : data)
                byte = pick(4) ? rng() : 0;
            if (pick(3) == 0) { // plausible values
                uint32_t value = pick(2) ? low | 0x119 : uint32_t(1) << pick(32);
                memcpy(data, &value, 4);
            }
            static const size_t lengths[] = {1, 2, 4, 4, 4, 8, 8, 16, 3, 64};
            size_t len = lengths[pick(std::size(lengths))];
            if (pick(3))
                write(offset, data, len);
            else
                read(offset, data, len);
            if (pick(50) == 0)
                config_write(pick(1024) * 4, 4, rng());
            if (pick(50) == 0) {
                uint64_t at = pick((256 << 20) - 64);
                write(at, data, 64, 2);
            }
            unsigned engine = pick(ENGINE_COUNT);
            if (pick(20) == 0 && world.count(engine))
                world.end(engine, static_cast<enum workload_status>(pick(4)), rng());
        }
        dev->ops->reset(dev);
    }
    EXPECT_EQ(vgpu_failure(v), nullptr);
    EXPECT_EQ(read32(0x78010), 0x1cu);
}

} // namespace
