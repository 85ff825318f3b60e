// SPDX-License-Identifier: GPL-2.0-or-later
// What a viewer types: symbols as keys of a layout, and how they are pressed. Key codes are written out: linux/input-event-codes.h and a keyboard in front of us.
#include "virtio_hands.h"
#include "vmm/display/typist.h"

#include <gtest/gtest.h>

using namespace virtio_test;

namespace {

struct Wanted {
    uint32_t keysym;
    unsigned code;
    bool shift, level3;
};

void expect_all(const char *layout, const std::vector<Wanted> &list)
{
    keymap *map = keymap_create(layout);
    ASSERT_NE(map, nullptr) << layout;
    for (const Wanted &w : list) {
        keystroke stroke;
        SCOPED_TRACE(std::string(layout) + " keysym " + std::to_string(w.keysym));
        ASSERT_TRUE(keymap_find(map, w.keysym, &stroke));
        EXPECT_EQ(stroke.code, w.code);
        EXPECT_EQ(stroke.shift, w.shift);
        EXPECT_EQ(stroke.level3, w.level3);
    }
    keymap_destroy(map);
}

TEST(Keymap, UnitedStates)
{
    expect_all("us", {{'a', 30, false, false},    {'A', 30, true, false},     {'z', 44, false, false},    {'1', 2, false, false},
                      {'!', 2, true, false},      {'@', 3, true, false},      {'/', 53, false, false},    {'?', 53, true, false},
                      {'~', 41, true, false},     {' ', 57, false, false},    {0xff0d, 28, false, false}, {0xff08, 14, false, false},
                      {0xff1b, 1, false, false},  {0xff09, 15, false, false}, {0xffe1, 42, false, false}, {0xffe3, 29, false, false},
                      {0xffe9, 56, false, false}, {0xff51, 105, false, false}, {0xffff, 111, false, false}, {0xffbe, 59, false, false},
                      {0xffc9, 88, false, false}, {0xffeb, 125, false, false}, {0xff8d, 96, false, false}, {0xffb1, 79, false, false},
                      {0xffe5, 58, false, false}});
    keymap *map = keymap_create("us");
    keystroke stroke;
    EXPECT_FALSE(keymap_find(map, 0xe4, &stroke)) << "no such letter on it";
    EXPECT_FALSE(keymap_find(map, 0, &stroke));
    EXPECT_FALSE(keymap_find(map, UINT32_MAX, &stroke));
    ASSERT_TRUE(keymap_find(map, 'a', &stroke));
    EXPECT_TRUE(stroke.letter && stroke.text);
    ASSERT_TRUE(keymap_find(map, '1', &stroke));
    EXPECT_TRUE(!stroke.letter && stroke.text);
    ASSERT_TRUE(keymap_find(map, 0xff0d, &stroke));
    EXPECT_FALSE(stroke.text) << "Shift and Return is not Return";
    ASSERT_TRUE(keymap_find(map, 0xffb1, &stroke));
    EXPECT_FALSE(stroke.text) << "the keypad goes by NumLock";
    keymap_destroy(map);
}

TEST(Keymap, Others)
{
    expect_all("de", {{'z', 21, false, false}, {'y', 44, false, false}, {'/', 8, true, false}, {'@', 16, false, true}, {0xe4, 40, false, false},
                      {0xdf, 12, false, false}, {'{', 8, false, true}, {0x20ac, 18, false, true} /* a keysym of its own: EuroSign */});
    expect_all("fr", {{'a', 16, false, false}, {'1', 2, true, false}, {'&', 2, false, false}});
    expect_all("us(dvorak)", {{'o', 31, false, false}});
    EXPECT_EQ(keymap_create("nowhere"), nullptr);
    EXPECT_EQ(keymap_create("us(nosuch)"), nullptr);
    EXPECT_EQ(keymap_create("us,de"), nullptr);
    EXPECT_EQ(keymap_create(""), nullptr);
    EXPECT_EQ(keymap_create("../../../etc/passwd"), nullptr);
}

// A typist at a keyboard whose driver takes everything.
class Typing : public ::testing::Test, public Hands {
  public:
    typist typing = {};

