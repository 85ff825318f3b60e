// SPDX-License-Identifier: GPL-2.0-or-later
// What vmm top makes of two answers.
#include "vmm/control/top.h"

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Node {
    JsonNode *node;
    explicit Node(const std::string &text) : node(json_from_string(text.c_str(), nullptr)) { EXPECT_NE(node, nullptr) << text; }
    ~Node() { json_node_unref(node); }
};

std::string stats(unsigned seconds, const std::string &users)
{
    return "{\"policy\":\"fair\",\"uptime_ns\":" + std::to_string(seconds) + "000000000,\"users\":[" + users + "]}";
}

std::string user(const std::string &name, unsigned weight, uint64_t busy, uint64_t count)
{
    std::string n = std::to_string(count);
    return "{\"name\":\"" + name + "\",\"state\":\"running\",\"weight\":" + std::to_string(weight) + ",\"busy_ns\":{\"rcs0\":0,\"bcs0\":" + std::to_string(busy) +
           "},\"submitted\":{\"rcs0\":" + n + ",\"bcs0\":" + n + "},\"queued\":{\"bcs0\":3,\"vcs0\":1},\"resets\":{\"bcs0\":2},\"frames\":" + n +
           ",\"traps\":{\"elsp\":" + n + "}}";
}

std::string none = "{\"name\":\"nogpu\",\"state\":\"paused\",\"weight\":0}";

std::unique_ptr<struct top, void (*)(struct top *)> make(const Node &before, const Node &after)
{
    return {top_create(before.node, after.node), top_free};
}

TEST(ControlTop, MakesRates)
{
    auto top = make(Node(stats(10, user("alpha", 3, 1000, 100) + "," + none)),
                    Node(stats(12, user("alpha", 3, 1500001000, 150) + "," + user("beta", 1, 200000000, 10) + "," + none)));
    ASSERT_NE(top, nullptr);
    ASSERT_EQ(top->count, 3u);
    EXPECT_DOUBLE_EQ(top->interval_s, 2);
    EXPECT_DOUBLE_EQ(top->uptime_s, 12);
    const top_row &alpha = top->rows[0], &beta = top->rows[1], &nogpu = top->rows[2];
    EXPECT_DOUBLE_EQ(alpha.busy[ENGINE_BCS0], 0.75);
    EXPECT_DOUBLE_EQ(alpha.busy[ENGINE_RCS0], 0);
    EXPECT_DOUBLE_EQ(alpha.submissions, 50) << "two engines, 50 each, in 2 s";
    EXPECT_DOUBLE_EQ(alpha.frames, 25);
    EXPECT_DOUBLE_EQ(alpha.traps[TRACE_TRAP_ELSP], 25);
    EXPECT_EQ(alpha.queued, 4u);
    EXPECT_EQ(alpha.resets, 2u);
    EXPECT_DOUBLE_EQ(alpha.due, 0.75);
    EXPECT_DOUBLE_EQ(beta.busy[ENGINE_BCS0], 0.1) << "it came meanwhile";
    EXPECT_DOUBLE_EQ(beta.due, 0.25);
    EXPECT_EQ(nogpu.weight, 0u);
    EXPECT_DOUBLE_EQ(nogpu.due, 0);
}

TEST(ControlTop, RefusesWhatIsNoAnswer)
{
    Node good(stats(1, user("alpha", 1, 1, 1)));
    for (const char *bad : {"1", "[]", "{}", "{\"users\":1}", "null"})
        EXPECT_EQ(make(good, Node(bad)), nullptr) << bad;
    EXPECT_EQ(make(Node("[]"), good), nullptr);
    // Odd members are taken for what is not there.
    auto odd = make(good, Node("{\"users\":[1,{\"name\":2,\"busy_ns\":[],\"traps\":{\"elsp\":\"x\"},\"frames\":{}}]}"));
    ASSERT_NE(odd, nullptr);
    EXPECT_EQ(odd->count, 1u);
    EXPECT_STREQ(odd->rows[0].name, "");
}

TEST(ControlTop, FitsATerminal)
{
    std::string users;
    for (int i = 0; i < 40; i++)
        users += (i ? "," : "") + user("a-guest-with-a-long-name-" + std::to_string(i), 256, uint64_t(1) << 40, uint64_t(1) << 50);
    auto top = make(Node(stats(1, none)), Node(stats(360001, users)));
    auto small = make(Node(stats(1, user("x", 1, 0, 0))), Node(stats(2, user("x", 1, uint64_t(1) << 62, INT64_MAX))));
    for (auto *each : {top.get(), small.get()}) {
        char *text = top_to_text(each, 80, 24);
        std::istringstream lines(text);
        int count = 0;
        for (std::string line; std::getline(lines, line); count++)
            EXPECT_LE(line.size(), 80u) << line;
        EXPECT_LE(count, 24);
        g_free(text);
        // Nothing is cut off in 80 columns.
        char *wide = top_to_text(each, 200, 0);
        std::istringstream all(wide);
        for (std::string line; std::getline(all, line);)
            EXPECT_LE(line.size(), 80u) << line;
        g_free(wide);
    }
}

TEST(ControlTop, ShowsAndTellsTheSame)
{
    auto top = make(Node(stats(10, user("alpha", 3, 0, 0))), Node(stats(11, user("alpha", 3, 250000000, 1000) + "," + none)));
    char *text = top_to_text(top.get(), 80, 24);
    std::string shown = text;
    g_free(text);
    EXPECT_NE(shown.find("up 0:00:11  policy fair  guests 2  over 1.0 s"), std::string::npos) << shown;
    EXPECT_NE(shown.find("alpha        running        3 100%    0%   25%    0%    0%   2000  1000    4   2"), std::string::npos) << shown;
    EXPECT_NE(shown.find("nogpu        paused         -    -"), std::string::npos) << shown;
    EXPECT_NE(shown.find("TRAPS/S"), std::string::npos);
    JsonNode *node = top_to_json(top.get());
    JsonObject *alpha = json_array_get_object_element(json_object_get_array_member(json_node_get_object(node), "guests"), 0);
    EXPECT_STREQ(json_object_get_string_member(alpha, "name"), "alpha");
    EXPECT_DOUBLE_EQ(json_object_get_double_member(json_object_get_object_member(alpha, "busy"), "bcs0"), 0.25);
    EXPECT_DOUBLE_EQ(json_object_get_double_member(alpha, "submissions_per_s"), 2000);
    EXPECT_DOUBLE_EQ(json_object_get_double_member(json_object_get_object_member(alpha, "traps_per_s"), "elsp"), 1000);
    json_node_unref(node);
}

} // namespace
