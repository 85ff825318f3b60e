// SPDX-License-Identifier: GPL-2.0-or-later
// The sandbox from inside: a child process enters it as a kind of thread and tries what it may and what it may not.
#include "vmm/error.h"
#include "vmm/in_child.h"
#include "vmm/two_folders.h"
#include "vmm/sandbox/maker.h"
#include "vmm/sandbox/sandbox.h"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <glib.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace {

class Sandbox : public ::testing::Test {
protected:
    void SetUp() override
    {
#ifdef __SANITIZE_THREAD__
        GTEST_SKIP() << "with ThreadSanitizer all threads may read files, and the lists are not those of the table (use the preset default)";
#endif
        const Outcome probe = in_child([] {
            sandbox_begin();
            return (sandbox_has_seccomp() ? 1 : 0) | (sandbox_has_landlock() ? 2 : 0);
        });
        if (!(probe.status & 1))
            GTEST_SKIP() << "no seccomp filter: a build with a sanitizer has none (use the preset default), else the kernel needs CONFIG_SECCOMP_FILTER: " << probe.words;
        landlock = probe.status & 2;
        dir = make_two_folders();
        ASSERT_NE(dir, "");
    }
    void TearDown() override
    {
        if (!dir.empty())
            std::filesystem::remove_all(dir);
    }

    // The function as a thread of that kind: 0 when it returned true.
    Outcome as(sandbox_kind kind, const std::function<bool()> &function, bool read_only = false)
    {
        const std::string in = dir + "/in";
        return in_child([&] {
            sandbox_begin();
            sandbox_allow(SANDBOX_OUTPUT, in.c_str());
            const sandbox_thread thread = {kind, kind == SANDBOX_FILES ? in.c_str() : nullptr, read_only};
            sandbox_enter(&thread);
            return function() ? 0 : 99;
        });
    }
    void allowed(sandbox_kind kind, const std::function<bool()> &function)
    {
        const Outcome outcome = as(kind, function);
        EXPECT_EQ(outcome.status, 0) << "kind " << kind << ": " << outcome.words;
    }
    // The process ends with a line that names the call.
    void forbidden(sandbox_kind kind, const std::string &call, const std::function<void()> &function)
    {
        const Outcome outcome = as(kind, [&] {
            prctl(PR_SET_NAME, "culprit");
            function();
            return true;
        });
        EXPECT_EQ(outcome.status, EXIT_VMM_FAILURE) << call << " of kind " << kind << ": " << outcome.words;
        EXPECT_NE(outcome.words.find("the thread \"culprit\" made the system call " + call + " ("), std::string::npos) << outcome.words;
    }
    static bool opens(const std::string &path, int flags)
    {
        const int fd = open(path.c_str(), flags, 0600);
        if (fd >= 0)
            close(fd);
        return fd >= 0;
    }

    std::string dir;
    bool landlock = false;
};

const sandbox_kind KINDS[] = {SANDBOX_DEVICE,  SANDBOX_ENGINE,      SANDBOX_VCPU, SANDBOX_FILES,
                              SANDBOX_NETWORK, SANDBOX_VFIO_SERVER, SANDBOX_DISPLAY, SANDBOX_MAIN, SANDBOX_MAKER};

