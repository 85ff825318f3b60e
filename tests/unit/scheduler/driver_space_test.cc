// SPDX-License-Identifier: GPL-2.0-or-later
// What the driver hands out of the one GPU: fences, which no two vGPUs may share.
#include "gpu_fixture.h"

#include <map>
#include <random>

using namespace sched_test;

// Random allocations of random lengths against a reference that marks each fence.
TEST(DriverSpace, FencesAreNeverSharedAndNeverLost)
{
    Machine machine;
    const unsigned total = driver_gpu(machine.driver)->info.fences;
    std::mt19937 random(11);
    std::vector<bool> taken(total);
    std::map<unsigned, unsigned> held;
    for (int round = 0; round < 5000; round++) {
        if (random() % 2) {
            const unsigned count = 1 + random() % 9;
            unsigned first = ~0u, longest = 0;
            for (unsigned i = 0, run = 0; i < total; i++) {
                run = taken[i] ? 0 : run + 1;
                longest = std::max(longest, run);
            }
            GError *error = nullptr;
            const bool found = driver_fence_alloc(machine.driver, count, &first, &error);
            ASSERT_EQ(found, longest >= count);
            if (!found) {
                EXPECT_EQ(std::string(error->message), "fences: " + std::to_string(count) + " asked for, the longest free run has " + std::to_string(longest));
                g_clear_error(&error);
                continue;
            }
            for (unsigned i = first; i < first + count; i++) {
                ASSERT_LT(i, total);
                ASSERT_FALSE(taken[i]) << "fence " << i << " has an owner";
                taken[i] = true;
            }
            held[first] = count;
        } else if (!held.empty()) {
            auto one = std::next(held.begin(), random() % held.size());
            driver_fence_free(machine.driver, one->first, one->second);
            std::fill_n(taken.begin() + one->first, one->second, false);
            held.erase(one);
        }
    }
}
