/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes, durations and suggestions. Used by config.c and options.c. */
#include "vmm/units.h"

#include <string.h>

static bool parse_digits(const char **text, uint64_t *value)
{
    const char *p = *text;
    uint64_t result = 0;

    if (!g_ascii_isdigit(*p))
        return false;
    for (; g_ascii_isdigit(*p); p++)
        if (__builtin_mul_overflow(result, (uint64_t)10, &result) || __builtin_add_overflow(result, (uint64_t)(*p - '0'), &result))
            return false;
    *text = p;
    *value = result;
    return true;
}

bool parse_number(const char *text, uint64_t *value)
{
    return parse_digits(&text, value) && *text == '\0';
}

bool parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    uint64_t value, scale = 1;

    if (!parse_digits(&text, &value))
        return false;
    const char *unit = *text ? strchr(units, g_ascii_toupper(*text)) : NULL;
    if (unit) {
        scale = UINT64_C(1024) << (10 * (unit - units));
        text++;
        if (strcmp(text, "B") == 0 || strcmp(text, "iB") == 0)
            text += strlen(text);
    }
    return *text == '\0' && !__builtin_mul_overflow(value, scale, bytes);
}

bool parse_duration(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"min", UINT64_C(60000000000)}};
    uint64_t value;

    if (!parse_digits(&text, &value))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (strcmp(text, units[i].name) == 0)
            return !__builtin_mul_overflow(value, units[i].ns, ns);
    return false;
}

char *format_size(uint64_t bytes)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    unsigned unit = 0;

    while (bytes && bytes % 1024 == 0 && unit + 1 < G_N_ELEMENTS(units)) {
        bytes /= 1024;
        unit++;
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT "%s", bytes, units[unit]);
}

enum { SUGGEST_MAX = 64 };

/* Levenshtein distance, without regard to case, with a swap of neighbours as one step. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned rows[3][SUGGEST_MAX + 1];

    if (n > SUGGEST_MAX || m > SUGGEST_MAX)
        return UINT_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
            row[j] = MIN(MIN(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && y == g_ascii_tolower(a[i - 2]))
                row[j] = MIN(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *suggest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    unsigned best_distance = UINT_MAX;
    size_t length = strlen(word);

    for (; *candidates; candidates++) {
        size_t n = strlen(*candidates), common = MIN(n, length);
        unsigned d = distance(word, *candidates);
        if (common >= 3 && g_ascii_strncasecmp(word, *candidates, common) == 0)
            d = MIN(d, 1u);
        if (d < best_distance && d <= MAX(MAX(n, length) / 3, (size_t)1)) {
            best_distance = d;
            best = *candidates;
        }
    }
    return best;
}
