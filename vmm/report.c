/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the statistics of a run. */
#include "vmm/report.h"

/* The classes of traps, in the order of the report. */
static const struct {
    enum trace_event event;
    const char *name;
} traps[] = {
    {TRACE_TRAP_CONFIG, "config"},       {TRACE_TRAP_READ, "read"},       {TRACE_TRAP_WRITE, "write"},
    {TRACE_TRAP_ELSP, "elsp"},           {TRACE_TRAP_INTERRUPT, "irq"},   {TRACE_TRAP_DISPLAY, "display"},
    {TRACE_TRAP_PVINFO, "pvinfo"},       {TRACE_TRAP_GTT, "gtt"},         {TRACE_TRAP_APERTURE, "aperture"},
};

static uint64_t busy_ns(const struct report_guest *guest)
{
    uint64_t sum = 0;

    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        sum += guest->stats.usage.busy_ns[e];
    return sum;
}

static uint64_t submissions(const struct report_guest *guest)
{
    uint64_t sum = 0;

    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        sum += guest->stats.usage.workloads[e];
    return sum;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

/* Used at most, and what is allowed. */
static void print_quotas(FILE *file, const struct report_guest *guests, unsigned count)
{
    bool any = false;

    for (unsigned i = 0; i < count; i++) /* the whole GPU has none: nothing is shadowed */
        any |= guests[i].stats.shadow_tables_max > 0;
    if (!any)
        return;
    fprintf(file, "\n%-12s %16s", "quotas", "shadow tables");
    for (unsigned q = 0; q < SCHED_QUOTAS; q++)
        fprintf(file, " %18s", sched_quotas[q].name);
    fputs("\n", file);
    for (unsigned i = 0; i < count; i++) {
        const struct vgpu_stats *stats = &guests[i].stats;
        if (!stats->shadow_tables_max)
            continue;
        fprintf(file, "%-12s %9u / %4u", guests[i].name, stats->shadow_tables, stats->shadow_tables_max);
        for (unsigned q = 0; q < SCHED_QUOTAS; q++)
            fprintf(file, " %7" PRIu64 " / %8" PRIu64, stats->usage.most[q], sched_quotas[q].limit);
        fputs("\n", file);
    }
}

void report_print(FILE *file, const struct report_guest *guests, unsigned count, const struct trace *trace)
{
    uint64_t all_ns = 0, weights = 0;

    if (count == 0) {
        fputs("No guest has a vGPU.\n", file);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        all_ns += busy_ns(&guests[i]);
        weights += guests[i].weight;
    }
    fprintf(file, "%-12s %-15s %7s %8s %10s %7s %7s %7s %10s %9s %6s %9s\n", "guest", "type", "frames", "vblanks", "GPU ms", "share", "weight",
            "fair", "submitted", "preempted", "hangs", "held ms");
    for (unsigned i = 0; i < count; i++) {
        const struct report_guest *g = &guests[i];
        fprintf(file, "%-12s %-15s %7" PRIu64 " %8" PRIu64 " %10.1f %6.1f%% %7u %6.1f%% %10" PRIu64 " %9" PRIu64 " %6" PRIu64 " %9.2f\n", g->name,
                g->type, g->stats.frames, g->stats.vblanks, (double)busy_ns(g) / 1e6, percent(busy_ns(g), all_ns), g->weight,
                percent(g->weight, weights), submissions(g), g->stats.usage.preemptions, g->stats.usage.hangs,
                (double)g->stats.usage.longest_hold_ns / 1e6);
    }
    print_quotas(file, guests, count);
    fprintf(file, "\n%-12s", "traps");
    for (size_t t = 0; t < G_N_ELEMENTS(traps); t++)
        fprintf(file, " %9s", traps[t].name);
    fputs("\n", file);
    for (unsigned i = 0; i < count; i++) {
        fprintf(file, "%-12s", guests[i].name);
        for (size_t t = 0; t < G_N_ELEMENTS(traps); t++)
            fprintf(file, " %9" PRIu64, trace_count(trace, guests[i].trace_id, traps[t].event));
        fputs("\n", file);
    }
}
