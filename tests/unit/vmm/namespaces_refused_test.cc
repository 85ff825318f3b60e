// SPDX-License-Identifier: GPL-2.0-or-later
// Namespaces that the system refuses, in whole or in part, early or late: the rest of the sandbox is as ever, and it is said.
#include "vmm/namespaces_fixture.h"

#include <cstddef>
#include <cstring>
#include <glib.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

namespace {

// All namespaces that the calling thread is in.
std::string whereabouts()
{
    std::string all;
    for (const char *kind : {"user", "mnt", "net", "ipc", "uts"})
        all += link_of(std::string("/proc/thread-self/ns/") + kind) + " ";
    return all;
}

// From now on the call ends so.
bool filter(int call, unsigned action)
{
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, unsigned(call), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {G_N_ELEMENTS(code), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

// It fails with that error, as in a container.
bool deny(int call, int error)
{
    return filter(call, SECCOMP_RET_ERRNO | unsigned(error));
}

class NamespacesRefused : public Namespaces {};
INSTANTIATE_TEST_SUITE_P(As, NamespacesRefused, ::testing::Bool(), [](const auto &info) { return info.param ? "User" : "Root"; });

TEST_P(NamespacesRefused, PartsLeaveAllAsItWas)
{
    const struct {
        int call, error;
    } cases[] = {{SYS_clone, EPERM}, {SYS_mount, EACCES}, {SYS_fsopen, ENOSYS}, {SYS_move_mount, EACCES}, {SYS_pivot_root, EINVAL}, {SYS_unshare, EPERM}};
    for (const auto &refused : cases) {
        const Outcome outcome = in_child([&] {
            if (!prepare())
                return 98;
            const std::string before = whereabouts();
            if (!deny(refused.call, refused.error))
                return 97;
            sandbox_isolate(false);
            if (sandbox_has_namespaces() || whereabouts() != before)
                return 1;
            sandbox_begin();
            sandbox_allow(SANDBOX_OUTPUT, (dir + "/in").c_str());
            enter(SANDBOX_MAIN);
            return sees(dir + "/out/file") && g_file_set_contents((dir + "/in/picture").c_str(), "pixels", 6, nullptr) ? 0 : 2;
        });
        EXPECT_EQ(outcome.status, 0) << refused.call << ": " << outcome.words;
        EXPECT_NE(outcome.words.find("vmm: sandbox: no namespaces: "), std::string::npos) << outcome.words;
        EXPECT_NE(outcome.words.find(std::string(": ") + std::strerror(refused.error) + "; "), std::string::npos) << outcome.words;
    }
}

TEST_P(NamespacesRefused, FilterThatKillsTakesTheTrialOnly)
{
    const Outcome outcome = in_child([&] {
        if (!prepare() || !filter(SYS_pivot_root, SECCOMP_RET_KILL_PROCESS))
            return 98;
        const std::string before = whereabouts();
        sandbox_isolate(false);
        return whereabouts() == before && !sandbox_has_namespaces() ? 0 : 1;
    });
    EXPECT_EQ(outcome.status, 0) << outcome.words;
    EXPECT_NE(outcome.words.find("no namespaces: a process that tries them is killed"), std::string::npos) << outcome.words;
}

TEST_P(NamespacesRefused, LateRefusalLeavesTheTree)
{
    const Outcome outcome = in_child([&] {
        if (!prepare() || chdir(dir.c_str()) != 0)
            return 98;
        sandbox_isolate(false);
        sandbox_begin();
        sandbox_allow(SANDBOX_OUTPUT, "in");
        if (!deny(SYS_pivot_root, EPERM))
            return 97;
        enter(SANDBOX_MAIN);
        return sees(dir + "/out/file") && sees("/etc/passwd") && sees("out/file") && g_file_set_contents("in/picture", "pixels", 6, nullptr) ? 0 : 2;
    });
    EXPECT_EQ(outcome.status, 0) << outcome.words;
    EXPECT_NE(outcome.words.find("no namespaces: pivot_root"), std::string::npos) << outcome.words;
}

TEST_P(NamespacesRefused, SmallerPartsAreDoneWithout)
{
    for (const int call : {SYS_setns, SYS_capset}) {
        const Outcome outcome = in_child([&] {
            if (!prepare() || !deny(call, EPERM))
                return 98;
            sandbox_isolate(false);
            sandbox_begin();
            enter(SANDBOX_MAIN);
            return is_gone("/etc/passwd") ? 0 : 1;
        });
        EXPECT_EQ(outcome.status, 0) << outcome.words;
        EXPECT_NE(outcome.words.find(call == SYS_setns ? "no network namespace: " : "capabilities stay: "), std::string::npos) << outcome.words;
    }
}

TEST_P(NamespacesRefused, TheWholeRootIsNotLeftOut)
{
    const Outcome outcome = in_child([&] {
        if (!prepare())
            return 98;
        sandbox_isolate(false);
        sandbox_begin();
        sandbox_allow(SANDBOX_OUTPUT, "/");
        enter(SANDBOX_MAIN);
        return sees("/etc/passwd") ? 0 : 1;
    });
    EXPECT_EQ(outcome.status, 0) << outcome.words;
    EXPECT_NE(outcome.words.find("no namespaces: a socket or an output is directly in /"), std::string::npos) << outcome.words;
}

class NamespacesRefusedOfRoot : public Namespaces {};
INSTANTIATE_TEST_SUITE_P(As, NamespacesRefusedOfRoot, ::testing::Values(false), [](const auto &) { return "Root"; });

TEST_P(NamespacesRefusedOfRoot, ChrootIsNoPlaceForThem)
{
    const Outcome outcome = in_child([&] {
        if (chroot(dir.c_str()) != 0 || chdir("/") != 0)
            return 98;
        sandbox_isolate(false);
        return sandbox_has_namespaces() || !sees("/out/file") ? 1 : 0;
    });
    EXPECT_EQ(outcome.status, 0) << outcome.words;
    EXPECT_NE(outcome.words.find("no namespaces: mount propagation"), std::string::npos) << outcome.words;
}

TEST_P(NamespacesRefusedOfRoot, SomeCapabilitiesAreNotGivenAwayForAUserNamespace)
{
    const Outcome outcome = in_child([&] {
        __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{1u << CAP_CHOWN, 1u << CAP_CHOWN, 0}, {}};
        if (syscall(SYS_capset, &header, data) != 0)
            return 98;
        const std::string before = whereabouts();
        sandbox_isolate(false);
        return whereabouts() == before && !sandbox_has_namespaces() ? 0 : 1;
    });
    EXPECT_EQ(outcome.status, 0) << outcome.words;
    EXPECT_NE(outcome.words.find("no namespaces: some capabilities"), std::string::npos) << outcome.words;
}

class NamespacesRefusedOfUser : public Namespaces {};
INSTANTIATE_TEST_SUITE_P(As, NamespacesRefusedOfUser, ::testing::Values(true), [](const auto &) { return "User"; });

TEST_P(NamespacesRefusedOfUser, ShareNeedsTheOwnersOfFiles)
{
    const Outcome outcome = in_child([&] {
        if (!prepare())
            return 98;
        const std::string before = whereabouts();
        sandbox_isolate(true);
        return whereabouts() == before && !sandbox_has_namespaces() ? 0 : 1;
    });
    EXPECT_EQ(outcome.status, 0) << outcome.words;
    EXPECT_NE(outcome.words.find("no namespaces: a user namespace would hide whose"), std::string::npos) << outcome.words;
}

} // namespace
