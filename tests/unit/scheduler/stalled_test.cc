// SPDX-License-Identifier: GPL-2.0-or-later
// A GPU that does not do what it is told: an engine that takes submissions and never begins, and one that cannot be reset either. Its guests learn it with a
// reason; the other engines, and guests that do not use it, go on.
#include "scheduler/gpu_between.h"
#include "scheduler/gpu_fixture.h"

#include <atomic>

using namespace sched_test;

namespace {

class Stalled : public testing::Test {
protected:
    std::atomic<unsigned> deaf{0};  // engines whose submissions are not heard until a reset
    std::atomic<bool> resets{true};
    std::atomic<uint32_t> asked{0}; // by a reset that does not end
    GpuBetween gpu;
    Machine machine{nullptr, 60 * MS, 0, [this](::gpu *model) { return between(model); }};
    Guest guest{machine, 1, 1}, other{machine, 2, 1};
    uint64_t at = guest.alloc(1), at_other = other.alloc(1);

    ::gpu *between(::gpu *model)
    {
        gpu.on_read = [this](uint32_t offset) {
            uint32_t value = gpu_read32(gpu.inner, offset);
            return offset == R_GEN6_GDRST ? value | asked : value;
        };
        gpu.on_write = [this](uint32_t offset, uint32_t value) {
            for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
                if (deaf >> engine & 1 && offset == engine_mmio_base(engine) + RING_ELSP)
                    return;
            if (offset == R_GEN6_GDRST && !resets) {
                asked = value;
                return;
            }
            if (offset == R_GEN6_GDRST)
                deaf = 0;
            gpu_write32(gpu.inner, offset, value);
        };
        return gpu.around(model);
    }
    static std::string reason_of(workload *work)
    {
        const char *reason = work ? workload_reason(work) : nullptr;
        return reason ? reason : "";
    }
};

TEST_F(Stalled, AnEngineThatNeverBeginsIsReset)
{
    Context blit(guest, ENGINE_BCS0), render(guest, ENGINE_RCS0), others(other, ENGINE_VCS0), waiting(other, ENGINE_BCS0);
    deaf = 1 << ENGINE_BCS0;
    blit.submit(store(guest, at, 1));
    others.run(store(other, at_other, 2)); // meanwhile
    EXPECT_EQ(other.word(at_other), 2u);
    waiting.run(store(other, at_other + 4, 5));
    EXPECT_EQ(other.word(at_other + 4), 5u);
    workload *work = guest.reap();
    ASSERT_NE(work, nullptr);
    EXPECT_EQ(workload_status(work), WORKLOAD_HUNG);
    EXPECT_NE(reason_of(work), "");
    workload_free(work);
    EXPECT_EQ(guest.word(at), 0u);
    // The guest's driver resets its engine and goes on.
    sched_client_reset(guest.client, 1 << ENGINE_BCS0, false);
    Context again(guest, ENGINE_BCS0);
    again.run(store(guest, at, 3));
    EXPECT_EQ(guest.word(at), 3u);
    render.run(store(guest, at + 4, 4));
    EXPECT_EQ(guest.word(at + 4), 4u);
}

TEST_F(Stalled, AnEngineThatCannotBeResetIsOutOfUse)
{
    Context blit(guest, ENGINE_BCS0), blit_other(other, ENGINE_BCS0), render(other, ENGINE_RCS0);
    deaf = 1 << ENGINE_BCS0;
    resets = false;
    blit.submit(store(guest, at, 1));
    blit_other.submit(store(other, at_other, 2));
    workload *work = guest.reap();
    ASSERT_NE(work, nullptr);
    EXPECT_EQ(workload_status(work), WORKLOAD_HUNG);
    workload_free(work);
    work = other.reap();
    ASSERT_NE(work, nullptr);
    EXPECT_EQ(workload_status(work), WORKLOAD_HUNG);
    EXPECT_EQ(reason_of(work), "the engine is out of use");
    workload_free(work);
    // Who comes later hears it at once, and the other engines serve as ever.
    blit_other.submit(store(other, at_other, 2));
    work = other.reap();
    ASSERT_NE(work, nullptr);
    EXPECT_EQ(workload_status(work), WORKLOAD_HUNG);
    workload_free(work);
    render.run(store(other, at_other + 4, 3));
    EXPECT_EQ(other.word(at_other + 4), 3u);
    EXPECT_EQ(other.word(at_other), 0u);
}

} // namespace
