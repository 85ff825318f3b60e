/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A 5x7 dot font for capital letters and digits. Used by the drawing guest. */
#ifndef MEDIANT_GUEST_FONT_H
#define MEDIANT_GUEST_FONT_H

#include <stdbool.h>

enum { FONT_WIDTH = 5, FONT_HEIGHT = 7 };
/* True where the glyph has ink; letters are drawn as capitals, characters without a glyph are blank. */
bool font_dot(char c, unsigned x, unsigned y);

#endif
