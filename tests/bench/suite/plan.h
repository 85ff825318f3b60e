// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of the suite: each is a list of cases, each case is measured in one or two ways. main.cc runs them interleaved and prints what they return.
#ifndef MEDIANT_TESTS_BENCH_SUITE_PLAN_H
#define MEDIANT_TESTS_BENCH_SUITE_PLAN_H

#include "world.h"

#include <functional>

namespace bench {

struct Item {
    std::string row, label;
    way how;
    double seconds; // about how long it takes
    std::function<Metrics()> measure;
};

// How long measurements last: 1 for real figures, less for a test of the suite.
struct Length {
    double scale;
    uint64_t ns(double seconds) const { return uint64_t(seconds * scale * 1e9); }
};

// Batches by the time that they keep the engine busy, roughly.
struct Batch {
    const char *label;
    unsigned fills;
    uint64_t bytes;
};

void plan_submission(std::vector<Item> &plan, Length length); // submission.cc: size sweep, census, costs, page tables
void plan_sharing(std::vector<Item> &plan, Length length);    // sharing.cc: many guests, idle ones, memory
double memory_of_a_vgpu();                                   // KiB; needs a process that has not made one yet
void plan_fairness(std::vector<Item> &plan, Length length);   // fairness.cc: weights, latency

} // namespace bench

#endif
