// SPDX-License-Identifier: GPL-2.0-or-later
// Namespaces from inside: a child process takes them as vmm does and looks around, as root and as an ordinary user; and what is left when a part is refused.
#include "vmm/error.h"
#include "vmm/sandbox/sandbox.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <glib.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

struct Outcome {
    int status;        // of the function, or how the process ended
    std::string words; // on standard error
};

constexpr uid_t NOBODY = 65534;

Outcome in_child(const std::function<int()> &function)
{
    int fds[2];
    EXPECT_EQ(pipe(fds), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        _exit(function());
    }
    close(fds[1]);
    Outcome outcome;
    char buffer[512];
    for (ssize_t got; (got = read(fds[0], buffer, sizeof(buffer))) > 0;)
        outcome.words.append(buffer, size_t(got));
    close(fds[0]);
    waitpid(pid, &outcome.status, 0);
    outcome.status = WIFEXITED(outcome.status) ? WEXITSTATUS(outcome.status) : 1000 + WTERMSIG(outcome.status);
    return outcome;
}

// As a login of that user, not as a set-user-ID program: /proc/self is theirs.
bool become_nobody()
{
    return setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

bool sees(const std::string &path)
{
    struct stat st;
    return stat(path.c_str(), &st) == 0;
}

bool is_gone(const std::string &path)
{
    return !sees(path) && errno == ENOENT;
}

bool opens(const std::string &path, int flags)
{
    const int fd = open(path.c_str(), flags, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

std::string link_of(const std::string &path)
{
    char text[256];
    const ssize_t length = readlink(path.c_str(), text, sizeof(text));
    return length < 0 ? "" : std::string(text, size_t(length));
}

// All namespaces that the calling thread is in.
std::string whereabouts()
{
    std::string all;
    for (const char *kind : {"user", "mnt", "net", "ipc", "uts"})
        all += link_of(std::string("/proc/thread-self/ns/") + kind) + " ";
    return all;
}

// From now on the call fails with that error, as in a container.
bool deny(int call, int error)
{
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, unsigned(call), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | unsigned(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {G_N_ELEMENTS(code), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

void enter(sandbox_kind kind, const char *directory = nullptr)
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
        char name[] = "/tmp/mediant-namespaces-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        dir = name;
        std::filesystem::create_directories(dir + "/in/sub");
        std::filesystem::create_directories(dir + "/out");
        std::ofstream(dir + "/in/file") << "inside";
        std::ofstream(dir + "/out/file") << "outside";
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

TEST_P(Namespaces, RefusedPartsLeaveAllAsItWas)
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

TEST_P(Namespaces, LateRefusalLeavesTheTree)
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

TEST_P(Namespaces, SmallerPartsAreDoneWithout)
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

TEST_P(Namespaces, TheWholeRootIsNotLeftOut)
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

class NamespacesOfRoot : public Namespaces {};
INSTANTIATE_TEST_SUITE_P(As, NamespacesOfRoot, ::testing::Values(false), [](const auto &) { return "Root"; });

TEST_P(NamespacesOfRoot, ChrootIsNoPlaceForThem)
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

TEST_P(NamespacesOfRoot, SomeCapabilitiesAreNotGivenAwayForAUserNamespace)
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

class NamespacesOfUser : public Namespaces {};
INSTANTIATE_TEST_SUITE_P(As, NamespacesOfUser, ::testing::Values(true), [](const auto &) { return "User"; });

TEST_P(NamespacesOfUser, ShareNeedsTheOwnersOfFiles)
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
