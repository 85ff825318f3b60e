// SPDX-License-Identifier: GPL-2.0-or-later
// The timeline: how events become intervals and shares, its bounds, and both kinds of pictures.
#include "vmm/timeline.h"
#include "vmm/error.h"

#include <gtest/gtest.h>

#include <fstream>
#include <png.h>
#include <set>
#include <sstream>
#include <unistd.h>

namespace {

constexpr uint64_t START = 1000000000, MS = 1000000;

class Timeline : public testing::Test {
  protected:
    timeline *t = timeline_create(START);
    Timeline()
    {
        timeline_add_guest(t, 1, "alpha", 8);
        timeline_add_guest(t, 5, "beta", 4);
    }
    ~Timeline() override { timeline_destroy(t); }
    void event(trace_event kind, uint64_t time_ns, unsigned vgpu, unsigned engine, uint64_t workload)
    {
        trace_record r = {};
        r.time_ns = START + time_ns;
        r.event = static_cast<uint16_t>(kind);
        r.vgpu = static_cast<uint8_t>(vgpu);
        r.engine = static_cast<uint8_t>(engine);
        r.a = workload;
        timeline_add(t, &r);
    }
    void expect_interval(size_t index, uint64_t start, uint64_t end, unsigned engine, unsigned guest)
    {
        ASSERT_LT(index, timeline_interval_count(t));
        timeline_interval_t i = timeline_interval(t, index);
        EXPECT_EQ(i.start_ns, start) << index;
        EXPECT_EQ(i.end_ns, end) << index;
        EXPECT_EQ(i.engine, engine) << index;
        EXPECT_EQ(i.guest, guest) << index;
    }
    using timeline_interval_t = struct timeline_interval;
};

TEST_F(Timeline, QueuedWorkloadsRunOneAfterTheOther)
{
    event(TRACE_DISPATCH, 1 * MS, 1, ENGINE_BCS0, 100);
    event(TRACE_DISPATCH, 2 * MS, 5, ENGINE_BCS0, 101);
    event(TRACE_COMPLETE, 4 * MS, 1, ENGINE_BCS0, 100);
    event(TRACE_COMPLETE, 5 * MS, 5, ENGINE_BCS0, 101);
    event(TRACE_DISPATCH, 8 * MS, 1, ENGINE_BCS0, 102);
    event(TRACE_COMPLETE, 9 * MS, 1, ENGINE_BCS0, 102);
    ASSERT_EQ(timeline_interval_count(t), 3u);
    expect_interval(0, 1 * MS, 4 * MS, ENGINE_BCS0, 0);
    expect_interval(1, 4 * MS, 5 * MS, ENGINE_BCS0, 1);
    expect_interval(2, 8 * MS, 9 * MS, ENGINE_BCS0, 0);
    EXPECT_EQ(timeline_total_ns(t, ENGINE_BCS0, 0), 4 * MS);
    EXPECT_EQ(timeline_total_ns(t, ENGINE_BCS0, 1), 1 * MS);
    EXPECT_EQ(timeline_end_ns(t), 9 * MS);
}

TEST_F(Timeline, PreemptionEndsATurnAndTheNextDispatchBeginsAnother)
{
    event(TRACE_DISPATCH, 0, 1, ENGINE_RCS0, 1);
    event(TRACE_DISPATCH, 0, 1, ENGINE_RCS0, 2);
    event(TRACE_PREEMPT, 3 * MS, 1, ENGINE_RCS0, 2); // never ran
    event(TRACE_PREEMPT, 3 * MS, 1, ENGINE_RCS0, 1);
    event(TRACE_DISPATCH, 3 * MS, 5, ENGINE_RCS0, 3);
    event(TRACE_COMPLETE, 6 * MS, 5, ENGINE_RCS0, 3);
    event(TRACE_DISPATCH, 6 * MS, 1, ENGINE_RCS0, 1);
    event(TRACE_COMPLETE, 7 * MS, 1, ENGINE_RCS0, 1);
    ASSERT_EQ(timeline_interval_count(t), 3u);
    expect_interval(0, 0, 3 * MS, ENGINE_RCS0, 0);
    expect_interval(1, 3 * MS, 6 * MS, ENGINE_RCS0, 1);
    expect_interval(2, 6 * MS, 7 * MS, ENGINE_RCS0, 0);
}

TEST_F(Timeline, EnginesAreSeparate)
{
    event(TRACE_DISPATCH, 0, 1, ENGINE_RCS0, 1);
    event(TRACE_DISPATCH, 0, 5, ENGINE_VCS0, 2);
    event(TRACE_COMPLETE, 5 * MS, 5, ENGINE_VCS0, 2);
    event(TRACE_COMPLETE, 6 * MS, 1, ENGINE_RCS0, 1);
    expect_interval(0, 0, 5 * MS, ENGINE_VCS0, 1);
    expect_interval(1, 0, 6 * MS, ENGINE_RCS0, 0);
}

TEST_F(Timeline, NonsenseIsIgnored)
{
    event(TRACE_COMPLETE, 1 * MS, 1, ENGINE_RCS0, 77);   // never dispatched
    event(TRACE_DISPATCH, 1 * MS, 2, ENGINE_RCS0, 1);    // a guest without a name
    event(TRACE_DISPATCH, 1 * MS, 1, TRACE_NO_ENGINE, 1);
    event(TRACE_SUBMIT, 1 * MS, 1, ENGINE_RCS0, 1);
    for (unsigned i = 0; i < 1000; i++)
        event(TRACE_DISPATCH, 2 * MS, 1, ENGINE_RCS0, 1000 + i); // never ends
    event(TRACE_COMPLETE, 3 * MS, 1, ENGINE_RCS0, 1000 + 1000 - TIMELINE_PENDING);
    EXPECT_EQ(timeline_interval_count(t), 1u);
}

TEST_F(Timeline, LongRunsKeepTotalsInTheSameSpace)
{
    uint64_t now = 0;
    for (unsigned i = 0; i < 3 * TIMELINE_INTERVALS; i++) {
        event(TRACE_DISPATCH, now, i % 3 ? 1 : 5, ENGINE_BCS0, i);
        now += 2 * MS;
        event(TRACE_COMPLETE, now, i % 3 ? 1 : 5, ENGINE_BCS0, i);
    }
    EXPECT_EQ(timeline_interval_count(t), size_t{TIMELINE_INTERVALS});
    EXPECT_EQ(timeline_interval(t, TIMELINE_INTERVALS - 1).end_ns, now) << "the newest are kept";
    EXPECT_EQ(timeline_interval(t, 0).start_ns, now - TIMELINE_INTERVALS * 2 * MS);
    EXPECT_GE(timeline_bucket_ns(t) * TIMELINE_BUCKETS, now);
    uint64_t sum[2] = {};
    for (unsigned g = 0; g < 2; g++)
        for (unsigned b = 0; b < TIMELINE_BUCKETS; b++)
            sum[g] += timeline_busy_ns(t, ENGINE_BCS0, g, b);
    EXPECT_EQ(sum[0], timeline_total_ns(t, ENGINE_BCS0, 0));
    EXPECT_EQ(sum[1], timeline_total_ns(t, ENGINE_BCS0, 1));
    EXPECT_EQ(sum[0] + sum[1], now);
}

TEST_F(Timeline, ReadsATrace)
{
    trace *tr = trace_create(1024);
    timeline *live = timeline_create(trace_now_ns());
    timeline_add_guest(live, 1, "a", 1);
    for (uint64_t i = 0; i < 400; i++) {
        trace_emit(tr, TRACE_DISPATCH, 1, ENGINE_RCS0, i, 0);
        trace_emit(tr, TRACE_COMPLETE, 1, ENGINE_RCS0, i, 0);
    }
    timeline_poll(live, tr);
    EXPECT_GT(timeline_interval_count(live), 300u) << "some may take no time at all";
    EXPECT_EQ(timeline_lost(live), 0u);
    for (uint64_t i = 0; i < 4000; i++)
        trace_emit(tr, TRACE_FLIP, 1, ENGINE_RCS0, i, 0);
    timeline_poll(live, tr);
    EXPECT_EQ(timeline_lost(live), 4000u - 1024);
    timeline_destroy(live);
    trace_destroy(tr);
}

class Pictures : public Timeline {
  protected:
    std::string path = "/tmp/timeline-test-" + std::to_string(getpid());
    void SetUp() override
    {
        for (uint64_t i = 0; i < 500; i++) {
            unsigned vgpu = i % 3 ? 1 : 5;
            event(TRACE_DISPATCH, i * 4 * MS, vgpu, ENGINE_BCS0, i);
            event(TRACE_COMPLETE, (i * 4 + 4) * MS, vgpu, ENGINE_BCS0, i);
        }
    }
    void TearDown() override { unlink(path.c_str()); }
};

TEST_F(Pictures, Svg)
{
    path += ".svg";
    GError *error = nullptr;
    ASSERT_TRUE(timeline_write(t, path.c_str(), &error)) << error->message;
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    std::string svg = text.str();
    EXPECT_EQ(svg.rfind("<svg ", 0), 0u);
    EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
    EXPECT_NE(svg.find(">bcs0<"), std::string::npos);
    EXPECT_EQ(svg.find(">rcs0<"), std::string::npos) << "no lane for an idle engine";
    EXPECT_NE(svg.find("alpha: 66.6 % of the GPU time (1332 ms), weight 8 of 12 = 66.7 %"), std::string::npos);
    EXPECT_NE(svg.find("beta: 33.4 %"), std::string::npos);
    EXPECT_LT(svg.size(), 400000u);
}

TEST_F(Pictures, Png)
{
    path += ".png";
    ASSERT_TRUE(timeline_write(t, path.c_str(), nullptr));
    png_image png = {};
    png.version = PNG_IMAGE_VERSION;
    ASSERT_NE(png_image_begin_read_from_file(&png, path.c_str()), 0);
    png.format = PNG_FORMAT_BGRA;
    std::vector<uint32_t> pixels(png.width * png.height);
    ASSERT_NE(png_image_finish_read(&png, nullptr, pixels.data(), 0, nullptr), 0);
    std::multiset<uint32_t> colors(pixels.begin(), pixels.end());
    EXPECT_GT(colors.count(0xff0072b2), 10000u) << "alpha's colour";
    EXPECT_GT(colors.count(0xffe69f00), 5000u) << "beta's colour";
    EXPECT_GT(colors.count(0xff0072b2), colors.count(0xffe69f00) * 3 / 2);
    EXPECT_GT(colors.count(0xff222222), 500u) << "text";
}

TEST_F(Pictures, NothingHappened)
{
    path += ".svg";
    timeline *empty = timeline_create(START);
    EXPECT_TRUE(timeline_write(empty, path.c_str(), nullptr));
    timeline_destroy(empty);
    GError *error = nullptr;
    EXPECT_FALSE(timeline_write(t, "/nonexistent/dir/x.svg", &error));
    EXPECT_EQ(error->domain, VMM_ERROR);
    g_error_free(error);
}

} // namespace
