// SPDX-License-Identifier: GPL-2.0-or-later
// Holds a file against the rules of Chrome's trace format, as a viewer needs them: time does not go back, slices of a track are nested, each async span has a begin
// and an end with the same id, tracks have names. Used by recorder_test.cc and by tests/vm/trace_check.cc; shares nothing with the writer.
#pragma once

#include <json-glib/json-glib.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace trace_checker {

struct Event {
    std::string phase, name, id, category, end;
    double ts = -1;
    gint64 pid = 0, tid = 0, value = -1;
};

class Checked {
  public:
    std::vector<Event> events;
    std::vector<std::string> problems;
    std::map<std::string, std::string> other; // counts of what is missing
    unsigned slices = 0, spans = 0;
    std::map<gint64, std::string> processes;
    std::map<std::pair<gint64, gint64>, std::string> threads;

    explicit Checked(const std::string &path)
    {
        g_autoptr(JsonParser) parser = json_parser_new();
        g_autoptr(GError) error = nullptr;
        if (!json_parser_load_from_file(parser, path.c_str(), &error)) {
            problems.emplace_back(error->message);
            return;
        }
        JsonNode *root = json_parser_get_root(parser);
        if (!root || !JSON_NODE_HOLDS_OBJECT(root) || !json_object_has_member(json_node_get_object(root), "traceEvents")) {
            problems.emplace_back("no object with traceEvents");
            return;
        }
        JsonObject *data = json_object_get_object_member(json_node_get_object(root), "otherData");
        for (const char *key : {"lost_records", "forgotten_records"})
            other[key] = json_object_get_string_member(data, key);
        JsonArray *array = json_object_get_array_member(json_node_get_object(root), "traceEvents");
        for (guint i = 0; i < json_array_get_length(array); i++)
            take(json_array_get_object_element(array, i));
        check();
    }

    unsigned count(const std::string &phase, const std::string &name) const
    {
        unsigned count = 0;
        for (const Event &event : events)
            count += event.phase == phase && event.name == name;
        return count;
    }

  private:
    void problem(size_t index, const std::string &what) { problems.push_back("event " + std::to_string(index) + ": " + what); }

    void take(JsonObject *object)
    {
        auto text = [&](const char *key) { return json_object_has_member(object, key) ? json_object_get_string_member(object, key) : ""; };
        JsonObject *args = json_object_has_member(object, "args") ? json_object_get_object_member(object, "args") : nullptr;
        Event event;
        event.phase = text("ph");
        event.name = text("name");
        event.id = text("id");
        event.category = text("cat");
        event.pid = json_object_get_int_member(object, "pid");
        event.tid = json_object_get_int_member(object, "tid");
        if (args && json_object_has_member(args, "end"))
            event.end = json_object_get_string_member(args, "end");
        if (args && json_object_has_member(args, "workloads"))
            event.value = json_object_get_int_member(args, "workloads");
        if (event.phase == "M")
            event.end = json_object_get_string_member(args, "name");
        else if (json_object_has_member(object, "ts"))
            event.ts = json_object_get_double_member(object, "ts");
        events.push_back(event);
    }

    void check()
    {
        std::map<std::pair<gint64, gint64>, int> depth;
        std::map<std::string, Event> open;
        double last = 0;
        for (size_t i = 0; i < events.size(); i++) {
            const Event &event = events[i];
            if (event.phase == "M") {
                bool fresh = event.name == "process_name" ? processes.emplace(event.pid, event.end).second
                                                          : threads.emplace(std::make_pair(event.pid, event.tid), event.end).second;
                if (!fresh)
                    problem(i, "named twice");
                continue;
            }
            if (event.ts < last)
                problem(i, "time goes back");
            last = event.ts;
            if (!processes.count(event.pid) || !threads.count({event.pid, event.tid}))
                problem(i, "on a track without a name");
            std::string key = event.category + event.id;
            int &slices_open = depth[{event.pid, event.tid}];
            if (event.phase == "B") {
                if (slices_open++ || event.name.empty())
                    problem(i, "an engine's track has two workloads at once, or one without a name");
            } else if (event.phase == "E") {
                if (--slices_open < 0)
                    problem(i, "an end without its begin");
                slices++;
            } else if (event.phase == "b") {
                if (event.id.empty() || !open.emplace(key, event).second)
                    problem(i, "a span begins twice or has no id");
            } else if (event.phase == "e") {
                auto begin = open.find(key);
                if (begin == open.end() || begin->second.pid != event.pid || begin->second.name != event.name)
                    problem(i, "a span ends that did not begin so");
                else
                    open.erase(begin);
                spans++;
            } else if (event.phase == "C") {
                if (event.value < 0 || event.value > 100000)
                    problem(i, "a counter is below 0");
            } else if (event.phase != "i") {
                problem(i, "of an unknown kind: " + event.phase);
            }
        }
        for (const auto &[key, event] : open)
            problems.push_back("a span has no end: " + key);
        for (const auto &[track, count] : depth)
            if (count)
                problems.push_back("a slice has no end");
    }
};

} // namespace trace_checker
