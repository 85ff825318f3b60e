// SPDX-License-Identifier: GPL-2.0-or-later
// What a trapped access costs through a vfio-user socket: a 4-byte read of a register, sent and answered, by our server with a vGPU and by one that does nothing
// but the protocol's framing, each in a process of its own; and how many posted writes the vGPU's server takes. All on one processor, as it is the servers that
// are compared and not how the system places them, and interleaved. Prints one line of JSON for each figure: medians.
//   bench_vfio_user [ROUNDS]
#include "gpu/defs/registers.h"
#include "vmm/vfio_user/client.h"
#include "vmm/vfio_user/protocol.h"
#include "vmm/vfio_user/server.h"

#include "bench_vgpu.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned READS = 400;    // of each server in a round
constexpr unsigned WRITES = 20000; // of each kind in a round
constexpr unsigned BATCH = 64;     // writes in one REGION_WRITE_MULTI

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char *what)
{
    perror(what);
    exit(1);
}

// Whole messages, as plainly as it can be done.
bool receive(int fd, std::vector<uint8_t> &message)
{
    uint32_t size;
    if (recv(fd, message.data(), 16, MSG_WAITALL) != 16)
        return false;
    memcpy(&size, message.data() + 4, 4);
    return size == 16 || (size > 16 && size <= message.size() && recv(fd, message.data() + 16, size - 16, MSG_WAITALL) == static_cast<ssize_t>(size - 16));
}

[[noreturn]] void serve_nothing(int fd)
{
    std::vector<uint8_t> message(4096);
    vfio_user_header header;
    while (receive(fd, message)) {
        memcpy(&header, message.data(), sizeof(header));
        header.flags = VFIO_USER_FLAG_REPLY;
        header.size = sizeof(header) + sizeof(vfio_user_region_access) + 4;
        memcpy(message.data(), &header, sizeof(header));
        if (send(fd, message.data(), header.size, MSG_NOSIGNAL) != static_cast<ssize_t>(header.size))
            break;
    }
    _exit(0);
}

[[noreturn]] void serve_vgpu(const std::string &path)
{
    GError *error = nullptr;
    trace *events = trace_create(0);
    BenchVgpu bench(events);
    vfio_user_server_config server = {};
    server.name = "bench";
    server.path = path.c_str();
    server.dev = vgpu_pci(bench.v);
    server.complain = [](void *, const char *text) { fprintf(stderr, "bench_vfio_user: %s\n", text); };
    check(vfio_user_server_create(&server, &error), error);
    for (;;)
        pause();
}

// A process of its own, which ends with this one.
template <typename Serve> pid_t in_child(Serve serve)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve();
    }
    return pid;
}

int connect_to(const std::string &path)
{
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    for (unsigned i = 0; i < 1000; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0)
            return fd;
        close(fd);
        usleep(10000);
    }
    die("the server does not come up");
}

void send_message(int fd, uint16_t command, uint32_t flags, const void *body, size_t len)
{
    std::vector<uint8_t> message(sizeof(vfio_user_header) + len);
    vfio_user_header header = {1, command, static_cast<uint32_t>(message.size()), flags, 0};
    memcpy(message.data(), &header, sizeof(header));
    memcpy(message.data() + sizeof(header), body, len);
    if (send(fd, message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size()))
        die("send");
}

void agree(int fd)
{
    const char body[] = "\0\0\0\0{\"capabilities\":{\"write_multiple\":true}}";
    std::vector<uint8_t> reply(4096);
    send_message(fd, VFIO_USER_VERSION, 0, body, sizeof(body));
    if (!receive(fd, reply))
        die("the server does not agree on the version");
}

void read_register(int fd, std::vector<uint8_t> &reply)
{
    const vfio_user_region_access access = {R_SWF_ILK, 0, 4};
    send_message(fd, VFIO_USER_REGION_READ, 0, &access, sizeof(access));
    if (!receive(fd, reply))
        die("receive");
}

