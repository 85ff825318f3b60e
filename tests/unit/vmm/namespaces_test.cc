// SPDX-License-Identifier: GPL-2.0-or-later
// Namespaces from inside: what a process that has them can still see and do.
#include "vmm/namespaces_fixture.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <glib.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

namespace {

INSTANTIATE_TEST_SUITE_P(As, Namespaces, ::testing::Bool(), [](const auto &info) { return info.param ? "User" : "Root"; });

TEST_P(Namespaces, OnlyListedPathsExist)
{
    confined([] { return 0; }, [&] {
        if (!is_gone(dir + "/out") || !is_gone("/etc/passwd") || !is_gone("/bin") || !is_gone("/proc/self/mem") || !is_gone("/proc/1") || !is_gone("/dev/null"))
            return 1;
        if (!sees(dir + "/in/file") || !sees("/usr/lib"))
            return 2;
        if (!g_file_set_contents((dir + "/in/picture").c_str(), "pixels", 6, nullptr))
            return 3;
        return opens(dir + "/new", O_WRONLY | O_CREAT) ? 4 : 0;
    });
    EXPECT_EQ(std::filesystem::file_size(dir + "/in/picture"), 6u) << "the host sees what was written";
}

TEST_P(Namespaces, RelativeNamesAndLinksLeadWhereTheyDid)
{
    std::filesystem::create_directory_symlink("in", dir + "/link");
    std::filesystem::create_directory_symlink(dir + "/in/sub", dir + "/in/inner");
    std::ofstream(dir + "/in/sub/deep") << "deep";
    confined([&] {
        if (chdir(dir.c_str()) != 0)
            return 5;
        sandbox_allow(SANDBOX_OUTPUT, "link");
        sandbox_allow(SANDBOX_SOCKET, "in/inner");
        return 0;
    }, [&] {
        return !is_gone("out") || !is_gone("../../etc/passwd") ? 1 : !sees("in/file") || !sees("link/file") || !sees("in/inner/deep") ? 2 : 0;
    });
}

// As configs/demo.ini names its pictures.
TEST_P(Namespaces, NamesThatGoUpLeadWhereTheyDid)
{
    confined([&] {
        if (chdir(dir.c_str()) != 0)
            return 5;
        sandbox_allow(SANDBOX_OUTPUT, "out/../in/sub/..");
        return 0;
    }, [&] {
        return !is_gone("out/file") ? 1 : !g_file_set_contents("out/../in/sub/../new", "x", 1, nullptr) || !sees("in/new") ? 2 : 0;
    });
}

TEST_P(Namespaces, ThreadsThatBeganBeforeAreInsideToo)
{
    GMutex lock;
    g_mutex_init(&lock);
    g_mutex_lock(&lock);
    std::thread *server = nullptr, *vcpu = nullptr;
    int results[2] = {9, 9};
    confined([&] {
        server = new std::thread([&] {
            enter(SANDBOX_VFIO_SERVER);
            g_mutex_lock(&lock);
            results[0] = !is_gone(dir + "/out/file") ? 11 : !g_file_set_contents((dir + "/in/served").c_str(), "x", 1, nullptr) ? 12 : 0;
            const std::string own = link_of("/proc/self/fd/0"); // how a client's eventfds are known
            results[0] = results[0] ? results[0] : own.empty() ? 13 : 0;
            g_mutex_unlock(&lock);
        });
        vcpu = new std::thread([&] {
            enter(SANDBOX_VCPU);
            g_mutex_lock(&lock);
            results[1] = dlopen("libanl.so.1", RTLD_NOW) || dlopen("libcapstone.so.4", RTLD_NOW) ? 0 : 14; // not one that this program has
            g_mutex_unlock(&lock);
        });
        return 0;
    }, [&] {
        g_mutex_unlock(&lock);
        server->join();
        vcpu->join();
        return results[0] ? results[0] : results[1];
    });
}

TEST_P(Namespaces, OpenListenersGoOn)
{
    const std::string path = dir + "/in/listens";
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    std::thread client([&] {
        char byte;
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(read(ready[0], &byte, 1), 1);
        EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0) << std::strerror(errno);
        close(fd);
    });
    int listener = -1;
    confined([&] {
        sandbox_allow(SANDBOX_SOCKET, (dir + "/in").c_str());
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0 && listen(listener, 1) == 0 ? 0 : 5;
    }, [&] {
        if (write(ready[1], "x", 1) != 1)
            return 6;
        return accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) >= 0 && unlink(path.c_str()) == 0 ? 0 : 7;
    });
    EXPECT_EQ(write(ready[1], "x", 1), 1); // if the child did not
    client.join();
    close(ready[0]);
    close(ready[1]);
    EXPECT_FALSE(std::filesystem::exists(path));
}

