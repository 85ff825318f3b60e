// SPDX-License-Identifier: GPL-2.0-or-later
// Names and numbers of keys against what their sources say: QEMU's qapi/ui.json, linux/input-event-codes.h, keycodemap's list of qnum.
#include "vmm/display/keys.h"

#include <gtest/gtest.h>

#include <linux/input-event-codes.h>
#include <sstream>
#include <string>

namespace {

TEST(Keys, AllNamesOfQemu)
{
    std::istringstream names("shift shift_r alt alt_r ctrl ctrl_r menu esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace tab q w e r t y u i o p bracket_left "
                             "bracket_right ret a s d f g h j k l semicolon apostrophe grave_accent backslash z x c v b n m comma dot slash asterisk spc "
                             "caps_lock f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 num_lock scroll_lock kp_divide kp_multiply kp_subtract kp_add kp_enter kp_decimal sysrq "
                             "kp_0 kp_1 kp_2 kp_3 kp_4 kp_5 kp_6 kp_7 kp_8 kp_9 less f11 f12 print home pgup pgdn end left up down right insert delete stop "
                             "again props undo front copy open paste find cut lf help meta_l meta_r compose pause ro hiragana henkan yen muhenkan "
                             "katakanahiragana kp_comma kp_equals power sleep wake audionext audioprev audiostop audioplay audiomute volumeup volumedown "
                             "mediaselect mail calculator computer ac_home ac_back ac_forward ac_refresh ac_bookmarks lang1 lang2 f13 f14 f15 f16 f17 f18 "
                             "f19 f20 f21 f22 f23 f24");
    unsigned count = 0;
    for (std::string name; names >> name; count++) {
        unsigned code = 0;
        EXPECT_TRUE(key_by_name(name.c_str(), &code)) << name;
        EXPECT_GT(code, 0u);
        EXPECT_NE(key_name(code), nullptr);
    }
    EXPECT_EQ(count, 161u);
    unsigned code;
    for (const char *name : {"", "unmapped", "A", "ctrl ", "ctrl-alt", "F1"})
        EXPECT_FALSE(key_by_name(name, &code)) << name;
    EXPECT_STREQ(key_suggest("delet"), "delete");
    EXPECT_EQ(key_suggest("xyzzy-nothing-like-it"), nullptr);
}

TEST(Keys, CodesAndNumbers)
{
    const struct {
        const char *name;
        unsigned code;
        int64_t number;
    } keys[] = {{"a", KEY_A, 30}, {"ret", KEY_ENTER, 28}, {"ctrl", KEY_LEFTCTRL, 29}, {"ctrl_r", KEY_RIGHTCTRL, 0x9d}, {"alt_r", KEY_RIGHTALT, 0xb8},
                {"f12", KEY_F12, 0x58}, {"delete", KEY_DELETE, 0xd3}, {"up", KEY_UP, 0xc8}, {"kp_enter", KEY_KPENTER, 0x9c}, {"kp_multiply", KEY_KPASTERISK, 55},
                {"meta_l", KEY_LEFTMETA, 0xdb}, {"print", KEY_SYSRQ, 0x54}, {"sysrq", KEY_SYSRQ, 0xb7}, {"menu", KEY_MENU, 0x9e}, {"compose", KEY_COMPOSE, 0xdd},
                {"pause", KEY_PAUSE, 0xc6}, {"f24", KEY_F24, 0x6f}, {"audioplay", KEY_PLAYPAUSE, 0xa2}, {"ac_home", KEY_HOMEPAGE, 0xb2}, {"yen", KEY_YEN, 0x7d}};
    for (const auto &key : keys) {
        unsigned code = 0;
        ASSERT_TRUE(key_by_name(key.name, &code)) << key.name;
        EXPECT_EQ(code, key.code) << key.name;
        ASSERT_TRUE(key_by_number(key.number, &code)) << key.name;
        EXPECT_EQ(code, key.code) << key.name;
    }
    unsigned code;
    for (int64_t number : {INT64_C(0), INT64_C(-1), INT64_C(0x100), INT64_C(0x11e), INT64_MAX, INT64_MIN, INT64_C(0x1ff)})
        EXPECT_FALSE(key_by_number(number, &code)) << number;
    EXPECT_STREQ(key_name(KEY_KPASTERISK), "kp_multiply");
    EXPECT_EQ(key_name(0), nullptr);
    EXPECT_EQ(key_name(10000), nullptr);
}

} // namespace
