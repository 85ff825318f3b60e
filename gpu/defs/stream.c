/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recorded submissions: text and back. See stream.h. */
#include "gpu/defs/stream.h"

#include "gpu/defs/text.h"

#include <gio/gio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4096, NAME_MAX_BYTES = 256 };

static const char *const keys[STREAM_PART_KINDS] = {"ring", "batch", "user-batch"};

struct stream *stream_create(unsigned engine, uint64_t context, const char *guest)
{
    struct stream *stream = g_new0(struct stream, 1);

    stream->engine = engine;
    stream->context = context;
    stream->guest = g_strdup(guest);
    return stream;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    for (unsigned i = 0; i < stream->part_count; i++)
        g_free(stream->parts[i].dwords);
    g_free(stream->guest);
    g_free(stream);
}

bool stream_add(struct stream *stream, enum stream_part_kind kind, uint64_t gma, const uint32_t *dwords, size_t count)
{
    unsigned fits = (unsigned)MIN(count, (size_t)(STREAM_DWORDS_MAX - stream->dwords));

    if (stream->part_count == STREAM_PARTS_MAX)
        return false;
    stream->parts[stream->part_count++] = (struct stream_part){kind, gma, g_memdup2(dwords, fits * sizeof(uint32_t)), fits};
    stream->dwords += fits;
    return fits == count;
}

void stream_format(const struct stream *stream, GString *text)
{
    g_autofree char *guest = g_strndup(stream->guest ? stream->guest : "", NAME_MAX_BYTES);

    g_string_append_printf(text, "submission %s 0x%" G_GINT64_MODIFIER "x %s\n", gpu_engine_name(stream->engine), stream->context,
                           g_strstrip(g_strdelimit(guest, "\r\n", ' ')));
    for (unsigned i = 0; i < stream->part_count; i++)
        text_append_memory(text, keys[stream->parts[i].kind], stream->parts[i].gma, stream->parts[i].dwords, stream->parts[i].count);
}

/* "submission ENGINE CONTEXT GUEST" */
static struct stream *parse_title(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    unsigned engine;
    uint64_t context;

    if (g_strv_length(words) < 3 || strcmp(words[0], "submission") != 0 || !text_engine(words[1], &engine) ||
        !text_number(words[2], G_MAXUINT64, &context))
        return NULL;
    return stream_create(engine, context, words[3]);
}

/* "KIND ADDRESS", or dwords of the part that was named last. */
static bool parse_part(struct stream *stream, const char *line, GArray *dwords)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    uint64_t value;

    for (unsigned kind = 0; kind < STREAM_PART_KINDS; kind++)
        if (words[0] && strcmp(words[0], keys[kind]) == 0)
            return text_number(words[1], G_MAXUINT64, &value) && stream_add(stream, kind, value, NULL, 0);
    for (char **word = words; *word; word++) {
        if (!stream->part_count || stream->dwords + dwords->len >= STREAM_DWORDS_MAX || !text_number(*word, G_MAXUINT32, &value))
            return false;
        uint32_t dword = (uint32_t)value;
        g_array_append_val(dwords, dword);
    }
    return true;
}

/* What was read of the last part goes to it. */
static void finish_part(struct stream *stream, GArray *dwords)
{
    if (!stream || !stream->part_count)
        return;
    struct stream_part *part = &stream->parts[stream->part_count - 1];
    if (part->dwords || !dwords->len)
        return;
    part->dwords = g_memdup2(dwords->data, dwords->len * sizeof(uint32_t));
    part->count = dwords->len;
    stream->dwords += dwords->len;
    g_array_set_size(dwords, 0);
}

struct stream *stream_parse(const char **at, unsigned *line, GError **error)
{
    struct stream *stream = NULL;
    g_autoptr(GArray) dwords = g_array_new(FALSE, FALSE, sizeof(uint32_t));

    for (; **at; ++*line) {
        size_t length = strcspn(*at, "\n");
        g_autofree char *copy = g_strndup(*at, MIN(length, (size_t)LINE_MAX_BYTES));
        bool title = g_str_has_prefix(copy, "submission "), dword = g_ascii_isxdigit(*copy) && !g_str_has_prefix(copy, "batch");
        if (title && stream)
            break;
        if (*copy && !dword)
            finish_part(stream, dwords);
        if (title)
            stream = parse_title(copy);
        if (length > LINE_MAX_BYTES || !stream || (!title && *g_strchomp(copy) && !parse_part(stream, copy, dwords))) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "line %u: \"%.40s\" is not of command streams", *line, copy);
            stream_free(stream);
            return NULL;
        }
        *at += length + ((*at)[length] == '\n');
    }
    finish_part(stream, dwords);
    return stream;
}

static void decode_part(const struct stream *stream, const struct stream_part *part, decode_print print, void *opaque)
{
    static const char *const names[STREAM_PART_KINDS] = {"ring", "batch in the global GTT", "user batch"};
    g_autofree char *title = g_strdup_printf("%s, %u dwords from 0x%08" G_GINT64_MODIFIER "x on:", names[part->kind], part->count, part->gma);

    print(opaque, title);
    for (unsigned at = 0, done; at < part->count; at += done) {
        done = decode_commands(stream->engine, part->dwords + at, part->count - at, part->gma + UINT64_C(4) * at, print, opaque);
        if (done == 0)
            break;
    }
}

void stream_decode(const struct stream *stream, decode_print print, void *opaque)
{
    g_autofree char *title = g_strdup_printf("%s of %s, context 0x%08" G_GINT64_MODIFIER "x", gpu_engine_name(stream->engine),
                                             stream->guest && *stream->guest ? stream->guest : "a guest", stream->context);

    print(opaque, title);
    for (unsigned i = 0; i < stream->part_count; i++)
        decode_part(stream, &stream->parts[i], print, opaque);
}
