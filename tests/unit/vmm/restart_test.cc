// SPDX-License-Identifier: GPL-2.0-or-later
// vCPUs that come together for a reset, with threads that stand for them; also while they are paused.
#include "eventually.h"
#include "vmm/pause.h"
#include "vmm/restart.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

class Restart : public testing::Test {
  protected:
    static constexpr unsigned VCPUS = 3;
    struct restart *restart = nullptr;
    struct pause *pause = nullptr;
    std::vector<std::thread> threads;
    std::atomic<uint64_t> steps[VCPUS] = {};
    std::atomic<unsigned> kicks{0}, rounds{0}, by_guest{0}, inside{0};
    std::atomic<bool> stop{false}, ask{false};

    void SetUp() override
    {
        restart_config config = {};
        config.vcpus = VCPUS;
        config.kick = [](void *opaque) { static_cast<Restart *>(opaque)->kicks++; };
        config.begin_again = [](void *opaque, bool guest) {
            Restart *self = static_cast<Restart *>(opaque);
            EXPECT_EQ(self->inside, 0u) << "no vCPU runs";
            self->rounds++;
            self->by_guest += guest;
        };
        config.opaque = this;
        restart = restart_create(&config);
        pause_config standing = {};
        standing.vm_fd = -1;
        standing.vcpus = VCPUS;
        standing.kick = [](void *) {};
        standing.clocks = [](void *, bool) {};
        standing.opaque = this;
        pause = pause_create(&standing);
        for (unsigned i = 0; i < VCPUS; i++)
            threads.emplace_back([this, i] {
                while (!stop) {
                    if (pause_point(pause, -1))
                        continue;
                    if (restart_is_wanted(restart)) {
                        restart_point(restart);
                        continue;
                    }
                    inside++;
                    steps[i]++;
                    if (i == 1 && ask.exchange(false))
                        restart_request(restart, true);
                    inside--;
                }
            });
    }
    void TearDown() override
    {
        stop = true;
        pause_finish(pause);
        for (std::thread &thread : threads)
            thread.join();
        pause_destroy(pause);
        restart_destroy(restart);
    }
    bool all_go_on()
    {
        uint64_t before[VCPUS];
        for (unsigned i = 0; i < VCPUS; i++)
            before[i] = steps[i];
        return eventually([&] { return steps[0] > before[0] && steps[1] > before[1] && steps[2] > before[2]; });
    }
};

TEST_F(Restart, AllStandAndGoOn)
{
    for (unsigned round = 1; round <= 100; round++) {
        restart_request(restart, false);
        ASSERT_TRUE(eventually([&] { return rounds == round && !restart_is_wanted(restart); })) << round;
        ASSERT_TRUE(all_go_on());
    }
    EXPECT_EQ(kicks, 100u);
    EXPECT_EQ(by_guest, 0u);
}

TEST_F(Restart, AVcpuAsks)
{
    for (unsigned round = 1; round <= 20; round++) {
        ask = true;
        ASSERT_TRUE(eventually([&] { return rounds == round; }));
        ASSERT_TRUE(all_go_on());
    }
    EXPECT_EQ(by_guest, 20u);
}

TEST_F(Restart, WaitsForThePausesEnd)
{
    ASSERT_TRUE(pause_begin(pause, 10 * G_USEC_PER_SEC));
    restart_request(restart, false);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(rounds, 0u);
    pause_end(pause);
    ASSERT_TRUE(eventually([&] { return rounds == 1; }));
    EXPECT_TRUE(all_go_on());
}

TEST_F(Restart, AndAPauseIsNotHeldUp)
{
    for (unsigned round = 0; round < 100; round++) {
        ask = true; // at any time between, before or while they come to stand
        ASSERT_TRUE(pause_begin(pause, 10 * G_USEC_PER_SEC)) << round;
        pause_end(pause);
    }
    ASSERT_TRUE(eventually([&] { return !ask && !restart_is_wanted(restart); }));
    EXPECT_GT(rounds, 0u);
    EXPECT_TRUE(all_go_on());
}

TEST_F(Restart, TheEndDoesNotWaitForIt)
{
    ASSERT_TRUE(pause_begin(pause, 10 * G_USEC_PER_SEC));
    restart_request(restart, false);
    stop = true; // and some of them come to restart_point() alone
    pause_end(pause);
}

} // namespace
