// SPDX-License-Identifier: GPL-2.0-or-later
// The execlist state machine: which contexts are started and which status entries appear, in which order.
#include "gpu/blocks/execlist.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr uint64_t context(uint32_t id)
{
    return static_cast<uint64_t>(id) << 32 | id << 16 | DESC_PRIVILEGE | DESC_ADDRESSING_64 | DESC_VALID;
}
constexpr uint64_t A = context(1), B = context(2), C = context(3), D = context(4);

class Execlist : public testing::Test {
  protected:
    struct execlist list;
    std::vector<std::string> log;
    // What the owner does from within preempt(): nothing, or stop at once.
    bool stop_at_once = false;

    static std::string line(const char *what, uint32_t a, uint32_t b)
    {
        char buf[64];
        snprintf(buf, sizeof(buf), "%s %x %x", what, a, b);
        return buf;
    }
    static Execlist *self(void *opaque) { return static_cast<Execlist *>(opaque); }
    static void start(void *opaque, uint64_t desc, bool lite)
    {
        self(opaque)->log.push_back(line("start", DESC_CONTEXT_ID(desc), lite));
    }
    static void preempt(void *opaque, bool lite)
    {
        self(opaque)->log.push_back(line("preempt", lite, 0));
        if (self(opaque)->stop_at_once)
            execlist_context_preempted(&self(opaque)->list, &ops, opaque);
    }
    static void csb_write(void *opaque, unsigned index, uint32_t status, uint32_t id)
    {
        auto *t = self(opaque);
        t->log.push_back(line("csb", status, id));
        EXPECT_EQ(execlist_buffer_read(&t->list, 2 * index), status);
        EXPECT_EQ(execlist_buffer_read(&t->list, 2 * index + 1), id);
        EXPECT_EQ(execlist_pointer_read(&t->list) & 7, index);
    }
    static constexpr execlist_ops ops = {start, preempt, csb_write};

    void SetUp() override { execlist_reset(&list); }
    void submit(uint64_t a, uint64_t b = 0)
    {
        EXPECT_FALSE(execlist_elsp_write(&list, static_cast<uint32_t>(b >> 32), &ops, this));
        EXPECT_FALSE(execlist_elsp_write(&list, static_cast<uint32_t>(b), &ops, this));
        EXPECT_FALSE(execlist_elsp_write(&list, static_cast<uint32_t>(a >> 32), &ops, this));
        EXPECT_EQ(execlist_elsp_write(&list, static_cast<uint32_t>(a), &ops, this), (a & DESC_VALID) != 0);
    }
    void done() { execlist_context_done(&list, &ops, this); }
    void preempted() { execlist_context_preempted(&list, &ops, this); }
    std::vector<std::string> take() { return std::exchange(log, {}); }
    using Log = std::vector<std::string>;
};

TEST_F(Execlist, OneContextFromIdleToIdle)
{
    submit(A);
    EXPECT_EQ(take(), (Log{"csb 1 0", "start 1 0"}));
    EXPECT_EQ(execlist_running(&list), A);
    done();
    EXPECT_EQ(take(), (Log{"csb 18 1"}));
    EXPECT_EQ(execlist_running(&list), 0u);
}

TEST_F(Execlist, TwoElementsRunInOrder)
{
    submit(A, B);
    done();
    done();
    EXPECT_EQ(take(), (Log{"csb 1 0", "start 1 0", "csb 14 1", "start 2 0", "csb 18 2"}));
}

TEST_F(Execlist, AnotherContextPreempts)
{
    submit(A, B);
    take();
    submit(C, D);
    EXPECT_EQ(take(), (Log{"preempt 0 0"})) << "nothing happens before the arbitration point";
    preempted();
    EXPECT_EQ(take(), (Log{"csb 2 1", "start 3 0"}));
    done();
    done();
    EXPECT_EQ(take(), (Log{"csb 14 3", "start 4 0", "csb 18 4"})) << "B went with its list";
}

TEST_F(Execlist, SameContextIsLiteRestored)
{
    submit(A);
    take();
    submit(A, B);
    EXPECT_EQ(take(), (Log{"preempt 1 0"}));
    preempted();
    EXPECT_EQ(take(), (Log{"csb 8002 1", "start 1 1"}));
    done();
    EXPECT_EQ(take(), (Log{"csb 14 1", "start 2 0"}));
}

TEST_F(Execlist, ForceRestoreOrAnotherIdIsAFullSwitch)
{
    submit(A);
    submit(A | DESC_FORCE_RESTORE);
    take();
    preempted();
    EXPECT_EQ(take(), (Log{"csb 2 1", "start 1 0"}));
    submit(A ^ UINT64_C(0x10000000000));
    preempted();
    EXPECT_EQ(take(), (Log{"preempt 0 0", "csb 2 1", "start 101 0"}));
}

