// SPDX-License-Identifier: GPL-2.0-or-later
// A child process takes namespaces as vmm does, as root and as an ordinary user. Used by namespaces*_test.cc.
#ifndef MEDIANT_TESTS_NAMESPACES_FIXTURE_H
#define MEDIANT_TESTS_NAMESPACES_FIXTURE_H

#include "vmm/in_child.h"
#include "vmm/two_folders.h"
#include "vmm/sandbox/sandbox.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

constexpr uid_t NOBODY = 65534;

// As a login of that user, not as a set-user-ID program: /proc/self is theirs.
inline bool become_nobody()
{
    return setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

inline bool sees(const std::string &path)
{
    struct stat st;
    return stat(path.c_str(), &st) == 0;
}

inline bool is_gone(const std::string &path)
{
    return !sees(path) && errno == ENOENT;
}

inline bool opens(const std::string &path, int flags)
{
    const int fd = open(path.c_str(), flags, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

inline std::string link_of(const std::string &path)
{
    char text[256];
    const ssize_t length = readlink(path.c_str(), text, sizeof(text));
    return length < 0 ? "" : std::string(text, size_t(length));
}

inline void enter(sandbox_kind kind, const char *directory = nullptr)
{
    const sandbox_thread thread = {kind, directory, false};
    sandbox_enter(&thread);
}

// Whose process it is.
class Namespaces : public ::testing::TestWithParam<bool> {
protected:
    void SetUp() override
    {
        user = GetParam();
        if (!user && geteuid() != 0)
            GTEST_SKIP() << "this case is root's (run it as root)";
        const Outcome probe = in_child([this] {
            if (!prepare())
                return 98;
            sandbox_isolate(false);
            return sandbox_has_namespaces() ? 0 : 1;
        });
        if (probe.status != 0)
            GTEST_SKIP() << "no namespaces here: a build with a sanitizer has none (use the preset default), else the system forbids them: " << probe.words;
        dir = make_two_folders();
        ASSERT_NE(dir, "");
        if (user && geteuid() == 0) {
            for (const char *path : {"", "/in", "/in/sub", "/out", "/in/file", "/out/file"})
                ASSERT_EQ(chown((dir + path).c_str(), NOBODY, NOBODY), 0);
        }
    }
    void TearDown() override
    {
        if (!dir.empty())
            std::filesystem::remove_all(dir);
    }
    bool prepare() const { return !user || geteuid() != 0 || become_nobody(); }

    // A process with `in` as a directory of outputs; 0 when the function returned 0.
    void confined(const std::function<int()> &before, const std::function<int()> &after)
    {
        const Outcome outcome = in_child([&] {
            if (!prepare())
                return 98;
            sandbox_isolate(false);
            sandbox_begin();
            sandbox_allow(SANDBOX_OUTPUT, (dir + "/in").c_str());
            const int failed = before();
            if (failed)
                return failed;
            enter(SANDBOX_MAIN);
            return after();
        });
        EXPECT_EQ(outcome.status, 0) << outcome.words;
        EXPECT_EQ(outcome.words.find("no namespaces"), std::string::npos) << outcome.words;
    }

    bool user = false;
    std::string dir;
};

#endif
