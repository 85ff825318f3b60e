// SPDX-License-Identifier: GPL-2.0-or-later
// Pipe CRCs: which frame a checksum is of, what waits for it, what may be asked for, and the thread that reads frames.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "display_fixture.h"
#include "gpu/blocks/pipe_crc.h"

namespace {

constexpr uint32_t kEnable = 1u << 31, kXrgb = 4u << 24, kDmux = 4u << 28, kPlane1 = 0, kPlane2 = 2u << 28;
constexpr unsigned kWidth = 64, kHeight = 32;
constexpr uint64_t kMs = 1000000;

// Bit by bit, as the definition has it.
uint32_t Crc32(const uint32_t *pixels, size_t count)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < count; i++) {
        for (unsigned bit = 0; bit < 32; bit++)
            crc = crc >> 1 ^ ((crc ^ pixels[i] >> bit) & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

uint32_t Flat(uint32_t color)
{
    std::vector<uint32_t> pixels(kWidth * kHeight, color);
    return Crc32(pixels.data(), pixels.size());
}

class DisplayCrc : public DisplayFixture {
protected:
    void SetUp() override
    {
        DisplayFixture::SetUp();
        SetMode1920x1200();
        SetSize(kWidth, kHeight);
        EnablePipe();
        Surface(0x10000, 0x112233);
        Surface(0x20000, 0x445566);
        Plane(0, 0x10000);
        irq_.bank[IRQ_PIPE_A].imr = ~(IRQ_PIPE_CRC_DONE | IRQ_PIPE_VBLANK);
        frame_ = display_frame_ns(display_, 0);
        Advance(frame_); // the plane is live
        TakeIrq(IRQ_PIPE_A);
    }
    void Surface(uint64_t base, uint32_t color)
    {
        for (unsigned i = 0; i < kWidth * kHeight; i++)
            Poke<uint32_t>(base + i * 4, color);
    }
    void Plane(unsigned plane, uint32_t surface, unsigned width = kWidth)
    {
        uint32_t at = plane * 0x100;
        Write(R_PLANE_STRIDE_1 + at, kWidth * 4 / 64);
        Write(R_PLANE_SIZE_1 + at, (kHeight - 1) << 16 | (width - 1));
        Write(R_PLANE_CTL_1 + at, kEnable | kXrgb);
        Write(R_PLANE_SURF_1 + at, surface);
    }
    void Ask(uint32_t source = kDmux) { Write(R_PIPE_CRC_CTL, kEnable | source); }
    uint32_t Count() { return Read(R_PIPE_FRMCOUNT_G4X); }
    uint32_t Result() { return Read(R_PIPE_CRC_RES_1); }

    // The owner at the next event; true when a frame is to be read then.
    bool TakeNext(pipe_crc *frame)
    {
        now_ = display_next_event_ns(display_);
        display_tick(display_, now_);
        return display_crc_take(display_, now_, frame);
    }
    // The owner's loop, with a reader that takes read_ns; ends with the next vblank that was told. Returns its interrupt bits.
    uint32_t NextBlank(uint64_t read_ns)
    {
        for (unsigned i = 0; i < 1000; i++) {
            uint64_t next = display_next_event_ns(display_);
            EXPECT_NE(next, UINT64_MAX);
            now_ = MAX(now_, next);
            display_tick(display_, now_);
            pipe_crc frame;
            if (display_crc_take(display_, now_, &frame)) {
                pipe_crc_read(&frame, ReadGgtt, this);
                now_ += read_ns;
                display_crc_give(display_, &frame, now_);
            }
            uint32_t bits = TakeIrq(IRQ_PIPE_A);
            if (bits)
                return bits;
        }
        ADD_FAILURE() << "no vblank";
        return 0;
    }

    uint64_t frame_ = 0;
};

} // namespace

TEST_F(DisplayCrc, EachFrameHasOne)
{
    Ask();
    EXPECT_EQ(Read(R_PIPE_CRC_CTL), kEnable | kDmux);
    uint32_t count = Count();
    uint64_t start = now_;
    for (unsigned i = 1; i <= 10; i++) {
        EXPECT_EQ(NextBlank(kMs), uint32_t(IRQ_PIPE_CRC_DONE | IRQ_PIPE_VBLANK));
        EXPECT_EQ(Count(), count + i);
        EXPECT_EQ(Result(), Flat(0xff112233));
    }
    EXPECT_NEAR(double(now_ - start), 10.0 * frame_, 3.0 * kMs) << "reading fits into the frames: they are not longer";
    Write(R_PIPE_CRC_RES_1, 1);
    EXPECT_EQ(Result(), Flat(0xff112233)) << "read-only";
    Write(R_PIPE_CRC_CTL, 0);
    EXPECT_EQ(NextBlank(kMs), uint32_t(IRQ_PIPE_VBLANK));
}

TEST_F(DisplayCrc, IsOfThePictureThatTheMonitorGets)
{
    // Planes, a cursor and a background, in a picture that is checked pixel by pixel elsewhere.
    Plane(1, 0x20000, kWidth / 2);
    for (unsigned i = 0; i < 64 * 64; i++)
        Poke<uint32_t>(0x40000 + i * 4, i * 0x01030507);
    Write(R_CURPOS, 5 << 16 | 7);
    Write(R_CURCNTR, 0x27);
    Write(R_CURBASE, 0x40000);
    Advance(frame_);
    TakeIrq(IRQ_PIPE_A);
    Ask();
    NextBlank(kMs);
    Image image = Render();
    ASSERT_TRUE(image);
    EXPECT_EQ(Result(), Crc32(image->pixels, size_t(image->width) * image->height));
}

// What is armed while a frame is shown is in the checksum of the next one, however late the reader was.
TEST_F(DisplayCrc, IsOfTheFrameThatTheBlankEnds)
{
    for (uint64_t read_ns : {kMs, 25 * kMs}) {
        SCOPED_TRACE(read_ns);
        Ask();
        NextBlank(read_ns);
        NextBlank(read_ns);
        for (uint32_t surface : {0x20000u, 0x10000u, 0x20000u, 0x10000u}) {
            uint32_t before = Result(), count = Count();
            Write(R_PLANE_SURF_1, surface);
            EXPECT_TRUE(NextBlank(read_ns) & IRQ_PIPE_CRC_DONE);
            EXPECT_EQ(Count(), count + 1);
            EXPECT_EQ(Read(R_PLANE_SURFLIVE_1), surface);
            EXPECT_EQ(Result(), before);
            EXPECT_TRUE(NextBlank(read_ns) & IRQ_PIPE_CRC_DONE);
            EXPECT_EQ(Result(), Flat(surface == 0x10000 ? 0xff112233 : 0xff445566));
        }
        Write(R_PIPE_CRC_CTL, 0);
    }
}

// i915's handler: IIR, then the checksum, then the frame counter for its number, which a blank that is due meanwhile must not change.
TEST_F(DisplayCrc, TheHandlerReadsItsNumber)
{
    Ask();
    Enable(IRQ_PIPE_A, IRQ_PIPE_CRC_DONE);
    for (unsigned held_up = 0; held_up < 3; held_up++) {
        SCOPED_TRACE(held_up);
        pipe_crc frame;
        uint32_t count = Count();
        for (unsigned late = 0; late < 2; late++) {
            while (!TakeNext(&frame)) { // late in the frame
                ASSERT_LT(now_, uint64_t(1) << 40);
                HandleIrq(IRQ_PIPE_A);
            }
            pipe_crc_read(&frame, ReadGgtt, this);
            display_crc_give(display_, &frame, now_);
            if (!late) {
                now_ = MAX(now_, display_next_vblank_ns(display_, 0, now_));
                display_tick(display_, now_);
                EXPECT_TRUE(HandleIrq(IRQ_PIPE_A) & IRQ_PIPE_CRC_DONE);
                count = Count();
            }
        }
        Result();
        for (unsigned i = 0; i < 3; i++) {
            now_ += i == held_up ? 5 * kMs : kMs / 10;
            display_tick(display_, now_);
            EXPECT_EQ(Count(), count);
        }
        EXPECT_TRUE(HandleIrq(IRQ_PIPE_A) & IRQ_PIPE_CRC_DONE) << "the blank was due";
        EXPECT_EQ(Count(), count + 1);
    }
}

TEST_F(DisplayCrc, TheBlankWaitsForIt)
{
    Ask();
    NextBlank(kMs);
    uint32_t count = Count();
    pipe_crc frame, other;
    ASSERT_TRUE(TakeNext(&frame));
    EXPECT_FALSE(display_crc_take(display_, now_, &other)) << "one at a time";
    for (uint64_t end = now_ + 200 * kMs; now_ < end; now_ += kMs) {
        display_tick(display_, now_);
        EXPECT_GT(display_next_event_ns(display_), now_) << "the owner must not spin";
        EXPECT_EQ(Count(), count);
        EXPECT_LT(Read(R_PIPEDSL), 1150u) << "not so near to the blank that a driver would wait for it";
        EXPECT_EQ(TakeIrq(IRQ_PIPE_A), 0u);
    }
    pipe_crc_read(&frame, ReadGgtt, this);
    display_crc_give(display_, &frame, now_);
    EXPECT_EQ(TakeIrq(IRQ_PIPE_A), uint32_t(IRQ_PIPE_CRC_DONE | IRQ_PIPE_VBLANK));
    EXPECT_EQ(Count(), count + 1) << "one long frame";
    EXPECT_NEAR(double(display_next_vblank_ns(display_, 0, now_)), double(now_ + frame_), 1.0 * kMs);
    // At most half of a processor.
    for (uint64_t rested = now_ + 200 * kMs; now_ < rested; now_ += kMs) {
        display_tick(display_, now_);
        EXPECT_GT(display_next_event_ns(display_), now_);
        EXPECT_FALSE(display_crc_take(display_, now_, &frame));
    }
    EXPECT_LE(display_next_event_ns(display_), now_);
    EXPECT_TRUE(display_crc_take(display_, now_, &frame));
}

// An owner that was away for frames finds one frame that was longer.
TEST_F(DisplayCrc, NoFrameIsLeftOut)
{
    Ask();
    NextBlank(kMs);
    for (bool taken : {false, true}) {
        uint32_t count = Count();
        pipe_crc frame;
        if (taken) {
            ASSERT_TRUE(TakeNext(&frame));
            pipe_crc_read(&frame, ReadGgtt, this);
            display_crc_give(display_, &frame, now_);
        }
        now_ += 5 * frame_;
        EXPECT_TRUE(NextBlank(kMs) & IRQ_PIPE_CRC_DONE);
        EXPECT_EQ(Count(), count + 1);
    }
}

TEST_F(DisplayCrc, OnePlaneAlone)
{
    Plane(1, 0x20000, kWidth / 2);
    Write(R_PIPE_BOTTOM_COLOR, 0x3ff);
    Advance(frame_);
    TakeIrq(IRQ_PIPE_A);
    Ask(kPlane1);
    NextBlank(kMs);
    NextBlank(kMs);
    EXPECT_EQ(Result(), Flat(0xff112233));
    Ask(kPlane2);
    NextBlank(kMs);
    std::vector<uint32_t> half(kWidth * kHeight, 0xff000000);
    for (unsigned i = 0; i < half.size(); i++) {
        if (i % kWidth < kWidth / 2)
            half[i] = 0xff445566;
    }
    EXPECT_EQ(Result(), Crc32(half.data(), half.size()));
    for (uint32_t none : {1u, 3u, 5u, 7u}) { // reserved, or a plane that is off
        Ask(none << 28);
        NextBlank(kMs);
        EXPECT_EQ(Result(), Flat(0xff000000)) << none;
    }
}

TEST_F(DisplayCrc, AnAnswerThatNobodyAsksForAnyMoreIsDropped)
{
    for (bool off : {false, true}) {
        SCOPED_TRACE(off);
        Ask();
        NextBlank(kMs);
        uint32_t before = Result();
        pipe_crc frame, next;
        ASSERT_TRUE(TakeNext(&frame));
        if (off) {
            Write(R_PIPECONF, 0);
            EXPECT_EQ(display_next_event_ns(display_), UINT64_MAX);
            EnablePipe();
        } else {
            Ask(kPlane2);
        }
        frame.known = true;
        frame.value = before + 1;
        display_crc_give(display_, &frame, now_);
        ASSERT_TRUE(TakeNext(&next)) << "this frame is read in its place";
        EXPECT_NE(next.ticket, frame.ticket);
        next.known = true;
        next.value = 42;
        display_crc_give(display_, &next, now_);
        EXPECT_EQ(Result(), before) << "not before the blank";
        EXPECT_TRUE(NextBlank(kMs) & IRQ_PIPE_CRC_DONE);
        EXPECT_EQ(Result(), 42u);
    }
    // A reset does not make a second reader of one.
    pipe_crc frame, next;
    ASSERT_TRUE(TakeNext(&frame));
    display_reset(display_, now_);
    SetMode1920x1200();
    EnablePipe();
    Ask();
    now_ += frame_ + kMs;
    display_tick(display_, now_);
    EXPECT_FALSE(display_crc_take(display_, now_, &next));
    EXPECT_GT(display_next_event_ns(display_), now_);
    display_crc_give(display_, &frame, now_);
    EXPECT_TRUE(display_crc_take(display_, now_, &next));
}

TEST_F(DisplayCrc, ABlankComesWithoutOneInTheEnd)
{
    Ask();
    NextBlank(kMs);
    uint32_t before = Result(), count = Count();
    pipe_crc frame;
    // A frame that cannot be read.
    ASSERT_TRUE(TakeNext(&frame));
    frame.known = false;
    display_crc_give(display_, &frame, now_);
    Advance(2 * kMs);
    EXPECT_EQ(TakeIrq(IRQ_PIPE_A), uint32_t(IRQ_PIPE_VBLANK));
    EXPECT_EQ(Count(), count + 1);
    EXPECT_EQ(Result(), before);
    // A reader that does not come back for a second; its late answer is of no frame.
    ASSERT_TRUE(TakeNext(&frame));
    Advance(2 * frame_);
    EXPECT_EQ(TakeIrq(IRQ_PIPE_A), 0u);
    now_ = display_next_event_ns(display_);
    Advance(0);
    EXPECT_EQ(TakeIrq(IRQ_PIPE_A), uint32_t(IRQ_PIPE_VBLANK));
    frame.known = true;
    frame.value = before + 1;
    display_crc_give(display_, &frame, now_);
    EXPECT_TRUE(NextBlank(kMs) & IRQ_PIPE_CRC_DONE);
    EXPECT_EQ(Result(), before);
    // Nobody asks any more, while a blank waits: it comes at once.
    ASSERT_TRUE(TakeNext(&frame));
    Advance(2 * frame_);
    EXPECT_EQ(TakeIrq(IRQ_PIPE_A), 0u);
    Write(R_PIPE_CRC_CTL, 0);
    EXPECT_EQ(TakeIrq(IRQ_PIPE_A), uint32_t(IRQ_PIPE_VBLANK));
}

// Two pipes share the reader.
TEST_F(DisplayCrc, TwoPipes)
{
    Write(R_TRANS_HTOTAL + 0x1000, 1919 | 2079 << 16);
    Write(R_TRANS_VTOTAL + 0x1000, 1199 | 1234 << 16);
    Write(R_TRANS_VBLANK + 0x1000, 1199 | 1234 << 16);
    Write(R_PIPESRC + 0x1000, (kWidth - 1) << 16 | (kHeight - 1));
    Write(R_PIPE_BOTTOM_COLOR + 0x1000, 0x3ff);
    EnablePipe(1);
    irq_.bank[IRQ_PIPE_B].imr = ~IRQ_PIPE_CRC_DONE;
    Ask();
    Write(R_PIPE_CRC_CTL + 0x1000, kEnable | kDmux);
    for (unsigned i = 0; i < 10; i++)
        EXPECT_TRUE(NextBlank(kMs) & IRQ_PIPE_CRC_DONE);
    EXPECT_EQ(TakeIrq(IRQ_PIPE_B), uint32_t(IRQ_PIPE_CRC_DONE));
    EXPECT_EQ(Result(), Flat(0xff112233));
    EXPECT_EQ(Read(R_PIPE_CRC_RES_1 + 0x1000), Flat(0xff0000ff));
}

namespace {

struct WorkerUser {
    std::mutex lock;
    std::condition_variable done;
    std::vector<pipe_crc> answers;
    std::atomic<bool> slow{false};

    static bool Reads(void *opaque, uint64_t gma, void *buf, size_t len)
    {
        if (static_cast<WorkerUser *>(opaque)->slow)
            g_usleep(1000);
        memset(buf, int(gma >> 12), len);
        return true;
    }
    static void Done(void *opaque, const pipe_crc *frame)
    {
        auto *self = static_cast<WorkerUser *>(opaque);
        std::lock_guard<std::mutex> guard(self->lock);
        self->answers.push_back(*frame);
        self->done.notify_all();
    }
};

} // namespace

TEST_F(DisplayCrc, TheWorkerReadsFramesAndIsWaitedForAtTheEnd)
{
    WorkerUser user;
    const pipe_crc_worker_ops ops = {WorkerUser::Reads, WorkerUser::Done};
    pipe_crc_worker *worker = pipe_crc_worker_create(&ops, &user);
    pipe_crc frame = {}, expected;

    Ask();
    for (unsigned i = 1; i <= 3; i++) {
        display_scanout(display_, now_, &frame.scanout);
        frame.ticket = i;
        expected = frame;
        pipe_crc_read(&expected, WorkerUser::Reads, &user);
        pipe_crc_worker_give(worker, &frame);
        std::unique_lock<std::mutex> guard(user.lock);
        user.done.wait(guard, [&] { return user.answers.size() == i; });
        EXPECT_EQ(user.answers.back().ticket, i);
        EXPECT_TRUE(user.answers.back().known);
        EXPECT_EQ(user.answers.back().value, expected.value);
    }
    frame.scanout.on = false;
    pipe_crc_worker_give(worker, &frame);
    {
        std::unique_lock<std::mutex> guard(user.lock);
        user.done.wait(guard, [&] { return user.answers.size() == 4; });
        EXPECT_FALSE(user.answers.back().known);
    }
    frame.scanout.on = true;
    user.slow = true;
    pipe_crc_worker_give(worker, &frame);
    g_usleep(5000); // it is in the midst of it
    pipe_crc_worker_destroy(worker);
    EXPECT_EQ(user.answers.size(), 5u);
    pipe_crc_worker_destroy(pipe_crc_worker_create(&ops, &user));
    pipe_crc_worker_destroy(nullptr);
}
