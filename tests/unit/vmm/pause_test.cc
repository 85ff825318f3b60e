// SPDX-License-Identifier: GPL-2.0-or-later
// Pausing, with threads that stand for vCPUs and no clocks of KVM.
#include "eventually.h"
#include "vmm/pause.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

class Pause : public testing::Test {
protected:
    static constexpr unsigned VCPUS = 3;
    struct pause *pause = nullptr;
    std::vector<std::thread> threads;
    std::atomic<uint64_t> steps[VCPUS] = {};
    std::atomic<unsigned> kicks{0}, froze{0}, thawed{0};
    std::atomic<bool> stop{false}, busy{false}, stuck{false};

    void SetUp() override
    {
        pause_config config = {};
        config.vm_fd = -1;
        config.vcpus = VCPUS;
        config.kick = [](void *opaque) { static_cast<Pause *>(opaque)->kicks++; };
        config.clocks = [](void *opaque, bool stand) {
            Pause *self = static_cast<Pause *>(opaque);
            (stand ? self->froze : self->thawed)++;
        };
        config.opaque = this;
        pause = pause_create(&config);
    }
    void start()
    {
        for (unsigned i = 0; i < VCPUS; i++)
            threads.emplace_back([this, i] {
                while (!stop) {
                    if (pause_point(pause, -1))
                        continue;
                    steps[i]++;
                    while (i == 1 && busy && !stop) {
                        stuck = true;
                        std::this_thread::yield();
                    }
                }
            });
        for (auto &step : steps)
            ASSERT_TRUE(eventually([&] { return step > 0; }));
    }
    uint64_t all() const { return steps[0] + steps[1] + steps[2]; }
    void TearDown() override
    {
        stop = true;
        pause_finish(pause);
        for (std::thread &thread : threads)
            thread.join();
        pause_destroy(pause);
    }
};

TEST_F(Pause, StopsAllAndLetsThemGoOn)
{
    start();
    for (unsigned round = 1; round <= 50; round++) {
        ASSERT_TRUE(pause_begin(pause, 10 * G_USEC_PER_SEC));
        EXPECT_TRUE(pause_is_on(pause));
        EXPECT_EQ(froze, round);
        EXPECT_EQ(thawed, round - 1);
        uint64_t before = all();
        std::this_thread::sleep_for(std::chrono::milliseconds(round == 1 ? 20 : 0));
        EXPECT_EQ(all(), before);
        pause_end(pause);
        EXPECT_FALSE(pause_is_on(pause));
        EXPECT_EQ(thawed, round);
        ASSERT_TRUE(eventually([&] { return all() > before; }));
    }
}

TEST_F(Pause, TwiceIsOnce)
{
    start();
    ASSERT_TRUE(pause_begin(pause, 10 * G_USEC_PER_SEC));
    EXPECT_TRUE(pause_begin(pause, 10 * G_USEC_PER_SEC));
    pause_end(pause);
    pause_end(pause);
    EXPECT_EQ(froze, 1u);
    EXPECT_EQ(thawed, 1u);
}

TEST_F(Pause, GivesUpOnOneThatDoesNotCome)
{
    start();
    busy = true;
    ASSERT_TRUE(eventually([&] { return stuck.load(); }));
    EXPECT_FALSE(pause_begin(pause, 20000));
    EXPECT_FALSE(pause_is_on(pause));
    EXPECT_EQ(froze, 0u) << "one ran on, so the clocks did";
    uint64_t before = steps[0];
    EXPECT_TRUE(eventually([&] { return steps[0] > before; })) << "the others go on";
    busy = false;
    EXPECT_TRUE(pause_begin(pause, 10 * G_USEC_PER_SEC));
    pause_end(pause);
}

TEST_F(Pause, EndsWithTheMachine)
{
    start();
    ASSERT_TRUE(pause_begin(pause, 10 * G_USEC_PER_SEC));
    stop = true;
    pause_finish(pause);
    for (std::thread &thread : threads)
        thread.join(); // nobody is left waiting
    threads.clear();
    EXPECT_FALSE(pause_is_on(pause));
    EXPECT_FALSE(pause_begin(pause, 10 * G_USEC_PER_SEC)) << "at once";
}

} // namespace