void time_reads(int fd, std::vector<double> &us)
{
    std::vector<uint8_t> reply(4096);
    for (unsigned i = 0; i < READS; i++) {
        auto start = Clock::now();
        read_register(fd, reply);
        us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
}

// Posted writes in a second, counted until the server has done the last one.
template <typename Send> double rate(int fd, Send send_some)
{
    std::vector<uint8_t> reply(4096);
    auto start = Clock::now();
    for (unsigned sent = 0; sent < WRITES;)
        sent += send_some();
    read_register(fd, reply);
    return WRITES / std::chrono::duration<double>(Clock::now() - start).count();
}

double single_writes(int fd)
{
    struct {
        vfio_user_region_access access;
        uint32_t value;
    } write = {{R_SWF_ILK, 0, 4}, 0};
    return rate(fd, [&] {
        write.value++;
        send_message(fd, VFIO_USER_REGION_WRITE, VFIO_USER_FLAG_NO_REPLY, &write, sizeof(write.access) + 4);
        return 1u;
    });
}

double multi_writes(int fd)
{
    struct {
        uint64_t count;
        vfio_user_write_one writes[BATCH];
    } writes = {};
    writes.count = BATCH;
    for (vfio_user_write_one &write : writes.writes)
        write = {R_SWF_ILK, 0, 4, {}};
    return rate(fd, [&] {
        send_message(fd, VFIO_USER_REGION_WRITE_MULTI, VFIO_USER_FLAG_NO_REPLY, &writes, sizeof(writes));
        return BATCH;
    });
}

void stay_on_this_processor()
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0)
        die("sched_setaffinity");
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// The same read, as our own machine makes it.
void time_client(pci_device *dev, std::vector<double> &us)
{
    uint32_t value;
    for (unsigned i = 0; i < READS; i++) {
        auto start = Clock::now();
        dev->ops->bar_read(dev, 0, R_SWF_ILK, &value, sizeof(value));
        us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
}

} // namespace

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? std::max(1, atoi(argv[1])) : 25;
    char folder[] = "/tmp/bench-vfio-user-XXXXXX";
    int pair[2];
    GError *error = nullptr;
    if (!mkdtemp(folder) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        die(folder);
    std::string path = std::string(folder) + "/vgpu", second = std::string(folder) + "/own";
    stay_on_this_processor();
    // Before there are threads here.
    const pid_t children[] = {in_child([&] { serve_vgpu(path); }), in_child([&] { serve_vgpu(second); }), in_child([&] {
                                  close(pair[0]);
                                  serve_nothing(pair[1]);
                              })};
    close(pair[1]);

    int vgpu_fd = connect_to(path);
    close(connect_to(second));
    agree(vgpu_fd);
    vfio_user_client_config config = {};
    config.path = second.c_str();
    pci_device *client = check(vfio_user_client_create(&config, &error), error);

    std::vector<double> by_vgpu, by_nothing, by_client, single, multi;
    for (unsigned i = 0; i < rounds; i++) {
        time_reads(vgpu_fd, by_vgpu);
        time_reads(pair[0], by_nothing);
        time_client(client, by_client);
        single.push_back(single_writes(vgpu_fd));
        multi.push_back(multi_writes(vgpu_fd));
    }
    printf("{\"figure\": \"vfio_user_read_us\", \"vgpu\": %.2f, \"nothing\": %.2f, \"ratio\": %.2f, \"own_client\": %.2f}\n", median(by_vgpu),
           median(by_nothing), median(by_vgpu) / median(by_nothing), median(by_client));
    printf("{\"figure\": \"vfio_user_posted_writes_per_s\", \"single\": %.0f, \"multi\": %.0f}\n", median(single), median(multi));

    client->ops->destroy(client);
    for (pid_t child : children) {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    unlink(path.c_str());
    unlink(second.c_str());
    rmdir(folder);
}