TEST_F(Sandbox, NoThreadStartsProgramsOrTakesRights)
{
    char *const none[] = {nullptr};
    static_assert(G_N_ELEMENTS(KINDS) == SANDBOX_KINDS);
    for (const sandbox_kind kind : KINDS) {
        forbidden(kind, "execve", [&] { execve("/bin/true", none, none); });
        forbidden(kind, "execveat", [&] { syscall(SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0); });
        forbidden(kind, "ptrace", [] { ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); });
        forbidden(kind, "process_vm_readv", [] { syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0); });
        forbidden(kind, "mount", [] { mount("none", "/tmp", "tmpfs", 0, nullptr); });
        forbidden(kind, "unshare", [] { unshare(CLONE_NEWUSER); });
        forbidden(kind, "setuid", [] { syscall(SYS_setuid, 0); });
        forbidden(kind, "bpf", [] { syscall(SYS_bpf, 0, nullptr, 0); });
        forbidden(kind, "io_uring_setup", [] { syscall(SYS_io_uring_setup, 1, nullptr); });
        if (kind != SANDBOX_MAKER)
            forbidden(kind, "seccomp", [] { syscall(SYS_seccomp, 0, 0, nullptr); });
        forbidden(kind, "chroot", [&] { syscall(SYS_chroot, dir.c_str()); });
        forbidden(kind, "kill", [] { syscall(SYS_kill, 1, 0); });
        forbidden(kind, "tgkill", [] { syscall(SYS_tgkill, 1, 1, 0); });
        forbidden(kind, "fork", [] { syscall(SYS_fork); });
        forbidden(kind, "clone", [] { syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr); });
        forbidden(kind, "clone", [] { syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_NEWNET, nullptr, nullptr, nullptr, nullptr); });
        if (kind == SANDBOX_DISPLAY) { // a library tries, when a viewer comes from an address of its link
            allowed(kind, [] { return socket(AF_INET6, SOCK_STREAM, 0) < 0 && socket(AF_UNIX, SOCK_STREAM, 0) < 0 && socket(AF_INET, SOCK_STREAM, 0) < 0; });
        } else {
            if (kind != SANDBOX_MAKER) { // which listens, for vGPUs and their screens
                forbidden(kind, "socket", [] { socket(AF_INET6, SOCK_STREAM, 0); });
                forbidden(kind, "socket", [] { socket(AF_UNIX, SOCK_STREAM, 0); });
            }
            forbidden(kind, "socket", [] { socket(AF_PACKET, SOCK_RAW, 0); });
        }
        forbidden(kind, "ioctl", [] { ioctl(STDIN_FILENO, TIOCSTI, "x"); });
        forbidden(kind, "prctl", [] { prctl(PR_SET_DUMPABLE, 1); });
        forbidden(kind, "prlimit64", [] { const rlimit limit = {}; syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, nullptr); });
        if (kind != SANDBOX_NETWORK && kind != SANDBOX_DISPLAY && kind != SANDBOX_MAKER)
            forbidden(kind, "socket", [] { socket(AF_INET, SOCK_STREAM, 0); });
        if (kind != SANDBOX_VCPU)
            forbidden(kind, "mmap", [] { mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); });
    }
}

TEST_F(Sandbox, NoThreadReadsOrCreatesForeignFiles)
{
    for (const sandbox_kind kind : KINDS) {
        if (!landlock && kind >= SANDBOX_VCPU)
            continue; // then only the list holds, which knows no paths
        allowed(kind, [] { return !opens("/etc/passwd", O_RDONLY) && errno == EACCES; });
        allowed(kind, [&] { return !opens(dir + "/out/file", O_RDONLY) && errno == EACCES; });
        allowed(kind, [] { return !opens("/proc/self/mem", O_RDONLY) && errno == EACCES; });
        if (kind == SANDBOX_FILES || kind == SANDBOX_VFIO_SERVER || kind == SANDBOX_MAIN || kind == SANDBOX_MAKER)
            allowed(kind, [&] { return !opens(dir + "/out/new", O_WRONLY | O_CREAT) && errno == EACCES; });
        if (kind == SANDBOX_VCPU || kind == SANDBOX_NETWORK)
            forbidden(kind, "openat", [&] { opens(dir + "/in/new", O_WRONLY | O_CREAT); });
    }
    EXPECT_FALSE(std::filesystem::exists(dir + "/out/new"));
}

