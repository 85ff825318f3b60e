/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test results of a guest, one line each. */
#include "guest.h"

#include <stdarg.h>

enum { PREFIX_MAX = 8 };

static const char *prefixes[PREFIX_MAX];
static unsigned depth, tests, failures, skipped;

void report_prefix_push(const char *prefix)
{
    if (depth == PREFIX_MAX)
        guest_panic("report prefixes nest too deep at %s", prefix);
    prefixes[depth++] = prefix;
}

void report_prefix_pop(void)
{
    if (depth)
        depth--;
}

static void line(const char *verdict, const char *format, va_list args)
{
    char buf[512];
    size_t used = 0;

    used += (size_t)snprintf(buf, sizeof(buf), "%s: ", verdict);
    for (unsigned i = 0; i < depth && used < sizeof(buf); i++)
        used += (size_t)snprintf(buf + used, sizeof(buf) - used, "%s: ", prefixes[i]);
    if (used < sizeof(buf))
        used += (size_t)vsnprintf(buf + used, sizeof(buf) - used, format, args);
    used = used < sizeof(buf) - 2 ? used : sizeof(buf) - 2;
    buf[used] = '\n';
    buf[used + 1] = '\0';
    print(buf);
}

bool report(bool pass, const char *format, ...)
{
    va_list args;

    tests++;
    failures += !pass;
    va_start(args, format);
    line(pass ? "PASS" : "FAIL", format, args);
    va_end(args);
    return pass;
}

void report_skip(const char *format, ...)
{
    va_list args;

    tests++;
    skipped++;
    va_start(args, format);
    line("SKIP", format, args);
    va_end(args);
}

void report_xfail(bool pass, const char *format, ...)
{
    va_list args;

    tests++;
    failures += pass;
    va_start(args, format);
    line(pass ? "XPASS" : "XFAIL", format, args);
    va_end(args);
}

int report_summary(void)
{
    printf("SUMMARY: %u tests, %u failures, %u skipped\n", tests, failures, skipped);
    return failures || !tests;
}
