// SPDX-License-Identifier: GPL-2.0-or-later
// Shares, caps and pins of vCPUs: what is written where, in a directory that stands for a cgroup v2 hierarchy, and what is refused.
#include "vmm/cpu_group.h"
#include "vmm/error.h"

#include <fstream>
#include <glib/gstdio.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

// mkdir() in a real hierarchy makes the files of a group; here nobody does, so the groups are made before with their files.
class Hierarchy {
  public:
    Hierarchy()
    {
        root = g_dir_make_tmp("cpu-group-XXXXXX", nullptr);
        own = std::string(root) + "/own";
        group(own);
        put(own + "/cgroup.controllers", "cpuset cpu memory\n");
    }
    ~Hierarchy()
    {
        std::string command = std::string("rm -rf ") + root;
        EXPECT_EQ(system(command.c_str()), 0);
        g_free(root);
    }
    static void group(const std::string &path)
    {
        g_mkdir(path.c_str(), 0755);
        for (const char *file : {"cgroup.controllers", "cgroup.subtree_control", "cgroup.type", "cgroup.threads", "cpu.weight", "cpu.max"})
            put(path + "/" + file, "");
    }
    static void put(const std::string &path, const std::string &text) { std::ofstream(path) << text; }
    static std::string get(const std::string &path)
    {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    char *root;
    std::string own;
};

TEST(CpuGroup, PinsEachThread)
{
    g_autoptr(GError) error = nullptr;
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
    std::vector<int> usable;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &before))
            usable.push_back(cpu);
    std::string list = std::to_string(usable.front()) + "," + std::to_string(usable.back());
    cpu_limits limits = {.share = 0, .cap = 0, .pin = list.c_str()};
    cpu_group *group = cpu_group_create("alpha", 3, &limits, &error);
    ASSERT_NE(group, nullptr) << error->message;
    for (unsigned vcpu = 0; vcpu < 3; vcpu++) {
        std::thread([&] {
            g_autoptr(GError) refused = nullptr;
            ASSERT_TRUE(cpu_group_enter(group, vcpu, &refused)) << refused->message;
            cpu_set_t set;
            ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
            EXPECT_EQ(CPU_COUNT(&set), 1);
            EXPECT_TRUE(CPU_ISSET(vcpu % 2 ? usable.back() : usable.front(), &set));
        }).join();
    }
    cpu_group_destroy(group);
    limits.pin = "0,4095";
    EXPECT_EQ(cpu_group_create("alpha", 1, &limits, &error), nullptr);
    EXPECT_TRUE(g_error_matches(error, VMM_ERROR, VMM_ERROR_CONFIG));
    EXPECT_NE(std::string(error->message).find("CPU 4095"), std::string::npos) << error->message;
}

TEST(CpuGroup, NamesWhatIsMissing)
{
    Hierarchy hierarchy;
    cpu_limits limits = {.share = 50, .cap = 0, .pin = nullptr};
    g_autoptr(GError) error = nullptr;
    Hierarchy::put(hierarchy.own + "/cgroup.controllers", "cpuset memory\n");
    EXPECT_EQ(cpu_group_create_in(hierarchy.root, "/own", "alpha", 1, &limits, &error), nullptr);
    ASSERT_TRUE(g_error_matches(error, VMM_ERROR, VMM_ERROR_FAILED));
    EXPECT_NE(std::string(error->message).find("Delegate=cpu"), std::string::npos) << error->message;
    g_clear_error(&error);
    Hierarchy::put(hierarchy.own + "/cgroup.controllers", "cpu\n");
    // No files appear in a new directory here: the first one that is written to is missing, and nothing is left behind.
    EXPECT_EQ(cpu_group_create_in(hierarchy.root, "/own", "alpha", 2, &limits, &error), nullptr);
    ASSERT_NE(error, nullptr);
    std::string made = hierarchy.own + "/vmm-" + std::to_string(getpid()) + "-alpha";
    EXPECT_NE(std::string(error->message).find(made), std::string::npos) << error->message;
    EXPECT_FALSE(g_file_test(made.c_str(), G_FILE_TEST_EXISTS));
    EXPECT_EQ(Hierarchy::get(hierarchy.own + "/cgroup.subtree_control"), "+cpu");
}

} // namespace