// Fontconfig does, where its cache is out of date, and goes on without.
TEST_F(Sandbox, WhoDrawsTextCannotRefreshCaches)
{
    for (const int flags : {O_WRONLY | O_CREAT, O_RDWR | O_CREAT | O_EXCL, O_RDWR, O_WRONLY | O_TRUNC, O_RDONLY | O_CREAT})
        allowed(SANDBOX_DISPLAY, [&] { return !opens(dir + "/in/new", flags) && errno == EACCES; });
    EXPECT_FALSE(std::filesystem::exists(dir + "/in/new"));
}

TEST_F(Sandbox, AllThreadsUseMemoryLocksAndTime)
{
    for (const sandbox_kind kind : KINDS)
        allowed(kind, [] {
            for (size_t size = 1; size < (64u << 20); size *= 3) {
                char *small = static_cast<char *>(std::malloc(size));
                std::memset(small, 1, size);
                small = static_cast<char *>(std::realloc(small, size * 2));
                std::free(small);
            }
            g_usleep(1000);
            GMutex lock;
            GCond cond;
            g_mutex_init(&lock);
            g_cond_init(&cond);
            g_mutex_lock(&lock);
            const bool timed_out = !g_cond_wait_until(&cond, &lock, g_get_monotonic_time() + 1000);
            g_mutex_unlock(&lock);
            unsigned char random[4];
            std::fprintf(stdout, "%s", "");
            return timed_out && g_strerror(ENOENT) && getentropy(random, sizeof(random)) == 0 && raise(0) == 0;
        });
}

TEST_F(Sandbox, ThreadsStartWhereTheyAreNeeded)
{
    for (const sandbox_kind kind : {SANDBOX_ENGINE, SANDBOX_VCPU, SANDBOX_VFIO_SERVER, SANDBOX_DISPLAY, SANDBOX_MAKER}) {
        allowed(kind, [] {
            int done = 0;
            std::thread([&done] { done = 1; }).join();
            return done == 1;
        });
        if (kind != SANDBOX_DISPLAY)
            forbidden(kind, "socket", [] { std::thread([] { prctl(PR_SET_NAME, "culprit"); socket(AF_PACKET, SOCK_RAW, 0); }).join(); });
    }
}

TEST_F(Sandbox, VcpuLoadsLibraries)
{
    // Not one that this program has.
    allowed(SANDBOX_VCPU, [] { return dlopen("libanl.so.1", RTLD_NOW) || dlopen("libcapstone.so.4", RTLD_NOW); });
}

TEST_F(Sandbox, ShareIsUsable)
{
    const std::string in = dir + "/in";
    allowed(SANDBOX_FILES, [&] {
        const int root = open(in.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), proc = open("/proc/self/fd", O_PATH | O_DIRECTORY);
        const int hold = openat(root, "file", O_PATH | O_NOFOLLOW);
        const int fd = openat(proc, std::to_string(hold).c_str(), O_RDWR | O_TRUNC);
        return fd >= 0 && write(fd, "x", 1) == 1 && mkdirat(root, "made", 0755) == 0 && symlinkat("file", root, "link") == 0 &&
               renameat(root, "file", root, "made/file") == 0 && linkat(proc, std::to_string(hold).c_str(), root, "second", AT_SYMLINK_FOLLOW) == 0 &&
               fchmodat(proc, std::to_string(hold).c_str(), 0640, 0) == 0 && unlinkat(root, "second", 0) == 0 &&
               unlinkat(root, "sub", AT_REMOVEDIR) == 0;
    });
    EXPECT_EQ(std::filesystem::file_size(in + "/made/file"), 1u);
    if (!landlock)
        return;
    const Outcome outcome = as(SANDBOX_FILES, [&] {
        return opens(in + "/made/file", O_RDONLY) && !opens(in + "/made/file", O_RDWR) && !opens(in + "/new", O_WRONLY | O_CREAT) &&
               unlinkat(AT_FDCWD, (in + "/made/file").c_str(), 0) != 0;
    }, true);
    EXPECT_EQ(outcome.status, 0) << outcome.words;
}

