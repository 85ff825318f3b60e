/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the statistics of a run. */
#include "vmm/report.h"

#include <string.h>

/* The sum over an array that goes by engine. */
static uint64_t sum(const uint64_t values[ENGINE_COUNT])
{
    uint64_t sum = 0;

    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        sum += values[e];
    return sum;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static bool has_gpu(const struct figures_user *user)
{
    return strcmp(user->type, "none") != 0;
}

static void print_shares(FILE *file, const struct figures *figures)
{
    uint64_t all_ns = 0, weights = 0;

    for (unsigned i = 0; i < figures->count; i++) {
        all_ns += sum(figures->users[i].busy_ns);
        weights += figures->users[i].weight;
    }
    fprintf(file, "%-12s %-15s %7s %8s %10s %7s %7s %7s %10s %9s %6s %9s\n", "guest", "type", "frames", "vblanks", "GPU ms", "share", "weight",
            "fair", "submitted", "preempted", "hangs", "held ms");
    for (unsigned i = 0; i < figures->count; i++) {
        const struct figures_user *u = &figures->users[i];
        uint64_t busy_ns = sum(u->busy_ns);
        if (!has_gpu(u))
            continue;
        fprintf(file, "%-12s %-15s %7" PRIu64 " %8" PRIu64 " %10.1f %6.1f%% %7" PRIu64 " %6.1f%% %10" PRIu64 " %9" PRIu64 " %6" PRIu64 " %9.2f\n",
                u->name, u->type, u->frames, u->vblanks, (double)busy_ns / 1e6, percent(busy_ns, all_ns), u->weight, percent(u->weight, weights),
                sum(u->completed), sum(u->preempted), sum(u->hung), (double)u->longest_hold_ns / 1e6);
    }
}

/* Used at most, and what is allowed. */
static void print_quotas(FILE *file, const struct figures *figures)
{
    bool any = false;

    for (unsigned i = 0; i < figures->count; i++) /* the whole GPU has none: nothing is shadowed */
        any |= figures->users[i].shadow_tables_limit > 0;
    if (!any)
        return;
    fprintf(file, "\n%-12s %16s", "quotas", "shadow tables");
    for (unsigned q = 0; q < SCHED_QUOTAS; q++)
        fprintf(file, " %18s", figure_index_name(FIGURE_QUOTA, q));
    fputs("\n", file);
    for (unsigned i = 0; i < figures->count; i++) {
        const struct figures_user *user = &figures->users[i];
        if (!user->shadow_tables_limit)
            continue;
        fprintf(file, "%-12s %9" PRIu64 " / %4" PRIu64, user->name, user->shadow_tables, user->shadow_tables_limit);
        for (unsigned q = 0; q < SCHED_QUOTAS; q++)
            fprintf(file, " %7" PRIu64 " / %8" PRIu64, user->quota_most[q], user->quota_limit[q]);
        fputs("\n", file);
    }
}

/* A table of one figure that has a column for each index, unless it is 0 throughout. */
static void print_classes(FILE *file, const struct figures *figures, const char *name)
{
    const struct figure_desc *desc = figure_find(name);
    unsigned length = figure_length(desc->dimension);
    bool any = false;

    for (unsigned i = 0; i < figures->count; i++)
        for (unsigned n = 0; n < length; n++)
            any |= figure_values(desc, figures, i)[n] > 0;
    if (!any)
        return;
    fprintf(file, "\n%-12s", name);
    for (unsigned n = 0; n < length; n++)
        fprintf(file, " %11s", figure_index_name(desc->dimension, n));
    fputs("\n", file);
    for (unsigned i = 0; i < figures->count; i++) {
        if (!has_gpu(&figures->users[i]))
            continue;
        fprintf(file, "%-12s", figures->users[i].name);
        for (unsigned n = 0; n < length; n++)
            fprintf(file, " %11" PRIu64, figure_values(desc, figures, i)[n]);
        fputs("\n", file);
    }
}

void report_print(FILE *file, const struct figures *figures)
{
    unsigned users = 0;

    for (unsigned i = 0; i < figures->count; i++)
        users += has_gpu(&figures->users[i]);
    if (users == 0) {
        fputs("No guest has a vGPU.\n", file);
        return;
    }
    print_shares(file, figures);
    print_quotas(file, figures);
    print_classes(file, figures, "traps");
    print_classes(file, figures, "exits");
}
