/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm decode: prints recorded command streams, a context image or the error state of a hang in the PRM's terms. */
#include "vmm/commands.h"
#include "vmm/error.h"

#include "gpu/defs/error_state.h"
#include "gpu/defs/stream.h"
#include "gpu/defs/text.h"

#include <gio/gio.h>
#include <string.h>

enum { MAX_BYTES = 64 << 20, STATE_PAGE_DWORDS = 1024 };

static void print_line(void *opaque, const char *line)
{
    fputs(line, stdout);
    fputc('\n', stdout);
}

/* Hexadecimal words, separated by anything else, to dwords. */
static GArray *parse_hex(const char *text, const char *path, GError **error)
{
    GArray *dwords = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_auto(GStrv) words = g_strsplit_set(text, " \t\r\n,", -1);

    for (char **word = words; *word; word++) {
        guint64 value;
        const char *digits = g_str_has_prefix(*word, "0x") || g_str_has_prefix(*word, "0X") ? *word + 2 : *word;
        if (!**word)
            continue;
        if (!g_ascii_string_to_unsigned(digits, 16, 0, G_MAXUINT32, &value, NULL)) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: \"%.20s\" is not a dword in hexadecimal", path, *word);
            g_array_unref(dwords);
            return NULL;
        }
        uint32_t dword = (uint32_t)value;
        g_array_append_val(dwords, dword);
    }
    return dwords;
}

/* The whole file, with a zero byte behind it. Caller frees with g_free(). */
static char *load_contents(const char *path, gsize *length, GError **error)
{
    g_autoptr(GFile) file = g_file_new_for_commandline_arg(strcmp(path, "-") == 0 ? "/dev/stdin" : path);
    g_autoptr(GFileInputStream) stream = g_file_read(file, NULL, error);
    g_autofree char *contents = NULL;

    if (!stream)
        return NULL;
    contents = g_malloc(MAX_BYTES + 1);
    if (!g_input_stream_read_all(G_INPUT_STREAM(stream), contents, MAX_BYTES + 1, length, NULL, error))
        return NULL;
    if (*length > MAX_BYTES) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: larger than %d MiB", path, MAX_BYTES >> 20);
        return NULL;
    }
    contents[*length] = '\0';
    return g_steal_pointer(&contents);
}

static GArray *to_dwords(const char *contents, gsize length, const char *path, bool hex, GError **error)
{
    if (hex)
        return parse_hex(contents, path, error);
    if (length % 4) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %zu bytes are not whole dwords (text needs --hex)", path, (size_t)length);
        return NULL;
    }
    GArray *dwords = g_array_sized_new(FALSE, FALSE, sizeof(uint32_t), (guint)(length / 4));
    g_array_append_vals(dwords, contents, (guint)(length / 4));
    return dwords;
}

/* What vmm run and vmm serve leave of a hang. */
static int decode_hang(const char *text, const char *path)
{
    g_autoptr(GError) error = NULL;
    struct error_state *state = error_state_parse(text, &error);

    if (!state) {
        fprintf(stderr, "vmm: decode: %s: %s\n", path, error->message);
        return EXIT_USAGE;
    }
    error_state_decode(state, print_line, NULL);
    error_state_free(state);
    return EXIT_OK;
}

/* What `[observe] streams` records: one submission at a time, with a line between them. */
static int decode_streams(const char *text, const char *path)
{
    const char *at = text + strlen(STREAM_FIRST_LINE);
    g_autoptr(GError) error = NULL;
    struct stream *stream;

    for (unsigned line = 2; (stream = stream_parse(&at, &line, &error)) != NULL; stream_free(stream)) {
        stream_decode(stream, print_line, NULL);
        print_line(NULL, "");
    }
    if (!error)
        return EXIT_OK;
    fprintf(stderr, "vmm: decode: %s: %s\n", path, error->message);
    return EXIT_USAGE;
}

int cmd_decode(int argc, char **argv)
{
    g_autofree char *engine_name = NULL, *address = NULL;
    gboolean hex = FALSE, context = FALSE;
    const GOptionEntry entries[] = {
        {"engine", 'e', 0, G_OPTION_ARG_STRING, &engine_name, "Engine: rcs0 (default), bcs0, vcs0 or vecs0", "ENGINE"},
        {"address", 'a', 0, G_OPTION_ARG_STRING, &address, "Graphics address of the first dword, in hexadecimal", "ADDRESS"},
        {"hex", 'x', 0, G_OPTION_ARG_NONE, &hex, "The file is text: dwords in hexadecimal", NULL},
        {"context", 'c', 0, G_OPTION_ARG_NONE, &context, "The file is the register state page of a context image", NULL},
        {0}};
    g_autoptr(GError) error = NULL;
    unsigned engine = ENGINE_RCS0;
    guint64 gma = 0;
    int code;

    if (!command_parse(&argc, &argv, entries, 1, 1, &code))
        return code;
    if (engine_name && !text_engine(engine_name, &engine)) {
        fprintf(stderr, "vmm: decode: there is no engine \"%s\" (try rcs0, bcs0, vcs0 or vecs0)\n", engine_name);
        return EXIT_USAGE;
    }
    if (address &&
        !g_ascii_string_to_unsigned(g_str_has_prefix(address, "0x") ? address + 2 : address, 16, 0, G_MAXUINT64, &gma, NULL)) {
        fprintf(stderr, "vmm: decode: \"%s\" is not an address (try 0x100000)\n", address);
        return EXIT_USAGE;
    }
    gsize length = 0;
    g_autofree char *contents = load_contents(argv[1], &length, &error);
    if (contents && error_state_is(contents))
        return decode_hang(contents, argv[1]);
    if (contents && g_str_has_prefix(contents, STREAM_FIRST_LINE))
        return decode_streams(contents, argv[1]);
    GArray *dwords = contents ? to_dwords(contents, length, argv[1], hex, &error) : NULL;
    if (!dwords) {
        fprintf(stderr, "vmm: decode: %s\n", error->message);
        return EXIT_USAGE;
    }
    const uint32_t *data = (const uint32_t *)(void *)dwords->data;
    if (context) {
        decode_context(engine, data, MIN(dwords->len, (guint)STATE_PAGE_DWORDS), print_line, NULL);
    } else {
        /* The decoder stops behind a batch's end; what follows is decoded as a batch of its own. */
        for (unsigned at = 0, done; at < dwords->len; at += done) {
            done = decode_commands(engine, data + at, dwords->len - at, gma + 4ull * at, print_line, NULL);
            if (done == 0)
                break;
        }
    }
    g_array_unref(dwords);
    return EXIT_OK;
}