TEST_F(Sandbox, ProcSelfIsUsableByAnOrdinaryUser)
{
    if (geteuid() != 0)
        GTEST_SKIP() << "only root can become an ordinary user (run it as root); who is one already has this shown by the other tests";
    ASSERT_EQ(chmod(dir.c_str(), 0755), 0);
    ASSERT_EQ(chown((dir + "/in").c_str(), 65534, 65534), 0);
    const std::string in = dir + "/in";
    const Outcome outcome = in_child([&] {
        if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
            return 98;
        const int root = open(in.c_str(), O_PATH | O_DIRECTORY), proc = open("/proc/self/fd", O_PATH | O_DIRECTORY);
        sandbox_begin();
        const sandbox_thread thread = {SANDBOX_FILES, in.c_str(), false};
        sandbox_enter(&thread);
        const int hold = openat(root, "file", O_PATH);
        return openat(proc, std::to_string(hold).c_str(), O_RDONLY) >= 0 ? 0 : errno;
    });
    EXPECT_EQ(outcome.status, 0) << std::strerror(outcome.status) << outcome.words;
}

TEST_F(Sandbox, OutputsReplaceFiles)
{
    const std::string path = dir + "/in/picture";
    for (const sandbox_kind kind : {SANDBOX_MAIN, SANDBOX_VFIO_SERVER})
        for (int time = 0; time < 2; time++)
            allowed(kind, [&] { return g_file_set_contents(path.c_str(), "pixels", 6, nullptr); });
    EXPECT_EQ(std::filesystem::file_size(path), 6u);
}

TEST_F(Sandbox, MainLoopRemovesSocketsAndGroupsAndNothingElse)
{
    const std::string sockets = dir + "/in", groups = dir + "/out";
    std::filesystem::create_directories(groups + "/vm/vcpu0");
    const Outcome outcome = in_child([&] {
        sandbox_begin();
        sandbox_allow(SANDBOX_SOCKET, sockets.c_str());
        sandbox_allow(SANDBOX_GROUP, groups.c_str());
        sandbox_allow(SANDBOX_OUTPUT, "/no/such/directory");
        const sandbox_thread thread = {SANDBOX_MAIN, nullptr, false};
        sandbox_enter(&thread);
        const bool done = unlink((sockets + "/file").c_str()) == 0 && rmdir((groups + "/vm/vcpu0").c_str()) == 0 && rmdir((groups + "/vm").c_str()) == 0;
        const bool kept = unlink((groups + "/file").c_str()) != 0 && rmdir((sockets + "/sub").c_str()) != 0 && !opens(sockets + "/new", O_WRONLY | O_CREAT);
        return done ? kept ? 0 : 2 : 1;
    });
    EXPECT_EQ(outcome.status, landlock ? 0 : 2) << outcome.words;
}

namespace {

bool binds(const std::string &path)
{
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0 && listen(fd, 1) == 0;
    close(fd);
    return bound;
}

} // namespace

