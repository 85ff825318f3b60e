// SPDX-License-Identifier: GPL-2.0-or-later
// Error states: what is captured comes back from the text, the active head is found and marked, and nonsense is refused with its line.
#include "gpu/defs/error_state.h"
#include "gpu/defs/registers.h"

#include <gio/gio.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr uint32_t NOOP = 0, BATCH_END = 0x0a << 23, STORE = 0x20 << 23 | 2, BATCH_START = 0x31 << 23 | 1, PPGTT = 1 << 8;
constexpr uint32_t BCS = 0x22000;

class ErrorState : public testing::Test {
  protected:
    struct error_state *state = error_state_create(ENGINE_BCS0, "no arbitration point\nwithin 100 ms");
    std::map<uint32_t, uint32_t> registers;

    ~ErrorState() override { error_state_free(state); }
    void capture()
    {
        error_state_capture(
            state, [](void *opaque, uint32_t offset) { return (*static_cast<std::map<uint32_t, uint32_t> *>(opaque))[offset]; }, &registers);
    }
    void head(uint64_t address)
    {
        registers[BCS + RING_ACTHD] = static_cast<uint32_t>(address);
        registers[BCS + RING_ACTHD_UDW] = static_cast<uint32_t>(address >> 32);
    }
    void batch_at(uint64_t address, bool ppgtt)
    {
        head(address);
        registers[BCS + RING_BBADDR] = static_cast<uint32_t>(address) | 1;
        registers[BCS + RING_BBSTATE] = ppgtt ? 1 << 5 : 0;
    }
    static void set(error_memory &memory, uint64_t gma, const std::vector<uint32_t> &dwords)
    {
        error_memory_set(&memory, gma, dwords.data(), static_cast<unsigned>(dwords.size()));
    }
    std::vector<std::string> decode(const struct error_state *what)
    {
        std::vector<std::string> lines;
        error_state_decode(what, [](void *opaque, const char *line) { static_cast<std::vector<std::string> *>(opaque)->emplace_back(line); }, &lines);
        return lines;
    }
    std::string error_of(const std::string &text)
    {
        g_autoptr(GError) error = nullptr;
        struct error_state *parsed = error_state_parse(text.c_str(), &error);
        error_state_free(parsed);
        return error ? error->message : "";
    }
};

std::vector<std::string> marked(const std::vector<std::string> &lines)
{
    std::vector<std::string> found;
    for (const std::string &line : lines)
        if (line.rfind("--> ", 0) == 0)
            found.push_back(line);
    return found;
}

TEST_F(ErrorState, ComesBackFromItsText)
{
    batch_at(0x123456789010, true);
    registers[BCS + RING_IPEHR] = STORE;
    capture();
    state->guest = g_strdup("alpha");
    state->workload = 42;
    state->context = 0x10004000;
    set(state->ring, 0xfffc1018, {BATCH_START | PPGTT, 0x56789000, 0x1234, NOOP, NOOP, NOOP, NOOP, NOOP, NOOP, STORE});
    set(state->batch, 0x123456789000, {NOOP, NOOP, BATCH_END});
    g_autofree char *text = error_state_format(state);
    EXPECT_TRUE(error_state_is(text));
    g_autoptr(GError) error = nullptr;
    struct error_state *back = error_state_parse(text, &error);
    ASSERT_NE(back, nullptr) << error->message;
    EXPECT_STREQ(back->guest, "alpha");
    EXPECT_STREQ(back->reason, "no arbitration point within 100 ms"); // one line
    EXPECT_EQ(back->workload, 42u);
    EXPECT_EQ(back->context, 0x10004000u);
    EXPECT_EQ(back->engine, ENGINE_BCS0);
    EXPECT_EQ(error_state_active_head(back), 0x123456789010u);
    EXPECT_EQ(error_state_register(back, BCS + RING_IPEHR), STORE);
    EXPECT_EQ(back->ring.count, 10u);
    EXPECT_EQ(back->ring.dwords[9], STORE);
    EXPECT_EQ(back->batch.gma, 0x123456789000u);
    g_autofree char *again = error_state_format(back);
    EXPECT_STREQ(again, text);
    error_state_free(back);
}

TEST_F(ErrorState, MarksTheCommandAtTheActiveHead)
{
    set(state->ring, 0x1000, {STORE, 0x5000, 0, 7, STORE, 0x5004, 0, 8, NOOP, NOOP, NOOP});
    const std::pair<uint64_t, const char *> cases[] = {{0x1000, "0x00001000"}, {0x1004, "0x00001000"}, {0x1010, "0x00001010"},
                                                       {0x101c, "0x00001010"}, {0x1028, "0x00001020"}};
    for (const auto &[at, line] : cases) {
        head(at);
        state->register_count = 0;
        capture();
        auto lines = marked(decode(state));
        ASSERT_EQ(lines.size(), 1u) << at;
        EXPECT_EQ(lines[0].find(line), 4u) << at << lines[0];
    }
    head(0x2000);
    state->register_count = 0;
    capture();
    EXPECT_TRUE(marked(decode(state)).empty());
}

