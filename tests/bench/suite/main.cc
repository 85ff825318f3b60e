// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the suite's plan, over and over: one line of JSON for each measurement, and one of progress before each. Called by tests/bench/run.
//   bench_suite [RUNS [SCALE [ROW [CASE]]]]     SCALE: of the lengths, 1 for real figures
#include "plan.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--memory") == 0) { // sharing.cc
        printf("%.1f\n", bench::memory_of_a_vgpu());
        return 0;
    }
    unsigned runs = argc > 1 ? unsigned(atoi(argv[1])) : 5;
    bench::Length length = {argc > 2 ? atof(argv[2]) : 1.0};
    const char *only = argc > 3 ? argv[3] : nullptr;
    std::vector<bench::Item> plan;

    bench::plan_submission(plan, length);
    bench::plan_sharing(plan, length);
    bench::plan_fairness(plan, length);
    const char *label = argc > 4 ? argv[4] : nullptr;
    std::erase_if(plan, [&](const bench::Item &item) { return (only && item.row != only) || (label && item.label != label); });
    if (!runs || plan.empty()) {
        fprintf(stderr, "bench_suite: nothing to do\n");
        return 2;
    }
    setvbuf(stdout, nullptr, _IOLBF, 0);
    double all = 0, done = 0;
    for (const bench::Item &item : plan)
        all += item.seconds * runs;
    uint64_t start = trace_now_ns();
    for (unsigned run = 0; run < runs; run++)
        for (const bench::Item &item : plan) {
            double elapsed = double(trace_now_ns() - start) / 1e9;
            printf("{\"progress\": %.4f, \"left_s\": %.0f, \"row\": \"%s\", \"case\": \"%s\"}\n", done / all,
                   done > 0 ? elapsed / done * (all - done) : all * length.scale, item.row.c_str(), item.label.c_str());
            bench::Metrics metrics = item.measure();
            done += item.seconds;
            printf("{\"row\": \"%s\", \"case\": \"%s\", \"way\": \"%s\", \"run\": %u, \"metrics\": {", item.row.c_str(), item.label.c_str(),
                   bench::way_names[item.how], run);
            const char *comma = "";
            for (auto &[name, value] : metrics) {
                printf("%s\"%s\": %.6g", comma, name.c_str(), value);
                comma = ", ";
            }
            printf("}}\n");
        }
    return 0;
}