    void SetUp() override { use("us"); }
    void use(const char *layout)
    {
        keymap_destroy(const_cast<keymap *>(typing.keymap));
        typing = {};
        typing.input = &in;
        typing.keymap = keymap_create(layout);
        listen();
    }
    void TearDown() override { keymap_destroy(const_cast<keymap *>(typing.keymap)); }
    void tap(uint32_t keysym)
    {
        typist_key(&typing, keysym, true);
        typist_key(&typing, keysym, false);
    }
};

constexpr uint32_t SHIFT = 0xffe1, CTRL = 0xffe3, ALTGR = 0xfe03;

TEST_F(Typing, AsAPersonDoes)
{
    tap('a');
    typist_key(&typing, SHIFT, true);
    tap('A');
    tap('!');
    typist_key(&typing, SHIFT, false);
    EXPECT_EQ(typed(), "30+ 30- 42+ 30+ 30- 2+ 2- 42- ");
}

TEST_F(Typing, SymbolsWithoutTheirShiftGetIt)
{
    tap('!');
    tap('A');
    EXPECT_EQ(typed(), "42+ 2+ 42- 2- 42+ 30+ 42- 30- ");
}

TEST_F(Typing, AndLoseTheOneThatIsNotTheirs)
{
    // On a German keyboard, / is Shift and 7.
    typist_key(&typing, SHIFT, true);
    tap('/');
    typist_key(&typing, SHIFT, false);
    EXPECT_EQ(typed(), "42+ 42- 53+ 42+ 53- 42- ");
}

TEST_F(Typing, AltGrOfTheGuestsLayout)
{
    use("de");
    tap('@');
    typist_key(&typing, ALTGR, true);
    tap('@');
    typist_key(&typing, ALTGR, false);
    EXPECT_EQ(typed(), "100+ 16+ 100- 16- 100+ 16+ 16- 100- ");
    use("us");
    typist_key(&typing, ALTGR, true);
    tap('@');
    typist_key(&typing, ALTGR, false);
    EXPECT_EQ(typed(), "42+ 3+ 42- 3- ") << "there is none on this one";
}

TEST_F(Typing, CommandsAreLeftAlone)
{
    typist_key(&typing, CTRL, true);
    tap('C');
    typist_key(&typing, CTRL, false);
    EXPECT_EQ(typed(), "29+ 46+ 46- 29- ");
}

TEST_F(Typing, CapsLockOfTheGuest)
{
    caps(true);
    tap('A');
    tap('a');
    tap('1');
    caps(false);
    tap('a');
    EXPECT_EQ(typed(), "30+ 30- 42+ 30+ 42- 30- 2+ 2- 30+ 30- ");
}

TEST_F(Typing, WhatIsHeldIsLetGo)
{
    typist_key(&typing, 'a', true);
    typist_key(&typing, 'a', true);
    typist_key(&typing, 0xffff00, true);
    typist_pointer(&typing, 0, 0, 100, 100, INPUT_LEFT | INPUT_RIGHT);
    typist_leave(&typing);
    typist_leave(&typing);
    typist_key(&typing, 'a', false);
    EXPECT_EQ(typed(), "30+ 30- ");
    EXPECT_EQ(pointed(), "3:0=0 3:1=0 272+ 273+ 3:0=0 3:1=0 272- 273- ");
}

TEST_F(Typing, MoreKeysThanHands)
{
    for (uint32_t key = 'a'; key <= 'z'; key++)
        typist_key(&typing, key, true);
    for (uint32_t key = '0'; key <= '9'; key++)
        typist_key(&typing, key, true);
    typist_leave(&typing);
    std::string all = typed();
    EXPECT_EQ(std::count(all.begin(), all.end(), '+'), TYPIST_KEYS);
    EXPECT_EQ(std::count(all.begin(), all.end(), '-'), TYPIST_KEYS);
}

TEST_F(Typing, PointerAndWheels)
{
    typist_pointer(&typing, 99, 49, 100, 50, 0);
    EXPECT_EQ(pointed(), "3:0=32767 3:1=32767 ");
    typist_pointer(&typing, 0, 1000, 100, 50, INPUT_WHEEL_UP);
    typist_pointer(&typing, 0, 1000, 100, 50, 0);
    typist_pointer(&typing, 0, 0, 100, 50, INPUT_WHEEL_DOWN | INPUT_WHEEL_LEFT);
    typist_pointer(&typing, 0, 0, 0, 0, INPUT_LEFT);
    EXPECT_NE(pointed().find("2:8=1"), std::string::npos);
}

TEST_F(Typing, NoKeyboardNoKeymap)
{
    input none = {nullptr, nullptr};
    typist nobody = {};
    nobody.input = &none;
    typist_key(&nobody, 'a', true);
    typist_pointer(&nobody, 1, 1, 10, 10, INPUT_LEFT);
    typist_leave(&nobody);
    nobody.keymap = typing.keymap;
    typist_key(&nobody, 'A', true);
    typist_leave(&nobody);
}

} // namespace
