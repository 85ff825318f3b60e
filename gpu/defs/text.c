/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See text.h. */
#include "gpu/defs/text.h"

#include <string.h>

void text_append_memory(GString *text, const char *name, uint64_t gma, const uint32_t *dwords, unsigned count)
{
    if (!count)
        return;
    g_string_append_printf(text, "%s 0x%" G_GINT64_MODIFIER "x", name, gma);
    for (unsigned i = 0; i < count; i++)
        g_string_append_printf(text, "%c%08x", i % 8 ? ' ' : '\n', dwords[i]);
    g_string_append_c(text, '\n');
}

bool text_number(const char *text, uint64_t max, uint64_t *value)
{
    if (text && (g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X")))
        text += 2;
    return text && g_ascii_string_to_unsigned(text, 16, 0, max, value, NULL);
}

bool text_engine(const char *name, unsigned *engine)
{
    for (*engine = 0; *engine < ENGINE_COUNT; ++*engine)
        if (strcmp(gpu_engine_name(*engine), name) == 0)
            return true;
    *engine = ENGINE_RCS0;
    return false;
}
