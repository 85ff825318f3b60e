/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of the text forms of error states and command streams. Pure functions: no state, any thread. */
#ifndef MEDIANT_GPU_DEFS_TEXT_H
#define MEDIANT_GPU_DEFS_TEXT_H

#include "gpu/gpu.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NAME, a hexadecimal address, and the dwords in lines of eight; nothing when there are none. */
void text_append_memory(GString *text, const char *name, uint64_t gma, const uint32_t *dwords, unsigned count);
/* A hexadecimal number, with 0x or without, of at most max. NULL is none. */
bool text_number(const char *text, uint64_t max, uint64_t *value);
/* An engine by its name; ENGINE_RCS0 when there is none of it. */
bool text_engine(const char *name, unsigned *engine);

#ifdef __cplusplus
}
#endif
#endif
