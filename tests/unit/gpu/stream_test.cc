// SPDX-License-Identifier: GPL-2.0-or-later
// Recorded submissions: what was recorded comes back from the text, is bounded, is printed with its places, and nonsense is refused with its line.
#include "gpu/defs/stream.h"

#include <gio/gio.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace {

constexpr uint32_t BATCH_START = 0x31 << 23 | 1 << 8 | 1, BATCH_END = 0x0a << 23, USER_INTERRUPT = 0x02 << 23;
const std::string FIRST = STREAM_FIRST_LINE;

bool add(struct stream *stream, stream_part_kind kind, uint64_t gma, const std::vector<uint32_t> &dwords)
{
    return stream_add(stream, kind, gma, dwords.data(), dwords.size());
}

std::string text_of(const struct stream *stream)
{
    g_autoptr(GString) text = g_string_new(nullptr);
    stream_format(stream, text);
    return text->str;
}

// All of a text, again as text; what is wrong with it in error.
std::string parse_all(const std::string &text, std::string *error = nullptr)
{
    const char *at = text.c_str();
    unsigned line = 2;
    g_autoptr(GError) problem = nullptr;
    std::string again;

    while (struct stream *stream = stream_parse(&at, &line, &problem)) {
        again += text_of(stream);
        stream_free(stream);
    }
    if (error)
        *error = problem ? problem->message : "";
    return again;
}

TEST(Stream, ComesBackFromItsText)
{
    struct stream *stream = stream_create(ENGINE_BCS0, 0x3ffe6000, "two\nlines");
    EXPECT_TRUE(add(stream, STREAM_RING, 0x1000, {BATCH_START, 0xfffee000, 0xffff, 4, 5, 6, 7, 8, 9}));
    EXPECT_TRUE(add(stream, STREAM_BATCH, 0x2000, {BATCH_END}));
    EXPECT_TRUE(add(stream, STREAM_BATCH, 0x2040, {}));
    EXPECT_TRUE(add(stream, STREAM_USER_BATCH, 0xfffffffee000, {USER_INTERRUPT, BATCH_END}));
    std::string text = text_of(stream);
    stream_free(stream);
    EXPECT_EQ(text.substr(0, text.find('\n')), "submission bcs0 0x3ffe6000 two lines");

    std::string error;
    EXPECT_EQ(parse_all(text + "\n" + text, &error), text + text);
    EXPECT_EQ(error, "");
}

TEST(Stream, IsDecodedPartByPart)
{
    struct stream *stream = stream_create(ENGINE_RCS0, 0x5000, "alpha");
    add(stream, STREAM_RING, 0x1000, {BATCH_START, 0x2000, 0, USER_INTERRUPT});
    add(stream, STREAM_USER_BATCH, 0x2000, {0x20 << 23 | 2, 0x40, 0, 7, BATCH_END});
    std::vector<std::string> lines;
    stream_decode(stream, [](void *opaque, const char *line) { static_cast<std::vector<std::string> *>(opaque)->emplace_back(line); }, &lines);
    stream_free(stream);
    const std::vector<std::string> expected = {"rcs0 of alpha, context 0x00005000",
                                               "ring, 4 dwords from 0x00001000 on:",
                                               "0x00001000: MI_BATCH_BUFFER_START (3) ppgtt:0x2000(r)",
                                               "0x0000100c: MI_USER_INTERRUPT (1)",
                                               "user batch, 5 dwords from 0x00002000 on:",
                                               "0x00002000: MI_STORE_DATA_IMM (4) ppgtt:0x40(w) = 0x00000007",
                                               "0x00002010: MI_BATCH_BUFFER_END (1)"};
    EXPECT_EQ(lines, expected);
}

TEST(Stream, HoldsSoMuchAndNoMore)
{
    struct stream *stream = stream_create(ENGINE_RCS0, 0, nullptr);
    EXPECT_TRUE(add(stream, STREAM_RING, 0, std::vector<uint32_t>(STREAM_DWORDS_MAX - 1)));
    EXPECT_FALSE(add(stream, STREAM_USER_BATCH, 0, {1, 2}));
    EXPECT_EQ(stream->dwords, unsigned(STREAM_DWORDS_MAX));
    EXPECT_EQ(stream->parts[1].count, 1u);
    stream_free(stream);

    stream = stream_create(ENGINE_RCS0, 0, nullptr);
    for (unsigned i = 0; i < STREAM_PARTS_MAX; i++)
        EXPECT_TRUE(add(stream, STREAM_RING, 0, {i}));
    EXPECT_FALSE(add(stream, STREAM_RING, 0, {1}));
    stream_free(stream);
}

TEST(Stream, NonsenseIsRefusedWithItsLine)
{
    const std::string good = "submission rcs0 0x0 a\nring 0x0\n00000001\n";
    for (const auto &[text, message] : std::vector<std::pair<std::string, std::string>>{
             {"ring 0x0\n", "line 2: \"ring 0x0\""},
             {"submission xcs0 0x0 a\n", "line 2:"},
             {"submission rcs0\n", "line 2:"},
             {good + "00000002 x\n", "line 5:"},
             {good + "123456789\n", "line 5:"},
             {good + "ring\n", "line 5: \"ring\""},
             {"submission rcs0 0x0 a\n00000001\n", "line 3:"},
             {good + good + std::string(5000, '1') + "\n", "line 8:"},
         }) {
        std::string error;
        parse_all(text, &error);
        EXPECT_EQ(error.substr(0, message.size()), message) << text.substr(0, 80);
    }
    std::string many = "submission rcs0 0x0 a\n", error;
    for (unsigned i = 0; i <= STREAM_PARTS_MAX; i++)
        many += "ring 0x0\n1\n";
    parse_all(many, &error);
    EXPECT_NE(error, "");
    many = "submission rcs0 0x0 a\nring 0x0\n";
    for (unsigned i = 0; i <= STREAM_DWORDS_MAX; i++)
        many += "1\n";
    parse_all(many, &error);
    EXPECT_NE(error, "");
}

TEST(Stream, AnyTextIsTakenOrRefused)
{
    std::mt19937 random(1);
    const std::string base = "submission rcs0 0x0 a\nring 0x10\n00000001 00000002\nuser-batch 0x20\n7\nsubmission vcs0 0x0\nbatch 0x0\n1\n";
    for (unsigned i = 0; i < 20000; i++) {
        std::string text = base;
        for (unsigned n = random() % 6; n; n--) {
            size_t at = random() % text.size();
            switch (random() % 3) {
            case 0: text[at] = "\n 0xs1rb\xff"[random() % 9]; break;
            case 1: text.erase(at, 1 + random() % 20); break;
            default: text.insert(at, text.substr(random() % text.size(), random() % 30));
            }
            if (text.empty())
                text = "x";
        }
        std::string error, again = parse_all(text, &error);
        if (error.empty()) {
            EXPECT_EQ(parse_all(again), again) << text;
        }
    }
}

} // namespace
