// SPDX-License-Identifier: GPL-2.0-or-later
// A display engine with its register file, interrupt tree and a small global GTT, for the display_*_test programs.
#ifndef MEDIANT_TESTS_DISPLAY_FIXTURE_H
#define MEDIANT_TESTS_DISPLAY_FIXTURE_H

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "gpu/blocks/display.h"
#include "gpu/blocks/irq_tree.h"
#include "gpu/blocks/scanout.h"
#include "gpu/defs/registers.h"

class DisplayFixture : public ::testing::Test {
protected:
    static constexpr uint64_t kSecond = 1000000000;
    static constexpr size_t kMemory = 8 << 20;  // the part of the GGTT that is mapped

    void SetUp() override { Create(DISPLAY_PORT_D, DISPLAY_MONITOR_DP, 1920, 1200); }
    void TearDown() override { display_destroy(display_); }

    void Create(display_port port, display_monitor monitor, unsigned width, unsigned height)
    {
        unsigned rows;
        const reg_desc *table = reg_table(&rows);

        display_destroy(display_);
        regs_.assign(MMIO_SIZE / 4, 0);
        for (unsigned i = 0; i < rows; i++) {
            for (unsigned j = 0; j < table[i].count; j++)
                regs_[(table[i].offset + j * table[i].stride) / 4] = table[i].reset;
        }
        irq_tree_reset(&irq_);
        display_config config = {};
        config.regs = regs_.data();
        config.irq = &irq_;
        config.port = port;
        config.monitor = monitor;
        config.mode.width = width;
        config.mode.height = height;
        GError *error = nullptr;
        display_ = display_create(&config, &error);
        ASSERT_NE(display_, nullptr) << error->message;
    }

    uint32_t Read(uint32_t offset) { return display_mmio_read(display_, offset, now_); }
    void Write(uint32_t offset, uint32_t value) { display_mmio_write(display_, offset, value, now_); }
    void Advance(uint64_t ns)
    {
        now_ += ns;
        display_tick(display_, now_);
    }

    // Interrupt bits of a bank since the last call.
    uint32_t TakeIrq(irq_bank bank)
    {
        uint32_t bits = irq_.bank[bank].iir;
        irq_.bank[bank].iir = irq_.bank[bank].again = 0;
        return bits;
    }
    // What a handler does with the interrupt of a bank: looks, which shows the bits that it returns, and clears them.
    uint32_t LookAtIrq(irq_bank bank)
    {
        uint32_t bits = 0;
        display_interrupt_read(display_, irq_tree_iir(bank), now_);
        irq_tree_read(&irq_, irq_tree_iir(bank), &bits);
        return bits;
    }
    void ClearIrq(irq_bank bank, uint32_t bits)
    {
        irq_tree_write(&irq_, irq_tree_iir(bank), bits);
        display_interrupt_written(display_, irq_tree_iir(bank), now_);
    }
    uint32_t HandleIrq(irq_bank bank)
    {
        uint32_t bits = LookAtIrq(bank);
        ClearIrq(bank, bits);
        return bits;
    }
    void Enable(irq_bank bank, uint32_t bits) { irq_.bank[bank].ier |= bits; }
    void Unmask(irq_bank bank, uint32_t bits) { irq_.bank[bank].imr &= ~bits; }

    // Transcoder A on port D by DisplayPort: 1920x1200 at 154 MHz (DMT, reduced blanking), DPLL1 at 2.7 Gb/s.
    void SetMode1920x1200()
    {
        Write(R_TRANS_HTOTAL, 1919 | 2079 << 16);
        Write(R_TRANS_HBLANK, 1919 | 2079 << 16);
        Write(R_TRANS_HSYNC, 1967 | 1999 << 16);
        Write(R_TRANS_VTOTAL, 1199 | 1234 << 16);
        Write(R_TRANS_VBLANK, 1199 | 1234 << 16);
        Write(R_TRANS_VSYNC, 1202 | 1208 << 16);
        Write(R_PIPESRC, 1919 << 16 | 1199);
        Write(R_PIPE_LINK_M1, 154000);
        Write(R_PIPE_LINK_N1, 270000);
        regs_[R_DPLL_CTRL1 / 4] = 1 << 6 | 1 << 7;                    // DPLL1: override, rate 1350 MHz
        regs_[R_DPLL_CTRL2 / 4] = 1 << (3 * 3) | 1 << (3 * 3 + 1);    // port D from DPLL1
        Write(R_TRANS_DDI_FUNC_CTL, 0x80000000 | 3 << 28 | 2 << 24);  // port D, DP SST
    }
    void SetSize(unsigned width, unsigned height) { Write(R_PIPESRC, (width - 1) << 16 | (height - 1)); }
    void EnablePipe(unsigned pipe = 0) { Write(R_PIPECONF + pipe * 0x1000, 0x80000000); }

    std::vector<uint8_t> &Memory()
    {
        if (memory_.empty())
            memory_.resize(kMemory);
        return memory_;
    }
    template <typename T>
    void Poke(uint64_t gma, T value)
    {
        memcpy(&Memory()[gma], &value, sizeof(value));
    }

    static bool ReadGgtt(void *opaque, uint64_t gma, void *buf, size_t len)
    {
        auto *self = static_cast<DisplayFixture *>(opaque);
        EXPECT_LE(len, 4096u);
        EXPECT_EQ(gma / 4096, (gma + len - 1) / 4096) << "one page only";
        self->reads_++;
        if (gma + len > self->Memory().size())
            return false;
        memcpy(buf, &self->Memory()[gma], len);
        return true;
    }

    struct ImageFree {
        void operator()(image *i) const { image_free(i); }
    };
    using Image = std::unique_ptr<image, ImageFree>;

    Image Render()
    {
        scanout snapshot;
        GError *error = nullptr;

        display_scanout(display_, now_, &snapshot);
        Image result(scanout_render(&snapshot, ReadGgtt, this, &error));
        if (error) {
            last_error_ = error->message;
            g_error_free(error);
        }
        return result;
    }
    std::string Describe()
    {
        scanout snapshot;

        display_scanout(display_, now_, &snapshot);
        char *text = scanout_describe(&snapshot);
        std::string result = text;
        g_free(text);
        return result;
    }

    std::vector<uint32_t> regs_;
    irq_tree irq_;
    display *display_ = nullptr;
    uint64_t now_ = 5 * kSecond;
    uint64_t reads_ = 0;
    std::string last_error_;

private:
    std::vector<uint8_t> memory_;
};

#endif
