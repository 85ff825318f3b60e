// SPDX-License-Identifier: GPL-2.0-or-later
// For the tests of the vfio-user server and client: a PCI function that records what is done to it, a client that puts its messages together byte by
// byte (from the protocol's description, without the product's structures, so that a wrong layout is found), and small helpers.
#ifndef MEDIANT_TESTS_VFIO_USER_FAKES_H
#define MEDIANT_TESTS_VFIO_USER_FAKES_H

#include "eventually.h"
#include "gpu/pci/pci_device.h"
#include "vmm/vfio_user/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <dirent.h>
#include <functional>
#include <mutex>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace vfio_user_fakes {

using Bytes = std::vector<uint8_t>;

inline unsigned open_descriptors()
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

inline int memory_file(uint64_t size)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    EXPECT_EQ(ftruncate(fd, static_cast<off_t>(size)), 0);
    return fd;
}

// Events since the last call.
inline uint64_t events(int fd)
{
    uint64_t count = 0;
    return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

struct Access {
    char what; // r, w: BAR; R, W: config
    unsigned bar;
    uint64_t offset;
    size_t len;
    bool operator==(const Access &) const = default;
};

// 16 MiB of registers that keep what is written, a 64-bit prefetchable BAR, an I/O BAR, MSI, INTA.
class FakeDevice {
  public:
    static constexpr uint64_t BAR0_BYTES = 4 << 20, BAR2_BYTES = 1 << 20, BAR4_BYTES = 64;
    static constexpr unsigned MSI = 0xac;

    pci_device pci = {}; // first
    std::atomic<unsigned> resets{0};
    std::atomic<bool> destroyed{false};
    std::function<void()> when_destroyed; // what else ends then: nothing of the device uses its host any more

    FakeDevice()
    {
        pci_identity id = {};
        id.vendor = 0x8086;
        id.device = 0x1912;
        id.class_code = 0x030000;
        id.interrupt_pin = 1;
        pci.ops = &ops;
        pci.name = "fake";
        pci_config_init(&pci.config, &id);
        pci_config_add_bar(&pci.config, 0, PCI_BAR_MEM64, BAR0_BYTES);
        pci_config_add_bar(&pci.config, 2, PCI_BAR_MEM64_PREF, BAR2_BYTES);
        pci_config_add_bar(&pci.config, 4, PCI_BAR_IO, BAR4_BYTES);
        pci_config_add_msi(&pci.config, MSI);
        pci_config_set(&pci.config, 0x50, 2, 0x1c0);
        pci_config_set_writable(&pci.config, 0xfc, 4, 0xffffffff);
        memory[0].resize(BAR0_BYTES);
        memory[2].resize(BAR2_BYTES);
        memory[4].resize(BAR4_BYTES);
    }
    // What the device does at each BAR access, on the thread of that access.
    void when_written(std::function<void(unsigned bar, uint64_t offset)> action)
    {
        std::lock_guard guard(mutex);
        on_write = std::move(action);
    }
    void when_read(std::function<void()> action)
    {
        std::lock_guard guard(mutex);
        on_read = std::move(action);
    }
    std::vector<Access> take_accesses()
    {
        std::lock_guard guard(mutex);
        return std::exchange(accesses, {});
    }
    uint32_t config(unsigned offset, unsigned size)
    {
        std::lock_guard guard(mutex);
        return pci_config_get(&pci.config, offset, size);
    }
    Bytes content(unsigned bar, uint64_t offset, size_t len)
    {
        std::lock_guard guard(mutex);
        return Bytes(memory[bar].begin() + static_cast<long>(offset), memory[bar].begin() + static_cast<long>(offset + len));
    }
    void fill(unsigned bar, uint64_t offset, const Bytes &data)
    {
        std::lock_guard guard(mutex);
        std::copy(data.begin(), data.end(), memory[bar].begin() + static_cast<long>(offset));
    }
    bool dma_read(uint64_t addr, void *data, size_t len) { return dma_space_read(pci.host->dma, addr, data, len); }
    bool dma_write(uint64_t addr, const void *data, size_t len) { return dma_space_write(pci.host->dma, addr, data, len); }
    void msi()
    {
        uint64_t addr;
        uint32_t data;
        mutex.lock();
        bool enabled = pci_config_msi(&pci.config, &addr, &data);
        mutex.unlock();
        if (enabled)
            pci.host->msi(pci.host, addr, data);
    }
    void intx(bool level) { pci.host->intx(pci.host, level); }

  private:
    std::mutex mutex;
    std::vector<Access> accesses;
    Bytes memory[PCI_BARS];
    std::function<void(unsigned bar, uint64_t offset)> on_write;
    std::function<void()> on_read;

    static FakeDevice *of(pci_device *dev) { return reinterpret_cast<FakeDevice *>(dev); }
    void record(char what, unsigned bar, uint64_t offset, size_t len)
    {
        if (accesses.size() < 100000)
            accesses.push_back({what, bar, offset, len});
    }
    static const pci_device_ops ops;
};

inline const pci_device_ops FakeDevice::ops = {
    [](pci_device *dev, pci_host *host) { dev->host = host; },
    [](pci_device *dev, unsigned offset, unsigned size) {
        EXPECT_TRUE(size == 1 || size == 2 || size == 4);
        EXPECT_EQ(offset % size, 0u);
        EXPECT_LE(offset + size, unsigned{PCI_CONFIG_SIZE});
        std::lock_guard guard(of(dev)->mutex);
        of(dev)->record('R', 0, offset, size);
        return pci_config_read(&dev->config, offset, size);
    },
    [](pci_device *dev, unsigned offset, unsigned size, uint32_t value) {
        EXPECT_TRUE(size == 1 || size == 2 || size == 4);
        EXPECT_EQ(offset % size, 0u);
        EXPECT_LE(offset + size, unsigned{PCI_CONFIG_SIZE});
        of(dev)->mutex.lock();
        of(dev)->record('W', 0, offset, size);
        bool moved = pci_config_write(&dev->config, offset, size, value);
        of(dev)->mutex.unlock();
        if (moved)
            dev->host->decode_changed(dev->host);
    },
    [](pci_device *dev, unsigned bar, uint64_t offset, void *data, size_t len) {
        FakeDevice *fake = of(dev);
        ASSERT_LT(bar, unsigned{PCI_BARS});
        ASSERT_LE(offset, fake->memory[bar].size());
        ASSERT_LE(len, fake->memory[bar].size() - offset);
        fake->mutex.lock();
        fake->record('r', bar, offset, len);
        memcpy(data, fake->memory[bar].data() + offset, len);
        auto action = fake->on_read;
        fake->mutex.unlock();
        if (action)
            action();
    },
    [](pci_device *dev, unsigned bar, uint64_t offset, const void *data, size_t len) {
        FakeDevice *fake = of(dev);
        ASSERT_LT(bar, unsigned{PCI_BARS});
        ASSERT_LE(offset, fake->memory[bar].size());
        ASSERT_LE(len, fake->memory[bar].size() - offset);
        fake->mutex.lock();
        fake->record('w', bar, offset, len);
        memcpy(fake->memory[bar].data() + offset, data, len);
        auto action = fake->on_write;
        fake->mutex.unlock();
        if (action)
            action(bar, offset);
    },
    [](pci_device *dev) {
        std::lock_guard guard(of(dev)->mutex);
        pci_config_reset(&dev->config);
        of(dev)->resets++;
    },
    [](pci_device *dev) {
        if (of(dev)->when_destroyed)
            of(dev)->when_destroyed();
        of(dev)->destroyed = true;
    },
    nullptr,
};

// A message's body, field by field.
class Body {
  public:
    Bytes bytes;

    Body &u8(uint64_t v) { return put(v, 1); }
    Body &u16(uint64_t v) { return put(v, 2); }
    Body &u32(uint64_t v) { return put(v, 4); }
    Body &u64(uint64_t v) { return put(v, 8); }
    Body &raw(const Bytes &data)
    {
        bytes.insert(bytes.end(), data.begin(), data.end());
        return *this;
    }
    Body &text(const std::string &s) { return raw(Bytes(s.begin(), s.end())); }
    Body &zeroes(size_t count) { return raw(Bytes(count)); }

  private:
    Body &put(uint64_t v, unsigned size)
    {
        for (unsigned i = 0; i < size; i++)
            bytes.push_back(static_cast<uint8_t>(v >> 8 * i));
        return *this;
    }
};

inline uint64_t get(const Bytes &bytes, size_t offset, unsigned size)
{
    uint64_t v = 0;
    EXPECT_LE(offset + size, bytes.size());
    for (unsigned i = 0; i < size && offset + i < bytes.size(); i++)
        v |= uint64_t{bytes[offset + i]} << 8 * i;
    return v;
}

enum { VERSION = 1, DMA_MAP, DMA_UNMAP, GET_INFO, GET_REGION_INFO, GET_REGION_IO_FDS, GET_IRQ_INFO, SET_IRQS, REGION_READ, REGION_WRITE, READ_DMA,
       WRITE_DMA, RESET, DIRTY_PAGES, WRITE_MULTI, DEVICE_FEATURE, MIG_DATA_READ, MIG_DATA_WRITE };
enum { NO_REPLY = 0x10, IS_REPLY = 1, IS_ERROR = 0x20 };

// A whole message as it was received: the header's fields and what follows it.
struct Message {
    uint16_t id = 0, command = 0;
    uint32_t size = 0, flags = 0, error = 0;
    Bytes body;
    std::vector<int> fds;
};

inline sockaddr_un address_of(const std::string &path)
{
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return address;
}

// One end of a connection: a raw client, or a raw server (for what the client is tested against).
class Peer {
  public:
    int fd = -1;
    uint16_t next_id = 0x4711;

    Peer() = default;
    explicit Peer(int socket) : fd(socket) { set_timeout(); }
    explicit Peer(const std::string &path)
    {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address = address_of(path);
        if (connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0)
            disconnect();
        else
            set_timeout();
    }
    Peer(Peer &&other) noexcept : fd(std::exchange(other.fd, -1)), next_id(other.next_id) {}
    ~Peer() { disconnect(); }
    void disconnect()
    {
        if (fd >= 0)
            close(fd);
        fd = -1;
    }

    static Bytes header(uint16_t id, uint16_t command, uint32_t size, uint32_t flags, uint32_t error = 0)
    {
        return Body().u16(id).u16(command).u32(size).u32(flags).u32(error).bytes;
    }
    // Sends bytes as they are; false when the other side is gone.
    bool send_bytes(const Bytes &bytes, const std::vector<int> &fds = {}, int flags = 0)
    {
        Bytes control(CMSG_SPACE(sizeof(int) * std::max(fds.size(), size_t{1})));
        iovec iov = {const_cast<uint8_t *>(bytes.data()), bytes.size()};
        msghdr msg = {};
        msg.msg_iov = &iov;
        msg.msg_iovlen = 1;
        if (!fds.empty()) {
            msg.msg_control = control.data();
            msg.msg_controllen = control.size();
            cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
            cmsg->cmsg_level = SOL_SOCKET;
            cmsg->cmsg_type = SCM_RIGHTS;
            cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
            memcpy(CMSG_DATA(cmsg), fds.data(), sizeof(int) * fds.size());
        }
        size_t done = 0;
        while (done < bytes.size()) {
            iov = {const_cast<uint8_t *>(bytes.data()) + done, bytes.size() - done};
            ssize_t sent = sendmsg(fd, &msg, MSG_NOSIGNAL | flags);
            if (sent <= 0)
                return false;
            done += static_cast<size_t>(sent);
            msg.msg_control = nullptr;
            msg.msg_controllen = 0;
        }
        return true;
    }
    bool send(uint16_t command, const Body &body, const std::vector<int> &fds = {}, uint32_t flags = 0)
    {
        Bytes bytes = header(++next_id, command, static_cast<uint32_t>(16 + body.bytes.size()), flags);
        bytes.insert(bytes.end(), body.bytes.begin(), body.bytes.end());
        return send_bytes(bytes, fds);
    }
    // The next message; nothing when the other side has closed (or is silent for ten seconds, which is a failure).
    std::optional<Message> receive()
    {
        Message m;
        Bytes head(16);
        if (!receive_bytes(head, m.fds))
            return std::nullopt;
        m.id = static_cast<uint16_t>(get(head, 0, 2));
        m.command = static_cast<uint16_t>(get(head, 2, 2));
        m.size = static_cast<uint32_t>(get(head, 4, 4));
        m.flags = static_cast<uint32_t>(get(head, 8, 4));
        m.error = static_cast<uint32_t>(get(head, 12, 4));
        EXPECT_GE(m.size, 16u);
        EXPECT_LE(m.size, 16u + (1 << 20) + 4096);
        m.body.resize(m.size - 16);
        if (!m.body.empty() && !receive_bytes(m.body, m.fds))
            return std::nullopt;
        return m;
    }
    // Sends and receives the answer to it; an empty message (size 0) when there is none.
    Message ask(uint16_t command, const Body &body, const std::vector<int> &fds = {})
    {
        if (!send(command, body, fds))
            return {};
        std::optional<Message> reply = receive();
        if (!reply)
            return {};
        EXPECT_EQ(reply->id, next_id);
        EXPECT_EQ(reply->command, command);
        EXPECT_EQ(reply->flags & 0xf, uint32_t{IS_REPLY});
        EXPECT_TRUE(reply->flags & IS_ERROR ? reply->body.empty() : reply->error == 0);
        return *reply;
    }
    // 0 when it went well, the error of the reply, or -1 when there was none.
    int result(uint16_t command, const Body &body, const std::vector<int> &fds = {})
    {
        Message reply = ask(command, body, fds);
        return reply.size == 0 ? -1 : reply.flags & IS_ERROR ? static_cast<int>(reply.error) : 0;
    }
    // True when the other side closes, after no more than what it had sent before.
    bool closed()
    {
        while (std::optional<Message> m = receive())
            ;
        return !timed_out;
    }

  private:
    bool timed_out = false;

    void set_timeout()
    {
        timeval ten_seconds = {10, 0};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ten_seconds, sizeof(ten_seconds));
    }
    bool receive_bytes(Bytes &bytes, std::vector<int> &fds)
    {
        size_t done = 0;
        while (done < bytes.size()) {
            alignas(cmsghdr) char control[CMSG_SPACE(64 * sizeof(int))];
            iovec iov = {bytes.data() + done, bytes.size() - done};
            msghdr msg = {};
            msg.msg_iov = &iov;
            msg.msg_iovlen = 1;
            msg.msg_control = control;
            msg.msg_controllen = sizeof(control);
            ssize_t got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
            if (got <= 0) {
                timed_out = got < 0 && errno == EAGAIN;
                EXPECT_FALSE(timed_out) << "the other side is silent";
                return false;
            }
            for (cmsghdr *cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
                for (size_t i = 0; i < (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                    int one;
                    memcpy(&one, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
                    fds.push_back(one);
                }
            done += static_cast<size_t>(got);
        }
        return true;
    }
};

// A folder for sockets, and a server for a fake device in it.
class Served : public testing::Test {
  protected:
    std::string folder, path;
    FakeDevice device;
    vfio_user_server *server = nullptr;
    std::mutex mutex;
    std::vector<std::string> complaints;
    std::atomic<unsigned> connected{0}, left{0};

    Served()
    {
        char *made = g_dir_make_tmp("vfio-user-XXXXXX", nullptr);
        folder = made;
        g_free(made);
        path = folder + "/socket";
    }
    ~Served() override
    {
        stop();
        unlink(path.c_str());
        EXPECT_EQ(rmdir(folder.c_str()), 0) << "something is left in " << folder;
    }
    void stop() { vfio_user_server_destroy(std::exchange(server, nullptr)); }
    vfio_user_server_config config()
    {
        vfio_user_server_config config = {};
        config.name = "test";
        config.path = path.c_str();
        config.dev = &device.pci;
        config.connected = [](void *p) { static_cast<Served *>(p)->connected++; };
        config.leaving = [](void *p) { static_cast<Served *>(p)->left++; };
        config.complain = [](void *p, const char *text) {
            auto *self = static_cast<Served *>(p);
            std::lock_guard guard(self->mutex);
            self->complaints.push_back(text);
        };
        config.opaque = this;
        return config;
    }
    void start()
    {
        GError *error = nullptr;
        vfio_user_server_config c = config();
        server = vfio_user_server_create(&c, &error);
        ASSERT_TRUE(server) << error->message;
    }
    bool complained(const std::string &part)
    {
        std::lock_guard guard(mutex);
        return std::any_of(complaints.begin(), complaints.end(), [&](const std::string &c) { return c.find(part) != std::string::npos; });
    }
    size_t complaint_count()
    {
        std::lock_guard guard(mutex);
        return complaints.size();
    }
};

} // namespace vfio_user_fakes

#endif
