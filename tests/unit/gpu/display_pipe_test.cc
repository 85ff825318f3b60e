// SPDX-License-Identifier: GPL-2.0-or-later
// Pipes in chosen time: clocks, counters, scan lines, vertical blank and flip interrupts, double buffering, ports and hotplug.
#include "display_fixture.h"

namespace {

constexpr uint32_t kEnable = 1u << 31, kState = 1 << 30;
constexpr uint32_t kVblank = IRQ_PIPE_VBLANK, kFlip1 = IRQ_PIPE_PLANE1_FLIP;
constexpr uint32_t kAsync = 1 << 9, kXrgb = 4 << 24;
// 2080 x 1235 pixels at 154 MHz.
constexpr uint64_t kFrame = 16680519;

class DisplayPipe : public DisplayFixture {
protected:
    void Flip(uint32_t surface, unsigned plane = 0, uint32_t ctl = kEnable | kXrgb)
    {
        Write(R_PLANE_CTL_1 + plane * 0x100, ctl);
        Write(R_PLANE_SURF_1 + plane * 0x100, surface);
    }
    uint32_t Live(unsigned plane = 0) { return Read(R_PLANE_SURFLIVE_1 + plane * 0x100); }
    uint64_t Frames()
    {
        struct display_stats stats;
        ::display_stats(display_, &stats);
        return stats.frames;
    }
};

TEST_F(DisplayPipe, EnableBitShowsInTheState)
{
    EXPECT_EQ(0u, Read(R_PIPECONF));
    EnablePipe();
    EXPECT_EQ(kEnable | kState, Read(R_PIPECONF));
    Write(R_PIPECONF, kState);
    EXPECT_EQ(0u, Read(R_PIPECONF)) << "the state is not software's";
    EXPECT_EQ(0u, display_frame_ns(display_, 0));
}

TEST_F(DisplayPipe, FrameTimeFollowsFromTimingsAndLink)
{
    EnablePipe();
    EXPECT_EQ(16666667u, display_frame_ns(display_, 0)) << "60 Hz while nothing is set";
    Write(R_PIPECONF, 0);
    SetMode1920x1200();
    EnablePipe();
    EXPECT_EQ(kFrame, display_frame_ns(display_, 0));
    Write(R_PIPE_LINK_M1, 77000);
    Advance(kFrame);
    EXPECT_NEAR(2.0 * kFrame, display_frame_ns(display_, 0), 2) << "from the next frame on";
}

TEST_F(DisplayPipe, FrameTimeOfHdmi)
{
    // 148.5 MHz: DCO 8910 MHz (371.25 x 24), dividers 5 x (2 x 2 x 3).
    SetMode1920x1200();
    Write(R_TRANS_HTOTAL, 1919 | 2199 << 16);
    Write(R_TRANS_VTOTAL, 1079 | 1124 << 16);
    Write(R_TRANS_DDI_FUNC_CTL, kEnable | 3 << 28 | 0 << 24);
    regs_[R_DPLL_CFGCR1 / 4] = kEnable | 0x2000 << 9 | 371;
    regs_[R_DPLL_CFGCR2 / 4] = 2 << 8 | 1 << 7 | 2 << 5 | 1 << 2; // q 2, k 3, p 2
    EnablePipe();
    EXPECT_NEAR(1e9 / 60, display_frame_ns(display_, 0), 1);
}

TEST_F(DisplayPipe, HostileTimingsAreBounded)
{
    SetMode1920x1200();
    Write(R_PIPE_LINK_M1, 1);
    EnablePipe();
    EXPECT_EQ(kSecond, display_frame_ns(display_, 0));
    Write(R_PIPE_LINK_M1, 0xffffff);
    Write(R_PIPE_LINK_N1, 1);
    Write(R_TRANS_HTOTAL, 1 << 16);
    Write(R_TRANS_VTOTAL, 1 << 16);
    Advance(kSecond);
    EXPECT_EQ(2000000u, display_frame_ns(display_, 0)) << "500 Hz at most";
    Write(R_PIPE_LINK_N1, 0);
    Advance(kSecond);
    EXPECT_EQ(16666667u, display_frame_ns(display_, 0));
    Read(R_PIPEDSL);
}

TEST_F(DisplayPipe, CountersComeFromTheTime)
{
    SetMode1920x1200();
    EnablePipe();
    uint32_t frame = Read(R_PIPE_FRMCOUNT_G4X);
    uint32_t stamp = Read(R_PIPE_FRMTMSTMP);
    now_ += kFrame - 1;
    EXPECT_EQ(frame, Read(R_PIPE_FRMCOUNT_G4X));
    now_ += 1;
    EXPECT_EQ(frame + 1, Read(R_PIPE_FRMCOUNT_G4X));
    now_ += 1000 * kFrame;
    EXPECT_EQ(frame + 1001, Read(R_PIPE_FRMCOUNT_G4X)) << "without a tick";
    EXPECT_EQ(uint32_t(stamp + 1001 * kFrame / 1000), Read(R_PIPE_FRMTMSTMP)) << "microseconds";
    EXPECT_EQ(UINT64_MAX, display_next_event_ns(display_)) << "nobody waits";
    Write(R_PIPE_FRMCOUNT_G4X, 5);
    EXPECT_EQ(frame + 1001, Read(R_PIPE_FRMCOUNT_G4X)) << "read-only";
    EXPECT_EQ(uint32_t(now_ / 1000), Read(R_IVB_TIMESTAMP_CTR));
}

TEST_F(DisplayPipe, ScanLineMovesThroughTheFrame)
{
    SetMode1920x1200();
    EnablePipe();
    EXPECT_EQ(1199u, Read(R_PIPEDSL)) << "the frame starts with the blank (the counter lags by one)";
    uint32_t last = Read(R_PIPEDSL);
    unsigned wraps = 0;
    for (int i = 0; i < 1235; i++) {
        now_ += kFrame / 1235 + 1;
        uint32_t line = Read(R_PIPEDSL);
        EXPECT_LT(line, 1235u);
        wraps += line < last;
        last = line;
    }
    EXPECT_EQ(1u, wraps);
    // Half a frame after the blank starts.
    now_ = display_next_vblank_ns(display_, 0, now_) + kFrame / 2;
    EXPECT_NEAR((1200 + 1235 / 2) % 1235 - 1, Read(R_PIPEDSL), 1);
    // The counter lags by one line, on HDMI by two.
    uint32_t dp = Read(R_PIPEDSL);
    Write(R_TRANS_DDI_FUNC_CTL, kEnable | 3 << 28 | 0 << 24);
    EXPECT_EQ(dp - 1, Read(R_PIPEDSL));
    Write(R_PIPECONF, 0);
    EXPECT_EQ(0u, Read(R_PIPEDSL));
}

TEST_F(DisplayPipe, VblankInterruptsAtTheRefreshRate)
{
    SetMode1920x1200();
    EnablePipe();
    EXPECT_EQ(UINT64_MAX, display_next_event_ns(display_));
    Unmask(IRQ_PIPE_A, kVblank);
    uint64_t start = now_;
    for (int i = 1; i <= 100; i++) {
        EXPECT_EQ(start + i * kFrame, display_next_event_ns(display_));
        now_ = display_next_event_ns(display_) - 1;
        display_tick(display_, now_);
        EXPECT_EQ(0u, TakeIrq(IRQ_PIPE_A));
        Advance(1);
        EXPECT_EQ(kVblank, TakeIrq(IRQ_PIPE_A));
    }
    // A late tick handles all that passed with one event.
    Advance(10 * kFrame);
    EXPECT_EQ(kVblank, TakeIrq(IRQ_PIPE_A));
    EXPECT_EQ(start + 111 * kFrame, display_next_event_ns(display_)) << "no drift";
    Write(R_PIPECONF, 0);
    EXPECT_EQ(UINT64_MAX, display_next_event_ns(display_));
    Advance(kSecond);
    EXPECT_EQ(0u, TakeIrq(IRQ_PIPE_A));
}

TEST_F(DisplayPipe, PipesAreIndependent)
{
    Unmask(IRQ_PIPE_A, kVblank);
    Unmask(IRQ_PIPE_C, kVblank);
    EnablePipe(2);
    Advance(20000000);
    EXPECT_EQ(0u, TakeIrq(IRQ_PIPE_A));
    EXPECT_EQ(kVblank, TakeIrq(IRQ_PIPE_C));
    EXPECT_EQ(0u, Read(R_PIPE_FRMCOUNT_G4X + 0x1000));
}

TEST_F(DisplayPipe, EdpTranscoderFeedsAnyPipe)
{
    Unmask(IRQ_PIPE_B, kVblank);
    Write(R_TRANS_DDI_FUNC_CTL_EDP, kEnable | 5 << 12 | 2 << 24);
    Write(R_PIPECONF_EDP, kEnable);
    EXPECT_EQ(kEnable | kState, Read(R_PIPECONF_EDP));
    EXPECT_NE(0u, display_frame_ns(display_, 1));
    Advance(20000000);
    EXPECT_EQ(kVblank, TakeIrq(IRQ_PIPE_B));
    Write(R_TRANS_DDI_FUNC_CTL_EDP, 0);
    EXPECT_EQ(0u, display_frame_ns(display_, 1));
}

TEST_F(DisplayPipe, FlipsBecomeLiveAtTheBlank)
{
    SetMode1920x1200();
    EnablePipe();
    Unmask(IRQ_PIPE_A, kFlip1);
    Flip(0x100000);
    EXPECT_EQ(0u, Live());
    EXPECT_TRUE(display_flip_pending(display_, 0, 0, now_));
    EXPECT_EQ(now_ + kFrame, display_next_event_ns(display_)) << "the flip is waited for";
    Advance(kFrame - 1);
    EXPECT_EQ(0u, Live());
    EXPECT_EQ(0u, TakeIrq(IRQ_PIPE_A));
    Advance(1);
    EXPECT_EQ(0x100000u, Live());
    EXPECT_EQ(kFlip1, TakeIrq(IRQ_PIPE_A));
    EXPECT_FALSE(display_flip_pending(display_, 0, 0, now_));
    EXPECT_EQ(UINT64_MAX, display_next_event_ns(display_));
    EXPECT_EQ(1u, Frames());
    EXPECT_EQ(1u, Read(R_PIPE_FLIPCOUNT_G4X));

    // The second of two flips in one frame wins; one interrupt.
    Flip(0x200000);
    Flip(0x300000);
    Advance(kFrame);
    EXPECT_EQ(0x300000u, Live());
    EXPECT_EQ(kFlip1, TakeIrq(IRQ_PIPE_A));
    EXPECT_EQ(2u, Frames());
    EXPECT_EQ(3u, Read(R_PIPE_FLIPCOUNT_G4X));
    struct display_stats stats;
    ::display_stats(display_, &stats);
    EXPECT_EQ(now_, stats.last_flip_ns);
}

TEST_F(DisplayPipe, FlipsLatchWithoutAnybodyTicking)
{
    SetMode1920x1200();
    EnablePipe();
    Flip(0x100000);
    now_ += 5 * kFrame;
    EXPECT_EQ(0x100000u, Live()) << "reading brings the pipe to now";
    Flip(0x200000);
    now_ += 3 * kFrame;
    Flip(0x300000);
    EXPECT_EQ(0x200000u, Live()) << "so does writing, before it arms";
    EXPECT_EQ(2u, Frames());
}

TEST_F(DisplayPipe, RegistersBehindTheArmingWriteWait)
{
    SetMode1920x1200();
    EnablePipe();
    Write(R_PLANE_SIZE_1, 99 << 16 | 199);
    Write(R_PLANE_STRIDE_1, 16);
    Flip(0x100000);
    Write(R_PLANE_SIZE_1, 9 << 16 | 9);
    Advance(kFrame);
    scanout s;
    display_scanout(display_, now_, &s);
    EXPECT_EQ(uint32_t(99 << 16 | 199), s.planes[0].size) << "what was there when the surface was written";
    Advance(kFrame);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(uint32_t(99 << 16 | 199), s.planes[0].size) << "not armed";
    Write(R_PLANE_SURF_1, 0x100000);
    Advance(kFrame);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(uint32_t(9 << 16 | 9), s.planes[0].size);
}

TEST_F(DisplayPipe, EnablingArmsByItself)
{
    SetMode1920x1200();
    EnablePipe();
    Unmask(IRQ_PIPE_A, kFlip1);
    Write(R_PLANE_SURF_1, 0x100000);
    Advance(kFrame);
    TakeIrq(IRQ_PIPE_A);
    Write(R_PLANE_CTL_1, kEnable | kXrgb);
    Advance(kFrame);
    scanout s;
    display_scanout(display_, now_, &s);
    EXPECT_EQ(kEnable | kXrgb, s.planes[0].ctl);
    EXPECT_EQ(0u, TakeIrq(IRQ_PIPE_A)) << "no flip was done";
    Write(R_PLANE_CTL_1, 0);
    Advance(kFrame);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(kEnable | kXrgb, s.planes[0].ctl) << "disabling needs the surface register";
    Write(R_PLANE_SURF_1, 0);
    Advance(kFrame);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(0u, s.planes[0].ctl);
    EXPECT_EQ(kFlip1, TakeIrq(IRQ_PIPE_A));
}

TEST_F(DisplayPipe, EnablingBehindTheSurfaceKeepsTheFlip)
{
    SetMode1920x1200();
    EnablePipe();
    Unmask(IRQ_PIPE_A, kFlip1);
    Write(R_PLANE_SURF_1, 0x100000);
    Write(R_PLANE_CTL_1, kEnable | kXrgb);
    Advance(kFrame);
    EXPECT_EQ(0x100000u, Live());
    EXPECT_EQ(kFlip1, TakeIrq(IRQ_PIPE_A));
    EXPECT_EQ(1u, Frames());
    Advance(kFrame);
    EXPECT_EQ(0u, TakeIrq(IRQ_PIPE_A));
}

TEST_F(DisplayPipe, AsyncFlipsAreImmediate)
{
    SetMode1920x1200();
    EnablePipe();
    Unmask(IRQ_PIPE_A, kFlip1);
    Flip(0x100000);
    Advance(kFrame);
    TakeIrq(IRQ_PIPE_A);
    Flip(0x200000, 0, kEnable | kXrgb | kAsync);
    EXPECT_EQ(0x200000u, Live());
    EXPECT_EQ(kFlip1, TakeIrq(IRQ_PIPE_A));
    EXPECT_EQ(2u, Frames());
}

TEST_F(DisplayPipe, EveryPlaneHasItsInterrupt)
{
    SetMode1920x1200();
    EnablePipe();
    Unmask(IRQ_PIPE_A, kFlip1 * 15);
    for (unsigned plane = 0; plane < 4; plane++) {
        Flip(0x100000 * (plane + 1), plane);
        Advance(kFrame);
        EXPECT_EQ(kFlip1 << plane, TakeIrq(IRQ_PIPE_A)) << plane;
        EXPECT_EQ(0x100000 * (plane + 1), Live(plane));
    }
    EXPECT_EQ(1u, Frames()) << "of the primary plane";
}

TEST_F(DisplayPipe, WithoutAPipeUpdatesAreImmediate)
{
    Unmask(IRQ_PIPE_A, 0xffffffff);
    Flip(0x100000);
    EXPECT_EQ(0x100000u, Live());
    EXPECT_EQ(0u, TakeIrq(IRQ_PIPE_A));
    EXPECT_EQ(0u, Frames());
    EnablePipe();
    EXPECT_EQ(1u, Frames()) << "visible when the pipe starts";
    Flip(0x200000);
    Write(R_PIPECONF, 0);
    EXPECT_EQ(0x200000u, Live()) << "the blank that it waited for does not come";
}

TEST_F(DisplayPipe, CommandFlips)
{
    SetMode1920x1200();
    EnablePipe();
    Unmask(IRQ_PIPE_A, kFlip1);
    Flip(0x100000);
    Advance(kFrame);
    TakeIrq(IRQ_PIPE_A);
    display_flip(display_, 0, 0, 0x400000, 15, 1, false, now_);
    EXPECT_TRUE(display_flip_pending(display_, 0, 0, now_));
    EXPECT_EQ(15u, Read(R_PLANE_STRIDE_1));
    EXPECT_EQ(kEnable | kXrgb | 1 << 10, Read(R_PLANE_CTL_1));
    now_ = display_next_vblank_ns(display_, 0, now_);
    EXPECT_FALSE(display_flip_pending(display_, 0, 0, now_));
    EXPECT_EQ(0x400000u, Live());
    EXPECT_EQ(kFlip1, TakeIrq(IRQ_PIPE_A));
    display_flip(display_, 0, 0, 0x500000, 15, 4, true, now_);
    EXPECT_EQ(0x500000u, Live());
    display_flip(display_, 9, 0, 0, 0, 0, false, now_);
    display_flip(display_, 0, 9, 0, 0, 0, false, now_);
    EXPECT_FALSE(display_flip_pending(display_, 9, 9, now_));
}

TEST_F(DisplayPipe, CursorAndScalersAreDoubleBuffered)
{
    SetMode1920x1200();
    EnablePipe();
    scanout s;
    Write(R_CURCNTR, 0x27);
    Write(R_CURPOS, 10 << 16 | 20);
    Write(R_CURBASE, 0x8000);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(0u, s.cursor.ctl);
    Advance(kFrame);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(0x27u, s.cursor.ctl);
    EXPECT_EQ(uint32_t(10 << 16 | 20), s.cursor.pos);
    EXPECT_EQ(0x8000u, Read(R_CURSURFLIVE));
    Write(R_CURPOS, 30 << 16 | 40);
    Advance(kFrame);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(uint32_t(10 << 16 | 20), s.cursor.pos) << "armed by the base";
    Write(R_CURBASE, 0x8000);
    Advance(kFrame);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(uint32_t(30 << 16 | 40), s.cursor.pos);

    Write(R_PS_CTRL_2, kEnable | 1 << 25);
    Write(R_PS_WIN_POS_2, 3 << 16 | 4);
    Advance(kFrame);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(0u, s.scalers[1].ctrl);
    Write(R_PS_WIN_SZ_2, 50 << 16 | 60);
    Advance(kFrame);
    display_scanout(display_, now_, &s);
    EXPECT_EQ(kEnable | 1 << 25, s.scalers[1].ctrl);
    EXPECT_EQ(uint32_t(50 << 16 | 60), s.scalers[1].size);
}

TEST_F(DisplayPipe, ResetTurnsEverythingOff)
{
    SetMode1920x1200();
    EnablePipe();
    Flip(0x100000);
    Advance(kFrame);
    std::fill(regs_.begin(), regs_.end(), 0);
    irq_tree_reset(&irq_);
    display_reset(display_, now_);
    EXPECT_EQ(UINT64_MAX, display_next_vblank_ns(display_, 0, now_));
    scanout s;
    display_scanout(display_, now_, &s);
    EXPECT_FALSE(s.on);
    EXPECT_EQ(0u, s.planes[0].ctl);
    EXPECT_NE(0u, irq_.bank[IRQ_SDE].isr) << "the monitor is still there";
}

TEST_F(DisplayPipe, PalettesReadBack)
{
    for (uint32_t i = 0; i < 1024; i++) {
        Write(R_PREC_PAL_INDEX, i);
        Write(R_PREC_PAL_DATA, i << 20 | i);
    }
    Write(R_PREC_PAL_INDEX, 1 << 15 | 1000);
    for (uint32_t i = 1000; i < 1024; i++)
        EXPECT_EQ(i << 20 | i, Read(R_PREC_PAL_DATA));
    EXPECT_EQ(0u, Read(R_PREC_PAL_DATA)) << "the index wraps";
    EXPECT_EQ(uint32_t(1 << 15 | 1), Read(R_PREC_PAL_INDEX));
    Write(R_LGC_PALETTE + 0x800 + 4 * 7, 0x123456);
    EXPECT_EQ(0x123456u, Read(R_LGC_PALETTE + 0x800 + 4 * 7));
}

class DisplayPortTest : public DisplayFixture {};

TEST_F(DisplayPortTest, BuffersIdleWhenOff)
{
    for (uint32_t port = 0; port < 5; port++) {
        uint32_t ctl = R_DDI_BUF_CTL + port * 0x100;
        EXPECT_EQ(1u << 7, Read(ctl) & 1 << 7);
        Write(ctl, kEnable | 3 << 1);
        EXPECT_EQ(kEnable | 3 << 1, Read(ctl) & ~0x11u);
        Write(ctl, 3 << 1 | 1);
        EXPECT_EQ(uint32_t(1 << 7 | 3 << 1), Read(ctl) & ~0x10u) << "straps are read-only";
    }
    EXPECT_EQ(1u << 4, Read(R_DDI_BUF_CTL) & 0x11) << "port A: four lanes, nothing detected";
    EXPECT_EQ(7u, Read(R_SFUSE_STRAP) & 7);
    Create(DISPLAY_PORT_A, DISPLAY_MONITOR_DP, 1366, 768);
    EXPECT_EQ(0x11u, Read(R_DDI_BUF_CTL) & 0x11);
}

// intel_ddi_set_idle_link_train().
TEST_F(DisplayPortTest, TransportReportsIdlePatterns)
{
    uint32_t ctl = R_DP_TP_CTL + 0x300, status = R_DP_TP_STATUS + 0x300;
    Write(ctl, kEnable | 0 << 8);
    EXPECT_EQ(0u, Read(status));
    Write(ctl, kEnable | 2 << 8);
    EXPECT_EQ(1u << 25, Read(status));
    Write(status, 1 << 25);
    EXPECT_EQ(0u, Read(status));
}

TEST_F(DisplayPortTest, PanelPowerFollowsTheControl)
{
    EXPECT_EQ(0u, Read(R_PCH_PP_STATUS));
    Write(R_PCH_PP_CONTROL, 0xabcd0000 | 8);
    EXPECT_EQ(0u, Read(R_PCH_PP_STATUS)) << "VDD only";
    Write(R_PCH_PP_CONTROL, 0xabcd0000 | 3);
    EXPECT_EQ(kEnable | 8, Read(R_PCH_PP_STATUS)) << "on and idle";
    Write(R_PCH_PP_STATUS, 0);
    EXPECT_EQ(kEnable | 8, Read(R_PCH_PP_STATUS));
    Write(R_PCH_PP_CONTROL, 0);
    EXPECT_EQ(0u, Read(R_PCH_PP_STATUS));
}

TEST_F(DisplayPortTest, HotplugOnEachPort)
{
    static const struct {
        display_port port;
        uint32_t enable, shift, irq;
    } ports[] = {{DISPLAY_PORT_A, 1 << 28, 24, 1 << 24},
                 {DISPLAY_PORT_B, 1 << 4, 0, 1 << 21},
                 {DISPLAY_PORT_C, 1 << 12, 8, 1 << 22},
                 {DISPLAY_PORT_D, 1 << 20, 16, 1 << 23}};
    for (const auto &p : ports) {
        Create(p.port, DISPLAY_MONITOR_DP, 1024, 768);
        Unmask(IRQ_SDE, 0xffffffff);
        EXPECT_EQ(p.irq, irq_.bank[IRQ_SDE].isr) << "connected";
        EXPECT_EQ(0u, TakeIrq(IRQ_SDE)) << "no event at power-on";
        display_hotplug(display_, false);
        EXPECT_EQ(0u, irq_.bank[IRQ_SDE].isr);
        EXPECT_EQ(0u, TakeIrq(IRQ_SDE)) << "nobody watches";
        Write(R_PCH_PORT_HOTPLUG, p.enable);
        display_hotplug(display_, true);
        EXPECT_EQ(p.irq, TakeIrq(IRQ_SDE));
        EXPECT_EQ(p.enable | 2 << p.shift, Read(R_PCH_PORT_HOTPLUG)) << "long pulse";
        // spt_irq_handler() writes back what it read.
        Write(R_PCH_PORT_HOTPLUG, Read(R_PCH_PORT_HOTPLUG));
        EXPECT_EQ(p.enable, Read(R_PCH_PORT_HOTPLUG));
        display_hotplug(display_, true);
        EXPECT_EQ(0u, TakeIrq(IRQ_SDE)) << "no change";
        display_hotplug(display_, false);
        EXPECT_EQ(p.irq, TakeIrq(IRQ_SDE));
    }
}

TEST_F(DisplayPortTest, ImpossibleMonitorsAreErrors)
{
    display_config config = {};
    config.regs = regs_.data();
    config.irq = &irq_;
    static const struct {
        display_port port;
        display_monitor monitor;
        unsigned width, height;
        const char *says;
    } bad[] = {{DISPLAY_PORT_E, DISPLAY_MONITOR_DP, 1024, 768, "port E"},
               {DISPLAY_PORT_A, DISPLAY_MONITOR_HDMI, 1024, 768, "port A"},
               {DISPLAY_PORT_D, DISPLAY_MONITOR_DP, 9999, 768, "9999x768"}};
    for (const auto &b : bad) {
        GError *error = nullptr;
        config.port = b.port, config.monitor = b.monitor, config.mode.width = b.width, config.mode.height = b.height;
        EXPECT_EQ(nullptr, display_create(&config, &error));
        ASSERT_NE(nullptr, error);
        EXPECT_NE(nullptr, strstr(error->message, b.says)) << error->message;
        g_error_free(error);
    }
    display_destroy(nullptr);
}

// The interrupt comes when the blank is due; time stands still for software until it takes it, and what it armed meanwhile is live then.
TEST_F(DisplayPipe, ABlankWaitsForItsInterruptToBeTaken)
{
    SetMode1920x1200();
    EnablePipe();
    uint64_t frame = display_frame_ns(display_, 0), due = now_ + frame;
    Enable(IRQ_PIPE_A, IRQ_PIPE_VBLANK | IRQ_PIPE_PLANE1_FLIP);
    Unmask(IRQ_PIPE_A, IRQ_PIPE_VBLANK | IRQ_PIPE_PLANE1_FLIP);
    for (uint32_t i = 1; i <= 30; i++) {
        SCOPED_TRACE(i);
        uint32_t count = Read(R_PIPE_FRMCOUNT_G4X), surface = i << 12;
        now_ = due - 1000000;
        display_tick(display_, now_);
        EXPECT_EQ(irq_.bank[IRQ_PIPE_A].iir, 0u);
        EXPECT_EQ(display_next_event_ns(display_), due);
        for (now_ = due + 1000; now_ < due + 10000000; now_ += 1000000) {
            display_tick(display_, now_);
            EXPECT_EQ(irq_.bank[IRQ_PIPE_A].iir, uint32_t(IRQ_PIPE_VBLANK)) << "is told in time";
            EXPECT_GT(display_next_event_ns(display_), now_) << "the owner must not spin";
            EXPECT_GT(display_next_vblank_ns(display_, 0, now_), now_) << "nor who waits for the blank";
            EXPECT_LT(Read(R_PIPEDSL), 1199u) << "not yet in the blank";
            EXPECT_EQ(Read(R_PIPE_FRMCOUNT_G4X), count);
        }
        Write(R_CURBASE, surface);
        Write(R_PLANE_SURF_1, surface);
        EXPECT_NE(Read(R_CURSURFLIVE), surface);
        EXPECT_EQ(HandleIrq(IRQ_PIPE_A), uint32_t(IRQ_PIPE_VBLANK | IRQ_PIPE_PLANE1_FLIP));
        EXPECT_EQ(Read(R_CURSURFLIVE), surface);
        EXPECT_EQ(Read(R_PLANE_SURFLIVE_1), surface);
        EXPECT_EQ(Read(R_PIPE_FRMCOUNT_G4X), count + 1);
        EXPECT_EQ(irq_.bank[IRQ_PIPE_A].iir, 0u) << "once";
        uint32_t line = Read(R_PIPEDSL), into = uint32_t((now_ - due) * 1235 / frame);
        EXPECT_NEAR(line, (1199 + into) % 1235, 2) << "as much behind the blank as time went by";
        due += frame;
    }
    // The read of IIR is behind the blank even if nobody looked before.
    now_ = due + 1000;
    EXPECT_EQ(HandleIrq(IRQ_PIPE_A), uint32_t(IRQ_PIPE_VBLANK));
    EXPECT_EQ(HandleIrq(IRQ_PIPE_B), 0u);
    // So is a write to it.
    uint32_t count = Read(R_PIPE_FRMCOUNT_G4X);
    now_ = display_next_vblank_ns(display_, 0, now_);
    display_tick(display_, now_);
    ClearIrq(IRQ_PIPE_A, IRQ_PIPE_PLANE1_FLIP);
    EXPECT_EQ(Read(R_PIPE_FRMCOUNT_G4X), count);
    ClearIrq(IRQ_PIPE_A, ~0u);
    EXPECT_EQ(Read(R_PIPE_FRMCOUNT_G4X), count + 1);
    EXPECT_EQ(irq_.bank[IRQ_PIPE_A].iir, 0u);
    // The next one does not come between the look and the write, where it would be lost; but not for ever.
    for (bool clears : {true, false}) {
        now_ = display_next_vblank_ns(display_, 0, now_);
        EXPECT_EQ(LookAtIrq(IRQ_PIPE_A), uint32_t(IRQ_PIPE_VBLANK));
        count = Read(R_PIPE_FRMCOUNT_G4X);
        for (uint64_t end = now_ + (clears ? 2 * frame : frame + 49000000); now_ < end; now_ += 1000000) {
            display_tick(display_, now_);
            EXPECT_GT(display_next_event_ns(display_), now_) << "the owner must not spin";
            EXPECT_EQ(Read(R_PIPE_FRMCOUNT_G4X), count);
            if (!clears) {
                EXPECT_EQ(LookAtIrq(IRQ_PIPE_A), uint32_t(IRQ_PIPE_VBLANK));
            }
        }
        if (clears) {
            ClearIrq(IRQ_PIPE_A, IRQ_PIPE_VBLANK);
            EXPECT_EQ(irq_.bank[IRQ_PIPE_A].iir, uint32_t(IRQ_PIPE_VBLANK)) << "the next";
            EXPECT_EQ(Read(R_PIPE_FRMCOUNT_G4X), count);
            EXPECT_EQ(HandleIrq(IRQ_PIPE_A), uint32_t(IRQ_PIPE_VBLANK));
        }
        now_ += 2000000;
        display_tick(display_, now_);
        EXPECT_GT(Read(R_PIPE_FRMCOUNT_G4X), count);
        HandleIrq(IRQ_PIPE_A);
        HandleIrq(IRQ_PIPE_A);
    }
}

// Who does not take its interrupts, or takes none, gets each blank.
TEST_F(DisplayPipe, ABlankWaitsForNobodyElse)
{
    SetMode1920x1200();
    EnablePipe();
    uint64_t frame = display_frame_ns(display_, 0);
    for (bool enabled : {false, true}) {
        for (bool unmasked : {false, true}) {
            SCOPED_TRACE(enabled * 2 + unmasked);
            Enable(IRQ_PIPE_A, enabled ? IRQ_PIPE_VBLANK : 0);
            if (unmasked)
                Unmask(IRQ_PIPE_A, IRQ_PIPE_VBLANK);
            irq_.bank[IRQ_PIPE_A].iir = 0;
            uint32_t count = Read(R_PIPE_FRMCOUNT_G4X);
            uint64_t start = now_;
            for (; now_ < start + 60 * frame; now_ += 1000000) {
                display_tick(display_, now_);
                if (now_ > start + 4 * frame) {
                    EXPECT_NEAR(Read(R_PIPE_FRMCOUNT_G4X) - count, (now_ - start) / frame, 2);
                }
            }
        }
    }
    // Nor does what waited go on when the pipe stops.
    TakeIrq(IRQ_PIPE_A);
    now_ = display_next_vblank_ns(display_, 0, now_);
    display_tick(display_, now_);
    EXPECT_EQ(TakeIrq(IRQ_PIPE_A) & IRQ_PIPE_VBLANK, uint32_t(IRQ_PIPE_VBLANK));
    Write(R_PIPECONF, 0);
    EXPECT_EQ(display_next_event_ns(display_), UINT64_MAX);
}

}  // namespace
