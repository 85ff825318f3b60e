// SPDX-License-Identifier: GPL-2.0-or-later
// JSON messages out of a stream of bytes.
#include "vmm/control/input.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace {

// What came of a stream: each message as text, or "!" and the problem.
class Input {
public:
    explicit Input(size_t limit = 1000) { control_input_init(&input, limit); }
    ~Input() { control_input_finish(&input); }
    size_t kept() const { return input.text->len; }

    void feed(const std::string &text)
    {
        for (size_t at = 0; at < text.size();) {
            JsonObject *message = nullptr;
            GError *problem = nullptr;
            size_t taken = control_input_take(&input, text.data() + at, text.size() - at, &message, &problem);
            ASSERT_GT(taken, 0u);
            ASSERT_LE(taken, text.size() - at);
            at += taken;
            if (message) {
                JsonNode *node = json_node_new(JSON_NODE_OBJECT);
                json_node_take_object(node, message);
                char *back = json_to_string(node, FALSE);
                came.push_back(back);
                g_free(back);
                json_node_unref(node);
            }
            if (problem) {
                came.push_back(std::string("!") + problem->message);
                g_error_free(problem);
            }
        }
    }
    std::vector<std::string> came;

private:
    control_input input;
};

using Messages = std::vector<std::string>;

TEST(ControlInput, TakesMessagesWithAndWithoutLineEnds)
{
    Input input;
    input.feed("{\"a\":1}{\"b\":2}\n\r\n  {\"c\":[1,{\"d\":3}]}\r\n");
    EXPECT_EQ(input.came, (Messages{"{\"a\":1}", "{\"b\":2}", "{\"c\":[1,{\"d\":3}]}"}));
    EXPECT_EQ(input.kept(), 0u);
}

TEST(ControlInput, BracketsAndQuotesInStringsAreText)
{
    Input input;
    input.feed(R"({"a":"}]{[\"}\\"}{"b":"\\\"}"})");
    EXPECT_EQ(input.came, (Messages{R"({"a":"}]{[\"}\\"})", R"({"b":"\\\"}"})"}));
}

TEST(ControlInput, IsTheSameHoweverItIsSplit)
{
    const std::string text = "{\"execute\":\"x\",\"id\":\"}\\\"{\"}oops\n{\"a\":[1,2,{\"b\":null}]}\n[1]\n{\"c\":}\n\"text\"\n{\"d\":4}";
    Input whole;
    whole.feed(text);
    ASSERT_EQ(whole.came.size(), 7u);
    std::mt19937 random(7);
    for (int round = 0; round < 200; round++) {
        Input split;
        for (size_t at = 0; at < text.size();) {
            size_t len = std::min<size_t>(1 + random() % 9, text.size() - at);
            split.feed(text.substr(at, len));
            at += len;
        }
        EXPECT_EQ(split.came, whole.came);
    }
}

TEST(ControlInput, AMalformedLineSpoilsNothingBehindIt)
{
    for (const char *bad : {"hello", "{\"a\":", "{\"a\" 1}", "[1,2]", "}", "{\"a\":\"\\", "nul", "\"", "{]", "1", "{\"a\":\"\xff\"}"}) {
        Input input;
        input.feed(std::string(bad) + "\n{\"good\":1}\n");
        ASSERT_GE(input.came.size(), 2u) << bad;
        EXPECT_EQ(input.came.front()[0], '!') << bad;
        EXPECT_EQ(input.came.back(), "{\"good\":1}") << bad;
    }
}

TEST(ControlInput, ZeroBytesAreNoJson)
{
    Input input;
    input.feed(std::string("{\"a\":\0}\n{\"b\":1}", 15));
    ASSERT_EQ(input.came.size(), 2u);
    EXPECT_EQ(input.came[0][0], '!');
    EXPECT_EQ(input.came[1], "{\"b\":1}");
}

TEST(ControlInput, KeepsNoMoreThanItsLimit)
{
    Input input(100);
    for (int i = 0; i < 1000; i++) {
        input.feed("{\"a\":\"" + std::string(50, 'x'));
        EXPECT_LE(input.kept(), 100u);
    }
    ASSERT_EQ(input.came.size(), 1u) << "said once for the line";
    EXPECT_NE(input.came[0].find("longer than 100 bytes"), std::string::npos);
    input.feed("\n{\"b\":1}");
    EXPECT_EQ(input.came.back(), "{\"b\":1}");
    Input fits(100);
    fits.feed("{\"a\":\"" + std::string(92, 'x') + "\"}"); // exactly 100
    EXPECT_EQ(fits.came.size(), 1u);
    EXPECT_EQ(fits.came[0][0], '{');
}

TEST(ControlInput, BoundsTheDepth)
{
    Input input(100000);
    input.feed("{\"a\":" + std::string(50000, '[') + "\n{\"b\":1}");
    ASSERT_EQ(input.came.size(), 2u);
    EXPECT_NE(input.came[0].find("brackets within each other"), std::string::npos);
    Input deep;
    deep.feed("{\"a\":" + std::string(CONTROL_INPUT_DEPTH - 1, '[') + std::string(CONTROL_INPUT_DEPTH - 1, ']') + "}");
    ASSERT_EQ(deep.came.size(), 1u);
    EXPECT_EQ(deep.came[0][0], '{');
}

} // namespace
