// SPDX-License-Identifier: GPL-2.0-or-later
// Lists of the host's CPUs: what is one, which of them may be used, and a thread that is moved there.
#include "vmm/cpu_list.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

namespace {

std::vector<unsigned> parse(const char *text)
{
    g_autofree char *reason = nullptr;
    g_autoptr(GArray) cpus = cpu_list_parse(text, &reason);
    EXPECT_EQ(cpus == nullptr, reason != nullptr);
    if (!cpus)
        return {};
    auto *first = reinterpret_cast<unsigned *>(cpus->data);
    return {first, first + cpus->len};
}

std::vector<unsigned> usable()
{
    cpu_set_t set;
    std::vector<unsigned> cpus;
    EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set))
            cpus.push_back(cpu);
    return cpus;
}

TEST(CpuList, IsRead)
{
    EXPECT_EQ(parse("0"), (std::vector<unsigned>{0}));
    EXPECT_EQ(parse("2-4, 8,1"), (std::vector<unsigned>{2, 3, 4, 8, 1}));
    for (const char *bad : {"", "a", "1-", "-1", "4-2", "1-2-3", "0,,1", "4096", "0-4095,0", "18446744073709551616", "0x1"})
        EXPECT_TRUE(parse(bad).empty()) << bad;
}

TEST(CpuList, IsCheckedAgainstWhatTheProcessMayUse)
{
    g_autofree char *reason = nullptr;
    g_autoptr(GArray) good = cpu_list_parse(std::to_string(usable().back()).c_str(), &reason);
    EXPECT_TRUE(cpu_list_check(good, &reason)) << reason;
    g_autoptr(GArray) bad = cpu_list_parse((std::to_string(usable().front()) + ",4095").c_str(), &reason);
    ASSERT_FALSE(cpu_list_check(bad, &reason));
    EXPECT_NE(std::string(reason).find("no CPU 4095 that this process may use (" + std::to_string(usable().size()) + " are"), std::string::npos) << reason;
}

TEST(CpuList, IsWhereAThreadRuns)
{
    const std::vector<unsigned> all = usable();
    std::thread([&] {
        EXPECT_TRUE(cpu_list_run_on(&all.back(), 1));
        EXPECT_EQ(usable(), (std::vector<unsigned>{all.back()}));
        EXPECT_TRUE(cpu_list_run_on(all.data(), all.size()));
        EXPECT_EQ(usable(), all);
        const unsigned none = CPU_LIST_MAX - 1;
        EXPECT_FALSE(cpu_list_run_on(&none, 1));
        EXPECT_EQ(errno, EINVAL);
        EXPECT_EQ(usable(), all) << "nothing has changed";
    }).join();
    EXPECT_EQ(usable(), all) << "other threads run where they did";
}

} // namespace
