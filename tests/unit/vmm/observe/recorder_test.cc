// SPDX-License-Identifier: GPL-2.0-or-later
// Traces: whatever events come in whatever order, and whichever are lost, the file keeps the format's rules; and what is in it is what happened.
#include "vmm/error.h"
#include "vmm/observe/chrome_trace.h"
#include "vmm/observe/recorder.h"
#include "vmm/observe/trace_checker.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

const char *name_of(void *, unsigned vgpu)
{
    return vgpu == 1 ? "alpha" : vgpu == 2 ? "be\"ta" : nullptr;
}

using trace_checker::Event;

// Reads a file, which must keep all rules.
struct Checked : trace_checker::Checked {
    explicit Checked(const std::string &path) : trace_checker::Checked(path)
    {
        EXPECT_TRUE(problems.empty()) << problems.size() << " problems, the first: " << problems[0];
    }
};

class Recorder : public testing::Test {
  protected:
    std::string path = "/tmp/recorder-test-" + std::to_string(getpid()) + ".json";
    struct trace *trace = trace_create(0);
    struct recorder *recorder = recorder_create(name_of, nullptr);

    ~Recorder() override
    {
        recorder_destroy(recorder);
        trace_destroy(trace);
        unlink(path.c_str());
    }
    void start(size_t records = 1024)
    {
        g_autoptr(GError) error = nullptr;
        ASSERT_TRUE(recorder_start(recorder, path.c_str(), trace, &error)) << error->message;
        trace_keep(trace, records, chrome_trace_events);
    }
    void stop()
    {
        g_autoptr(GError) error = nullptr;
        ASSERT_TRUE(recorder_stop(recorder, trace, &error)) << error->message;
    }
    void emit(trace_event event, unsigned vgpu, unsigned engine, uint64_t a, uint64_t b = 0) { trace_emit(trace, event, vgpu, engine, a, b); }
};

TEST_F(Recorder, AWorkloadIsASpanAndASlice)
{
    start();
    emit(TRACE_TRAP_READ, 1, TRACE_NO_ENGINE, 0x2030); // not of interest
    emit(TRACE_SUBMIT, 1, ENGINE_BCS0, 7, 0x1000);
    emit(TRACE_DISPATCH, 1, ENGINE_BCS0, 7, 0x1000);
    emit(TRACE_FLIP, 1, TRACE_NO_ENGINE, 0x8000, 0);
    emit(TRACE_COMPLETE, 1, ENGINE_BCS0, 7, 5000);
    stop();
    Checked file(path);
    EXPECT_EQ(file.slices, 1u);
    EXPECT_EQ(file.spans, 1u);
    EXPECT_EQ(file.count("i", "flip"), 1u);
    EXPECT_EQ(file.count("C", "queued bcs0"), 2u);
    EXPECT_EQ(file.count("i", "trap_mmio_read"), 0u);
    EXPECT_EQ(file.other["lost_records"], "0");
    EXPECT_EQ(file.processes, (std::map<gint64, std::string>{{1, "alpha"}}));
    std::set<std::string> names;
    for (const auto &[track, name] : file.threads)
        names.insert(name);
    EXPECT_EQ(names, (std::set<std::string>{"rcs0", "bcs0", "vcs0", "vecs0", "display"}));
}

TEST_F(Recorder, PreemptionsHangsAndResetsAreMarked)
{
    start();
    emit(TRACE_SUBMIT, 1, ENGINE_RCS0, 1);
    emit(TRACE_SUBMIT, 2, ENGINE_RCS0, 2);
    emit(TRACE_DISPATCH, 1, ENGINE_RCS0, 1);
    emit(TRACE_PREEMPT, 1, ENGINE_RCS0, 1);
    emit(TRACE_DISPATCH, 2, ENGINE_RCS0, 2);
    emit(TRACE_ENGINE_RESET, 2, ENGINE_RCS0, 1);
    emit(TRACE_HANG, 2, ENGINE_RCS0, 2);
    emit(TRACE_DISPATCH, 1, ENGINE_RCS0, 1);
    emit(TRACE_COMPLETE, 1, ENGINE_RCS0, 1);
    stop();
    Checked file(path);
    EXPECT_EQ(file.slices, 3u);
    EXPECT_EQ(file.spans, 2u);
    EXPECT_EQ(file.count("i", "preempt"), 1u);
    EXPECT_EQ(file.count("i", "hang"), 1u);
    EXPECT_EQ(file.count("i", "engine_reset"), 1u);
    std::multiset<std::string> ends;
    for (const Event &event : file.events)
        if (event.phase == "E")
            ends.insert(event.end);
    EXPECT_EQ(ends, (std::multiset<std::string>{"preempted", "reset", "complete"}));
}

