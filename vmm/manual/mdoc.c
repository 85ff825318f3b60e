/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes text so that mdoc(7) takes none of it for markup, and mandoc's lint has nothing to say about its lines. */
#include "vmm/manual/mdoc.h"

#include <string.h>

enum { LINE_MAX_BYTES = 78 };

void mdoc_begin(FILE *file, const char *title, const char *section, const char *about)
{
    g_autofree char *upper = g_ascii_strup(title, -1);

    fprintf(file, ".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n.\\\" Made by vmm help --man from the program's tables.\n"
                  ".Dd " MEDIANT_DATE "\n.Dt %s %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", upper, section, title, about);
}

static void append_escaped(GString *out, const char *word)
{
    for (const char *c = word; *c; c++) {
        if (*c == '\\')
            g_string_append(out, "\\e");
        else if (*c == '-')
            g_string_append(out, "\\-"); /* a minus, which can be copied to a shell */
        else
            g_string_append_c(out, *c);
    }
}

void mdoc_text(FILE *file, const char *text)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
    g_autoptr(GString) line = g_string_new(NULL);

    for (unsigned i = 0; words[i]; i++) {
        g_autoptr(GString) word = g_string_new(NULL);
        size_t length = strlen(words[i]);
        if (!length)
            continue;
        append_escaped(word, words[i]);
        if (line->len && line->len + 1 + word->len > LINE_MAX_BYTES) {
            fprintf(file, "%s\n", line->str);
            g_string_truncate(line, 0);
        }
        if (!line->len && strchr(".'", word->str[0]))
            g_string_append(line, "\\&");
        g_string_append_printf(line, "%s%s", line->len ? " " : "", word->str);
        if (strchr(".?!", words[i][length - 1])) { /* a sentence ends */
            fprintf(file, "%s\n", line->str);
            g_string_truncate(line, 0);
        }
    }
    if (line->len)
        fprintf(file, "%s\n", line->str);
}

char *mdoc_argument(const char *text)
{
    g_autoptr(GString) escaped = g_string_new("\\&"); /* no name of a macro, no punctuation */
    GString *out = g_string_new(NULL);

    append_escaped(escaped, text);
    bool quote = strchr(text, ' ') != NULL;
    if (quote)
        g_string_append_c(out, '"');
    for (const char *c = escaped->str; *c; c++)
        g_string_append_printf(out, *c == '"' ? "\\(dq" : "%c", *c);
    if (quote)
        g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}

void mdoc_item(FILE *file, const char *macro, const char *word)
{
    g_autofree char *argument = mdoc_argument(word);

    fprintf(file, ".It %s %s\n", macro, argument);
}