// Without sandbox_begin(), so that threads can be asked where they are.
TEST_P(Namespaces, NetworksAreForThreadsThatUseThem)
{
    const std::string host = link_of("/proc/self/ns/net");
    const Outcome outcome = in_child([&] {
        if (!prepare())
            return 98;
        sandbox_isolate(false);
        int results[3] = {};
        for (const sandbox_kind kind : {SANDBOX_VCPU, SANDBOX_NETWORK, SANDBOX_MAKER})
            std::thread([&] {
                enter(kind);
                const bool same = link_of("/proc/thread-self/ns/net") == host;
                struct if_nameindex *names = if_nameindex();
                const bool alone = names && (!names[0].if_name || (std::string(names[0].if_name) == "lo" && !names[1].if_name));
                results[kind == SANDBOX_VCPU ? 0 : kind == SANDBOX_NETWORK ? 1 : 2] = (same ? 0 : 1) | (alone ? 2 : 0);
            }).join();
        return results[0] != 3 ? 1 : results[1] & 1 ? 2 : results[2] & 1 ? 3 : 0;
    });
    EXPECT_EQ(outcome.status, 0) << outcome.words;
}

TEST_P(Namespaces, CapabilitiesGo)
{
    const auto capabilities = [](int status, const std::string &set) {
        char text[4096] = {};
        if (pread(status, text, sizeof(text) - 1, 0) <= 0)
            return ~0ull;
        const char *at = std::strstr(text, set.c_str());
        return at ? std::strtoull(at + set.size(), nullptr, 16) : ~0ull;
    };
    const auto open_status = [] { return open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC); };
    const unsigned long long outputs = 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER;
    int status = -1;
    confined([&] {
        int device = 1;
        std::thread([&] {
            const int own = open_status();
            enter(SANDBOX_DEVICE);
            device = capabilities(own, "CapEff:\t") || capabilities(own, "CapPrm:\t") || capabilities(own, "CapBnd:\t");
        }).join();
        status = open_status();
        return device;
    }, [&] {
        const unsigned long long left = user ? 0 : outputs;
        return capabilities(status, "CapPrm:\t") == left && capabilities(status, "CapEff:\t") == left && capabilities(status, "CapBnd:\t") == 0 ? 0 : 2;
    });
}

class NamespacesOfRoot : public Namespaces {};
INSTANTIATE_TEST_SUITE_P(As, NamespacesOfRoot, ::testing::Values(false), [](const auto &) { return "Root"; });

TEST_P(NamespacesOfRoot, SharesKeepWhatIsMountedBelowAndOwners)
{
    const std::string in = dir + "/in";
    const Outcome outcome = in_child([&] {
        if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("none", (in + "/sub").c_str(), "tmpfs", 0, nullptr) != 0)
            return 98;
        std::ofstream(in + "/sub/mounted") << "x";
        sandbox_isolate(true);
        sandbox_begin();
        const int share = open(in.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
        sandbox_allow_open(SANDBOX_SHARE, in.c_str(), share);
        GMutex lock;
        g_mutex_init(&lock);
        g_mutex_lock(&lock);
        int result = 0;
        std::thread worker([&] {
            enter(SANDBOX_FILES, in.c_str());
            g_mutex_lock(&lock);
            const int fd = openat(share, "sub/mounted", O_RDWR | O_CLOEXEC), made = openat(share, "made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
            result = fd < 0 ? 1 : made < 0 ? 2 : fchownat(share, "made", 1234, 1234, 0) != 0 ? 3 : openat(share, "../out/file", O_RDONLY) >= 0 ? 4 : 0;
            g_mutex_unlock(&lock);
        });
        enter(SANDBOX_MAIN);
        g_mutex_unlock(&lock);
        worker.join();
        return result;
    });
    EXPECT_EQ(outcome.status, 0) << outcome.words;
    struct stat st = {};
    EXPECT_EQ(stat((in + "/made").c_str(), &st), 0);
    EXPECT_EQ(st.st_uid, 1234u);
}

} // namespace
