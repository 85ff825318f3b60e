// SPDX-License-Identifier: GPL-2.0-or-later
// How often a guest may access its vGPU.
#include "mmio/throttle.h"

#include "mmio_alone/fixture.h"

#include <chrono>
#include <gtest/gtest.h>

namespace {

constexpr uint64_t SECOND = 1000000000;

TEST(Throttle, LetsAllPassWithoutALimit)
{
    throttle t;
    throttle_init(&t, 0);
    for (unsigned i = 0; i < 1000; i++)
        EXPECT_EQ(throttle_take(&t, SECOND), 0u);
    EXPECT_EQ(t.delayed, 0u);
}

/* Who always waits as told gets what the limit says, and no more than the burst beyond it in any window. */
TEST(Throttle, KeepsTheRate)
{
    for (uint64_t rate : {1000u, 50000u, 1000000u}) {
        throttle t;
        throttle_init(&t, rate);
        uint64_t now = 5 * SECOND, begin = now, count = 0;
        for (; now < begin + SECOND; count++)
            now += throttle_take(&t, now) + 100; // an access takes some time itself
        uint64_t burst = rate * THROTTLE_BURST_NS / SECOND;
        EXPECT_LE(count, rate + burst + 2) << rate;
        EXPECT_GE(count, rate * 98 / 100) << rate;
    }
}

TEST(Throttle, LeavesASlowGuestAlone)
{
    throttle t;
    throttle_init(&t, 1000);
    uint64_t now = SECOND;
    for (unsigned i = 0; i < 5000; i++, now += SECOND / 900)
        EXPECT_EQ(throttle_take(&t, now), 0u);
    // A pause saves up no more than the burst.
    now += 100 * SECOND;
    unsigned free = 0;
    while (throttle_take(&t, now) == 0)
        free++;
    EXPECT_LE(free, 1000ull * THROTTLE_BURST_NS / SECOND + 1);
    EXPECT_EQ(t.delayed, 1u);
}

/* Several vCPUs at once: each waits for its own turn, none for more than the number of those before it. */
TEST(Throttle, OneIntervalForEachThatWaits)
{
    throttle t;
    throttle_init(&t, 1000);
    uint64_t now = SECOND, wait = 0;
    while ((wait = throttle_take(&t, now)) == 0) {
    }
    for (unsigned vcpu = 1; vcpu < 8; vcpu++)
        EXPECT_EQ(throttle_take(&t, now), wait + vcpu * SECOND / 1000);
}

class LimitedVgpu : public VgpuAlone {
  protected:
    LimitedVgpu() { trap_limit = 100000; }
};

TEST_F(LimitedVgpu, WaitsForEachAccessBeyondTheLimit)
{
    auto begin = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < 6000; i++)
        read32(R_PVINFO_MAPPABLE_BASE);
    auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(took, std::chrono::milliseconds(60 - 20)); // what 6000 take at that rate, less the burst
    struct vgpu_stats stats = {};
    vgpu_stats(v, &stats);
    EXPECT_GT(stats.delayed, 0u);
    EXPECT_GT(stats.delayed_ns, 0u);
}

} // namespace
