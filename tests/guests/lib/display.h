/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pipe A on the DisplayPort monitor, for guests that show something: a mode, one primary plane, flips. */
#ifndef MEDIANT_GUEST_DISPLAY_H
#define MEDIANT_GUEST_DISPLAY_H

#include "gpu.h"

/* The monitor's preferred mode, from its EDID by AUX or GMBUS; false when no monitor answers. */
bool display_preferred_mode(struct gpu *gpu, unsigned *width, unsigned *height);
/* Sets a 60 Hz mode and shows the surface (low GGTT, XRGB8888, pitch in bytes, linear or X tiled). */
void display_set_mode(struct gpu *gpu, unsigned width, unsigned height, uint32_t surface, uint32_t pitch, bool x_tiled);
/* Shows another surface from the next vertical blank on. */
void display_flip(struct gpu *gpu, uint32_t surface);
/* True when the surface is what the pipe shows. */
bool display_shows(struct gpu *gpu, uint32_t surface);
uint32_t display_frame(struct gpu *gpu);

#endif