TEST_F(Execlist, EndOfTheLastElementBeforeThePreemptionGoesThroughIdle)
{
    submit(A);
    submit(B);
    take();
    done();
    EXPECT_EQ(take(), (Log{"csb 18 1", "csb 1 0", "start 2 0"}));
    done();
    EXPECT_EQ(take(), (Log{"csb 18 2"}));
}

TEST_F(Execlist, EndOfTheFirstElementBeforeThePreemptionSwitchesElementFirst)
{
    submit(A, B);
    submit(C);
    take();
    done();
    EXPECT_EQ(take(), (Log{"csb 14 1", "start 2 0"}));
    preempted();
    EXPECT_EQ(take(), (Log{"csb 2 2", "start 3 0"}));
}

TEST_F(Execlist, ElementOneCanBeLiteRestored)
{
    submit(A, B);
    done();
    take();
    submit(B, C);
    preempted();
    EXPECT_EQ(take(), (Log{"preempt 1 0", "csb 8002 2", "start 2 1"}));
    done();
    EXPECT_EQ(take(), (Log{"csb 14 2", "start 3 0"}));
}

TEST_F(Execlist, ANewerListReplacesTheWaitingOne)
{
    submit(A);
    submit(B, C);
    EXPECT_TRUE(execlist_status(&list, false) & EXECLIST_STATUS_QUEUE_FULL);
    submit(D);
    take();
    preempted();
    done();
    EXPECT_EQ(take(), (Log{"csb 2 1", "start 4 0", "csb 18 4"}));
}

TEST_F(Execlist, PreemptMayAnswerAtOnce)
{
    stop_at_once = true;
    submit(A);
    submit(A);
    submit(B);
    EXPECT_EQ(take(), (Log{"csb 1 0", "start 1 0", "preempt 1 0", "csb 8002 1", "start 1 1", "preempt 0 0", "csb 2 1", "start 2 0"}));
}

TEST_F(Execlist, AWaitingContextGivesWay)
{
    submit(A, B);
    take();
    execlist_context_waits(&list, CSB_WAIT_SEMAPHORE, &ops, this);
    EXPECT_EQ(take(), (Log{"csb 84 1", "start 2 0"}));
    execlist_context_waits(&list, CSB_WAIT_SEMAPHORE, &ops, this);
    EXPECT_EQ(take(), (Log{"csb 88 2"}));
}

TEST_F(Execlist, InvalidListsAndStrayAnswersAreIgnored)
{
    submit(0, B);
    done();
    preempted();
    EXPECT_TRUE(log.empty());
    submit(A, B & ~static_cast<uint64_t>(DESC_VALID));
    take();
    preempted();
    EXPECT_TRUE(log.empty()) << "no list waits";
    done();
    EXPECT_EQ(take(), (Log{"csb 18 1"})) << "element 1 was not valid";
}

TEST_F(Execlist, TheBufferWrapsAndThePointerFollowsSoftware)
{
    EXPECT_EQ(execlist_pointer_read(&list), 0x707u);
    for (unsigned i = 0; i < 7; i++) {
        submit(A);
        done();
        EXPECT_EQ(execlist_pointer_read(&list) & 7, (2 * i + 1) % 6);
    }
    execlist_pointer_write(&list, 0xffff0505); // as i915 does after a reset
    EXPECT_EQ(execlist_pointer_read(&list), 0x505u);
    submit(A);
    EXPECT_EQ(execlist_pointer_read(&list) & 7, 0u);
    execlist_pointer_write(&list, 0x07000300); // masked: the read pointer alone
    EXPECT_EQ(execlist_pointer_read(&list), 0x300u);
    EXPECT_EQ(execlist_buffer_read(&list, 12), 0u);
}

TEST_F(Execlist, StatusTellsListElementAndContext)
{
    EXPECT_EQ(execlist_status(&list, true), static_cast<uint64_t>(EXECLIST_STATUS_WRITE_LIST | EXECLIST_STATUS_ARBITRATION));
    submit(A, B);
    EXPECT_EQ(execlist_status(&list, false), UINT64_C(1) << 32 | EXECLIST_STATUS_CURRENT_LIST | EXECLIST_STATUS_LIST1_VALID |
                                                 CSB_IDLE_ACTIVE << EXECLIST_STATUS_REASON_SHIFT |
                                                 1 << EXECLIST_STATUS_ELEMENT_SHIFT | EXECLIST_STATUS_LIST1_ACTIVE);
    done();
    EXPECT_EQ(execlist_status(&list, false) >> 32, 2u);
    EXPECT_EQ(execlist_status(&list, false) >> EXECLIST_STATUS_ELEMENT_SHIFT & 3, 2u);
}

TEST_F(Execlist, ResetForgetsHalfASubmission)
{
    execlist_elsp_write(&list, 1, &ops, this);
    execlist_reset(&list);
    submit(A);
    EXPECT_EQ(take(), (Log{"csb 1 0", "start 1 0"}));
}

} // namespace
