/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of keys. See keys.h. */
#include "vmm/display/keys.h"

#include "vmm/units.h"

#include <linux/input-event-codes.h>
#include <string.h>

/* Up to F12, Linux's codes are the scan codes. */
enum { SAME_MAX = KEY_F12 };

/* Of keys with several names, the first is the one that is told. */
static const struct key {
    const char *name;
    uint8_t code, number; /* 0: the code's, up to SAME_MAX; beyond, none */
} keys[] = {
    {"esc", KEY_ESC, 0}, {"1", KEY_1, 0}, {"2", KEY_2, 0}, {"3", KEY_3, 0}, {"4", KEY_4, 0}, {"5", KEY_5, 0}, {"6", KEY_6, 0}, {"7", KEY_7, 0},
    {"8", KEY_8, 0}, {"9", KEY_9, 0}, {"0", KEY_0, 0}, {"minus", KEY_MINUS, 0}, {"equal", KEY_EQUAL, 0}, {"backspace", KEY_BACKSPACE, 0},
    {"tab", KEY_TAB, 0}, {"q", KEY_Q, 0}, {"w", KEY_W, 0}, {"e", KEY_E, 0}, {"r", KEY_R, 0}, {"t", KEY_T, 0}, {"y", KEY_Y, 0}, {"u", KEY_U, 0},
    {"i", KEY_I, 0}, {"o", KEY_O, 0}, {"p", KEY_P, 0}, {"bracket_left", KEY_LEFTBRACE, 0}, {"bracket_right", KEY_RIGHTBRACE, 0}, {"ret", KEY_ENTER, 0},
    {"ctrl", KEY_LEFTCTRL, 0}, {"a", KEY_A, 0}, {"s", KEY_S, 0}, {"d", KEY_D, 0}, {"f", KEY_F, 0}, {"g", KEY_G, 0}, {"h", KEY_H, 0}, {"j", KEY_J, 0},
    {"k", KEY_K, 0}, {"l", KEY_L, 0}, {"semicolon", KEY_SEMICOLON, 0}, {"apostrophe", KEY_APOSTROPHE, 0}, {"grave_accent", KEY_GRAVE, 0},
    {"shift", KEY_LEFTSHIFT, 0}, {"backslash", KEY_BACKSLASH, 0}, {"z", KEY_Z, 0}, {"x", KEY_X, 0}, {"c", KEY_C, 0}, {"v", KEY_V, 0}, {"b", KEY_B, 0},
    {"n", KEY_N, 0}, {"m", KEY_M, 0}, {"comma", KEY_COMMA, 0}, {"dot", KEY_DOT, 0}, {"slash", KEY_SLASH, 0}, {"shift_r", KEY_RIGHTSHIFT, 0},
    {"kp_multiply", KEY_KPASTERISK, 0}, {"asterisk", KEY_KPASTERISK, 0}, {"alt", KEY_LEFTALT, 0}, {"spc", KEY_SPACE, 0}, {"caps_lock", KEY_CAPSLOCK, 0},
    {"f1", KEY_F1, 0}, {"f2", KEY_F2, 0}, {"f3", KEY_F3, 0}, {"f4", KEY_F4, 0}, {"f5", KEY_F5, 0}, {"f6", KEY_F6, 0}, {"f7", KEY_F7, 0},
    {"f8", KEY_F8, 0}, {"f9", KEY_F9, 0}, {"f10", KEY_F10, 0}, {"num_lock", KEY_NUMLOCK, 0}, {"scroll_lock", KEY_SCROLLLOCK, 0}, {"kp_7", KEY_KP7, 0},
    {"kp_8", KEY_KP8, 0}, {"kp_9", KEY_KP9, 0}, {"kp_subtract", KEY_KPMINUS, 0}, {"kp_4", KEY_KP4, 0}, {"kp_5", KEY_KP5, 0}, {"kp_6", KEY_KP6, 0},
    {"kp_add", KEY_KPPLUS, 0}, {"kp_1", KEY_KP1, 0}, {"kp_2", KEY_KP2, 0}, {"kp_3", KEY_KP3, 0}, {"kp_0", KEY_KP0, 0}, {"kp_decimal", KEY_KPDOT, 0},
    {"less", KEY_102ND, 0}, {"f11", KEY_F11, 0}, {"f12", KEY_F12, 0},
    {"ro", KEY_RO, 0x73}, {"hiragana", KEY_HIRAGANA, 0x77}, {"henkan", KEY_HENKAN, 0x79}, {"katakanahiragana", KEY_KATAKANAHIRAGANA, 0x70},
    {"muhenkan", KEY_MUHENKAN, 0x7b}, {"kp_enter", KEY_KPENTER, 0x9c}, {"ctrl_r", KEY_RIGHTCTRL, 0x9d}, {"kp_divide", KEY_KPSLASH, 0xb5},
    {"print", KEY_SYSRQ, 0x54}, {"sysrq", KEY_SYSRQ, 0xb7}, {"alt_r", KEY_RIGHTALT, 0xb8}, {"lf", KEY_LINEFEED, 0x5b}, {"home", KEY_HOME, 0xc7},
    {"up", KEY_UP, 0xc8}, {"pgup", KEY_PAGEUP, 0xc9}, {"left", KEY_LEFT, 0xcb}, {"right", KEY_RIGHT, 0xcd}, {"end", KEY_END, 0xcf},
    {"down", KEY_DOWN, 0xd0}, {"pgdn", KEY_PAGEDOWN, 0xd1}, {"insert", KEY_INSERT, 0xd2}, {"delete", KEY_DELETE, 0xd3}, {"audiomute", KEY_MUTE, 0xa0},
    {"volumedown", KEY_VOLUMEDOWN, 0xae}, {"volumeup", KEY_VOLUMEUP, 0xb0}, {"power", KEY_POWER, 0xde}, {"kp_equals", KEY_KPEQUAL, 0x59},
    {"pause", KEY_PAUSE, 0xc6}, {"kp_comma", KEY_KPCOMMA, 0x7e}, {"lang1", KEY_HANGEUL, 0}, {"lang2", KEY_HANJA, 0}, {"yen", KEY_YEN, 0x7d},
    {"meta_l", KEY_LEFTMETA, 0xdb}, {"meta_r", KEY_RIGHTMETA, 0xdc}, {"compose", KEY_COMPOSE, 0xdd}, {"stop", KEY_STOP, 0xe8},
    {"again", KEY_AGAIN, 0x85}, {"props", KEY_PROPS, 0x86}, {"undo", KEY_UNDO, 0x87}, {"front", KEY_FRONT, 0x8c}, {"copy", KEY_COPY, 0xf8},
    {"open", KEY_OPEN, 0x64}, {"paste", KEY_PASTE, 0x65}, {"find", KEY_FIND, 0xc1}, {"cut", KEY_CUT, 0xbc}, {"help", KEY_HELP, 0xf5},
    {"menu", KEY_MENU, 0x9e}, {"calculator", KEY_CALC, 0xa1}, {"sleep", KEY_SLEEP, 0xdf}, {"wake", KEY_WAKEUP, 0xe3}, {"mail", KEY_MAIL, 0xec},
    {"ac_bookmarks", KEY_BOOKMARKS, 0xe6}, {"computer", KEY_COMPUTER, 0xeb}, {"ac_back", KEY_BACK, 0xea}, {"ac_forward", KEY_FORWARD, 0xe9},
    {"audionext", KEY_NEXTSONG, 0x99}, {"audioplay", KEY_PLAYPAUSE, 0xa2}, {"audioprev", KEY_PREVIOUSSONG, 0x90}, {"audiostop", KEY_STOPCD, 0xa4},
    {"ac_home", KEY_HOMEPAGE, 0xb2}, {"ac_refresh", KEY_REFRESH, 0xe7}, {"f13", KEY_F13, 0x5d}, {"f14", KEY_F14, 0x5e}, {"f15", KEY_F15, 0x5f},
    {"f16", KEY_F16, 0x55}, {"f17", KEY_F17, 0x83}, {"f18", KEY_F18, 0xf7}, {"f19", KEY_F19, 0x84}, {"f20", KEY_F20, 0x5a}, {"f21", KEY_F21, 0x74},
    {"f22", KEY_F22, 0xf9}, {"f23", KEY_F23, 0x6d}, {"f24", KEY_F24, 0x6f}, {"mediaselect", KEY_MEDIA, 0xed},
};

bool key_by_name(const char *name, unsigned *code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (strcmp(keys[i].name, name) == 0) {
            *code = keys[i].code;
            return true;
        }
    return false;
}

bool key_by_number(int64_t number, unsigned *code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const unsigned own = keys[i].number ? keys[i].number : keys[i].code <= SAME_MAX ? keys[i].code : 0;
        if (own && own == number) {
            *code = keys[i].code;
            return true;
        }
    }
    return false;
}

const char *key_name(unsigned code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (keys[i].code == code)
            return keys[i].name;
    return NULL;
}

const char *key_suggest(const char *name)
{
    const char *names[G_N_ELEMENTS(keys) + 1] = {NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        names[i] = keys[i].name;
    return suggest(name, names);
}