TEST_F(Sandbox, MakerListensInItsFolderAndWhatItStartsIsConfined)
{
    const std::string sockets = dir + "/in", elsewhere = dir + "/out";
    const Outcome outcome = in_child([&] {
        struct Job {
            std::string inside, outside;
            int result;
        } job = {sockets + "/a.sock", elsewhere + "/b.sock", 1};
        sandbox_begin();
        sandbox_allow(SANDBOX_LISTEN, sockets.c_str());
        sandbox_maker *maker = sandbox_maker_create();
        const sandbox_thread main_thread = {SANDBOX_MAIN, nullptr, false};
        sandbox_enter(&main_thread);
        for (int time = 0; time < 2; time++)
            sandbox_maker_call(maker, [](void *opaque) {
                Job *job = static_cast<Job *>(opaque);
                job->result = (binds(job->inside) && unlink(job->inside.c_str()) == 0 ? 0 : 1) | (binds(job->outside) ? 2 : 0);
            }, &job);
        int started = 0;
        sandbox_maker_call(maker, [](void *opaque) {
            sandbox_call(SANDBOX_ENGINE, [](void *count) { std::thread([count] { ++*static_cast<int *>(count); }).join(); }, opaque);
            std::thread([opaque] { // as libvncserver looks for names
                const sandbox_thread screen = {SANDBOX_DISPLAY, nullptr, false};
                sandbox_enter(&screen);
                if (socket(AF_INET, SOCK_DGRAM, 0) < 0 && socket(AF_NETLINK, SOCK_RAW, 0) < 0 && socket(AF_UNIX, SOCK_STREAM, 0) < 0)
                    ++*static_cast<int *>(opaque);
            }).join();
            std::thread([opaque] {
                const sandbox_thread server = {SANDBOX_VFIO_SERVER, nullptr, false};
                sandbox_enter(&server);
                ++*static_cast<int *>(opaque);
            }).join();
        }, &started);
        sandbox_maker_destroy(maker);
        return job.result | (started == 3 ? 0 : 4);
    });
    EXPECT_EQ(outcome.status, landlock ? 0 : 2) << outcome.words;
    const Outcome engine = in_child([] {
        sandbox_begin();
        sandbox_maker *maker = sandbox_maker_create();
        sandbox_maker_call(maker, [](void *) { sandbox_call(SANDBOX_DEVICE, [](void *) { socket(AF_UNIX, SOCK_STREAM, 0); }, nullptr); }, nullptr);
        return 0;
    });
    EXPECT_EQ(engine.status, EXIT_VMM_FAILURE) << "what the maker starts has its own list too";
}

TEST_F(Sandbox, NetworkHasInternetSockets)
{
    allowed(SANDBOX_NETWORK, [] {
        const int fd = socket(AF_INET, SOCK_DGRAM, 0);
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return fd >= 0 && bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0;
    });
}

TEST_F(Sandbox, ThreadsOfACallAreConfinedAndTheCallerIsNot)
{
    const Outcome outcome = in_child([] {
        sandbox_begin();
        int what = 0;
        sandbox_call(SANDBOX_ENGINE, [](void *opaque) {
            std::thread([opaque] { *static_cast<int *>(opaque) = prctl(PR_GET_SECCOMP) == -1 ? 2 : 1; }).join();
        }, &what);
        return what;
    });
    EXPECT_EQ(outcome.status, EXIT_VMM_FAILURE) << "even asking for the mode is not in the list";
    EXPECT_NE(outcome.words.find("prctl"), std::string::npos) << outcome.words;
    const Outcome caller = in_child([] {
        sandbox_begin();
        sandbox_call(SANDBOX_ENGINE, [](void *) {}, nullptr);
        return opens("/etc/passwd", O_RDONLY) ? 0 : 1;
    });
    EXPECT_EQ(caller.status, 0) << caller.words;
}

TEST_F(Sandbox, ProcessLeavesNoCoreAndGetsNoPrivileges)
{
    const Outcome outcome = in_child([] {
        rlimit core = {1, 1};
        sandbox_begin();
        getrlimit(RLIMIT_CORE, &core);
        return core.rlim_max == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1;
    });
    EXPECT_EQ(outcome.status, 0) << outcome.words;
}

TEST(SandboxOff, CallsDoNothingBeforeBegin)
{
    const Outcome outcome = in_child([] {
        const sandbox_thread thread = {SANDBOX_MAIN, nullptr, false};
        bool called = false;
        sandbox_allow(SANDBOX_OUTPUT, "/");
        sandbox_enter(&thread);
        sandbox_call(SANDBOX_ENGINE, [](void *opaque) { *static_cast<bool *>(opaque) = true; }, &called);
        return called && socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : 1;
    });
    EXPECT_EQ(outcome.status, 0);
}

TEST(SandboxOff, RenouncingIsLoud)
{
    const Outcome outcome = in_child([] {
        sandbox_renounce();
        return 0;
    });
    EXPECT_NE(outcome.words.find("WARNING: --no-sandbox"), std::string::npos);
}

} // namespace
