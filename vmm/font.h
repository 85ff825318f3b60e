/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A 5 by 7 dot font for labels in PNG pictures. Used by canvas.c. */
#ifndef MEDIANT_VMM_FONT_H
#define MEDIANT_VMM_FONT_H

#include <stdint.h>

enum { FONT_WIDTH = 5, FONT_HEIGHT = 7 };

/* Five columns from the left, bit 0 at the top; '?' for a character that the font lacks. */
const uint8_t *font_glyph(char c);

#endif
