// SPDX-License-Identifier: GPL-2.0-or-later
// Traces: whatever events come in whatever order, and whichever are lost, the file keeps the format's rules; and what is in it is what happened.
#include "vmm/error.h"
#include "vmm/observe/chrome_trace.h"
#include "vmm/observe/recorder.h"

#include <gtest/gtest.h>
#include <json-glib/json-glib.h>

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

struct Event {
    std::string phase, name, id, category, end;
    double ts;
    gint64 pid, tid, value;
};

// Reads a file and holds it against the rules of the format.
struct Checked {
    std::vector<Event> events;
    std::map<std::string, std::string> other;
    unsigned slices = 0, spans = 0;

    explicit Checked(const std::string &path)
    {
        g_autoptr(JsonParser) parser = json_parser_new();
        g_autoptr(GError) error = nullptr;
        EXPECT_TRUE(json_parser_load_from_file(parser, path.c_str(), &error)) << error->message;
        if (error)
            return;
        JsonObject *root = json_node_get_object(json_parser_get_root(parser));
        JsonObject *data = json_object_get_object_member(root, "otherData");
        for (const char *key : {"lost_records", "forgotten_records"})
            other[key] = json_object_get_string_member(data, key);
        JsonArray *array = json_object_get_array_member(root, "traceEvents");
        for (guint i = 0; i < json_array_get_length(array); i++)
            take(json_array_get_object_element(array, i));
        check();
    }

    void take(JsonObject *object)
    {
        auto text = [&](const char *key) { return json_object_has_member(object, key) ? json_object_get_string_member(object, key) : ""; };
        Event event = {text("ph"), text("name"), text("id"), text("cat"), "", -1, json_object_get_int_member(object, "pid"),
                       json_object_get_int_member(object, "tid"), -1};
        JsonObject *args = json_object_has_member(object, "args") ? json_object_get_object_member(object, "args") : nullptr;
        if (args && json_object_has_member(args, "end"))
            event.end = json_object_get_string_member(args, "end");
        if (args && json_object_has_member(args, "workloads"))
            event.value = json_object_get_int_member(args, "workloads");
        if (args && event.phase == "M")
            event.end = json_object_get_string_member(args, "name");
        if (event.phase != "M") {
            ASSERT_TRUE(json_object_has_member(object, "ts")) << i();
            event.ts = json_object_get_double_member(object, "ts");
        }
        events.push_back(event);
    }
    std::string i() const { return "event " + std::to_string(events.size()); }

    void check()
    {
        std::map<std::pair<gint64, gint64>, int> depth;
        std::map<std::string, Event> open;
        std::set<gint64> named;
        double last = 0;
        for (const Event &event : events) {
            if (event.phase == "M") {
                bool added = event.name != "process_name" || named.insert(event.pid).second;
                EXPECT_TRUE(added) << "named twice";
                continue;
            }
            EXPECT_GE(event.ts, last) << "time goes back";
            last = event.ts;
            EXPECT_TRUE(named.count(event.pid)) << "a process without a name";
            int &open_slices = depth[{event.pid, event.tid}];
            std::string key = event.category + event.id;
            if (event.phase == "B") {
                EXPECT_EQ(open_slices++, 0) << "two workloads on an engine's track";
                EXPECT_FALSE(event.name.empty());
            } else if (event.phase == "E") {
                EXPECT_EQ(open_slices--, 1) << "an end without its begin";
                slices++;
            } else if (event.phase == "b") {
                EXPECT_TRUE(open.emplace(key, event).second) << key << " begins twice";
            } else if (event.phase == "e") {
                ASSERT_TRUE(open.count(key)) << key << " ends without a begin";
                EXPECT_EQ(open[key].pid, event.pid);
                EXPECT_EQ(open[key].tid, event.tid);
                open.erase(key);
                spans++;
            } else if (event.phase == "C") {
                EXPECT_GE(event.value, 0);
                EXPECT_LT(event.value, 10000) << "counted below 0";
            } else {
                EXPECT_EQ(event.phase, "i");
            }
        }
        EXPECT_TRUE(open.empty()) << "spans without an end";
        for (const auto &[track, count] : depth)
            EXPECT_EQ(count, 0) << "a slice without an end";
    }

    unsigned count(const std::string &phase, const std::string &name) const
    {
        unsigned count = 0;
        for (const Event &event : events)
            count += event.phase == phase && event.name == name;
        return count;
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
    std::set<std::string> names;
    for (const Event &event : file.events)
        if (event.phase == "M")
            names.insert(event.end);
    EXPECT_EQ(names, (std::set<std::string>{"alpha", "rcs0", "bcs0", "vcs0", "vecs0", "display"}));
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

// What a guest named as it likes does to the file: nothing.
TEST_F(Recorder, NamesAreQuoted)
{
    start();
    emit(TRACE_FLIP, 2, TRACE_NO_ENGINE, 0);
    emit(TRACE_FLIP, 9, TRACE_NO_ENGINE, 0);
    stop();
    Checked file(path);
    std::set<std::string> names;
    for (const Event &event : file.events)
        if (event.name == "process_name")
            names.insert(event.end);
    EXPECT_EQ(names, (std::set<std::string>{"be\"ta", "vGPU 9"}));
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