TEST_F(ErrorState, MarksBehindABatchEndToo)
{
    batch_at(0x2008, true);
    capture();
    set(state->batch, 0x2000, {NOOP, BATCH_END, STORE, 0x5000, 0, 1});
    auto lines = marked(decode(state));
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("MI_STORE_DATA_IMM"), std::string::npos) << lines[0];
}

TEST_F(ErrorState, WantsTheBatchThatTheRingStarted)
{
    uint64_t gma;
    unsigned count;
    bool ppgtt;
    set(state->ring, 0xf000, {BATCH_START | PPGTT, 0x8000, 0, BATCH_START | PPGTT, 0x9000, 0, BATCH_START, 0x9010, 0, NOOP});
    batch_at(0x9040, true);
    capture();
    ASSERT_TRUE(error_state_wants_batch(state, &gma, &count, &ppgtt));
    EXPECT_EQ(gma, 0x9000u) << "the nearest below, in the same address space";
    EXPECT_TRUE(ppgtt);
    EXPECT_EQ(count, 0x40 / 4 + ERROR_BEHIND);

    // Too far from any begin: from the active head on.
    batch_at(0x1000000, true);
    state->register_count = 0;
    capture();
    ASSERT_TRUE(error_state_wants_batch(state, &gma, &count, &ppgtt));
    EXPECT_EQ(gma, 0x1000000u);
    EXPECT_EQ(count, static_cast<unsigned>(ERROR_BEHIND));

    batch_at(0x9014, false);
    state->register_count = 0;
    capture();
    ASSERT_TRUE(error_state_wants_batch(state, &gma, &count, &ppgtt));
    EXPECT_EQ(gma, 0x9010u);
    EXPECT_FALSE(ppgtt);
}

TEST_F(ErrorState, WantsNoBatchWhileTheRingRuns)
{
    uint64_t gma;
    unsigned count;
    bool ppgtt;
    set(state->ring, 0xf000, {NOOP, NOOP, NOOP});
    head(0xf008);
    capture();
    EXPECT_FALSE(error_state_wants_batch(state, &gma, &count, &ppgtt));
}

TEST_F(ErrorState, HasBounds)
{
    std::vector<uint32_t> many(ERROR_DWORDS_MAX + 100, NOOP);
    set(state->ring, 0, many);
    EXPECT_EQ(state->ring.count, static_cast<unsigned>(ERROR_DWORDS_MAX));
    g_autofree char *text = error_state_format(state);
    EXPECT_EQ(error_of(text), "");
    EXPECT_EQ(error_of(std::string(text) + "00000000\n").rfind("line ", 0), 0u) << "a dword more than is allowed";
    std::string registers = "Mediant error state, version 1\n";
    for (int i = 0; i <= ERROR_REGISTERS_MAX; i++)
        registers += "register 0x1 0x2\n";
    EXPECT_EQ(error_of(registers), "line " + std::to_string(ERROR_REGISTERS_MAX + 2) + ": \"register 0x1 0x2\" is not of an error state");
}

TEST_F(ErrorState, RefusesNonsense)
{
    const std::string begin = "Mediant error state, version 1\n";
    EXPECT_EQ(error_of("hello\n"), "line 1: not \"Mediant error state, version 1\"");
    EXPECT_EQ(error_of(begin), "");
    EXPECT_EQ(error_of(begin + "engine xcs0\n"), "line 2: \"engine xcs0\" is not of an error state");
    EXPECT_EQ(error_of(begin + "register 0x1\n"), "line 2: \"register 0x1\" is not of an error state");
    EXPECT_EQ(error_of(begin + "\n12345678\n"), "line 3: \"12345678\" is not of an error state");
    EXPECT_EQ(error_of(begin + "ring 0x10\n123456789\n"), "line 3: \"123456789\" is not of an error state");
    EXPECT_EQ(error_of(begin + "ring 0x10\n1\nring 0x20\n"), "line 4: \"ring 0x20\" is not of an error state");
    EXPECT_NE(error_of(begin + "reason " + std::string(100000, 'x') + "\n"), "");
}

// Whatever is in a file, it is parsed or refused, and what is parsed can be printed.
TEST_F(ErrorState, SurvivesDamage)
{
    batch_at(0x9004, true);
    capture();
    set(state->ring, 0xfffc1018, {BATCH_START | PPGTT, 0x9000, 0, NOOP});
    set(state->batch, 0x9000, {NOOP, STORE, 1, 2, 3});
    g_autofree char *good = error_state_format(state);
    std::mt19937 random(3);
    unsigned parsed = 0;
    for (int i = 0; i < 3000; i++) {
        std::string text = good;
        for (unsigned n = random() % 4; n-- > 0;)
            text[31 + random() % (text.size() - 31)] = "0123456789abcdef \nx"[random() % 19];
        struct error_state *back = error_state_parse(text.c_str(), nullptr);
        if (back) {
            parsed++;
            EXPECT_GT(decode(back).size(), 5u);
        }
        error_state_free(back);
    }
    EXPECT_GT(parsed, 500u);
}

} // namespace
