/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An error state as text, which can be mailed and read: a first line that says what it is, then one item a line. Commands are dwords in hexadecimal, eight a line.
 * See error_state.h.
 */
#include "gpu/defs/error_state.h"

#include "gpu/defs/text.h"

#include <gio/gio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4096 };

#define FIRST_LINE "Mediant error state, version 1"

/* A text of somebody else's as one line, of a length that the parser takes. */
static void append_line(GString *text, const char *key, const char *value)
{
    enum { VALUE_MAX = 1024 };
    g_autofree char *line = value ? g_strndup(value, VALUE_MAX) : NULL;

    if (line)
        g_string_append_printf(text, "%s %s\n", key, g_strchomp(g_strdelimit(line, "\r\n", ' ')));
}

char *error_state_format(const struct error_state *state)
{
    GString *text = g_string_new(FIRST_LINE "\n");

    append_line(text, "guest", state->guest);
    append_line(text, "engine", gpu_engine_name(state->engine));
    append_line(text, "reason", state->reason);
    g_string_append_printf(text, "workload 0x%" G_GINT64_MODIFIER "x\ncontext 0x%" G_GINT64_MODIFIER "x\n", state->workload, state->context);
    for (unsigned i = 0; i < state->register_count; i++)
        g_string_append_printf(text, "register 0x%05x 0x%08x\n", state->registers[i].offset, state->registers[i].value);
    text_append_memory(text, "ring", state->ring.gma, state->ring.dwords, state->ring.count);
    text_append_memory(text, "batch", state->batch.gma, state->batch.dwords, state->batch.count);
    return g_string_free(text, FALSE);
}

bool error_state_is(const char *text)
{
    return g_str_has_prefix(text, FIRST_LINE "\n");
}

/* A line of dwords, of the memory that was named last. */
static bool parse_dwords(struct error_memory *memory, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    uint64_t value;

    for (char **word = words; *word; word++) {
        if (!memory || memory->count >= ERROR_DWORDS_MAX || !text_number(*word, G_MAXUINT32, &value))
            return false;
        memory->dwords[memory->count++] = (uint32_t)value;
    }
    return true;
}

static bool parse_register(struct error_state *state, char **words)
{
    uint64_t offset, value;

    if (state->register_count >= ERROR_REGISTERS_MAX || !words[2] || !text_number(words[1], G_MAXUINT32, &offset) ||
        !text_number(words[2], G_MAXUINT32, &value))
        return false;
    state->registers[state->register_count].offset = (uint32_t)offset;
    state->registers[state->register_count++].value = (uint32_t)value;
    return true;
}

static bool parse_memory(struct error_memory *memory, const char *gma, struct error_memory **current)
{
    if (memory->dwords || !text_number(gma, G_MAXUINT64 - UINT64_C(4) * ERROR_DWORDS_MAX, &memory->gma))
        return false;
    memory->dwords = g_new0(uint32_t, ERROR_DWORDS_MAX);
    *current = memory;
    return true;
}

static void replace(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

static bool parse_line(struct error_state *state, const char *line, struct error_memory **current)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    const char *key = words[0] ? words[0] : "", *rest = strchr(line, ' ');

    rest = rest ? rest + 1 : "";
    if (strcmp(key, "guest") == 0)
        replace(&state->guest, rest);
    else if (strcmp(key, "reason") == 0)
        replace(&state->reason, rest);
    else if (strcmp(key, "engine") == 0)
        return text_engine(rest, &state->engine);
    else if (strcmp(key, "workload") == 0)
        return text_number(rest, G_MAXUINT64, &state->workload);
    else if (strcmp(key, "context") == 0)
        return text_number(rest, G_MAXUINT64, &state->context);
    else if (strcmp(key, "register") == 0)
        return parse_register(state, words);
    else if (strcmp(key, "ring") == 0)
        return parse_memory(&state->ring, words[1], current);
    else if (strcmp(key, "batch") == 0)
        return parse_memory(&state->batch, words[1], current);
    else
        return *key == '\0' || parse_dwords(*current, line);
    return true;
}

struct error_state *error_state_parse(const char *text, GError **error)
{
    if (!error_state_is(text)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "line 1: not \"" FIRST_LINE "\"");
        return NULL;
    }
    struct error_state *state = error_state_create(0, NULL);
    struct error_memory *current = NULL;
    const char *line = text + strlen(FIRST_LINE "\n");
    for (unsigned number = 2; *line; number++) {
        size_t length = strcspn(line, "\n");
        g_autofree char *copy = g_strndup(line, MIN(length, (size_t)LINE_MAX_BYTES));
        if (length > LINE_MAX_BYTES || !parse_line(state, g_strchomp(copy), &current)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "line %u: \"%.40s\" is not of an error state", number, copy);
            error_state_free(state);
            return NULL;
        }
        line += length + (line[length] == '\n');
    }
    return state;
}
