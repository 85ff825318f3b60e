// SPDX-License-Identifier: GPL-2.0-or-later
// What a viewer types: symbols as keys of a layout, and how they are pressed. Key codes are written out: linux/input-event-codes.h and a keyboard in front of us.
#include "virtio_machine.h"
#include "vmm/display/typist.h"
#include "vmm/virtio/input.h"

#include <gtest/gtest.h>

#include <linux/input-event-codes.h>

#include <optional>

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
class Typing : public ::testing::Test {
  public:
    virtio_device *keyboard = virtio_input_create(VIRTIO_INPUT_KEYBOARD), *tablet = virtio_input_create(VIRTIO_INPUT_TABLET);
    Machine k{keyboard}, t{tablet};
    std::optional<Driver> keys, lamps, moves;
    input in = {keyboard, tablet};
    typist typing = {};

    void SetUp() override { use("us"); }
    void use(const char *layout)
    {
        keymap_destroy(const_cast<keymap *>(typing.keymap));
        typing = {};
        typing.input = &in;
        typing.keymap = keymap_create(layout);
        keys.emplace(start(k));
        lamps.emplace(k.queue(1, 8));
        k.status(15);
        moves.emplace(start(t));
        t.status(15);
    }
    void TearDown() override { keymap_destroy(const_cast<keymap *>(typing.keymap)); }
    static Driver start(Machine &m)
    {
        m.begin(~(UINT64_C(1) << 29));
        Driver d = m.queue(0, 64);
        for (unsigned i = 0; i < 64; i++)
            d.add({{Ram::BASE + 0x200000 + 8 * i, 8, true}});
        return d;
    }
    // "30+ 30- ": the keys' events so far.
    std::string typed(Machine &m, Driver &d)
    {
        std::string text;
        uint32_t id, len;
        for (unsigned quiet = 0; quiet < 150;) {
            if (!d.take(&id, &len)) {
                quiet++;
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
                continue;
            }
            uint64_t at = Ram::BASE + 0x200000 + 8 * id;
            unsigned type = m.ram.get<uint16_t>(at), code = m.ram.get<uint16_t>(at + 2);
            int value = static_cast<int>(m.ram.get<uint32_t>(at + 4));
            if (type == EV_KEY)
                text += std::to_string(code) + (value ? "+ " : "- ");
            else if (type != EV_SYN)
                text += std::to_string(type) + ":" + std::to_string(code) + "=" + std::to_string(value) + " ";
            d.publish(static_cast<uint16_t>(id));
            m.kick(0);
        }
        return text;
    }
    std::string typed() { return typed(k, *keys); }
    std::string pointed() { return typed(t, *moves); }
    void tap(uint32_t keysym)
    {
        typist_key(&typing, keysym, true);
        typist_key(&typing, keysym, false);
    }
    void caps(bool on)
    {
        uint64_t at = Ram::BASE + 0x300000;
        k.ram.set<uint16_t>(at, EV_LED);
        k.ram.set<uint16_t>(at + 2, LED_CAPSL);
        k.ram.set<uint32_t>(at + 4, on);
        k.run(*lamps, 1, {{at, 8, false}});
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