TEST_F(Recorder, OnlyWhatCameMeanwhile)
{
    trace_keep(trace, 1024, chrome_trace_events);
    emit(TRACE_SUBMIT, 1, ENGINE_RCS0, 1);
    start();
    emit(TRACE_SUBMIT, 1, ENGINE_RCS0, 2);
    stop();
    EXPECT_EQ(Checked(path).spans, 1u);
    emit(TRACE_SUBMIT, 1, ENGINE_RCS0, 3);
    start();
    stop();
    EXPECT_EQ(Checked(path).spans, 0u);
}

TEST_F(Recorder, KeepsTheNewestAndCountsTheRest)
{
    start(1 << 12);
    const uint64_t count = RECORDER_KEEPS / 3 + 20000;
    for (uint64_t w = 1; w <= count; w++) {
        emit(TRACE_SUBMIT, 1, ENGINE_VCS0, w);
        emit(TRACE_DISPATCH, 1, ENGINE_VCS0, w);
        emit(TRACE_COMPLETE, 1, ENGINE_VCS0, w);
        if (w % 256 == 0)
            recorder_poll(recorder, trace);
    }
    stop();
    std::ifstream file(path); // too large to be parsed here
    std::string line;
    std::getline(file, line);
    EXPECT_NE(line.find("\"lost_records\":\"0\",\"forgotten_records\":\"" + std::to_string(3 * count - RECORDER_KEEPS) + "\""), std::string::npos) << line;
    unsigned begun = 0;
    bool newest = false;
    while (std::getline(file, line)) {
        begun += line.find("\"ph\":\"b\"") != std::string::npos;
        newest |= line.find("\"workload\":" + std::to_string(count)) != std::string::npos;
    }
    EXPECT_TRUE(newest);
    EXPECT_NEAR(begun, RECORDER_KEEPS / 3, 1);
}

TEST_F(Recorder, LostEventsLeaveTheFileWellFormed)
{
    start(64);
    std::mt19937 random(7); // the same each time
    const trace_event kinds[] = {TRACE_SUBMIT, TRACE_DISPATCH, TRACE_COMPLETE, TRACE_PREEMPT, TRACE_HANG, TRACE_ENGINE_RESET, TRACE_FLIP, TRACE_VGPU_FAILED};
    for (unsigned i = 0; i < 20000; i++) {
        emit(kinds[random() % std::size(kinds)], random() % 4, random() % 8 ? static_cast<unsigned>(random() % ENGINE_COUNT) : static_cast<unsigned>(TRACE_NO_ENGINE), random() % 50);
        if (random() % 90 == 0)
            recorder_poll(recorder, trace);
    }
    stop();
    Checked file(path);
    EXPECT_GT(std::stoull(file.other["lost_records"]), 0u);
    EXPECT_GT(file.spans, 100u);
    EXPECT_GT(file.slices, 100u);
}

TEST_F(Recorder, NamesAreQuoted)
{
    start();
    emit(TRACE_FLIP, 2, TRACE_NO_ENGINE, 0);
    emit(TRACE_FLIP, 9, TRACE_NO_ENGINE, 0);
    stop();
    Checked file(path);
    EXPECT_EQ(file.processes, (std::map<gint64, std::string>{{2, "be\"ta"}, {9, "vGPU 9"}}));
}

TEST_F(Recorder, SaysWhatGoesWrong)
{
    g_autoptr(GError) error = nullptr;
    EXPECT_FALSE(recorder_stop(recorder, trace, &error));
    EXPECT_STREQ(error->message, "no events are being recorded (start a trace first)");
    g_clear_error(&error);
    EXPECT_FALSE(recorder_start(recorder, "/nowhere/x.json", trace, &error));
    EXPECT_STREQ(error->message, "trace /nowhere/x.json: No such file or directory");
    g_clear_error(&error);
    start();
    EXPECT_FALSE(recorder_start(recorder, "/tmp/other.json", trace, &error));
    EXPECT_EQ(error->message, "trace /tmp/other.json: events are being recorded to " + path + " (stop that first)");
    EXPECT_STREQ(recorder_path(recorder), path.c_str());
    stop();
    EXPECT_EQ(recorder_path(recorder), nullptr);
}

TEST_F(Recorder, AFullDiskEndsTheRecording)
{
    g_autoptr(GError) error = nullptr;
    ASSERT_TRUE(recorder_start(recorder, "/dev/full", trace, &error));
    trace_keep(trace, 1024, chrome_trace_events);
    for (uint64_t i = 0; i < 500; i++)
        emit(TRACE_SUBMIT, 1, ENGINE_RCS0, i);
    EXPECT_FALSE(recorder_stop(recorder, trace, &error));
    EXPECT_STREQ(error->message, "trace /dev/full: No space left on device; it is not complete, and recording has ended");
    EXPECT_EQ(recorder_path(recorder), nullptr);
    start(); // and another may begin
    stop();
}

} // namespace
